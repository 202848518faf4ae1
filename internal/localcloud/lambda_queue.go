package localcloud

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// pollWait is how long Lambda's pollers wait for messages at a time.
const pollWait = 20 * time.Second

// EventSourceMapping makes Lambda poll a queue and invoke a function with what it finds.
type EventSourceMapping struct {
	QueueArn string
	Function string // its name or ARN
	// BatchSize is how many messages an invocation gets at most, 1 to 10,000; 0 means 10. More than 10 need a Window.
	BatchSize int
	Window    time.Duration // how long a batch may fill, up to 5 minutes
	// ReportBatchItemFailures lets the function name the messages that failed. Without it a batch fails as a whole.
	ReportBatchItemFailures bool
	// MaximumConcurrency is how many invocations may run at a time, 2 to 1,000; 0 means the function's Concurrency.
	MaximumConcurrency int
}

func (m *EventSourceMapping) check() error {
	switch {
	case m.BatchSize < 0 || m.BatchSize > 10_000:
		return fmt.Errorf("BatchSize %d is not 1 to 10000", m.BatchSize)
	case m.Window < 0 || m.Window > 5*time.Minute:
		return fmt.Errorf("Window %v is not 0s to 5m", m.Window)
	case m.BatchSize > 10 && m.Window < time.Second:
		return errors.New("a BatchSize above 10 needs a Window of at least 1s")
	case m.MaximumConcurrency != 0 && (m.MaximumConcurrency < 2 || m.MaximumConcurrency > 1000):
		return fmt.Errorf("MaximumConcurrency %d is not 2 to 1000", m.MaximumConcurrency)
	}
	if m.BatchSize == 0 {
		m.BatchSize = 10
	}
	return nil
}

// poller is a started EventSourceMapping.
type poller struct {
	EventSourceMapping
	cloud *Cloud
	fn    *function
	busy  chan struct{} // one for each invocation under way
}

// MapQueue starts polling a queue for a function. As Lambda does, it refuses a queue whose visibility
// timeout is shorter than the function's timeout.
func (c *Cloud) MapQueue(m EventSourceMapping) error {
	c.start()
	end, err := c.mapQueue(m)
	if err == nil {
		err = c.keepMappingOf(m.Function, m.QueueArn, end)
	}
	if err != nil {
		return fmt.Errorf("mapping %s: %w", m.QueueArn, err)
	}
	return nil
}

// mapQueue gives what ends the polling; invocations under way are not cut off.
func (c *Cloud) mapQueue(m EventSourceMapping) (context.CancelFunc, error) {
	if err := m.check(); err != nil {
		return nil, err
	}
	fn, err := c.function(m.Function)
	if err != nil {
		return nil, err
	}
	c.queues.mu.Lock()
	q := c.queues.byARN(m.QueueArn)
	var visibility time.Duration
	if q != nil {
		visibility = q.seconds("VisibilityTimeout")
	}
	c.queues.mu.Unlock()
	if q == nil {
		return nil, errors.New("the queue does not exist")
	}
	if f, _ := fn.settings(); visibility < f.Timeout {
		return nil, fmt.Errorf("Queue visibility timeout: %v is less than Function timeout: %v", visibility, f.Timeout)
	}
	if err := fn.pollsQueue(m.QueueArn); err != nil {
		return nil, err
	}
	if m.MaximumConcurrency == 0 {
		m.MaximumConcurrency = fn.Concurrency
	}
	p := &poller{EventSourceMapping: m, cloud: c, fn: fn, busy: make(chan struct{}, min(m.MaximumConcurrency, fn.Concurrency))}
	return fn.until(p.run), nil
}

// until runs f in the background until the function or what the answer ends is gone.
func (fn *function) until(f func(context.Context)) context.CancelFunc {
	ctx, end := context.WithCancel(fn.running)
	fn.cloud.background(func(context.Context) { f(ctx) })
	return end
}

// run polls until ctx ends. Messages are taken only when there is room for an invocation.
func (p *poller) run(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case p.busy <- struct{}{}:
		}
		batch := p.gather(ctx)
		if len(batch) == 0 {
			<-p.busy
			continue
		}
		p.cloud.background(func(ctx context.Context) {
			defer func() { <-p.busy }()
			for _, part := range split(batch) {
				p.invoke(ctx, part)
			}
		})
	}
}

// gather takes one batch: the first messages that come, and with a Window those that come until it is over.
func (p *poller) gather(ctx context.Context) []message {
	var batch []message
	var deadline time.Time
	for ctx.Err() == nil && len(batch) < p.BatchSize {
		wait := pollWait
		if len(batch) > 0 {
			wait = deadline.Sub(p.cloud.Now())
		}
		if wait <= 0 {
			break
		}
		got := p.receive(ctx, min(10, p.BatchSize-len(batch)), wait)
		if len(batch) == 0 && len(got) > 0 {
			deadline = p.cloud.Now().Add(p.Window)
		}
		batch = append(batch, got...)
		if len(batch) == 0 {
			break
		}
	}
	return batch
}

func (p *poller) receive(ctx context.Context, most int, wait time.Duration) []message {
	p.cloud.queues.mu.Lock()
	q := p.cloud.queues.byARN(p.QueueArn)
	p.cloud.queues.mu.Unlock()
	if q == nil || p.fn.asFunction("sqs", "ReceiveMessage", p.QueueArn, false) != nil {
		p.cloud.sleep(ctx, time.Second)
		return nil
	}
	got := p.cloud.receive(ctx, q, receive{most: most, wait: &wait})
	if len(got) > 0 {
		p.fn.asFunction("sqs", "ReceiveMessage", p.QueueArn, true)
	}
	return got
}

// split cuts a batch so that no invocation's payload exceeds Lambda's 6 MB, with room for what is around the bodies.
func split(batch []message) [][]message {
	var parts [][]message
	size := 0
	for _, m := range batch {
		n := messageSize(outgoing{body: m.body, attributes: m.attributes})
		if len(parts) == 0 || size+n > maxPayload*3/4 {
			parts, size = append(parts, nil), 0
		}
		parts[len(parts)-1], size = append(parts[len(parts)-1], m), size+n
	}
	return parts
}

// invoke hands a batch to the function and deletes what succeeded. The rest becomes visible again when its
// visibility timeout is over, and is dead-lettered as the queue's redrive policy says.
func (p *poller) invoke(ctx context.Context, batch []message) {
	payload, err := batchEvent(batch, p.QueueArn, p.fn.Region)
	if err != nil {
		return
	}
	answer, err := p.fn.invoke(ctx, payload, len(batch))
	if err != nil {
		return
	}
	var failed map[string]bool
	if p.ReportBatchItemFailures {
		if failed, err = failures(answer, idsOf(batch)); err != nil {
			return
		}
	}
	if p.fn.asFunction("sqs", "DeleteMessage", p.QueueArn, true) != nil {
		return
	}
	p.cloud.queues.mu.Lock()
	defer p.cloud.queues.mu.Unlock()
	q := p.cloud.queues.byARN(p.QueueArn)
	for _, m := range batch {
		if q != nil && !failed[m.id] {
			q.remove(m.handle)
		}
	}
}

func idsOf(batch []message) []string {
	ids := make([]string, len(batch))
	for i, m := range batch {
		ids[i] = m.id
	}
	return ids
}
