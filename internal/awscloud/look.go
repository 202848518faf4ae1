package awscloud

import (
	"cmp"
	"context"
	"time"
)

// lookKept is how long after its time a next look is remembered: longer than SQS keeps any message, so
// that a sequence never comes round again while an old message is under way.
const lookKept = 30 * 24 * time.Hour

// lookLost is how long after its time a look's message must be lost. Until then it may still be on its way,
// and a second one would only be one too many.
const lookLost = 5 * time.Minute

func lookKey(subject string) item { return key("look#"+subject, "look") }

// Schedule implements reconcile.Looks with one conditional write: of several callers at once exactly one
// moves the look, and gets the new sequence. The writer's mark lets a repeated write,
// whose first answer was lost, win again instead of being beaten by itself. Times are compared in
// milliseconds.
func (s *State) Schedule(ctx context.Context, subject, writer string, now, due time.Time) (int64, error) {
	is, moved, err := s.update(ctx, lookKey(subject),
		"SET #due = :due, #writer = :writer, #expires = :expires ADD #sequence :one",
		"attribute_not_exists(#pk) OR #due > :due OR #due <= :lost OR #writer = :writer",
		map[string]string{"#pk": "pk", "#due": "due", "#writer": "writer", "#expires": "expires", "#sequence": "sequence"},
		item{
			":due": number(due.UnixMilli()), ":lost": number(now.Add(-lookLost).UnixMilli()), ":one": number(1),
			":writer": text(writer), ":expires": number(due.Add(lookKept).Unix()),
		})
	if err != nil || !moved {
		return 0, err
	}
	sequence, err := numberOf(is, "sequence")
	if err != nil {
		return 0, s.request("UpdateItem", lookKey(subject)).broken("%w", err)
	}
	return sequence, nil
}

// Begin implements reconcile.Looks. A message may come a moment before its time by this clock, so the time
// is taken away: otherwise the look that is being made would stand in the way of the next. What has begun
// may begin again, also when it has planned its successor: a run that was cut off may have planned it and
// not sent it.
func (s *State) Begin(ctx context.Context, subject string, sequence int64) (bool, error) {
	_, current, err := s.update(ctx, lookKey(subject), "SET #due = :spent, #begun = :sequence", "#sequence = :sequence",
		map[string]string{"#due": "due", "#begun": "begun", "#sequence": "sequence"}, item{":spent": number(0), ":sequence": number(sequence)})
	if err != nil || current {
		return current, err
	}
	it, err := s.get(ctx, lookKey(subject))
	if err != nil || it["begun"] == nil {
		return false, err
	}
	begun, err := numberOf(it, "begun")
	if err != nil {
		return false, s.request("GetItem", lookKey(subject)).broken("%w", err)
	}
	return begun == sequence, nil
}

// askedKept is how long a count of requests may be forgotten after its minute.
const askedKept = time.Hour

// Ask implements reconcile.Looks with one conditional write where a minute begins, and two within one. Of
// several that begin one at once, one does.
func (s *State) Ask(ctx context.Context, subject string, now time.Time) (int64, time.Time, error) {
	of := key("ask#"+subject, "ask")
	names := map[string]string{"#since": "since", "#count": "count", "#expires": "expires"}
	minute, next := number(now.Add(-time.Minute).UnixMilli()), number(now.UnixMilli())
	expires := number(now.Add(askedKept).Unix())
	for range acquireRounds {
		is, counted, err := s.update(ctx, of, "SET #since = :now, #count = :one, #expires = :expires",
			"attribute_not_exists(#since) OR #since <= :minute", names,
			item{":minute": minute, ":now": next, ":one": number(1), ":expires": expires})
		if err == nil && !counted {
			is, counted, err = s.update(ctx, of, "SET #expires = :expires ADD #count :one", "#since > :minute", names,
				item{":minute": minute, ":one": number(1), ":expires": expires})
		}
		if err != nil {
			return 0, time.Time{}, err
		}
		if !counted {
			continue
		}
		count, err := numberOf(is, "count")
		since, err2 := numberOf(is, "since")
		if err = cmp.Or(err, err2); err != nil {
			return 0, time.Time{}, s.request("UpdateItem", of).broken("%w", err)
		}
		return count, time.UnixMilli(since), nil
	}
	return 1, now, nil // others keep beginning minutes: one look too many does no harm
}
