package reconcile_test

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"

	"studiokeeper/internal/app"
	"studiokeeper/internal/awscloud"
	"studiokeeper/internal/event"
	"studiokeeper/internal/reconcile"
)

// What is deployed: so many functions on each queue at the same time, each of
// which takes a batch, and another once it is done with that.
const (
	passFunctions  = 2
	eventFunctions = 10
	batchOf        = 10
	batchAtOnce    = 8
)

// functions are what works off the queues. Each has rates of its own, and
// nothing in common with the others but AWS.
type functions struct {
	w            *world
	events, pass *queue
	busy         atomic.Int64
}

// work makes all looks as they are due.
func (f *functions) work() {
	var all sync.WaitGroup
	for range eventFunctions {
		all.Go(func() { f.run(f.open(), f.events, time.Minute) })
	}
	for range passFunctions {
		all.Go(func() { f.run(f.open(), f.pass, 15*time.Minute) })
	}
	all.Wait()
}

func (f *functions) open() *reconcile.Reconciler {
	o := f.w.options()
	o.HTTP = heard{f, o.HTTP}
	keeper, err := app.Open(context.Background(), o)
	f.w.must(err)
	keeper.Now, keeper.Mapping.Now, keeper.Coalesce = f.w.cloud.Now, f.w.cloud.Now, true
	keeper.Leases.(*awscloud.State).Now = f.w.cloud.Now
	keeper.Queue, keeper.Pass = f.events, f.pass
	return keeper
}

// heard hears of every profile that is made, as CloudTrail tells of it, and has
// the functions look whose it is.
type heard struct {
	*functions
	next awscloud.HTTPClient
}

// eventTime is how long CloudTrail and EventBridge are taken to need.
const eventTime = 8 * time.Second

// Do implements awscloud.HTTPClient.
func (h heard) Do(r *http.Request) (*http.Response, error) {
	if r.Header.Get("X-Amz-Target") != "SageMaker.CreateUserProfile" {
		return h.next.Do(r)
	}
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return nil, err
	}
	r.Body = io.NopCloser(bytes.NewReader(body))
	answer, err := h.next.Do(r)
	if err != nil || answer.StatusCode != http.StatusOK {
		return answer, err
	}
	var made struct{ DomainID, UserProfileName string }
	if err := json.Unmarshal(body, &made); err != nil {
		return nil, err
	}
	l := event.Look{Scope: event.Profile, DomainID: made.DomainID, Profile: made.UserProfileName, Trigger: event.Trigger{ID: made.UserProfileName, Name: "CreateUserProfile"}}
	return answer, h.events.Send(r.Context(), l, eventTime)
}

// run is one function: it polls its queue until nothing is under way any more.
func (f *functions) run(keeper *reconcile.Reconciler, q *queue, timeout time.Duration) {
	for f.busy.Load() > 0 || f.events.len()+f.pass.len() > 0 {
		if !f.batch(keeper, q, timeout) {
			time.Sleep(100 * time.Millisecond)
		}
	}
}

// batch takes what is due and does it, some at a time; false when there is nothing.
func (f *functions) batch(keeper *reconcile.Reconciler, q *queue, timeout time.Duration) bool {
	f.busy.Add(1)
	defer f.busy.Add(-1)
	ctx, cancel := context.WithTimeout(context.Background(), timeout)
	defer cancel()
	var g errgroup.Group
	g.SetLimit(batchAtOnce)
	taken := 0
	for ; taken < batchOf; taken++ {
		l, due := q.take(f.w.cloud.Now())
		if !due {
			break
		}
		g.Go(func() error {
			if _, err := keeper.Handle(ctx, l.look); err != nil {
				f.w.t.Error(err)
			}
			return nil
		})
	}
	_ = g.Wait() // every look has its own error
	return taken > 0
}
