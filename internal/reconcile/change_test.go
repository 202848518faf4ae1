package reconcile_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"studiokeeper/internal/awscloud"
	"studiokeeper/internal/event"
	"studiokeeper/internal/localcloud"
	"studiokeeper/internal/plan"
	"studiokeeper/internal/reconcile"
)

func TestEditedRowChangesNoMoreThanTheLimit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, nil)
		ids, _ := people(w, 20)
		w.startApp(name(ids[19], "user19@example.com"))
		w.roleTo("ad-group-1", "b", 100)
		w.edited("ad-group-1")
		want(t, "roles", w.with("a", "b"), "10 a, 10 b")
		want(t, "held", len(w.heldChanges()), 10)

		// Looked at again, nobody else is changed and nobody is told of twice.
		before := len(w.journal(ids[19]))
		w.edited("ad-group-1")
		w.passed()
		w.cloud.Advance(3 * time.Hour)
		w.passed()
		want(t, "roles when looked at again", w.with("a", "b"), "10 a, 10 b")
		want(t, "new in the journal of one who is held", len(w.journal(ids[19]))-before, 0)
		if held := w.heldChanges(); len(held) == 10 {
			if h := held[0]; h.From != roles+"a" || h.To != roles+"b" || !strings.Contains(h.Why, "ad-group-1 was edited") {
				t.Errorf("one who is held: %+v", h)
			}
		}
	})
}

// Whoever is held keeps role and apps, is told of once a day, and is ready.
func TestWhoIsHeldGoesOnWorking(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, configured("state:", "limits: {changes: {count: 0, floor: 0}}\nstate:"))
		alice, group := member(w, "alice@example.com")
		w.passed()
		w.startApp(name(alice, "alice@example.com"))
		w.roleTo("ad-group-1", "b", 100)
		results, err := w.keeper.Handle(t.Context(), added(alice, group))
		w.must(err)
		want(t, "held", []any{results[0].Held, results[0].HeldOf}, []any{true, plan.Changes})
		want(t, "profiles", w.profiles(), []string{"alice@example.com a"})
		want(t, "apps", w.runningApps(), 1)
		want(t, "journal", w.journal(alice)[2:], []string{"update held"})
		person, err := w.keeper.Persons.Person(t.Context(), reconcile.Key{Domain: "research", UserID: alice})
		w.must(err)
		want(t, "ready", person.Ready, true)
		w.cloud.Advance(25 * time.Hour)
		w.handle(added(alice, group))
		want(t, "journal a day later", w.journal(alice)[2:], []string{"update held", "update held"})
		v := w.keeper.See(t.Context(), alice)
		if !strings.HasPrefix(v[0].Held, "held: ") {
			t.Errorf("to be seen: %q", v[0].Held)
		}
	})
}

func TestPassHoldsAllChangesOfAnEditedRow(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, limited)
		people(w, crowd)
		w.passed()
		w.roleTo("ad-group-1", "b", 100)
		doc, err := w.keeper.Propose(t.Context(), reconcile.Scope{})
		w.must(err)
		want(t, "held in a plan", doc.Summary().Held, crowd)
		w.passed()
		want(t, "roles", w.with("a", "b"), fmt.Sprintf("%d a, 0 b", crowd))
		want(t, "held", len(w.heldChanges()), crowd)
		doc, err = w.keeper.Propose(t.Context(), reconcile.Scope{})
		w.must(err)
		want(t, "held in a plan then", []any{doc.Summary().Held, doc.Pending()}, []any{crowd, false})
	})
}

func TestPlanThatExceedsTheLimitHoldsAllWhenItIsApplied(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, limited)
		people(w, crowd)
		w.passed()
		w.roleTo("ad-group-1", "b", 100)
		doc, err := w.keeper.Propose(t.Context(), reconcile.Scope{})
		w.must(err)
		w.must(w.keeper.Prepare(t.Context(), doc))
		for _, p := range doc.Domains[0].People {
			w.handle(reconcile.LookOf("research", p, true, event.Trigger{}))
		}
		w.settle()
		want(t, "roles", w.with("a", "b"), fmt.Sprintf("%d a, 0 b", crowd))
		want(t, "held", len(w.heldChanges()), crowd)
	})
}

func TestMembershipsChangeRolesWhileEditsAreHeld(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, limited)
		ids, first := people(w, crowd)
		other := w.group("ad-group-2", "c", 200)
		w.passed()
		w.roleTo("ad-group-1", "b", 100)
		w.passed()
		want(t, "held", len(w.heldChanges()), crowd)
		for _, id := range ids[:6] { // more than the limit
			w.join(other, id)
			w.handle(added(id, other))
		}
		w.group("ad-group-3", "d", 10, ids[6])
		w.leave(first, ids[6])
		w.handle(looked(ids[6]))
		w.settle()
		want(t, "roles", w.with("a", "b", "c", "d"), "1 a, 0 b, 6 c, 1 d")
		want(t, "held", len(w.heldChanges()), 1)
	})
}

// Who joins a group long after its row was made is changed because they joined.
func TestJoiningAGroupWithANewRowIsNotLimitedOnceAPassSawIt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, limited)
		ids, _ := people(w, crowd)
		w.passed()
		w.cloud.Advance(time.Hour)
		other := w.group("ad-group-2", "c", 200)
		w.passed()
		w.cloud.Advance(time.Hour)
		for _, id := range ids {
			w.join(other, id)
			w.handle(added(id, other))
		}
		w.settle()
		want(t, "roles", w.with("a", "c"), fmt.Sprintf("0 a, %d c", crowd))
	})
}

func TestApprovedChangesGoOn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, limited)
		ids, _ := people(w, crowd)
		w.roleTo("ad-group-1", "b", 100)
		w.edited("ad-group-1")
		w.decideChanges(reconcile.Admitted)
		for _, id := range ids {
			w.handle(looked(id))
		}
		w.settle()
		want(t, "roles", w.with("a", "b"), fmt.Sprintf("0 a, %d b", crowd))
		all, err := w.keeper.Changes.Removals(t.Context(), "research")
		w.must(err)
		want(t, "what is left of the decisions", len(all), 0)
		window, err := w.keeper.Changes.Window(t.Context(), "research")
		w.must(err)
		want(t, "latched", window.Tripped, false)
	})
}

// An approval is for what was shown, not for what the row says later.
func TestApprovalIsForOneTarget(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, limited)
		ids, _ := people(w, crowd)
		w.passed()
		w.roleTo("ad-group-1", "b", 100)
		w.passed()
		w.decideChanges(reconcile.Admitted)
		w.roleTo("ad-group-1", "c", 100)
		for _, id := range ids {
			w.handle(looked(id))
		}
		w.settle()
		want(t, "roles", w.with("a", "b", "c"), "4 a, 0 b, 4 c")
		want(t, "held", len(w.heldChanges()), 4)
	})
}

func TestRejectedChangesAreAnException(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, limited)
		people(w, crowd)
		w.passed()
		w.roleTo("ad-group-1", "b", 100)
		w.passed()
		w.decideChanges(reconcile.Rejected)
		w.passed()
		want(t, "roles", w.with("a", "b"), fmt.Sprintf("%d a, 0 b", crowd))
		want(t, "held", len(w.heldChanges()), 0)
		w.cloud.Advance(w.keeper.RejectFor + time.Hour)
		w.passed()
		want(t, "held when that is over", len(w.heldChanges()), crowd)
	})
}

func TestEditBackDropsWhatWasHeld(t *testing.T) {
	for what, look := range map[string]func(*world){
		"found by the row's event": func(w *world) { w.edited("ad-group-1") },
		"found by a pass":          func(w *world) { w.passed() },
	} {
		t.Run(what, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t, limited)
				ids, _ := people(w, crowd)
				w.passed()
				w.startApp(name(ids[3], "user03@example.com"))
				w.roleTo("ad-group-1", "b", 100)
				w.passed()
				want(t, "held", len(w.heldChanges()), crowd)
				w.roleTo("ad-group-1", "a", 100)
				look(w)
				want(t, "held after the edit back", len(w.heldChanges()), 0)
				want(t, "roles", w.with("a", "b"), fmt.Sprintf("%d a, 0 b", crowd))
				want(t, "apps", w.runningApps(), 1)
				window, err := w.keeper.Changes.Window(t.Context(), "research")
				w.must(err)
				want(t, "latched", window.Tripped, false)
			})
		})
	}
}

func TestOtherEditsThatChangeRoles(t *testing.T) {
	t.Parallel()
	for what, edit := range map[string]func(w *world, ids []string){
		"a new row for a group whose people had a role": func(w *world, ids []string) { w.group("ad-group-3", "b", 300, ids...) },
		"a row raised above theirs":                     func(w *world, _ []string) { w.roleTo("ad-group-2", "b", 300) },
		"their row lowered below another":               func(w *world, _ []string) { w.roleTo("ad-group-1", "a", 1) },
		"their row deleted":                             func(w *world, _ []string) { w.removeRow("ad-group-1") },
	} {
		t.Run(what, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t, limited)
				ids, _ := people(w, crowd)
				w.group("ad-group-2", "b", 10, ids...)
				w.passed()
				w.cloud.Advance(time.Hour)
				edit(w, ids)
				for _, id := range ids {
					w.handle(looked(id))
				}
				w.settle()
				want(t, "roles", w.with("a", "b"), fmt.Sprintf("%d a, %d b", crowd-allowedChanges, allowedChanges))
				w.passed()
				want(t, "roles after a pass", w.with("a", "b"), fmt.Sprintf("%d a, %d b", crowd-allowedChanges, allowedChanges))
			})
		})
	}
}

func TestEditOfSettingsIsLimitedToo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, limited)
		people(w, crowd)
		w.passed()
		w.cloud.Advance(time.Minute)
		w.settings("ad-group-1", "sg-0a1b2c3d")
		w.edited("ad-group-1")
		with := 0
		for _, p := range w.described() {
			with += len(p.UserSettings.SecurityGroups)
		}
		want(t, "people with the new settings", with, allowedChanges)
		held := w.heldChanges()
		want(t, "held", len(held), crowd-allowedChanges)
		if h := held[0]; h.From != h.To {
			t.Errorf("the role of one who is held changes from %s to %s", h.From, h.To)
		}
	})
}

func TestEditedNamingRuleIsLimited(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, func(s string) string { return limited(configured("  table: mapping\n", namingRule)(s)) })
		var ids []string
		for i := range crowd {
			ids = append(ids, w.user(fmt.Sprintf("user%02d@example.com", i)))
		}
		w.group("studio-x", "", 0, ids...)
		for _, id := range ids {
			w.handle(looked(id))
		}
		w.settle()
		w.passed()
		w.cloud.Advance(time.Hour)
		w.open(func(s string) string {
			return limited(configured("  table: mapping\n", strings.Replace(namingRule, "/{group}", "/new-{group}", 1))(s))
		})
		for _, id := range ids {
			w.handle(looked(id))
		}
		w.settle()
		want(t, "roles", w.with("studio-x", "new-studio-x"), "4 studio-x, 4 new-studio-x")
	})
}

// Retries and the looks of one change, which takes several, count once.
func TestOneChangeCountsOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, limited)
		ids, _ := people(w, 6)
		w.cloud.ProfileDelay = 2 * time.Second
		w.passed()
		for _, id := range ids[:3] {
			w.runApp(name(id, "user0"+fmt.Sprint(slices.Index(ids, id))+"@example.com"))
		}
		w.cloud.Advance(time.Minute)
		w.roleTo("ad-group-1", "b", 100)
		w.cloud.Inject(localcloud.Fault{Service: "sagemaker", Operation: "UpdateUserProfile", Code: "InternalFailure", Status: 500, Times: 4})
		for range 3 {
			for _, id := range ids[:allowedChanges] {
				_, _ = w.try(looked(id))
			}
		}
		w.settle()
		want(t, "roles", w.with("a", "b"), "2 a, 4 b")
		want(t, "held", len(w.heldChanges()), 0)
		window, err := w.keeper.Changes.Window(t.Context(), "research")
		w.must(err)
		want(t, "counted", []any{window.Admitted, window.Tripped}, []any{allowedChanges, false})
	})
}

// What a hand changed is repaired, however many, and however old the row's edit.
func TestRepairsAreNotLimited(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, configured("state:", "limits: {changes: {count: 0, floor: 0}}\nstate:"))
		alice, _ := member(w, "alice@example.com")
		w.cloud.Advance(time.Hour)
		w.roleTo("ad-group-1", "b", 100)
		w.roleTo("ad-group-1", "a", 100)
		w.handle(looked(alice)) // nothing to change, and so settled anew
		w.cloud.Advance(time.Hour)
		w.updateByHand(name(alice, "alice@example.com"), roles+"admin")
		w.handle(looked(alice))
		w.settle()
		want(t, "profiles", w.profiles(), []string{"alice@example.com a"})
	})
}

// State of before rows were remembered: nothing is taken for edited, and from the
// first pass on edits are seen.
func TestUpgradeTakesNoOldRowForEdited(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, limited)
		ids, _ := people(w, crowd)
		for _, id := range ids {
			k := reconcile.Key{Domain: "research", UserID: id}
			p, err := w.keeper.Persons.Person(t.Context(), k)
			w.must(err)
			p.Settled = time.Time{}
			w.must(w.keeper.Persons.Remember(t.Context(), p))
		}
		w.forgetRows()
		other := w.group("ad-group-2", "c", 200, ids[:6]...)
		for _, id := range ids[:6] {
			w.handle(added(id, other))
		}
		w.settle()
		want(t, "roles", w.with("a", "c"), "2 a, 6 c")
		w.passed()
		w.roleTo("ad-group-2", "d", 200)
		w.passed()
		want(t, "roles after an edit", w.with("c", "d"), "6 c, 0 d")
	})
}

func TestSeeingAnEditWritesNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, nil)
		ids, _ := people(w, 2)
		w.passed()
		w.roleTo("ad-group-1", "b", 100)
		w.cloud.ResetCalls()
		w.keeper.See(t.Context(), ids[0])
		_, err := w.keeper.Propose(t.Context(), reconcile.Scope{})
		w.must(err)
		for call, n := range w.cloud.CallCounts() {
			if slices.Contains([]string{"dynamodb.PutItem", "dynamodb.UpdateItem", "dynamodb.TransactWriteItems", "dynamodb.BatchWriteItem"}, call) {
				t.Errorf("%s: %d calls", call, n)
			}
		}
	})
}

// What is remembered of rows lies beside what their names meant: one query reads
// both.
func TestRememberingRowsCostsAReadingNothing(t *testing.T) {
	w := newWorld(t, configured("cache: 0s", "cache: 10m"))
	group := w.group("ad-group-1", "a", 100)
	joins := func(userName string) map[string]int {
		u := w.user(userName)
		w.join(group, u)
		w.cloud.ResetCalls()
		w.handle(added(u, group))
		return w.cloud.CallCounts()
	}
	joins("first@example.com")
	warm := joins("second@example.com")
	w.keeper.Mapping.Dates = nil
	without := joins("third@example.com")
	want(t, "calls of one who joins", warm, without)

	counted := func(dates reconcile.RowDates) int {
		w.keeper.Mapping.Dates = dates
		w.keeper.Mapping.Forget()
		w.cloud.ResetCalls()
		_, err := w.keeper.Mapping.Rows(t.Context())
		w.must(err)
		return len(w.cloud.Calls())
	}
	want(t, "calls more for a reading", counted(w.keeper.Persons.(*awscloud.State))-counted(nil), 0)
}
