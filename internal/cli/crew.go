package cli

import (
	"context"
	"errors"
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
// looks that come of it, for as long as there is time. Whoever is not in the
// plan is not changed.
type crew struct {
	env       Environment
	keep      *reconcile.Reconciler
	queue     *waitingRoom
	wait      time.Duration // for what takes its time, once everybody was begun with
	by        event.Trigger
	doc       plan.Document
	resumable bool // the plan was saved, so that it may be run again

	mu    sync.Mutex
	begun time.Time // when the last was begun with
	done  applied
	at    map[reconcile.Key]int  // places in done.People
	given map[reconcile.Key]bool // groups that were let in
	busy  int
	ended int                      // how many are not waiting any more
	bar   *progressbar.ProgressBar // nil where no terminal shows it
}

func (w *crew) carryOut(ctx context.Context) applied {
	w.done, w.at = applied{Plan: w.doc.Digest, People: []outcome{}, Problems: unread(w.doc), blind: w.doc.Summary().Failed == len(w.doc.Domains)}, map[reconcile.Key]int{}
	w.given = map[reconcile.Key]bool{}
	w.begun = time.Now()
	w.trouble(w.keep.Prepare(ctx, w.doc))
	w.enlist(ctx)
	stop := w.progress()
	w.work(ctx)
	for _, d := range w.doc.Domains {
		for _, c := range d.SignIn {
			w.sign(ctx, c)
		}
	}
	w.work(ctx)
	stop()
	if ctx.Err() != nil {
		w.done.Interrupted = true
	}
	return w.done
}

// unread is what of the configured world the plan could not tell of.
func unread(doc plan.Document) []string {
	found := append([]string{}, doc.Problems...)
	for _, d := range doc.Domains {
		if d.Error != "" {
			found = append(found, fmt.Sprintf("domain %s: %s", d.Domain, d.Error))
		}
	}
	return found
}

// enlist queues a look at everybody in the plan.
func (w *crew) enlist(ctx context.Context) {
	people := 0
	for _, d := range w.doc.Domains {
		people += len(d.People)
	}
	for _, d := range w.doc.Domains {
		for _, p := range d.People {
			w.list(outcome{Domain: d.Domain, UserID: p.UserID, UserName: p.UserName, Detail: "not begun"})
			w.trouble(w.queue.Send(ctx, reconcile.LookOf(d.Domain, p, people > bulk, w.by), 0))
		}
		for _, c := range d.SignIn {
			w.list(outcome{Domain: d.Domain, Group: c.Group, Detail: "the profiles of its people are not ready yet"})
		}
	}
}

func (w *crew) list(o outcome) {
	o.Outcome = waiting
	w.at[o.key()] = len(w.done.People)
	w.done.People = append(w.done.People, o)
}

// bulk is from how many people on what a domain holds is listed for all of them.
const bulk = 10

// work makes looks until none is left that is due in time.
func (w *crew) work(ctx context.Context) {
	var g errgroup.Group
	g.SetLimit(crewSize)
	for ctx.Err() == nil {
		idle := w.idle() // asked first: whoever ends after that has left all its looks
		l, due, ok := w.queue.next()
		switch {
		case !ok && idle:
			return
		case ok && (w.late(l, due) || w.signedIn(l)):
			continue // what it waits for is in the person's outcome
		case ok && !due.After(time.Now()):
			if !w.planned(l) && !aside(&l) {
				continue
			}
			w.begin(l)
			g.Go(func() error {
				defer w.end()
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

// planned tells whether a look is at somebody who is in the plan.
func (w *crew) planned(l event.Look) bool {
	_, in := w.at[placeOf(l)]
	return in
}

// aside makes a look at a person who is not in the plan, such as a member of a
// group who is waited for, one that only finds out whether they are ready: what
// there is to change is not this plan's.
func aside(l *event.Look) bool {
	l.Plan = plan.Digest(nil)
	return l.Scope == event.User
}

// late tells whether a look comes too late to be waited for. The first look at a
// person never does.
func (w *crew) late(l event.Look, due time.Time) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return due.After(w.begun.Add(w.wait)) && !w.first(l)
}

func (w *crew) first(l event.Look) bool { return w.planned(l) && l.Plan != "" && l.Tries == 0 }

func (w *crew) begin(l event.Look) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.busy++
	if w.first(l) {
		w.begun = time.Now()
	}
}

func (w *crew) end() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.busy--
}

func (w *crew) idle() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.busy == 0
}

func (w *crew) look(ctx context.Context, l event.Look) {
	k := placeOf(l)
	if l.Scope == event.SignIn {
		w.signIn(ctx, l)
		return
	}
	if w.resumable && l.Plan != "" && w.planned(l) {
		if err := w.keep.Begin(ctx, k, w.doc.Digest); err != nil {
			w.set(ctx, k, failed, err.Error())
			return
		}
	}
	results, err := w.keep.Handle(ctx, l)
	for _, res := range results {
		err = errors.Join(err, res.Err)
		t, _ := w.keep.Target(res.Key.Domain)
		how, why := fateOf(res, err, t.Domain.Mode)
		w.set(ctx, res.Key, how, why)
		if how == waiting && w.planned(l) {
			w.again(l, res)
		}
	}
	switch {
	case len(results) > 0:
	case err != nil:
		w.set(ctx, k, failed, err.Error())
	case w.planned(l): // somebody else planned a look meanwhile, and makes it
		w.again(l, reconcile.Result{Key: k, Again: crewAgain})
	}
}

// crewAgain is how soon it is looked what came of what somebody else does.
const crewAgain = 3 * time.Second

// again looks again where no look is on its way here: somebody else has planned
// one, who may have been cut off since.
func (w *crew) again(l event.Look, res reconcile.Result) {
	next := event.Look{Scope: event.User, UserID: res.Key.UserID, Domain: res.Key.Domain, Tries: l.Tries + 1, Bulk: l.Bulk, Trigger: w.by}
	if res.Verdict.Standing == "" {
		next.Plan, next.Profile = l.Plan, l.Profile // nothing was read yet
	}
	w.queue.putUnless(next, time.Now().Add(res.Again))
}

// set stores what became of somebody in the plan. What ends because the whole
// run does has not failed.
func (w *crew) set(ctx context.Context, k reconcile.Key, how fate, why string) {
	if how == failed && ctx.Err() != nil {
		how, why = waiting, "interrupted"
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	at, planned := w.at[k]
	if !planned {
		return
	}
	o := &w.done.People[at]
	switch {
	case o.Outcome == waiting && how != waiting:
		w.ended++
	case o.Outcome != waiting && how == waiting:
		w.ended--
	}
	o.Outcome, o.Detail = how, why
	if w.bar != nil {
		_ = w.bar.Set(w.ended) // what is shown on the way is no result
	}
}

func (w *crew) trouble(err error) {
	if err != nil {
		w.mu.Lock()
		defer w.mu.Unlock()
		w.done.Problems = append(w.done.Problems, err.Error())
	}
}

// progress shows a bar on a terminal, and a line now and then elsewhere.
func (w *crew) progress() (stop func()) {
	all := len(w.done.People)
	switch {
	case all == 0:
		return func() {}
	case isTerminal(w.env.Stderr):
		w.bar = progressbar.NewOptions(all, progressbar.OptionSetWriter(w.env.Stderr), progressbar.OptionSetDescription("applying"),
			progressbar.OptionSetWidth(40), progressbar.OptionShowCount(), progressbar.OptionClearOnFinish(), progressbar.OptionSetPredictTime(false))
		_ = w.bar.RenderBlank()
		return func() { _ = w.bar.Clear() }
	}
	return watch(w.env, func() string {
		w.mu.Lock()
		defer w.mu.Unlock()
		return fmt.Sprintf("applying: %d of %d", w.ended, all)
	})
}
