// Command studiokeeper keeps SageMaker Studio user profiles in step with
// Active Directory groups.
package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"

	"studiokeeper/internal/cli"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	code := cli.Run(ctx, os.Args[1:], cli.Environment{Lookup: os.LookupEnv, Stdin: os.Stdin, Stdout: os.Stdout, Stderr: os.Stderr})
	stop()
	os.Exit(code)
}
