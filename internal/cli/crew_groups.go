package cli

import (
	"context"
	"errors"
	"slices"
	"time"

	"studiokeeper/internal/event"
	"studiokeeper/internal/plan"
	"studiokeeper/internal/reconcile"
	"studiokeeper/internal/studio"
)

// sign carries out the change of a group's sign-in, unless that was done on the
// way, when the last of its people was ready.
func (w *crew) sign(ctx context.Context, c plan.Change) {
	k := outcome{Domain: c.Domain, Group: c.Group}.key()
	t, _ := w.keep.Target(c.Domain)
	switch {
	case ctx.Err() != nil, w.done.People[w.at[k]].Outcome == settled:
		return
	case t.Domain.Mode == studio.Observe:
		w.set(ctx, k, observed, "mode observe: nothing is written")
		return
	case c.Kind == plan.Assign:
		w.queue.put(reconcile.LookOfGroup(c, w.by), time.Now())
		return
	}
	held, err := w.keep.TakeSignIn(ctx, c, w.by)
	switch {
	case held != "":
		w.set(ctx, k, heldBack, held)
	case err != nil:
		w.set(ctx, k, failed, err.Error())
	default:
		w.unsigned(ctx, k, c.Group)
	}
}

// It is asked again whether a group's people are ready, but not for ever: its
// row may have gone.
const (
	signInAgain = 30 * time.Second
	signInTries = 4
)

// signIn lets a group sign in once everybody here who is being worked on is done,
// or has kept it waiting for long.
func (w *crew) signIn(ctx context.Context, l event.Look) {
	if w.unfinished(l.Domain) {
		w.queue.putUnless(event.Look{Scope: event.SignIn, GroupID: l.GroupID, Domain: l.Domain, Trigger: w.by}, time.Now().Add(crewAgain))
		return
	}
	_, err := w.keep.Handle(ctx, l)
	w.signed(ctx, l, err)
}

func (w *crew) unfinished(domain string) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return time.Since(w.begun) < min(w.wait, signInTries*signInAgain) && slices.ContainsFunc(w.done.People, func(o outcome) bool {
		return o.Domain == domain && o.Group == "" && o.Outcome == waiting
	})
}

// signedIn tells whether a look is at a group that was let in: several ask for
// that, and nobody waits for the last of them.
func (w *crew) signedIn(l event.Look) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return l.Scope == event.SignIn && w.given[placeOf(l)]
}

// signed finds out whether a look let a group sign in: it may wait for people.
// Those are looked at right away, so that the first time it is asked once more soon
// after. Not later: one that is due but stands for nothing any more would bring the
// count of a look that does forward.
func (w *crew) signed(ctx context.Context, l event.Look, err error) {
	k := placeOf(l)
	is, unknown := w.keep.SignedIn(ctx, k.Domain, l.GroupID)
	switch err = errors.Join(err, unknown); {
	case err != nil:
		w.set(ctx, k, failed, err.Error())
	case is:
		w.mu.Lock()
		w.given[k] = true
		w.mu.Unlock()
		w.set(ctx, k, settled, "")
	case l.Attempt < signInTries:
		next := event.Look{Scope: event.SignIn, GroupID: l.GroupID, Domain: l.Domain, Attempt: l.Attempt + 1, Trigger: w.by}
		w.queue.putUnless(next, time.Now().Add(signInAgain))
		if l.Attempt == 0 && l.Tries == 0 {
			next.Attempt, next.Tries = 0, 1
			w.queue.put(next, time.Now().Add(crewAgain))
		}
	}
}

// unsigned finds out whether the sign-in is gone: it stays with a group that has
// a row again, or may have one.
func (w *crew) unsigned(ctx context.Context, k reconcile.Key, group string) {
	is, err := w.keep.SignedIn(ctx, k.Domain, group)
	switch {
	case err != nil:
		w.set(ctx, k, failed, err.Error())
	case is:
		w.set(ctx, k, refused, "it has a row again, or a row that cannot be resolved may be its own")
	default:
		w.set(ctx, k, settled, "")
	}
}
