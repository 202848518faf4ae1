package reconcile

import (
	"context"
	"errors"
	"fmt"
	"time"

	"studiokeeper/internal/plan"
)

// guardTries bounds how often a window that others move is read again.
const guardTries = 20

// errCrowded: other runs decided in the same domain, and faster.
var errCrowded = errors.New("others kept deciding")

// guarded is what the guard bounds, with where it keeps what it decided.
type guarded struct {
	what  plan.Bounded
	kept  Removals
	limit plan.Limit
}

func (r *Reconciler) removals() guarded { return guarded{plan.Removals, r.Removals, r.Limit} }
func (r *Reconciler) changes() guarded  { return guarded{plan.Changes, r.Changes, r.ChangeLimit} }

// guardedBy is where a decision belongs.
func (r *Reconciler) guardedBy(decided Removal) guarded {
	if decided.What() == plan.Changes {
		return r.changes()
	}
	return r.removals()
}

// What tells a removal from a change.
func (r Removal) What() plan.Bounded {
	if r.Target != "" {
		return plan.Changes
	}
	return plan.Removals
}

// removal is what is asked of the guard for a step that takes something away.
func removal(k Key, c plan.Change) Removal {
	return Removal{Key: k, UserName: c.UserName, Profile: c.Profile, Why: why(c)}
}

// guard decides about one removal, once per person, domain and offboarding, or
// about one change, once per person, domain and target: what was admitted is
// never counted again. A rejection that has lapsed is none. weight is how many
// people are concerned. The looks of one process take turns: only other processes
// move the window meanwhile.
func (r *Reconciler) guard(ctx context.Context, g guarded, asked Removal, weight int) (Removal, error) {
	r.deciding.Lock()
	defer r.deciding.Unlock()
	for range guardTries {
		known, err := g.kept.Removal(ctx, asked.Key)
		if err != nil {
			return Removal{}, fmt.Errorf("look up what was decided about the %s of %s: %w", g.what, asked.UserID, err)
		}
		if known.standsFor(asked.Target, r.Now()) {
			return known, nil
		}
		decided, err := r.decide(ctx, g, asked, weight)
		if !errors.Is(err, ErrChanged) {
			return decided, err
		}
	}
	return Removal{}, fmt.Errorf("decide about the %s of %s in %s: %w; it is tried again", g.what, asked.UserID, asked.Domain, errCrowded)
}

// decide counts what is asked in its domain's window.
func (r *Reconciler) decide(ctx context.Context, g guarded, asked Removal, weight int) (Removal, error) {
	w, tally, err := r.tally(ctx, g, asked.Domain)
	if err != nil {
		return Removal{}, err
	}
	held := ""
	for range weight {
		if tally, held = g.limit.Admit(tally, g.what); held != "" {
			break
		}
	}
	asked.Decision, asked.At = Admitted, r.Now().UTC()
	if held != "" {
		asked.Decision, asked.Reason = Held, held
	}
	w.Start, w.Managed, w.Admitted, w.Tripped = tally.Start, tally.Managed, tally.Admitted, tally.Tripped
	return asked, g.kept.Admit(ctx, asked, w)
}

// tally is what a domain has let go in the window that is under way now.
func (r *Reconciler) tally(ctx context.Context, g guarded, domain string) (GuardWindow, plan.Tally, error) {
	w, err := g.kept.Window(ctx, domain)
	if err != nil {
		return w, plan.Tally{}, fmt.Errorf("read the %ss of %s: %w", g.what, domain, err)
	}
	now := r.Now().UTC()
	tally := plan.Tally{Start: w.Start, Managed: w.Managed, Admitted: w.Admitted, Tripped: w.Tripped}
	if !g.limit.Over(tally, now) {
		return w, tally, nil
	}
	managed := 0
	if err := r.Persons.EachManaged(ctx, domain, func(Person) { managed++ }); err != nil {
		return w, tally, fmt.Errorf("count the managed people of %s: %w", domain, err)
	}
	return w, plan.Tally{Start: now, Managed: managed}, nil
}

// stands tells whether a decision is in force.
func (r Removal) stands(now time.Time) bool {
	return r.Decision == Admitted || r.Decision == Held || r.Decision == Rejected && now.Before(r.Until)
}

// standsFor tells whether a decision is in force for a target: what was decided
// about one says nothing about another.
func (r Removal) standsFor(target string, now time.Time) bool {
	return r.Target == target && r.stands(now)
}

func why(c plan.Change) string {
	if len(c.Reasons) == 0 {
		return ""
	}
	return c.Reasons[0].Text
}

// backAgain drops what was decided about a person who is entitled again, or
// whose change is done or not wanted any more. When nobody is held any more, the
// domain's limit opens again.
func (r *Reconciler) backAgain(ctx context.Context, g guarded, k Key) error {
	if err := g.kept.Drop(ctx, k); err != nil {
		return fmt.Errorf("drop the %s of %s: %w", g.what, k.UserID, err)
	}
	return r.reopen(ctx, g, k.Domain)
}

// Reopen ends the latches of a domain in which nobody is held any more: a new
// window begins. That of removals and that of changes are each their own.
func (r *Reconciler) Reopen(ctx context.Context, domain string) error {
	return errors.Join(r.reopen(ctx, r.removals(), domain), r.reopen(ctx, r.changes(), domain))
}

func (r *Reconciler) reopen(ctx context.Context, g guarded, domain string) error {
	w, err := g.kept.Window(ctx, domain)
	if err != nil || !w.Tripped {
		return wrap(err, "read the %ss of %s", g.what, domain)
	}
	all, err := g.kept.Removals(ctx, domain)
	if err != nil {
		return fmt.Errorf("list the %ss of %s: %w", g.what, domain, err)
	}
	for _, removal := range all {
		if removal.Decision == Held {
			return nil
		}
	}
	err = g.kept.SetWindow(ctx, domain, GuardWindow{Version: w.Version})
	if errors.Is(err, ErrChanged) {
		return nil // whoever moved it has seen what we saw
	}
	return wrap(err, "open the %ss of %s again", g.what, domain)
}

// Decided lists what was decided in a domain, about removals first.
func (r *Reconciler) Decided(ctx context.Context, domain string) ([]Removal, error) {
	var all []Removal
	for _, g := range []guarded{r.removals(), r.changes()} {
		some, err := g.kept.Removals(ctx, domain)
		if err != nil {
			return nil, fmt.Errorf("list the %ss of %s: %w", g.what, domain, err)
		}
		all = append(all, some...)
	}
	return all, nil
}
