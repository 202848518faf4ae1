package reconcile

import (
	"context"
	"fmt"
	"slices"
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
	Held     string // why removals, or changes for an edited row, are not carried out: decided earlier
	Err      error  // why nothing can be said of this domain

	basis string // digest of what was read
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
	v.basis = seen.person.Basis()
	if slices.ContainsFunc(v.Changes, plan.Change.Bounded) {
		v.Held, v.Err = r.heldBefore(ctx, Key{t.Domain.Name, userID}, v.Changes)
	}
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
		v.basis = seen.person.Basis()
	}
	return v
}

// heldBefore says why a removal, or a change because of an edited row, that was
// decided about does not go on.
func (r *Reconciler) heldBefore(ctx context.Context, k Key, changes []plan.Change) (string, error) {
	g, target := r.removals(), ""
	if c, edited := editedOf(changes); edited {
		g, target = r.changes(), c.Target()
	}
	known, err := g.kept.Removal(ctx, k)
	switch {
	case err != nil:
		return "", fmt.Errorf("look up what was decided about the %s of %s: %w", g.what, k.UserID, err)
	case known.standsFor(target, r.Now()) && known.Decision != Admitted:
		return string(known.Decision) + ": " + known.Reason, nil
	}
	return "", nil
}

// FindUser finds a user's id by UserName, or takes the id of one that exists.
func (r *Reconciler) FindUser(ctx context.Context, nameOrID string) (string, error) {
	id, err := r.Identity.UserNamed(ctx, nameOrID)
	if err != nil || id != "" {
		return id, wrap(err, "find the user named %q", nameOrID)
	}
	missing := fmt.Errorf("the identity store has no user with the UserName or id %q", nameOrID)
	if !studio.IsID(nameOrID) {
		return "", missing
	}
	u, err := r.Identity.User(ctx, nameOrID)
	if err != nil {
		return "", wrap(err, "find the user %s", nameOrID)
	}
	if u.Status != studio.Absent {
		return u.ID, nil
	}
	return "", missing
}
