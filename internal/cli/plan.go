package cli

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"

	"github.com/spf13/cobra"

	"studiokeeper/internal/plan"
	"studiokeeper/internal/reconcile"
	"studiokeeper/internal/render"
)

// scopeFlags narrow a plan.
type scopeFlags struct {
	user    string
	domains []string
	deep    bool
}

func (f *scopeFlags) add(c *cobra.Command) {
	c.Flags().StringVar(&f.user, "user", "", "only this `USER`, by UserName or id")
	c.Flags().StringSliceVar(&f.domains, "domain", nil, "only the domain of this `NAME`; may be given more than once")
	c.Flags().BoolVar(&f.deep, "deep", false, "describe every profile, not only those that were modified")
}

// scope resolves the flags.
func (f *scopeFlags) scope(ctx context.Context, r *reconcile.Reconciler) (reconcile.Scope, error) {
	for _, name := range f.domains {
		if _, ok := r.Target(name); !ok {
			return reconcile.Scope{}, usage("the configuration has no domain %q", name)
		}
	}
	in := reconcile.Scope{Domains: f.domains, Deep: f.deep}
	if f.user == "" {
		return in, nil
	}
	var err error
	in.User, err = r.FindUser(ctx, f.user)
	return in, err
}

func planCommand(env Environment) *cobra.Command {
	var format output
	var flags scopeFlags
	var out string
	var detailed bool
	c := &cobra.Command{
		Use:   "plan",
		Short: "Shows what would change, for everybody or one user, and changes nothing",
		Long: `Reads every mapped group and every domain, and shows what would change, with
the reasons. Nothing is written. A plan that is saved with --out can be carried
out by studiokeeper apply FILE, unchanged or not at all.`,
		Args: noArguments,
		RunE: func(c *cobra.Command, _ []string) error {
			asJSON, err := format.json()
			if err != nil {
				return err
			}
			r, err := openFor(c, env, "plan")
			if err != nil {
				return err
			}
			in, err := flags.scope(c.Context(), r)
			if err != nil {
				return err
			}
			doc, err := propose(c.Context(), env, r, in)
			if err != nil {
				return err
			}
			if out != "" {
				if err := savePlan(out, doc); err != nil {
					return err
				}
			}
			if err := showPlan(env, doc, asJSON); err != nil {
				return err
			}
			if out != "" {
				fmt.Fprintf(env.Stderr, "\nSaved. Carry it out with: studiokeeper apply %s\n", out)
			}
			return planned(doc, detailed)
		},
	}
	flags.add(c)
	c.Flags().StringVar(&out, "out", "", "save the plan to `FILE`, for apply")
	c.Flags().BoolVar(&detailed, "detailed-exitcode", false, "exit with 2 when changes are pending, 3 when something is held")
	format.add(c)
	return c
}

// propose makes a plan, and shows how far it is.
func propose(ctx context.Context, env Environment, r *reconcile.Reconciler, in reconcile.Scope) (plan.Document, error) {
	in.Progress = &reconcile.Progress{}
	stop := watch(env, surveyed(in.Progress))
	defer stop()
	doc, err := r.Propose(ctx, in)
	if ctx.Err() != nil {
		return doc, errors.New("interrupted while reading; nothing was changed")
	}
	return doc, err
}

func showPlan(env Environment, doc plan.Document, asJSON bool) error {
	if asJSON {
		return render.JSON(env.Stdout, doc)
	}
	return render.Plan(env.Stdout, style(env, env.Stdout), doc)
}

// savePlan writes the plan where only its owner can read it: it names people.
func savePlan(file string, doc plan.Document) error {
	var text bytes.Buffer
	if err := render.JSON(&text, doc); err != nil {
		return err
	}
	if err := os.WriteFile(file, text.Bytes(), 0o600); err != nil {
		return fmt.Errorf("save the plan: %w", err)
	}
	return nil
}

// planned is what a plan ends in: what could not be read is named whatever the
// flags.
func planned(doc plan.Document, detailed bool) error {
	n := doc.Summary()
	switch {
	case n.Failed == len(doc.Domains):
		return errors.New("no domain could be read; the reasons are above")
	case n.Failed+len(doc.Problems) > 0:
		return codeError{exitPartial, fmt.Errorf("the plan is not the whole of it: %d domains, and %d things more, could not be read; each is named above", n.Failed, len(doc.Problems))}
	case detailed && n.Held > 0:
		return codeError{exitHeld, fmt.Errorf("%d are held, or would be, until a person decides", n.Held)}
	case detailed && doc.Pending():
		return codeError{exitPending, nil}
	}
	return nil
}
