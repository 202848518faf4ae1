package provision

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"time"

	"studiokeeper/internal/directory"
	"studiokeeper/internal/plan"
	"studiokeeper/internal/reconcile"
	"studiokeeper/internal/studio"
)

// fresh is how old a plan may be when it is carried out: what it was made from
// is read again only in part.
const fresh = 15 * time.Minute

// What a run is refused for.
var (
	// ErrBusy: another run is at work.
	ErrBusy = errors.New("another run is at work")
	// ErrStale: the plan is too old, or somebody has carried something over since.
	ErrStale = errors.New("the plan is stale")
	// ErrForeign: Identity Center takes its users from Active Directory itself.
	ErrForeign = errors.New("Identity Center reads Active Directory itself")
	// ErrElsewhere: what would be written to is not the identity store that was read.
	ErrElsewhere = errors.New("another identity store")
)

// Provisioner carries Active Directory over into Identity Center.
type Provisioner struct {
	Deployment string
	StoreID    string
	Way        directory.Way
	// Mode observe reads, plans and journals, and writes nothing.
	Mode studio.Mode

	Active  Active
	Store   Store
	Writer  Writer
	Records Records

	// Carried answers which groups of Active Directory are carried over.
	Carried func(ctx context.Context) (func(name string) bool, error)
	Adopt   directory.Adoption
	Grace   time.Duration
	// Limit bounds how many people a window may take something from.
	Limit plan.Limit
	// Renames bounds how many user names may change at once: its window does
	// not count.
	Renames plan.Limit

	Removals reconcile.Removals
	Leases   reconcile.Leases
	Journal  reconcile.Journal
	Now      func() time.Time
	Log      *slog.Logger
}

// Proposal is a plan with what it rests on.
type Proposal struct {
	directory.Document
	records []directory.Record
	known   string // id of a user whom the way in must see; "" where none is certain to be seen
	verdict verdict
}

// Options are what one run asks for.
type Options struct {
	// AcceptGone names groups that are gone from Active Directory, as a person
	// has confirmed: their members may lose them.
	AcceptGone []string
	// AcceptRenames lets any number of user names change at once.
	AcceptRenames bool
	// Progress, where set, is told how far the run is.
	Progress *Progress
}

func (o Options) gone(group directory.Record) bool {
	return slices.ContainsFunc(o.AcceptGone, func(name string) bool { return strings.EqualFold(name, group.Name) })
}

// Plan reads both sides and compares them. It writes nothing.
func (p *Provisioner) Plan(ctx context.Context, o Options) (Proposal, error) {
	if o.Progress == nil {
		o.Progress = &Progress{}
	}
	read, err := p.read(ctx, o.Progress)
	if err != nil {
		return Proposal{}, err
	}
	if err := foreign(read.source, read.target); err != nil {
		return Proposal{}, err
	}
	now := p.Now().UTC()
	policy := directory.Policy{Groups: read.carried, Gone: o.gone, Adopt: p.Adopt, Disable: p.Writer.CanDisable(), Grace: p.Grace, Now: now}
	if !o.AcceptRenames {
		policy.Renames = p.Renames.Allows
	}
	made := directory.Compare(read.source, read.target, policy)
	out := Proposal{records: read.target.Records, known: knownIn(read.target), Document: directory.Document{
		Deployment: p.Deployment, StoreID: p.StoreID, Way: p.Way, Mode: string(p.Mode), At: now, Plan: made,
	}}
	if out.verdict, err = p.weigh(ctx, made, read.target.Records); err != nil {
		return Proposal{}, err
	}
	out.Held = out.verdict.holdings()
	return out, nil
}

// Apply carries a plan out, as far as the guard lets it: nothing is written when
// nothing changes. What failed is in the result, and stops nothing else; the
// error says why nothing was begun, or what cut the run off. Run again, it goes on.
func (p *Provisioner) Apply(ctx context.Context, made Proposal, o Options, by plan.Trigger) (directory.Result, error) {
	done := directory.Result{Document: made.Document, Steps: []directory.Step{}}
	if len(made.Changes)+len(made.Plan.Records)+len(made.Forget) == 0 && made.verdict.idle() {
		return done, nil
	}
	err := p.alone(ctx, func(ctx context.Context) error {
		if err := p.still(ctx, made); err != nil {
			return err
		}
		if err := p.sameStore(ctx, made); err != nil {
			return err
		}
		work := newCarrying(p, made, o, by)
		err := work.all(ctx)
		done.Steps, done.Problems = work.steps, work.problems
		return err
	})
	done.Interrupted = ctx.Err() != nil
	return done, err
}

// still refuses a plan that does not fit what is there any more.
func (p *Provisioner) still(ctx context.Context, made Proposal) error {
	if age := p.Now().Sub(made.At); age > fresh {
		return fmt.Errorf("%w: it was made %s ago, and is carried out within %s at most; make a new one", ErrStale, age.Round(time.Second), plan.Short(fresh))
	}
	now, err := p.Records.Records(ctx)
	if err != nil {
		return fmt.Errorf("read again what was carried over: %w", err)
	}
	if !sameRecords(now, made.records) {
		return fmt.Errorf("%w: another run has carried something over since it was made; make a new one", ErrStale)
	}
	return nil
}

// knownIn picks a user on record with our external id: an identity provider's way
// in has to see them.
func knownIn(t directory.Target) string {
	guids := make(map[string]string, len(t.Records))
	for _, r := range t.Records {
		guids[r.ID] = r.GUID
	}
	for _, u := range t.Users {
		if guid := guids[u.ID]; guid != "" && strings.EqualFold(u.ExternalID, guid) {
			return u.ID
		}
	}
	return ""
}

// sameStore refuses to write to another identity store than was read. That one
// says of everybody that they are gone, which is what taking something from them
// is to come to.
func (p *Provisioner) sameStore(ctx context.Context, made Proposal) error {
	if p.Mode == studio.Observe || made.known == "" || len(made.Changes) == 0 {
		return nil
	}
	err := p.Writer.Sees(ctx, made.known)
	if !errors.Is(err, ErrGone) {
		return wrap(err, "find out whether it is identity store %s that is written to", p.StoreID)
	}
	if _, err := p.Store.User(ctx, made.known); err != nil {
		return fmt.Errorf("%w: user %s was deleted since it was made; make a new one: %w", ErrStale, made.known, err)
	}
	return fmt.Errorf("%w: user %s is in %s, which was read, and not in the one that is written to; nothing was changed; directory.scim.endpoint has to be that of the Identity Center instance of %s",
		ErrElsewhere, made.known, p.StoreID, p.StoreID)
}

func sameRecords(a, b []directory.Record) bool {
	if len(a) != len(b) {
		return false
	}
	known := make(map[string]directory.Record, len(a))
	for _, r := range a {
		known[string(r.Kind)+r.GUID] = r
	}
	for _, r := range b {
		k, ok := known[string(r.Kind)+r.GUID]
		if !ok || !k.Left.Equal(r.Left) {
			return false
		}
		if k.Left = r.Left; k != r {
			return false
		}
	}
	return true
}
