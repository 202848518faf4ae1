package reconcile

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"studiokeeper/internal/plan"
	"studiokeeper/internal/studio"
)

// Waits while apps run or end.
const (
	appsAgain = 10 * time.Second // apps are being deleted
	idleAgain = 5 * time.Minute  // apps run, and the domain waits for them

	failedAgain = 5 * time.Minute // a part of an offboarding failed
)

// unsettled stands for the role of a profile whose role is being changed.
const unsettled = "-"

// foresee keeps the index of managed profiles in step with the plan, before
// the plan is carried out: a run that is cut off leaves a name too many, never
// a profile that nobody finds again.
func (a *applier) foresee(ctx context.Context, changes []plan.Change) error {
	want := a.seen.remembered
	for _, p := range a.seen.person.Profiles {
		if p.Owner(a.r.Deployment, a.r.Formerly) == studio.Ours && p.Tags[studio.TagUserID] == a.result.Key.UserID {
			want.Profile, want.GroupID = p.Name, p.Tags[studio.TagGroup]
		}
	}
	changing := func(c plan.Change) bool { return !c.Kind.Reports() }
	if a.t.Domain.Mode != studio.Observe && slices.ContainsFunc(changes, changing) {
		if err := a.r.enrol(ctx, a.t); err != nil {
			return err
		}
	}
	for _, c := range changes {
		if c.After == nil || c.Kind.Removes() || c.Group == "" || a.t.Domain.Mode == studio.Observe {
			continue
		}
		want.Profile, want.GroupID = c.Profile, c.Group
		if c.Kind != plan.Tag {
			want.Ready = false
		}
	}
	return a.remember(ctx, want)
}

// settled ends a change of role: the tag that says what was applied is written
// only when nothing runs any more that may have the old role.
func (a *applier) settled(ctx context.Context, c plan.Change) error {
	if !studio.SameRole(c.Before.Tags[studio.TagApplied], c.After.Role) || a.seen.remembered.Role == unsettled {
		running, err := a.stopEarlier(ctx, c)
		if err != nil {
			return a.finish(ctx, c, err)
		}
		if running {
			return nil
		}
	}
	return a.finish(ctx, c, a.tag(ctx, c))
}

// stopEarlier stops the apps that were created before the profile was first
// seen in service with its role. It answers whether any is left.
func (a *applier) stopEarlier(ctx context.Context, c plan.Change) (bool, error) {
	first := a.seen.remembered.Role != c.After.Role
	if err := a.seenWith(ctx, c.After.Role); err != nil {
		return false, err
	}
	if first && a.bulk {
		// The others are seen meanwhile: one listing then serves all.
		a.undone = true
		a.result.again(a.wait(readyAgain), "what still runs is looked for")
		return true, nil
	}
	since := a.seen.remembered.Since
	how := a.t.Domain.OnRoleChange
	if a.result.Verdict.Standing != plan.Entitled {
		how = studio.StopApps
	}
	running, err := a.stopApps(ctx, c, since, how)
	if running {
		a.undone = true
		// Not settled yet: the next look has to look for them again.
		want := a.seen.remembered
		want.Ready = false
		err = errors.Join(err, a.remember(ctx, want))
	}
	return running, err
}

// seenWith remembers since when the profile has a role.
func (a *applier) seenWith(ctx context.Context, role string) error {
	want := a.seen.remembered
	if want.Role != role || want.Since.IsZero() {
		want.Role, want.Since = role, a.r.Now().UTC()
	}
	return a.remember(ctx, want)
}

// stopApps ends the apps that were created before a time, all of them when it
// is zero, or waits for them. It answers whether any is left.
func (a *applier) stopApps(ctx context.Context, c plan.Change, before time.Time, how studio.RoleChange) (bool, error) {
	listed := before
	if before.IsZero() {
		listed = a.r.Now().Add(-listingKept)
	}
	apps, err := a.apps(ctx, c.Profile, listed)
	if err != nil {
		return false, err
	}
	left := 0
	stopped := c
	stopped.Reasons = nil
	for _, app := range apps {
		if !before.IsZero() && app.Created.After(before) {
			continue
		}
		left++
		if app.Status == studio.AppDeleting || how == studio.WhenIdle {
			continue
		}
		if err := a.r.AppWriter.StopApp(ctx, a.t.Domain, app); err != nil {
			return false, fmt.Errorf("stop app %s %s: %w", app.Type, app.Name, err)
		}
		stopped.Reasons = append(stopped.Reasons, plan.Reason{Code: "stopped", Text: fmt.Sprintf("%s %s was stopped: it runs with an earlier role", app.Type, app.Name)})
	}
	switch {
	case left == 0:
		return false, nil
	case how == studio.WhenIdle:
		a.result.again(idleAgain, fmt.Sprintf("%d apps run with the earlier role, and the domain waits until they end", left))
	default:
		a.result.again(a.wait(appsAgain), fmt.Sprintf("%d apps with the earlier role are ending", left))
	}
	if len(stopped.Reasons) == 0 {
		return true, nil
	}
	return true, a.record(ctx, stopped, plan.Begun, nil)
}

// settle marks the person ready when the look left nothing to be done, and
// tells so once.
func (a *applier) settle(ctx context.Context) error {
	v := a.result.Verdict
	if v.Standing != plan.Entitled || a.undone || a.t.Domain.Mode == studio.Observe || a.seen.remembered.Profile == "" {
		return nil
	}
	if had := a.seen.remembered; had.Role == unsettled || !had.Ready && !had.Since.IsZero() {
		// Changed there and back before the tags told of it.
		c := plan.Change{
			Kind: plan.Update, Domain: a.t.Domain.Name, UserID: v.User.ID, UserName: v.User.UserName, Profile: a.seen.remembered.Profile,
			Before: &plan.State{Role: v.Winner.Role}, After: &plan.State{Role: v.Winner.Role}, Group: v.Winner.GroupID, Row: v.Winner.Source,
		}
		if running, err := a.stopEarlier(ctx, c); err != nil || running {
			return err
		}
	}
	a.result.ready = true
	if a.seen.remembered.Leaving {
		if err := a.r.backAgain(ctx, a.r.removals(), a.result.Key); err != nil {
			return err
		}
		want := a.seen.remembered
		want.Leaving = false
		if err := a.remember(ctx, want); err != nil {
			return err
		}
	}
	if a.seen.remembered.Changing {
		if err := a.changed(ctx); err != nil {
			return err
		}
	}
	if a.seen.remembered.Ready {
		return a.resettle(ctx)
	}
	want := a.waiting(a.seen.remembered)
	if !want.Asked.IsZero() {
		a.result.Waited = max(time.Millisecond, a.r.Now().Sub(want.Asked)) // clocks differ
	}
	want.Ready, want.Settled, want.Asked = true, a.seen.read, time.Time{}
	if want.Role != v.Winner.Role || want.Since.IsZero() {
		want.Role, want.Since = v.Winner.Role, a.r.Now().UTC()
	}
	// Told before it is remembered: rather twice than never.
	a.notify(ctx, NoticeReady, plan.Change{
		Domain: a.t.Domain.Name, UserID: v.User.ID, UserName: v.User.UserName, Profile: want.Profile,
		After: &plan.State{Role: v.Winner.Role}, Group: v.Winner.GroupID, Reasons: v.Reasons,
	})
	if err := a.remember(ctx, want); err != nil {
		return err
	}
	a.result.BecameReady = true
	return nil
}

// waiting keeps the first change of the directory that somebody waits for: looks
// that follow it, and those that our own changes make others ask for, hide it.
func (a *applier) waiting(p Person) Person {
	if !p.Ready && !p.Leaving && p.Asked.IsZero() {
		p.Asked = a.asked.UTC()
	}
	return p
}

func (a *applier) remember(ctx context.Context, want Person) error {
	want = a.waiting(want)
	want.Key = a.result.Key
	had := a.seen.remembered
	if want.same(had) || want.Profile == "" {
		return nil
	}
	if want.Profile != had.Profile {
		if err := a.r.Persons.Own(ctx, want); err != nil {
			return fmt.Errorf("remember that profile %q is user %s's: %w", want.Profile, want.UserID, err)
		}
	}
	if err := a.r.Persons.Remember(ctx, want); err != nil {
		return fmt.Errorf("remember profile %q of user %s: %w", want.Profile, want.UserID, err)
	}
	a.seen.remembered = want
	return nil
}

// same tells whether two memories say the same.
func (p Person) same(o Person) bool {
	times := p.Since.Equal(o.Since) && p.Settled.Equal(o.Settled) && p.Asked.Equal(o.Asked)
	p.Since, p.Settled, p.Asked = o.Since, o.Settled, o.Asked
	return times && p == o
}
