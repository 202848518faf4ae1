package localcloud

import (
	"context"
	"fmt"
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

// AwaitMessage waits until a queue has a message that can be received now, or ctx ends, which is its error.
// Whoever polls in virtual time waits so, instead of asking again every 20 seconds.
func (c *Cloud) AwaitMessage(ctx context.Context, queueARN string) error {
	c.start()
	for {
		c.queues.mu.Lock()
		q := c.queues.byARN(queueARN)
		c.queues.mu.Unlock()
		if q == nil {
			return fmt.Errorf("waiting for a message: the queue %s does not exist", queueARN)
		}
		moved, changed := c.moved.wait(), q.changed.wait()
		now := c.Now()
		c.queues.mu.Lock()
		visible, _, _ := q.counts(now)
		next := q.nextVisible()
		c.queues.mu.Unlock()
		if visible > 0 {
			return nil
		}
		if err := c.pause(ctx, next, moved, changed); err != nil {
			return err
		}
	}
}
