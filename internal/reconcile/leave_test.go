package reconcile_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	dynamotypes "github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/aws-sdk-go-v2/service/sagemaker"
	sagemakertypes "github.com/aws/aws-sdk-go-v2/service/sagemaker/types"

	"studiokeeper/internal/event"
	"studiokeeper/internal/localcloud"
	"studiokeeper/internal/reconcile"
	"studiokeeper/internal/studio"
)

const quarantined = "arn:aws:iam::111122223333:role/quarantine"

// member is a user with a ready profile through the group.
func member(w *world, userName string) (user, group string) {
	w.t.Helper()
	user = w.user(userName)
	group = w.group("ad-group-1", "a", 100, user)
	w.handle(added(user, group))
	w.settle()
	return user, group
}

func looked(user string) event.Look { return event.Look{Scope: event.User, UserID: user} }

// space makes a space with an app in it.
func (w *world) space(name, owner string, shared bool) {
	w.t.Helper()
	api := sagemaker.NewFromConfig(w.aws)
	sharing, app := sagemakertypes.SharingTypePrivate, sagemakertypes.AppTypeJupyterLab
	if shared {
		sharing = sagemakertypes.SharingTypeShared
	}
	_, err := api.UpdateDomain(context.Background(), &sagemaker.UpdateDomainInput{
		DomainId: &w.domain, DefaultSpaceSettings: &sagemakertypes.DefaultSpaceSettings{ExecutionRole: aws.String("arn:aws:iam::111122223333:role/default")},
	})
	w.must(err)
	w.cloud.Advance(time.Minute)
	_, err = api.CreateSpace(context.Background(), &sagemaker.CreateSpaceInput{
		DomainId: &w.domain, SpaceName: &name, OwnershipSettings: &sagemakertypes.OwnershipSettings{OwnerUserProfileName: &owner},
		SpaceSharingSettings: &sagemakertypes.SpaceSharingSettings{SharingType: sharing},
		SpaceSettings:        &sagemakertypes.SpaceSettings{AppType: app},
	})
	w.must(err)
	w.cloud.Advance(time.Minute)
	_, err = api.CreateApp(context.Background(), &sagemaker.CreateAppInput{DomainId: &w.domain, SpaceName: &name, AppType: app, AppName: aws.String("default")})
	w.must(err)
	w.cloud.Advance(time.Minute)
}

func (w *world) spaces() int {
	w.t.Helper()
	list, err := sagemaker.NewFromConfig(w.aws).ListSpaces(context.Background(), &sagemaker.ListSpacesInput{DomainIdEquals: &w.domain})
	w.must(err)
	return len(list.Spaces)
}

// A leaver's whole way: access ends at once, data waits, then the profile goes.
func TestLeaving(t *testing.T) {
	for what, leave := range map[string]func(w *world, user, group string) event.Look{
		"removed from the last group": func(w *world, user, group string) event.Look { w.leave(group, user); return looked(user) },
		"disabled":                    func(w *world, user, _ string) event.Look { w.must(w.console().DisableUser(user)); return looked(user) },
		"deleted":                     func(w *world, user, _ string) event.Look { w.must(w.console().DeleteUser(user)); return looked(user) },
		"its row removed": func(w *world, user, group string) event.Look {
			w.removeRow("ad-group-1")
			return event.Look{Scope: event.Group, GroupName: "ad-group-1", Domain: "research"}
		},
		"membership deleted through the API": func(w *world, user, group string) event.Look {
			w.deleteMembership(group, user)
			return event.Look{Scope: event.Everybody, StoreID: store}
		},
	} {
		t.Run(what, func(t *testing.T) {
			w := newWorld(t, nil)
			alice, group := member(w, "alice@example.com")
			w.startApp(name(alice, "alice@example.com"))
			w.space("alice-space", name(alice, "alice@example.com"), false)
			look := leave(w, alice, group)

			w.handle(look)
			w.settle()
			want(t, "apps after the revocation", w.runningApps(), 0)
			want(t, "profiles after the revocation", w.profiles(), []string{"alice@example.com " + quarantined})
			want(t, "spaces after the revocation", w.spaces(), 1)
			if w.tags("alice@example.com")[studio.TagLeaving] == "" {
				t.Error("nothing says since when")
			}
			want(t, "in grace", w.handle(looked(alice)), nil)

			w.cloud.Advance(169 * time.Hour)
			w.handle(looked(alice))
			w.settle()
			want(t, "profiles after grace", w.profiles(), nil)
			want(t, "spaces after grace", w.spaces(), 0)
			journal := strings.Join(w.journal(alice), ", ")
			for _, line := range []string{"revoke done", "quarantine begun", "quarantine done", "delete begun", "delete done"} {
				if !strings.Contains(journal, line) {
					t.Errorf("the journal has no %q: %s", line, journal)
				}
			}
			want(t, "a look long after", w.handle(looked(alice)), nil)
			want(t, "people remembered", w.managed(), 0)
		})
	}
}

func (w *world) managed() int {
	w.t.Helper()
	all, err := w.keeper.Persons.Managed(context.Background(), "research")
	w.must(err)
	return len(all)
}

func (w *world) removeRow(group string) {
	w.t.Helper()
	_, err := dynamodb.NewFromConfig(w.aws).DeleteItem(context.Background(), &dynamodb.DeleteItemInput{
		TableName: aws.String("mapping"), Key: map[string]dynamotypes.AttributeValue{
			"group": &dynamotypes.AttributeValueMemberS{Value: group}, "domain": &dynamotypes.AttributeValueMemberS{Value: "research"},
		},
	})
	w.must(err)
}

func TestOffboardingCostsNoMoreWritesThanItMust(t *testing.T) {
	w := newWorld(t, nil)
	alice, group := member(w, "alice@example.com")
	w.startApp(name(alice, "alice@example.com"))
	w.space("alice-space", name(alice, "alice@example.com"), false)
	w.leave(group, alice)
	w.cloud.ResetCalls()
	w.handle(looked(alice))
	w.settle()
	w.cloud.Advance(169 * time.Hour)
	w.handle(looked(alice))
	w.settle()
	want(t, "profiles", w.profiles(), nil)
	counts := w.cloud.CallCounts()
	const apps, spaces = 2, 1
	want(t, "apps and spaces", counts["sagemaker.DeleteApp"]+counts["sagemaker.DeleteSpace"], apps+spaces)
	want(t, "other writes", w.writes(), 4)
}

func TestNoGraceGoesStraightThrough(t *testing.T) {
	w := newWorld(t, func(s string) string {
		return strings.Replace(s, `offboarding: {quarantineRole: "arn:aws:iam::{account}:role/quarantine"}`, "offboarding: {grace: 0s}", 1)
	})
	alice, group := member(w, "alice@example.com")
	w.startApp(name(alice, "alice@example.com"))
	w.leave(group, alice)
	w.handle(looked(alice))
	w.settle()
	want(t, "profiles", w.profiles(), nil)
}

func TestComingBackUndoesIt(t *testing.T) {
	for what, at := range map[string]func(w *world, user string){
		"right after the mark":    func(w *world, user string) { w.handle(looked(user)) },
		"after the revocation":    func(w *world, user string) { w.handle(looked(user)); w.settle() },
		"days later":              func(w *world, user string) { w.handle(looked(user)); w.settle(); w.cloud.Advance(100 * time.Hour) },
		"before anything is done": func(*world, string) {},
	} {
		t.Run(what, func(t *testing.T) {
			w := newWorld(t, nil)
			alice, group := member(w, "alice@example.com")
			w.startApp(name(alice, "alice@example.com"))
			w.leave(group, alice)
			at(w, alice)
			w.join(group, alice)
			w.handle(added(alice, group))
			w.settle()
			want(t, "profiles", w.profiles(), []string{"alice@example.com a"})
			want(t, "since", w.tags("alice@example.com")[studio.TagLeaving], "")
			want(t, "another look", w.handle(looked(alice)), nil)
			removal, err := w.keeper.Removals.Removal(t.Context(), reconcile.Key{Domain: "research", UserID: alice})
			if err != nil || removal.Decision != "" {
				t.Errorf("the removal stays %q, %v", removal.Decision, err)
			}
		})
	}
}

func TestComingBackWhileTheProfileIsBeingDeletedMakesItAgain(t *testing.T) {
	virtually(nil, func(t *testing.T, w *world) {
		w.cloud.ProfileDelay = time.Minute
		alice, group := member(w, "alice@example.com")
		w.leave(group, alice)
		w.handle(looked(alice))
		w.settle()
		w.cloud.Advance(169 * time.Hour)
		w.handle(looked(alice))
		w.join(group, alice)
		want(t, "while it is deleted", w.handle(added(alice, group)), []string{"wait: busy"})
		w.settle()
		want(t, "profiles", w.profiles(), []string{"alice@example.com a"})
	})(t)
}

func TestSharedSpaceHoldsTheProfile(t *testing.T) {
	for _, policy := range []string{"hold", "delete"} {
		t.Run(policy, func(t *testing.T) {
			w := newWorld(t, func(s string) string {
				return strings.Replace(s, "offboarding: {", "offboarding: {sharedSpaces: "+policy+", ", 1)
			})
			alice, group := member(w, "alice@example.com")
			w.space("team", name(alice, "alice@example.com"), true)
			w.leave(group, alice)
			w.handle(looked(alice))
			w.settle()
			w.cloud.Advance(169 * time.Hour)
			w.handle(looked(alice))
			w.settle()
			if policy == "hold" {
				want(t, "profiles", w.profiles(), []string{"alice@example.com " + quarantined})
				want(t, "spaces", w.spaces(), 1)
				return
			}
			want(t, "profiles", w.profiles(), nil)
			want(t, "spaces", w.spaces(), 0)
		})
	}
}

func TestOtherPeoplesSpacesAndAppsStay(t *testing.T) {
	w := newWorld(t, nil)
	alice, group := member(w, "alice@example.com")
	bob := w.user("bob@example.com")
	w.join(group, bob)
	w.handle(added(bob, group))
	w.settle()
	w.space("bob-space", name(bob, "bob@example.com"), false)
	w.leave(group, alice)
	w.handle(looked(alice))
	w.settle()
	w.cloud.Advance(169 * time.Hour)
	w.handle(looked(alice))
	w.settle()
	want(t, "profiles", w.profiles(), []string{"bob@example.com a"})
	want(t, "spaces", w.spaces(), 1)
	want(t, "apps", w.runningApps(), 1)
}

func TestProtectedPeopleStay(t *testing.T) {
	w := newWorld(t, func(s string) string { return s + "protected: {users: [alice@example.com]}\n" })
	alice, _ := member(w, "alice@example.com")
	w.must(w.console().DisableUser(alice))
	want(t, "planned", w.handle(looked(alice)), []string{"conflict: protected"})
	want(t, "profiles", w.profiles(), []string{"alice@example.com a"})
}

func TestProfileDeletedByHandIsASuccess(t *testing.T) {
	w := newWorld(t, nil)
	alice, group := member(w, "alice@example.com")
	w.leave(group, alice)
	w.handle(looked(alice))
	w.settle()
	_, err := sagemaker.NewFromConfig(w.aws).DeleteUserProfile(t.Context(), &sagemaker.DeleteUserProfileInput{DomainId: &w.domain, UserProfileName: aws.String(name(alice, "alice@example.com"))})
	w.must(err)
	want(t, "planned", w.handle(looked(alice)), nil)
	want(t, "people remembered", w.managed(), 0)
}

func TestSmallDomainLetsOneLeave(t *testing.T) {
	w := newWorld(t, nil)
	alice, group := member(w, "alice@example.com")
	w.leave(group, alice)
	w.handle(looked(alice))
	w.settle()
	want(t, "profiles", w.profiles(), []string{"alice@example.com " + quarantined})
}

// Offboarding may be cut off at every call: running again ends the same.
func TestOffboardingCutOffAnywhereEndsTheSame(t *testing.T) {
	for _, effect := range []localcloud.Effect{localcloud.Before, localcloud.After} {
		t.Run(fmt.Sprintf("effect %d", effect), func(t *testing.T) {
			t.Parallel()
			for n := 0; ; n++ {
				if n > 400 {
					t.Fatal("the story has no end")
				}
				if !cutOffboarding(t, n, effect) {
					t.Logf("%d calls, each cut once", n)
					return
				}
			}
		})
	}
}

func cutOffboarding(t *testing.T, n int, effect localcloud.Effect) bool {
	w := newWorld(t, nil)
	alice, group := member(w, "alice@example.com")
	w.space("alice-space", name(alice, "alice@example.com"), false)
	w.leave(group, alice)
	left := n
	var failed error
	// arm makes the call that the cut is at fail, and disarm lets the test read.
	arm := func() {
		w.cloud.ResetCalls()
		if failed == nil {
			once := cut(left, effect)
			once.Times = 1
			w.cloud.Inject(once)
		}
	}
	disarm := func() {
		w.cloud.ClearFaults()
		for _, call := range w.cloud.Calls() {
			if effect == localcloud.Before || call.Writes() {
				left--
			}
		}
	}
	run := func(event string) {
		arm()
		defer disarm()
		first := looked(alice)
		first.Trigger.ID = event
		if _, err := w.try(first); err != nil && failed == nil {
			failed = err
			// The message comes again; the lease of the run that was cut off is over by then.
			w.cloud.Advance(2 * time.Minute)
			w.handle(first)
		}
		for i := 0; i < 200; i++ {
			l, due, ok := w.queue.next()
			if !ok {
				return
			}
			if wait := due.Sub(w.cloud.Now()); wait > 0 {
				w.cloud.Advance(wait)
			}
			if _, err := w.try(l); err != nil {
				if failed != nil {
					t.Fatalf("cut at %d: failed again: %v", n, err)
				}
				failed = err
				w.cloud.Advance(2 * time.Minute)
				w.handle(l) // the queue delivers it again
			}
		}
	}
	run("left")
	want(t, fmt.Sprintf("profiles, cut at %d", n), w.profiles(), []string{"alice@example.com " + quarantined})
	want(t, fmt.Sprintf("apps, cut at %d", n), w.runningApps(), 0)
	w.cloud.Advance(169 * time.Hour)
	run("pass")
	want(t, fmt.Sprintf("profiles after grace, cut at %d", n), w.profiles(), nil)
	want(t, fmt.Sprintf("spaces after grace, cut at %d", n), w.spaces(), 0)
	if journal := w.journal(alice); !slices.Contains(journal, "delete done") {
		t.Errorf("cut at %d: the journal ends without a deletion: %v", n, journal)
	}
	return failed != nil
}
