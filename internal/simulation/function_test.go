package simulation

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"strings"
	"time"

	"studiokeeper/internal/app"
	"studiokeeper/internal/function"
)

// timeouts are those of the two functions, by queue.
var timeouts = map[string]time.Duration{"events": time.Minute, "pass": 15 * time.Minute}

// slot is one execution environment of a function; the process in it may die.
type slot struct {
	name    string
	queue   string
	process *process
	ran     int // processes so far
	calls   int // invocations so far
}

// process is what Lambda keeps between invocations, until it kills it.
type process struct {
	name    string
	handler *function.Handler
	dead    bool
	left    int // calls until it is killed; 0: it is not
	ctx     context.Context
	kill    context.CancelFunc
}

// invocation is one run of the handler. What it reads, it reads from since on.
type invocation struct {
	name    string
	process *process
	since   time.Time
	read    map[string]time.Time // when somebody's membership was last read, by id
}

type invocationKey struct{}

// start polls a queue for a function of two environments.
func (w *world) start(queue string) {
	free := make(chan *slot, 2)
	for n := range cap(free) {
		s := &slot{name: fmt.Sprint(queue, "-", n), queue: queue}
		w.every[queue] = append(w.every[queue], s)
		free <- s
	}
	w.slots[queue] = free
	w.busy.Go(func() {
		// The wait lets everything happen first that happens at the same moment.
		for w.cloud.AwaitMessage(w.ctx, queueARN(queue)) == nil && pause(w.ctx, time.Millisecond) == nil {
			select {
			case s := <-free:
				w.take(s, free)
			case <-w.ctx.Done():
			}
		}
	})
}

type sqsMessage struct {
	MessageId, ReceiptHandle, Body string
	Attributes                     map[string]string
}

// take gives an environment what is in its queue.
func (w *world) take(s *slot, free chan *slot) {
	var got struct{ Messages []sqsMessage }
	w.must(w.aws("sqs", "ReceiveMessage", object{"QueueUrl": w.queues[s.queue], "MaxNumberOfMessages": w.story.Batch, "AttributeNames": []string{"All"}}, &got))
	kept := got.Messages[:0]
	for _, m := range got.Messages {
		m.Body = w.told(m.Body)
		if w.struck("swallow", m.Body) {
			w.drop(s.queue, m)
			continue
		}
		kept = append(kept, m)
	}
	if len(kept) == 0 {
		free <- s
		return
	}
	w.busy.Go(func() {
		defer func() { free <- s }()
		w.handle(s, kept)
	})
}

// told gives the ids that are drawn anew in each telling the same values in all of them.
func (w *world) told(body string) string {
	w.mu.Lock()
	defer w.mu.Unlock()
	var out strings.Builder
	for word := range words(body) {
		if at := len(word) - uuidLength; at >= 0 && isUUID(word[at:]) && !strings.HasPrefix(word[at:], known) {
			word = word[:at] + w.same(word[at:])
		}
		out.WriteString(word)
	}
	return out.String()
}

func (w *world) same(id string) string {
	if w.ids[id] == "" {
		w.ids[id] = fmt.Sprintf("%s0000-4000-9000-%012d", known, len(w.ids))
	}
	return w.ids[id]
}

// jitter is drawn like everything else.
func (w *world) jitter(below time.Duration) time.Duration {
	return time.Duration(w.luck("", "jitter", 0) % uint64(below))
}

// handle has a batch handled, and deletes what did not fail, as Lambda does.
func (w *world) handle(s *slot, batch []sqsMessage) {
	var records []object
	for _, m := range batch {
		records = append(records, object{"messageId": m.MessageId, "receiptHandle": m.ReceiptHandle, "body": m.Body, "attributes": m.Attributes, "eventSource": "aws:sqs"})
	}
	answer, ok := w.invoke(s, object{"Records": records})
	if !ok {
		return
	}
	failed := map[string]bool{}
	for _, f := range answer.BatchItemFailures {
		failed[f.ItemIdentifier] = true
	}
	for _, m := range batch {
		if !failed[m.MessageId] && !w.struck("undeleted", m.Body) {
			w.drop(s.queue, m)
		}
	}
}

func (w *world) drop(queue string, m sqsMessage) {
	w.must(w.aws("sqs", "DeleteMessage", object{"QueueUrl": w.queues[queue], "ReceiptHandle": m.ReceiptHandle}, nil))
}

type failures struct {
	BatchItemFailures []struct{ ItemIdentifier string }
}

// invoke runs the handler in an environment; ok is false when nothing can be said of single records.
func (w *world) invoke(s *slot, payload object) (answer failures, ok bool) {
	text, err := json.Marshal(payload)
	w.must(err)
	p := w.alive(s)
	s.calls++
	run := &invocation{name: fmt.Sprint(s.name, "/", s.calls), process: p, since: time.Now(), read: map[string]time.Time{}}
	ctx, cancel := context.WithTimeout(context.WithValue(p.ctx, invocationKey{}, run), timeouts[s.queue])
	defer cancel()
	over := context.AfterFunc(ctx, func() { w.die(p) })
	out, err := p.handler.Invoke(ctx, text)
	over()
	w.mu.Lock()
	defer w.mu.Unlock()
	if err != nil || p.dead {
		return failures{}, false
	}
	return answer, json.Unmarshal(out, &answer) == nil
}

// alive is the environment's process, a new one where the last died.
func (w *world) alive(s *slot) *process {
	w.mu.Lock()
	defer w.mu.Unlock()
	if s.process == nil || s.process.dead {
		s.ran++
		s.process = w.newProcess(fmt.Sprint(s.name, ".", s.ran), s.queue)
	}
	return s.process
}

func (w *world) newProcess(name, running string) *process {
	p := &process{name: name}
	p.ctx, p.kill = context.WithCancel(w.ctx)
	p.handler = app.Function(w.options(running))
	return p
}

func (w *world) options(running string) app.Options {
	log := slog.DiscardHandler
	if w.story.loud {
		log = slog.NewTextHandler(w.t.Output(), nil)
	}
	return app.Options{
		Config: w.config, Running: running, Now: w.cloud.Now, HTTP: wire{w}, Jitter: w.jitter, Log: slog.New(log),
		Lookup: func(name string) (string, bool) {
			url, ok := map[string]string{app.EnvQueue: w.queues["events"], app.EnvPassQueue: w.queues["pass"]}[name]
			return url, ok
		},
	}
}

// die ends a process: none of its calls reaches AWS from now on.
func (w *world) die(p *process) {
	w.mu.Lock()
	defer w.mu.Unlock()
	p.dead = true
	p.kill()
}
