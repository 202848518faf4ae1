package carry

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"sync/atomic"
	"time"

	"github.com/aws/aws-lambda-go/lambda"
	"github.com/aws/aws-lambda-go/lambdacontext"

	"studiokeeper/internal/config"
	"studiokeeper/internal/plan"
	"studiokeeper/internal/provision"
)

// The environment of the function, and the configuration beside its bootstrap.
const (
	envConfig     = "STUDIOKEEPER_CONFIG"
	defaultConfig = "studiokeeper.yaml"
)

// spare is how long before its deadline the function stops: what was done is
// written down, and the next run goes on.
const spare = 20 * time.Second

// RunFunction runs as the directory's Lambda function until Lambda ends the
// process. Logs go to w, as JSON lines; now may be nil.
func RunFunction(lookup func(string) (string, bool), w io.Writer, now func() time.Time) {
	ref, ok := lookup(envConfig)
	if !ok || ref == "" {
		ref = defaultConfig
	}
	name, _ := lookup("AWS_LAMBDA_FUNCTION_NAME")
	lambda.Start(Function(Options{Config: ref, Lookup: lookup, Running: name, Now: now, Log: slog.New(slog.NewJSONHandler(w, nil))}))
}

// errFailed is what Lambda hears of a run that failed: it writes what it hears to
// its own log, where people must not be named.
var errFailed = errors.New("the directory was not carried over, or in part only; the log says why")

// Function makes the handler: a scheduled event in, whatever it says, a summary
// out. The configuration and its secrets are read for every run.
func Function(o Options) func(context.Context, any) (Summary, error) {
	named := &atomic.Bool{}
	o.Log = slog.New(config.Discreet{Handler: o.Log.Handler(), Named: named})
	return func(ctx context.Context, _ any) (Summary, error) {
		if deadline, ok := ctx.Deadline(); ok {
			within, end := context.WithDeadline(ctx, deadline.Add(-spare))
			defer end()
			ctx = within
		}
		sum, err := runOnce(ctx, o, named)
		o.Log.InfoContext(ctx, "carried over", "carried", sum.Carried, "done", sum.Done, "held", sum.Held, "conflicts", sum.Conflicts, "failed", sum.Failed)
		if err != nil {
			o.Log.ErrorContext(ctx, "carrying over failed", "error", err)
			return sum, errFailed
		}
		return sum, nil
	}
}

func runOnce(ctx context.Context, o Options, named *atomic.Bool) (Summary, error) {
	c, err := Open(ctx, o)
	if err != nil {
		return Summary{}, err
	}
	named.Store(c.Config.Log.Names == config.LogUserNames)
	by := plan.Trigger{Kind: "schedule", Name: o.Running}
	if invoked, ok := lambdacontext.FromContext(ctx); ok {
		by.ID = invoked.AwsRequestID
	}
	return c.Run(ctx, provision.Options{}, by)
}
