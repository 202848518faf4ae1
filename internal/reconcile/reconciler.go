package reconcile

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/google/uuid"

	"studiokeeper/internal/plan"
	"studiokeeper/internal/studio"
)

// leaseTime is how long a lease lasts, and workTime how long work under it may
// take: calls end before the lease does.
const (
	leaseTime = 90 * time.Second
	workTime  = 80 * time.Second
)

// Waits before looking again.
const (
	busyAgain  = 10 * time.Second // somebody else has the lease
	readyAgain = 3 * time.Second  // a profile is being made or changed
	usedAgain  = 30 * time.Second // apps run on the profile
	staleAgain = 30 * time.Second // an event named a change that the read does not show
)

// staleLooks is how often a claim that the read does not show is looked for again.
const staleLooks = 2

// dirtyLooks bounds how often one run looks again because it was asked to
// meanwhile; after that a later look does it.
const dirtyLooks = 3

// Target is a domain with what the planner needs to know of it.
type Target struct {
	Domain     studio.Domain
	Quarantine string // ARN of the powerless role in the domain's account
}

// Reconciler looks at users. All fields must be set before use; it is then
// safe for concurrent use.
type Reconciler struct {
	Deployment string
	Formerly   []string
	StoreID    string
	Grace      time.Duration
	Protected  []string
	Limit      plan.Limit // of removals, for each domain
	RejectFor  time.Duration
	// DeleteShared lets a leaver's shared spaces be deleted with the profile.
	DeleteShared bool
	Targets      []Target

	Identity    Identity
	Profiles    ProfileReader
	Writer      ProfileWriter
	Mapping     *Mapping
	Domains     DomainReader
	Instances   Instances
	Apps        AppReader
	Spaces      SpaceReader
	Remover     Remover
	Removals    Removals
	AppWriter   AppWriter
	SignIn      SignIn
	Assignments Assignments
	Notices     Notices // nil: none are sent
	Leases      Leases
	Looks       Looks
	Persons     Persons
	Journal     Journal
	Queue       Queue // looks at one user, soon
	Pass        Queue // bulk: what a look at a group or at everybody hands on

	Now func() time.Time
	Log *slog.Logger

	gateOnce sync.Once
	theGate  *gate
}

// gate is made from the fields above when it is first needed.
func (r *Reconciler) gate() *gate {
	r.gateOnce.Do(func() { r.theGate = &gate{domains: r.Domains, instances: r.Instances, now: r.Now} })
	return r.theGate
}

// Result is what came of a look at one user in one domain.
type Result struct {
	Key     Key
	Changes []plan.Change // what was planned, done or not
	Verdict plan.Verdict
	Entries []plan.Entry  // what was journalled
	Held    bool          // a removal waits for a person
	Again   time.Duration // 0: nothing more to do now
	Why     string        // why to look again

	memberships map[string]Membership // as read; nil when nothing was read
	others      []Key                 // users whose profiles turned out to be in the way
	ready       bool                  // the user can open Studio with the role that the mapping says
}

// Look looks at one user in one domain, under its lease. A lease that somebody
// else holds is no error: the answer is to look again.
func (r *Reconciler) Look(ctx context.Context, t Target, userID string, trigger plan.Trigger) (Result, error) {
	return r.look(ctx, t, userID, trigger, nil)
}

// look is Look with reads that several domains of one event share.
func (r *Reconciler) look(ctx context.Context, t Target, userID string, trigger plan.Trigger, shared *sharedReads) (Result, error) {
	key := Key{Domain: t.Domain.Name, UserID: userID}
	owner := uuid.NewString()
	taken, err := r.Leases.Acquire(ctx, key, owner, leaseTime)
	if err != nil {
		return Result{Key: key}, fmt.Errorf("take the lease of user %s in %s: %w", userID, t.Domain.Name, err)
	}
	if !taken {
		return Result{Key: key, Again: busyAgain, Why: "another run is looking at this user"}, nil
	}
	return r.underLease(ctx, t, key, owner, trigger, shared)
}

func (r *Reconciler) underLease(ctx context.Context, t Target, key Key, owner string, trigger plan.Trigger, shared *sharedReads) (Result, error) {
	work, cancel := context.WithTimeout(ctx, workTime)
	defer cancel()
	for n := 1; ; n++ {
		result, err := r.once(work, t, key, trigger, shared)
		shared = nil // looking once more means reading once more
		// Released even when the caller is going away, so that the next run need not wait for it to expire.
		release, done := context.WithTimeout(context.WithoutCancel(ctx), busyAgain)
		wanted, releaseErr := r.Leases.Release(release, key, owner)
		done()
		switch {
		case err != nil:
			return result, err
		case releaseErr != nil:
			return result, fmt.Errorf("release the lease of user %s in %s: %w", key.UserID, key.Domain, releaseErr)
		case !wanted:
			return result, nil
		case n == dirtyLooks || work.Err() != nil:
			result.again(busyAgain, "other events came in meanwhile")
			return result, nil
		}
	}
}

// again asks for another look, the earliest of those asked for.
func (r *Result) again(after time.Duration, why string) {
	if r.Again == 0 || after < r.Again {
		r.Again, r.Why = after, why
	}
}

// once reads, plans and applies.
func (r *Reconciler) once(ctx context.Context, t Target, key Key, trigger plan.Trigger, shared *sharedReads) (Result, error) {
	from := r.reader()
	from.shared = shared
	seen, err := from.person(ctx, t, key.UserID)
	if err != nil {
		return Result{Key: key}, err
	}
	changes, verdict := r.policy(t).Plan(seen.person)
	result := Result{Key: key, Changes: changes, Verdict: verdict, memberships: seen.memberships}
	run := applier{r: r, t: t, seen: seen, trigger: trigger, result: &result}
	err = run.apply(ctx, changes)
	if err == nil {
		err = errors.Join(run.settle(ctx), run.gone(ctx))
	}
	return result, errors.Join(err, run.unsaid)
}

func (r *Reconciler) policy(t Target) plan.Policy {
	return plan.Policy{
		Deployment: r.Deployment, Formerly: r.Formerly, StoreID: r.StoreID,
		Domain: t.Domain, Quarantine: t.Quarantine, Grace: r.Grace, Protected: r.Protected, Now: r.Now(),
	}
}

// Target finds a target by the configuration's name of its domain.
func (r *Reconciler) Target(name string) (Target, bool) {
	for _, t := range r.Targets {
		if t.Domain.Name == name {
			return t, true
		}
	}
	return Target{}, false
}
