package cli

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
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
removals holds. What takes its time is waited for as long as --wait allows, and
listed as pending after that. Cut off, it goes on when it is run again.

Exit codes: 0 done, or pending; 1 failed; 3 something is held until a person
decides; 4 bad usage, configuration or saved plan; 5 done in part.`,
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
	c.Flags().DurationVar(&a.wait, "wait", a.wait, "how long to wait, a `DURATION`, for what takes its time, such as apps that end; grace is never waited for")
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
	if err := a.ours(); err != nil {
		return err
	}
	in, err := a.scope(ctx, flags)
	if err != nil {
		return err
	}
	in.Keep = a.keep.Memory
	doc, err := propose(ctx, a.env, a.keep, in)
	if err != nil {
		return err
	}
	var left []string
	if a.saved != nil {
		if doc, left, err = a.unchanged(ctx, doc); err != nil {
			return err
		}
	}
	if err := a.ask(ctx, doc); err != nil {
		return err
	}
	who, err := person(ctx, a.keep, "apply "+doc.Digest)
	if err != nil {
		return err
	}
	work := &crew{env: a.env, keep: a.keep, queue: a.queue, wait: a.wait, by: who, doc: doc, resumable: a.saved != nil}
	done := work.carryOut(ctx)
	done.Stale = left
	return a.end(done)
}

// ask shows the plan and has it confirmed. Where the result is JSON, the plan
// goes to where the question goes.
func (a *applying) ask(ctx context.Context, doc plan.Document) error {
	out := a.env.Stdout
	if a.json {
		out = a.env.Stderr
	}
	if !a.json || !a.yes {
		if err := render.Plan(out, style(a.env, out), doc); err != nil {
			return err
		}
	}
	switch {
	case doc.Empty():
		return nil
	case doc.Enforced():
		return confirm(ctx, a.env, a.yes, "\nCarry this out?")
	default:
		return confirm(ctx, a.env, a.yes, "\nNothing of this is carried out now. Journal it, and put what is held up for a decision?")
	}
}

func (a *applying) scope(ctx context.Context, flags scopeFlags) (reconcile.Scope, error) {
	if a.saved == nil {
		return flags.scope(ctx, a.keep)
	}
	return reconcile.Scope{User: a.saved.User, Domains: a.saved.Only, Deep: a.saved.Deep}, nil
}

// ours refuses a saved plan that is not for this configuration, before anything
// is read for it.
func (a *applying) ours() error {
	switch {
	case a.saved == nil:
		return nil
	case a.saved.Deployment != a.keep.Deployment:
		return usage("nothing was changed: this plan is of deployment %q, and the configuration of %q", a.saved.Deployment, a.keep.Deployment)
	case a.saved.StoreID != a.keep.StoreID:
		return usage("nothing was changed: this plan is for identity store %s, and the configuration for %s", a.saved.StoreID, a.keep.StoreID)
	case a.saved.Config != a.keep.ConfigDigest:
		return errors.New("nothing was changed: the configuration has changed since this plan was made; make a new one")
	}
	return nil
}

// unchanged compares a saved plan with one made now. Anything of it that moved
// refuses it as a whole, or is left out if that was asked for.
func (a *applying) unchanged(ctx context.Context, fresh plan.Document) (plan.Document, []string, error) {
	saved := *a.saved
	kept, moved := saved.Against(fresh, func(domain, userID string) bool {
		return a.keep.Begun(ctx, reconcile.Key{Domain: domain, UserID: userID}, saved.Digest)
	})
	if saved.Mapping != fresh.Mapping && !a.skipStale {
		moved = append([]string{"the mapping rows"}, moved...)
	}
	if len(moved) > 0 && !a.skipStale {
		return saved, nil, fmt.Errorf("this plan is stale, and nothing was changed; make a new one, or leave out what moved with --skip-stale. Moved since it was made:\n  %s", strings.Join(moved, "\n  "))
	}
	kept.Problems, kept.Notes = fresh.Problems, fresh.Notes
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
