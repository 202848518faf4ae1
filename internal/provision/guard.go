package provision

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"studiokeeper/internal/directory"
	"studiokeeper/internal/plan"
	"studiokeeper/internal/reconcile"
)

// verdict is what the guard says of a plan's removals. Everybody is counted
// once, however much is taken from them and however often it is tried.
type verdict struct {
	window reconcile.GuardWindow
	shut   bool                         // the limit is stored as reached
	known  map[string]reconcile.Removal // decided about earlier, in force or not
	asked  []reconcile.Removal          // whom nothing was decided about yet
	stands []reconcile.Removal          // of those the plan is about
	over   []reconcile.Removal          // decided about, and not to go any more
	held   string                       // why all who are asked about are held; "": they may go
}

// weigh decides, and writes nothing. A plan that exceeds the limit holds all its
// removals, whoever they are about.
func (p *Provisioner) weigh(ctx context.Context, made directory.Plan, records []directory.Record) (verdict, error) {
	v := verdict{known: map[string]reconcile.Removal{}}
	all, err := p.Removals.Removals(ctx, plan.DirectoryDomain)
	if err != nil {
		return v, fmt.Errorf("list the removals that were decided about: %w", err)
	}
	for _, one := range all {
		v.known[one.UserID] = one
	}
	now := p.Now().UTC()
	leavers := leaversOf(made)
	for _, asked := range leavers {
		if known, decided := v.known[asked.UserID]; decided && stands(known, now) {
			v.stands = append(v.stands, known)
		} else {
			v.asked = append(v.asked, asked)
		}
	}
	v.over = settled(all, leavers, made, records)
	if v.window, err = p.Removals.Window(ctx, plan.DirectoryDomain); err != nil {
		return v, fmt.Errorf("read the window of removals: %w", err)
	}
	if v.shut = v.window.Tripped; v.shut && !anyHeld(without(all, v.over)) {
		v.window = reconcile.GuardWindow{Version: v.window.Version} // all who were held are here again
	}
	v.count(p.Limit, made.Carried, now)
	return v, nil
}

func anyHeld(decided []reconcile.Removal) bool {
	return slices.ContainsFunc(decided, func(r reconcile.Removal) bool { return r.Decision == reconcile.Held })
}

func without(all, some []reconcile.Removal) []reconcile.Removal {
	drop := make(map[reconcile.Key]bool, len(some))
	for _, r := range some {
		drop[r.Key] = true
	}
	return slices.DeleteFunc(slices.Clone(all), func(r reconcile.Removal) bool { return drop[r.Key] })
}

// count begins a new window where the old one is over, and holds what exceeds it.
func (v *verdict) count(limit plan.Limit, carried int, now time.Time) {
	tally := plan.Tally{Start: v.window.Start, Managed: v.window.Managed, Admitted: v.window.Admitted, Tripped: v.window.Tripped}
	if limit.Over(tally, now) {
		tally = plan.Tally{Start: now, Managed: carried}
	}
	v.window.Start, v.window.Managed, v.window.Admitted, v.window.Tripped = tally.Start, tally.Managed, tally.Admitted, tally.Tripped
	left := max(0, limit.Allows(tally.Managed)-tally.Admitted)
	switch {
	case len(v.asked) == 0:
	case tally.Tripped:
		v.held = "the limit of removals was reached earlier; there is none until a person has approved or rejected what is held"
	case len(v.asked) > left:
		v.held = fmt.Sprintf("something would be taken from %d people at once, and of %d who are carried over %d more may be concerned within %s: all are held until a person decides",
			len(v.asked), tally.Managed, left, plan.Short(limit.Window))
	}
}

func stands(r reconcile.Removal, now time.Time) bool {
	return r.Decision == reconcile.Admitted || r.Decision == reconcile.Held || r.Decision == reconcile.Rejected && now.Before(r.Until)
}

// leaversOf is whom a plan takes something from, each once, in its order.
func leaversOf(made directory.Plan) []reconcile.Removal {
	var all []reconcile.Removal
	seen := map[string]bool{}
	for _, c := range made.Changes {
		if !c.Kind.Removes() || seen[c.UserID] {
			continue
		}
		seen[c.UserID] = true
		r := reconcile.Removal{Key: reconcile.Key{Domain: plan.DirectoryDomain, UserID: c.UserID}, UserName: c.UserName}
		if len(c.Reasons) > 0 {
			r.Why = c.Reasons[0].Text
		}
		all = append(all, r)
	}
	return all
}

// settled is what was decided about people who are here, and from whom nothing
// is to be taken any more. Where removals are left out of the plan, and while
// somebody who left waits for deletion, what was decided stays.
func settled(decided, leavers []reconcile.Removal, made directory.Plan, records []directory.Record) []reconcile.Removal {
	if len(made.Stop) > 0 {
		return nil
	}
	stay := map[string]bool{}
	for _, r := range records {
		stay[r.ID] = !r.Left.IsZero()
	}
	for _, r := range made.Records {
		stay[r.ID] = !r.Left.IsZero()
	}
	for _, l := range leavers {
		stay[l.UserID] = true
	}
	var over []reconcile.Removal
	for _, d := range decided {
		if !stay[d.UserID] {
			over = append(over, d)
		}
	}
	return over
}

// idle tells whether there is nothing to store.
func (v verdict) idle() bool { return len(v.asked)+len(v.over) == 0 && !v.shut }

// holdings is from whom nothing is taken now.
func (v verdict) holdings() []directory.Holding {
	var held []directory.Holding
	for _, r := range v.asked {
		if v.held != "" {
			held = append(held, directory.Holding{UserID: r.UserID, UserName: r.UserName, Decision: string(reconcile.Held), Why: v.held})
		}
	}
	for _, r := range v.stands {
		if r.Decision != reconcile.Admitted {
			held = append(held, directory.Holding{UserID: r.UserID, UserName: r.UserName, Decision: string(r.Decision), Why: r.Reason})
		}
	}
	return held
}

// settle stores what the guard decided: the limit trips before anybody is held,
// and whoever may go is counted before anything is taken from them.
func (p *Provisioner) settle(ctx context.Context, v verdict) error {
	now := p.Now().UTC()
	for _, r := range v.over {
		if err := p.Removals.Drop(ctx, r.Key); err != nil {
			return fmt.Errorf("drop what was decided about %s: %w", r.UserID, err)
		}
	}
	switch {
	case len(v.asked) == 0:
		return p.reopen(ctx)
	case v.held != "":
		return p.hold(ctx, v, now)
	}
	for _, r := range v.asked {
		r.Decision, r.At = reconcile.Admitted, now
		v.window.Admitted++
		if err := p.Removals.Admit(ctx, r, v.window); err != nil {
			return guarded(err, "count the removal of %s", r.UserID)
		}
		v.window.Version++
	}
	return nil
}

func (p *Provisioner) hold(ctx context.Context, v verdict, now time.Time) error {
	if !v.window.Tripped {
		v.window.Tripped = true
		if err := p.Removals.SetWindow(ctx, plan.DirectoryDomain, v.window); err != nil {
			return guarded(err, "hold the removals")
		}
		p.Log.WarnContext(ctx, "more removals at once than the limit allows: all of them are held", "domain", plan.DirectoryDomain, "people", len(v.asked))
	}
	for _, r := range v.asked {
		r.Decision, r.At, r.Reason = reconcile.Held, now, v.held
		if err := p.Removals.Decide(ctx, r); err != nil {
			return fmt.Errorf("hold the removal of %s: %w", r.UserID, err)
		}
	}
	return nil
}

// reopen ends the latch when nobody is held any more.
func (p *Provisioner) reopen(ctx context.Context) error {
	w, err := p.Removals.Window(ctx, plan.DirectoryDomain)
	if err != nil || !w.Tripped {
		return wrap(err, "read the window of removals")
	}
	all, err := p.Removals.Removals(ctx, plan.DirectoryDomain)
	if err != nil {
		return fmt.Errorf("list the removals that were decided about: %w", err)
	}
	if anyHeld(all) {
		return nil
	}
	return guarded(p.Removals.SetWindow(ctx, plan.DirectoryDomain, reconcile.GuardWindow{Version: w.Version}), "open the limit of removals again")
}

// guarded names what the guard could not store. That somebody decided meanwhile
// makes the plan stale.
func guarded(err error, format string, args ...any) error {
	if errors.Is(err, reconcile.ErrChanged) {
		return fmt.Errorf("%w: somebody decided about removals meanwhile; make a new one: %w", ErrStale, err)
	}
	return wrap(err, format, args...)
}
