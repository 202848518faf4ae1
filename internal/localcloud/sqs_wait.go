package localcloud

import (
	"context"
	"sync"
	"time"
)

// A signal wakes everybody who waits for it. The zero value is ready.
type signal struct {
	mu sync.Mutex
	ch chan struct{}
}

// wait gives a channel that the next fire closes. Take it before looking at what the signal is about.
func (s *signal) wait() <-chan struct{} {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.ch == nil {
		s.ch = make(chan struct{})
	}
	return s.ch
}

func (s *signal) fire() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.ch != nil {
		close(s.ch)
		s.ch = nil
	}
}

// pause waits until the cloud's time may have reached at, the changed channel is closed, or ctx ends, which
// is its error. moved is c.moved.wait(), taken before the time was read. A zero time never comes.
func (c *Cloud) pause(ctx context.Context, at time.Time, moved, changed <-chan struct{}) error {
	var due <-chan time.Time
	if !at.IsZero() {
		timer := time.NewTimer(max(at.Sub(c.Now()), time.Millisecond))
		defer timer.Stop()
		due = timer.C
	}
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-due:
	case <-moved:
	case <-changed:
	}
	return nil
}
