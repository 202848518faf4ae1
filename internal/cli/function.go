package cli

import (
	"github.com/spf13/cobra"

	"studiokeeper/internal/app"
)

// functionCommand is the Lambda function inside this program: demo and local
// start their own executable again with it, so that they run the function as a
// process of its own without a second binary.
func functionCommand(env Environment) *cobra.Command {
	return &cobra.Command{
		Use:    "function",
		Short:  "Runs as the Lambda function, through the Lambda Runtime API",
		Hidden: true,
		Args:   noArguments,
		RunE: func(*cobra.Command, []string) error {
			if api, _ := env.Lookup("AWS_LAMBDA_RUNTIME_API"); api == "" {
				return usage("AWS_LAMBDA_RUNTIME_API is not set; only Lambda, or the local cloud, starts the function")
			}
			app.RunFunction(env.Lookup, env.Stderr, cloudClock(env))
			return nil
		},
	}
}
