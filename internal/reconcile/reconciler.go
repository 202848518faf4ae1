package reconcile

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
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
	// releaseTime is how long giving a lease back may take.
	releaseTime = 3 * time.Second
)

// Waits before looking again.
const (
	busyAgain  = 10 * time.Second // somebody else has the lease
	readyAgain = 3 * time.Second  // a profile is being made or changed
	usedAgain  = 30 * time.Second // apps run on the profile
	staleAgain = 30 * time.Second // an event named a change that the read does not show
	slowAgain  = 20 * time.Second // AWS throttles, or others are faster
	// writtenAgain is readyAgain where many profiles are being made or changed.
	writtenAgain = 10 * time.Second
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
	// ConfigDigest identifies the configuration, for saved plans.
	ConfigDigest string
	Formerly     []string
	StoreID      string
	Grace        time.Duration
	Protected    []string
	Limit        plan.Limit // of removals, for each domain
	ChangeLimit  plan.Limit // of changes because of an edited row, for each domain
	RejectFor    time.Duration
	// HeldLoseSignIn takes the sign-in that we gave from people who are held.
	HeldLoseSignIn bool
	// Coalesce puts off what is asked for very often; set in the function only,
	// where a sync of a directory comes as a burst of events.
	Coalesce bool
	// DeleteShared lets a leaver's shared spaces be deleted with the profile.
	DeleteShared bool
	Targets      []Target

	Identity    Identity
	Census      Census
	Profiles    ProfileReader
	Tags        TagLister
	Memory      Memory
	Register    Register
	Writer      ProfileWriter
	Mapping     *Mapping
	Domains     DomainReader
	Instances   Instances
	Apps        AppReader
	Spaces      SpaceReader
	Lister      DomainLister
	Remover     Remover
	Removals    Removals
	Changes     Removals // as Removals, of changes because of an edited row
	AppWriter   AppWriter
	SignIn      SignIn
	Assignees   Assignees
	Assignments Assignments
	Notices     Notices // nil: none are sent
	Leases      Leases
	Looks       Looks
	Persons     Persons
	Journal     Journal
	History     JournalReader // what Journal wrote
	Callers     Callers       // who runs this, for decisions of people
	Queue       Queue         // looks at one user, soon
	Pass        Queue         // bulk: what a look at a group or at everybody hands on

	// Passed is told of passes that ended without an error; nil: nobody asks.
	Passed func(Passed)

	Now func() time.Time
	Log *slog.Logger

	once     sync.Once
	enrolled sync.Map // domain ids that the register has
	deciding turn     // guards the guard's windows against other looks of this process
	theGate  *gate
	theLists *listings
}

// make makes what rests on the fields, when it is first needed.
func (r *Reconciler) make() {
	r.theGate = &gate{
		domains: r.Domains, instances: r.Instances, register: r.Register, now: r.Now,
		storeID: r.StoreID, deployment: r.Deployment, formerly: r.Formerly,
	}
	r.theLists = &listings{lister: r.Lister, now: r.Now}
}

func (r *Reconciler) gate() *gate {
	r.once.Do(r.make)
	return r.theGate
}

func (r *Reconciler) listed() *listings {
	r.once.Do(r.make)
	return r.theLists
}

// Result is what came of a look at one user in one domain.
type Result struct {
	Key     Key
	Changes []plan.Change // what was planned, done or not
	Verdict plan.Verdict
	Names   []string      // what the person is called, for who must not write it; nil when nothing was read
	Entries []plan.Entry  // what was journalled
	Alarms  []plan.Reason // what a person has to see to, by the codes Alarm…
	Held    bool          // a removal, or a change because of an edited row, waits for a person
	HeldOf  plan.Bounded  // which of the two is held, or was rejected; "" for neither
	HeldWhy string        // why it is not carried out: it is held, or was rejected
	Stale   bool          // another plan was expected: nothing was done
	Err     error         // why the domain failed, when it was given a look of its own
	// BecameReady: from this look on, the user can open Studio with the role that
	// the mapping says.
	BecameReady bool
	Waited      time.Duration // BecameReady: since the directory changed; 0 when it did not
	Again       time.Duration // 0: nothing more to do now
	Why         string        // why to look again

	memberships map[string]Membership // as read; nil when nothing was read
	others      []Key                 // users whose profiles turned out to be in the way
	facts       DomainFacts
	ready       bool // the user can open Studio with the role that the mapping says
	known       bool // the user's profiles were read, and there are no two of them
	untold      bool // what was done could not be journalled or told, and no later look does it
}

// Look looks at one user in one domain, under its lease. A lease that somebody
// else holds is no error: the answer is to look again.
func (r *Reconciler) Look(ctx context.Context, t Target, userID string, trigger plan.Trigger) (Result, error) {
	return r.look(ctx, t, userID, how{trigger: trigger})
}

// how a look is made.
type how struct {
	trigger plan.Trigger
	asked   time.Time    // when the directory changed that this look is about; zero when it did not
	shared  *sharedReads // what several domains of one event share; nil: nothing
	bulk    bool         // one of many that are looked at together
	expect  string       // digest of the only changes that may be made; "" for any
	hint    string       // a profile that may be the user's, whatever it is called; "" for none
	known   bool         // an earlier look searched for the user's profiles, and found no two
	tries   int          // looks in a row before this one that asked for another
}

// look is Look, in company.
func (r *Reconciler) look(ctx context.Context, t Target, userID string, h how) (Result, error) {
	key := Key{Domain: t.Domain.Name, UserID: userID}
	owner := uuid.NewString()
	// Counted from before the lease is taken, so that calls end before it does.
	work, cancel := context.WithTimeout(ctx, workTime)
	defer cancel()
	taken, err := r.Leases.Acquire(work, key, owner, leaseTime)
	if err != nil {
		return Result{Key: key}, fmt.Errorf("take the lease of user %s in %s: %w", userID, t.Domain.Name, err)
	}
	if !taken {
		result := Result{Key: key}
		result.again(busyAgain, "another run is looking at this user")
		return result, nil
	}
	for n := 1; ; n++ {
		result, err := r.one(work, t, key, h)
		h.shared = nil // looking once more means reading once more
		wanted, releaseErr := r.release(ctx, key, owner)
		if wanted && err == nil && releaseErr == nil && n < dirtyLooks && work.Err() == nil {
			continue
		}
		if wanted {
			// The mark is taken away; what it asked for is done by a later look.
			_, again := r.release(ctx, key, owner)
			releaseErr = errors.Join(releaseErr, again)
			result.again(busyAgain, "other events came in meanwhile")
		}
		return result, errors.Join(err, wrap(releaseErr, "release the lease of user %s in %s", key.UserID, key.Domain))
	}
}

// release gives the lease back even when the caller is going away, so that the
// next run need not wait for it to expire.
func (r *Reconciler) release(ctx context.Context, key Key, owner string) (wanted bool, err error) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), releaseTime)
	defer cancel()
	return r.Leases.Release(ctx, key, owner)
}

// again asks for another look, the earliest of those asked for.
func (r *Result) again(after time.Duration, why string) {
	if r.Again == 0 || after < r.Again {
		r.Again, r.Why = after, why
	}
}

// one reads, plans and applies.
func (r *Reconciler) one(ctx context.Context, t Target, key Key, h how) (Result, error) {
	result := Result{Key: key}
	seen, err := r.sight(ctx, t, key, h)
	if err != nil {
		return result, err
	}
	result.Names = seen.person.Names()
	changes, verdict := r.policy(t).Plan(seen.person)
	result.Changes, result.Verdict, result.memberships, result.facts = changes, verdict, seen.memberships, seen.facts
	if h.expect != "" && h.expect != plan.Digest(changes) {
		result.Stale = true
		return result, nil
	}
	run := applier{r: r, expect: h.expect, t: t, seen: seen, trigger: h.trigger, asked: h.asked, bulk: h.bulk, tries: h.tries, result: &result}
	err = run.apply(ctx, changes)
	result.known = len(run.seen.person.Profiles) <= 1
	if err == nil {
		err = errors.Join(run.settle(ctx), run.gone(ctx))
	}
	return result, errors.Join(err, run.left, run.tell(ctx), run.unsaid)
}

// sight reads what a plan is computed from. Before anything is changed because
// of rows that were read earlier, they are read again.
func (r *Reconciler) sight(ctx context.Context, t Target, key Key, h how) (sight, error) {
	started := r.Now()
	from := r.reader()
	from.shared, from.hint, from.followUp = h.shared, h.hint, h.bulk && h.known
	seen, err := from.person(ctx, t, key.UserID)
	if err != nil {
		return sight{}, err
	}
	changes, _ := r.policy(t).Plan(seen.person)
	if slices.ContainsFunc(changes, func(c plan.Change) bool { return !c.Kind.Reports() }) {
		rows, err := r.Mapping.Since(ctx, started)
		if err != nil {
			return sight{}, err
		}
		// Held against what this look rests on: another one may have read them again meanwhile.
		if !slices.Equal(rows, seen.rows) {
			from.shared = nil
			if seen, err = from.person(ctx, t, key.UserID); err != nil {
				return sight{}, err
			}
		}
	}
	return seen, r.Mapping.PinNew(ctx)
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
