package reconcile

import (
	"context"
	"errors"
	"fmt"

	"studiokeeper/internal/plan"
	"studiokeeper/internal/studio"
)

// HoldMany holds all removals of a pass that together exceed a domain's limit:
// the limit trips before the first.
func (r *Reconciler) HoldMany(ctx context.Context, t Target, leavers []Key) error {
	return r.holdMany(ctx, t, r.removals(), asRemovals(leavers))
}

// holdMany trips the limit when what is asked together exceeds it.
func (r *Reconciler) holdMany(ctx context.Context, t Target, g guarded, asked []Removal) error {
	if len(asked) == 0 || t.Domain.Mode == studio.Observe {
		return nil
	}
	a, err := r.allowed(ctx, t, g, asked)
	if err != nil || a.undecided <= a.left || a.window.Tripped {
		return err
	}
	r.Log.WarnContext(ctx, fmt.Sprintf("more %ss at once than the limit allows: all of them are held", g.what), "domain", t.Domain.Name, "people", a.undecided, "allowed", a.left)
	w := a.window
	w.Tripped = true
	err = g.kept.SetWindow(ctx, t.Domain.Name, w)
	if errors.Is(err, ErrChanged) {
		return r.holdMany(ctx, t, g, asked)
	}
	return wrap(err, "hold the %ss of %s", g.what, t.Domain.Name)
}

func asRemovals(leavers []Key) []Removal {
	asked := make([]Removal, len(leavers))
	for i, k := range leavers {
		asked[i].Key = k
	}
	return asked
}

// allowance is what may go in a domain, and what a pass wants to go.
type allowance struct {
	window    GuardWindow
	left      int // how many more may go
	undecided int // of those who are to go, those about whom nothing was decided yet
	decided   map[string]Removal
}

func (r *Reconciler) allowance(ctx context.Context, t Target, leavers []Key) (allowance, error) {
	return r.allowed(ctx, t, r.removals(), asRemovals(leavers))
}

func (r *Reconciler) allowed(ctx context.Context, t Target, g guarded, asked []Removal) (allowance, error) {
	a := allowance{decided: map[string]Removal{}}
	all, err := g.kept.Removals(ctx, t.Domain.Name)
	if err != nil {
		return allowance{}, fmt.Errorf("list the %ss of %s: %w", g.what, t.Domain.Name, err)
	}
	for _, one := range all {
		a.decided[one.UserID] = one
	}
	for _, one := range asked {
		if !a.decided[one.UserID].standsFor(one.Target, r.Now()) {
			a.undecided++
		}
	}
	w, tally, err := r.tally(ctx, g, t.Domain.Name)
	if err != nil {
		return allowance{}, err
	}
	w.Start, w.Managed, w.Admitted, w.Tripped = tally.Start, tally.Managed, tally.Admitted, tally.Tripped
	a.window = w
	if !w.Tripped {
		a.left = max(0, g.limit.Allows(w.Managed)-w.Admitted)
	}
	return a, nil
}

// holdChanges holds all changes because of edited rows that people are planned
// to have, if together they exceed the domain's limit.
func (r *Reconciler) holdChanges(ctx context.Context, t Target, people []plan.PersonPlan) error {
	return r.holdMany(ctx, t, r.changes(), changesOf(t, people))
}

func changesOf(t Target, people []plan.PersonPlan) []Removal {
	var asked []Removal
	for _, p := range people {
		if c, edited := editedOf(p.Changes); edited {
			asked = append(asked, changeOf(Key{t.Domain.Name, p.UserID}, c))
		}
	}
	return asked
}

// foretellChanges marks whose changes because of an edited row would not be
// carried out: decided about earlier, or together more than the limit allows.
func (r *Reconciler) foretellChanges(ctx context.Context, t Target, people []plan.PersonPlan) error {
	asked := changesOf(t, people)
	if len(asked) == 0 {
		return nil
	}
	a, err := r.allowed(ctx, t, r.changes(), asked)
	if err != nil {
		return err
	}
	for i := range people {
		c, edited := editedOf(people[i].Changes)
		if !edited {
			continue
		}
		switch known := a.decided[people[i].UserID]; {
		case known.standsFor(c.Target(), r.Now()) && known.Decision != Admitted:
			people[i].Held = string(known.Decision) + ": " + known.Reason
		case known.standsFor(c.Target(), r.Now()):
		case a.window.Tripped:
			people[i].Held = "the limit of changes because of edited rows was reached earlier; removals list shows who waits"
		case a.undecided > a.left:
			people[i].Held = fmt.Sprintf("%d people would be changed at once because of edited rows, and of %d managed profiles %d more may be within %s: all are held until a person decides", a.undecided, a.window.Managed, a.left, r.ChangeLimit.Window)
		}
	}
	return nil
}
