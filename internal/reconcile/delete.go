package reconcile

import (
	"cmp"
	"context"
	"crypto/sha256"
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
	a.endedIn(c, studio.DeleteFailed, AlarmDelete)
	if err := a.deleteNext(ctx, c); err != nil {
		a.alarm(AlarmDelete, fmt.Sprintf("profile %s cannot be deleted: %v", c.Profile, err))
		a.refused = append(a.refused, refusal{NoticeFailed, c, plan.FailedAt, err})
		a.left = errors.Join(a.left, fmt.Errorf("%s profile %s of %s in %s: %w", c.Kind, c.Profile, a.seen.person.User.Label(), c.Domain, err))
		a.result.again(failedAgain, "the deletion failed")
	}
	return nil
}

// endedIn tells that SageMaker took a step and failed in it, once several looks
// in a row have come upon that: the step itself is tried again at each of them.
func (a *applier) endedIn(c plan.Change, status studio.ProfileStatus, code string) {
	p, _ := a.profile(c.Profile)
	if p.Status != status || a.tries < quickTries {
		return
	}
	err := fmt.Errorf("SageMaker ended in %s: %s", status, cmp.Or(p.FailureReason, "no reason given"))
	a.alarm(code, fmt.Sprintf("profile %s: %v", c.Profile, err))
	a.refused = append(a.refused, refusal{NoticeFailed, c, plan.FailedAt, err})
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
		}
	}
	if !due {
		return nil
	}
	digest := sha256.New()
	fmt.Fprintln(digest, plan.Begun, c.Kind, c.Profile, c.Reasons)
	return a.daily(ctx, digest, func() error { return a.record(ctx, c, plan.Begun, nil) })
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
	a.result.Changes = append(a.result.Changes, c)
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
			errs = append(errs, fmt.Errorf("SageMaker ended in %s for space %s", s.Status, s.Name))
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
	return wrap(err, "delete space %s", s.Name)
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
