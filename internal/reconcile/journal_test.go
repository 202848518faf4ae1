package reconcile_test

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"

	"studiokeeper/internal/event"
	"studiokeeper/internal/function"
	"studiokeeper/internal/localcloud"
	"studiokeeper/internal/plan"
	"studiokeeper/internal/reconcile"
	"studiokeeper/internal/studio"
)

// allEntries reads the whole journal, which must be in order.
func (w *world) allEntries() []plan.Entry {
	w.t.Helper()
	v, err := reconcile.VerifyJournal(w.t.Context(), w.keeper.History, "")
	w.must(err)
	want(w.t, "problems", v.Problems, []plan.Problem{})
	all, err := w.keeper.History.Entries(w.t.Context(), w.cloud.Now().Add(-400*time.Hour), w.cloud.Now().Add(time.Hour), "")
	w.must(err)
	return all
}

// kindOf picks the entries of one kind.
func kindOf(all []plan.Entry, kind plan.Kind) (outcomes []plan.Outcome, last plan.Entry) {
	for _, e := range all {
		if e.Change.Kind == kind {
			outcomes, last = append(outcomes, e.Outcome), e
		}
	}
	return outcomes, last
}

// lacks says what an entry does not say and should.
func lacks(e plan.Entry) (missing []string) {
	c := e.Change
	group := strings.HasPrefix(c.UserID, "group:")
	given := map[string]bool{
		"seq": e.Seq > 0, "digest": e.Digest != "", "time": !e.Time.IsZero(), "outcome": e.Outcome != "", "trigger": e.Trigger.Kind != "" && e.Trigger.Name != "",
		"user": c.UserID != "", "domain": c.Domain != "", "profile": c.Profile != "" || group, "group": c.Group != "", "reasons": len(c.Reasons) > 0,
		"error": e.Outcome != plan.FailedAt || e.Error != "",
	}
	removes := c.Kind.Removes()
	given["row"] = removes || c.Row != "" || c.Kind == plan.Conflict || c.Kind == plan.Tag || c.Kind == plan.Approve || c.Kind == plan.Reject
	given["before"] = c.Before != nil || c.Kind == plan.Create || c.Kind == plan.Assign && !group
	given["after"] = c.After != nil || c.Kind.Reports() || c.Kind == plan.Delete || c.Kind == plan.Unassign && !group || c.Kind == plan.Assign && !group
	for what, is := range given {
		if !is {
			missing = append(missing, what)
		}
	}
	return missing
}

func TestEveryEntrySaysAllThereIs(t *testing.T) {
	for _, signIn := range []string{"user", "group"} {
		t.Run(signIn, virtually(configured("signIn: none", "signIn: "+signIn), func(t *testing.T, w *world) {
			w.cloud.RequireAssignment = signIn == "user"
			trigger := event.Trigger{ID: "event-7", Name: "Story"}
			alice := w.user("alice@example.com")
			first := w.group("ad-group-1", "a", 100, alice)
			w.handle(added(alice, first))
			w.settle()
			second := w.group("ad-group-2", "b", 200, alice) // another role
			w.startApp(name(alice, "alice@example.com"))
			w.handle(added(alice, second))
			w.settle()
			tie := w.group("ad-group-3", "c", 200, alice)
			w.handle(event.Look{Scope: event.User, UserID: alice, Trigger: trigger})
			w.leave(tie, alice)
			w.leave(second, alice)
			w.leave(first, alice)
			w.removeRow("ad-group-1")
			w.handle(event.Look{Scope: event.Group, GroupName: "ad-group-1", Domain: "research", Trigger: trigger})
			w.settle()
			w.handle(event.Look{Scope: event.User, UserID: alice, Trigger: trigger})
			w.settle()
			w.cloud.Advance(169 * time.Hour)
			w.handle(event.Look{Scope: event.User, UserID: alice, Trigger: trigger})
			w.settle()

			seen := map[plan.Kind]bool{}
			for _, e := range w.allEntries() {
				seen[e.Change.Kind] = true
				if missing := lacks(e); len(missing) > 0 {
					t.Errorf("%s %s of %s lacks %v: %+v", e.Change.Kind, e.Outcome, e.Change.UserID, missing, e.Change)
				}
			}
			for _, kind := range []plan.Kind{plan.Create, plan.Assign, plan.Update, plan.Conflict, plan.Revoke, plan.Quarantine, plan.Unassign, plan.Delete} {
				if !seen[kind] {
					t.Errorf("the story has no %s", kind)
				}
			}
		}))
	}
}

func TestWhatAPersonDidIsTheirs(t *testing.T) {
	w := newWorld(t, nil)
	alice := w.user("alice@example.com")
	w.group("ad-group-1", "a", 100, alice)
	by := event.Trigger{Source: event.SourcePerson, ID: "arn:aws:sts::111122223333:assumed-role/admin/carol", Name: "apply"}
	_, err := w.try(event.Look{Scope: event.User, UserID: alice, Trigger: by})
	w.must(err)
	for _, e := range w.allEntries() {
		want(t, "trigger", e.Trigger, plan.Trigger{Kind: "person", ID: by.ID, Name: "apply"})
	}
}

func TestALookGivesBackTheSealedEntries(t *testing.T) {
	w := newWorld(t, nil)
	alice := w.user("alice@example.com")
	results, err := w.keeper.Handle(t.Context(), added(alice, w.group("ad-group-1", "a", 100, alice)))
	w.must(err)
	want(t, "entries", results[0].Entries, w.allEntries())
}

// The log is the anchor outside the table: it has every digest.
func TestTheFunctionsLogHasEveryDigest(t *testing.T) {
	w := newWorld(t, configured("signIn: none", "signIn: group"))
	var log bytes.Buffer
	logger := slog.New(slog.NewJSONHandler(&log, nil))
	w.keeper.Log = logger
	h := &function.Handler{Log: logger, Open: func(context.Context) (*reconcile.Reconciler, error) { return w.keeper, nil }}
	alice := w.user("alice@example.com")
	l := added(alice, w.group("ad-group-1", "a", 100, alice))
	for more := true; more; {
		_, err := h.Invoke(t.Context(), l.Message())
		w.must(err)
		w.cloud.Advance(time.Minute)
		l, _, more = w.queue.next()
	}
	all := w.allEntries()
	if _, group := kindOf(all, plan.Assign); group.Digest == "" {
		t.Fatal("the group was not assigned")
	}
	for _, e := range all {
		want(t, "lines with entry "+e.Digest, strings.Count(log.String(), fmt.Sprintf(`"seq":%d,"digest":%q`, e.Seq, e.Digest)), 1)
	}
}

// held is a world in which alice's removal is held.
func held(t *testing.T, edit func(string) string) (w *world, alice string, removal reconcile.Removal) {
	t.Helper()
	w = newWorld(t, func(s string) string { return edit(s) + "limits: {held: signIn, removals: {count: 0, floor: 0}}\n" })
	alice, g := member(w, "alice@example.com")
	w.leave(g, alice)
	w.handle(looked(alice))
	removal, err := w.keeper.Removals.Removal(t.Context(), reconcile.Key{Domain: "research", UserID: alice})
	w.must(err)
	want(t, "decision", removal.Decision, reconcile.Held)
	return w, alice, removal
}

func TestADecisionIsJournalledWithWhoMadeItAndWhy(t *testing.T) {
	w, _, removal := held(t, configured())
	by := plan.Trigger{Kind: "person", ID: "arn:aws:iam::111122223333:user/carol", Name: "removals reject"}
	rejected := removal
	rejected.Decision, rejected.Reason, rejected.Until = reconcile.Rejected, "on leave", time.Date(2026, 5, 1, 0, 0, 0, 0, time.UTC)
	w.must(w.keeper.Decide(t.Context(), removal, rejected, by))
	outcomes, last := kindOf(w.allEntries(), plan.Reject)
	want(t, "outcomes", outcomes, []plan.Outcome{plan.Begun, plan.Done})
	want(t, "trigger", last.Trigger, by)
	want(t, "reasons", last.Change.Reasons, []plan.Reason{{Code: "removal", Text: removal.Why}, {Code: "decision", Text: "until 2026-05-01: on leave"}})
	want(t, "change", last.Change.Before.Status+" "+last.Change.After.Status, "held rejected")
}

func TestNothingIsDecidedThatCannotBeJournalled(t *testing.T) {
	w, alice, removal := held(t, configured())
	w.cloud.Inject(localcloud.Fault{Service: "dynamodb", Operation: "TransactWriteItems", Resource: "journal#", Code: "AccessDeniedException"})
	approved := removal
	approved.Decision = reconcile.Admitted
	if err := w.keeper.Decide(t.Context(), removal, approved, plan.Trigger{Kind: "person"}); err == nil {
		t.Error("nobody was told")
	}
	is, err := w.keeper.Removals.Removal(t.Context(), reconcile.Key{Domain: "research", UserID: alice})
	w.must(err)
	want(t, "decision", is.Decision, reconcile.Held)
}

func TestADecisionThatCouldNotBeStoredIsToldAsFailed(t *testing.T) {
	w, _, removal := held(t, configured())
	w.cloud.Inject(localcloud.Fault{Service: "dynamodb", Operation: "PutItem", Resource: "removal#", Code: "AccessDeniedException"})
	approved := removal
	approved.Decision = reconcile.Admitted
	if err := w.keeper.Decide(t.Context(), removal, approved, plan.Trigger{Kind: "person", Name: "x"}); err == nil {
		t.Error("nobody was told")
	}
	outcomes, last := kindOf(w.allEntries(), plan.Approve)
	want(t, "outcomes", outcomes, []plan.Outcome{plan.Begun, plan.FailedAt})
	want(t, "missing", lacksIn(last, "error"), false)
}

func lacksIn(e plan.Entry, what string) bool { return strings.Contains(fmt.Sprint(lacks(e)), what) }

func TestTheSignInThatAHeldPersonLosesIsJournalledOnce(t *testing.T) {
	w, alice, _ := held(t, configured("signIn: none", "signIn: user"))
	w.handle(looked(alice))
	outcomes, last := kindOf(w.allEntries(), plan.Unassign)
	want(t, "outcomes", outcomes, []plan.Outcome{plan.Begun, plan.Done})
	want(t, "user", last.Change.UserID, alice)
}

func TestAGroupsSignInIsJournalledHoweverItEnds(t *testing.T) {
	lost := event.Look{Scope: event.Group, GroupName: "ad-group-1", Domain: "research", Trigger: event.Trigger{ID: "row-1", Name: "REMOVE"}}
	t.Run("held, once a day", func(t *testing.T) {
		w := newWorld(t, func(s string) string {
			return configured("signIn: none", "signIn: group")(s) + "limits: {removals: {count: 0, floor: 0}}\n"
		})
		_, group := member(w, "alice@example.com")
		w.removeRow("ad-group-1")
		for range 2 {
			lost.Trigger.ID += "x"
			w.handle(lost)
			w.settle()
		}
		outcomes, last := kindOf(w.allEntries(), plan.Unassign)
		want(t, "outcomes", outcomes, []plan.Outcome{plan.HeldBack})
		want(t, "of", last.Change.UserID+" "+last.Change.Group, "group:"+group+" "+group)
	})
	for _, failing := range []struct{ operation, kind string }{{"CreateApplicationAssignment", "assign"}, {"DeleteApplicationAssignment", "unassign"}} {
		t.Run(failing.kind+" failed", func(t *testing.T) {
			w := newWorld(t, configured("signIn: none", "signIn: group"))
			fault := localcloud.Fault{Operation: failing.operation, Times: 1, Code: "ValidationException"}
			w.cloud.Inject(fault)
			alice := w.user("alice@example.com")
			group := w.group("ad-group-1", "a", 100, alice)
			w.handle(added(alice, group))
			w.later()
			w.removeRow("ad-group-1")
			w.handle(lost)
			w.later()
			told := false
			for _, e := range w.allEntries() {
				told = told || string(e.Change.Kind) == failing.kind && e.Outcome == plan.FailedAt && strings.Contains(e.Error, failing.operation)
			}
			want(t, "told", told, true)
		})
	}
}

// later makes all later looks, whether or not they fail.
func (w *world) later() {
	w.t.Helper()
	for {
		l, due, ok := w.queue.next()
		if !ok {
			return
		}
		if wait := due.Sub(w.cloud.Now()); wait > 0 {
			w.cloud.Advance(wait)
		}
		_, _ = w.try(l)
	}
}

func TestDeletedProfilesAreJournalledWithWhatTheyHad(t *testing.T) {
	w := newWorld(t, nil)
	alice, g := member(w, "alice@example.com")
	w.leave(g, alice)
	w.handle(looked(alice))
	w.settle()
	_, last := kindOf(w.allEntries(), plan.Quarantine)
	want(t, "group", last.Change.Group, g)
	want(t, "before", last.Change.Before.Role, roles+"a")
	want(t, "tags", last.Change.Before.Tags[studio.TagGroup], g)
}

// A reader that is in the midst of an append sees a part of it: that is no damage.
func TestWhatIsAppendedMeanwhileIsNoDamage(t *testing.T) {
	w := newWorld(t, nil)
	alice, _ := member(w, "alice@example.com")
	reads := 0
	v, err := reconcile.VerifyJournal(t.Context(), halfway{w.keeper.History, &reads}, "")
	w.must(err)
	want(t, "problems", v.Problems, []plan.Problem{})
	want(t, "reads", reads, 2)
	if v.Entries == 0 || alice == "" {
		t.Error("nothing was checked")
	}
}

// halfway is a journal whose first reading misses the entry that the head tells of.
type halfway struct {
	reconcile.JournalReader
	reads *int
}

// Chains implements reconcile.JournalReader.
func (h halfway) Chains(ctx context.Context, userID string) ([]plan.Chain, []plan.Problem, error) {
	chains, strays, err := h.JournalReader.Chains(ctx, userID)
	if *h.reads++; *h.reads == 1 {
		chains[0].Links = chains[0].Links[:len(chains[0].Links)-1]
	}
	return chains, strays, err
}
