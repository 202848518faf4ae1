package reconcile

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"

	"studiokeeper/internal/plan"
	"studiokeeper/internal/studio"
)

// applier takes the steps of one person's plan that can be taken now.
type applier struct {
	r       *Reconciler
	t       Target
	seen    sight
	trigger plan.Trigger
	result  *Result
	found   bool // the profiles were searched for by SSO user already
}

// apply takes the changes in order and stops at the first that fails: later
// steps of one person rest on earlier ones.
func (a *applier) apply(ctx context.Context, changes []plan.Change) error {
	if err := a.remember(ctx, changes); err != nil {
		return err
	}
	for _, c := range changes {
		if err := a.step(ctx, c); err != nil {
			return fmt.Errorf("%s profile %s of %s in %s: %w", c.Kind, c.Profile, a.seen.person.User.Label(), c.Domain, err)
		}
	}
	return nil
}

func (a *applier) step(ctx context.Context, c plan.Change) error {
	switch {
	case c.Kind == plan.Wait:
		a.result.again(c.Again, c.Reasons[len(c.Reasons)-1].Text)
		return nil
	case c.Kind.Reports():
		a.inTheWay(c)
		return a.record(ctx, c, plan.Refused, nil)
	case a.t.Domain.Mode == studio.Observe:
		return a.record(ctx, c, plan.Later, nil)
	}
	switch c.Kind {
	case plan.Create:
		return a.create(ctx, c)
	case plan.Adopt, plan.Tag:
		return a.finish(ctx, c, a.tag(ctx, c))
	case plan.Update:
		return a.update(ctx, c)
	default:
		return a.record(ctx, c, plan.Later, nil)
	}
}

// inTheWay notes whose profile stands in this user's way: it is theirs to be
// looked at, under their own lease.
func (a *applier) inTheWay(c plan.Change) {
	if c.Before == nil {
		return
	}
	other := c.Before.Tags[studio.TagUserID]
	if other != "" && other != a.result.Key.UserID && c.Reasons[len(c.Reasons)-1].Code == "name-reused" {
		a.result.others = append(a.result.others, Key{a.result.Key.Domain, other})
	}
}

func (a *applier) create(ctx context.Context, c plan.Change) error {
	err := a.r.Writer.Create(ctx, a.t.Domain, studio.Profile{
		Name: c.Profile, SSOUser: c.UserName, Role: c.After.Role, Settings: c.After.Settings, Tags: c.After.Tags,
	})
	switch {
	case errors.Is(err, ErrUserHasProfile) && !a.found:
		return a.planAround(ctx)
	case errors.Is(err, ErrNameTaken):
		// Made by an earlier attempt whose answer was lost, or by somebody else
		// this moment: the next look sees which.
		a.result.again(readyAgain, "a profile of that name appeared meanwhile")
		return nil
	case err != nil:
		return a.finish(ctx, c, err)
	}
	return a.readBack(ctx, c)
}

// planAround plans again with the profile that the user turned out to have.
func (a *applier) planAround(ctx context.Context) error {
	a.found = true
	profiles, err := a.r.reader().search(ctx, a.t, a.seen.person.User.UserName)
	if err != nil {
		return err
	}
	if len(profiles) == 0 {
		a.result.again(usedAgain, "SageMaker says the user has a profile, but lists none")
		return nil
	}
	a.seen.person.Profiles = append(a.seen.person.Profiles, profiles...)
	changes, verdict := a.r.policy(a.t).Plan(a.seen.person)
	a.result.Changes, a.result.Verdict = changes, verdict
	return a.apply(ctx, changes)
}

func (a *applier) update(ctx context.Context, c plan.Change) error {
	err := a.r.Writer.Update(ctx, a.t.Domain, c.Profile, c.After.Role, c.After.Settings)
	if errors.Is(err, ErrBusy) {
		a.result.again(usedAgain, "SageMaker refuses to change the profile while it is in use")
		return a.record(ctx, c, plan.Later, err)
	}
	if err == nil {
		err = a.tag(ctx, c)
	}
	if err != nil {
		return a.finish(ctx, c, err)
	}
	return a.readBack(ctx, c)
}

// tag writes those tags of ours that are not as they should be.
func (a *applier) tag(ctx context.Context, c plan.Change) error {
	tags := maps.Clone(c.After.Tags)
	if c.Before != nil {
		maps.DeleteFunc(tags, func(key, value string) bool {
			had, ok := c.Before.Tags[key]
			return ok && had == value
		})
	}
	if len(tags) == 0 {
		return nil
	}
	at := slices.IndexFunc(a.seen.person.Profiles, func(p studio.Profile) bool { return p.Name == c.Profile })
	if at < 0 {
		return fmt.Errorf("profile %s was not read, so it is not tagged", c.Profile)
	}
	return a.r.Writer.Tag(ctx, a.t.Domain, a.seen.person.Profiles[at], tags)
}

// readBack looks at what a write came to. SageMaker takes seconds for both
// creating and updating; then another look finishes the work.
func (a *applier) readBack(ctx context.Context, c plan.Change) error {
	p, err := a.r.Profiles.Describe(ctx, a.t.Domain, c.Profile)
	switch {
	case errors.Is(err, ErrGone):
		a.result.again(readyAgain, "the profile does not show yet")
		return a.record(ctx, c, plan.Done, nil)
	case err != nil:
		return a.finish(ctx, c, fmt.Errorf("read it back: %w", err))
	case p.Status == studio.Failed || p.Status == studio.UpdateFailed:
		return a.finish(ctx, c, fmt.Errorf("SageMaker ended in %s: %s", p.Status, p.FailureReason))
	case p.Status.Busy():
		a.result.again(readyAgain, fmt.Sprintf("the profile is %s", p.Status))
	case p.Role != c.After.Role:
		return a.finish(ctx, c, fmt.Errorf("it reads back with the role %q instead of %q", p.Role, c.After.Role))
	}
	return a.record(ctx, c, plan.Done, nil)
}

// remember keeps the index of managed profiles in step with the plan, before
// the plan is carried out: a run that is cut off leaves a name too many, never
// a profile that nobody finds again.
func (a *applier) remember(ctx context.Context, changes []plan.Change) error {
	want := a.seen.remembered
	for _, p := range a.seen.person.Profiles {
		if p.Owner(a.r.Deployment, a.r.Formerly) == studio.Ours && p.Tags[studio.TagUserID] == a.result.Key.UserID {
			want = Person{Key: a.result.Key, Profile: p.Name, GroupID: p.Tags[studio.TagGroup]}
		}
	}
	for _, c := range changes {
		if c.After != nil && !c.Kind.Removes() && c.Group != "" && a.t.Domain.Mode != studio.Observe {
			want = Person{Key: a.result.Key, Profile: c.Profile, GroupID: c.Group}
		}
	}
	if want == a.seen.remembered {
		return nil
	}
	if err := a.r.Persons.Remember(ctx, want); err != nil {
		return fmt.Errorf("remember %s of %s: %w", want.Profile, a.result.Key.UserID, err)
	}
	a.seen.remembered = want
	return nil
}

// finish journals a step by how it ended, and hands the error on.
func (a *applier) finish(ctx context.Context, c plan.Change, err error) error {
	outcome := plan.Done
	if err != nil {
		outcome = plan.FailedAt
	}
	return errors.Join(err, a.record(ctx, c, outcome, err))
}

func (a *applier) record(ctx context.Context, c plan.Change, outcome plan.Outcome, cause error) error {
	e := plan.Entry{Time: a.r.Now().UTC(), Change: c, Outcome: outcome, Trigger: a.trigger}
	if cause != nil {
		e.Error = cause.Error()
	}
	a.result.Entries = append(a.result.Entries, e)
	if err := a.r.Journal.Append(ctx, e); err != nil {
		return fmt.Errorf("write the journal: %w", err)
	}
	return nil
}
