package reconcile_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/sagemaker"

	"studiokeeper/internal/event"
	"studiokeeper/internal/localcloud"
	"studiokeeper/internal/reconcile"
	"studiokeeper/internal/studio"
)

var throttling = localcloud.Fault{Service: "sagemaker", Operation: "ListUserProfiles", Code: "ThrottlingException", Status: 400}

// Its queue would show a record again after minutes, and only a few times.
func TestLookThatAWSThrottlesComesAgainSoon(t *testing.T) {
	virtually(nil, func(t *testing.T, w *world) {
		alice := w.user("alice@example.com")
		group := w.group("ad-group-1", "a", 100, alice)
		w.cloud.Inject(throttling)
		w.handle(added(alice, group))
		w.cloud.ClearFaults()
		l, due, _ := w.queue.next()
		want(t, "whom the next look is at", l.UserID, alice)
		if wait := due.Sub(w.cloud.Now()); wait > 30*time.Second {
			t.Errorf("it comes after %s", wait)
		}
		w.handle(l)
		want(t, "profiles", w.profiles(), []string{"alice@example.com a"})
	})(t)
}

// Of whose nobody remembers the owner, SageMaker is asked.
func TestLookAtAProfileThatAWSThrottlesComesAgainSoon(t *testing.T) {
	virtually(nil, func(t *testing.T, w *world) {
		alice := w.managedPeople(w.group("ad-group-1", "a", 100), 1)[0]
		profile := name(alice, "user000@example.com")
		w.cloud.Inject(localcloud.Fault{Service: "sagemaker", Operation: "DescribeUserProfile", Code: "ThrottlingException", Status: 400})
		w.handle(event.Look{Scope: event.Profile, DomainID: w.domain, Profile: profile, Trigger: event.Trigger{ID: "event-1", Name: "CreateUserProfile"}})
		w.cloud.ClearFaults()
		for _, whom := range []string{"", alice} {
			l, due, _ := w.queue.next()
			want(t, "whom the next look is at", l.UserID, whom)
			if wait := due.Sub(w.cloud.Now()); wait > 30*time.Second {
				t.Errorf("it comes after %s", wait)
			}
			w.handle(l)
		}
	})(t)
}

// Somebody has to hear of a person for whom AWS never has time; and whenever it
// has, it goes on.
func TestLookThatIsThrottledForLongIsAnError(t *testing.T) {
	virtually(nil, func(t *testing.T, w *world) {
		alice := w.user("alice@example.com")
		l := added(alice, w.group("ad-group-1", "a", 100, alice))
		l.Expect = nil
		w.cloud.Inject(throttling)
		began := w.cloud.Now()
		var err error
		for err == nil {
			if _, err = w.try(l); err == nil {
				next, due, _ := w.queue.next()
				time.Sleep(due.Sub(w.cloud.Now()))
				l = next
			}
		}
		if took := w.cloud.Now().Sub(began); !errors.Is(err, reconcile.ErrThrottled) || took < 5*time.Minute || took > time.Hour {
			t.Errorf("after %s: %v", took, err)
		}
		w.cloud.ClearFaults()
		w.settle()
		want(t, "profiles", w.profiles(), []string{"alice@example.com a"})
	})(t)
}

func TestThrottlingHidesNoOtherError(t *testing.T) {
	virtually(nil, func(t *testing.T, w *world) {
		alice := w.user("alice@example.com")
		group := w.group("ad-group-1", "a", 100, alice)
		w.cloud.Inject(throttling)
		w.cloud.Inject(localcloud.Fault{Service: "dynamodb", Operation: "DeleteItem", Code: "AccessDeniedException", Status: 400})
		_, err := w.try(added(alice, group))
		if !errors.Is(err, reconcile.ErrDenied) || !errors.Is(err, reconcile.ErrThrottled) {
			t.Errorf("got %v", err)
		}
	})(t)
}

// What runs out first when many join is reading: each profile is searched for
// once, before it is made, and read once, when it is ready.
func TestProfilesMadeInABulkAreReadOnce(t *testing.T) {
	const people = 12
	virtually(nil, func(t *testing.T, w *world) {
		w.cloud.ProfileDelay = 4 * time.Second
		group := w.group("ad-group-1", "a", 100)
		for i := range people {
			w.join(group, w.user(fmt.Sprintf("user%03d@example.com", i)))
		}
		w.cloud.ResetCalls()
		w.handle(everybody)
		w.settle()
		want(t, "profiles described", w.cloud.CallCounts()["sagemaker.DescribeUserProfile"], people)
		want(t, "lists of profiles, that of the pass included", w.cloud.CallCounts()["sagemaker.ListUserProfiles"], 1+people)
		want(t, "profiles", w.withRole("a"), people)
		managed, err := w.keeper.Persons.Managed(t.Context(), "research")
		w.must(err)
		for _, p := range managed {
			want(t, p.Profile+" is ready", p.Ready, true)
		}
	})(t)
}

// Each profile that is made has an event, which says nothing new.
func TestEventsOfProfilesMadeInABulkReadNone(t *testing.T) {
	const people = 30
	synctest.Test(t, func(t *testing.T) {
		w := nobodyYet(t, people)
		w.cloud.Throttle = false // what is refused is asked again
		w.crowd(people)
		w.measureWork(everybody)
		counts := w.cloud.CallCounts()
		want(t, "profiles made", counts["sagemaker.CreateUserProfile"], people)
		want(t, "profiles described", counts["sagemaker.DescribeUserProfile"], people)
		want(t, "profiles whose tags were listed", counts["sagemaker.ListTags"], people)
	})
}

// A pass is what lists everybody: one of many that are deleted must not.
func TestProfileThatIsDeletedByHandIsMadeAgainWithoutListingAnybody(t *testing.T) {
	virtually(nil, func(t *testing.T, w *world) {
		alice, _ := member(w, "alice@example.com")
		profile := name(alice, "alice@example.com")
		_, err := sagemaker.NewFromConfig(w.aws).DeleteUserProfile(t.Context(), &sagemaker.DeleteUserProfileInput{DomainId: &w.domain, UserProfileName: &profile})
		w.must(err)
		w.cloud.Inject(localcloud.Fault{Service: "dynamodb", Operation: "Query", Resource: "person#research", Code: "AccessDeniedException", Status: 400})
		w.handle(event.Look{Scope: event.Profile, DomainID: w.domain, Profile: strings.ToUpper(profile), Trigger: event.Trigger{ID: "event-1", Name: "DeleteUserProfile"}})
		want(t, "done", w.settle(), []string{"create"})
	})(t)
}

// Whose event comes late is theirs no longer, and nobody's.
func TestProfileOfSomebodyWhoIsGoneIsNobodys(t *testing.T) {
	virtually(nil, func(t *testing.T, w *world) {
		alice, group := member(w, "alice@example.com")
		profile := name(alice, "alice@example.com")
		w.outOfGrace(alice, group)
		w.handle(looked(alice))
		w.settle()
		want(t, "profiles", w.profiles(), nil)
		w.handle(event.Look{Scope: event.Profile, DomainID: w.domain, Profile: profile, Trigger: event.Trigger{ID: "event-1", Name: "DeleteUserProfile"}})
		want(t, "looks planned", w.queue.len(), 0)
	})(t)
}

// One of many looks that go on with what was begun searches for a profile after
// all when the one it knows of is gone.
func TestLookInABulkFindsAProfileInPlaceOfOneThatIsGone(t *testing.T) {
	virtually(nil, func(t *testing.T, w *world) {
		group := w.group("ad-group-1", "a", 100)
		id := w.managedPeople(group, 1)[0]
		gone := name(id, "user000@example.com")
		_, err := sagemaker.NewFromConfig(w.aws).DeleteUserProfile(t.Context(), &sagemaker.DeleteUserProfileInput{DomainId: &w.domain, UserProfileName: &gone})
		w.must(err)
		w.makeProfile("other"+strings.TrimPrefix(gone, "user000"), "user000@example.com", roles+"b", map[string]string{
			studio.TagDeployment: "prod", studio.TagUserID: id, studio.TagGroup: group,
		})
		w.handle(event.Look{Scope: event.User, UserID: id, Domain: "research", Bulk: true, Tries: 1})
		w.settle()
		want(t, "profiles", w.profiles(), []string{"user000@example.com a"})
	})(t)
}

// Nobody is woken because of what goes on by itself within seconds.
func TestThrottlingIsNoAlarm(t *testing.T) {
	for _, operation := range []string{"UpdateUserProfile", "DeleteUserProfile"} {
		t.Run(operation, virtually(nil, func(t *testing.T, w *world) {
			alice, group := member(w, "alice@example.com")
			if operation == "DeleteUserProfile" {
				w.outOfGrace(alice, group)
			} else {
				w.leave(group, alice)
			}
			w.cloud.Inject(localcloud.Fault{Service: "sagemaker", Operation: operation, Code: "ThrottlingException", Status: 400})
			w.cloud.ResetCalls()
			want(t, "alarms", w.alarms(looked(alice)), nil)
			want(t, "it was tried", w.cloud.CallCounts()["sagemaker."+operation] > 0, true)
			w.cloud.ClearFaults()
			_, due, _ := w.queue.next()
			if wait := due.Sub(w.cloud.Now()); wait > 30*time.Second {
				t.Errorf("it is tried again after %s", wait)
			}
		}))
	}
}
