// Package cli is the command line: a file per command. Results go to stdout,
// progress and messages to stderr; commands wire what they need and leave the
// work to the other rooms.
package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"studiokeeper/internal/config"
	"studiokeeper/internal/render"
)

// Environment is everything a command takes from its process.
type Environment struct {
	Lookup         func(string) (string, bool)
	Stdin          io.Reader
	Stdout, Stderr io.Writer

	closing *closing // what is given back when the command has ended
}

// closing is what a command has opened.
type closing []func() error

// add does nothing outside of Run: then the end of the process gives it back.
func (c *closing) add(f func() error) {
	if c != nil {
		*c = append(*c, f)
	}
}

// all gives everything back, the last first.
func (c *closing) all() error {
	var errs []error
	for _, f := range slices.Backward(*c) {
		errs = append(errs, f())
	}
	return errors.Join(errs...)
}

// The exit codes, which people script against.
const (
	exitDone    = 0
	exitFailed  = 1
	exitPending = 2 // plan --detailed-exitcode: changes are pending
	exitHeld    = 3 // the guard held something
	exitUsage   = 4 // bad usage or configuration
	exitPartial = 5 // done in part; what failed is named
)

// codeError is an error with the exit code it ends in.
type codeError struct {
	code int
	error
}

func (e codeError) Unwrap() error { return e.error }

func usage(format string, args ...any) error {
	return codeError{exitUsage, fmt.Errorf(format, args...)}
}

// Run runs one command and answers its exit code.
func Run(ctx context.Context, args []string, env Environment) int {
	env.closing = &closing{}
	root := command(env)
	root.SetArgs(args)
	err := root.ExecuteContext(ctx)
	if unclosed := env.closing.all(); unclosed != nil {
		err = errors.Join(err, unclosed)
	}
	if err == nil {
		return exitDone
	}
	var coded codeError
	if errors.As(err, &coded) && coded.error == nil {
		return coded.code // it was said already
	}
	if ctx.Err() != nil && errors.Is(err, context.Canceled) {
		err = fmt.Errorf("interrupted: %w", err)
	}
	fmt.Fprintf(env.Stderr, "%s %v\n", style(env, env.Stderr).Bad("error:"), err)
	switch {
	case errors.As(err, &coded):
		return coded.code
	case errors.Is(err, config.ErrInvalid):
		return exitUsage
	default:
		return exitFailed
	}
}

// command is the tree of commands.
func command(env Environment) *cobra.Command {
	root := &cobra.Command{
		Use:           "studiokeeper",
		Short:         "Keeps SageMaker Studio user profiles in step with Active Directory groups",
		SilenceErrors: true,
		SilenceUsage:  true,
		Args:          noSuchCommand,
		RunE:          help,
	}
	root.SetIn(env.Stdin)
	root.SetOut(env.Stdout)
	root.SetErr(env.Stderr)
	root.SetFlagErrorFunc(func(c *cobra.Command, err error) error {
		return usage("%w; %s --help lists the flags", err, c.CommandPath())
	})
	root.CompletionOptions.HiddenDefaultCmd = true
	root.PersistentFlags().String("config", "", "configuration `FILE`, or ssm:NAME (default $STUDIOKEEPER_CONFIG, then ./studiokeeper.yaml)")
	root.AddCommand(
		demoCommand(env), localCommand(env), planCommand(env), applyCommand(env), explainCommand(env), replayCommand(env), removalsCommand(env), reportCommand(env),
		journalCommand(env), mappingCommand(env), initCommand(env), deployCommand(env), configCommand(env), versionCommand(env), functionCommand(env),
		workerRunCommand(env), queueCommand(env), doctorCommand(env), directoryCommand(env),
	)
	return root
}

// style answers how text on w may look: coloured on terminals, unless NO_COLOR
// says otherwise. https://no-color.org
func style(env Environment, w io.Writer) render.Style {
	if value, set := env.Lookup("NO_COLOR"); set && value != "" {
		return render.Style{}
	}
	return render.Style{Colour: isTerminal(w)}
}

// isTerminal tells whether a person sees, or types, what goes through a stream.
func isTerminal(stream any) bool {
	f, ok := stream.(*os.File)
	return ok && term.IsTerminal(int(f.Fd()))
}

// configRef is where the configuration is, by flag, environment or default.
func configRef(c *cobra.Command, env Environment) string {
	if ref, _ := c.Flags().GetString("config"); ref != "" {
		return ref
	}
	if ref, ok := env.Lookup("STUDIOKEEPER_CONFIG"); ok && ref != "" {
		return ref
	}
	return "studiokeeper.yaml"
}

// output is the -o flag.
type output string

func (o *output) add(c *cobra.Command) {
	c.Flags().StringVarP((*string)(o), "output", "o", "text", "`FORMAT` of the result: text or json")
}

func (o output) json() (bool, error) {
	switch o {
	case "text":
		return false, nil
	case "json":
		return true, nil
	default:
		return false, usage("-o %s: want text or json", string(o))
	}
}

// noArguments refuses arguments with the exit code of bad usage.
func noArguments(c *cobra.Command, args []string) error {
	if len(args) > 0 {
		return usage("%s takes no arguments, but got %q", c.CommandPath(), args)
	}
	return nil
}

// noSuchCommand refuses what a command that only groups others does not know.
func noSuchCommand(c *cobra.Command, args []string) error {
	if len(args) > 0 {
		path := strings.TrimPrefix(c.CommandPath()+" "+args[0], "studiokeeper ")
		return usage("there is no command %q; %s --help lists them", path, c.CommandPath())
	}
	return nil
}

func help(c *cobra.Command, _ []string) error { return c.Help() }
