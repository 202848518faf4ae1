package function

import (
	"bytes"
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"studiokeeper/internal/event"
	"studiokeeper/internal/plan"
	"studiokeeper/internal/reconcile"
)

const (
	zeros   = `{"ChangesHeld":0,"Conflicts":0,"DeletionsFailed":0,"Errors":0,"QuarantineFailed":0,"RemovalsHeld":0,"TagsRemoved":0,"_aws":{"Timestamp":1767323045678,"CloudWatchMetrics":[{"Namespace":"studiokeeper","Dimensions":`
	defined = `"Metrics":[{"Name":"ChangesHeld","Unit":"Count"},{"Name":"Conflicts","Unit":"Count"},{"Name":"DeletionsFailed","Unit":"Count"},{"Name":"Errors","Unit":"Count"},{"Name":"QuarantineFailed","Unit":"Count"},{"Name":"RemovalsHeld","Unit":"Count"},{"Name":"TagsRemoved","Unit":"Count"}`
	alone   = `[["deployment"]],`
	within  = `[["deployment"],["deployment","domain"]],`
)

func TestMetricsOfAnInvocation(t *testing.T) {
	at := time.Date(2026, 1, 2, 3, 4, 5, 678e6, time.UTC)
	in := func(domain string) reconcile.Result {
		return reconcile.Result{Key: reconcile.Key{Domain: domain, UserID: "u"}}
	}
	alarmed := func(codes ...string) reconcile.Result {
		r := in("research")
		for _, c := range codes {
			r.Alarms = append(r.Alarms, plan.Reason{Code: c, Text: "alice@example.com"})
		}
		return r
	}
	failedApart := in("other")
	failedApart.Err = errors.New("refused")
	held := in("research")
	held.Held, held.HeldOf = true, plan.Removals
	joined := in("research")
	joined.BecameReady = true
	joined.Entries = []plan.Entry{
		{Outcome: plan.Begun, Change: plan.Change{Kind: plan.Create}}, {Outcome: plan.Done, Change: plan.Change{Kind: plan.Create}},
		{Outcome: plan.FailedAt, Change: plan.Change{Kind: plan.Assign}},
	}
	conflict := in("research")
	conflict.Changes = []plan.Change{{Kind: plan.Conflict, UserName: "alice@example.com"}, {Kind: plan.Wait}, {Kind: plan.Quarantine}}
	type looked struct {
		results []reconcile.Result
		err     error
	}
	refused := errors.New("refused")
	for _, c := range []struct {
		what  string
		looks []looked
		want  string
	}{
		{"nobody was looked at", nil, zeros + alone + defined + `]}]},"deployment":"prod"}` + "\n"},
		{"nothing to do", []looked{{results: []reconcile.Result{in("research")}}}, zeros + within + defined + `]}]},"deployment":"prod","domain":"research"}` + "\n"},
		{
			"somebody joined", []looked{{results: []reconcile.Result{joined}}},
			`{"ChangesCreate":1,"ChangesHeld":0,"Conflicts":0,"DeletionsFailed":0,"Errors":0,"QuarantineFailed":0,"RemovalsHeld":0,"TagsRemoved":0,"UsersReady":1,"_aws":{"Timestamp":1767323045678,"CloudWatchMetrics":[{"Namespace":"studiokeeper","Dimensions":` +
				within + defined + `,{"Name":"ChangesCreate","Unit":"Count"},{"Name":"UsersReady","Unit":"Count"}]}]},"deployment":"prod","domain":"research"}` + "\n",
		},
		{
			"all that alarms", []looked{
				{results: []reconcile.Result{alarmed(reconcile.AlarmDelete, reconcile.AlarmQuarantine, reconcile.AlarmTags)}, err: refused},
				{results: []reconcile.Result{alarmed(reconcile.AlarmDelete)}}, {results: []reconcile.Result{held}}, {results: []reconcile.Result{conflict}},
			},
			`{"ChangesHeld":0,"Conflicts":1,"DeletionsFailed":2,"Errors":1,"QuarantineFailed":1,"RemovalsHeld":1,"TagsRemoved":1,"_aws":{"Timestamp":1767323045678,"CloudWatchMetrics":[{"Namespace":"studiokeeper","Dimensions":` +
				within + defined + `]}]},"deployment":"prod","domain":"research"}` + "\n",
		},
		{
			"one domain of two failed", []looked{{results: []reconcile.Result{in("research"), failedApart}}},
			`{"ChangesHeld":0,"Conflicts":0,"DeletionsFailed":0,"Errors":1,"QuarantineFailed":0,"RemovalsHeld":0,"TagsRemoved":0,"_aws":{"Timestamp":1767323045678,"CloudWatchMetrics":[{"Namespace":"studiokeeper","Dimensions":` +
				within + defined + `]}]},"deployment":"prod","domain":"other"}` + "\n" +
				zeros + within + defined + `]}]},"deployment":"prod","domain":"research"}` + "\n",
		},
		{
			"a look that nobody came of", []looked{{err: refused}},
			`{"ChangesHeld":0,"Conflicts":0,"DeletionsFailed":0,"Errors":1,"QuarantineFailed":0,"RemovalsHeld":0,"TagsRemoved":0,"_aws":{"Timestamp":1767323045678,"CloudWatchMetrics":[{"Namespace":"studiokeeper","Dimensions":` +
				alone + defined + `]}]},"deployment":"prod"}` + "\n",
		},
	} {
		t.Run(c.what, func(t *testing.T) {
			var m meter
			for _, l := range c.looks {
				m.look(event.Look{Scope: event.User}, l.results, l.err)
			}
			var out bytes.Buffer
			if err := m.write(&out, "prod", at); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(c.want, out.String()); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestDurationsAreValuesInSeconds(t *testing.T) {
	at := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	var m meter
	for _, waited := range []time.Duration{8500 * time.Millisecond, 0, 0} { // 0: no change of the directory was waited for
		ready := reconcile.Result{Key: reconcile.Key{Domain: "research", UserID: "u"}, BecameReady: true, Waited: waited}
		m.look(event.Look{Scope: event.User}, []reconcile.Result{ready}, nil)
	}
	m.pass(reconcile.Passed{Domain: "research", Took: 2 * time.Second})
	m.pass(reconcile.Passed{})
	got := m.line("prod", "research", at)
	if diff := cmp.Diff([]any{[]float64{8.5}, []float64{2}, 3}, []any{got["EventToReady"], got["PassDuration"], got["UsersReady"]}); diff != "" {
		t.Error(diff)
	}
	var text bytes.Buffer
	if err := m.write(&text, "prod", at); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{`{"Name":"EventToReady","Unit":"Seconds"}`, `{"Name":"PassDuration","Unit":"Seconds"}`, `"PassSucceeded":1`} {
		if !bytes.Contains(text.Bytes(), []byte(want)) {
			t.Errorf("%s lacks %s", text.String(), want)
		}
	}
}
