package cli

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/schollz/progressbar/v3"
	"golang.org/x/sync/errgroup"

	"studiokeeper/internal/event"
	"studiokeeper/internal/plan"
	"studiokeeper/internal/reconcile"
)

// crewSize is how many people are worked on at once: enough for the request
// rates to be what counts, whatever a call takes.
const crewSize = 24

// crewRest is how long a crew with nothing due waits before it looks again.
const crewRest = 50 * time.Millisecond

// crew carries out a plan, person by person and many at a time, and makes the
// looks that come of it, for as long as there is time.
type crew struct {
	env   Environment
	keep  *reconcile.Reconciler
	queue *waitingRoom
	until time.Time
	by    event.Trigger
	doc   plan.Document

	mu   sync.Mutex
	done applied
	at   map[reconcile.Key]int // places in done.People
	bar  *progressbar.ProgressBar
}

func (w *crew) carryOut(ctx context.Context) applied {
	w.done, w.at = applied{Plan: w.doc.Digest, People: []outcome{}, Problems: []string{}}, map[reconcile.Key]int{}
	w.trouble(w.keep.Prepare(ctx, w.doc))
	stop := w.progress(w.enlist(ctx))
	w.work(ctx)
	for _, d := range w.doc.Domains {
		for _, c := range d.SignIn {
			w.sign(ctx, c)
		}
	}
	w.work(ctx)
	stop()
	if ctx.Err() != nil {
		w.trouble(fmt.Errorf("interrupted; run it again to go on"))
	}
	return w.done
}

// enlist queues a look at everybody in the plan.
func (w *crew) enlist(ctx context.Context) (people int) {
	for _, d := range w.doc.Domains {
		people += len(d.People)
	}
	for _, d := range w.doc.Domains {
		for _, p := range d.People {
			k := reconcile.Key{Domain: d.Domain, UserID: p.UserID}
			w.at[k] = len(w.done.People)
			w.done.People = append(w.done.People, outcome{Domain: d.Domain, UserID: p.UserID, UserName: p.UserName, Outcome: waiting, Detail: "it was not begun"})
			if err := w.queue.Send(ctx, reconcile.LookOf(d.Domain, p, people > bulk, w.by), 0); err != nil {
				w.trouble(err)
			}
		}
	}
	return people
}

// bulk is from how many people on what a domain holds is listed for all of them.
const bulk = 10

// work makes looks until none is left that is due in time.
func (w *crew) work(ctx context.Context) {
	var g errgroup.Group
	g.SetLimit(crewSize)
	busy := &counter{}
	for ctx.Err() == nil {
		l, due, ok := w.queue.next()
		switch {
		case !ok && busy.none():
			return
		case ok && due.After(w.until):
			continue // what it waits for is in the person's outcome
		case ok && !due.After(time.Now()):
			busy.add(1)
			g.Go(func() error {
				defer busy.add(-1)
				w.look(ctx, l)
				return nil
			})
		default:
			if ok {
				w.queue.put(l, due)
			}
			_ = pause(ctx, crewRest) // ends with the loop's own condition
		}
	}
	_ = g.Wait() // what failed is in the outcomes
}

// counter counts what is under way.
type counter struct {
	mu sync.Mutex
	n  int
}

func (c *counter) add(n int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.n += n
}

func (c *counter) none() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.n == 0
}

func (w *crew) look(ctx context.Context, l event.Look) {
	k := reconcile.Key{Domain: l.Domain, UserID: l.UserID}
	if l.Plan != "" {
		if err := w.keep.Begin(ctx, k, w.doc.Digest); err != nil {
			w.set(k, failed, err.Error())
			return
		}
	}
	results, err := w.keep.Handle(ctx, l)
	if l.Scope != event.User {
		w.trouble(err)
		return
	}
	for _, res := range results {
		if err == nil {
			err = res.Err
		}
		w.set(res.Key, became(res, err), detail(res, err))
	}
	if len(results) == 0 && err != nil {
		w.set(k, failed, err.Error())
	}
}

// set stores what became of a person who is in the plan.
func (w *crew) set(k reconcile.Key, how fate, why string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	at, planned := w.at[k]
	if !planned {
		return
	}
	if w.done.People[at].Outcome == waiting && how != waiting && w.bar != nil {
		_ = w.bar.Add(1) // what is shown on the way is no result
	}
	w.done.People[at].Outcome, w.done.People[at].Detail = how, why
}

func (w *crew) sign(ctx context.Context, c plan.Change) {
	held, err := w.keep.Sign(ctx, c, w.by)
	w.trouble(err)
	if held != "" {
		w.done.People = append(w.done.People, outcome{Domain: c.Domain, UserID: "group " + c.Group, Outcome: heldBack, Detail: held})
	}
}

func (w *crew) trouble(err error) {
	if err == nil {
		return
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.done.Problems = append(w.done.Problems, err.Error())
}

// progress shows a bar on a terminal, and a line now and then elsewhere.
func (w *crew) progress(people int) (stop func()) {
	if isTerminal(w.env.Stderr) {
		w.bar = progressbar.NewOptions(people, progressbar.OptionSetWriter(w.env.Stderr), progressbar.OptionSetDescription("applying"),
			progressbar.OptionShowCount(), progressbar.OptionClearOnFinish(), progressbar.OptionSetPredictTime(false))
		return func() { _ = w.bar.Clear() }
	}
	return watch(w.env, func() string {
		w.mu.Lock()
		defer w.mu.Unlock()
		settled := 0
		for _, o := range w.done.People {
			if o.Outcome != waiting {
				settled++
			}
		}
		return fmt.Sprintf("applying: %d of %d", settled, people)
	})
}
