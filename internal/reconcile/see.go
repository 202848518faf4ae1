package reconcile

import (
	"context"
	"errors"
	"sync"

	"studiokeeper/internal/plan"
	"studiokeeper/internal/studio"
)

// View is what is to be seen of one user in one domain: nothing is changed.
type View struct {
	Domain   studio.Domain
	User     studio.User
	Verdict  plan.Verdict
	Profiles []studio.Profile
	Changes  []plan.Change
	Err      error // why nothing can be said of this domain
}

// See reads and plans for one user in every domain, the same way as a look
// does, and changes nothing. A domain that cannot be read has its Err.
func (r *Reconciler) See(ctx context.Context, userID string) []View {
	views := make([]View, len(r.Targets))
	shared := &sharedReads{}
	var all sync.WaitGroup
	for i, t := range r.Targets {
		all.Go(func() { views[i] = r.see(ctx, t, userID, shared) })
	}
	all.Wait()
	return views
}

func (r *Reconciler) see(ctx context.Context, t Target, userID string, shared *sharedReads) View {
	from := r.reader()
	from.shared = shared
	v := View{Domain: t.Domain}
	seen, err := from.person(ctx, t, userID)
	if err != nil {
		v.Err = err
		return v
	}
	v.User, v.Profiles = seen.person.User, seen.person.Profiles
	v.Changes, v.Verdict = r.policy(t).Plan(seen.person)
	if v.Verdict.Standing != plan.Entitled || len(v.Profiles) > 0 {
		return v
	}
	// Only SageMaker's refusal would tell a look of a profile with another
	// name; here it is searched for.
	found, err := from.search(ctx, t, v.User.UserName)
	if err != nil {
		v.Err = err
		return v
	}
	if len(found) > 0 {
		seen.person.Profiles, v.Profiles = found, found
		v.Changes, v.Verdict = r.policy(t).Plan(seen.person)
	}
	return v
}

// FindUser finds a user's id by UserName, or takes the id of one that exists.
func (r *Reconciler) FindUser(ctx context.Context, nameOrID string) (string, error) {
	id, err := r.Identity.UserNamed(ctx, nameOrID)
	if err != nil || id != "" {
		return id, wrap(err, "find the user named %s", nameOrID)
	}
	u, err := r.Identity.User(ctx, nameOrID)
	if err != nil {
		return "", wrap(err, "find the user %s", nameOrID)
	}
	if u.Status != studio.Absent {
		return u.ID, nil
	}
	return "", errors.New("the identity store has no user with the UserName or id " + nameOrID)
}
