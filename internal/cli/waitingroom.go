package cli

import (
	"cmp"
	"container/heap"
	"context"
	"sync"
	"time"

	"studiokeeper/internal/event"
	"studiokeeper/internal/reconcile"
)

// waitingRoom is a reconcile.Queue in this process, for commands that make
// later looks themselves.
type waitingRoom struct {
	mu     sync.Mutex
	begun  waitingLooks // at people who were looked at before: finished before others are begun
	others waitingLooks
	at     map[reconcile.Key]int // how many wait for each person or group
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
	q.push(l, due)
}

// putUnless puts a look unless one at the same person or group waits already.
func (q *waitingRoom) putUnless(l event.Look, due time.Time) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.at[placeOf(l)] == 0 {
		q.push(l, due)
	}
}

func (q *waitingRoom) push(l event.Look, due time.Time) {
	if q.at == nil {
		q.at = map[reconcile.Key]int{}
	}
	q.at[placeOf(l)]++
	q.came++
	in := &q.others
	if l.Tries > 0 {
		in = &q.begun
	}
	heap.Push(in, waitingLook{l, due, q.came})
}

// placeOf is whom a look is at: a person, or a group's sign-in.
func placeOf(l event.Look) reconcile.Key {
	if l.Scope == event.SignIn {
		return outcome{Domain: l.Domain, Group: l.GroupID}.key()
	}
	return reconcile.Key{Domain: l.Domain, UserID: l.UserID}
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
	if q.at[placeOf(first.look)]--; q.at[placeOf(first.look)] == 0 {
		delete(q.at, placeOf(first.look))
	}
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
