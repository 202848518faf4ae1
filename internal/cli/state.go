package cli

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/spf13/cobra"

	"studiokeeper/internal/app"
	"studiokeeper/internal/awscloud"
	"studiokeeper/internal/config"
	"studiokeeper/internal/localcloud"
	"studiokeeper/internal/reconcile"
)

// stateFile keeps the state of a configuration that names no state table.
const stateFile = "studiokeeper-state.jsonl"

// thisMachine stands where errors about the state file name a Region.
const thisMachine = "this-machine"

// access is what a command wants of what it opens.
type access int

const (
	forWriting access = iota // refused without a state table where a function is deployed
	unlocked                 // for writing, with --no-lock
	forReading
)

// writeAccess is the access of a command that changes something.
func writeAccess(noLock bool) access {
	if noLock {
		return unlocked
	}
	return forWriting
}

func addNoLock(c *cobra.Command, noLock *bool) {
	c.Flags().BoolVar(noLock, "no-lock", false, "without state.table: write although a function is deployed, or nobody can tell")
}

// opening says what a command opens, and for what.
type opening struct {
	config  string // file or ssm:NAME
	running string // the command, for the CloudTrail of other accounts
	queue   reconcile.Queue
	access  access
}

// openFor opens what the function would open, for a command that only reads.
func openFor(c *cobra.Command, env Environment, running string) (*reconcile.Reconciler, error) {
	keep, _, err := open(c.Context(), env, opening{config: configRef(c, env), running: running, queue: &waitingRoom{}, access: forReading})
	return keep, err
}

// open opens what the function would open. Every command that needs a
// reconciler goes through here. Where the configuration names no state table,
// the state is kept in a file, which is given back when the command has ended.
func open(ctx context.Context, env Environment, o opening) (*reconcile.Reconciler, *config.Config, error) {
	cfg, err := app.LoadConfig(ctx, o.config, env.Lookup)
	if err != nil {
		return nil, nil, err
	}
	options := app.Options{
		Config: o.config, Lookup: env.Lookup, Running: o.running, Now: cloudClock(env), Queue: o.queue,
		Log: slog.New(slog.NewTextHandler(env.Stderr, &slog.HandlerOptions{Level: slog.LevelWarn})),
	}
	if cfg.State.Table == "" {
		if options.State, err = stateBeside(ctx, env, cfg, o); err != nil {
			return nil, nil, err
		}
	}
	keep, err := app.Open(ctx, options)
	return keep, cfg, err
}

// stateBeside opens the state file, once it is clear that this is no harm.
func stateBeside(ctx context.Context, env Environment, cfg *config.Config, o opening) (*awscloud.State, error) {
	file := stateFileOf(o.config)
	said := ""
	if _, err := os.Stat(file); errors.Is(err, fs.ErrNotExist) {
		said = " (a new one)"
	}
	warn(env, "the configuration names no state.table, so leases, held removals and the journal are kept in %s%s: on this machine only, and no other run knows of them", file, said)
	if o.access != forReading {
		if err := aloneHere(ctx, env, cfg, o); err != nil {
			return nil, err
		}
	}
	return openStateFile(env, file, cfg.Deployment)
}

func warn(env Environment, format string, args ...any) {
	fmt.Fprintf(env.Stderr, "warning: "+format+"\n", args...)
}

// stateFileOf lies beside the configuration; a parameter has no place, so there
// it lies where the command runs.
func stateFileOf(ref string) string {
	if strings.HasPrefix(ref, "ssm:") {
		return stateFile
	}
	return filepath.Join(filepath.Dir(ref), stateFile)
}

// aloneHere refuses to write beside a function whose leases are not in the
// state file. --no-lock makes that a warning.
func aloneHere(ctx context.Context, env Environment, cfg *config.Config, o opening) error {
	queue, err := deployed(ctx, cfg, o.running)
	switch {
	case err != nil:
		err = fmt.Errorf("it cannot be told whether a function is deployed: %w", err)
	case queue != "":
		err = usage("a function is deployed for this configuration (queue %s in %s), and its leases and journal are elsewhere", queue, cfg.IdentityCenter.Region)
	default:
		return nil
	}
	if o.access == unlocked {
		warn(env, "--no-lock: %v", err)
		return nil
	}
	return fmt.Errorf("nothing was changed: %w; set state.table to the function's table, or add --no-lock if no function is at work", err)
}

// deployed finds the events queue of a function for this configuration; "" when
// there is none.
func deployed(ctx context.Context, cfg *config.Config, running string) (string, error) {
	session, err := awscloud.Load(ctx, "studiokeeper-"+running, nil)
	if err != nil {
		return "", err
	}
	home := awscloud.Place{Region: cfg.IdentityCenter.Region}
	for _, name := range []string{"studiokeeper-events", "studiokeeper-" + cfg.Deployment + "-events"} {
		found, err := session.HasQueue(ctx, home, name)
		if err != nil {
			return "", err
		}
		if found {
			return name, nil
		}
	}
	return "", nil
}

// openStateFile opens the file as the state table of a local cloud in this
// process. The table bears the deployment's name: the file of another one, left
// in the same directory, is refused.
func openStateFile(env Environment, file, deployment string) (*awscloud.State, error) {
	cloud := &localcloud.Cloud{}
	table := "studiokeeper-state-" + deployment
	release, err := cloud.KeepTable(localcloud.DefaultAccount, thisMachine, table, file)
	if err != nil {
		return nil, fmt.Errorf("open the state file: %w (one file serves one deployment in a directory; state.table in the configuration does without)", err)
	}
	env.closing.add(func() error {
		cloud.Close()
		return release()
	})
	session := awscloud.NewSession(aws.Config{
		Region: thisMachine, BaseEndpoint: aws.String("http://" + thisMachine),
		HTTPClient:       &http.Client{Transport: localcloud.Transport{Cloud: cloud}},
		Credentials:      credentials.NewStaticCredentialsProvider("local", "local", ""),
		RetryMaxAttempts: 1, // nothing gets lost on the way
	}, "studiokeeper")
	return &awscloud.State{Session: session, At: awscloud.Place{Region: thisMachine}, Table: table, Now: cloudClock(env)}, nil
}
