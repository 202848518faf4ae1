package cli

import "github.com/spf13/cobra"

func deployCommand(env Environment) *cobra.Command {
	c := &cobra.Command{Use: "deploy", Short: "Makes what the function needs in an AWS account", Args: noSuchCommand, RunE: help}
	c.AddCommand(deployTemplateCommand(env), deployPackageCommand(env))
	return c
}
