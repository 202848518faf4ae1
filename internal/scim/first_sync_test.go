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

// A first sync, against AWS's rates and with a tenth of a
// second for every answer.
const (
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

// inHundreds and oneByOne are two ways to fill groups.
func inHundreds(ctx context.Context, c *scim.Client, group string, ids []string) error {
	return c.AddMembers(ctx, group, ids)
}

func oneByOne(ctx context.Context, c *scim.Client, group string, ids []string) error {
	for _, id := range ids {
		if err := c.AddMembers(ctx, group, []string{id}); err != nil {
			return err
		}
	}
	return nil
}

func TestAFirstSyncTakesWhatTheRatesAllow(t *testing.T) {
	const people = 1_000
	synctest.Test(t, func(t *testing.T) {
		took, throttled := inTime(t, people, 8, inHundreds)
		if bound := allowed(people); took > bound*13/10 || throttled > 0 {
			t.Errorf("took %s with %d requests throttled; the rates allow %s", took, throttled, bound)
		}
	})
}

// BenchmarkFirstSync makes 10,000 users, their groups and a membership for each:
// how long that takes against AWS's rates, beside one request after another and one
// for every membership.
func BenchmarkFirstSync(b *testing.B) {
	const people = 10_000
	for b.Loop() {
		var took, plainly time.Duration
		inVirtualTime(b, func(t *testing.T) { took, _ = inTime(t, people, 8, inHundreds) })
		inVirtualTime(b, func(t *testing.T) { plainly, _ = inTime(t, people, 1, oneByOne) })
		b.ReportMetric(took.Seconds(), "s")
		b.ReportMetric(took.Seconds()/allowed(people).Seconds(), "time/bound")
		b.ReportMetric(plainly.Seconds(), "s-plain")
	}
}

// inVirtualTime runs a story in a testing/synctest bubble, which only a test can
// have.
func inVirtualTime(b *testing.B, story func(t *testing.T)) {
	b.Helper()
	all := func(string, string) (bool, error) { return true, nil }
	if !testing.RunTests(all, []testing.InternalTest{{Name: b.Name(), F: func(t *testing.T) { synctest.Test(t, story) }}}) {
		b.Fatal("the measured run failed")
	}
}
