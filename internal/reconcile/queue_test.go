package reconcile_test

import (
	"cmp"
	"container/heap"
	"context"
	"sync"
	"time"

	"studiokeeper/internal/event"
	"studiokeeper/internal/localcloud"
)

// queue is a reconcile.Queue whose clock is the cloud's.
type queue struct {
	cloud *localcloud.Cloud
	mu    sync.Mutex
	looks dueLooks
	sent  int
}

type dueLook struct {
	look  event.Look
	due   time.Time
	tries int
	order int // among those that are due at the same time
}

// Send implements reconcile.Queue; the look goes through its wire form.
func (q *queue) Send(_ context.Context, l event.Look, delay time.Duration) error {
	looks, err := event.Parse(l.Message())
	if err != nil {
		return err
	}
	q.put(dueLook{look: looks[0], due: q.cloud.Now().Add(delay)})
	return nil
}

// put adds a look behind those that are due at the same time.
func (q *queue) put(l dueLook) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.sent++
	l.order = q.sent
	heap.Push(&q.looks, l)
}

// next takes the look that is due first.
func (q *queue) next() (event.Look, time.Time, bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if len(q.looks) == 0 {
		return event.Look{}, time.Time{}, false
	}
	first := heap.Pop(&q.looks).(dueLook)
	return first.look, first.due, true
}

// take takes the look that is due first, if it is due by then.
func (q *queue) take(by time.Time) (dueLook, bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if len(q.looks) == 0 || q.looks[0].due.After(by) {
		return dueLook{}, false
	}
	return heap.Pop(&q.looks).(dueLook), true
}

func (q *queue) len() int {
	q.mu.Lock()
	defer q.mu.Unlock()
	return len(q.looks)
}

// dueLooks is a heap.Interface.
type dueLooks []dueLook

func (d dueLooks) Len() int      { return len(d) }
func (d dueLooks) Swap(i, j int) { d[i], d[j] = d[j], d[i] }
func (d dueLooks) Less(i, j int) bool {
	return cmp.Or(d[i].due.Compare(d[j].due), cmp.Compare(d[i].order, d[j].order)) < 0
}
func (d *dueLooks) Push(x any) { *d = append(*d, x.(dueLook)) }
func (d *dueLooks) Pop() any {
	last := len(*d) - 1
	x := (*d)[last]
	(*d)[last] = dueLook{} // lets go of what it holds
	*d = (*d)[:last]
	return x
}
