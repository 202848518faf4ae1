package awscloud

import (
	"errors"
	"fmt"
	"maps"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"studiokeeper/internal/localcloud"
	"studiokeeper/internal/reconcile"
)

// leaver is a removal of user n that was admitted at a time.
func leaver(n int, at time.Time) reconcile.Removal {
	return reconcile.Removal{
		Key: reconcile.Key{Domain: "research", UserID: identity(n)}, UserName: fmt.Sprintf("user-%d@example.com", n),
		Profile: fmt.Sprint("user-", n), Decision: reconcile.Admitted, Reason: "within the limit", Why: "in no mapped group", At: at.UTC(),
	}
}

func (s *State) decided(t *testing.T, k reconcile.Key) reconcile.Removal {
	t.Helper()
	r, err := s.Removal(t.Context(), k)
	must(t, err)
	return r
}

func TestAdmittingStoresPersonAndWindowTogether(t *testing.T) {
	_, state, c := newState(t)
	r := leaver(1, c.now().Add(time.Nanosecond))
	if got := state.decided(t, r.Key); got != (reconcile.Removal{}) {
		t.Errorf("before: %+v", got)
	}
	if got := state.window(t); got != (reconcile.GuardWindow{}) {
		t.Errorf("before: %+v", got)
	}
	w := reconcile.GuardWindow{Start: c.now().UTC(), Managed: 40, Admitted: 1, Tripped: true}
	must(t, state.Admit(t.Context(), r, w))
	w.Version = 1
	if diff := cmp.Diff(w, state.window(t)); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff(r, state.decided(t, r.Key)); diff != "" {
		t.Error(diff)
	}
	for _, k := range []item{state.removals().decisionKey(r.Key), state.removals().windowKey("research")} {
		if it, err := state.get(t.Context(), k); err != nil || it == nil || it["expires"] != nil {
			t.Errorf("the item is %v, %v; it must not expire", it, err)
		}
	}
}

func TestAPersonIsDecidedAboutOnce(t *testing.T) {
	tests := []struct {
		name   string
		before func(r *reconcile.Removal, at time.Time)
		want   bool
	}{
		{"admitted before", func(r *reconcile.Removal, _ time.Time) { r.Decision = reconcile.Admitted }, false},
		{"held before", func(r *reconcile.Removal, _ time.Time) { r.Decision = reconcile.Held }, false},
		{"held with an end that means nothing", func(r *reconcile.Removal, at time.Time) { r.Decision, r.Until = reconcile.Held, at }, false},
		{"rejected, and it is not over", func(r *reconcile.Removal, at time.Time) {
			r.Decision, r.Until = reconcile.Rejected, at.Add(time.Nanosecond)
		}, false},
		{"rejected until now", func(r *reconcile.Removal, at time.Time) { r.Decision, r.Until = reconcile.Rejected, at }, true},
		{"rejected in another time zone, and over", func(r *reconcile.Removal, at time.Time) {
			r.Decision, r.Until = reconcile.Rejected, at.Add(-time.Second).In(time.FixedZone("", 7200))
		}, true},
		{"rejected without an end", func(r *reconcile.Removal, _ time.Time) { r.Decision = reconcile.Rejected }, false},
	}
	_, state, c := newState(t)
	for n, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			before := leaver(n+1, c.now().Add(-time.Hour))
			test.before(&before, c.now())
			must(t, state.Decide(t.Context(), before))
			w := state.window(t)
			err := state.Admit(t.Context(), leaver(n+1, c.now()), next(w))
			if errors.Is(err, reconcile.ErrChanged) == test.want || (err == nil) != test.want {
				t.Errorf("got %v, want admitted: %v", err, test.want)
			}
			want, counted := before, w.Admitted
			if test.want {
				want, counted = leaver(n+1, c.now()), w.Admitted+1
			}
			want.Until = want.Until.UTC()
			if diff := cmp.Diff(want, state.decided(t, before.Key)); diff != "" {
				t.Error(diff)
			}
			if got := state.window(t); got.Admitted != counted {
				t.Errorf("%d counted, want %d", got.Admitted, counted)
			}
		})
	}
}

func TestDecisionsAreReplacedListedOverAllPagesAndDropped(t *testing.T) {
	_, state, c := newState(t)
	held := leaver(1, c.now())
	held.Decision, held.Reason = reconcile.Held, "11 of 40 would leave; the limit is 10"
	must(t, state.Admit(t.Context(), held, reconcile.GuardWindow{Tripped: true}))
	rejected := held
	rejected.Decision, rejected.Until = reconcile.Rejected, c.now().Add(720*time.Hour).UTC()
	admitted := held
	admitted.Decision, admitted.Reason = reconcile.Admitted, "approved by carol"
	for _, want := range []reconcile.Removal{rejected, admitted, admitted} {
		must(t, state.Decide(t.Context(), want))
		if diff := cmp.Diff(want, state.decided(t, held.Key)); diff != "" {
			t.Error(diff)
		}
	}
	want := []reconcile.Removal{admitted}
	for n := range 8 {
		r := leaver(n+2, c.now())
		r.Why = strings.Repeat("x", 300_000) // four items of it exceed the 1 MB of a page
		want = append(want, r)
		must(t, state.Decide(t.Context(), r))
	}
	elsewhere := leaver(1, c.now())
	elsewhere.Domain = "lab"
	must(t, state.Decide(t.Context(), elsewhere))
	got, err := state.Removals(t.Context(), "research")
	must(t, err)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff[:min(len(diff), 1000)])
	}
	for range 2 {
		must(t, state.Drop(t.Context(), elsewhere.Key))
	}
	if none, err := state.Removals(t.Context(), "lab"); len(none) != 0 || err != nil {
		t.Errorf("after it was dropped: got %v, %v", none, err)
	}
	if got := state.decided(t, admitted.Key); got != admitted {
		t.Errorf("another domain's was dropped too: %+v", got)
	}
}

func TestGuardItemsThatCannotBeUnderstoodAreAnError(t *testing.T) {
	at := text("2026-01-02T03:04:05.000000000Z")
	removals := map[string]item{
		"nothing at all":               {},
		"no decision":                  {"at": at},
		"a decision that nobody knows": {"at": at, "decision": text("maybe")},
		"no time":                      {"decision": text("held")},
		"a time that is none":          {"decision": text("held"), "at": text("yesterday")},
		"an end that is none":          {"decision": text("rejected"), "at": at, "until": number(7)},
		"a time that does not sort":    {"decision": text("held"), "at": text("2026-01-02T03:04:05+02:00")},
	}
	for name, attrs := range removals {
		t.Run("a removal with "+name, func(t *testing.T) {
			_, state, _ := newState(t)
			it := state.removals().decisionKey(leaver(1, time.Time{}).Key)
			maps.Copy(it, attrs)
			state.put(t, it)
			if got, err := state.Removal(t.Context(), leaver(1, time.Time{}).Key); err == nil || got != (reconcile.Removal{}) || !strings.Contains(err.Error(), identity(1)) {
				t.Errorf("got %+v, %v", got, err)
			}
			if got, err := state.Removals(t.Context(), "research"); err == nil || got != nil {
				t.Errorf("got %+v, %v", got, err)
			}
		})
	}
	for _, name := range []string{"start", "managed", "admitted", "tripped", "version"} {
		t.Run("a window without "+name, func(t *testing.T) {
			_, state, _ := newState(t)
			it := state.removals().windowKey("research")
			maps.Copy(it, item{"start": at, "managed": number(40), "admitted": number(2), "tripped": yes(), "version": number(3)})
			state.put(t, it)
			if want := (reconcile.GuardWindow{Start: time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC), Managed: 40, Admitted: 2, Tripped: true, Version: 3}); state.window(t) != want {
				t.Errorf("whole: %+v", state.window(t))
			}
			delete(it, name)
			state.put(t, it)
			if got, err := state.Window(t.Context(), "research"); err == nil || got != (reconcile.GuardWindow{}) || !strings.Contains(err.Error(), "attribute "+name) {
				t.Errorf("got %+v, %v", got, err)
			}
		})
	}
}

func TestARemovalWithoutADecisionIsNotWritten(t *testing.T) {
	cloud, state, c := newState(t)
	cloud.ResetCalls()
	for _, decision := range []reconcile.Decision{"", "maybe"} {
		r := leaver(1, c.now())
		r.Decision = decision
		for what, err := range map[string]error{"Admit": state.Admit(t.Context(), r, reconcile.GuardWindow{}), "Decide": state.Decide(t.Context(), r)} {
			if err == nil || errors.Is(err, reconcile.ErrChanged) {
				t.Errorf("%s of %q: got %v", what, decision, err)
			}
		}
	}
	if calls := cloud.Calls(); len(calls) != 0 {
		t.Errorf("calls %v", calls)
	}
}

func TestAnUnreachableGuardIsAnError(t *testing.T) {
	cloud, state, c := newState(t)
	r := leaver(1, c.now())
	failsOnEveryFailure(t, cloud, "dynamodb", "GetItem", func() error { _, err := state.Removal(t.Context(), r.Key); return err })
	failsOnEveryFailure(t, cloud, "dynamodb", "GetItem", func() error { _, err := state.Window(t.Context(), "research"); return err })
	failsOnEveryFailure(t, cloud, "dynamodb", "Query", func() error { _, err := state.Removals(t.Context(), "research"); return err })
	failsOnEveryFailure(t, cloud, "dynamodb", "PutItem", func() error { return state.Decide(t.Context(), r) })
	failsOnEveryFailure(t, cloud, "dynamodb", "DeleteItem", func() error { return state.Drop(t.Context(), r.Key) })
	n := 1
	failsOnEveryFailure(t, cloud, "dynamodb", "TransactWriteItems", func() error {
		n++ // an answer that was cut off may have taken effect
		return state.Admit(t.Context(), leaver(n, c.now()), next(state.window(t)))
	})
	failsOnEveryFailure(t, cloud, "dynamodb", "PutItem", func() error {
		return state.SetWindow(t.Context(), "research", state.window(t))
	})
}

func TestACancelledAdmissionIsAChangeOrARefusal(t *testing.T) {
	const transaction = "TransactionCanceledException"
	tests := []struct {
		name, code, reasons string
		changed             bool
		fault               Fault
		want                string
	}{
		{"the person was decided about", transaction, `[{"Code":"ConditionalCheckFailed"},{"Code":"None"}]`, true, Refused, "somebody changed it meanwhile"},
		{"the window was changed", transaction, `[{"Code":"None"},{"Code":"ConditionalCheckFailed"}]`, true, Refused, "somebody changed it meanwhile"},
		{"both were changed", transaction, `[{"Code":"ConditionalCheckFailed"},{"Code":"ConditionalCheckFailed"}]`, true, Refused, "somebody changed it meanwhile"},
		{"somebody else is writing", transaction, `[{"Code":"None"},{"Code":"TransactionConflict"}]`, true, Refused, "somebody changed it meanwhile"},
		{"a change and a refusal", transaction, `[{"Code":"ConditionalCheckFailed"},{"Code":"ThrottlingError","Message":"slow"}]`, false, Throttled, "ThrottlingError: slow"},
		{"an item that is refused", transaction, `[{"Code":"ValidationError","Message":"too large"},{"Code":"None"}]`, false, Refused, "too large"},
		{"reasons of something else", transaction, `[{"Code":"ConditionalCheckFailed"}]`, false, Refused, transaction},
		{"no reasons", transaction, `null`, false, Refused, transaction},
		{"a token that was used for something else", "IdempotentParameterMismatchException", `null`, false, Refused, "IdempotentParameterMismatch"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			s := served(t, func(w http.ResponseWriter, _ *http.Request) {
				w.WriteHeader(400)
				_, _ = fmt.Fprintf(w, `{"__type":"com.amazonaws.dynamodb.v20120810#%s","Message":"cancelled","CancellationReasons":%s}`, test.code, test.reasons)
			})
			err := (&State{Session: s, Table: "t"}).Admit(t.Context(), leaver(1, time.Now()), reconcile.GuardWindow{})
			if err == nil || errors.Is(err, reconcile.ErrChanged) != test.changed || FaultOf(err) != test.fault || !strings.Contains(err.Error(), test.want) {
				t.Errorf("got %v (%s)", err, FaultOf(err))
			}
		})
	}
}

func TestAWriteThatMeetsATransactionIsRepeated(t *testing.T) {
	writes := map[string]struct {
		operation string
		do        func(*State) error
	}{
		"Decide":    {"PutItem", func(s *State) error { return s.Decide(t.Context(), leaver(1, s.now())) }},
		"Drop":      {"DeleteItem", func(s *State) error { return s.Drop(t.Context(), leaver(1, s.now()).Key) }},
		"SetWindow": {"PutItem", func(s *State) error { return s.SetWindow(t.Context(), "research", reconcile.GuardWindow{}) }},
	}
	for name, write := range writes {
		t.Run(name, func(t *testing.T) {
			cloud, state, _ := newState(t)
			cloud.Inject(localcloud.Fault{Operation: write.operation, Times: 1, Code: "TransactionConflictException"})
			must(t, write.do(state))
			cloud.ClearFaults()
			cloud.Inject(localcloud.Fault{Operation: write.operation, Code: "TransactionConflictException"})
			if err := write.do(state); FaultOf(err) != Throttled || errors.Is(err, reconcile.ErrChanged) {
				t.Errorf("without end: got %v", err)
			}
		})
	}
}
