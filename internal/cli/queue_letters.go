package cli

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"studiokeeper/internal/app"
	"studiokeeper/internal/awscloud"
	"studiokeeper/internal/event"
)

// each reads the dead letters of the chosen queues and gives back those that
// are not gone afterwards.
func (f deadFlags) each(ctx context.Context, ref string, env Environment, do handling) error {
	if f.queue != "all" && f.queue != "events" && f.queue != "pass" {
		return usage("--queue %s: want events, pass or all", f.queue)
	}
	cfg, err := app.LoadConfig(ctx, ref, env.Lookup)
	if err != nil {
		return err
	}
	session, err := app.Session(ctx, app.Options{Running: "queue"})
	if err != nil {
		return err
	}
	events, pass, err := f.queues.find(ctx, env, session, cfg.IdentityCenter.Region)
	if err != nil {
		return err
	}
	var errs []error
	if f.queue != "pass" {
		errs = append(errs, f.letters(ctx, env, "events", events, do))
	}
	if f.queue != "events" {
		errs = append(errs, f.letters(ctx, env, "pass", pass, do))
	}
	return errors.Join(errs...)
}

// handling does something with one dead letter, which was read from one queue
// and came from another, and tells whether it is gone from the first.
type handling func(ctx context.Context, d deadLetter, from, to *awscloud.Queue) (gone bool, err error)

// letters reads the dead letters of one queue. One that fails stops no other.
func (f deadFlags) letters(ctx context.Context, env Environment, name string, q *awscloud.Queue, do handling) error {
	dead, err := q.Dead(ctx)
	if err != nil {
		return err
	}
	waiting, held, err := dead.Depth(ctx)
	if err != nil {
		return err
	}
	if held > 0 {
		fmt.Fprintf(env.Stderr, "%s: %d more held by whoever is reading them; they come back by themselves, so look again in a while\n", name, held)
	}
	now := cloudClock(env)
	if now == nil {
		now = time.Now
	}
	r := opened{dead: dead, receipts: map[string]string{}, waiting: waiting, most: f.limit}
	defer r.giveBack(ctx)
	var errs []error
	for {
		letters, err := r.next(ctx)
		if err != nil || len(letters) == 0 {
			return errors.Join(append(errs, err)...)
		}
		for _, l := range letters {
			gone, err := do(ctx, describe(name, l, now()), dead, q)
			if gone {
				delete(r.receipts, l.ID)
			}
			errs = append(errs, err)
		}
	}
}

// opened goes through a dead-letter queue once.
type opened struct {
	dead                *awscloud.Queue
	receipts            map[string]string // of what is to be given back, by message
	waiting, read, most int
}

// next gives letters that were not read before; none when all were. As long as
// some must be there, all of SQS's servers are asked, which takes a moment.
func (r *opened) next(ctx context.Context) ([]awscloud.Letter, error) {
	for r.read < r.most {
		wait := time.Duration(0)
		if r.read < r.waiting {
			wait = time.Second
		}
		got, err := r.dead.Receive(ctx, min(10, r.most-r.read), wait, inspecting)
		if err != nil || len(got) == 0 {
			return nil, err
		}
		var fresh []awscloud.Letter
		for _, l := range got {
			if _, again := r.receipts[l.ID]; !again {
				fresh = append(fresh, l)
			}
			r.receipts[l.ID] = l.Receipt
		}
		if r.read += len(got); len(fresh) > 0 {
			return fresh, nil
		}
	}
	return nil, nil
}

// giveBack ends the time for which what was read is hidden.
func (r *opened) giveBack(ctx context.Context) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), inspecting)
	defer cancel()
	for _, receipt := range r.receipts {
		_ = r.dead.Hide(ctx, receipt, 0) // it comes back by itself a minute later
	}
}

// describe says what a dead letter is, and why it fails if that can be seen.
func describe(queue string, l awscloud.Letter, now time.Time) deadLetter {
	d := deadLetter{Queue: queue, ID: l.ID, Sent: l.Sent, Age: int(max(0, now.Sub(l.Sent)).Seconds()), Received: l.Received, letter: l}
	if stream := streamFailure(l.Body); stream != "" {
		d.What = stream
		return d
	}
	looks, err := event.Parse([]byte(l.Body))
	switch {
	case err != nil:
		d.What, d.Why = "a message that cannot be read", err.Error()
	case len(looks) == 0:
		d.What = "an event that concerns nobody"
	default:
		var whats []string
		for _, look := range looks {
			whats = append(whats, strings.TrimSpace(look.Trigger.Name+" "+look.Trigger.Source)+": look at "+whom(look))
		}
		d.What = strings.Join(whats, "; ")
	}
	return d
}

// streamFailure describes what Lambda sends about a batch of a stream that
// failed, which names no rows; "" for anything else.
func streamFailure(body string) string {
	var failed struct {
		Info *struct {
			StreamArn string `json:"streamArn"`
			BatchSize int    `json:"batchSize"`
		} `json:"DDBStreamBatchInfo"`
	}
	if json.Unmarshal([]byte(body), &failed) != nil || failed.Info == nil {
		return ""
	}
	return fmt.Sprintf("%d changed rows of the mapping table that were not handled (%s); redrive makes a pass of it, which finds them", failed.Info.BatchSize, failed.Info.StreamArn)
}
