package reconcile

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"studiokeeper/internal/plan"
	"studiokeeper/internal/studio"
)

// admitted asks the guard about a step that takes something away. A person who
// is held keeps what they have; the later steps of their plan are left out.
func (a *applier) admitted(ctx context.Context, c plan.Change) (bool, error) {
	if !a.seen.remembered.Leaving {
		want := a.seen.remembered
		want.Profile, want.Leaving, want.Ready = c.Profile, true, false
		if err := a.remember(ctx, want); err != nil {
			return false, err
		}
	}
	decided, err := a.r.guard(ctx, a.result.Key, c, 1)
	if err != nil {
		return false, err
	}
	a.admittedAt = decided.At
	if decided.Decision == Admitted {
		return true, nil
	}
	a.stopped, a.result.Held = true, decided.Decision == Held
	text := decided.Reason
	if decided.Decision == Rejected {
		text = fmt.Sprintf("a person rejected it until %s: %s", decided.Until.UTC().Format("2006-01-02"), decided.Reason)
	}
	a.result.HeldWhy = text
	c.Reasons = append(slices.Clone(c.Reasons), plan.Reason{Code: string(decided.Decision), Text: text})
	a.refuse(NoticeHeld, c, plan.HeldBack)
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
	return a.finish(ctx, c, a.tag(ctx, c))
}

// unassign takes back the assignment of the user that we made. One that was
// there already, or a group's, is not this person's to lose.
func (a *applier) unassign(ctx context.Context) error {
	p := Principal{ID: a.result.Key.UserID}
	known, ours, err := a.r.Assignments.Assigned(ctx, a.t.Domain.Name, p)
	if err != nil || !known {
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
	running, err := a.stopApps(ctx, c, time.Time{}, studio.StopApps)
	switch {
	case err != nil:
		return a.later(ctx, c, err)
	case running:
		a.undone, a.stopped = true, true
		return nil
	}
	if err := a.put(ctx, c); err != nil {
		a.left = errors.Join(a.left, err)
		a.undone = true
		a.result.again(failedAgain, "the quarantine role could not be put")
	}
	return nil
}

// delete ends an offboarding: apps, then private spaces, then the profile. Each
// look does what can be done, and none waits.
func (a *applier) delete(ctx context.Context, c plan.Change) error {
	a.undone = true
	if a.left != nil {
		return nil // as long as the person could still sign in, or run something
	}
	if until := a.admittedAt.Add(a.r.Grace); a.r.Now().Before(until) {
		return nil // the mark is older than this leaving: somebody set it, or it was left behind
	}
	running, err := a.stopApps(ctx, c, time.Time{}, studio.StopApps)
	if err != nil || running {
		return a.failed(ctx, c, err)
	}
	spaces, err := a.spaces(ctx, c.Profile)
	if err != nil {
		return a.failed(ctx, c, err)
	}
	if shared := sharedOf(spaces); len(shared) > 0 && !a.r.DeleteShared {
		a.holdShared(c, shared)
		return nil
	}
	if len(spaces) > 0 {
		return a.failed(ctx, c, a.deleteSpaces(ctx, c, spaces))
	}
	// Recorded before: afterwards nothing tells any more whose files they were.
	p, _ := a.profile(c.Profile)
	c.Reasons = append(slices.Clone(c.Reasons), plan.Reason{Code: "home", Text: fmt.Sprintf("the files stay on file system %s under uid %s", a.seen.facts.FileSystem, p.HomeUID)})
	if err := a.record(ctx, c, plan.Begun, nil); err != nil {
		return err
	}
	err = a.r.Remover.DeleteProfile(ctx, a.t.Domain, c.Profile)
	if errors.Is(err, ErrBusy) {
		a.result.again(appsAgain, "SageMaker still has apps or spaces of the profile")
		return nil
	}
	if err != nil {
		return a.finish(ctx, c, err)
	}
	a.result.again(readyAgain, "the profile is being deleted")
	return nil
}

// failed journals an error, and nothing else.
func (a *applier) failed(ctx context.Context, c plan.Change, err error) error {
	if err == nil {
		return nil
	}
	return a.finish(ctx, c, err)
}

func sharedOf(spaces []studio.Space) []string {
	var names []string
	for _, s := range spaces {
		if s.Shared {
			names = append(names, s.Name)
		}
	}
	return names
}

// holdShared keeps the profile, powerless, while it owns shared spaces: they
// are others' work too, and would go with it.
func (a *applier) holdShared(c plan.Change, shared []string) {
	c.Kind = plan.Conflict
	c.Reasons = append(slices.Clone(c.Reasons), plan.Reason{Code: "shared-space", Text: fmt.Sprintf(
		"the profile owns the shared spaces %s, which others work in; copy what is needed and delete them, or set offboarding.sharedSpaces: delete", strings.Join(shared, ", "))})
	a.refuse(NoticeRefused, c, plan.Refused)
}

// deleteSpaces deletes what the profile owns: private spaces, and shared ones
// where the configuration says so.
func (a *applier) deleteSpaces(ctx context.Context, c plan.Change, spaces []studio.Space) error {
	c.Reasons = slices.Clone(c.Reasons)
	for _, s := range spaces {
		if s.Status == studio.Deleting {
			continue
		}
		if s.Shared {
			if busy, err := a.stopSpace(ctx, s); err != nil || busy {
				a.result.again(appsAgain, "apps in shared space "+s.Name+" are ending")
				if err != nil {
					return err
				}
				continue
			}
		}
		err := a.r.Remover.DeleteSpace(ctx, a.t.Domain, s.Name)
		switch {
		case errors.Is(err, ErrBusy):
			continue
		case err != nil:
			return fmt.Errorf("delete space %s: %w", s.Name, err)
		}
		c.Reasons = append(c.Reasons, plan.Reason{Code: "space", Text: "space " + s.Name + " is deleted with its volume"})
	}
	a.result.again(appsAgain, fmt.Sprintf("%d spaces are being deleted", len(spaces)))
	if len(c.Reasons) > 0 && c.Reasons[len(c.Reasons)-1].Code == "space" {
		return a.record(ctx, c, plan.Begun, nil)
	}
	return nil
}

func (a *applier) stopSpace(ctx context.Context, s studio.Space) (busy bool, err error) {
	apps, err := a.r.Spaces.SpaceApps(ctx, a.t.Domain, s.Name)
	if err != nil {
		return false, fmt.Errorf("list the apps of space %s: %w", s.Name, err)
	}
	for _, app := range apps {
		if app.Status == studio.AppDeleting {
			continue
		}
		if err := a.r.AppWriter.StopApp(ctx, a.t.Domain, app); err != nil {
			return false, fmt.Errorf("stop app %s %s in space %s: %w", app.Type, app.Name, s.Name, err)
		}
	}
	return len(apps) > 0, nil
}

// gone ends the story of a person whose profile no longer exists.
func (a *applier) gone(ctx context.Context) error {
	had := a.seen.remembered
	if a.result.Verdict.Standing != plan.Leaving || had.Profile == "" || len(a.seen.person.Profiles) > 0 || a.t.Domain.Mode == studio.Observe {
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
		if err := a.r.backAgain(ctx, a.result.Key); err != nil {
			return err
		}
	}
	return wrap(a.r.Persons.Forget(ctx, a.result.Key), "forget %s", a.result.Key.UserID)
}

// returned ends an offboarding that is undone: the mark goes last.
func (a *applier) returned(ctx context.Context, c plan.Change) error {
	if a.undone {
		return nil // once role, apps and tags are as they should be
	}
	p, found := a.profile(c.Profile)
	if !found {
		return fmt.Errorf("profile %s was not read, so its mark stays", c.Profile)
	}
	return a.finish(ctx, c, a.r.Remover.Untag(ctx, a.t.Domain, p, studio.TagLeaving))
}
