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

// guard decides about one removal, once per person, domain and offboarding:
// what was admitted is never counted again. A rejection that has lapsed is none.
// weight is how many people lose something by it.
func (r *Reconciler) guard(ctx context.Context, k Key, c plan.Change, weight int) (Removal, error) {
	for range guardTries {
		known, err := r.Removals.Removal(ctx, k)
		if err != nil {
			return Removal{}, fmt.Errorf("look up what was decided about the removal of %s: %w", k.UserID, err)
		}
		if known.stands(r.Now()) {
			return known, nil
		}
		decided, err := r.decide(ctx, k, c, weight)
		if !errors.Is(err, ErrChanged) {
			return decided, err
		}
	}
	return Removal{}, fmt.Errorf("decide about the removal of %s in %s: others kept deciding; it is tried again", k.UserID, k.Domain)
}

// decide counts one removal in its domain's window.
func (r *Reconciler) decide(ctx context.Context, k Key, c plan.Change, weight int) (Removal, error) {
	w, tally, err := r.tally(ctx, k.Domain)
	if err != nil {
		return Removal{}, err
	}
	now := r.Now().UTC()
	held := ""
	for range weight {
		if tally, held = r.Limit.Admit(tally); held != "" {
			break
		}
	}
	removal := Removal{Key: k, UserName: c.UserName, Profile: c.Profile, Decision: Admitted, Why: why(c), At: now}
	if held != "" {
		removal.Decision, removal.Reason = Held, held
	}
	w.Start, w.Managed, w.Admitted, w.Tripped = tally.Start, tally.Managed, tally.Admitted, tally.Tripped
	return removal, r.Removals.Admit(ctx, removal, w)
}

// tally is what a domain has let go in the window that is under way now.
func (r *Reconciler) tally(ctx context.Context, domain string) (GuardWindow, plan.Tally, error) {
	w, err := r.Removals.Window(ctx, domain)
	if err != nil {
		return w, plan.Tally{}, fmt.Errorf("read the removals of %s: %w", domain, err)
	}
	now := r.Now().UTC()
	tally := plan.Tally{Start: w.Start, Managed: w.Managed, Admitted: w.Admitted, Tripped: w.Tripped}
	if !r.Limit.Over(tally, now) {
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

func why(c plan.Change) string {
	if len(c.Reasons) == 0 {
		return ""
	}
	return c.Reasons[0].Text
}

// backAgain drops what was decided about a person who is entitled again. When
// nobody is held any more, the domain's limit opens again.
func (r *Reconciler) backAgain(ctx context.Context, k Key) error {
	if err := r.Removals.Drop(ctx, k); err != nil {
		return fmt.Errorf("drop the removal of %s: %w", k.UserID, err)
	}
	return r.Reopen(ctx, k.Domain)
}

// Reopen ends the latch of a domain in which nobody is held any more: a new
// window begins.
func (r *Reconciler) Reopen(ctx context.Context, domain string) error {
	w, err := r.Removals.Window(ctx, domain)
	if err != nil || !w.Tripped {
		return wrap(err, "read the removals of %s", domain)
	}
	all, err := r.Removals.Removals(ctx, domain)
	if err != nil {
		return fmt.Errorf("list the removals of %s: %w", domain, err)
	}
	for _, removal := range all {
		if removal.Decision == Held {
			return nil
		}
	}
	err = r.Removals.SetWindow(ctx, domain, GuardWindow{Version: w.Version})
	if errors.Is(err, ErrChanged) {
		return nil // whoever moved it has seen what we saw
	}
	return wrap(err, "open the removals of %s again", domain)
}
