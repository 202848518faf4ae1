package reconcile

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"studiokeeper/internal/plan"
	"studiokeeper/internal/studio"
)

// applier takes the steps of one person's plan that can be taken now.
type applier struct {
	r       *Reconciler
	t       Target
	seen    sight
	trigger plan.Trigger
	asked   time.Time // when the directory changed that this look is about; zero when it did not
	result  *Result
	expect  string    // digest of the only changes that may be made; "" for any
	bulk    bool      // one of many that are looked at together
	tries   int       // looks in a row before this one that asked for another
	found   bool      // the profiles were searched for by SSO user already
	refused []refusal // what was not done, to be told
	left    error     // what failed without being in the way of later steps
	fresh   bool      // the journal was told in this look that the update has begun
	undone  bool      // a step was left for later, or for a person
	stopped bool      // the steps that follow have to wait for a later look
	unsaid  error     // notices that could not be sent
	// admittedAt is when the guard let this person's removal begin.
	admittedAt time.Time
}

// apply takes the changes in order and stops at the first that fails: later
// steps of one person rest on earlier ones.
func (a *applier) apply(ctx context.Context, changes []plan.Change) error {
	changes, err := a.withoutHeld(ctx, changes)
	if err != nil {
		return err
	}
	if err := a.foresee(ctx, changes); err != nil {
		return err
	}
	for _, c := range changes {
		if a.stopped {
			break
		}
		if err := a.step(ctx, c); err != nil {
			return fmt.Errorf("%s profile %q of %s in %s: %w", c.Kind, c.Profile, a.seen.person.User.Label(), c.Domain, err)
		}
	}
	return nil
}

func (a *applier) step(ctx context.Context, c plan.Change) error {
	switch {
	case c.Kind == plan.Wait:
		a.undone = true
		a.result.again(c.Again, c.Reasons[len(c.Reasons)-1].Text)
		return nil
	case c.Kind.Reports():
		a.undone = true
		a.inTheWay(c)
		if told := c.Reasons[len(c.Reasons)-1]; told.Code == AlarmTags {
			a.alarm(AlarmTags, told.Text)
		}
		a.refuse(NoticeRefused, c, plan.Refused)
		return nil
	case a.t.Domain.Mode == studio.Observe:
		a.undone = true
		a.refuse(NoticeObserved, c, plan.Later)
		return nil
	}
	if c.Kind.Removes() {
		if ok, err := a.admitted(ctx, c); !ok {
			return err
		}
	}
	if err := a.begin(ctx, c); err != nil {
		return err
	}
	switch c.Kind {
	case plan.Create:
		return a.create(ctx, c)
	case plan.Adopt:
		return a.finish(ctx, c, a.tag(ctx, c))
	case plan.Tag:
		return a.settled(ctx, c)
	case plan.Update:
		return a.update(ctx, c)
	case plan.Assign:
		return a.assign(ctx, c)
	case plan.Revoke:
		return a.revoke(ctx, c)
	case plan.Unassign:
		return a.later(ctx, c, a.unassign(ctx))
	case plan.Quarantine:
		return a.quarantine(ctx, c)
	case plan.Delete:
		return a.delete(ctx, c)
	case plan.Return:
		return a.returned(ctx, c)
	default:
		return fmt.Errorf("nobody knows how to carry out a %q", c.Kind)
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
		a.undone = true
		a.result.again(readyAgain, "a profile of that name appeared meanwhile")
		return nil
	case errors.Is(err, ErrNotAssigned):
		return a.assignFirst(ctx, c, err)
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
		a.undone = true
		a.result.again(usedAgain, "SageMaker says the user has a profile, but lists none")
		return nil
	}
	a.seen.person.Profiles = append(a.seen.person.Profiles, profiles...)
	changes, verdict := a.r.policy(a.t).Plan(a.seen.person)
	if a.expect != "" {
		a.result.Stale, a.undone, a.stopped = true, true, true
		return nil
	}
	a.result.Changes, a.result.Verdict = changes, verdict
	err = a.apply(ctx, changes)
	a.stopped = true // the plan that this was a step of is not the one any more
	return err
}

// assignFirst lets the user sign in before the profile is made, where SageMaker
// wants it so; the next look makes the profile.
func (a *applier) assignFirst(ctx context.Context, c plan.Change, refusal error) error {
	a.undone = true
	if a.t.Domain.SignIn == studio.SignInNone {
		return a.finish(ctx, c, fmt.Errorf("%w; signIn is %s, so assign them in Identity Center", refusal, a.t.Domain.SignIn))
	}
	// The user alone, also where groups are assigned: others of the group may
	// have no profile yet.
	c.Kind, c.After = plan.Assign, nil
	if err := a.begin(ctx, c); err != nil {
		return err
	}
	err := a.r.assign(ctx, a.t.Domain, Principal{ID: a.result.Key.UserID})
	if err == nil {
		a.result.again(readyAgain, "the profile can be made once the assignment is in effect")
	}
	return a.finish(ctx, c, err)
}

func (a *applier) update(ctx context.Context, c plan.Change) error {
	if c.Before.Role != c.After.Role {
		running, err := a.stopApps(ctx, c, time.Time{}, a.t.Domain.OnRoleChange)
		if err != nil {
			return a.finish(ctx, c, err)
		}
		if running {
			a.undone = true
			return a.waits(ctx, c)
		}
	}
	a.notify(ctx, NoticeChanged, c)
	return a.put(ctx, c)
}

// put gives the profile its role and settings.
func (a *applier) put(ctx context.Context, c plan.Change) error {
	if c.Before.Role != c.After.Role {
		// Until an app with an earlier role was looked for, whatever comes of this.
		want := a.seen.remembered
		want.Profile, want.Role, want.Since, want.Ready = c.Profile, unsettled, time.Time{}, false
		if err := a.remember(ctx, want); err != nil {
			return err
		}
	}
	err := a.r.Writer.Update(ctx, a.t.Domain, c.Profile, c.After.Role, c.After.Settings)
	if errors.Is(err, ErrBusy) {
		a.undone = true
		again := idleAgain
		if c.Kind.Removes() {
			again = a.wait(appsAgain) // whatever was started since the apps were listed is stopped first
		}
		a.result.again(again, "SageMaker refuses to change the profile while it is in use")
		return a.waits(ctx, c)
	}
	if err != nil {
		return a.finish(ctx, c, err)
	}
	a.undone = true // the tags say that it was applied once no app with the old role is left
	if !a.bulk {
		a.result.again(readyAgain, "the change is settling")
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
	p, found := a.profile(c.Profile)
	if !found {
		return fmt.Errorf("profile %q was not read, so it is not tagged", c.Profile)
	}
	return a.r.Writer.Tag(ctx, a.t.Domain, p, tags)
}

func (a *applier) profile(name string) (studio.Profile, bool) {
	at := slices.IndexFunc(a.seen.person.Profiles, func(p studio.Profile) bool { return p.Name == name })
	if at < 0 {
		return studio.Profile{}, false
	}
	return a.seen.person.Profiles[at], true
}

// readBack looks at what a write came to. SageMaker takes seconds for both
// creating and updating; then another look finishes the work.
func (a *applier) readBack(ctx context.Context, c plan.Change) error {
	if a.bulk {
		// Reading is what a bulk runs out of first: the next look does it, once, when it is worth it.
		a.undone = true
		a.result.again(writtenAgain, "the profile is being made or changed")
		return a.record(ctx, c, plan.Done, nil)
	}
	p, err := a.r.Profiles.Describe(ctx, a.t.Domain, c.Profile)
	switch {
	case errors.Is(err, ErrGone):
		a.undone = true
		a.result.again(readyAgain, "the profile does not show yet")
		return a.record(ctx, c, plan.Done, nil)
	case err != nil:
		return a.finish(ctx, c, fmt.Errorf("read it back: %w", err))
	case p.Status == studio.Failed || p.Status == studio.UpdateFailed:
		return a.finish(ctx, c, fmt.Errorf("SageMaker ended in %s: %s", p.Status, p.FailureReason))
	case p.Status.Busy():
		a.undone = true
		a.result.again(readyAgain, fmt.Sprintf("the profile is %s", p.Status))
	case p.Role != c.After.Role:
		return a.finish(ctx, c, fmt.Errorf("it reads back with the role %q instead of %q", p.Role, c.After.Role))
	}
	return a.record(ctx, c, plan.Done, nil)
}

func (a *applier) assign(ctx context.Context, c plan.Change) error {
	p, _ := principal(a.t.Domain, a.result.Verdict)
	if a.undone {
		return nil // after the profile: the next look does it
	}
	return a.finish(ctx, c, a.r.assign(ctx, a.t.Domain, p))
}

// finish journals a step by how it ended, and hands the error on.
func (a *applier) finish(ctx context.Context, c plan.Change, err error) error {
	outcome := plan.Done
	if err != nil {
		outcome = plan.FailedAt
	}
	return errors.Join(err, a.record(ctx, c, outcome, err))
}

// begin journals a step before it is taken: a run that is cut off right after
// leaves at least that. Tags are no rights, and deletions tell of their parts.
func (a *applier) begin(ctx context.Context, c plan.Change) error {
	switch c.Kind {
	case plan.Update:
		told, err := a.r.Journal.Told(ctx, a.result.Key, a.waiter(c))
		if err != nil || told {
			return wrap(err, "look up what was told of user %s", a.result.Key.UserID)
		}
		a.fresh = true
	case plan.Create, plan.Adopt, plan.Revoke, plan.Quarantine, plan.Assign, plan.Unassign:
	default:
		return nil
	}
	return a.record(ctx, c, plan.Begun, nil)
}

// waits remembers that an update has begun and waits until the profile is idle:
// every look tries it again, for days perhaps, and the journal has it once a day.
func (a *applier) waits(ctx context.Context, c plan.Change) error {
	if c.Kind != plan.Update || !a.fresh {
		return nil
	}
	return wrap(a.r.Journal.Tell(ctx, a.result.Key, a.waiter(c)), "remember what was told of user %s", a.result.Key.UserID)
}

// waiter tells an update that waits from the same one at another time: the person
// had everything, or was seen with another role, in between.
func (a *applier) waiter(c plan.Change) string {
	had := a.seen.remembered
	return fmt.Sprintf("waits %s %d %d", plan.Digest([]plan.Change{c}), had.Settled.UnixMilli(), had.Since.UnixMilli())
}

// later keeps an error that must not be in the way of the steps that follow.
func (a *applier) later(ctx context.Context, c plan.Change, err error) error {
	err = a.finish(ctx, c, err)
	if err != nil {
		a.left, a.undone = errors.Join(a.left, err), true
		a.result.again(failedAgain, "something of the offboarding failed")
	}
	return nil
}

// refusal is a step that was not taken, with the notice that tells of it.
type refusal struct {
	detailType string
	change     plan.Change
	outcome    plan.Outcome
	cause      error // why it failed; nil unless it did
}

func (a *applier) refuse(detailType string, c plan.Change, outcome plan.Outcome) {
	a.undone = true
	a.refused = append(a.refused, refusal{detailType, c, outcome, nil})
}

// tell tells what was not done, once a day while all of it stays so.
func (a *applier) tell(ctx context.Context) error {
	if len(a.refused) == 0 {
		return nil
	}
	return a.daily(ctx, digest(a.refused...), func() error {
		for _, r := range a.refused {
			if err := a.record(ctx, r.change, r.outcome, r.cause); err != nil {
				return err
			}
			a.notify(ctx, r.detailType, r.change)
		}
		return nil
	})
}

// digest tells apart what is told.
func digest(refused ...refusal) string {
	sum := sha256.New()
	for _, r := range refused {
		fmt.Fprintln(sum, r.outcome, r.change.Kind, r.change.Profile, r.change.Reasons)
	}
	return hex.EncodeToString(sum.Sum(nil))
}

// daily tells something, unless exactly that was told within a day.
func (a *applier) daily(ctx context.Context, what string, tell func() error) error {
	told, err := a.r.Journal.Told(ctx, a.result.Key, what)
	if err != nil || told {
		return wrap(err, "look up what was told of user %s", a.result.Key.UserID)
	}
	if err := tell(); err != nil {
		return err
	}
	return wrap(a.r.Journal.Tell(ctx, a.result.Key, what), "remember what was told of user %s", a.result.Key.UserID)
}

func (a *applier) record(ctx context.Context, c plan.Change, outcome plan.Outcome, cause error) error {
	e := plan.Entry{Time: a.r.Now().UTC(), Change: c, Outcome: outcome, Trigger: a.trigger}
	if c.Group == "" && c.Before != nil && c.Before.Tags[studio.TagUserID] == c.UserID {
		e.Change.Group = c.Before.Tags[studio.TagGroup] // what is taken away was given through it
	}
	if cause != nil {
		e.Error = cause.Error()
	}
	sealed, err := a.r.Journal.Append(ctx, e)
	a.result.Entries = append(a.result.Entries, sealed)
	a.result.untold = a.result.untold || err != nil && outcome == plan.Done
	return wrap(err, "write the journal")
}
