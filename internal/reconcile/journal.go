package reconcile

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"studiokeeper/internal/plan"
)

// note journals what is part of no look at one person: a group's sign-in, or
// what a person decided. Its digest goes to the log, as those of looks do.
func (r *Reconciler) note(ctx context.Context, c plan.Change, outcome plan.Outcome, cause error, by plan.Trigger) error {
	e := plan.Entry{Time: r.Now().UTC(), Change: c, Outcome: outcome, Trigger: by}
	if cause != nil {
		e.Error = cause.Error()
	}
	sealed, err := r.Journal.Append(ctx, e)
	if err != nil {
		return fmt.Errorf("write the journal: %w", err)
	}
	r.Log.InfoContext(ctx, string(c.Kind), "outcome", outcome, "user", c.UserID, "domain", c.Domain, "group", c.Group,
		"trigger", by.ID, "seq", sealed.Seq, "digest", sealed.Digest)
	return nil
}

// noteHeld journals once a day that a group's sign-in stays, although no row
// gives it.
func (r *Reconciler) noteHeld(ctx context.Context, k Key, c plan.Change, decided Removal, by plan.Trigger) error {
	what := string(decided.Decision)
	told, err := r.Journal.Told(ctx, k, what)
	if err != nil || told {
		return wrap(err, "look up what was told of %s", k.UserID)
	}
	c.Reasons = append(slices.Clone(c.Reasons), plan.Reason{Code: what, Text: decided.Reason})
	if err := r.note(ctx, c, plan.HeldBack, nil, by); err != nil {
		return err
	}
	return wrap(r.Journal.Tell(ctx, k, what), "remember what was told of %s", k.UserID)
}

func outcomeOf(err error) plan.Outcome {
	if err != nil {
		return plan.FailedAt
	}
	return plan.Done
}

// Decide stores what a person decided about a removal or change that is held, and
// journals who did, about whom and why: before, so that no decision goes
// unsigned, and after, by how it ended.
func (r *Reconciler) Decide(ctx context.Context, was, decided Removal, by plan.Trigger) error {
	c := plan.Change{
		Kind: plan.Approve, Domain: decided.Domain, UserID: decided.UserID, UserName: decided.UserName, Profile: decided.Profile, Group: decided.GroupOf(),
		Before: &plan.State{Status: string(was.Decision)}, After: &plan.State{Status: string(decided.Decision)},
		Reasons: []plan.Reason{{Code: string(decided.What()), Text: decided.Why}, {Code: "decision", Text: decided.Reason}},
	}
	if decided.What() == plan.Changes {
		c.Before.Role, c.After.Role = decided.From, decided.To
	}
	if decided.Decision == Rejected {
		c.Kind = plan.Reject
		c.Reasons[1].Text = strings.TrimSuffix("until "+decided.Until.UTC().Format("2006-01-02")+": "+decided.Reason, ": ")
	}
	if err := r.note(ctx, c, plan.Begun, nil, by); err != nil {
		return err
	}
	err := r.guardedBy(decided).kept.Decide(ctx, decided)
	return errors.Join(err, r.note(ctx, c, outcomeOf(err), err, by))
}

// Verified is what checking the journal came to.
type Verified struct {
	Problems []plan.Problem `json:"problems"` // never null
	Users    int            `json:"users"`
	Entries  int            `json:"entries"`
}

// VerifyJournal checks the chains of everybody, or of one user. What seems
// wrong is read once more, and counts only if it still is: entries may be
// appended while the chains are read.
func VerifyJournal(ctx context.Context, journal JournalReader, userID string) (Verified, error) {
	v, err := verify(ctx, journal, userID)
	if err != nil || len(v.Problems) == 0 {
		return v, err
	}
	again, err := verify(ctx, journal, userID)
	if err != nil {
		return Verified{}, err
	}
	again.Problems = slices.DeleteFunc(again.Problems, func(p plan.Problem) bool {
		return !slices.ContainsFunc(v.Problems, func(q plan.Problem) bool { return p.UserID == q.UserID && p.Seq == q.Seq && p.What == q.What })
	})
	return again, nil
}

func verify(ctx context.Context, journal JournalReader, userID string) (Verified, error) {
	chains, strays, err := journal.Chains(ctx, userID)
	if err != nil {
		return Verified{}, fmt.Errorf("read the journal: %w", err)
	}
	v := Verified{Problems: []plan.Problem{}, Users: len(chains)}
	for _, c := range chains {
		v.Entries += len(c.Links)
		v.Problems = append(v.Problems, c.Check()...)
	}
	v.Problems = append(v.Problems, strays...)
	return v, nil
}
