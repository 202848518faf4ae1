package awscloud

import (
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"

	"studiokeeper/internal/reconcile"
)

func TestAnAssignmentOfOursStaysOurs(t *testing.T) {
	tests := []struct {
		name    string
		records []bool
		want    bool
	}{
		{"ours", []bool{true}, true},
		{"found there", []bool{false}, false},
		{"ours, then found there", []bool{true, false}, true},
		{"found there, then made by us", []bool{false, true}, true},
		{"recorded twice", []bool{true, true, false, false}, true},
	}
	_, state, _ := newState(t)
	for n, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			p := reconcile.Principal{Group: true, ID: identity(1001 + n)}
			for _, ours := range test.records {
				must(t, state.RecordAssignment(t.Context(), "research", p, ours))
			}
			if known, ours, err := state.Assigned(t.Context(), "research", p); !known || ours != test.want || err != nil {
				t.Errorf("known %v, ours %v, %v; want %v", known, ours, err, test.want)
			}
		})
	}
}

func TestAssignmentsAreRecordedByDomainKindAndID(t *testing.T) {
	_, state, _ := newState(t)
	want := map[reconcile.Principal]reconcile.Assignment{}
	for n := range 30 {
		p := reconcile.Principal{Group: n%2 == 0, ID: fmt.Sprint("id-", n/2)}
		want[p] = reconcile.Assignment{Ours: n%3 == 0}
		must(t, state.RecordAssignment(t.Context(), "research", p, want[p].Ours))
	}
	elsewhere := reconcile.Principal{ID: "id-99"}
	must(t, state.RecordAssignment(t.Context(), "research-2", elsewhere, true))
	gone := reconcile.Principal{Group: true, ID: "id-0"}
	for range 2 {
		must(t, state.ForgetAssignment(t.Context(), "research", gone))
	}
	delete(want, gone)
	got, err := state.Assignments(t.Context(), "research")
	must(t, err)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	for _, p := range []reconcile.Principal{gone, elsewhere} {
		if known, ours, err := state.Assigned(t.Context(), "research", p); known || ours || err != nil {
			t.Errorf("%+v: known %v, ours %v, %v", p, known, ours, err)
		}
	}
	it, err := state.get(t.Context(), assignmentKey("research", reconcile.Principal{ID: "id-0"}))
	if must(t, err); it == nil || it["expires"] != nil {
		t.Errorf("the item is %v; it must not expire", it)
	}
}

func TestARecordOfAnAssignmentThatCannotBeUnderstoodIsAnError(t *testing.T) {
	for name, it := range map[string]item{
		"no word on whose it is": key("assignment#research", "GROUP#g"),
		"another kind": func() item {
			it := key("assignment#research", "ROLE#g")
			it["ours"] = yes()
			return it
		}(),
	} {
		t.Run(name, func(t *testing.T) {
			_, state, _ := newState(t)
			state.put(t, it)
			if got, err := state.Assignments(t.Context(), "research"); err == nil {
				t.Errorf("got %v", got)
			}
		})
	}
	_, state, _ := newState(t)
	state.put(t, key("assignment#research", "GROUP#g"))
	if known, ours, err := state.Assigned(t.Context(), "research", reconcile.Principal{Group: true, ID: "g"}); err == nil || known || ours {
		t.Errorf("known %v, ours %v, %v", known, ours, err)
	}
}

func TestUnreachableRecordsOfAssignmentsAreAnError(t *testing.T) {
	cloud, state, _ := newState(t)
	p := reconcile.Principal{ID: "u"}
	failsOnEveryFailure(t, cloud, "dynamodb", "GetItem", func() error { _, _, err := state.Assigned(t.Context(), "research", p); return err })
	failsOnEveryFailure(t, cloud, "dynamodb", "Query", func() error { _, err := state.Assignments(t.Context(), "research"); return err })
	failsOnEveryFailure(t, cloud, "dynamodb", "UpdateItem", func() error { return state.RecordAssignment(t.Context(), "research", p, true) })
	failsOnEveryFailure(t, cloud, "dynamodb", "UpdateItem", func() error { _, err := state.BeginAssignment(t.Context(), "research", p); return err })
	failsOnEveryFailure(t, cloud, "dynamodb", "DeleteItem", func() error { return state.AbandonAssignment(t.Context(), "research", p) })
	failsOnEveryFailure(t, cloud, "dynamodb", "DeleteItem", func() error { return state.ForgetAssignment(t.Context(), "research", p) })
}

func TestAnAssignmentThatWasBegunIsOursUntilItIsKnownNotToBe(t *testing.T) {
	_, state, _ := newState(t)
	p := reconcile.Principal{ID: "u"}
	is := func(what string, wantKnown, wantOurs bool) {
		t.Helper()
		if known, ours, err := state.Assigned(t.Context(), "research", p); known != wantKnown || ours != wantOurs || err != nil {
			t.Errorf("%s: known %v, ours %v, %v", what, known, ours, err)
		}
	}
	begin := func(what string, want bool) {
		t.Helper()
		if earlier, err := state.BeginAssignment(t.Context(), "research", p); earlier != want || err != nil {
			t.Errorf("%s: earlier %v, %v", what, earlier, err)
		}
	}
	listed := func(want reconcile.Assignment) {
		t.Helper()
		recorded, err := state.Assignments(t.Context(), "research")
		if must(t, err); recorded[p] != want {
			t.Errorf("recorded: %+v, want %+v", recorded, want)
		}
	}
	begin("the first time", false)
	is("begun", false, true)
	listed(reconcile.Assignment{Ours: true, Begun: true})
	begin("after a run that was cut off", true)
	must(t, state.AbandonAssignment(t.Context(), "research", p))
	is("abandoned", false, false)
	begin("again", false)
	must(t, state.RecordAssignment(t.Context(), "research", p, false))
	is("found there", true, false)
	begin("once it was found there", false)
	must(t, state.AbandonAssignment(t.Context(), "research", p))
	is("abandoned, while it is recorded", true, false)
	must(t, state.RecordAssignment(t.Context(), "research", p, true))
	begin("once it was made", true)
	is("begun again", true, true)
	listed(reconcile.Assignment{Ours: true})
}
