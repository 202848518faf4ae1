package cli

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"slices"
	"time"

	"github.com/spf13/cobra"

	"studiokeeper/internal/event"
	"studiokeeper/internal/function"
	"studiokeeper/internal/plan"
	"studiokeeper/internal/reconcile"
	"studiokeeper/internal/render"
)

// replayed is what became of one file, for scripts.
type replayed struct {
	File  string          `json:"file"`
	Looks []function.Look `json:"looks"`
	Error string          `json:"error,omitempty"`
}

func replayCommand(env Environment) *cobra.Command {
	var format output
	var noLock bool
	wait := 2 * time.Minute
	c := &cobra.Command{
		Use:   "replay FILE…",
		Short: "Handles EventBridge or bare CloudTrail event files as the function would (- reads stdin)",
		Long: `Handles files that hold an EventBridge event, a bare CloudTrail record, an SQS
batch or a CloudTrail log, as the function would: the event says whom to look
at, and what is then read decides. Looks that are due later are made by this
process, in order, for as long as --wait allows.`,
		Args: func(c *cobra.Command, args []string) error {
			if len(args) == 0 {
				return usage("replay needs a file with an event, or - for stdin")
			}
			return nil
		},
		RunE: func(c *cobra.Command, files []string) error {
			asJSON, err := format.json()
			if err != nil {
				return err
			}
			r := &replayer{env: env, quiet: asJSON, wait: wait, noLock: noLock}
			if err := r.open(c.Context(), configRef(c, env), "replay"); err != nil {
				return err
			}
			done, err := r.files(c.Context(), files)
			if asJSON {
				err = errors.Join(err, render.JSON(env.Stdout, done))
			}
			return err
		},
	}
	c.Flags().DurationVar(&wait, "wait", wait, "how long to go on with looks that are due later; 0s leaves them out")
	addNoLock(c, &noLock)
	format.add(c)
	return c
}

// replayer handles event files with a queue of its own.
type replayer struct {
	env    Environment
	quiet  bool
	wait   time.Duration
	noLock bool
	queue  *waitingRoom
	keep   *reconcile.Reconciler
	// alarms are what the last look at each person ended in; see alarmed.
	alarms map[reconcile.Key]error
}

// open opens what the function would open, to write.
func (r *replayer) open(ctx context.Context, ref, running string) (err error) {
	r.queue = &waitingRoom{}
	r.keep, _, err = open(ctx, r.env, opening{config: ref, running: running, queue: r.queue, access: writeAccess(r.noLock)})
	return err
}

// files handles one after the other: one that fails stops no other.
func (r *replayer) files(ctx context.Context, files []string) ([]replayed, error) {
	done := make([]replayed, 0, len(files))
	var errs []error
	for _, file := range files {
		if ctx.Err() != nil {
			return done, errors.Join(append(errs, fmt.Errorf("interrupted after %d of %d files", len(done), len(files)))...)
		}
		one := replayed{File: file, Looks: []function.Look{}}
		err := r.file(ctx, &one)
		if err != nil {
			one.Error = err.Error()
			errs = append(errs, fmt.Errorf("%s: %w", file, err))
		}
		done = append(done, one)
	}
	switch {
	case len(errs) == 0:
		return done, nil
	case len(errs) < len(files):
		return done, codeError{exitPartial, errors.Join(errs...)}
	default:
		return done, errors.Join(errs...)
	}
}

func (r *replayer) file(ctx context.Context, one *replayed) error {
	text, err := r.read(one.File)
	if err != nil {
		return err
	}
	batch, err := event.ParseBatch(text)
	if err != nil {
		return err
	}
	r.say("%s\n", one.File)
	var errs []error
	looks := 0
	for n, record := range batch.Records {
		if ctx.Err() != nil {
			return errors.Join(append(errs, fmt.Errorf("interrupted after %d of %d records", n, len(batch.Records)))...)
		}
		errs = append(errs, record.Err)
		for _, l := range record.Looks {
			looks++
			r.say("  %s: look at %s\n", l.Trigger.Name, whom(l))
			errs = append(errs, r.look(ctx, l, one))
		}
	}
	if looks == 0 && errors.Join(errs...) == nil {
		r.say("  nothing in it concerns anybody\n")
	}
	errs = append(errs, r.later(ctx, one))
	return errors.Join(errs...)
}

// later makes the looks that are due later, while the time lasts. It ends with
// what a person has to see to after all of them.
func (r *replayer) later(ctx context.Context, one *replayed) error {
	return errors.Join(r.waiting(ctx, one), r.alarmed())
}

func (r *replayer) waiting(ctx context.Context, one *replayed) error {
	until := time.Now().Add(r.wait)
	var errs []error
	for {
		l, due, ok := r.queue.next()
		if !ok {
			return errors.Join(errs...)
		}
		if due.After(until) {
			r.say("  left for later: %s, due %s\n", whom(l), due.UTC().Format(time.RFC3339))
			continue
		}
		select {
		case <-time.After(time.Until(due)):
		case <-ctx.Done():
			return errors.Join(append(errs, ctx.Err())...)
		}
		errs = append(errs, r.look(ctx, l, one))
	}
}

func (r *replayer) look(ctx context.Context, l event.Look, one *replayed) error {
	results, err := r.keep.Handle(ctx, l)
	for _, res := range results {
		r.show(res)
		r.alarm(res)
		err = errors.Join(err, res.Err)
		if res.Held {
			err = errors.Join(err, codeError{exitHeld, fmt.Errorf("the %s of user %s in %s is held; studiokeeper removals list shows why", res.HeldOf, res.Key.UserID, res.Key.Domain)})
		}
		one.Looks = append(one.Looks, function.LookOf(res))
	}
	return err
}

// alarm keeps what a look ended in, in place of what the look before it did. One
// that only waits for SageMaker to end what it was asked to has nothing new.
func (r *replayer) alarm(res reconcile.Result) {
	if slices.ContainsFunc(res.Changes, func(c plan.Change) bool { return c.Kind == plan.Wait }) && len(res.Alarms) == 0 {
		return
	}
	if r.alarms == nil {
		r.alarms = map[reconcile.Key]error{}
	}
	var errs []error
	for _, a := range res.Alarms {
		errs = append(errs, fmt.Errorf("user %s in %s: %s", res.Verdict.User.Label(), res.Key.Domain, a.Text))
	}
	r.alarms[res.Key] = errors.Join(errs...)
}

// alarmed tells of everybody whose last look ended in an alarm, by domain and id.
func (r *replayer) alarmed() error {
	keys := slices.SortedFunc(maps.Keys(r.alarms), func(a, b reconcile.Key) int {
		return cmp.Or(cmp.Compare(a.Domain, b.Domain), cmp.Compare(a.UserID, b.UserID))
	})
	var errs []error
	for _, k := range keys {
		errs = append(errs, r.alarms[k])
	}
	r.alarms = nil
	if err := errors.Join(errs...); err != nil {
		return codeError{exitPartial, err}
	}
	return nil
}

func (r *replayer) show(res reconcile.Result) {
	if r.quiet {
		return
	}
	who := res.Verdict.User.Label()
	switch {
	case res.HeldWhy != "":
		fmt.Fprintf(r.env.Stdout, "  ! %s in %s keeps what they have: %s\n", who, res.Key.Domain, res.HeldWhy)
	case len(res.Changes) > 0:
		_ = render.Changes(r.env.Stdout, style(r.env, r.env.Stdout), res.Changes)
	case res.Verdict.Standing != "":
		fmt.Fprintf(r.env.Stdout, "  = %s in %s: %s; nothing to change\n", who, res.Key.Domain, render.Reasons(res.Verdict.Reasons))
	}
	if res.Again > 0 {
		fmt.Fprintf(r.env.Stderr, "  … %s in %s again in %s: %s\n", who, res.Key.Domain, res.Again, res.Why)
	}
}

func (r *replayer) say(format string, args ...any) {
	if !r.quiet {
		fmt.Fprintf(r.env.Stdout, format, args...)
	}
}

func (r *replayer) read(file string) ([]byte, error) {
	if file == "-" {
		return io.ReadAll(r.env.Stdin)
	}
	return os.ReadFile(file)
}

func whom(l event.Look) string {
	switch l.Scope {
	case event.User:
		return "user " + l.UserID
	case event.Group:
		return "group " + l.GroupID + l.GroupName
	case event.Profile:
		return "profile " + l.Profile + " in " + l.DomainID
	default:
		return "everybody we manage"
	}
}
