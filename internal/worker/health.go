package worker

import (
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"time"
)

// Health knows whether polling goes well.
type Health struct {
	Now func() time.Time
	// Queues are those that must be polled.
	Queues []string

	mu       sync.Mutex
	good     map[string]time.Time
	last     map[string]error
	draining bool
}

// stale is how old the last good poll may be: one that waits takes 20 seconds,
// and all pollers may be at work for a while.
const stale = 16 * time.Minute

func (h *Health) polled(queue string, err error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.good == nil {
		h.good, h.last = map[string]time.Time{}, map[string]error{}
	}
	h.last[queue] = err
	if err == nil {
		h.good[queue] = h.Now()
	}
}

// Drain says that from now on nothing more is received.
func (h *Health) Drain() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.draining = true
}

// troubles says what is wrong, a line for each queue; none when all is well.
func (h *Health) troubles() []string {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.draining {
		return []string{"draining"}
	}
	var all []string
	for _, q := range h.Queues {
		good, ever := h.good[q]
		switch {
		case h.last[q] != nil:
			all = append(all, fmt.Sprintf("queue %s: %v", q, h.last[q]))
		case !ever:
			all = append(all, fmt.Sprintf("queue %s: not polled yet", q))
		case h.Now().Sub(good) > stale:
			all = append(all, fmt.Sprintf("queue %s: not polled since %s", q, good.UTC().Format(time.RFC3339)))
		}
	}
	return all
}

// ServeHTTP answers 200 while every queue is polled with success, and 503 with
// the reasons before, otherwise and once draining has begun.
func (h *Health) ServeHTTP(w http.ResponseWriter, _ *http.Request) {
	if t := h.troubles(); len(t) > 0 {
		http.Error(w, strings.Join(t, "\n"), http.StatusServiceUnavailable)
		return
	}
	_, _ = io.WriteString(w, "ok\n")
}
