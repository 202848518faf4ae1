package reconcile_test

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"studiokeeper/internal/event"
	"studiokeeper/internal/localcloud"
	"studiokeeper/internal/reconcile"
	"studiokeeper/internal/studio"
)

func want[T any](t testing.TB, what string, got, want T) {
	t.Helper()
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("%s (-want +got):\n%s", what, d)
	}
}

func TestJoiningMakesTheProfileOnce(t *testing.T) {
	w := newWorld(t, nil)
	alice := w.user("alice@example.com")
	group := w.group("R&D (ML)", "rnd", 100, alice)

	want(t, "first look", w.handle(added(alice, group)), []string{"create"})
	want(t, "later looks", w.settle(), nil)
	want(t, "second look", w.handle(added(alice, group)), nil)
	want(t, "profiles", w.profiles(), []string{"alice@example.com rnd"})
	want(t, "tags", w.tags("alice@example.com"), map[string]string{
		studio.TagDeployment: "prod", studio.TagUserID: alice, studio.TagGroup: group, studio.TagApplied: studio.Digest(roles+"rnd", ""),
	})
	want(t, "journal", w.journal(alice), []string{"create begun", "create done"})
}

func TestClaimedMembershipThatDoesNotExistGrantsNothing(t *testing.T) {
	w := newWorld(t, nil)
	eve := w.user("eve@example.com")
	group := w.group("ad-group-1", "a", 100)

	w.handle(added(eve, group))
	want(t, "later looks", w.settle(), nil)
	want(t, "profiles", w.profiles(), nil)
	want(t, "looks at her groups", w.cloud.CallCounts()["identitystore.IsMemberInGroups"], 3)
}

func TestMembershipThatShowsLateIsFound(t *testing.T) {
	w := newWorld(t, nil)
	alice := w.user("alice@example.com")
	group := w.group("ad-group-1", "a", 100)

	want(t, "the look that reads a stale answer", w.handle(added(alice, group)), nil)
	w.join(group, alice)
	want(t, "the look after it", w.settle(), []string{"create"})
	want(t, "profiles", w.profiles(), []string{"alice@example.com a"})
}

func TestEventOfAnotherStoreIsIgnored(t *testing.T) {
	w := newWorld(t, nil)
	alice := w.user("alice@example.com")
	l := added(alice, w.group("ad-group-1", "a", 100, alice))
	l.StoreID = "d-1234567890"
	want(t, "planned", w.handle(l), nil)
	want(t, "profiles", w.profiles(), nil)
}

func TestManyEventsAtOnceMakeOneProfile(t *testing.T) {
	w := newWorld(t, nil)
	alice := w.user("alice@example.com")
	group := w.group("ad-group-1", "a", 100, alice)
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			if _, err := w.try(added(alice, group)); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	w.settle()
	want(t, "profiles", w.profiles(), []string{"alice@example.com a"})
	want(t, "CreateUserProfile calls", w.cloud.CallCounts()["sagemaker.CreateUserProfile"], 1)
}

func TestBusyLeaseIsNeverDropped(t *testing.T) {
	w := newWorld(t, nil)
	alice := w.user("alice@example.com")
	group := w.group("ad-group-1", "a", 100, alice)
	key := reconcile.Key{Domain: "research", UserID: alice}
	taken, err := w.keeper.Leases.Acquire(t.Context(), key, "somebody", time.Minute)
	if err != nil || !taken {
		t.Fatal(taken, err)
	}
	want(t, "while somebody else looks", w.handle(added(alice, group)), nil)
	asked, err := w.keeper.Leases.Release(t.Context(), key, "somebody")
	if err != nil || !asked {
		t.Errorf("the other run was not asked to look again: %v, %v", asked, err)
	}
	if _, err := w.keeper.Leases.Release(t.Context(), key, "somebody"); err != nil {
		t.Fatal(err)
	}
	want(t, "the look after it", w.settle(), []string{"create"})
}

func TestNamesOfEveryKindGetTheirOwnProfile(t *testing.T) {
	w := newWorld(t, nil)
	group := w.group("ad-group-1", "a", 100)
	names := []string{"a.b@x", "a-b@x", "田中太郎", "Jürgen", strings.Repeat("n", 128), strings.Repeat("n", 127) + "m"}
	for _, n := range names {
		id := w.user(n)
		w.join(group, id)
		want(t, n, w.handle(added(id, group)), []string{"create"})
		want(t, n+" again", w.handle(added(id, group)), nil)
	}
	var wanted []string
	for _, n := range names {
		wanted = append(wanted, n+" a")
	}
	slices.Sort(wanted)
	want(t, "profiles", w.profiles(), wanted)
}

func TestProfileMadeAtFirstSignInIsAdopted(t *testing.T) {
	w := newWorld(t, nil)
	alice := w.user("alice@example.com")
	w.makeProfile("alice-471", "alice@example.com", "", map[string]string{"team": "ml"})
	group := w.group("ad-group-1", "a", 100, alice)

	want(t, "first look", w.handle(added(alice, group)), []string{"adopt", "update"})
	want(t, "the look at what still runs", w.settle(), []string{"tag"})
	want(t, "profiles", w.profiles(), []string{"alice@example.com a"})
	if tags := w.tags("alice@example.com"); tags["team"] != "ml" || tags[studio.TagDeployment] != "prod" {
		t.Errorf("tags are %v", tags)
	}
	w.cloud.ResetCalls()
	want(t, "next look", w.handle(added(alice, group)), nil)
	if n := w.cloud.CallCounts()["sagemaker.DescribeUserProfile"]; n != 1 {
		t.Errorf("the adopted profile was searched for: %d described", n)
	}
}

func TestProfileOfSomebodyElseIsLeftAlone(t *testing.T) {
	for what, c := range map[string]struct {
		role string
		tags map[string]string
		want string
	}{
		"made by hand with a role":   {"arn:aws:iam::111122223333:role/hand", nil, "conflict: has-role"},
		"of another deployment":      {"", map[string]string{studio.TagDeployment: "test", studio.TagUserID: "x"}, "conflict: foreign"},
		"ours, but of another user":  {"", map[string]string{studio.TagDeployment: "prod", studio.TagUserID: "gone"}, "conflict: name-reused"},
		"ours, without a user's tag": {"", map[string]string{studio.TagDeployment: "prod"}, "conflict: no-user-id"},
	} {
		t.Run(what, func(t *testing.T) {
			w := newWorld(t, nil)
			alice := w.user("alice@example.com")
			w.makeProfile("alice-471", "alice@example.com", c.role, c.tags)
			group := w.group("ad-group-1", "a", 100, alice)
			w.cloud.ResetCalls()
			want(t, "planned", w.handle(added(alice, group)), []string{c.want})
			want(t, "writes beside the refused create", w.writes()-w.cloud.CallCounts()["sagemaker.CreateUserProfile"], 0)
			want(t, "tags", w.tags("alice@example.com"), orEmpty(c.tags))
			want(t, "journal", w.journal(alice), []string{"create begun", "conflict refused"})
		})
	}
}

func orEmpty(m map[string]string) map[string]string {
	if m == nil {
		return map[string]string{}
	}
	return m
}

func TestProfileOfAFormerDeploymentIsTakenOver(t *testing.T) {
	w := newWorld(t, nil)
	alice := w.user("alice@example.com")
	w.makeProfile(name(alice, "alice@example.com"), "alice@example.com", roles+"a", map[string]string{studio.TagDeployment: "pilot", studio.TagUserID: alice})
	group := w.group("ad-group-1", "a", 100, alice)
	want(t, "planned", w.handle(added(alice, group)), []string{"adopt"})
	want(t, "deployment", w.tags("alice@example.com")[studio.TagDeployment], "prod")
}

func TestMovingToAnotherGroupChangesTheRole(t *testing.T) {
	w := newWorld(t, nil)
	alice := w.user("alice@example.com")
	first := w.group("first", "one", 200, alice)
	second := w.group("second", "two", 100, alice)
	w.handle(added(alice, first))
	want(t, "highest priority", w.profiles(), []string{"alice@example.com one"})

	w.leave(first, alice)
	want(t, "after leaving", w.handle(added(alice, second)), []string{"update"})
	w.settle()
	want(t, "next role", w.profiles(), []string{"alice@example.com two"})
	want(t, "group", w.tags("alice@example.com")[studio.TagGroup], second)
}

func TestTieGivesNobodyARole(t *testing.T) {
	w := newWorld(t, nil)
	alice := w.user("alice@example.com")
	group := w.group("first", "one", 100, alice)
	w.group("second", "two", 100, alice)
	want(t, "planned", w.handle(added(alice, group)), []string{"conflict: tie"})
	want(t, "profiles", w.profiles(), nil)
}

func TestBadRowsSpoilOnlyTheirOwnGroup(t *testing.T) {
	for what, row := range map[string]func(w *world){
		"outside mapping.roles":   func(w *world) { w.row("bad", "research", "arn:aws:iam::111122223333:role/admin", 100) },
		"role of another account": func(w *world) { w.row("bad", "research", "arn:aws:iam::444455556666:role/studio/a", 100) },
		"no role ARN":             func(w *world) { w.row("bad", "research", "studio/a", 100) },
	} {
		t.Run(what, func(t *testing.T) {
			w := newWorld(t, nil)
			alice, bob := w.user("alice@example.com"), w.user("bob@example.com")
			good := w.group("good", "a", 100, alice, bob)
			w.group("bad", "", 0, bob)
			row(w)
			want(t, "in the good group", w.handle(added(alice, good)), []string{"create"})
			want(t, "also in the bad one", w.handle(added(bob, good)), []string{"unreadable: held"})
			want(t, "profiles", w.profiles(), []string{"alice@example.com a"})
		})
	}
}

func TestRowOfAGroupNobodyKnowsHoldsNobody(t *testing.T) {
	w := newWorld(t, nil)
	bob := w.user("bob@example.com")
	low := w.group("low", "low", 50, bob)
	w.row("nobody-knows", "research", roles+"x", 100)
	want(t, "below it", w.handle(added(bob, low)), []string{"create"})
}

func TestRowOfAnUnknownDomainConcernsNobody(t *testing.T) {
	w := newWorld(t, nil)
	alice := w.user("alice@example.com")
	group := w.group("ad-group-1", "a", 100, alice)
	w.row("ad-group-1", "nowhere", roles+"a", 100)
	want(t, "planned", w.handle(added(alice, group)), []string{"create"})
	want(t, "an event of that row", w.handle(event.Look{Scope: event.Group, GroupName: "ad-group-1", Domain: "nowhere"}), nil)
	want(t, "later looks", w.settle(), nil)
}

func TestObserveWritesNothing(t *testing.T) {
	w := newWorld(t, func(s string) string { return s + "mode: observe\n" })
	alice := w.user("alice@example.com")
	group := w.group("ad-group-1", "a", 100, alice)
	want(t, "planned", w.handle(added(alice, group)), []string{"create"})
	want(t, "writes", w.writes(), 0)
	want(t, "journal", w.journal(alice), []string{"create deferred"})
}

func TestGroupEventLooksAtItsMembersAndAtThoseItGaveARole(t *testing.T) {
	w := newWorld(t, nil)
	var ids []string
	for i := range 5 {
		ids = append(ids, w.user(fmt.Sprintf("user%d@example.com", i)))
	}
	group := w.group("ad-group-1", "a", 100, ids...)
	want(t, "directly", w.handle(event.Look{Scope: event.Group, GroupID: group}), nil)
	want(t, "one look for the burst", w.queue.len(), 1)
	w.handle(event.Look{Scope: event.Group, GroupID: group})
	want(t, "still one look for the burst", w.queue.len(), 1)
	want(t, "members", w.settle(), slices.Repeat([]string{"create"}, 5))

	w.deleteMembership(group, ids[0])
	w.handle(event.Look{Scope: event.Group, GroupID: group})
	want(t, "the one who left", w.settle(), []string{"revoke", "quarantine", "tag"})
}

func TestEventThatNamesNobodyLooksAtEverybody(t *testing.T) {
	w := newWorld(t, nil)
	alice, bob := w.user("alice@example.com"), w.user("bob@example.com")
	group := w.group("ad-group-1", "a", 100, alice)
	w.handle(added(alice, group))
	w.deleteMembership(group, alice)
	w.join(group, bob)
	w.handle(event.Look{Scope: event.Everybody, StoreID: store})
	want(t, "one look for the burst", w.queue.len(), 1)
	got := w.settle()
	slices.Sort(got)
	want(t, "everybody", got, []string{"create", "quarantine", "revoke", "tag"})
}

func TestProfileEventLooksAtItsOwner(t *testing.T) {
	w := newWorld(t, nil)
	alice, bob := w.user("alice@example.com"), w.user("bob@example.com")
	group := w.group("ad-group-1", "a", 100, alice, bob)
	w.handle(added(alice, group))
	look := func(profile string) []string {
		w.handle(event.Look{Scope: event.Profile, DomainID: w.domain, Profile: profile})
		return w.settle()
	}
	want(t, "ours and as it should be", look(name(alice, "alice@example.com")), nil)
	w.makeProfile("bob-812", "bob@example.com", "", nil)
	want(t, "made at first sign-in", look("bob-812"), []string{"adopt", "update", "tag"})
	want(t, "nobody's", look("no-such-profile"), nil)
	want(t, "of a domain that is not ours", w.handle(event.Look{Scope: event.Profile, DomainID: "d-other", Profile: "x"}), nil)
}

func TestProfileQuotaIsAnErrorThatNamesIt(t *testing.T) {
	w := newWorld(t, nil)
	w.cloud.Inject(localcloud.Fault{Service: "sagemaker", Operation: "CreateUserProfile", Code: "ResourceLimitExceeded", Message: "The account-level service limit is 1"})
	alice := w.user("alice@example.com")
	_, err := w.try(added(alice, w.group("ad-group-1", "a", 100, alice)))
	if err == nil || !strings.Contains(err.Error(), "quota") || !strings.Contains(err.Error(), "alice@example.com") {
		t.Errorf("the error is %v", err)
	}
	want(t, "journal", w.journal(alice), []string{"create begun", "create failed"})
}
