package cli

import (
	"errors"

	"github.com/spf13/cobra"

	"studiokeeper/internal/app"
	"studiokeeper/internal/config"
	"studiokeeper/internal/deploy"
)

// templateFlags choose one of the templates.
type templateFlags struct {
	member              string
	quarantine, forward bool
	groupRoles          bool
	directory           bool
	account             string
	format              string
	options             deploy.Options
}

func deployTemplateCommand(env Environment) *cobra.Command {
	var f templateFlags
	c := &cobra.Command{
		Use:   "template",
		Short: "Prints a CloudFormation template for this configuration, with least privilege",
		Args:  noArguments,
		RunE: func(c *cobra.Command, _ []string) error {
			if err := f.check(c); err != nil {
				return err
			}
			cfg, err := app.LoadConfig(c.Context(), configRef(c, env), env.Lookup)
			if err != nil {
				return err
			}
			text, err := f.print(cfg)
			if errors.Is(err, deploy.ErrTooLarge) {
				return usage("%w", err)
			}
			if err != nil {
				return err
			}
			_, err = env.Stdout.Write(text)
			return err
		},
	}
	f.add(c)
	return c
}

func (f *templateFlags) add(c *cobra.Command) {
	c.Flags().StringVar(&f.member, "member", "", "the role for another account: `NAME` of a domain, or identityCenter")
	c.Flags().BoolVar(&f.quarantine, "quarantine-role", false, "the powerless role of leavers' profiles")
	c.Flags().BoolVar(&f.forward, "forward", false, "the rule that forwards events from another account or Region")
	c.Flags().BoolVar(&f.groupRoles, "group-roles", false, "the groups' execution roles, as groupRoles in the configuration defines them")
	c.Flags().BoolVar(&f.directory, "directory", false, "the function that carries Active Directory into Identity Center, for a VPC")
	c.Flags().StringVar(&f.account, "account", "", "with --group-roles: the `ACCOUNT` they are for, where there are several")
	c.Flags().StringSliceVar(&f.options.ForwardFrom, "forward-from", nil, "`ACCOUNT` whose rule may forward events to this one")
	c.Flags().StringVar(&f.options.Parameter, "parameter", "", "`NAME` of the Parameter Store parameter with the configuration (default: it lies in the zip)")
	c.Flags().StringVarP(&f.format, "output", "o", "yaml", "`FORMAT` of the template: yaml or json")
	c.MarkFlagsMutuallyExclusive("member", "quarantine-role", "forward", "group-roles", "directory")
}

// check refuses what the chosen template would not heed.
func (f *templateFlags) check(c *cobra.Command) error {
	for _, own := range []string{"parameter", "forward-from"} {
		for _, other := range []string{"member", "quarantine-role", "forward", "group-roles"} {
			if c.Flags().Changed(own) && c.Flags().Changed(other) {
				return usage("--%s is for the function's own template (leave it out with --%s)", own, other)
			}
		}
	}
	if f.directory && c.Flags().Changed("forward-from") {
		return usage("--forward-from is for the function's own template (leave it out with --directory)")
	}
	if f.account != "" && !f.groupRoles {
		return usage("--account is for --group-roles (add it, or leave --account out)")
	}
	return nil
}

func (f *templateFlags) print(cfg *config.Config) ([]byte, error) {
	for _, account := range f.options.ForwardFrom {
		if err := config.Spellings()["domains[].account"].Check(account); err != nil {
			return nil, usage("--forward-from: %w", err)
		}
	}
	t, err := f.template(cfg)
	if err != nil {
		return nil, err
	}
	switch f.format {
	case "yaml":
		return t.YAML()
	case "json":
		text, err := t.JSON()
		return append(text, '\n'), err
	default:
		return nil, usage("-o %s: want yaml or json", f.format)
	}
}

func (f *templateFlags) template(cfg *config.Config) (*deploy.Template, error) {
	switch {
	case f.member != "":
		return deploy.Member(cfg, f.member)
	case f.quarantine:
		return deploy.Quarantine(cfg)
	case f.forward:
		return deploy.Forward(cfg)
	case f.groupRoles:
		return deploy.GroupRoles(cfg, f.account)
	case f.directory:
		return deploy.Directory(cfg, f.options)
	default:
		return deploy.Main(cfg, f.options)
	}
}
