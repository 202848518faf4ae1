package reconcile

import "sync"

// turn is a lock that is held over calls to AWS. Whoever waits for it waits for
// a channel, not for a mutex: in a testing/synctest bubble time goes on
// meanwhile. The zero value is ready.
type turn struct {
	mu      sync.Mutex
	taken   bool
	waiting []chan struct{}
}

// Lock implements sync.Locker; the first to come is the first to go.
func (t *turn) Lock() {
	t.mu.Lock()
	if !t.taken {
		t.taken = true
		t.mu.Unlock()
		return
	}
	mine := make(chan struct{})
	t.waiting = append(t.waiting, mine)
	t.mu.Unlock()
	<-mine
}

// Unlock implements sync.Locker.
func (t *turn) Unlock() {
	t.mu.Lock()
	defer t.mu.Unlock()
	if len(t.waiting) == 0 {
		t.taken = false
		return
	}
	close(t.waiting[0])
	t.waiting = t.waiting[1:]
}
