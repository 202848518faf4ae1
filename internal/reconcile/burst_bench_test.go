package reconcile_test

import (
	"context"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/identitystore"
	"github.com/aws/aws-sdk-go-v2/service/sagemaker"
	sagemakertypes "github.com/aws/aws-sdk-go-v2/service/sagemaker/types"

	"studiokeeper/internal/event"
	"studiokeeper/internal/localcloud"
	"studiokeeper/internal/reconcile"
	"studiokeeper/internal/studio"
)

// createTime is how long SageMaker is taken to need for making or changing a
// profile.
const createTime = 4 * time.Second

// carriedOut is up to how many people the plain way is carried out; for more it
// would take the same for each.
const carriedOut = 1_000

// BenchmarkBurst shows how long it takes until so many people who join at once,
// and have nothing yet, have their profiles, against one CreateUserProfile a
// person at AWS's request rate; beside the plain way, one person after another.
func BenchmarkBurst(b *testing.B) {
	for _, people := range []int{1_000, 10_000, 50_000, 200_000} {
		b.Run(fmt.Sprintf("people=%d", people), func(b *testing.B) {
			for b.Loop() {
				var got, plain measured
				inVirtualTime(b, func(t *testing.T) { got = measureOnboarding(t, people) })
				inVirtualTime(b, func(t *testing.T) { plain = measurePlainOnboarding(t, min(people, carriedOut)) })
				got.report(b, people)
				b.ReportMetric(plain.took.Seconds()*float64(people)/float64(min(people, carriedOut)), "s-plain")
			}
		})
	}
}

// BenchmarkLeavers shows how long it takes until 500 of 10,000 people who leave
// at once have lost their role, half of whom have an app running, against one
// UpdateUserProfile a person at AWS's request rate.
func BenchmarkLeavers(b *testing.B) {
	const people, leavers = 10_000, 500
	for b.Loop() {
		var got measured
		inVirtualTime(b, func(t *testing.T) { got = measureLeavers(t, people, leavers) })
		got.report(b, leavers)
	}
}

func (m measured) report(b *testing.B, people int) {
	if m.done > 0 {
		b.ReportMetric(m.done.Seconds(), "s-done")
	}
	b.ReportMetric(m.took.Seconds(), "s")
	b.ReportMetric(m.took.Seconds()/m.bound.Seconds(), "time/bound")
	b.ReportMetric(float64(m.calls)/float64(people), "calls/person")
}

// measureOnboarding lets people join who have nothing yet, and makes a pass and
// everything that it hands on, as the functions would.
func measureOnboarding(t *testing.T, n int) measured {
	w := nobodyYet(t, n)
	w.crowd(n)
	m := w.measureWork(everybody)
	m.bound = seconds(n, createRate)
	ready := 0
	w.must(w.keeper.Persons.EachManaged(context.Background(), "research", func(p reconcile.Person) {
		if p.Ready {
			ready++
		}
	}))
	want(t, "people ready", ready, n)
	return m
}

// nobodyYet is a world with 20 mapped groups and room for so many people.
func nobodyYet(t *testing.T, n int) *world {
	w := populated(newWorld(t, nil), size{0, 20, 1})
	w.cloud.ProfileDelay, w.cloud.ProfileQuota = createTime, n+1
	w.cloud.Inject(localcloud.Fault{Delay: callTime})
	return w
}

// crowd makes users and shares them out among the mapped groups.
func (w *world) crowd(n int) []string {
	w.t.Helper()
	ids, err := w.console().SeedUsers(n, func(i int) localcloud.Person {
		return localcloud.Person{UserName: fmt.Sprintf("user%06d@example.com", i)}
	})
	w.must(err)
	rules := w.keeper.Mapping.Rules
	for g, rule := range rules {
		var members []string
		for i := g; i < n; i += len(rules) {
			members = append(members, ids[i])
		}
		w.must(w.console().SeedMembers(rule.Group.ID, members))
	}
	return ids
}

// measureWork has the functions do all that comes of a look.
func (w *world) measureWork(l event.Look) measured {
	w.t.Helper()
	f := &functions{w: w, events: &queue{cloud: w.cloud}, pass: &queue{cloud: w.cloud}}
	time.Sleep(time.Minute) // every allowance is full again
	w.cloud.ResetCalls()
	start := time.Now()
	f.pass.put(dueLook{look: l, due: w.cloud.Now()})
	f.work()
	m := measured{took: time.Since(start)}
	for _, count := range w.cloud.CallCounts() {
		m.calls += count
	}
	return m
}

// measurePlainOnboarding does it as a script would: for one person after the
// other it describes the user, makes the profile, and waits for it.
func measurePlainOnboarding(t *testing.T, n int) measured {
	w := nobodyYet(t, n)
	ids := w.crowd(n)
	time.Sleep(time.Minute)
	w.cloud.ResetCalls()
	start := time.Now()
	for i, id := range ids {
		w.makePlainly(id, fmt.Sprintf("user-%06d", i))
	}
	return measured{took: time.Since(start)}
}

func (w *world) makePlainly(id, profile string) {
	w.t.Helper()
	ctx := context.Background()
	people, profiles := identitystore.NewFromConfig(w.aws), sagemaker.NewFromConfig(w.aws)
	user, err := people.DescribeUser(ctx, &identitystore.DescribeUserInput{IdentityStoreId: aws.String(store), UserId: &id})
	w.must(err)
	_, err = profiles.CreateUserProfile(ctx, &sagemaker.CreateUserProfileInput{
		DomainId: &w.domain, UserProfileName: &profile, SingleSignOnUserIdentifier: aws.String("UserName"), SingleSignOnUserValue: user.UserName,
		UserSettings: &sagemakertypes.UserSettings{ExecutionRole: aws.String(roles + "group-0")},
	})
	w.must(err)
	for {
		d, err := profiles.DescribeUserProfile(ctx, &sagemaker.DescribeUserProfileInput{DomainId: &w.domain, UserProfileName: &profile})
		w.must(err)
		if d.Status == sagemakertypes.UserProfileStatusInService {
			return
		}
		time.Sleep(time.Second)
	}
}

// measureLeavers takes people out of their groups, and does what comes of the
// events of it, which name nobody.
func measureLeavers(t *testing.T, n, leavers int) measured {
	w := populated(newWorld(t, nil), size{n, 20, 1})
	w.cloud.ProfileDelay = createTime
	text, err := os.ReadFile(w.config)
	w.must(err)
	w.must(os.WriteFile(w.config, []byte(strings.Replace(string(text), "state:", "limits: {removals: {count: 1000, percent: 100}}\nstate:", 1)), 0o600))
	users := map[string]string{} // id → UserName
	w.must(w.keeper.Census.EachUser(context.Background(), func(u studio.User) { users[u.ID] = u.UserName }))
	for _, rule := range w.keeper.Mapping.Rules {
		members, err := w.keeper.Identity.Members(context.Background(), rule.Group.ID)
		w.must(err)
		for i, id := range members[:leavers/len(w.keeper.Mapping.Rules)] {
			if i%2 == 0 {
				w.startApp(name(id, users[id]))
			}
			w.leave(rule.Group.ID, id)
		}
	}
	w.cloud.Inject(localcloud.Fault{Delay: callTime})
	began := time.Now().Add(time.Minute)
	m := w.measureWork(event.Look{Scope: event.Everybody, StoreID: store, Trigger: event.Trigger{ID: "event-1", Name: "DeleteGroupMembership"}})
	m.done, m.bound = m.took, seconds(leavers, createRate)
	for _, c := range w.cloud.Calls() {
		if c.Operation == "UpdateUserProfile" && c.Error == "" {
			m.took = c.End.Sub(began)
		}
	}
	left := 0
	w.must(w.keeper.Persons.EachManaged(context.Background(), "research", func(p reconcile.Person) {
		if p.Leaving {
			left++
		}
	}))
	want(t, "people who are leaving", left, leavers)
	want(t, "apps", w.runningApps(), 0)
	return m
}
