package awscloud

import (
	"errors"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"studiokeeper/internal/localcloud"
	"studiokeeper/internal/reconcile"
)

// next is the window after one more removal.
func next(w reconcile.GuardWindow) reconcile.GuardWindow {
	w.Admitted++
	return w
}

func (s *State) window(t *testing.T) reconcile.GuardWindow {
	t.Helper()
	w, err := s.Window(t.Context(), "research")
	must(t, err)
	return w
}

func TestAWindowThatWasChangedSinceItWasReadAdmitsNobody(t *testing.T) {
	_, state, c := newState(t)
	first := state.window(t)
	must(t, state.Admit(t.Context(), leaver(1, c.now()), next(first)))
	second := state.window(t)
	must(t, state.Admit(t.Context(), leaver(2, c.now()), next(second)))
	ahead := state.window(t)
	ahead.Version++
	for name, w := range map[string]reconcile.GuardWindow{"read before there was one": first, "read one write ago": second, "never read": ahead} {
		err := state.Admit(t.Context(), leaver(3, c.now()), next(w))
		if !errors.Is(err, reconcile.ErrChanged) || !errors.Is(err, ErrChanged) || !strings.Contains(err.Error(), identity(3)) {
			t.Errorf("%s: got %v", name, err)
		}
		if err := state.SetWindow(t.Context(), "research", w); !errors.Is(err, reconcile.ErrChanged) {
			t.Errorf("setting one %s: got %v", name, err)
		}
	}
	if got := state.decided(t, leaver(3, c.now()).Key); got != (reconcile.Removal{}) {
		t.Errorf("a person was stored without being counted: %+v", got)
	}
	if w := state.window(t); w.Admitted != 2 || w.Version != 2 {
		t.Errorf("window %+v", w)
	}
	other := leaver(1, c.now())
	other.Domain = "lab"
	if err := state.Admit(t.Context(), other, reconcile.GuardWindow{Admitted: 1}); err != nil {
		t.Errorf("the same person in another domain: %v", err)
	}
}

func TestOfManyAtOnceOneVersionAdmitsOne(t *testing.T) {
	_, state, c := newState(t)
	w := next(state.window(t))
	var wg sync.WaitGroup
	var admitted atomic.Int32
	for n := range 20 {
		wg.Go(func() {
			switch err := state.Admit(t.Context(), leaver(n, c.now()), w); {
			case err == nil:
				admitted.Add(1)
			case !errors.Is(err, reconcile.ErrChanged):
				t.Error(err)
			}
		})
	}
	wg.Wait()
	all, err := state.Removals(t.Context(), "research")
	if must(t, err); admitted.Load() != 1 || len(all) != 1 || state.window(t).Version != 1 {
		t.Errorf("%d admitted, %d stored, window %+v; want one", admitted.Load(), len(all), state.window(t))
	}
}

func TestOfManyWhoReadAgainAsManyAreAdmittedAsTheLimitAllows(t *testing.T) {
	const people, limit = 20, 7
	_, state, c := newState(t)
	var wg, everybody sync.WaitGroup
	var admitted, again atomic.Int32
	everybody.Add(people)
	for n := range people {
		wg.Go(func() {
			for round := 0; ; round++ {
				w, err := state.Window(t.Context(), "research")
				if round == 0 {
					everybody.Done()
					everybody.Wait() // so that all of them have read the same window
				}
				if err != nil {
					t.Error(err)
					return
				}
				if w.Admitted >= limit {
					return
				}
				switch err := state.Admit(t.Context(), leaver(n, c.now()), next(w)); {
				case err == nil:
					admitted.Add(1)
					return
				case errors.Is(err, reconcile.ErrChanged):
					again.Add(1)
				default:
					t.Error(err)
					return
				}
			}
		})
	}
	wg.Wait()
	all, err := state.Removals(t.Context(), "research")
	must(t, err)
	if w := state.window(t); admitted.Load() != limit || len(all) != limit || w.Admitted != limit || w.Version != limit {
		t.Errorf("%d admitted, %d stored, window %+v; want %d", admitted.Load(), len(all), w, limit)
	}
	if again.Load() < people-1 {
		t.Errorf("%d lost and read again; of the first %d all but one were to", again.Load(), people)
	}
}

func TestOnePersonSeenByManyIsCountedOnce(t *testing.T) {
	_, state, c := newState(t)
	k := leaver(1, c.now()).Key
	var wg, everybody sync.WaitGroup
	var admitted atomic.Int32
	everybody.Add(20)
	for range 20 {
		wg.Go(func() {
			for round := 0; ; round++ {
				r, err := state.Removal(t.Context(), k)
				w, err2 := state.Window(t.Context(), "research")
				if round == 0 {
					everybody.Done()
					everybody.Wait() // so that none of them has seen another's decision
				}
				if err := errors.Join(err, err2); err != nil {
					t.Error(err)
					return
				}
				if r.Decision != "" {
					return
				}
				if err := state.Admit(t.Context(), leaver(1, c.now()), next(w)); err == nil {
					admitted.Add(1)
				} else if !errors.Is(err, reconcile.ErrChanged) {
					t.Error(err)
					return
				}
			}
		})
	}
	wg.Wait()
	if w := state.window(t); admitted.Load() != 1 || w.Admitted != 1 {
		t.Errorf("%d admitted, window %+v; want one", admitted.Load(), w)
	}
}

func TestGuardWritesWhoseAnswersWereLostCountOnce(t *testing.T) {
	cloud, state, c := newState(t)
	for _, operation := range []string{"TransactWriteItems", "PutItem", "DeleteItem"} {
		cloud.Inject(localcloud.Fault{Operation: operation, Times: 1, Drop: true, Effect: localcloud.After})
	}
	r := leaver(1, c.now())
	must(t, state.Admit(t.Context(), r, next(state.window(t))))
	if w := state.window(t); w.Admitted != 1 || w.Version != 1 {
		t.Errorf("admitted: %+v", w)
	}
	must(t, state.SetWindow(t.Context(), "research", next(state.window(t))))
	if w := state.window(t); w.Admitted != 2 || w.Version != 2 {
		t.Errorf("set: %+v", w)
	}
	must(t, state.Drop(t.Context(), r.Key))
	if counts := cloud.CallCounts(); counts["dynamodb.TransactWriteItems"] != 2 {
		t.Errorf("the first answer was to be lost: %v", counts)
	}
}

func TestAWindowIsSetByOneOfManyAtOnce(t *testing.T) {
	_, state, c := newState(t)
	for round := range 2 {
		w := state.window(t)
		w.Start, w.Tripped = c.now(), false
		var wg sync.WaitGroup
		var set atomic.Int32
		for range 20 {
			wg.Go(func() {
				switch err := state.SetWindow(t.Context(), "research", w); {
				case err == nil:
					set.Add(1)
				case !errors.Is(err, reconcile.ErrChanged):
					t.Error(err)
				}
			})
		}
		wg.Wait()
		if got := state.window(t); set.Load() != 1 || got.Version != int64(round+1) {
			t.Errorf("round %d: set %d times, now %+v", round, set.Load(), got)
		}
	}
}
