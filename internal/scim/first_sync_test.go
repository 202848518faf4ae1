package scim_test

import (
	"context"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"golang.org/x/sync/errgroup"

	"studiokeeper/internal/directory"
	"studiokeeper/internal/localcloud"
	"studiokeeper/internal/scim"
)

// A first sync as large as promised, against AWS's rates and with a tenth of a
// second for every answer.
const (
	everybody = 10_000
	eachGroup = 200
	latency   = 100 * time.Millisecond
	perSecond = 25 // Identity Center's rate of writes
)

// allowed is what Identity Center's rates allow: users, then a membership for each.
func allowed(people int) time.Duration { return time.Duration(people+people) * time.Second / perSecond }

// inTime makes people, their groups and a membership for each, and tells how long
// that took and how many requests were throttled.
func inTime(t *testing.T, people, workers int, add func(context.Context, *scim.Client, string, []string) error) (took time.Duration, throttled int) {
	t.Helper()
	w := newWorld(t, &localcloud.Cloud{Throttle: true})
	w.cloud.Inject(localcloud.Fault{Service: "scim", Delay: latency})
	c, began := w.client(), time.Now()
	ids := make([]string, people)
	several(w, workers, people, func(ctx context.Context, i int) (err error) {
		ids[i], err = c.CreateUser(ctx, person(fmt.Sprintf("user-%05d", i)))
		return err
	})
	several(w, workers, people/eachGroup, func(ctx context.Context, i int) error {
		name := fmt.Sprintf("group-%02d", i)
		id, err := c.CreateGroup(ctx, directory.TargetGroup{Name: name, ExternalID: "guid-" + name})
		if err != nil {
			return err
		}
		return add(ctx, c, id, ids[i*eachGroup:(i+1)*eachGroup])
	})
	took = time.Since(began)
	for _, call := range w.cloud.Calls() {
		if call.Error == "ThrottlingException" {
			throttled++
		}
	}
	return took, throttled
}

func several(w *world, workers, n int, do func(context.Context, int) error) {
	w.t.Helper()
	all, ctx := errgroup.WithContext(context.Background())
	all.SetLimit(workers)
	for i := range n {
		all.Go(func() error { return do(ctx, i) })
	}
	w.must(all.Wait())
}

func TestAFirstSyncTakesWhatTheRatesAllow(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		took, throttled := inTime(t, everybody, 8, func(ctx context.Context, c *scim.Client, group string, ids []string) error {
			return c.AddMembers(ctx, group, ids)
		})
		bound := allowed(everybody)
		t.Logf("%d users and as many memberships: %.0f s, %.2f times the %.0f s that the rates allow", everybody, took.Seconds(), took.Seconds()/bound.Seconds(), bound.Seconds())
		if took > bound*13/10 || throttled > 0 {
			t.Errorf("took %s with %d requests throttled; the rates allow %s", took, throttled, bound)
		}
	})
}

// TestOneByOneAFirstSyncTakesLonger is what the other is measured against: one
// request after another, and one for every membership.
func TestOneByOneAFirstSyncTakesLonger(t *testing.T) {
	const people = everybody / 10
	synctest.Test(t, func(t *testing.T) {
		took, _ := inTime(t, people, 1, func(ctx context.Context, c *scim.Client, group string, ids []string) error {
			for _, id := range ids {
				if err := c.AddMembers(ctx, group, []string{id}); err != nil {
					return err
				}
			}
			return nil
		})
		bound := allowed(people)
		t.Logf("%d users and as many memberships, one by one: %.0f s, %.2f times the %.0f s that the rates allow", people, took.Seconds(), took.Seconds()/bound.Seconds(), bound.Seconds())
		if took < bound*2 {
			t.Errorf("took %s: not even twice what the rates allow, %s, so the comparison shows nothing", took, bound)
		}
	})
}
