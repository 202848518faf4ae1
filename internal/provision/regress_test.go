package provision_test

import (
	"log/slog"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"studiokeeper/internal/config"
	"studiokeeper/internal/directory"
	"studiokeeper/internal/localcloud"
	"studiokeeper/internal/reconcile"
)

// A list that lacks what is there is taken for no sign that somebody deleted it:
// a leaver would be forgotten, and keep the group for good.
func TestWhoIsNotListedIsNotForgotten(t *testing.T) {
	virtually(t, func(w *world) {
		w.hire("alice", "bob")
		w.group("studio-a", "alice", "bob")
		w.run()
		w.ad.source.Users = w.ad.source.Users[:1]
		w.group("studio-a", "alice")
		w.cloud.Inject(localcloud.Fault{Operation: "ListUsers", Times: 1, Answer: `{"Users":[]}`})
		w.want("steps", w.run(), []string{"removeMember bob studio-a: done"})
		w.want("there", w.there(), []string{"alice studio-a", "bob"})
	})
}

func TestAGroupThatIsNotListedIsNotForgotten(t *testing.T) {
	virtually(t, func(w *world) {
		w.hire("alice", "bob")
		w.group("studio-a", "alice", "bob")
		w.run()
		w.group("studio-a", "alice")
		w.cloud.Inject(localcloud.Fault{Operation: "ListGroups", Times: 1, Answer: `{"Groups":[]}`})
		w.want("steps", w.run(), []string{"removeMember bob studio-a: done"})
		w.want("again", w.run(), []string{})
		w.want("there", w.there(), []string{"alice studio-a", "bob"})
	})
}

// Whoever is not on record with their id would be taken for a stranger's once
// their account changes: until they are, they are put into no group.
func TestWhoIsNotOnRecordGetsNoGroup(t *testing.T) {
	virtually(t, func(w *world) {
		w.hire("alice")
		w.group("studio-a")
		w.run()
		w.group("studio-a", "alice")
		w.cloud.Inject(localcloud.Fault{Service: "dynamodb", Resource: "journal", Times: 1, Code: "AccessDeniedException"})
		_, err := w.try()
		w.must(err)
		w.account("alice").DisplayName = "Alice in Wonderland"
		w.ad.source.Users[0].Disabled = true
		w.run()
		w.want("there", w.there(), []string{"alice"})
	})
}

// That a group is gone was accepted once, by a person: what the guard holds of it
// is still held, or goes on, when a schedule runs that knows nothing of it.
func TestAGroupThatWasGivenUpStaysSo(t *testing.T) {
	virtually(t, func(w *world) {
		names := w.people(10)
		w.group("studio-b", names...)
		w.run()
		gone := w.ad.source.Groups
		w.ad.source.Groups = gone[1:]
		w.accept = []string{"studio-a"}
		w.run()
		w.accept = nil
		w.run()
		w.want("held", len(w.held()), 10)
		w.decide(reconcile.Admitted)
		w.run()
		w.want("there", w.there()[0], "u00 studio-b")
		w.want("again", w.run(), []string{})
	})
}

// A group that is back is no longer given up: the next time it is gone, a person
// is asked again.
func TestAGroupThatIsBackIsNotGivenUpAnyMore(t *testing.T) {
	virtually(t, func(w *world) {
		names := w.people(10)
		w.group("studio-b", names...)
		w.run()
		all := w.ad.source.Groups
		w.ad.source.Groups = all[1:]
		w.accept = []string{"studio-a"}
		w.run()
		w.accept, w.ad.source.Groups = nil, all
		w.run()
		w.want("held", w.held(), []string{})
		w.ad.source.Groups = all[1:]
		w.want("gone again", w.run(), []string{"conflict studio-a: refused"})
	})
}

// When all who were held are back, the latch is open for whoever leaves then.
func TestWhoLeavesWhenNobodyIsHeldAnyMoreGoes(t *testing.T) {
	virtually(t, func(w *world) {
		names := w.people(10)
		w.run()
		w.group("studio-a", names[5:]...)
		w.run()
		w.want("held", len(w.held()), 5)
		w.group("studio-a", names[:9]...)
		w.want("steps", w.run(), []string{"removeMember u09 studio-a: done"})
	})
}

// Another attribute for user names would lock everybody out at once: people sign
// in with them, and their profiles are bound to them.
func TestManyUserNamesChangeOnlyWhenAPersonAcceptsIt(t *testing.T) {
	virtually(t, func(w *world) {
		names := w.people(13)
		w.run()
		for _, name := range names[1:12] { // 10 are the floor
			w.account(name).UserName = name + "@new.example"
		}
		w.group("studio-a", names[:12]...)
		w.group("studio-b", "u01")
		done := slices.DeleteFunc(w.run(), func(step string) bool { return !strings.HasSuffix(step, "done") })
		w.want("done", done, []string{"addMember u01 studio-b: done", "createGroup studio-b: done", "removeMember u12 studio-a: done"})
		w.want("there", w.there()[:2], []string{"u00 studio-a", "u01 studio-a studio-b"})
		w.renames = true
		w.run()
		w.want("accepted", w.there()[1], "u01@new.example studio-a studio-b")
	})
}

// Errors go to logs that may not name people: whoever they name is quoted, which
// is what is masked there.
func TestErrorsNameNobodyInADiscreetLog(t *testing.T) {
	virtually(t, func(w *world) {
		_, err := w.cloud.Console(account, region, storeID).CreateUser(localcloud.Person{UserName: "root-admin", Email: "jroe@corp.example"})
		w.must(err)
		w.hire("jroe")
		w.group("studio-a", "jroe")
		w.cloud.Inject(localcloud.Fault{Operation: "ListUsers", Times: 1, Answer: `{"Users":[]}`})
		done, err := w.try()
		w.must(err)
		var out strings.Builder
		log := slog.New(config.Discreet{Handler: slog.NewTextHandler(&out, nil), Named: &atomic.Bool{}})
		for _, s := range done.Steps {
			log.Error("a change failed", "error", s.Error)
		}
		if !strings.Contains(out.String(), "did not make") || strings.Contains(out.String(), "root-admin") {
			t.Errorf("the log is:\n%s", out.String())
		}
	})
}

// Who turns out to have the name while users are made is taken over by no run
// whose plan did not show it: two may have the name and the address.
func TestNobodyIsTakenOverWhomThePlanDidNotShow(t *testing.T) {
	virtually(t, func(w *world) {
		console := w.cloud.Console(account, region, storeID)
		for _, p := range []localcloud.Person{{UserName: "root-admin", Email: "jroe@corp.example"}, {UserName: "jroe@corp.example"}} {
			_, err := console.CreateUser(p)
			w.must(err)
		}
		w.carry.Adopt = directory.AdoptEmail
		w.hire("jroe")
		w.group("studio-a", "jroe")
		w.cloud.Inject(localcloud.Fault{Operation: "ListUsers", Times: 1, Answer: `{"Users":[]}`})
		w.want("first", w.run(), []string{"addMember jroe studio-a: failed", "createGroup studio-a: done", "createUser jroe: failed"})
		w.want("then", w.run()[:2], []string{"addMember jroe studio-a: done", "adoptUser jroe: done"})
		w.want("there", w.there(), []string{"jroe studio-a", "root-admin"})
	})
}
