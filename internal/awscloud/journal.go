package awscloud

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"studiokeeper/internal/plan"
)

// The journal's keys. A user's entries lie under the user, where their head does too, and a copy of each
// under the day, so that what happened to everybody is read with a query for each day.
const (
	journalUser = "journal#"
	journalDay  = "journalday#"
	journalHead = "head" // sorts after every time
)

const (
	// appendRounds bounds how often Append starts over because another process appended for the same user.
	appendRounds = 20
	// appendWait is how long it waits before that at most, times the round.
	appendWait = 10 * time.Millisecond
	// keptHeads is of how many users the end of the chain is remembered.
	keptHeads = 10_000
)

// heads remembers where chains ended when this process last appended. What it does not know, or no longer
// knows rightly, costs one more call.
type heads struct {
	mu   sync.Mutex
	kept map[string]*chainEnd
}

// chainEnd is the end of one user's chain; zero before the first entry.
type chainEnd struct {
	turn chan struct{} // holds one token: of this process one appends at a time
	at   plan.Head
}

// of finds the end of a user's chain. When there are too many, all are forgotten.
func (h *heads) of(userID string) *chainEnd {
	h.mu.Lock()
	defer h.mu.Unlock()
	if end, ok := h.kept[userID]; ok {
		return end
	}
	if h.kept == nil || len(h.kept) >= keptHeads {
		h.kept = map[string]*chainEnd{}
	}
	end := &chainEnd{turn: make(chan struct{}, 1)}
	h.kept[userID] = end
	return end
}

// Append implements reconcile.Journal. It guesses where the user's chain ends, and takes the end from the
// refusal when that was wrong: usually one call, and two after somebody else appended.
func (s *State) Append(ctx context.Context, e plan.Entry) (plan.Entry, error) {
	end := s.heads.of(e.Change.UserID)
	select {
	case end.turn <- struct{}{}:
		defer func() { <-end.turn }()
	case <-ctx.Done():
		return e, fmt.Errorf("writing the journal entry of %s for user %s: %w", e.Change.Kind, e.Change.UserID, ctx.Err())
	}
	w := appending{s: s, writer: rand.Text()}
	for round := range appendRounds {
		if err := s.pause(ctx, round); err != nil {
			return e, fmt.Errorf("writing the journal entry of %s for user %s: %w", e.Change.Kind, e.Change.UserID, err)
		}
		sealed := plan.Seal(e, end.at.Seq, end.at.Digest)
		is, done, err := w.put(ctx, sealed, end.at)
		if err != nil {
			return e, err
		}
		end.at = is
		if done {
			return sealed, nil
		}
	}
	return e, s.request("TransactWriteItems", headKey(e.Change.UserID)).failed(
		fmt.Errorf("others kept appending for the same user, %d times: %w", appendRounds, ErrChanged), nil)
}

// pause lets others go first who are after the same chain: the first rounds at once, later ones after a
// while that differs for each.
func (s *State) pause(ctx context.Context, round int) error {
	if round < 2 {
		return ctx.Err()
	}
	t := time.NewTimer(s.jitter(appendWait * time.Duration(round)))
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// appending is one Append. The writer's mark tells a head of our own, whose answer was lost, from that of
// an entry that says the same.
type appending struct {
	s      *State
	writer string
}

// put writes entry, copy and head at once, or says where the chain ends instead. The SDK gives the
// transaction a ClientRequestToken, by which DynamoDB recognises one that is repeated.
func (w appending) put(ctx context.Context, e plan.Entry, after plan.Head) (is plan.Head, done bool, err error) {
	of := w.s.request("TransactWriteItems", headKey(e.Change.UserID))
	text, err := e.Text()
	if err != nil {
		return plan.Head{}, false, of.failed(err, nil)
	}
	head, entry, day := w.head(e, after), w.s.putNew(entryItem(e, string(text), w.writer)), w.s.putNew(dayItem(e, string(text)))
	_, err = w.s.client().TransactWriteItems(ctx, &dynamodb.TransactWriteItemsInput{
		TransactItems: []types.TransactWriteItem{{Put: &head}, {Put: &entry}, {Put: &day}},
	})
	mine := plan.Head{Seq: e.Seq, Digest: e.Digest}
	if err == nil {
		return mine, true, nil
	}
	changed, _, other := cancelled(err, 3)
	switch {
	case other != nil:
		return plan.Head{}, false, of.failed(other, nil)
	case len(changed) == 0:
		return plan.Head{}, false, of.failed(err, nil)
	}
	is, writer, err := w.s.endNow(ctx, e.Change.UserID, err)
	switch {
	case err != nil:
		return plan.Head{}, false, err
	case is == mine && writer == w.writer:
		return mine, true, nil // ours, whose first answer was lost
	case is == after && !slices.Contains(changed, 0):
		return plan.Head{}, false, of.failed(fmt.Errorf("an item with the key of entry %d is there already, and none is ever written over: %w", e.Seq, ErrChanged), nil)
	}
	return is, false, nil
}

// head puts the chain's new end, if it still ends where it was thought to. It never expires.
func (w appending) head(e plan.Entry, after plan.Head) types.Put {
	it := headKey(e.Change.UserID)
	it["seq"], it["digest"], it["writer"] = number(e.Seq), text(e.Digest), text(w.writer)
	put := w.s.putNew(it)
	if after.Seq != 0 {
		put.ConditionExpression = aws.String("#seq = :seq AND #digest = :digest")
		put.ExpressionAttributeNames = map[string]string{"#seq": "seq", "#digest": "digest"}
		put.ExpressionAttributeValues = item{":seq": number(after.Seq), ":digest": text(after.Digest)}
	}
	put.ReturnValuesOnConditionCheckFailure = types.ReturnValuesOnConditionCheckFailureAllOld
	return put
}

// putNew writes an item that is not there yet.
func (s *State) putNew(it item) types.Put {
	return types.Put{
		TableName: &s.Table, Item: it, ConditionExpression: aws.String("attribute_not_exists(#pk)"),
		ExpressionAttributeNames: map[string]string{"#pk": "pk"},
	}
}

// endNow is where a chain ends, as the refusal says, or else as the table does; zero when there is no head.
func (s *State) endNow(ctx context.Context, userID string, refusal error) (is plan.Head, writer string, err error) {
	var it item
	if refused, ok := errors.AsType[*types.TransactionCanceledException](refusal); ok {
		it = refused.CancellationReasons[0].Item
	}
	if len(it) == 0 {
		// Another transaction was under way, or somebody deleted the head.
		if it, err = s.get(ctx, headKey(userID)); err != nil || it == nil {
			return plan.Head{}, "", err
		}
	}
	if is, err = headOf(it); err != nil {
		return plan.Head{}, "", s.request("TransactWriteItems", headKey(userID)).broken(
			"%w; delete the item: the chain then begins anew, and journal verify tells of it", err)
	}
	return is, stringOf(it, "writer"), nil
}

func headKey(userID string) item { return key(journalUser+userID, journalHead) }

func headOf(it item) (plan.Head, error) {
	seq, err := numberOf(it, "seq")
	if err == nil && (seq < 1 || stringOf(it, "digest") == "") {
		err = fmt.Errorf("attributes seq and digest: want a number above 0 and a digest, found %d and %q", seq, stringOf(it, "digest"))
	}
	return plan.Head{Seq: seq, Digest: stringOf(it, "digest")}, err
}

// entryItem is an entry under its user. The entry is kept as JSON, with domain, kind and outcome beside it
// for those who look at the table itself. It has no expiry.
func entryItem(e plan.Entry, json, random string) item {
	it := key(journalUser+e.Change.UserID, e.Time.UTC().Format(sortedTime)+"#"+random)
	return described(it, e, json)
}

// dayItem is the copy under its day.
func dayItem(e plan.Entry, json string) item {
	at := e.Time.UTC()
	return described(key(journalDay+at.Format(time.DateOnly), fmt.Sprintf("%s#%s#%d", at.Format(sortedTime), e.Change.UserID, e.Seq)), e, json)
}

func described(it item, e plan.Entry, json string) item {
	it["entry"] = text(json)
	it["domain"], it["kind"], it["outcome"] = text(e.Change.Domain), text(string(e.Change.Kind)), text(string(e.Outcome))
	return it
}
