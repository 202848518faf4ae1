package reconcile

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/google/uuid"
	"golang.org/x/sync/errgroup"

	"studiokeeper/internal/event"
	"studiokeeper/internal/plan"
	"studiokeeper/internal/studio"
)

// Looks at a group or at everybody are worth collecting for: a sync of a
// directory changes many memberships in a burst.
const (
	collect    = 2 * time.Second
	handOnRate = 16 // looks handed on at once
	bulkFrom   = 10 // people from whom on what a domain holds is listed as a whole
)

// maxDelay is the longest a queue holds a message back.
const maxDelay = 15 * time.Minute

// Handle does what a look asks for: it looks at the users named, or hands on
// looks at those who are to be found out. It returns everything it looked at,
// and all errors of all users and domains together.
func (r *Reconciler) Handle(ctx context.Context, l event.Look) ([]Result, error) {
	if l.StoreID != "" && l.StoreID != r.StoreID {
		r.Log.DebugContext(ctx, "event of another identity store", "store", l.StoreID, "event", l.Trigger.ID)
		return nil, nil
	}
	if current, err := r.current(ctx, l.Subject, l.Sequence); err != nil || !current {
		return nil, err
	}
	if !l.RowsAfter.IsZero() {
		if _, err := r.Mapping.Since(ctx, l.RowsAfter); err != nil {
			return nil, err
		}
	}
	switch l.Scope {
	case event.User:
		return r.burst(ctx, l)
	case event.Profile:
		return r.profile(ctx, l)
	case event.SignIn:
		return nil, r.signInGroup(ctx, l)
	default:
		return nil, r.many(ctx, l)
	}
}

// atOnce is how many requests for a look at one subject are met at once within a
// minute; what comes after is met by one look at the minute's end.
const atOnce = 2

// ask answers when a request for a look at a subject is to be met: soon, or,
// when there were many, after a minute.
func (r *Reconciler) ask(ctx context.Context, subject string, soon time.Duration) (time.Time, error) {
	now := r.Now()
	if !r.Coalesce {
		return now.Add(soon), nil
	}
	count, since, err := r.Looks.Ask(ctx, subject, now)
	if err != nil || count <= atOnce {
		return now.Add(soon), wrap(err, "count the requests for looks at %s", subject)
	}
	return since.Add(time.Minute), nil
}

// burst looks at a user, unless that was asked for many times within a minute.
func (r *Reconciler) burst(ctx context.Context, l event.Look) ([]Result, error) {
	if l.Sequence > 0 || !r.Coalesce {
		return r.users(ctx, l)
	}
	subject := "burst#" + l.UserID + "#" + l.Domain
	due, err := r.ask(ctx, subject, 0)
	if err != nil {
		return nil, err
	}
	if !due.After(r.Now()) {
		return r.users(ctx, l)
	}
	return nil, r.schedule(ctx, r.Queue, subject, l, due)
}

// users looks at one user in each domain concerned.
func (r *Reconciler) users(ctx context.Context, l event.Look) ([]Result, error) {
	targets := r.targets(ctx, l.Domain)
	results := make([]Result, len(targets))
	errs := make([]error, len(targets))
	var shared *sharedReads
	if len(targets) > 1 {
		shared = &sharedReads{}
	}
	var g errgroup.Group
	for i, t := range targets {
		g.Go(func() error {
			results[i], errs[i] = r.user(ctx, t, l, shared)
			return nil
		})
	}
	_ = g.Wait() // each domain has its own error, and stops no other
	return results, r.apart(ctx, l, targets, results, errs)
}

// apart gives each domain that failed a look of its own, so that the others,
// which are done, are not looked at again with it. Its error comes from there.
func (r *Reconciler) apart(ctx context.Context, l event.Look, targets []Target, results []Result, errs []error) error {
	if len(targets) == 1 || !slices.Contains(errs, nil) {
		return errors.Join(errs...)
	}
	var out []error
	for i, err := range errs {
		if err == nil {
			continue
		}
		results[i].Err = err
		r.Log.ErrorContext(ctx, "a domain failed", "user", l.UserID, "domain", targets[i].Domain.Name, "error", err.Error(), "names", results[i].Names)
		own := l
		own.Domain, own.Tries = targets[i].Domain.Name, l.Tries+1
		planned := r.schedule(ctx, r.Queue, "retry#"+own.Domain+"#"+own.UserID, own, r.Now().Add(busyAgain))
		if planned != nil {
			out = append(out, err, planned)
		}
	}
	return errors.Join(out...)
}

func (r *Reconciler) user(ctx context.Context, t Target, l event.Look, shared *sharedReads) (Result, error) {
	result, err := r.look(ctx, t, l.UserID, how{trigger: trigger(l), asked: asked(l.Trigger), shared: shared, bulk: l.Bulk, tries: l.Tries, hint: l.Profile, expect: l.Plan, known: l.Known})
	crowded := crowdedOnly(err)
	if crowded {
		result.again(slowAgain, err.Error())
		if l.Tries < patience && !result.untold {
			err = nil // waiting is no failure, and must not use up the record's receives
		}
	}
	// What is to happen next is planned even when something failed. The claim of what failed before anything was
	// read needs nothing: the record comes again with it, as often as its queue has it.
	var claimed error
	if err == nil || result.memberships != nil {
		claimed = r.claim(ctx, t, l, result)
	}
	next := event.Look{Scope: event.User, UserID: l.UserID, Domain: t.Domain.Name, Tries: l.Tries + 1, Bulk: l.Bulk, Known: l.Bulk && result.known, RowsAfter: l.RowsAfter, Trigger: l.Trigger}
	unread := result.Verdict.Standing == ""
	if unread {
		next.Plan, next.Profile, next.Known = l.Plan, l.Profile, l.Known
	}
	subject := userSubject(result.Key)
	if unread && l.Plan != "" || (unread || crowded) && !l.RowsAfter.IsZero() {
		// A look that is planned for another reason may rest on older rows; and one for a plan does nothing else.
		subject = "again#" + result.Key.Domain + "#" + result.Key.UserID
	}
	if result.Again > 0 {
		err = errors.Join(err, r.schedule(ctx, r.Queue, subject, next, r.Now().Add(slower(result.Again, l.Tries))))
	}
	return result, errors.Join(err,
		claimed,
		r.handOn(ctx, result.others, event.Look{Trigger: l.Trigger}),
		r.groupSignIn(ctx, t, &result, l.Trigger))
}

// patience is how many looks in a row may be in a crowd before that is an error:
// about ten minutes of them.
const patience = 8

// crowdedOnly tells whether all that an error is about is that many do the same
// at once: AWS throttles, or others are faster.
func crowdedOnly(err error) bool {
	if err == nil || err == errCrowded {
		return err != nil
	}
	if is, ok := err.(interface{ Is(error) bool }); ok && is.Is(ErrThrottled) {
		return true
	}
	joined, ok := err.(interface{ Unwrap() []error })
	if !ok {
		return crowdedOnly(errors.Unwrap(err))
	}
	return !slices.ContainsFunc(joined.Unwrap(), func(e error) bool { return !crowdedOnly(e) })
}

// asked is when the directory changed, if that is what a look is about.
func asked(t event.Trigger) time.Time {
	if !t.OfDirectory() {
		return time.Time{}
	}
	return t.Time
}

func userSubject(k Key) string { return "user#" + k.Domain + "#" + k.UserID }

// quickTries is how many looks in a row may come as soon as they ask to.
const quickTries = 4

// slower doubles the wait of looks that keep asking for another, up to 15 minutes.
func slower(again time.Duration, tries int) time.Duration {
	for ; tries >= quickTries && again < maxDelay; tries-- {
		again *= 2
	}
	return min(again, maxDelay)
}

// claim looks again for a membership that an event names and the read does not
// show: it may be stale. That is planned apart from other looks, which come too
// soon for it or without knowing of it.
func (r *Reconciler) claim(ctx context.Context, t Target, l event.Look, result Result) error {
	c := l.Expect
	if c == nil || l.Attempt >= staleLooks {
		return nil
	}
	if result.memberships != nil {
		m, answered := result.memberships[c.GroupID]
		relevant := answered || r.Mapping.Naming != nil
		if !relevant || m.Unread != "" || m.Member == c.Member {
			return nil
		}
		l.Attempt++
	}
	next := event.Look{Scope: event.User, UserID: l.UserID, Domain: t.Domain.Name, Expect: c, Attempt: l.Attempt, RowsAfter: l.RowsAfter, Trigger: l.Trigger}
	again := staleAgain
	if result.memberships == nil {
		next.Tries, again = l.Tries+1, slower(staleAgain, l.Tries) // it is as patient as the look itself, and no more
	}
	return r.schedule(ctx, r.Queue, "claim#"+t.Domain.Name+"#"+l.UserID+"#"+c.GroupID, next, r.Now().Add(again))
}

// profile finds out whose a profile is that somebody made, changed or deleted.
func (r *Reconciler) profile(ctx context.Context, l event.Look) ([]Result, error) {
	at := slices.IndexFunc(r.Targets, func(t Target) bool { return t.Domain.ID == l.DomainID })
	if at < 0 {
		return nil, nil
	}
	t := r.Targets[at]
	owner, err := r.ownerOf(ctx, t, l.Profile)
	if crowdedOnly(err) && l.Tries < patience {
		later := l
		later.Tries++
		return nil, r.schedule(ctx, r.Queue, "profile#"+t.Domain.Name+"#"+l.Profile, later, r.Now().Add(slower(slowAgain, l.Tries)))
	}
	if err != nil || owner == "" {
		return nil, wrap(err, "find whose profile %q in %s is", l.Profile, t.Domain.Name)
	}
	// Most such events are of our own making: one that is planned anyway takes
	// this in.
	next := event.Look{Scope: event.User, UserID: owner, Domain: t.Domain.Name, Trigger: l.Trigger}
	return nil, r.schedule(ctx, r.Queue, userSubject(Key{t.Domain.Name, owner}), next, r.Now().Add(readyAgain))
}

// ownerOf is the id of the user whose profile it is, or should be; "" for none
// of ours. Most profiles that it is asked for are ones that we have just made or
// changed, and SageMaker's reads are what runs out first: whom to look at is
// remembered, and what they have is for that look to read.
func (r *Reconciler) ownerOf(ctx context.Context, t Target, name string) (string, error) {
	if owner, err := r.remembered(ctx, t, name); owner != "" || err != nil {
		return owner, err
	}
	p, err := r.Profiles.Read(ctx, t.Domain, name)
	switch {
	case errors.Is(err, ErrGone):
		managed, err := r.Persons.Managed(ctx, t.Domain.Name)
		at := slices.IndexFunc(managed, func(m Person) bool { return m.Profile == name })
		if at < 0 {
			return "", err
		}
		return managed[at].UserID, nil
	case err != nil:
		return "", err
	}
	switch p.Owner(r.Deployment, r.Formerly) {
	case studio.Nobody:
		if p.SSOUser == "" {
			return "", nil
		}
		return r.Identity.UserNamed(ctx, p.SSOUser)
	case studio.Foreign:
		return "", nil
	default:
		return p.Tags[studio.TagUserID], nil
	}
}

// remembered is the id of the user whose profile that is as far as both they and it
// are remembered so: a name may have been somebody else's before.
func (r *Reconciler) remembered(ctx context.Context, t Target, name string) (string, error) {
	owner, err := r.Persons.Owner(ctx, t.Domain.Name, name)
	if owner == "" || err != nil {
		return "", err
	}
	has, err := r.Persons.Person(ctx, Key{t.Domain.Name, owner})
	if err != nil || !strings.EqualFold(has.Profile, name) {
		return "", err
	}
	return owner, nil
}

// handOn plans a look at each user, to happen at once, in the bulk queue.
func (r *Reconciler) handOn(ctx context.Context, keys []Key, like event.Look) error {
	looks := make([]event.Look, len(keys))
	for i, k := range keys {
		looks[i] = like
		looks[i].UserID, looks[i].Domain = k.UserID, k.Domain
	}
	return r.handOnAll(ctx, looks)
}

// handOnAll is handOn for looks that differ in more than whom they name.
func (r *Reconciler) handOnAll(ctx context.Context, looks []event.Look) error {
	var mu sync.Mutex
	var errs []error
	var g errgroup.Group
	g.SetLimit(handOnRate)
	for _, l := range looks {
		g.Go(func() error {
			l.Scope = event.User
			if err := r.schedule(ctx, r.Pass, "bulk#"+l.Domain+"#"+l.UserID, l, r.Now()); err != nil {
				mu.Lock()
				defer mu.Unlock()
				errs = append(errs, err)
			}
			return nil
		})
	}
	_ = g.Wait() // errors are collected: one user stops no other
	return errors.Join(errs...)
}

// schedule plans the subject's next look, and sends its message if this moved it.
func (r *Reconciler) schedule(ctx context.Context, q Queue, subject string, l event.Look, due time.Time) error {
	now := r.Now()
	if due.After(now.Add(maxDelay)) {
		due = now.Add(maxDelay)
	}
	sequence, err := r.Looks.Schedule(ctx, subject, writer(l), now, due)
	if err != nil {
		return fmt.Errorf("plan the next look at %s: %w", subject, err)
	}
	if sequence == 0 {
		return nil
	}
	l.Subject, l.Sequence = subject, sequence
	if err := q.Send(ctx, l, due.Sub(now)); err != nil {
		// Nothing is under way: whoever comes next must not take it for planned.
		_, spent := r.Looks.Begin(ctx, subject, sequence)
		return errors.Join(fmt.Errorf("send the next look at %s: %w", subject, err), spent)
	}
	return nil
}

// writer identifies who plans a look: a message that is delivered again plans
// as it did the first time. What nothing has triggered is planned by somebody
// new, and so is what a person does: the same person may do it again.
func writer(l event.Look) string {
	if l.Trigger.ID == "" || l.Trigger.Source == event.SourcePerson {
		return uuid.NewString()
	}
	return fmt.Sprint(l.Trigger.ID, " ", l.Scope, " ", l.UserID, " ", l.GroupID, l.GroupName, " ", l.Domain, " ", l.Tries, " ", l.Attempt)
}

// current tells whether a message still stands for the planned look. A
// message that never stood for one always counts.
func (r *Reconciler) current(ctx context.Context, subject string, sequence int64) (bool, error) {
	if sequence == 0 {
		return true, nil
	}
	current, err := r.Looks.Begin(ctx, subject, sequence)
	return current, wrap(err, "check whether look %d at %s is the planned one", sequence, subject)
}

// targets are the domains that a look means. One that the configuration does
// not have, such as a mapping row may name, means nobody.
func (r *Reconciler) targets(ctx context.Context, domain string) []Target {
	if domain == "" {
		return r.Targets
	}
	t, ok := r.Target(domain)
	if !ok {
		r.Log.WarnContext(ctx, "a look names a domain that the configuration does not have", "domain", domain)
		return nil
	}
	return []Target{t}
}

func unique(keys []Key) []Key {
	seen := make(map[Key]bool, len(keys))
	return slices.DeleteFunc(keys, func(k Key) bool {
		was := seen[k]
		seen[k] = true
		return was
	})
}

func trigger(l event.Look) plan.Trigger {
	kind := "event"
	switch {
	case l.Trigger.Source == event.SourcePerson:
		kind = "person"
	case l.Sequence > 0:
		kind = "look"
	}
	return plan.Trigger{Kind: kind, ID: l.Trigger.ID, Name: l.Trigger.Name}
}
