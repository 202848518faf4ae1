package cli

import (
	"cmp"
	"container/heap"
	"context"
	"sync"
	"time"

	"studiokeeper/internal/event"
)

// waitingRoom is a reconcile.Queue in this process, for commands that make
// later looks themselves.
type waitingRoom struct {
	mu     sync.Mutex
	begun  waitingLooks // at people who were looked at before: finished before others are begun
	others waitingLooks
	came   int
}

type waitingLook struct {
	look event.Look
	due  time.Time
	came int // the order of those that are due at once
}

// Send implements reconcile.Queue.
func (q *waitingRoom) Send(_ context.Context, l event.Look, delay time.Duration) error {
	q.put(l, time.Now().Add(delay))
	return nil
}

func (q *waitingRoom) put(l event.Look, due time.Time) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.came++
	in := &q.others
	if l.Tries > 0 {
		in = &q.begun
	}
	heap.Push(in, waitingLook{l, due, q.came})
}

// next takes out the look that is to be made first: of those that are due, one
// at somebody who was begun with. Otherwise all would be begun before anybody is
// done, and what the two need of AWS's request rates would not be used side by side.
func (q *waitingRoom) next() (event.Look, time.Time, bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	from := &q.others
	if len(q.begun) > 0 && (len(q.others) == 0 || !q.begun[0].due.After(time.Now()) || q.begun[0].due.Before(q.others[0].due)) {
		from = &q.begun
	}
	if len(*from) == 0 {
		return event.Look{}, time.Time{}, false
	}
	first := heap.Pop(from).(waitingLook)
	return first.look, first.due, true
}

// waitingLooks is a heap.Interface.
type waitingLooks []waitingLook

// Len, Less, Swap, Push and Pop implement heap.Interface.
func (w waitingLooks) Len() int { return len(w) }

// Less orders by time, then as they came.
func (w waitingLooks) Less(i, j int) bool {
	return cmp.Or(w[i].due.Compare(w[j].due), cmp.Compare(w[i].came, w[j].came)) < 0
}

// Swap is heap.Interface's.
func (w waitingLooks) Swap(i, j int) { w[i], w[j] = w[j], w[i] }

// Push is heap.Interface's.
func (w *waitingLooks) Push(x any) { *w = append(*w, x.(waitingLook)) }

// Pop is heap.Interface's.
func (w *waitingLooks) Pop() any {
	last := (*w)[len(*w)-1]
	*w = (*w)[:len(*w)-1]
	return last
}
