package reconcile_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/sagemaker"

	"studiokeeper/internal/event"
	"studiokeeper/internal/localcloud"
	"studiokeeper/internal/plan"
	"studiokeeper/internal/reconcile"
	"studiokeeper/internal/studio"
)

// The look for what an event claims must not begin the patience anew each time.
func TestClaimThatIsThrottledForLongIsAnError(t *testing.T) {
	virtually(nil, func(t *testing.T, w *world) {
		alice := w.user("alice@example.com")
		l := added(alice, w.group("ad-group-1", "a", 100, alice))
		w.cloud.Inject(throttling)
		began := w.cloud.Now()
		_, err := w.try(l)
		for err == nil && w.cloud.Now().Sub(began) < 3*time.Hour {
			next, due, _ := w.queue.next()
			time.Sleep(max(0, due.Sub(w.cloud.Now())))
			_, err = w.try(next)
		}
		if took := w.cloud.Now().Sub(began); !errors.Is(err, reconcile.ErrThrottled) || took > time.Hour {
			t.Errorf("after %s: %v", took, err)
		}
	})(t)
}

// Another instance of the function may make the look that follows, and have older rows.
func TestLookThatIsThrottledKeepsHowNewTheRowsMustBe(t *testing.T) {
	for _, operation := range []string{"ListUserProfiles", "UpdateUserProfile"} {
		for _, planned := range []bool{false, true} {
			t.Run(fmt.Sprint(operation, planned), virtually(configured("cache: 0s", "cache: 60s"), func(t *testing.T, w *world) {
				first := w.keeper
				w.open(configured("cache: 0s", "cache: 60s"))
				second := w.keeper
				alice, _ := member(w, "alice@example.com") // the second has the rows now
				w.cloud.Advance(time.Second)
				w.row("ad-group-1", "research", roles+"b", 100)
				w.keeper = first
				if planned {
					w.handle(event.Look{Scope: event.Profile, DomainID: w.domain, Profile: name(alice, "alice@example.com"), Trigger: event.Trigger{ID: "event-3"}})
				}
				w.cloud.Inject(localcloud.Fault{Service: "sagemaker", Operation: operation, Code: "ThrottlingException", Status: 400})
				w.handle(event.Look{Scope: event.User, UserID: alice, Domain: "research", RowsAfter: w.cloud.Now(), Trigger: event.Trigger{ID: "event-2"}})
				w.cloud.ClearFaults()
				w.keeper = second
				w.settle()
				want(t, "profiles", w.profiles(), []string{"alice@example.com b"})
			}))
		}
	}
}

// No later look sends it.
func TestNoticeThatIsThrottledIsAnError(t *testing.T) {
	virtually(func(s string) string { return s + "notices: {bus: default}\n" }, func(t *testing.T, w *world) {
		alice, _, high := moving(w)
		w.join(high, alice)
		w.cloud.Inject(localcloud.Fault{Service: "events", Code: "ThrottlingException", Status: 400})
		if _, err := w.try(added(alice, high)); err == nil {
			t.Error("nobody was told")
		}
	})(t)
}

// signInLeft lets somebody have a sign-in of theirs, and their profile be deleted by hand.
func signInLeft(w *world) (alice, group string) {
	alice, group = member(w, "alice@example.com")
	profile := name(alice, "alice@example.com")
	_, err := sagemaker.NewFromConfig(w.aws).DeleteUserProfile(context.Background(), &sagemaker.DeleteUserProfileInput{DomainId: &w.domain, UserProfileName: &profile})
	w.must(err)
	w.cloud.Advance(time.Minute)
	w.leave(group, alice)
	return alice, group
}

func TestSignInLeftThatIsHeldStaysHeld(t *testing.T) {
	w := newWorld(t, func(s string) string {
		return configured("signIn: none", "signIn: user")(s) + "limits: {removals: {count: 0, floor: 0}}\n"
	})
	alice, _ := signInLeft(w)
	w.handle(looked(alice))
	key := reconcile.Key{Domain: "research", UserID: alice}
	removal, err := w.keeper.Removals.Removal(t.Context(), key)
	w.must(err)
	want(t, "decision", removal.Decision, reconcile.Held)
	p, err := w.keeper.Persons.Person(t.Context(), key)
	w.must(err)
	want(t, "remembered", p.Profile, name(alice, "alice@example.com"))
	if slices.Contains(w.journal(alice), "delete done") {
		t.Error("the journal tells of a deletion")
	}
	window, err := w.keeper.Removals.Window(t.Context(), "research")
	w.must(err)
	want(t, "the limit is tripped", window.Tripped, true)
	removal.Decision = reconcile.Admitted
	w.must(w.keeper.Decide(t.Context(), removal, removal, plan.Trigger{Kind: "person"}))
	w.handle(looked(alice))
	w.settle()
	known, _, err := w.keeper.Assignments.Assigned(t.Context(), "research", reconcile.Principal{ID: alice})
	w.must(err)
	want(t, "assigned", known, false)
	p, err = w.keeper.Persons.Person(t.Context(), key)
	w.must(err)
	want(t, "remembered", p.Profile, "")
}

func TestSignInLeftThatFailsIsCountedAndToldOnce(t *testing.T) {
	w := newWorld(t, configured("signIn: none", "signIn: user"))
	alice, _ := signInLeft(w)
	w.cloud.Inject(localcloud.Fault{Service: "sso", Operation: "DeleteApplicationAssignment", Code: "ValidationException", Times: 3})
	_, _ = w.try(looked(alice))
	for range 2 {
		l, due, _ := w.queue.next()
		w.cloud.Advance(max(0, due.Sub(w.cloud.Now())))
		_, _ = w.try(l)
	}
	window, err := w.keeper.Removals.Window(t.Context(), "research")
	w.must(err)
	want(t, "admitted", window.Admitted, 1)
	w.settle()
	deleted := 0
	for _, line := range w.journal(alice) {
		if line == "delete done" {
			deleted++
		}
	}
	if deleted > 1 {
		t.Errorf("the journal tells %d times of a deletion: %v", deleted, w.journal(alice))
	}
}

// twoProfiles is a user with two managed profiles.
func twoProfiles(w *world) (id, group, first, second string) {
	group = w.group("ad-group-1", "a", 100)
	id = w.managedPeople(group, 1)[0]
	first = name(id, "user000@example.com")
	w.user("other@example.com")
	second = "other" + strings.TrimPrefix(first, "user000")
	w.makeProfile(second, "other@example.com", roles+"a", map[string]string{
		studio.TagDeployment: "prod", studio.TagUserID: id, studio.TagGroup: group, studio.TagApplied: studio.Digest(roles+"a", ""),
	})
	return id, group, first, second
}

// A leaver of many loses all they have, also a second profile.
func TestLeaverInABulkLosesTheSecondProfileToo(t *testing.T) {
	virtually(nil, func(t *testing.T, w *world) {
		id, group, first, second := twoProfiles(w)
		w.startApp(first)
		w.startApp(second)
		w.cloud.Advance(time.Minute)
		w.leave(group, id)
		w.handle(event.Look{Scope: event.User, UserID: id, Domain: "research", Bulk: true})
		w.settle()
		want(t, "profiles", w.profiles(), []string{"other@example.com " + quarantined, "user000@example.com " + quarantined})
		want(t, "apps", w.runningApps(), 0)
	})(t)
}

func TestLeaverInABulkThatIsThrottledAtFirstLosesTheSecondProfileToo(t *testing.T) {
	virtually(nil, func(t *testing.T, w *world) {
		id, group, _, _ := twoProfiles(w)
		w.leave(group, id)
		w.cloud.Inject(throttling)
		w.handle(event.Look{Scope: event.User, UserID: id, Domain: "research", Bulk: true})
		w.cloud.ClearFaults()
		w.settle()
		want(t, "profiles", w.profiles(), []string{"other@example.com " + quarantined, "user000@example.com " + quarantined})
	})(t)
}

// What is done and could not be journalled is no waiting: no later look journals it.
func TestJournalThatIsThrottledIsAnError(t *testing.T) {
	virtually(nil, func(t *testing.T, w *world) {
		alice := w.user("alice@example.com")
		group := w.group("ad-group-1", "a", 100, alice)
		w.cloud.Inject(localcloud.Fault{Service: "dynamodb", Operation: "TransactWriteItems", After: 1, Code: "ThrottlingException", Status: 400})
		_, err := w.try(added(alice, group))
		want(t, "profiles made", len(w.profiles()), 1)
		if err == nil {
			t.Error("nobody was told")
		}
	})(t)
}

// A look that is to carry out a plan and nothing else must not stand for others.
func TestPlanThatIsThrottledSwallowsNoOtherLook(t *testing.T) {
	virtually(nil, func(t *testing.T, w *world) {
		alice, group := member(w, "alice@example.com")
		w.cloud.Inject(throttling)
		w.handle(event.Look{Scope: event.User, UserID: alice, Domain: "research", Plan: "a-plan", Trigger: event.Trigger{ID: "carol", Source: event.SourcePerson}})
		w.leave(group, alice)
		w.cloud.Advance(time.Second)
		w.handle(event.Look{Scope: event.User, StoreID: store, UserID: alice, Trigger: event.Trigger{ID: "event-2", Name: "DeleteUser"}})
		w.cloud.ClearFaults()
		w.settle()
		want(t, "profiles", w.profiles(), []string{"alice@example.com " + quarantined})
	})(t)
}

// A run was cut off before it recorded the sign-in, and there never was a profile.
func TestSignInThatWasBegunGoesWithoutAProfileToo(t *testing.T) {
	w := newWorld(t, configured("signIn: none", "signIn: user"))
	alice := w.user("alice@example.com")
	group := w.group("ad-group-1", "a", 100, alice)
	w.cloud.Inject(localcloud.Fault{Service: "sagemaker", Operation: "CreateUserProfile", Code: "ValidationException", Message: "The user is not assigned to the application"})
	w.cloud.Inject(localcloud.Fault{Service: "dynamodb", Operation: "UpdateItem", Resource: "REMOVE #begun", Code: "AccessDeniedException"})
	_, err := w.try(added(alice, group))
	w.cloud.ClearFaults()
	w.leave(group, alice)
	if err == nil {
		t.Fatal("the run was not cut off")
	}
	w.handle(looked(alice))
	w.settle()
	if _, err := w.cloud.SignIn(account, region, w.domain, alice); err == nil {
		t.Error("a leaver can still sign in")
	}
}
