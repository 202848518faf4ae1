package cli

import (
	"context"
	"errors"
	"fmt"
	"log/slog"

	"github.com/spf13/cobra"

	"studiokeeper/internal/app"
	"studiokeeper/internal/carry"
	"studiokeeper/internal/directory"
	"studiokeeper/internal/provision"
	"studiokeeper/internal/render"
)

func directoryCommand(env Environment) *cobra.Command {
	c := &cobra.Command{
		Use: "directory", Short: "Carries Active Directory into IAM Identity Center", Args: noSuchCommand, RunE: help,
		Long: `Reads Active Directory and IAM Identity Center, and brings users, groups and
memberships of the mapped groups, or of directory.groups, in step: through SCIM
where directory.scim is configured, else through the Identity Store API.`,
	}
	c.AddCommand(directoryPlanCommand(env), directoryApplyCommand(env))
	return c
}

// carrying is what both commands take.
type carrying struct {
	env        Environment
	config     string
	running    string
	acceptGone []string
	renames    bool
	noLock     bool
	access     access
}

func (d *carrying) add(c *cobra.Command) {
	c.Flags().StringSliceVar(&d.acceptGone, "accept-gone", nil, "the `GROUP` is gone from Active Directory for good: take its members out; may be given more than once")
	c.Flags().BoolVar(&d.renames, "accept-renames", false, "let user names change, however many at once")
}

// open opens what the directory's function would open. Where the configuration
// names no state table, the state is kept in a file.
func (d *carrying) open(ctx context.Context, log *slog.Logger) (*carry.Carry, error) {
	options := carry.Options{Config: d.config, Lookup: d.env.Lookup, Running: d.running, Now: cloudClock(d.env), Log: log}
	cfg, err := app.LoadConfig(ctx, d.config, d.env.Lookup)
	if err != nil {
		return nil, err
	}
	if cfg.State.Table == "" && cfg.Directory != nil {
		o := opening{config: d.config, running: d.running, access: d.access}
		if options.State, err = stateBeside(ctx, d.env, cfg, o); err != nil {
			return nil, err
		}
	}
	return carry.Open(ctx, options)
}

func (d *carrying) warnings() *slog.Logger {
	return slog.New(slog.NewTextHandler(d.env.Stderr, &slog.HandlerOptions{Level: slog.LevelWarn}))
}

// propose makes a plan, and shows how far it is.
func (d *carrying) propose(ctx context.Context, keep *carry.Carry) (provision.Proposal, error) {
	progress := &provision.Progress{}
	stop := watch(d.env, func() string {
		return fmt.Sprintf("reading: %d accounts of Active Directory, %d users and %d memberships of Identity Center", progress.Accounts.Load(), progress.Users.Load(), progress.Memberships.Load())
	})
	defer stop()
	made, err := keep.Plan(ctx, provision.Options{AcceptGone: d.acceptGone, AcceptRenames: d.renames, Progress: progress})
	if ctx.Err() != nil {
		return made, errors.New("interrupted while reading; nothing was changed")
	}
	return made, err
}

func directoryPlanCommand(env Environment) *cobra.Command {
	d := &carrying{env: env, running: "directory-plan", access: forReading}
	var format output
	var detailed bool
	c := &cobra.Command{
		Use: "plan", Short: "Shows what would be carried over, and changes nothing", Args: noArguments,
		Long: `Reads Active Directory and Identity Center, whole or not at all, and shows what
would change in Identity Center, with the reasons. Nothing is written.`,
		RunE: func(c *cobra.Command, _ []string) error {
			asJSON, err := format.json()
			if err != nil {
				return err
			}
			d.config = configRef(c, env)
			keep, err := d.open(c.Context(), d.warnings())
			if err != nil {
				return err
			}
			made, err := d.propose(c.Context(), keep)
			if err != nil {
				return err
			}
			if err := d.show(made.Document, asJSON); err != nil {
				return err
			}
			return directoryPlanned(made.Document, detailed)
		},
	}
	d.add(c)
	c.Flags().BoolVar(&detailed, "detailed-exitcode", false, "exit with 2 when changes are pending, 3 when something is held")
	format.add(c)
	return c
}

func (d *carrying) show(doc directory.Document, asJSON bool) error {
	if asJSON {
		return render.JSON(d.env.Stdout, doc)
	}
	return render.Directory(d.env.Stdout, style(d.env, d.env.Stdout), doc)
}

// stopped is the error of a plan that nothing can be concluded from.
func stopped(doc directory.Document) error {
	if len(doc.Stop) == 0 {
		return nil
	}
	return errors.New("nothing was changed, because what was read of Active Directory is not to be relied on; the reasons are above")
}

func directoryPlanned(doc directory.Document, detailed bool) error {
	switch {
	case len(doc.Stop) > 0:
		return stopped(doc)
	case detailed && len(doc.Held) > 0:
		return codeError{exitHeld, fmt.Errorf("%d people are held, or would be, until a person decides", len(doc.Held))}
	case detailed && doc.Pending():
		return codeError{exitPending, nil}
	}
	return nil
}
