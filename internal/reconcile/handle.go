package reconcile

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

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
	switch l.Scope {
	case event.User:
		return r.users(ctx, l)
	case event.Profile:
		return r.profile(ctx, l)
	case event.SignIn:
		return nil, r.signInGroup(ctx, l)
	default:
		return nil, r.many(ctx, l)
	}
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
	return results, errors.Join(errs...)
}

func (r *Reconciler) user(ctx context.Context, t Target, l event.Look, shared *sharedReads) (Result, error) {
	key := Key{Domain: t.Domain.Name, UserID: l.UserID}
	subject := "user#" + key.Domain + "#" + key.UserID
	if current, err := r.current(ctx, subject, l.Sequence); err != nil || !current {
		return Result{Key: key}, err
	}
	result, err := r.look(ctx, t, l.UserID, trigger(l), shared)
	if err != nil {
		return result, err
	}
	next := event.Look{Scope: event.User, UserID: l.UserID, Domain: key.Domain, Trigger: l.Trigger}
	if claim := l.Expect; claim != nil {
		m, read := result.memberships[claim.GroupID]
		switch {
		case result.memberships == nil:
			next.Expect, next.Attempt = claim, l.Attempt
		case read && m.Unread == "" && m.Member != claim.Member && l.Attempt < staleLooks:
			next.Expect, next.Attempt = claim, l.Attempt+1
			result.again(staleAgain, "the membership that an event names does not show")
		}
	}
	err = errors.Join(r.handOn(ctx, result.others, l.Trigger), r.groupSignIn(ctx, t, &result, l.Trigger))
	if result.Again > 0 {
		err = errors.Join(err, r.schedule(ctx, r.Queue, subject, next, r.Now().Add(result.Again)))
	}
	return result, err
}

// profile finds out whose a profile is that somebody made, changed or deleted.
func (r *Reconciler) profile(ctx context.Context, l event.Look) ([]Result, error) {
	at := slices.IndexFunc(r.Targets, func(t Target) bool { return t.Domain.ID == l.DomainID })
	if at < 0 {
		return nil, nil
	}
	t := r.Targets[at]
	owner, err := r.ownerOf(ctx, t, l.Profile)
	if err != nil || owner == "" {
		return nil, wrap(err, "find whose profile %s in %s is", l.Profile, t.Domain.Name)
	}
	return r.users(ctx, event.Look{Scope: event.User, UserID: owner, Domain: t.Domain.Name, Trigger: l.Trigger})
}

// ownerOf is the id of the user whose profile it is, or should be; "" for none
// of ours.
func (r *Reconciler) ownerOf(ctx context.Context, t Target, name string) (string, error) {
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

// many plans a look at a group or at everybody, or carries out one that was
// planned: then it hands on a look at each user concerned.
func (r *Reconciler) many(ctx context.Context, l event.Look) error {
	subject := "everybody"
	if l.Scope == event.Group {
		subject = "group#" + l.GroupID + l.GroupName
	}
	if l.Domain != "" {
		subject += "#" + l.Domain
	}
	if l.Sequence == 0 {
		return r.schedule(ctx, r.Pass, subject, l, r.Now().Add(collect))
	}
	if current, err := r.current(ctx, subject, l.Sequence); err != nil || !current {
		return err
	}
	r.Mapping.Forget()
	found, err := r.concerned(ctx, l)
	return errors.Join(err, r.handOn(ctx, found, l.Trigger))
}

// concerned finds the users that a look at a group or at everybody means. What
// could be found comes back beside the errors.
func (r *Reconciler) concerned(ctx context.Context, l event.Look) ([]Key, error) {
	targets := r.targets(ctx, l.Domain)
	rows, err := r.Mapping.Rows(ctx)
	if err != nil {
		return nil, err
	}
	group := l.GroupID
	if l.GroupName != "" {
		if group, err = r.groupOf(ctx, studio.ParseGroupRef(l.GroupName)); err != nil {
			return nil, err
		}
	}
	everybody := l.Scope == event.Everybody
	var keys []Key
	var errs []error
	members := map[string][]string{}
	for _, t := range targets {
		managed, err := r.Persons.Managed(ctx, t.Domain.Name)
		errs = append(errs, wrap(err, "list the managed people of %s", t.Domain.Name))
		for _, m := range managed {
			if everybody || m.GroupID == group {
				keys = append(keys, m.Key)
			}
		}
		for _, id := range groupIDs(of(rows, t.Domain.Name)) {
			if !everybody && id != group {
				continue
			}
			if _, read := members[id]; !read {
				members[id], err = r.Identity.Members(ctx, id)
				if !errors.Is(err, ErrGone) {
					errs = append(errs, wrap(err, "list the members of group %s", id))
				}
			}
			for _, user := range members[id] {
				keys = append(keys, Key{t.Domain.Name, user})
			}
		}
	}
	return unique(keys), errors.Join(errs...)
}

func (r *Reconciler) groupOf(ctx context.Context, g studio.GroupRef) (string, error) {
	if g.ID != "" {
		return g.ID, nil
	}
	id, err := r.Identity.GroupNamed(ctx, g.Name)
	return id, wrap(err, "find group %q", g.Name)
}

// handOn plans a look at each user, to happen at once, in the bulk queue.
func (r *Reconciler) handOn(ctx context.Context, keys []Key, t event.Trigger) error {
	var mu sync.Mutex
	var errs []error
	var g errgroup.Group
	g.SetLimit(handOnRate)
	for _, k := range keys {
		g.Go(func() error {
			l := event.Look{Scope: event.User, UserID: k.UserID, Domain: k.Domain, Trigger: t}
			if err := r.schedule(ctx, r.Pass, "user#"+k.Domain+"#"+k.UserID, l, r.Now().Add(time.Millisecond)); err != nil {
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
	sequence, err := r.Looks.Schedule(ctx, subject, now, due)
	if err != nil {
		return fmt.Errorf("plan the next look at %s: %w", subject, err)
	}
	if sequence == 0 {
		return nil
	}
	l.Sequence = sequence
	if err := q.Send(ctx, l, due.Sub(now)); err != nil {
		return fmt.Errorf("send the next look at %s: %w", subject, err)
	}
	return nil
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
	if l.Sequence > 0 {
		kind = "look"
	}
	return plan.Trigger{Kind: kind, ID: l.Trigger.ID, Name: l.Trigger.Name}
}
