package cli

import (
	"context"
	"slices"
	"sync"
	"time"

	"studiokeeper/internal/event"
)

// waitingRoom is a reconcile.Queue in this process, for commands that make
// later looks themselves.
type waitingRoom struct {
	mu      sync.Mutex
	waiting []waitingLook
}

type waitingLook struct {
	look event.Look
	due  time.Time
}

// Send implements reconcile.Queue.
func (q *waitingRoom) Send(_ context.Context, l event.Look, delay time.Duration) error {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.waiting = append(q.waiting, waitingLook{l, time.Now().Add(delay)})
	return nil
}

// next takes out the look that is due first.
func (q *waitingRoom) next() (event.Look, time.Time, bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if len(q.waiting) == 0 {
		return event.Look{}, time.Time{}, false
	}
	slices.SortStableFunc(q.waiting, func(a, b waitingLook) int { return a.due.Compare(b.due) })
	first := q.waiting[0]
	q.waiting = q.waiting[1:]
	return first.look, first.due, true
}
