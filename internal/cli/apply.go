package cli

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/spf13/cobra"

	"studiokeeper/internal/plan"
	"studiokeeper/internal/reconcile"
	"studiokeeper/internal/render"
)

func applyCommand(env Environment) *cobra.Command {
	a := &applying{env: env, wait: 30 * time.Minute}
	var format output
	var flags scopeFlags
	c := &cobra.Command{
		Use:   "apply [PLAN]",
		Short: "Carries out a plan: one that is made now, or one that was saved",
		Long: `Makes a plan, shows it, and carries it out once it is confirmed. A saved PLAN
is carried out as it is: if the configuration, the mapping, or anything that one
of its changes was computed from has moved since, it is refused before the first
write. Everybody is read again right before they are changed, and the limit of
removals holds. What takes its time is waited for as long as --wait allows.`,
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) > 1 {
				return usage("apply takes one saved plan, or none")
			}
			return nil
		},
		RunE: func(c *cobra.Command, args []string) error {
			var err error
			if a.json, err = format.json(); err != nil {
				return err
			}
			if len(args) == 1 {
				if flags.user != "" || flags.domains != nil || flags.deep {
					return usage("a saved plan is for whom it was made; leave --user, --domain and --deep out")
				}
				if err := a.load(args[0]); err != nil {
					return err
				}
			}
			if err := a.open(c.Context(), configRef(c, env)); err != nil {
				return err
			}
			return a.run(c.Context(), flags)
		},
	}
	flags.add(c)
	c.Flags().BoolVar(&a.yes, "yes", false, "do not ask")
	c.Flags().BoolVar(&a.skipStale, "skip-stale", false, "leave out of a saved plan what has moved, and carry out the rest")
	c.Flags().DurationVar(&a.wait, "wait", a.wait, "how long to wait for what takes its time, such as apps that end; grace is never waited for")
	addNoLock(c, &a.noLock)
	format.add(c)
	return c
}

// applying is one run of apply.
type applying struct {
	env       Environment
	yes       bool
	skipStale bool
	noLock    bool
	json      bool
	wait      time.Duration

	saved *plan.Document // nil: the plan is made now
	keep  *reconcile.Reconciler
	queue *waitingRoom
}

// load reads a saved plan. One that cannot be used is bad usage.
func (a *applying) load(file string) error {
	text, err := os.ReadFile(file)
	if err != nil {
		return usage("read the saved plan: %w", err)
	}
	doc, err := plan.ParseDocument(text)
	if err != nil {
		return usage("%s: %w", file, err)
	}
	a.saved = &doc
	return nil
}

func (a *applying) open(ctx context.Context, ref string) (err error) {
	a.queue = &waitingRoom{}
	a.keep, _, err = open(ctx, a.env, opening{config: ref, running: "apply", queue: a.queue, access: writeAccess(a.noLock)})
	return err
}

// run makes or checks the plan, asks, and carries it out.
func (a *applying) run(ctx context.Context, flags scopeFlags) error {
	in, err := a.scope(ctx, flags)
	if err != nil {
		return err
	}
	in.Keep = a.keep.Memory
	fresh, err := propose(ctx, a.env, a.keep, in)
	if err != nil {
		return err
	}
	doc, left := fresh, []string(nil)
	if a.saved != nil {
		if doc, left, err = a.unchanged(ctx, fresh); err != nil {
			return err
		}
	}
	if !a.json {
		if err := render.Plan(a.env.Stdout, style(a.env, a.env.Stdout), doc); err != nil {
			return err
		}
	}
	if doc.Pending() {
		if err := confirm(ctx, a.env, a.yes, "\nCarry this out?"); err != nil {
			return err
		}
	}
	who, err := person(ctx, a.keep, "apply "+doc.Digest)
	if err != nil {
		return err
	}
	work := &crew{env: a.env, keep: a.keep, queue: a.queue, until: time.Now().Add(a.wait), by: who, doc: doc}
	done := work.carryOut(ctx)
	done.Stale, done.Problems = left, append(done.Problems, doc.Problems...)
	for _, d := range doc.Domains {
		if d.Error != "" {
			done.Problems = append(done.Problems, "domain "+d.Domain+" could not be read: "+d.Error)
		}
	}
	return a.end(done)
}

func (a *applying) scope(ctx context.Context, flags scopeFlags) (reconcile.Scope, error) {
	if a.saved == nil {
		return flags.scope(ctx, a.keep)
	}
	return reconcile.Scope{User: a.saved.User, Domains: a.saved.Only}, nil
}

// unchanged compares a saved plan with one made now. Anything of it that moved
// refuses it as a whole, or is left out if that was asked for.
func (a *applying) unchanged(ctx context.Context, fresh plan.Document) (plan.Document, []string, error) {
	saved := *a.saved
	switch {
	case saved.Deployment != fresh.Deployment:
		return saved, nil, usage("this plan is of deployment %q, and the configuration of %q", saved.Deployment, fresh.Deployment)
	case saved.StoreID != fresh.StoreID:
		return saved, nil, usage("this plan is for identity store %s, and the configuration for %s", saved.StoreID, fresh.StoreID)
	case saved.Config != fresh.Config:
		return saved, nil, errors.New("the configuration has changed since this plan was made; make a new one. Nothing was changed")
	}
	kept, moved := saved.Against(fresh, func(domain, userID string) bool {
		return a.keep.Begun(ctx, reconcile.Key{Domain: domain, UserID: userID}, saved.Digest)
	})
	if saved.Mapping != fresh.Mapping && !a.skipStale {
		moved = append([]string{"the mapping rows"}, moved...)
	}
	if len(moved) > 0 && !a.skipStale {
		err := errors.New("this plan is stale, and nothing was changed; make a new one, or leave out what moved with --skip-stale. Moved since it was made:")
		for _, what := range moved {
			err = fmt.Errorf("%w\n  %s", err, what)
		}
		return saved, nil, err
	}
	kept.Problems = fresh.Problems
	return kept, moved, nil
}

// end says what became of it, and chooses the exit code.
func (a *applying) end(done applied) error {
	if a.json {
		if err := render.JSON(a.env.Stdout, done); err != nil {
			return err
		}
	} else {
		done.say(a.env)
	}
	return done.err()
}
