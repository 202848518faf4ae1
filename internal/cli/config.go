package cli

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"

	"studiokeeper/internal/app"
	"studiokeeper/internal/render"
)

func configCommand(env Environment) *cobra.Command {
	c := &cobra.Command{Use: "config", Short: "Checks the configuration, and says what may stand in it", Args: noSuchCommand, RunE: help}
	c.AddCommand(configCheckCommand(env), configSchemaCommand(env))
	return c
}

// checked is the result of config check for scripts.
type checked struct {
	Config   string   `json:"config"`
	Domains  int      `json:"domains"`
	Rules    int      `json:"rules"`
	Digest   string   `json:"digest"`
	Warnings []string `json:"warnings"`
}

func configCheckCommand(env Environment) *cobra.Command {
	var format output
	c := &cobra.Command{
		Use:   "check",
		Short: "Validates the configuration; every problem is named with its line and column",
		Args:  noArguments,
		RunE: func(c *cobra.Command, _ []string) error {
			asJSON, err := format.json()
			if err != nil {
				return err
			}
			ref := configRef(c, env)
			result, err := check(c.Context(), ref, env)
			if err != nil {
				return err
			}
			if asJSON {
				return render.JSON(env.Stdout, result)
			}
			for _, w := range result.Warnings {
				fmt.Fprintln(env.Stderr, "advice:", w)
			}
			_, err = fmt.Fprintf(env.Stdout, "%s is valid (domains: %d, rules: %d)\n", ref, result.Domains, result.Rules)
			return err
		},
	}
	format.add(c)
	return c
}

func check(ctx context.Context, ref string, env Environment) (checked, error) {
	cfg, err := app.LoadConfig(ctx, ref, env.Lookup)
	if err != nil {
		return checked{}, err
	}
	warnings := cfg.Warnings
	if warnings == nil {
		warnings = []string{}
	}
	return checked{Config: ref, Domains: len(cfg.Domains), Rules: len(cfg.Mapping.Rules), Digest: cfg.Digest, Warnings: warnings}, nil
}
