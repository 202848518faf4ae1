package cli

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"sync"
	"time"

	"github.com/google/uuid"
	"github.com/spf13/cobra"

	"studiokeeper/internal/app"
	"studiokeeper/internal/awscloud"
	"studiokeeper/internal/function"
	"studiokeeper/internal/reconcile"
	"studiokeeper/internal/worker"
)

// batchesAtOnce is how many batches of a queue are worked on at once, as with
// the function's concurrency.
const batchesAtOnce = 2

// runFlags are what `run` takes.
type runFlags struct {
	queues               pair
	passEvery, deepEvery time.Duration
	deepAt               string
	drain                time.Duration
	listen               string
}

func workerRunCommand(env Environment) *cobra.Command {
	var f runFlags
	c := &cobra.Command{
		Use:   "run",
		Short: "Runs as a long-lived worker, for those without Lambda",
		Long: `Polls the two queues and does what the function does, asks for the passes,
and on SIGTERM finishes what it has begun. Several workers share the work.`,
		Args: noArguments,
		RunE: func(c *cobra.Command, _ []string) error { return run(c.Context(), c, env, f) },
	}
	f.queues.add(c)
	c.Flags().DurationVar(&f.passEvery, "pass-every", time.Hour, "how often everybody is looked at")
	c.Flags().DurationVar(&f.deepEvery, "deep-every", 24*time.Hour, "how often every profile is described")
	c.Flags().StringVar(&f.deepAt, "deep-at", "00:00", "the `HH:MM` in UTC from which --deep-every counts")
	c.Flags().DurationVar(&f.drain, "drain", time.Minute, "how long what was begun may go on after SIGTERM")
	c.Flags().StringVar(&f.listen, "listen", "127.0.0.1:9464", "`ADDRESS` of /healthz and /metrics, or off")
	return c
}

func (f runFlags) check() error {
	if f.passEvery < time.Minute || f.deepEvery < time.Minute {
		return usage("--pass-every and --deep-every: at least 1m, but got %s and %s", f.passEvery, f.deepEvery)
	}
	if _, err := time.Parse("15:04", f.deepAt); err != nil {
		return usage("--deep-at %s: want hours and minutes in UTC, such as 03:30", f.deepAt)
	}
	if f.drain < 0 {
		return usage("--drain %s: must not be negative", f.drain)
	}
	return nil
}

// run works until it is told to end.
func run(ctx context.Context, c *cobra.Command, env Environment, f runFlags) error {
	if err := f.check(); err != nil {
		return err
	}
	w, err := openWorker(ctx, env, f, app.Options{Config: configRef(c, env), Lookup: env.Lookup, Log: workerLog(env), Now: cloudClock(env)})
	if err != nil {
		return err
	}
	stop, err := w.serve(ctx, f.listen)
	if err != nil {
		return err
	}
	w.log.InfoContext(ctx, "working", "events", w.pollers[0].Name, "pass", w.pollers[1].Name)
	return errors.Join(w.work(ctx, f.drain), stop())
}

// workshop is a worker's parts.
type workshop struct {
	pollers   []*worker.Poller
	schedules []*worker.Schedule
	health    *worker.Health
	metrics   *worker.Metrics
	log       *slog.Logger
}

// openWorker wires a worker as the options say; what they leave open is the worker's own.
func openWorker(ctx context.Context, env Environment, f runFlags, o app.Options) (*workshop, error) {
	cfg, err := app.LoadConfig(ctx, o.Config, o.Lookup)
	if err != nil {
		return nil, err
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	w := &workshop{health: &worker.Health{Now: o.Now}, metrics: &worker.Metrics{}}
	o.Metrics, o.Running = w.metrics, "run"
	session, err := app.Session(ctx, o)
	if err != nil {
		return nil, err
	}
	events, pass, err := f.queues.find(ctx, env, session, cfg.IdentityCenter.Region)
	if err != nil {
		return nil, err
	}
	o.Lookup = withQueues(o.Lookup, events.URL, pass.URL)
	h := app.Function(o)
	r, err := h.Open(ctx)
	if err != nil {
		return nil, err
	}
	w.log = h.Log // which names people only where that is chosen
	w.poll(h, "events", events, eventsTimeout)
	w.poll(h, "pass", pass, passTimeout)
	w.schedules = schedules(h, r, f)
	return w, nil
}

func (w *workshop) poll(h *function.Handler, name string, q *awscloud.Queue, limit time.Duration) {
	w.health.Queues = append(w.health.Queues, name)
	w.pollers = append(w.pollers, &worker.Poller{Name: name, Queue: q, Invoke: h.Invoke, AtOnce: batchesAtOnce, Limit: limit, Health: w.health, Log: h.Log})
}

// schedules are those of the pass and of the deep one.
func schedules(h *function.Handler, r *reconcile.Reconciler, f runFlags) []*worker.Schedule {
	at, _ := time.Parse("15:04", f.deepAt) // checked with the flags
	return []*worker.Schedule{
		{Name: "pass", Every: f.passEvery, Due: unpassed(r), Claim: claim(r), Invoke: h.Invoke, Now: r.Now, Log: h.Log},
		{
			Name: "deep pass", Every: f.deepEvery, Offset: time.Duration(at.Hour())*time.Hour + time.Duration(at.Minute())*time.Minute, Deep: true,
			Due: undescribed(r), Claim: claim(r), Invoke: h.Invoke, Now: r.Now, Log: h.Log,
		},
	}
}

// claim makes sure that of several workers one asks for what is due at a time:
// the one that plans it in the state table.
func claim(r *reconcile.Reconciler) func(context.Context, string, time.Time) (bool, error) {
	return func(ctx context.Context, name string, at time.Time) (bool, error) {
		sequence, err := r.Looks.Schedule(ctx, "asked#"+name+"#"+at.UTC().Format(time.RFC3339), uuid.NewString(), r.Now(), at)
		return sequence > 0, err
	}
}

// workerLog is for people on a terminal, and JSON elsewhere.
func workerLog(env Environment) *slog.Logger {
	if isTerminal(env.Stderr) {
		return slog.New(slog.NewTextHandler(env.Stderr, nil))
	}
	return slog.New(slog.NewJSONHandler(env.Stderr, nil))
}

// withQueues lets the function find the queues that are polled.
func withQueues(lookup func(string) (string, bool), events, pass string) func(string) (string, bool) {
	return func(name string) (string, bool) {
		switch name {
		case app.EnvQueue:
			return events, true
		case app.EnvPassQueue:
			return pass, true
		default:
			return lookup(name)
		}
	}
}

// unpassed tells whether a domain was not passed over since a time: another
// worker may have seen to it.
func unpassed(r *reconcile.Reconciler) func(context.Context, time.Time) (bool, error) {
	return func(ctx context.Context, since time.Time) (bool, error) {
		n, err := passedSince(ctx, r, since, func(d reconcile.DomainRecord) time.Time { return d.Passed })
		return n < len(r.Targets), err
	}
}

// undescribed tells whether there was no deep pass since a time. One that a
// domain failed in was one: to describe all the others again is left to the next.
func undescribed(r *reconcile.Reconciler) func(context.Context, time.Time) (bool, error) {
	return func(ctx context.Context, since time.Time) (bool, error) {
		n, err := passedSince(ctx, r, since, func(d reconcile.DomainRecord) time.Time { return d.Deep })
		return n == 0, err
	}
}

// passedSince counts the domains whose last pass ended at a time or later.
func passedSince(ctx context.Context, r *reconcile.Reconciler, since time.Time, last func(reconcile.DomainRecord) time.Time) (int, error) {
	known, err := r.Register.Registered(ctx)
	if err != nil {
		return 0, fmt.Errorf("ask when the last pass was: %w", err)
	}
	n := 0
	for _, d := range known {
		if _, configured := r.Target(d.Name); configured && !last(d).Before(since) {
			n++
		}
	}
	return n, nil
}

// work ends once ctx has ended and what was begun is done, or the time for that is over.
func (w *workshop) work(ctx context.Context, drain time.Duration) error {
	going, cut := context.WithCancel(context.WithoutCancel(ctx))
	defer cut()
	var g sync.WaitGroup
	for _, p := range w.pollers {
		g.Go(func() { p.Run(ctx, going) })
	}
	for _, s := range w.schedules {
		g.Go(func() { s.Run(ctx) })
	}
	done := make(chan struct{})
	go func() { g.Wait(); close(done) }()
	<-ctx.Done()
	w.health.Drain()
	w.log.InfoContext(going, "draining", "for", drain.String())
	select {
	case <-done:
		w.log.InfoContext(going, "drained")
		return nil
	case <-time.After(drain):
		cut()
		<-done
		return fmt.Errorf("what was begun was not done within %s and was cut off; its messages come again (--drain takes longer times)", drain)
	}
}

// serve serves health and metrics until it is stopped.
func (w *workshop) serve(ctx context.Context, address string) (stop func() error, err error) {
	if address == "off" {
		return func() error { return nil }, nil
	}
	var listen net.ListenConfig
	l, err := listen.Listen(ctx, "tcp", address)
	if err != nil {
		return nil, fmt.Errorf("serve /healthz and /metrics: %w (choose another address with --listen, or off)", err)
	}
	mux := http.NewServeMux()
	mux.Handle("GET /healthz", w.health)
	mux.Handle("GET /metrics", w.metrics)
	server := &http.Server{Handler: mux, ReadHeaderTimeout: 10 * time.Second}
	go func() { _ = server.Serve(l) }() // ends with ErrServerClosed
	w.log.InfoContext(ctx, "listening", "address", l.Addr().String())
	return server.Close, nil
}
