package reconcile

import (
	"context"
	"errors"
	"fmt"
	"time"

	"studiokeeper/internal/plan"
	"studiokeeper/internal/studio"
)

// admitted asks the guard about a step that takes something away. A person who
// is held keeps what they have; the later steps of their plan are left out.
func (a *applier) admitted(ctx context.Context, c plan.Change) (bool, error) {
	if !a.seen.remembered.Leaving {
		want := a.seen.remembered
		want.Profile, want.Leaving, want.Ready, want.Asked = c.Profile, true, false, time.Time{}
		if err := a.remember(ctx, want); err != nil {
			return false, err
		}
	}
	decided, err := a.r.guard(ctx, a.r.removals(), removal(a.result.Key, c), 1)
	if err != nil {
		return false, err
	}
	a.admittedAt = decided.At
	if decided.Decision == Admitted {
		return true, nil
	}
	a.stopped = true
	c = a.heldBack(decided, c, NoticeHeld)
	if decided.Decision == Held && a.r.HeldLoseSignIn {
		return false, a.loseSignIn(ctx, c)
	}
	return false, nil
}

// loseSignIn takes from a person who is held the sign-in that we gave.
func (a *applier) loseSignIn(ctx context.Context, c plan.Change) error {
	_, ours, err := a.r.Assignments.Assigned(ctx, a.t.Domain.Name, Principal{ID: a.result.Key.UserID})
	switch {
	case err != nil:
		return fmt.Errorf("look up whether user %s is assigned: %w", a.result.Key.UserID, err)
	case !ours:
		return a.unassign(ctx)
	}
	c.Kind, c.After = plan.Unassign, nil
	if err := a.begin(ctx, c); err != nil {
		return err
	}
	return a.finish(ctx, c, a.unassign(ctx))
}

// revoke marks the profile. The steps after it take the sign-in away, stop what
// runs and take the role.
func (a *applier) revoke(ctx context.Context, c plan.Change) error {
	if err := a.finish(ctx, c, a.tag(ctx, c)); err != nil {
		return err
	}
	return a.unassignBegun(ctx, c)
}

// unassignBegun takes back a sign-in that a run which was cut off began to give:
// no plan knows of it.
func (a *applier) unassignBegun(ctx context.Context, c plan.Change) error {
	known, ours, err := a.r.Assignments.Assigned(ctx, a.t.Domain.Name, Principal{ID: a.result.Key.UserID})
	if err == nil && (known || !ours) {
		return nil
	}
	c.Kind, c.After = plan.Unassign, nil
	if err == nil {
		err = a.unassign(ctx)
	}
	return a.later(ctx, c, err)
}

// unassign takes back the assignment of the user that we made. One that was
// there already, or a group's, is not this person's to lose.
func (a *applier) unassign(ctx context.Context) error {
	p := Principal{ID: a.result.Key.UserID}
	known, ours, err := a.r.Assignments.Assigned(ctx, a.t.Domain.Name, p)
	if err != nil || !known && !ours {
		return wrap(err, "look up whether %s is assigned", p)
	}
	if ours && a.seen.facts.Application != "" {
		if err := a.r.SignIn.Unassign(ctx, a.t.Domain, a.seen.facts.Application, p); err != nil {
			return fmt.Errorf("take the sign-in of %s away: %w", p, err)
		}
	}
	return wrap(a.r.Assignments.ForgetAssignment(ctx, a.t.Domain.Name, p), "forget the assignment of %s", p)
}

// quarantine replaces the role once nothing runs with it. Where SageMaker will
// not have the new role, apps are still stopped at every look.
func (a *applier) quarantine(ctx context.Context, c plan.Change) error {
	if err := a.endedIn(ctx, c, studio.UpdateFailed, AlarmQuarantine); err != nil {
		return err
	}
	running, err := a.stopApps(ctx, c, time.Time{}, studio.StopApps)
	switch {
	case err != nil:
		err = a.finish(ctx, c, err)
	case running:
		a.undone, a.stopped = true, true
		return nil
	default:
		err = a.put(ctx, c)
	}
	if err != nil {
		if !crowdedOnly(err) { // else it goes on within seconds
			a.alarm(AlarmQuarantine, fmt.Sprintf("profile %q cannot be given the quarantine role: %v", c.Profile, err))
		}
		a.left, a.undone = errors.Join(a.left, err), true
		a.result.again(failedAgain, "the quarantine role could not be put")
	}
	return nil
}

// gone ends the story of a person whose profile no longer exists, unless their
// sign-in is left: it is held, or could not be taken.
func (a *applier) gone(ctx context.Context) error {
	had := a.seen.remembered
	if a.result.Verdict.Standing != plan.Leaving || had.Profile == "" || len(a.seen.person.Profiles) > 0 || a.undone || a.t.Domain.Mode == studio.Observe {
		return nil
	}
	if had.Leaving {
		c := plan.Change{
			Kind: plan.Delete, Domain: a.t.Domain.Name, UserID: a.result.Key.UserID, UserName: a.seen.person.User.UserName, Profile: had.Profile,
			Group: had.GroupID, Reasons: a.result.Verdict.Reasons,
		}
		if had.Role != unsettled && had.Role != "" {
			c.Before = &plan.State{Role: had.Role}
		}
		if err := a.record(ctx, c, plan.Done, nil); err != nil {
			return err
		}
		a.notify(ctx, NoticeGone, c)
		if err := a.r.backAgain(ctx, a.r.removals(), a.result.Key); err != nil {
			return err
		}
	}
	return wrap(a.r.Persons.Forget(ctx, had), "forget %s", had.UserID)
}

// returned ends an offboarding that is undone: the mark goes last.
func (a *applier) returned(ctx context.Context, c plan.Change) error {
	if a.undone {
		return nil // once role, apps and tags are as they should be
	}
	p, found := a.profile(c.Profile)
	if !found {
		return fmt.Errorf("profile %q was not read, so its mark stays", c.Profile)
	}
	return a.finish(ctx, c, a.r.Remover.Untag(ctx, a.t.Domain, p, studio.TagLeaving))
}
