package app

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"runtime/debug"
	"strconv"
	"sync/atomic"
	"time"

	"github.com/aws/aws-lambda-go/lambda"

	"studiokeeper/internal/awscloud"
	"studiokeeper/internal/reconcile"
)

// defaultConfig lies beside the bootstrap in the function's zip.
const defaultConfig = "studiokeeper.yaml"

// RunFunction runs as the Lambda function until Lambda ends the process. Logs
// and metrics go to w, as JSON lines; now may be nil.
func RunFunction(lookup func(string) (string, bool), w io.Writer, now func() time.Time) {
	ref, ok := lookup(EnvConfig)
	if !ok || ref == "" {
		ref = defaultConfig
	}
	name, _ := lookup("AWS_LAMBDA_FUNCTION_NAME")
	limitMemory(lookup)
	log := slog.New(slog.NewJSONHandler(w, nil))
	lambda.StartHandler(Function(Options{Config: ref, Lookup: lookup, Log: log, Metrics: w, Running: name, Now: now}))
}

// limitMemory tells the collector how much memory the function has: a pass over
// very many people would otherwise let garbage pile up past it.
func limitMemory(lookup func(string) (string, bool)) {
	size, _ := lookup("AWS_LAMBDA_FUNCTION_MEMORY_SIZE")
	if mb, err := strconv.ParseInt(size, 10, 64); err == nil && mb > 0 {
		debug.SetMemoryLimit(mb << 20 * 8 / 10)
	}
}

// opening opens the reconciler for the first invocation that succeeds in it.
type opening struct {
	options Options
	passed  func(reconcile.Passed)
	named   atomic.Bool   // people, in the log
	turn    chan struct{} // holds one token: one opens at a time
	made    *reconcile.Reconciler
	session atomic.Pointer[awscloud.Session]
}

// throttles counts none before AWS was called.
func (o *opening) throttles() int {
	if session := o.session.Load(); session != nil {
		return session.TakeThrottles()
	}
	return 0
}

func (o *opening) reconciler(ctx context.Context) (*reconcile.Reconciler, error) {
	select {
	case o.turn <- struct{}{}:
		defer func() { <-o.turn }()
	case <-ctx.Done():
		return nil, fmt.Errorf("wait for the configuration to be read: %w", ctx.Err())
	}
	if o.made == nil {
		made, session, err := open(ctx, o.options, &o.named)
		if err != nil {
			return nil, err
		}
		made.Coalesce, made.Passed = true, o.passed
		o.made = made
		o.session.Store(session)
	}
	return o.made, nil
}
