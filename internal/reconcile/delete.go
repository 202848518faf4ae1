package reconcile

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"studiokeeper/internal/plan"
	"studiokeeper/internal/studio"
)

// The codes of Result.Alarms.
const (
	AlarmTags       = "tags-removed"      // a profile that we managed lost its tags; its person is not entitled
	AlarmDelete     = "delete-failed"     // a leaver's profile, or a space of theirs, cannot be deleted
	AlarmQuarantine = "quarantine-failed" // a leaver keeps the role: the quarantine role cannot be put
)

// alarm notes what a person has to see to, once for each code.
func (a *applier) alarm(code, text string) {
	if !slices.ContainsFunc(a.result.Alarms, func(r plan.Reason) bool { return r.Code == code }) {
		a.result.Alarms = append(a.result.Alarms, plan.Reason{Code: code, Text: text})
	}
}

// delete ends an offboarding: apps, then private spaces, then the profile. Each
// look does what can be done, and none waits.
func (a *applier) delete(ctx context.Context, c plan.Change) error {
	a.undone = true
	if err := a.unassignBegun(ctx, c); err != nil {
		return err
	}
	if a.left != nil {
		return nil // as long as the person could still sign in, or run something
	}
	if until := a.admittedAt.Add(a.r.Grace); a.r.Now().Before(until) {
		return nil // the mark is older than this leaving: somebody set it, or it was left behind
	}
	if err := a.endedIn(ctx, c, studio.DeleteFailed, AlarmDelete); err != nil {
		return err
	}
	if err := a.deleteNext(ctx, c); err != nil {
		if !crowdedOnly(err) { // else it goes on within seconds
			a.alarm(AlarmDelete, fmt.Sprintf("profile %q cannot be deleted: %v", c.Profile, err))
			a.refused = append(a.refused, refusal{NoticeFailed, c, plan.FailedAt, err})
		}
		a.left = errors.Join(a.left, fmt.Errorf("%s profile %q of %s in %s: %w", c.Kind, c.Profile, a.seen.person.User.Label(), c.Domain, err))
		a.result.again(failedAgain, "the deletion failed")
	}
	return nil
}

// endedIn tells that SageMaker took a step and failed in it, once several looks
// in a row have come upon that, and from then on at every look: the step itself is
// tried again at each of them.
func (a *applier) endedIn(ctx context.Context, c plan.Change, status studio.ProfileStatus, code string) error {
	p, _ := a.profile(c.Profile)
	if p.Status != status {
		return nil
	}
	failure := fmt.Errorf("SageMaker ended in %s: %s", status, cmp.Or(p.FailureReason, "no reason given"))
	failed := refusal{NoticeFailed, c, plan.FailedAt, failure}
	if a.tries < quickTries {
		told, err := a.r.Journal.Told(ctx, a.result.Key, digest(failed))
		if err != nil || !told {
			return wrap(err, "look up what was told of user %s", a.result.Key.UserID)
		}
	}
	a.alarm(code, fmt.Sprintf("profile %q: %v", c.Profile, failure))
	a.refused = append(a.refused, failed)
	return nil
}

// deleteNext takes the next step of a deletion that can be taken.
func (a *applier) deleteNext(ctx context.Context, c plan.Change) error {
	running, err := a.stopApps(ctx, c, time.Time{}, studio.StopApps)
	if err != nil || running {
		return err
	}
	spaces, err := a.spaces(ctx, c.Profile)
	if err != nil {
		return err
	}
	if shared := sharedOf(spaces); len(shared) > 0 && !a.r.DeleteShared {
		a.holdShared(c, shared)
		return nil
	}
	if err := a.foretell(ctx, c, spaces); err != nil {
		return err
	}
	if len(spaces) > 0 {
		return a.deleteSpaces(ctx, spaces)
	}
	err = a.r.Remover.DeleteProfile(ctx, a.t.Domain, c.Profile)
	if errors.Is(err, ErrBusy) {
		a.result.again(a.wait(appsAgain), "SageMaker still has apps or spaces of the profile")
		return nil
	}
	if err != nil {
		return err
	}
	a.result.again(readyAgain, "the profile is being deleted")
	return nil
}

// foretell journals what is about to be deleted, and where the files stay:
// afterwards nothing tells any more. Trying again adds nothing to it for a day.
func (a *applier) foretell(ctx context.Context, c plan.Change, spaces []studio.Space) error {
	p, _ := a.profile(c.Profile)
	c.Reasons = append(slices.Clone(c.Reasons), plan.Reason{Code: "home", Text: fmt.Sprintf("the files stay on file system %s under uid %s", a.seen.facts.FileSystem, p.HomeUID)})
	due := len(spaces) == 0
	for _, s := range spaces {
		if s.Status != studio.Deleting {
			due = true
			c.Reasons = append(c.Reasons, plan.Reason{Code: "space", Text: "space " + s.Name + " is deleted with its volume"})
			a.result.Names = append(a.result.Names, s.Name)
		}
	}
	if !due {
		return nil
	}
	return a.daily(ctx, digest(refusal{change: c, outcome: plan.Begun}), func() error { return a.record(ctx, c, plan.Begun, nil) })
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
	a.result.Changes, a.result.Names = append(a.result.Changes, c), append(a.result.Names, shared...)
	a.refuse(NoticeRefused, c, plan.Refused)
}

// deleteSpaces deletes what the profile owns: private spaces, and shared ones
// where the configuration says so. One that cannot be deleted yet is left for
// the next look, and stands in the way of no other.
func (a *applier) deleteSpaces(ctx context.Context, spaces []studio.Space) error {
	a.result.again(a.wait(appsAgain), fmt.Sprintf("%d spaces are being deleted", len(spaces)))
	var errs []error
	for _, s := range spaces {
		if s.Status == studio.Deleting {
			continue
		}
		if s.Status == studio.DeleteFailed && a.tries >= quickTries {
			errs = append(errs, fmt.Errorf("SageMaker ended in %s for space %q", s.Status, s.Name))
		}
		errs = append(errs, a.deleteSpace(ctx, s))
	}
	return errors.Join(errs...)
}

func (a *applier) deleteSpace(ctx context.Context, s studio.Space) error {
	if s.Shared {
		if busy, err := a.stopSpace(ctx, s); err != nil || busy {
			return err
		}
	}
	err := a.r.Remover.DeleteSpace(ctx, a.t.Domain, s.Name)
	if errors.Is(err, ErrBusy) {
		return nil // it is still being made, or something was started in it
	}
	return wrap(err, "delete space %q", s.Name)
}

func (a *applier) stopSpace(ctx context.Context, s studio.Space) (busy bool, err error) {
	apps, err := a.r.Spaces.SpaceApps(ctx, a.t.Domain, s.Name)
	if err != nil {
		return false, fmt.Errorf("list the apps of space %q: %w", s.Name, err)
	}
	for _, app := range apps {
		if app.Status == studio.AppDeleting {
			continue
		}
		if err := a.r.AppWriter.StopApp(ctx, a.t.Domain, app); err != nil {
			return false, fmt.Errorf("stop app %s %s in space %q: %w", app.Type, app.Name, s.Name, err)
		}
	}
	return len(apps) > 0, nil
}
