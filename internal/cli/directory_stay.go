package cli

import (
	"context"
	"fmt"
	"log/slog"
	"sync/atomic"
	"time"

	"studiokeeper/internal/awscloud"
	"studiokeeper/internal/carry"
	"studiokeeper/internal/config"
	"studiokeeper/internal/plan"
	"studiokeeper/internal/provision"
)

// stay carries over again and again, until it is told to end. What fails is
// logged, and tried again the next time.
func (a *directoryApplying) stay(ctx context.Context) error {
	if a.interval < time.Minute {
		return usage("--interval %s: at least 1m", a.interval)
	}
	named := &atomic.Bool{}
	log := slog.New(config.Discreet{Handler: workerLog(a.env).Handler(), Named: named})
	keep, err := a.open(ctx, log) // what is wrong with the configuration is said at once
	if err != nil {
		return err
	}
	named.Store(keep.Config.Log.Names == config.LogUserNames)
	log.InfoContext(ctx, "carrying over", "every", a.interval.String())
	tick := time.NewTicker(a.interval)
	defer tick.Stop()
	for {
		if err := a.drained(ctx, log, keep); err != nil {
			return err
		}
		select {
		case <-ctx.Done():
			log.InfoContext(context.WithoutCancel(ctx), "drained")
			return nil
		case <-tick.C:
		}
		if again, err := a.again(ctx, log, keep); err == nil {
			keep = again
		} else if ctx.Err() == nil {
			log.ErrorContext(ctx, "the configuration cannot be used; what was read before goes on to hold", "error", err)
		}
	}
}

// again reads the configuration and its secrets anew: tokens are rotated. A state
// file stays open.
func (a *directoryApplying) again(ctx context.Context, log *slog.Logger, keep *carry.Carry) (*carry.Carry, error) {
	options := carry.Options{Config: a.config, Lookup: a.env.Lookup, Running: a.running, Now: cloudClock(a.env), Log: log}
	if keep.Config.State.Table == "" {
		options.State, _ = keep.Journal.(*awscloud.State)
	}
	return carry.Open(ctx, options)
}

// drained runs once. When it is told to end meanwhile, the run may finish within
// the time for that.
func (a *directoryApplying) drained(ctx context.Context, log *slog.Logger, keep *carry.Carry) error {
	going, cut := context.WithCancel(context.WithoutCancel(ctx))
	defer cut()
	done := make(chan struct{})
	go func() {
		defer close(done)
		a.scheduled(going, log, keep)
	}()
	select {
	case <-done:
		return nil
	case <-ctx.Done():
	}
	log.InfoContext(going, "draining", "for", a.drain.String())
	select {
	case <-done:
		return nil
	case <-time.After(a.drain):
		cut()
		<-done
		return fmt.Errorf("the run that was begun was not done within %s and was cut off; the next one goes on (--drain takes longer times)", a.drain)
	}
}

func (a *directoryApplying) scheduled(ctx context.Context, log *slog.Logger, keep *carry.Carry) {
	summary, err := keep.Run(ctx, provision.Options{AcceptGone: a.acceptGone, AcceptRenames: a.renames}, plan.Trigger{Kind: "schedule", Name: "directory apply --interval"})
	if err != nil {
		log.ErrorContext(ctx, "carrying over failed", "error", err)
	} else {
		a.acceptGone, a.renames = nil, false // what a person accepted was what they saw, and nothing later
	}
	log.InfoContext(ctx, "carried over", "done", summary.Done, "held", summary.Held, "conflicts", summary.Conflicts, "failed", summary.Failed)
}
