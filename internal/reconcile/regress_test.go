package reconcile_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"studiokeeper/internal/event"
	"studiokeeper/internal/localcloud"
	"studiokeeper/internal/reconcile"
)

// Each of these went wrong once.

func configured(pairs ...string) func(string) string { return strings.NewReplacer(pairs...).Replace }

const namingRule = "  table: mapping\n  naming: [{group: \"studio-*\", domain: research, role: \"arn:aws:iam::{account}:role/studio/{group}\"}]\n"

// within makes all looks that come within some time, and counts them.
func (w *world) within(d time.Duration) int {
	w.t.Helper()
	end := w.cloud.Now().Add(d)
	for n := 0; ; n++ {
		l, due, ok := w.queue.next()
		if ok && due.After(end) {
			w.must(w.queue.Send(context.Background(), l, due.Sub(w.cloud.Now())))
			return n
		}
		if !ok || n > 400 {
			return n
		}
		w.cloud.Advance(max(0, due.Sub(w.cloud.Now())))
		_, _ = w.try(l)
	}
}

func TestOldRowsInMemoryTakeNothingAway(t *testing.T) {
	w := newWorld(t, configured("cache: 0s", "cache: 60s"))
	alice := w.user("alice@example.com")
	a := w.group("a", "a", 100, alice)
	w.handle(added(alice, a))
	w.group("b", "b", 100, alice) // with a row that this instance has not heard of
	w.leave(a, alice)
	want(t, "planned", w.handle(looked(alice)), []string{"update"})
	w.settle()
	want(t, "profiles", w.profiles(), []string{"alice@example.com b"})
}

func TestOldRowsInMemoryGiveNothing(t *testing.T) {
	w := newWorld(t, configured("cache: 0s", "cache: 60s"))
	alice, bob := w.user("alice@example.com"), w.user("bob@example.com")
	a := w.group("a", "a", 100, alice)
	w.handle(added(alice, a))
	w.removeRow("a")
	w.join(a, bob)
	want(t, "planned", w.handle(added(bob, a)), nil)
}

func TestChangedRowReachesEveryInstance(t *testing.T) {
	w := newWorld(t, configured("cache: 0s", "cache: 60s"))
	alice := w.user("alice@example.com")
	w.handle(added(alice, w.group("ad-group-1", "a", 100, alice)))
	first := w.keeper
	w.open(configured("cache: 0s", "cache: 60s"))
	second := w.keeper
	w.row("ad-group-1", "research", roles+"b", 100)
	w.handle(event.Look{Scope: event.Group, GroupName: "ad-group-1", Domain: "research"})
	for {
		l, due, ok := w.queue.next()
		if !ok {
			break
		}
		w.cloud.Advance(max(0, due.Sub(w.cloud.Now())))
		if w.keeper = second; l.Scope == event.User {
			w.keeper = first
		}
		w.handle(l)
	}
	want(t, "profiles", w.profiles(), []string{"alice@example.com b"})
}

func TestSignInIsTakenAwayEvenIfItFailsAtFirst(t *testing.T) {
	w := newWorld(t, configured("signIn: none", "signIn: user"))
	alice := w.user("alice@example.com")
	a := w.group("a", "a", 100, alice)
	w.handle(added(alice, a))
	w.settle()
	w.leave(a, alice)
	w.cloud.Inject(localcloud.Fault{Service: "sso", Operation: "DeleteApplicationAssignment", Code: "ValidationException", Times: 1})
	if _, err := w.try(looked(alice)); err == nil {
		t.Error("nobody was told")
	}
	want(t, "profiles", w.profiles(), []string{"alice@example.com " + quarantined})
	w.settle()
	known, _, err := w.keeper.Assignments.Assigned(t.Context(), "research", reconcile.Principal{ID: alice})
	w.must(err)
	if _, err := w.cloud.SignIn(account, region, w.domain, alice); known || err == nil {
		t.Error("a leaver can still sign in")
	}
}

func TestRowOfItsOwnOutranksTheNamingStandardEvenUnresolved(t *testing.T) {
	w := newWorld(t, configured("  table: mapping\n", namingRule, "cache: 0s", "cache: 60s"))
	w.row("studio-x", "research", roles+"limited", 50)
	w.handle(looked(w.user("bob@example.com"))) // the group is not there yet
	alice := w.user("alice@example.com")
	g := w.group("studio-x", "", 0, alice)
	w.handle(added(alice, g))
	for _, p := range w.profiles() {
		if p == "alice@example.com studio-x" {
			t.Error("the naming standard overrode a row")
		}
	}
}

func TestSignInMessageIsNotBelieved(t *testing.T) {
	for what, edit := range map[string]func(string) string{
		"mode observe":  configured("signIn: none", "signIn: group, mode: observe"),
		"signIn none":   nil,
		"signIn user":   configured("signIn: none", "signIn: user"),
		"state retired": configured("signIn: none", "signIn: group, state: retire"),
	} {
		t.Run(what, func(t *testing.T) {
			w := newWorld(t, edit)
			g := w.group("ad-group-1", "a", 100, w.user("alice@example.com"))
			_, _ = w.try(event.Look{Scope: event.SignIn, GroupID: g, Domain: "research", Attempt: 9})
			want(t, "assignments", w.cloud.CallCounts()["sso.CreateApplicationAssignment"], 0)
		})
	}
}

func TestAppStartedDuringAChangeThereAndBackIsStopped(t *testing.T) {
	w := newWorld(t, nil)
	w.cloud.AppsAllowUpdates = true
	alice, _, high := moving(w)
	w.cloud.Advance(time.Minute)
	w.join(high, alice)
	w.handle(added(alice, high))
	w.leave(high, alice)
	w.handle(looked(alice))
	w.startApp(name(alice, "alice@example.com"))
	w.settle()
	want(t, "apps", w.runningApps(), 0)
	want(t, "profiles", w.profiles(), []string{"alice@example.com low"})
}

func TestCredentialsThatSeeNoInstanceAreRefused(t *testing.T) {
	w := newWorld(t, nil)
	w.keeper.Instances = nowhere{}
	alice := w.user("alice@example.com")
	if _, err := w.try(added(alice, w.group("ad-group-1", "a", 100, alice))); err == nil {
		t.Error("nobody was told")
	}
	want(t, "profiles", w.profiles(), nil)
}

// nowhere is an Identity Center that these credentials do not see.
type nowhere struct{}

// Instance implements reconcile.Instances.
func (nowhere) Instance(context.Context) (string, error) { return "", nil }

func TestGroupOfTheNamingStandardIsLookedAtAsAGroup(t *testing.T) {
	w := newWorld(t, configured("  table: mapping\n", namingRule))
	g := w.group("studio-x", "", 0, w.user("alice@example.com"))
	w.handle(event.Look{Scope: event.Group, GroupID: g})
	w.settle()
	want(t, "profiles", w.profiles(), []string{"alice@example.com studio-x"})
}

func TestMembershipOfTheNamingStandardThatShowsLateIsFound(t *testing.T) {
	w := newWorld(t, configured("  table: mapping\n", namingRule))
	alice := w.user("alice@example.com")
	g := w.group("studio-x", "", 0)
	w.handle(added(alice, g))
	w.join(g, alice)
	w.settle()
	want(t, "profiles", w.profiles(), []string{"alice@example.com studio-x"})
}

func TestRemovingTheRowOfAGroupThatIsGoneOffboardsItsPeople(t *testing.T) {
	w := newWorld(t, nil)
	alice, g := member(w, "alice@example.com")
	w.must(w.console().DeleteGroup(g))
	want(t, "while the row is there", w.handle(looked(alice)), []string{"unreadable: group-vanished"})
	w.removeRow("ad-group-1")
	w.handle(event.Look{Scope: event.Group, GroupName: "ad-group-1", Domain: "research"})
	w.settle()
	want(t, "profiles", w.profiles(), []string{"alice@example.com " + quarantined})
}

// The names of groups are remembered for a while, and a user's own list of groups does not tell one that was deleted
// from one that they left.
func TestGroupThatWasJustDeletedKeepsItsPeople(t *testing.T) {
	w := newWorld(t, configured("  table: mapping\n", namingRule, "cache: 0s", "cache: 60s"))
	alice := w.user("alice@example.com")
	group := w.group("ad-group-1", "a", 100, alice)
	w.handle(added(alice, group))
	w.settle()
	w.must(w.console().DeleteGroup(group))
	want(t, "planned", w.handle(looked(alice)), []string{"unreadable: group-vanished"})
	w.settle()
	want(t, "profiles", w.profiles(), []string{"alice@example.com a"})
}

// With a naming standard the group is its row: both go at once, and the limit bounds how many go with them.
func TestDeletingAGroupOfTheNamingStandardOffboardsItsPeople(t *testing.T) {
	w := newWorld(t, configured("  table: mapping\n", namingRule))
	alice := w.user("alice@example.com")
	group := w.group("studio-a", "", 0, alice)
	w.handle(added(alice, group))
	w.settle()
	want(t, "profiles", w.profiles(), []string{"alice@example.com studio-a"})
	w.must(w.console().DeleteGroup(group))
	w.handle(looked(alice))
	w.settle()
	want(t, "profiles", w.profiles(), []string{"alice@example.com " + quarantined})
}

func TestGroupLooksAreNotStarvedByABurst(t *testing.T) {
	w := newWorld(t, nil)
	g := w.group("ad-group-1", "a", 100, w.user("alice@example.com"))
	for range 20 { // an event every 3 s; what is sent arrives 8 s late
		w.handle(event.Look{Scope: event.Group, GroupID: g})
		w.cloud.Advance(3 * time.Second)
		if l, due, ok := w.queue.next(); ok {
			if w.cloud.Now().Before(due.Add(8 * time.Second)) {
				w.must(w.queue.Send(t.Context(), l, due.Sub(w.cloud.Now())))
				continue
			}
			w.handle(l)
		}
	}
	want(t, "profiles", w.profiles(), []string{"alice@example.com a"})
}

func TestClaimIsKeptBesideOtherLooks(t *testing.T) {
	virtually(nil, func(t *testing.T, w *world) {
		w.cloud.ProfileDelay = 10 * time.Second
		alice := w.user("alice@example.com")
		a := w.group("ad-group-1", "a", 100, alice)
		b := w.group("ad-group-2", "b", 200)
		w.handle(added(alice, a)) // the profile is being made: a look is planned
		w.handle(added(alice, b)) // does not show yet
		w.within(25 * time.Second)
		w.join(b, alice)
		w.settle()
		want(t, "profiles", w.profiles(), []string{"alice@example.com b"})
	})(t)
}

func TestFailingNoticeStopsNoWork(t *testing.T) {
	w := newWorld(t, func(s string) string { return s + "notices: {bus: default}\n" })
	alice, _, high := moving(w)
	w.join(high, alice)
	w.cloud.Inject(localcloud.Fault{Service: "events", Code: "AccessDeniedException"})
	if _, err := w.try(added(alice, high)); err == nil {
		t.Error("nobody was told")
	}
	want(t, "looks planned", w.queue.len(), 1)
}

func TestLeaseIsFreeAfterAFailedRun(t *testing.T) {
	w := newWorld(t, nil)
	alice := w.user("alice@example.com")
	group := w.group("ad-group-1", "a", 100, alice)
	w.cloud.Inject(localcloud.Fault{Service: "identitystore", Operation: "DescribeUser", Times: 1, Code: "AccessDeniedException", Delay: 300 * time.Millisecond})
	w.cloud.ResetCalls()
	done := make(chan error, 1)
	go func() { _, err := w.try(added(alice, group)); done <- err }()
	key := reconcile.Key{Domain: "research", UserID: alice}
	for w.cloud.CallCounts()["dynamodb.UpdateItem"] == 0 { // until the run has the lease
		time.Sleep(time.Millisecond)
	}
	if taken, err := w.keeper.Leases.Acquire(t.Context(), key, "asking", time.Minute); taken || err != nil {
		t.Fatalf("the run has no lease: %v", err)
	}
	if <-done == nil {
		t.Error("the run did not fail")
	}
	taken, err := w.keeper.Leases.Acquire(t.Context(), key, "next", time.Minute)
	if !taken || err != nil {
		t.Errorf("the lease is still held: %v", err)
	}
}

func TestLooksThatKeepAskingComeEverMoreSlowly(t *testing.T) {
	for what, fault := range map[string]localcloud.Fault{
		"a profile that nobody finds":   {Service: "sagemaker", Operation: "CreateUserProfile", Code: "ResourceInUse", Message: "SingleSignOnUserValue is already associated with a user profile"},
		"a name that seems to be taken": {Service: "sagemaker", Operation: "CreateUserProfile", Code: "ValidationException", Message: "Something already exists"},
	} {
		t.Run(what, virtually(nil, func(t *testing.T, w *world) {
			w.cloud.Inject(fault)
			alice := w.user("alice@example.com")
			w.handle(added(alice, w.group("ad-group-1", "a", 100, alice)))
			if n := w.within(time.Hour); n < 3 || n > 20 {
				t.Errorf("%d looks in an hour", n)
			}
		}))
	}
}

func TestSettingsThatHaveToWaitAreNotToldAtEveryLook(t *testing.T) {
	rules := func(settings string) func(string) string {
		return configured("  table: mapping\n", "  rules: [{group: ad-group-1, domain: research, role: \"arn:aws:iam::111122223333:role/studio/a\""+settings+"}]\n")
	}
	w := newWorld(t, rules(""))
	alice := w.user("alice@example.com")
	group := w.group("ad-group-1", "", 0, alice)
	w.handle(added(alice, group))
	w.settle()
	w.startApp(name(alice, "alice@example.com"))
	w.open(rules(`, settings: {SecurityGroups: [sg-0a1b2c3d]}`))
	w.handle(added(alice, group))
	if n := w.within(time.Hour); n > 12 {
		t.Errorf("%d looks in an hour", n)
	}
}

func TestBadNameStopsNobodyElse(t *testing.T) {
	for _, bad := range []string{strings.Repeat("x", 1100), "a\x01b", "groupId:", "groupId:not an id"} {
		for _, edit := range []func(string) string{nil, configured("  table: mapping\n", namingRule)} {
			w := newWorld(t, edit)
			w.cloud.Inject(localcloud.Fault{Service: "identitystore", Operation: "GetGroupId", Resource: "xxxxxxxx", Code: "ValidationException", Message: "bad displayName"})
			alice := w.user("alice@example.com")
			g := w.group("ad-group-1", "a", 100, alice)
			w.row(bad, "research", roles+"x", 1)
			w.handle(added(alice, g))
			want(t, "profiles", w.profiles(), []string{"alice@example.com a"})
		}
	}
}

func TestGroupThatIsGoneHoldsOnlyItsOwnPeople(t *testing.T) {
	w := newWorld(t, nil)
	dead := w.group("dead", "dead", 100)
	alice, g := member(w, "alice@example.com")
	bob := w.user("bob@example.com")
	w.must(w.console().DeleteGroup(dead))
	w.join(g, bob)
	want(t, "somebody joins another group", w.handle(added(bob, g)), []string{"create"})
	w.leave(g, alice)
	want(t, "somebody leaves another group", w.handle(looked(alice)), []string{"revoke", "quarantine"})
}

func TestRefusalsAreToldOnceADay(t *testing.T) {
	w := newWorld(t, nil)
	alice, g := member(w, "alice@example.com")
	w.leave(g, alice)
	w.open(func(s string) string { return s + "mode: observe\n" })
	before := len(w.journal(alice))
	for range 5 {
		w.handle(looked(alice))
	}
	want(t, "told", w.journal(alice)[before:], []string{"revoke deferred", "quarantine deferred"})
	w.cloud.Advance(25 * time.Hour)
	w.handle(looked(alice))
	want(t, "told the next day", len(w.journal(alice))-before, 4)
}

func TestWriteThatTheJournalMissedIsStillInIt(t *testing.T) {
	w := newWorld(t, nil)
	alice := w.user("alice@example.com")
	g := w.group("ad-group-1", "a", 100, alice)
	w.cloud.Inject(localcloud.Fault{Service: "dynamodb", Operation: "TransactWriteItems", Resource: "journal#", After: 1, Times: 1, Code: "AccessDeniedException"})
	if _, err := w.try(added(alice, g)); err == nil {
		t.Error("nobody was told")
	}
	w.handle(added(alice, g))
	want(t, "journal", w.journal(alice), []string{"create begun"})
}

func TestExplainingWritesNothing(t *testing.T) {
	w := newWorld(t, configured("  table: mapping\n", namingRule))
	alice := w.user("alice@example.com")
	w.group("studio-x", "", 0, alice)
	w.group("ad-group-1", "a", 100, alice)
	w.cloud.ResetCalls()
	w.keeper.See(t.Context(), alice)
	counts := w.cloud.CallCounts()
	want(t, "writes", counts["dynamodb.UpdateItem"]+counts["dynamodb.PutItem"], 0)
}

func TestDomainWithoutAnApplicationIsNotAskedAboutAgain(t *testing.T) {
	w := newWorld(t, configured("signIn: none", "signIn: group"))
	w.must(w.cloud.ForgetApplication(account, region, w.domain))
	alice, g := member(w, "alice@example.com")
	w.cloud.ResetCalls()
	w.handle(added(alice, g))
	w.settle()
	want(t, "group listings", w.cloud.CallCounts()["identitystore.ListGroupMemberships"], 0)
}

func TestOldMarkDoesNotSkipTheGracePeriod(t *testing.T) {
	w := newWorld(t, nil)
	alice := w.user("alice@example.com")
	w.makeProfile(name(alice, "alice@example.com"), "alice@example.com", roles+"a", map[string]string{
		"studiokeeper:deployment": "prod", "studiokeeper:user-id": alice, "studiokeeper:leaving": "2020-01-01T00:00:00Z",
	})
	w.handle(looked(alice))
	w.settle()
	want(t, "profiles", w.profiles(), []string{"alice@example.com " + quarantined})
	w.cloud.Advance(169 * time.Hour)
	w.handle(looked(alice))
	w.settle()
	want(t, "profiles after grace", w.profiles(), nil)
}

func TestAppsAreStoppedWhereTheQuarantineRoleCannotBePut(t *testing.T) {
	w := newWorld(t, nil)
	alice, g := member(w, "alice@example.com")
	w.cloud.Inject(localcloud.Fault{Service: "sagemaker", Operation: "UpdateUserProfile", Code: "AccessDeniedException"})
	w.leave(g, alice)
	if _, err := w.try(looked(alice)); err == nil {
		t.Error("nobody was told")
	}
	w.startApp(name(alice, "alice@example.com"))
	w.within(20 * time.Minute)
	want(t, "apps", w.runningApps(), 0)
}

func TestGroupIsNotAssignedBecauseOfARowThatIsGone(t *testing.T) {
	w := newWorld(t, configured("signIn: none", "signIn: group", "cache: 0s", "cache: 60s"))
	alice := w.user("alice@example.com")
	g := w.group("ad-group-1", "a", 100, alice)
	w.handle(looked(w.user("bob@example.com"))) // the rows are in memory
	w.removeRow("ad-group-1")
	w.handle(event.Look{Scope: event.SignIn, GroupID: g, Domain: "research", Attempt: 9})
	want(t, "assignments", w.cloud.CallCounts()["sso.CreateApplicationAssignment"], 0)
}

func TestGroupKeepsItsSignInWhileARowCannotBeResolved(t *testing.T) {
	w := newWorld(t, configured("signIn: none", "signIn: group"))
	alice, group := member(w, "alice@example.com")
	w.row("nobody-knows", "research", roles+"x", 1)
	w.removeRow("ad-group-1")
	w.handle(event.Look{Scope: event.Group, GroupName: "ad-group-1", Domain: "research"})
	w.settle()
	known, _, err := w.keeper.Assignments.Assigned(t.Context(), "research", reconcile.Principal{Group: true, ID: group})
	w.must(err)
	if _, denied := w.cloud.SignIn(account, region, w.domain, alice); !known || denied != nil {
		t.Errorf("the sign-in is gone: %v", denied)
	}
}

func TestTheWaitCountsFromTheDirectorysChangeWhateverLooksLast(t *testing.T) {
	w := newWorld(t, nil)
	w.cloud.ProfileDelay = 5 * time.Second
	alice := w.user("alice@example.com")
	asks := added(alice, w.group("ad-group-1", "a", 100, alice))
	asks.Trigger.Source, asks.Trigger.Time = "sso-directory.amazonaws.com", w.cloud.Now()
	want(t, "first look", w.handle(asks), []string{"create"})

	w.cloud.Advance(7 * time.Second)
	ours := event.Look{Scope: event.User, UserID: alice, Trigger: event.Trigger{Source: "sagemaker.amazonaws.com", Name: "CreateUserProfile", Time: w.cloud.Now()}}
	for range 2 {
		results, err := w.keeper.Handle(t.Context(), ours)
		w.must(err)
		if results[0].BecameReady {
			want(t, "waited at least 7 s, and counted once", results[0].Waited >= 7*time.Second && results[0].Waited < time.Minute, true)
			again, err := w.keeper.Handle(t.Context(), ours)
			w.must(err)
			want(t, "ready since", again[0].Waited, 0)
			return
		}
		w.cloud.Advance(7 * time.Second)
	}
	t.Fatal("the profile did not become ready")
}

func TestLookThatFailsBeforeItReadsPlansNoOther(t *testing.T) {
	w := newWorld(t, nil)
	alice := w.user("alice@example.com")
	group := w.group("ad-group-1", "a", 100, alice)
	w.cloud.Inject(localcloud.Fault{Service: "identitystore", Operation: "DescribeUser", Code: "AccessDeniedException"})
	if _, err := w.try(added(alice, group)); err == nil {
		t.Error("the look did not fail")
	}
	want(t, "looks planned beside the record, which comes again by itself", w.queue.len(), 0)
}
