package reconcile_test

import (
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"studiokeeper/internal/event"
	"studiokeeper/internal/localcloud"
	"studiokeeper/internal/reconcile"
)

// rounds collects what the reconciler tells of its passes.
func (w *world) rounds() *[]reconcile.Passed {
	told := &[]reconcile.Passed{}
	w.keeper.Passed = func(p reconcile.Passed) { *told = append(*told, p) }
	return told
}

// over counts the passes over everything among them.
func over(told []reconcile.Passed) (n int) {
	for _, p := range told {
		if p.Domain == "" {
			n++
		}
	}
	return n
}

// splitAnew asks for a pass that is split by domain, and makes what comes of it.
// The looks that failed are given back.
func (w *world) splitAnew() (failed []event.Look) {
	w.t.Helper()
	known, err := w.keeper.Register.Registered(w.t.Context())
	w.must(err)
	at := slices.IndexFunc(known, func(d reconcile.DomainRecord) bool { return d.Name == "d1" })
	large := reconcile.DomainRecord{Name: "d1", ID: w.keeper.Targets[1].Domain.ID, StoreID: store, Deployment: "prod"}
	if at >= 0 {
		large = known[at]
	}
	large.Profiles = 200_001
	w.must(w.keeper.Register.Register(w.t.Context(), large))
	w.handle(event.Look{Scope: event.Everybody, Trigger: event.Trigger{Name: "Scheduled Event", Time: w.cloud.Now()}})
	for {
		l, due, ok := w.queue.next()
		if !ok {
			return failed
		}
		w.cloud.Advance(max(0, due.Sub(w.cloud.Now())))
		if _, err := w.try(l); err != nil {
			failed = append(failed, l)
		}
	}
}

func TestASplitPassSucceedsWithTheLastOfItsDomains(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := withDomains(t, 2, nil)
		told := w.rounds()
		denied := localcloud.Fault{Service: "sagemaker", Operation: "ListUserProfiles", Resource: w.keeper.Targets[1].Domain.ID, Code: "AccessDeniedException"}
		for _, round := range []string{"the first", "one after a good one"} {
			*told = nil
			w.cloud.Inject(denied)
			failed := w.splitAnew()
			want(t, round+": domains that failed", len(failed), 1)
			want(t, round+": over while one domain fails", over(*told), 0)
			want(t, round+": what did not fail", len(*told), 1)
			w.cloud.ClearFaults()
			w.handle(failed[0]) // its message comes again
			want(t, round+": over once that has succeeded too", over(*told), 1)
			w.cloud.Advance(time.Hour)
		}
	})
}

func TestAPassTellsHowLongItTookWhereItSucceeded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := withDomains(t, 2, nil)
		told := w.rounds()
		w.cloud.Inject(localcloud.Fault{Service: "sagemaker", Operation: "ListUserProfiles", Resource: w.domain, Delay: 3 * time.Second})
		w.passed()
		took := map[string]time.Duration{}
		for _, p := range *told {
			took[p.Domain] = p.Took.Round(time.Second)
		}
		want(t, "took", took, map[string]time.Duration{"research": 3 * time.Second, "d1": 3 * time.Second, "": 3 * time.Second})

		*told = nil
		w.cloud.ClearFaults()
		w.cloud.Inject(localcloud.Fault{Service: "sagemaker", Operation: "ListUserProfiles", Resource: w.domain, Code: "AccessDeniedException"})
		w.handle(everybody)
		l, _, _ := w.queue.next()
		if _, err := w.try(l); err == nil {
			t.Error("a domain that could not be listed is no error")
		}
		var domains []string
		for _, p := range *told {
			domains = append(domains, p.Domain)
		}
		want(t, "told of a pass with a problem", domains, []string{"d1"})
	})
}

func TestTheRegisterKeepsWhenAPassSucceeded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, nil)
		record := func() reconcile.DomainRecord {
			known, err := w.keeper.Register.Registered(t.Context())
			w.must(err)
			return known[0]
		}
		w.passed()
		good := record()
		want(t, "succeeded when it was passed", good.Succeeded.Equal(good.Passed) && !good.Passed.IsZero(), true)
		w.cloud.Advance(time.Hour)
		w.group("ad-group-1", "a", 100, w.user("alice@example.com"))
		w.handle(everybody)
		l, _, _ := w.queue.next()
		w.keeper.Pass = broken{} // what is found cannot be handed on
		if _, err := w.try(l); err == nil {
			t.Error("nobody was told")
		}
		want(t, "passed again", record().Passed.After(good.Passed), true)
		want(t, "and not with success", record().Succeeded.IsZero(), true)
	})
}
