package awscloud

import (
	"errors"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"studiokeeper/internal/localcloud"
	"studiokeeper/internal/plan"
	"studiokeeper/internal/reconcile"
)

func dated(row string, at time.Time) reconcile.RowDate {
	return reconcile.RowDate{
		Domain: "research", Row: row, Rights: "digest", Priority: 100,
		Edit: plan.Edit{Rights: at.Add(time.Nanosecond).UTC(), Rank: at.UTC()},
	}
}

func (s *State) dates(t *testing.T) reconcile.Dates {
	t.Helper()
	d, err := s.Dates(t.Context())
	must(t, err)
	return d
}

func TestRowsAndPinsAreRememberedWithOneQuery(t *testing.T) {
	cloud, state, c := newState(t)
	if got := state.dates(t); len(got.Rows)+len(got.Settled) != 0 {
		t.Errorf("at first: %+v", got)
	}
	gone := dated("rule "+strings.Repeat("ż", 600), c.now()) // too long for a sort key
	gone.Domain, gone.Gone = "lab", c.now().Add(time.Hour).UTC()
	for _, d := range []reconcile.RowDate{dated(identity(1001), c.now()), gone} {
		must(t, state.Date(t.Context(), d))
	}
	must(t, state.SettleDomain(t.Context(), "research", c.now()))
	_, err := state.Pin(t.Context(), "ad-group-1", identity(1001))
	must(t, err)
	cloud.ResetCalls()
	got := state.dates(t)
	if calls := len(cloud.Calls()); calls != 1 {
		t.Errorf("%d calls, want 1", calls)
	}
	first := dated(identity(1001), c.now())
	first.Version, gone.Version = 1, 1
	want := reconcile.Dates{
		Rows: []reconcile.RowDate{first, gone}, Settled: map[string]time.Time{"research": c.now().UTC()},
		Pins: map[string]string{"ad-group-1": identity(1001)},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestOnlyADeletedRowIsForgottenOneDay(t *testing.T) {
	_, state, c := newState(t)
	d := dated("g", c.now())
	for _, step := range []struct{ gone, expires bool }{{false, false}, {true, true}, {false, false}} {
		if d.Gone = (time.Time{}); step.gone {
			d.Gone = c.now()
		}
		must(t, state.Date(t.Context(), d))
		d.Version++
		it, err := state.get(t.Context(), rowDateKey(d))
		if must(t, err); (it["expires"] != nil) != step.expires {
			t.Errorf("gone %v: expires %v", step.gone, it["expires"])
		}
	}
}

func TestARowIsDatedByTheFirstWhoSeesItChange(t *testing.T) {
	cloud, state, c := newState(t)
	for version := range int64(2) {
		var wg sync.WaitGroup
		var done atomic.Int32
		for n := range 10 {
			wg.Go(func() {
				d := dated("g", c.now().Add(time.Duration(n)*time.Second))
				d.Version = version
				switch err := state.Date(t.Context(), d); {
				case err == nil:
					done.Add(1)
				case !errors.Is(err, reconcile.ErrChanged):
					t.Error(err)
				}
			})
		}
		wg.Wait()
		if rows := state.dates(t).Rows; done.Load() != 1 || len(rows) != 1 || rows[0].Version != version+1 {
			t.Errorf("%d wrote: %+v", done.Load(), rows)
		}
	}
	cloud.Inject(localcloud.Fault{Operation: "PutItem", Times: 1, Drop: true, Effect: localcloud.After})
	if err := state.Date(t.Context(), dated("other", c.now())); !errors.Is(err, reconcile.ErrChanged) {
		t.Errorf("a write whose answer was lost: %v", err)
	}
	if rows := state.dates(t).Rows; len(rows) != 2 {
		t.Errorf("it does not stand: %+v", rows)
	}
}

func TestADomainIsSettledEverLater(t *testing.T) {
	_, state, c := newState(t)
	for _, step := range []struct{ at, want time.Duration }{{0, 0}, {time.Hour, time.Hour}, {time.Minute, time.Hour}, {time.Hour, time.Hour}} {
		must(t, state.SettleDomain(t.Context(), "research", c.now().Add(step.at)))
		if got := state.dates(t).Settled["research"]; !got.Equal(c.now().Add(step.want)) {
			t.Errorf("settled at %s, want %s", got, c.now().Add(step.want))
		}
	}
}

func TestRowDatesThatCannotBeReadAreAnError(t *testing.T) {
	cloud, state, c := newState(t)
	failsOnEveryFailure(t, cloud, "dynamodb", "Query", func() error { _, err := state.Dates(t.Context()); return err })
	n := 0
	failsOnEveryFailure(t, cloud, "dynamodb", "PutItem", func() error {
		n++
		return state.Date(t.Context(), dated(identity(n), c.now()))
	})
	failsOnEveryFailure(t, cloud, "dynamodb", "PutItem", func() error { return state.SettleDomain(t.Context(), "research", c.now()) })
	d := dated("broken", c.now())
	must(t, state.Date(t.Context(), d))
	for _, attr := range []string{"domain", "row", "priority", "version", "since", "ranked"} {
		it, err := state.get(t.Context(), rowDateKey(d))
		must(t, err)
		whole := it[attr]
		delete(it, attr)
		state.put(t, it)
		if _, err := state.Dates(t.Context()); err == nil || !strings.Contains(err.Error(), "broken") {
			t.Errorf("without %s: %v", attr, err)
		}
		it[attr] = whole
		state.put(t, it)
	}
	state.dates(t)
}

// Changes are decided about and counted apart from removals, and by target.
func TestChangesAreDecidedApartFromRemovals(t *testing.T) {
	_, state, c := newState(t)
	changes := state.ChangeGuard()
	removal, change := leaver(1, c.now()), leaver(1, c.now())
	change.Target, change.From, change.To, change.Decision = "b", roleNamed("a"), roleNamed("b"), reconcile.Held
	must(t, state.Admit(t.Context(), removal, reconcile.GuardWindow{Admitted: 1}))
	must(t, changes.Admit(t.Context(), change, reconcile.GuardWindow{Admitted: 7}))
	got, err := changes.Removal(t.Context(), change.Key)
	must(t, err)
	if diff := cmp.Diff(change, got); diff != "" {
		t.Error(diff)
	}
	if w, err := changes.Window(t.Context(), "research"); w.Admitted != 7 || err != nil || state.window(t).Admitted != 1 {
		t.Errorf("windows %+v, %+v, %v", w, state.window(t), err)
	}
	again := reconcile.GuardWindow{Admitted: 8, Version: 1}
	if err := changes.Admit(t.Context(), change, again); !errors.Is(err, reconcile.ErrChanged) {
		t.Errorf("the same target again: %v", err)
	}
	other := change
	other.Target = "c"
	must(t, changes.Admit(t.Context(), other, again))
	must(t, changes.Drop(t.Context(), change.Key))
	if state.decided(t, removal.Key) == (reconcile.Removal{}) {
		t.Error("dropping a change dropped a removal")
	}
}
