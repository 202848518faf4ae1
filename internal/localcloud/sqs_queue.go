package localcloud

import (
	"container/heap"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/sqs/types"
	"github.com/google/uuid"
)

// queue is a standard queue. Time passes lazily: whoever looks first moves what has become visible. The
// owner of sqsState.mu may touch it.
type queue struct {
	name       string
	arn        string
	home       place
	attributes map[string]string // those that were set
	policy     *policy           // of the attribute Policy; nil: none
	created    time.Time
	modified   time.Time
	purged     time.Time
	deleted    bool
	ready      []*message // visible, oldest first; those deleted meanwhile are still among them
	hidden     hiddenMessages
	handles    map[string]*message // by the newest receipt handle of each
	changed    signal
}

// message is one message in one queue.
type message struct {
	id            string
	body          string
	attributes    map[string]types.MessageAttributeValue
	trace         string // AWSTraceHeader
	sender        string
	sent          time.Time
	firstReceived time.Time
	receives      int
	source        string // ARN of the queue it was dead-lettered from
	handle        string
	visible       time.Time
	delayed       bool // hidden since it was sent, not since it was received
	at            int  // place in hidden, -1 when it is not there
	gone          bool
}

// hiddenMessages is a heap of delayed and in-flight messages, by when they become visible.
type hiddenMessages []*message

func (h hiddenMessages) Len() int           { return len(h) }
func (h hiddenMessages) Less(i, j int) bool { return h[i].visible.Before(h[j].visible) }
func (h hiddenMessages) Swap(i, j int) {
	h[i], h[j] = h[j], h[i]
	h[i].at, h[j].at = i, j
}
func (h *hiddenMessages) Push(x any) {
	m := x.(*message)
	m.at = len(*h)
	*h = append(*h, m)
}
func (h *hiddenMessages) Pop() any {
	old := *h
	m := old[len(old)-1]
	old[len(old)-1] = nil
	*h = old[:len(old)-1]
	m.at = -1
	return m
}

// add takes a message in, hidden until its delay is over.
func (q *queue) add(m *message, delay time.Duration, now time.Time) {
	m.at, m.delayed = -1, delay > 0
	if m.delayed {
		m.visible = now.Add(delay)
		heap.Push(&q.hidden, m)
	} else {
		q.ready = append(q.ready, m)
	}
	q.changed.fire()
}

// settle makes visible what has become so.
func (q *queue) settle(now time.Time) {
	for len(q.hidden) > 0 && !q.hidden[0].visible.After(now) {
		m := heap.Pop(&q.hidden).(*message)
		m.delayed = false
		q.ready = append(q.ready, m)
	}
}

// take receives up to n messages and hides them. Those that have been received too often move to the
// dead-letter queue instead.
func (s *sqsState) take(q *queue, n int, visibility time.Duration, now time.Time) []*message {
	q.settle(now)
	var out []*message
	for len(out) < n && len(q.ready) > 0 {
		m := q.ready[0]
		q.ready[0] = nil
		q.ready = q.ready[1:]
		switch {
		case m.gone:
		case q.expired(m, now):
			q.forget(m)
		case s.deadLetter(q, m, now):
		default:
			q.receive(m, visibility, now)
			out = append(out, m)
		}
	}
	return out
}

func (q *queue) receive(m *message, visibility time.Duration, now time.Time) {
	delete(q.handles, m.handle)
	m.receives++
	if m.firstReceived.IsZero() {
		m.firstReceived = now
	}
	m.handle = q.newHandle(m)
	if q.handles == nil {
		q.handles = map[string]*message{}
	}
	q.handles[m.handle] = m
	q.hide(m, visibility, now)
}

func (q *queue) hide(m *message, visibility time.Duration, now time.Time) {
	m.visible = now.Add(visibility)
	heap.Push(&q.hidden, m)
	q.changed.fire()
}

// newHandle names the queue and the message, so that a handle of another queue is known to be invalid.
func (q *queue) newHandle(m *message) string {
	return base64.StdEncoding.EncodeToString([]byte(q.mark() + " " + m.id + " " + uuid.NewString()))
}

func (q *queue) mark() string {
	sum := sha256.Sum256([]byte(q.arn + q.created.String()))
	return hex.EncodeToString(sum[:8])
}

// owns reports whether the queue made the handle, be it stale or not.
func (q *queue) owns(handle string) bool {
	b, err := base64.StdEncoding.DecodeString(handle)
	return err == nil && strings.HasPrefix(string(b), q.mark()+" ")
}

// remove deletes the message of a handle. A stale handle deletes nothing and is no error, as in AWS.
func (q *queue) remove(handle string) {
	if m := q.handles[handle]; m != nil {
		q.forget(m)
	}
}

func (q *queue) forget(m *message) {
	m.gone = true
	delete(q.handles, m.handle)
	if m.at >= 0 {
		heap.Remove(&q.hidden, m.at)
	}
}

func (q *queue) clear() {
	q.ready, q.hidden, q.handles = nil, nil, nil
}

// expired reports whether the retention period is over.
func (q *queue) expired(m *message, now time.Time) bool {
	return now.Sub(m.sent) >= q.seconds("MessageRetentionPeriod")
}

// nextVisible is when the next hidden message becomes visible; zero when there is none.
func (q *queue) nextVisible() time.Time {
	if len(q.hidden) == 0 {
		return time.Time{}
	}
	return q.hidden[0].visible
}

// counts gives the approximate numbers of GetQueueAttributes.
func (q *queue) counts(now time.Time) (visible, inFlight, delayed int) {
	q.settle(now)
	for _, m := range q.ready {
		if !m.gone && !q.expired(m, now) {
			visible++
		}
	}
	for _, m := range q.hidden {
		switch {
		case q.expired(m, now):
		case m.delayed:
			delayed++
		default:
			inFlight++
		}
	}
	return visible, inFlight, delayed
}

// deadLetter moves a message whose next receive would exceed maxReceiveCount. It keeps id, age and receive
// count. A dead-letter queue that is gone keeps the message where it is.
func (s *sqsState) deadLetter(q *queue, m *message, now time.Time) bool {
	policy := q.redrive()
	if policy == nil || m.receives < policy.MaxReceiveCount {
		return false
	}
	dead := s.byARN(policy.DeadLetterTargetARN)
	if dead == nil {
		return false
	}
	delete(q.handles, m.handle)
	m.source, m.handle = q.arn, ""
	dead.add(m, 0, now)
	return true
}

// byARN finds a living queue.
func (s *sqsState) byARN(arn string) *queue {
	parts := strings.Split(arn, ":")
	if len(parts) != 6 || parts[2] != "sqs" {
		return nil
	}
	return s.queues[place{parts[4], parts[3]}][parts[5]]
}

func queueARN(p place, name string) string {
	return fmt.Sprintf("arn:aws:sqs:%s:%s:%s", p.region, p.account, name)
}

// rehide changes when a hidden message becomes visible.
func (q *queue) rehide(m *message, visibility time.Duration, now time.Time) {
	heap.Remove(&q.hidden, m.at)
	q.hide(m, visibility, now)
	q.settle(now)
}
