package localcloud

import (
	"container/heap"
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/eventbridge/types"
)

// keptEvents is how many events Events remembers.
const keptEvents = 10_000

// Delivery says what becomes of events on their way from a rule to a target. AWS promises best effort:
// events may be late, lost, doubled and out of order. The zero Delivery does none of that. Counting runs
// over all deliveries in the cloud, so that a test sees the same every time.
type Delivery struct {
	Delay       time.Duration // of every delivery
	LoseEvery   int           // every n-th delivery never arrives; 0 means none
	DoubleEvery int           // every n-th delivery arrives twice
	LateEvery   int           // every n-th delivery comes LateBy later still, so that others overtake it
	LateBy      time.Duration
}

// eventsPrincipal is EventBridge, as queue policies name it.
const eventsPrincipal = "events.amazonaws.com"

// SetDelivery changes what becomes of deliveries from now on.
func (c *Cloud) SetDelivery(d Delivery) {
	c.buses.mu.Lock()
	defer c.buses.mu.Unlock()
	c.buses.delivery, c.buses.sent = d, 0
}

// Delivered is one event on a bus and what came of it.
type Delivered struct {
	At              time.Time
	Account, Region string // of the bus
	Bus             string
	Event           json.RawMessage
	Rules           []string // the rules that matched, by name
	Targets         []DeliveredTarget
}

// DeliveredTarget is one delivery to one target, in the order in which they were made.
type DeliveredTarget struct {
	Rule, ARN string
	At        time.Time
	Lost      bool   // on purpose, see Delivery
	Error     string // why the target did not take it; empty when it did
}

// Events gives what was put on every bus, oldest first: at least the last 5,000.
func (c *Cloud) Events() []Delivered {
	c.buses.mu.Lock()
	defer c.buses.mu.Unlock()
	out := make([]Delivered, len(c.buses.seen))
	for i, d := range c.buses.seen {
		out[i] = *d
		out[i].Targets = slices.Clone(d.Targets)
	}
	return out
}

// delivery is one event on its way to one target.
type delivery struct {
	due     time.Time
	seq     int
	of      *Delivered
	rule    string
	ruleARN string
	target  types.Target
	event   envelope
	body    []byte
	hops    int // buses the event has been on
}

// dueHeap orders deliveries by when they are due; those due together keep their order.
type dueHeap []*delivery

func (h dueHeap) Len() int { return len(h) }
func (h dueHeap) Less(i, j int) bool {
	if !h[i].due.Equal(h[j].due) {
		return h[i].due.Before(h[j].due)
	}
	return h[i].seq < h[j].seq
}
func (h dueHeap) Swap(i, j int) { h[i], h[j] = h[j], h[i] }
func (h *dueHeap) Push(x any)   { *h = append(*h, x.(*delivery)) }
func (h *dueHeap) Pop() any {
	old := *h
	d := old[len(old)-1]
	*h = old[:len(old)-1]
	return d
}

// publish puts an event on a bus.
func (c *Cloud) publish(at place, busName string, e envelope) { c.publishHop(at, busName, e, 1) }

func (c *Cloud) publishHop(at place, busName string, e envelope, hops int) {
	body, err := json.Marshal(e)
	if err != nil {
		return
	}
	c.start()
	now := c.Now()
	s := &c.buses
	s.mu.Lock()
	defer s.mu.Unlock()
	b, err := s.bus(at, &busName)
	if err != nil {
		return
	}
	seen := &Delivered{At: now, Account: at.account, Region: at.region, Bus: b.name, Event: body}
	s.remember(seen)
	fields, _ := eventFields(body)
	for _, name := range sortedKeys(b.rules) {
		r := b.rules[name]
		if r.compiled == nil || r.state == types.RuleStateDisabled || !r.compiled.matchFields(fields) {
			continue
		}
		seen.Rules = append(seen.Rules, name)
		for _, t := range r.targets {
			s.schedule(&delivery{of: seen, rule: name, ruleARN: b.ruleARN(name), target: t, event: e, body: inputFor(t, body), hops: hops}, now)
		}
	}
	c.dispatchLater()
}

func (s *eventsState) remember(d *Delivered) {
	if len(s.seen) >= keptEvents {
		s.seen = slices.Clone(s.seen[keptEvents/2:])
	}
	s.seen = append(s.seen, d)
}

// schedule queues a delivery, or loses or doubles it, as Delivery says. The caller holds s.mu.
func (s *eventsState) schedule(d *delivery, now time.Time) {
	s.sent++
	d.seq, d.due = s.sent, now.Add(s.delivery.Delay)
	every := func(n int) bool { return n > 0 && s.sent%n == 0 }
	if every(s.delivery.LoseEvery) {
		d.of.Targets = append(d.of.Targets, DeliveredTarget{Rule: d.rule, ARN: *d.target.Arn, At: now, Lost: true})
		return
	}
	if every(s.delivery.LateEvery) {
		d.due = d.due.Add(s.delivery.LateBy)
	}
	heap.Push(&s.due, d)
	if every(s.delivery.DoubleEvery) {
		again := *d
		heap.Push(&s.due, &again)
	}
}

// dispatchLater makes sure that somebody delivers what is queued. The caller holds c.buses.mu.
func (c *Cloud) dispatchLater() {
	if len(c.buses.due) == 0 {
		return
	}
	c.buses.changed.fire()
	if !c.buses.running && c.running.Err() == nil {
		c.buses.running = true
		c.background(c.dispatch)
	}
}

// dispatch delivers what is due until nothing is queued or the cloud is closed.
func (c *Cloud) dispatch(ctx context.Context) {
	s := &c.buses
	for {
		moved, changed := c.moved.wait(), s.changed.wait()
		now := c.Now()
		s.mu.Lock()
		if len(s.due) == 0 || ctx.Err() != nil {
			s.running = false
			s.mu.Unlock()
			return
		}
		next := s.due[0]
		if !next.due.After(now) {
			heap.Pop(&s.due)
		}
		s.mu.Unlock()
		if next.due.After(now) {
			_ = c.pause(ctx, next.due, moved, changed)
			continue
		}
		c.hand(next)
	}
}

// hand gives an event to its target; what the target does not take goes to the target's dead-letter queue.
func (c *Cloud) hand(d *delivery) {
	err := c.handTo(d)
	if err != nil && d.target.DeadLetterConfig != nil && d.target.DeadLetterConfig.Arn != nil {
		_ = c.enqueue(*d.target.DeadLetterConfig.Arn, d.body, eventsPrincipal, d.ruleARN)
	}
	done := DeliveredTarget{Rule: d.rule, ARN: *d.target.Arn, At: c.Now()}
	if err != nil {
		done.Error = err.Error()
	}
	c.buses.mu.Lock()
	defer c.buses.mu.Unlock()
	d.of.Targets = append(d.of.Targets, done)
}

func (c *Cloud) handTo(d *delivery) error {
	arn := *d.target.Arn
	if home, name, ok := busARN(arn); ok {
		return c.forward(home, name, d)
	}
	if place, name, ok := functionARN(arn); ok {
		return c.invokeLater(place, name, d.body)
	}
	return c.enqueue(arn, d.body, eventsPrincipal, d.ruleARN)
}

// forward puts the event, still of its own account and Region, on another bus. EventBridge forwards once.
func (c *Cloud) forward(home place, name string, d *delivery) error {
	if d.hops > 1 {
		return fmt.Errorf("event %s has been forwarded once already", d.event.ID)
	}
	c.buses.mu.Lock()
	_, err := c.buses.bus(home, &name)
	c.buses.mu.Unlock()
	if err != nil {
		return err
	}
	c.publishHop(home, name, d.event, d.hops+1)
	return nil
}

// enqueue sends a text to a queue, as a service for a source, if the queue's policy lets it.
func (c *Cloud) enqueue(arn string, body []byte, service, source string) error {
	now := c.Now()
	c.queues.mu.Lock()
	defer c.queues.mu.Unlock()
	q := c.queues.byARN(arn)
	if q == nil {
		return fmt.Errorf("the queue %s does not exist", arn)
	}
	if err := q.deliverable(service, source); err != nil {
		return err
	}
	if _, refused := q.accept(outgoing{body: string(body)}, "AIDAEVENTBRIDGE", now); refused != nil {
		return refused
	}
	return nil
}
