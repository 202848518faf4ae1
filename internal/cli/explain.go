package cli

import (
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"studiokeeper/internal/reconcile"
	"studiokeeper/internal/render"
	"studiokeeper/internal/studio"
)

// explained is the result of explain for scripts.
type explained struct {
	User    studio.User          `json:"user"`
	Domains []render.Explanation `json:"domains"`
}

func explainCommand(env Environment) *cobra.Command {
	var format output
	c := &cobra.Command{
		Use:   "explain USER",
		Short: "Shows which groups and rows decide about a user, what is there now, and what would happen",
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) != 1 || args[0] == "" {
				return usage("explain needs one user, by UserName or id")
			}
			return nil
		},
		RunE: func(c *cobra.Command, args []string) error {
			asJSON, err := format.json()
			if err != nil {
				return err
			}
			r, err := openFor(c, env, "explain")
			if err != nil {
				return err
			}
			id, err := r.FindUser(c.Context(), args[0])
			if err != nil {
				return err
			}
			e, err := explain(r, r.See(c.Context(), id), id)
			if asJSON {
				return errors.Join(render.JSON(env.Stdout, e), err)
			}
			return errors.Join(render.Explain(env.Stdout, style(env, env.Stdout), e.User, e.Domains), err)
		},
	}
	format.add(c)
	return c
}

// explain sums the views up. The error names the domains that could not be read.
func explain(r *reconcile.Reconciler, views []reconcile.View, id string) (explained, error) {
	e := explained{User: studio.User{ID: id}, Domains: []render.Explanation{}}
	var errs []error
	for _, v := range views {
		if v.Err != nil {
			errs = append(errs, fmt.Errorf("domain %s: %w", v.Domain.Name, v.Err))
			e.Domains = append(e.Domains, render.Explanation{Domain: v.Domain.Name, DomainID: v.Domain.ID, Error: v.Err.Error(), Rows: []render.MatchedRow{}, Profiles: []render.HasProfile{}})
			continue
		}
		e.User = v.User
		one := render.NewExplanation(v.Domain, v.Verdict, v.Profiles, v.Changes, r.Deployment)
		one.Held = v.Held
		e.Domains = append(e.Domains, one)
	}
	switch {
	case len(errs) == 0:
		return e, nil
	case len(errs) < len(views):
		return e, codeError{exitPartial, errors.Join(errs...)}
	default:
		return e, errors.Join(errs...)
	}
}
