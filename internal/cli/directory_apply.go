package cli

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"studiokeeper/internal/carry"
	"studiokeeper/internal/directory"
	"studiokeeper/internal/event"
	"studiokeeper/internal/plan"
	"studiokeeper/internal/provision"
	"studiokeeper/internal/render"
)

// directoryApplying is one run of directory apply.
type directoryApplying struct {
	carrying
	yes, json bool
	interval  time.Duration
	drain     time.Duration
}

func directoryApplyCommand(env Environment) *cobra.Command {
	a := &directoryApplying{carrying: carrying{env: env, running: "directory-apply"}}
	var format output
	c := &cobra.Command{
		Use: "apply", Short: "Carries Active Directory over, once it is confirmed", Args: noArguments,
		Long: `Makes a plan, shows it, and carries it out once it is confirmed. Whoever
something is taken from is read again right before, and the limit of removals
holds. Cut off, it goes on when it is run again. With --interval it does not ask,
and goes on until it is told to end.

Exit codes: 0 done; 1 failed; 3 something is held until a person decides; 4 bad
usage or configuration; 5 done in part.`,
		RunE: func(c *cobra.Command, _ []string) error {
			var err error
			if a.json, err = format.json(); err != nil {
				return err
			}
			a.config, a.access = configRef(c, env), writeAccess(a.noLock)
			switch {
			case c.Flags().Changed("interval"):
				return a.stay(c.Context())
			default:
				return a.once(c.Context())
			}
		},
	}
	a.add(c)
	c.Flags().BoolVar(&a.yes, "yes", false, "do not ask")
	c.Flags().DurationVar(&a.interval, "interval", 0, "stay, and do it every `DURATION`, such as 15m")
	c.Flags().DurationVar(&a.drain, "drain", time.Minute, "with --interval: how long a run that was begun may go on after SIGTERM")
	addNoLock(c, &a.noLock)
	format.add(c)
	return c
}

func (a *directoryApplying) once(ctx context.Context) error {
	keep, err := a.open(ctx, a.warnings())
	if err != nil {
		return err
	}
	made, err := a.propose(ctx, keep)
	if err != nil {
		return err
	}
	if err := a.ask(ctx, made.Document); err != nil {
		return err
	}
	who, err := keep.Callers.CallerARN(ctx)
	if err != nil {
		return fmt.Errorf("nothing was changed, because the journal could not say who did it: %w", err)
	}
	done, err := a.carryOut(ctx, keep, made, plan.Trigger{Kind: event.SourcePerson, ID: who, Name: "directory apply"})
	return a.end(done, err)
}

// ask shows the plan and has it confirmed. Where the result is JSON, the plan
// goes to where the question goes.
func (a *directoryApplying) ask(ctx context.Context, doc directory.Document) error {
	out := a.env.Stdout
	if a.json {
		out = a.env.Stderr
	}
	if !a.json || !a.yes {
		if err := render.Directory(out, style(a.env, out), doc); err != nil {
			return err
		}
	}
	switch {
	case len(doc.Stop) > 0:
		return stopped(doc)
	case len(doc.Changes) == 0:
		return nil
	case doc.Mode == "observe":
		return confirm(ctx, a.env, a.yes, "\nNothing of this is carried out now. Journal it?")
	default:
		return confirm(ctx, a.env, a.yes, "\nCarry this out?")
	}
}

func (a *directoryApplying) carryOut(ctx context.Context, keep *carry.Carry, made provision.Proposal, by plan.Trigger) (directory.Result, error) {
	progress := &provision.Progress{}
	stop := watch(a.env, func() string {
		return fmt.Sprintf("applying: %d of %d", progress.Done.Load(), progress.All.Load())
	})
	defer stop()
	return keep.Apply(ctx, made, provision.Options{Progress: progress}, by)
}

// end says what became of it, and chooses the exit code.
func (a *directoryApplying) end(done directory.Result, err error) error {
	shown := a.say(done)
	if done.Of(plan.HeldBack) > 0 {
		fmt.Fprintln(a.env.Stderr, "Decide about what is held with: studiokeeper removals list --domain "+plan.DirectoryDomain)
	}
	if done.Interrupted {
		fmt.Fprintln(a.env.Stderr, "Interrupted. Run the same command again to go on: what is done stays done.")
	}
	return errors.Join(shown, carried(done, err))
}

func (a *directoryApplying) say(done directory.Result) error {
	if a.json {
		return render.JSON(a.env.Stdout, done)
	}
	return render.DirectoryResult(a.env.Stdout, style(a.env, a.env.Stdout), done)
}

// carried is the error that a run ends in, with its exit code.
func carried(done directory.Result, err error) error {
	errs := []error{err}
	for _, p := range done.Problems {
		errs = append(errs, errors.New(p))
	}
	failed := done.Of(plan.FailedAt)
	if failed > 0 {
		errs = append(errs, fmt.Errorf("%d of %d changes failed; each is named above", failed, len(done.Steps)))
	}
	switch all := errors.Join(errs...); {
	case all != nil && done.Of(plan.Done) > 0:
		return codeError{exitPartial, all}
	case all != nil:
		return all
	case done.Of(plan.HeldBack) > 0:
		return codeError{exitHeld, fmt.Errorf("%d people are held, and wait for a person's decision", len(done.Held))}
	default:
		return nil
	}
}
