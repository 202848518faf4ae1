// Package worker runs the function without Lambda: it polls the queues, keeps
// the schedule, and ends what it began before it goes.
package worker

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"strconv"
	"sync"
	"time"

	"studiokeeper/internal/awscloud"
)

const (
	batchSize = 10
	pollWait  = 20 * time.Second // SQS's longest
	// hidden is how long a batch stays hidden after its worker was killed; it is
	// renewed well before.
	hidden = 2 * time.Minute
	renew  = 40 * time.Second
	// pollAgain is the wait after a poll that failed.
	pollAgain = 5 * time.Second
	// deleting is how long deleting a message may take, also when the work was cut off.
	deleting = 10 * time.Second
)

// Queue is what is polled. Receive waits for at most so long, and hides what it
// gives; Hide and Delete take a receipt that it gave.
type Queue interface {
	Receive(ctx context.Context, most int, wait, hidden time.Duration) ([]awscloud.Letter, error)
	Hide(ctx context.Context, receipt string, hidden time.Duration) error
	Delete(ctx context.Context, receipt string) error
}

// Poller works off one queue, with batches as Lambda would make them.
type Poller struct {
	Name  string
	Queue Queue
	// Invoke is the function's handler.
	Invoke func(ctx context.Context, payload []byte) ([]byte, error)
	// AtOnce is how many batches are worked on at the same time.
	AtOnce int
	// Limit is how long a batch may take: a pass saves a part of it for its end.
	Limit  time.Duration
	Health *Health
	Log    *slog.Logger
}

// Run polls until ctx ends, and returns once what was received by then is done.
// The work itself goes on until work ends.
func (p *Poller) Run(ctx, work context.Context) {
	var g sync.WaitGroup
	for range p.AtOnce {
		g.Go(func() {
			for wait := time.Duration(0); ctx.Err() == nil; wait = pollWait { // the first tells at once whether all is well
				p.once(ctx, work, wait)
			}
		})
	}
	g.Wait()
}

func (p *Poller) once(ctx, work context.Context, wait time.Duration) {
	letters, err := p.Queue.Receive(ctx, batchSize, wait, hidden)
	if ctx.Err() != nil && err != nil {
		return
	}
	p.Health.polled(p.Name, err)
	if err != nil {
		p.Log.ErrorContext(ctx, "poll failed", "queue", p.Name, "error", err.Error())
		sleep(ctx, pollAgain)
		return
	}
	if len(letters) == 0 {
		return
	}
	if err := p.batch(work, letters); err != nil {
		p.Log.ErrorContext(work, "batch failed; its messages come again", "queue", p.Name, "error", err.Error())
	}
}

// batch hands a batch on and deletes what was done. What failed comes again when
// its time is over, and ends in the dead-letter queue by the queue's own count.
func (p *Poller) batch(work context.Context, letters []awscloud.Letter) error {
	ctx, cancel := context.WithTimeout(work, p.Limit)
	defer cancel()
	stop := p.keepHidden(ctx, letters)
	answer, err := p.Invoke(ctx, payload(letters))
	stop()
	if err != nil {
		return err
	}
	failed, err := failures(answer)
	if err != nil {
		return err
	}
	var errs []error
	for _, l := range letters {
		if !failed[l.ID] {
			errs = append(errs, p.delete(ctx, l))
		}
	}
	return errors.Join(errs...)
}

// delete takes off the queue what was done, even when the work was cut off.
func (p *Poller) delete(ctx context.Context, l awscloud.Letter) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), deleting)
	defer cancel()
	return p.Queue.Delete(ctx, l.Receipt)
}

// keepHidden renews the time that a batch is hidden for, until it is stopped.
func (p *Poller) keepHidden(ctx context.Context, letters []awscloud.Letter) (stop func()) {
	ctx, cancel := context.WithCancel(ctx)
	var g sync.WaitGroup
	g.Go(func() {
		for sleep(ctx, renew) {
			for _, l := range letters {
				if err := p.Queue.Hide(ctx, l.Receipt, hidden); err != nil && ctx.Err() == nil {
					p.Log.WarnContext(ctx, "a message may be taken by others while it is worked on", "queue", p.Name, "message", l.ID, "error", err.Error())
				}
			}
		}
	})
	return func() { cancel(); g.Wait() }
}

// record is a message as Lambda hands it to the function.
type record struct {
	MessageID   string            `json:"messageId"`
	Body        string            `json:"body"`
	Attributes  map[string]string `json:"attributes"`
	EventSource string            `json:"eventSource"`
}

func payload(letters []awscloud.Letter) []byte {
	var batch struct{ Records []record }
	for _, l := range letters {
		batch.Records = append(batch.Records, record{
			MessageID: l.ID, Body: l.Body, EventSource: "aws:sqs", Attributes: map[string]string{"ApproximateReceiveCount": strconv.Itoa(l.Received)},
		})
	}
	text, _ := json.Marshal(batch) // strings are always encoded
	return text
}

func failures(answer []byte) (map[string]bool, error) {
	var said struct {
		Failed []struct {
			ID string `json:"itemIdentifier"`
		} `json:"batchItemFailures"`
	}
	if err := json.Unmarshal(answer, &said); err != nil {
		return nil, fmt.Errorf("read what became of a batch: %w", err)
	}
	failed := map[string]bool{}
	for _, f := range said.Failed {
		failed[f.ID] = true
	}
	return failed, nil
}

// sleep tells whether the time was over before ctx was.
func sleep(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}
