package localcloud

import (
	"bytes"
	"context"
	"net/http"
	"time"
)

// Effect says whether a faulty call did what it was asked to do.
type Effect int

// A fault strikes before the operation ran, which then never runs, or after it took effect.
const (
	Before Effect = iota
	After
)

// Fault is a failure the cloud shows on request: an error, a delay, a lost or cut answer. Fields that are
// left empty match or do nothing.
type Fault struct {
	Service   string // signing name; empty: every service
	Operation string // empty: every operation
	Resource  string // must occur somewhere in the request's body
	Writes    bool   // only calls that change something
	After     int    // this many matching calls pass first
	Times     int    // then so many fail; 0: all of them

	Code    string // error code to answer with; empty: no error
	Status  int    // HTTP status of the error; 0: the one that AWS's model gives the code, or else 400
	Message string
	Effect  Effect        // whether the call took effect
	Delay   time.Duration // wall clock time to wait before anything happens
	// Drop closes the connection without an answer and Truncate in the middle of one. Effect tells
	// whether a dropped call took effect; a truncated one did.
	Drop, Truncate bool
	// Answer, where set, is the body of a success that is answered instead of carrying the call out: a list that
	// is suddenly empty, say.
	Answer string
	// FailureReason, where set, is what the work that an accepted call starts ends with: UpdateUserProfile in
	// Update_Failed, DeleteUserProfile and DeleteSpace in Delete_Failed. Other calls know no such end.
	FailureReason string
}

// faultState is guarded by Cloud.mu.
type faultState struct {
	armed []*armedFault
}

type armedFault struct {
	Fault
	seen int
}

// firedFault is a fault that struck one call; nil is none.
type firedFault Fault

// Inject adds a fault. Of several that match a call, the first injected strikes.
func (c *Cloud) Inject(f Fault) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.faults.armed = append(c.faults.armed, &armedFault{Fault: f})
}

// ClearFaults removes all faults.
func (c *Cloud) ClearFaults() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.faults.armed = nil
}

func (c *Cloud) faultFor(in *incoming) *firedFault {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, f := range c.faults.armed {
		if !f.matches(in) {
			continue
		}
		f.seen++
		if f.seen <= f.After || (f.Times > 0 && f.seen > f.After+f.Times) {
			continue
		}
		fired := firedFault(f.Fault)
		return &fired
	}
	return nil
}

func (f *armedFault) matches(in *incoming) bool {
	return (f.Service == "" || f.Service == in.call.service) &&
		(f.Operation == "" || f.Operation == in.call.operation) &&
		!(f.Writes && readOnly(in.call.operation)) &&
		(f.Resource == "" || bytes.Contains(in.body, []byte(f.Resource)))
}

func (f *firedFault) wait(ctx context.Context) {
	if f == nil || f.Delay <= 0 {
		return
	}
	timer := time.NewTimer(f.Delay)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
}

// failureReason is what the work that the call starts ends with; "" is well.
func (f *firedFault) failureReason() string {
	if f == nil {
		return ""
	}
	return f.FailureReason
}

func (f *firedFault) before() *apiError { return f.failure(Before) }
func (f *firedFault) after() *apiError  { return f.failure(After) }

// failure is the fault's error if it strikes at that moment. A call that is dropped before it took effect
// needs one too, or it would run.
func (f *firedFault) failure(at Effect) *apiError {
	if f == nil || f.Effect != at || (f.Code == "" && !f.Drop) {
		return nil
	}
	return errf(f.Status, f.Code, "%s", f.Message)
}

// send answers, unless the fault loses the answer or cuts it.
func (f *firedFault) send(w http.ResponseWriter, a answer) {
	switch {
	case f != nil && f.Drop:
		panic(http.ErrAbortHandler)
	case f != nil && f.Truncate:
		cut := a
		cut.body = a.body[:len(a.body)/2]
		cut.writeAs(w, len(a.body))
		if flusher, ok := w.(http.Flusher); ok {
			flusher.Flush()
		}
		panic(http.ErrAbortHandler)
	default:
		a.write(w)
	}
}
