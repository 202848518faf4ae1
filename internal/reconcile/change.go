package reconcile

import (
	"context"
	"fmt"
	"slices"

	"studiokeeper/internal/plan"
	"studiokeeper/internal/studio"
)

// editedOf picks the change that an edited row made necessary.
func editedOf(changes []plan.Change) (plan.Change, bool) {
	at := slices.IndexFunc(changes, plan.Change.Edited)
	if at < 0 {
		return plan.Change{}, false
	}
	return changes[at], true
}

// changeOf is what is asked of the guard for a change because of an edited row.
func changeOf(k Key, c plan.Change) Removal {
	asked := Removal{
		Key: k, UserName: c.UserName, Profile: c.Profile, Target: c.Target(), From: c.Before.Role, To: c.After.Role,
	}
	at := slices.IndexFunc(c.Reasons, func(r plan.Reason) bool { return r.Code == plan.CodeEdited })
	asked.Why = c.Reasons[at].Text
	return asked
}

// withoutHeld leaves out of the changes what the guard holds: a change because of
// an edited row, and what would follow it. What only reports stays. In observe
// mode nothing is asked.
func (a *applier) withoutHeld(ctx context.Context, changes []plan.Change) ([]plan.Change, error) {
	if a.t.Domain.Mode == studio.Observe {
		return changes, nil
	}
	c, edited := editedOf(changes)
	if !edited {
		return changes, a.notWanted(ctx, changes)
	}
	admitted, err := a.changeAdmitted(ctx, c)
	if admitted || err != nil {
		return changes, err
	}
	return slices.DeleteFunc(slices.Clone(changes), func(c plan.Change) bool { return !c.Kind.Reports() }), nil
}

// changeAdmitted asks the guard about a change because of an edited row. A person
// who is held keeps what they have.
func (a *applier) changeAdmitted(ctx context.Context, c plan.Change) (bool, error) {
	if !a.seen.remembered.Changing {
		want := a.seen.remembered
		want.Profile, want.Changing = c.Profile, true
		if err := a.remember(ctx, want); err != nil {
			return false, err
		}
	}
	decided, err := a.r.guard(ctx, a.r.changes(), changeOf(a.result.Key, c), 1)
	if err != nil || decided.Decision == Admitted {
		return err == nil, err
	}
	a.heldBack(decided, c, NoticeChangeHeld)
	return false, nil
}

// heldBack notes that a step is held, or was rejected.
func (a *applier) heldBack(decided Removal, c plan.Change, notice string) plan.Change {
	a.result.Held, a.result.HeldOf = decided.Decision == Held, decided.What()
	text := decided.Reason
	if decided.Decision == Rejected {
		text = fmt.Sprintf("a person rejected it until %s: %s", decided.Until.UTC().Format("2006-01-02"), decided.Reason)
	}
	a.result.HeldWhy = text
	c.Reasons = append(slices.Clone(c.Reasons), plan.Reason{Code: string(decided.Decision), Text: text})
	a.refuse(notice, c, plan.HeldBack)
	return c
}

// notWanted drops what was decided about a change that is not wanted any more:
// the row was edited back, or the person's memberships have the say now. One
// that is being carried out ends when the person is settled.
func (a *applier) notWanted(ctx context.Context, changes []plan.Change) error {
	if !a.seen.remembered.Changing || a.result.Verdict.Standing == plan.Unclear {
		return nil
	}
	has := func(k plan.Kind) bool {
		return slices.ContainsFunc(changes, func(c plan.Change) bool { return c.Kind == k })
	}
	underWay := !a.seen.remembered.Ready || has(plan.Wait) || has(plan.Unreadable)
	if a.result.Verdict.Standing == plan.Entitled && underWay && !has(plan.Update) {
		return nil
	}
	return a.changed(ctx)
}

// changed ends the story of a change because of an edited row.
func (a *applier) changed(ctx context.Context) error {
	if err := a.r.backAgain(ctx, a.r.changes(), a.result.Key); err != nil {
		return err
	}
	want := a.seen.remembered
	want.Changing = false
	return a.remember(ctx, want)
}

// resettle remembers anew that a person has everything, where a row was edited
// since: that edit is not what a later change is made for.
func (a *applier) resettle(ctx context.Context) error {
	want := a.seen.remembered
	if !a.seen.person.Edits.Pending(want.Settled) {
		return nil
	}
	want.Settled = a.seen.read
	return a.remember(ctx, want)
}
