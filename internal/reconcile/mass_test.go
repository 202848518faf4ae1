package reconcile_test

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sagemaker"
	sagemakertypes "github.com/aws/aws-sdk-go-v2/service/sagemaker/types"

	"studiokeeper/internal/event"
	"studiokeeper/internal/localcloud"
	"studiokeeper/internal/reconcile"
	"studiokeeper/internal/studio"
)

// Offboarding many people of one domain, to the end of grace. A person costs what
// there is to stop and to delete, and four calls; what the domain holds is listed
// for all together, at most once in 30 seconds.
func TestWhatOffboardingManyCosts(t *testing.T) {
	t.Parallel()
	const people = 150 // whose apps, and who, fill more than a page
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, configured("state:", "limits: {removals: {count: 1000, percent: 100}}\nstate:"))
		w.cloud.ProfileQuota = people
		group := w.group("ad-group-1", "a", 100)
		ids := w.managedPeople(group, people)
		apps, spaces := w.furnish(ids)
		for _, id := range ids {
			w.leave(group, id)
		}
		revoking := w.pass(people)
		want(t, "people with their role", slices.ContainsFunc(w.profiles(), func(p string) bool { return !strings.HasSuffix(p, quarantined) }), false)
		want(t, "apps", w.runningApps(), 0)
		w.cloud.Advance(169 * time.Hour)
		deleting := w.pass(people)
		want(t, "profiles", len(w.profiles()), 0)
		want(t, "spaces", w.spaces(), 0)

		writes := 0
		for call, n := range deleting {
			revoking[call] += n
		}
		for _, call := range slices.Sorted(maps.Keys(revoking)) {
			if service, operation, _ := strings.Cut(call, "."); service == "sagemaker" {
				t.Logf("%-20s %5d, %.2f a person", operation, revoking[call], float64(revoking[call])/people)
				if !strings.HasPrefix(operation, "Describe") && !strings.HasPrefix(operation, "List") {
					writes += revoking[call]
				}
			}
		}
		want(t, "writes", writes, apps+spaces+4*people)
	})
}

// pass makes a look at everybody and all that follow, and answers its calls. What
// the domain holds must not be listed more often than once in 30 seconds.
func (w *world) pass(people int) map[string]int {
	w.t.Helper()
	const spacesPages, appsPages = 1, 2
	w.cloud.ResetCalls()
	began := w.cloud.Now()
	w.handle(event.Look{Scope: event.Everybody, StoreID: store})
	w.settle()
	took := w.cloud.Now().Sub(began)
	calls := w.cloud.CallCounts()
	listings, looks := calls["sagemaker.ListSpaces"]/spacesPages, calls["sagemaker.ListUserProfiles"]
	w.t.Logf("%s, %.1f looks a person: the domain was listed %d times, in %d pages of apps and %d of spaces; with a listing for every round of looks it would be %d times",
		took.Round(time.Second), float64(looks)/float64(people), listings, calls["sagemaker.ListApps"], calls["sagemaker.ListSpaces"], (looks+people-1)/people)
	if allowed := 1 + int(took/(30*time.Second)); listings > allowed || calls["sagemaker.ListApps"] > allowed*appsPages {
		w.t.Errorf("the domain was listed %d times in %s, with %d pages of apps; want at most %d times", listings, took, calls["sagemaker.ListApps"], allowed)
	}
	return calls
}

// An identity provider that empties a group loses at most the limit, until a
// person has looked; joining goes on.
func TestMassRemovalIsHeld(t *testing.T) {
	t.Parallel()
	const people, leavers, joiners, allowed = 150, 120, 10, 10
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, nil)
		w.cloud.ProfileQuota = people + joiners
		group, other := w.group("ad-group-1", "a", 100), w.group("ad-group-2", "b", 100)
		for _, id := range w.managedPeople(group, people)[:leavers] {
			w.leave(group, id)
		}
		w.handle(event.Look{Scope: event.Everybody, StoreID: store})
		w.settle()
		want(t, "people who lost their role", w.withRole(quarantined), allowed)

		for i := range joiners {
			joiner := w.user(fmt.Sprintf("new%d@example.com", i))
			w.join(other, joiner)
			w.handle(added(joiner, other))
		}
		w.settle()
		want(t, "people who joined while removals are held", w.withRole("b"), joiners)

		held, err := w.keeper.Removals.Removals(t.Context(), "research")
		w.must(err)
		held = slices.DeleteFunc(held, func(r reconcile.Removal) bool { return r.Decision != reconcile.Held })
		want(t, "held", len(held), leavers-allowed)
		// Looking again changes nothing: the limit latches, and nobody is counted twice.
		w.cloud.Advance(48 * time.Hour)
		w.handle(event.Look{Scope: event.Everybody, StoreID: store})
		w.settle()
		want(t, "two days later", w.withRole(quarantined), allowed)
	})
}

// withRole counts the profiles that have a role.
func (w *world) withRole(role string) int {
	w.t.Helper()
	return len(slices.DeleteFunc(w.profiles(), func(p string) bool { return !strings.HasSuffix(p, " "+role) }))
}

// What was started since the domain was listed is stopped all the same, and soon.
func TestAppThatABulkDidNotListIsStopped(t *testing.T) {
	const people = 12
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, configured("state:", "limits: {removals: {count: 100, percent: 100}}\nstate:"))
		group := w.group("ad-group-1", "a", 100)
		ids := w.managedPeople(group, people)
		for _, id := range ids {
			w.leave(group, id)
		}
		w.handle(event.Look{Scope: event.Everybody, StoreID: store})
		for range people { // the look at everybody, and all but one of its looks at people
			l, due, _ := w.queue.next()
			w.cloud.Advance(max(0, due.Sub(w.cloud.Now())))
			w.handle(l)
		}
		l, _, _ := w.queue.next()
		last := slices.Index(ids, l.UserID)
		w.runApp(name(l.UserID, fmt.Sprintf("user%03d@example.com", last)))
		began := w.cloud.Now()
		w.handle(l)
		want(t, "people who lost their role at once", w.withRole(quarantined), people-1)
		w.settle()
		want(t, "apps", w.runningApps(), 0)
		want(t, "people who lost their role", w.withRole(quarantined), people)
		if took := w.cloud.Now().Sub(began); took > 3*time.Minute {
			t.Errorf("it took %s", took)
		}
	})
}

// managedPeople makes people with profiles in order, as they are once they
// joined, and memberships.
func (w *world) managedPeople(group string, n int) []string {
	w.t.Helper()
	var userNames []string
	for i := range n {
		userNames = append(userNames, fmt.Sprintf("user%03d@example.com", i))
	}
	return w.joined(group, "a", userNames...)
}

// joined makes people as they are once they joined a group.
func (w *world) joined(group, role string, userNames ...string) []string {
	w.t.Helper()
	ids, err := w.console().SeedUsers(len(userNames), func(i int) localcloud.Person { return localcloud.Person{UserName: userNames[i]} })
	w.must(err)
	w.must(w.console().SeedMembers(group, ids))
	var profiles []localcloud.ProfileSeed
	for i, id := range ids {
		profile := name(id, userNames[i])
		w.must(w.keeper.Persons.Remember(context.Background(), reconcile.Person{Key: reconcile.Key{Domain: "research", UserID: id}, Profile: profile, GroupID: group}))
		profiles = append(profiles, localcloud.ProfileSeed{Name: profile, UserName: userNames[i], Role: roles + role, Tags: map[string]string{
			studio.TagDeployment: "prod", studio.TagUserID: id, studio.TagGroup: group, studio.TagApplied: studio.Digest(roles+role, ""),
		}})
	}
	w.must(w.cloud.SeedProfiles(account, region, w.domain, profiles))
	return ids
}

// furnish gives every second person an app, and every fifth a private space
// with an app in it.
func (w *world) furnish(ids []string) (apps, spaces int) {
	w.t.Helper()
	api := sagemaker.NewFromConfig(w.aws)
	_, err := api.UpdateDomain(context.Background(), &sagemaker.UpdateDomainInput{
		DomainId: &w.domain, DefaultSpaceSettings: &sagemakertypes.DefaultSpaceSettings{ExecutionRole: aws.String("arn:aws:iam::111122223333:role/default")},
	})
	w.must(err)
	w.cloud.Advance(time.Minute)
	for i, id := range ids {
		profile := name(id, fmt.Sprintf("user%03d@example.com", i))
		if i%2 == 0 {
			w.startApp(profile)
			apps++
		}
		if i%5 == 0 {
			space := fmt.Sprintf("space-%03d", i)
			_, err := api.CreateSpace(context.Background(), &sagemaker.CreateSpaceInput{
				DomainId: &w.domain, SpaceName: &space, OwnershipSettings: &sagemakertypes.OwnershipSettings{OwnerUserProfileName: &profile},
				SpaceSharingSettings: &sagemakertypes.SpaceSharingSettings{SharingType: sagemakertypes.SharingTypePrivate},
				SpaceSettings:        &sagemakertypes.SpaceSettings{AppType: sagemakertypes.AppTypeJupyterLab},
			})
			w.must(err)
			w.cloud.Advance(2 * time.Second)
			_, err = api.CreateApp(context.Background(), &sagemaker.CreateAppInput{DomainId: &w.domain, SpaceName: &space, AppType: sagemakertypes.AppTypeJupyterLab, AppName: aws.String("default")})
			w.must(err)
			apps, spaces = apps+1, spaces+1
		}
	}
	w.cloud.Advance(time.Minute)
	return apps, spaces
}
