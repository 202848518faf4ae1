// Package app wires what the Lambda function is made of: configuration, AWS
// adapters, reconciler and handler, in one place and in order of dependency.
// The command line opens the same thing, so that both do the same.
package app

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"sync/atomic"
	"time"

	"studiokeeper/internal/awscloud"
	"studiokeeper/internal/config"
	"studiokeeper/internal/function"
	"studiokeeper/internal/plan"
	"studiokeeper/internal/reconcile"
)

// The environment of the function.
const (
	EnvConfig    = "STUDIOKEEPER_CONFIG"         // a file beside the binary, or ssm:NAME
	EnvQueue     = "STUDIOKEEPER_QUEUE_URL"      // events, and looks at one user
	EnvPassQueue = "STUDIOKEEPER_PASS_QUEUE_URL" // bulk; the events queue by default
)

// sessionName is what CloudTrail shows in accounts that are reached by a role:
// it tells what ran.
func (o Options) sessionName() string { return "studiokeeper-" + o.Running }

// Options are what differs between the function and the command line.
type Options struct {
	Config string // file or ssm:NAME
	Lookup func(string) (string, bool)
	Log    *slog.Logger
	// Metrics takes the function's metrics; nil: none are written.
	Metrics io.Writer
	// Running names what runs, for the CloudTrail of other accounts: the
	// function's name, or a command.
	Running string
	// Now tells the time; nil means time.Now.
	Now func() time.Time
	// Jitter draws a wait below a bound; nil draws at random.
	Jitter func(time.Duration) time.Duration
	// Queue, where set, takes looks instead of the queues that Lookup names.
	Queue reconcile.Queue
	// State, where set, is used instead of the table that the configuration names, and that table may then
	// be missing.
	State *awscloud.State
	// HTTP, where set, sends all requests to AWS: tests and commands that have
	// the local cloud in their own process need no socket to it.
	HTTP awscloud.HTTPClient
}

// LoadConfig reads and validates the configuration. What is wrong with it is a
// config.ErrInvalid.
func LoadConfig(ctx context.Context, ref string, lookup func(string) (string, bool)) (*config.Config, error) {
	return awscloud.LoadConfig(ctx, ref, lookup, nil)
}

// Open makes a reconciler from the configuration. It calls AWS only for a
// configuration that lies in Parameter Store, and for an identity store that it
// leaves to be found.
func Open(ctx context.Context, o Options) (*reconcile.Reconciler, error) {
	r, _, err := open(ctx, o, nil)
	return r, err
}

// open is Open; it also gives what the reconciler calls AWS with, and stores in
// named, unless nil, whether people may be named in the log.
func open(ctx context.Context, o Options, named *atomic.Bool) (*reconcile.Reconciler, *awscloud.Session, error) {
	cfg, err := awscloud.LoadConfig(ctx, o.Config, o.Lookup, o.HTTP)
	if err != nil {
		return nil, nil, err
	}
	if named != nil {
		named.Store(cfg.Log.Names == config.LogUserNames)
	}
	if err := supported(cfg, o); err != nil {
		return nil, nil, err
	}
	session, err := awscloud.Load(ctx, o.sessionName(), o.HTTP)
	if err != nil {
		return nil, nil, err
	}
	r, err := wire(ctx, cfg, session, o)
	return r, session, err
}

// supported refuses what this version would have to ignore.
func supported(cfg *config.Config, o Options) error {
	if cfg.State.Table == "" && o.State == nil {
		return fmt.Errorf("%w: state.table is missing; leases, next looks and the journal are kept there", config.ErrInvalid)
	}
	return nil
}

func wire(ctx context.Context, cfg *config.Config, session *awscloud.Session, o Options) (*reconcile.Reconciler, error) {
	home := awscloud.Place{Region: cfg.IdentityCenter.Region}
	center := awscloud.Place{Region: cfg.IdentityCenter.Region, Role: cfg.IdentityCenter.AssumeRole}
	store, err := (&awscloud.Instances{Session: session, At: center}).StoreFor(ctx, cfg)
	if err != nil {
		return nil, err
	}
	queue, pass, err := queues(session, home, o)
	if err != nil {
		return nil, err
	}
	identity := &awscloud.IdentityStore{Session: session, StoreID: store, At: center}
	now := o.Now
	if now == nil {
		now = time.Now
	}
	state := o.State
	if state == nil {
		state = &awscloud.State{Session: session, At: home, Table: cfg.State.Table, Now: now, Jitter: o.Jitter}
	}
	profiles := &awscloud.Profiles{Session: session}
	apps := &awscloud.Apps{Session: session}
	signIn := &awscloud.SignIn{Session: session, At: center}
	r := &reconcile.Reconciler{
		Deployment:   cfg.Deployment,
		Formerly:     cfg.Formerly,
		ConfigDigest: cfg.Digest,
		StoreID:      store,
		Grace:        cfg.Offboarding.Grace,
		Protected:    cfg.Protected.Users,
		Limit:        plan.Limit(cfg.Limits.Removals),
		ChangeLimit:  plan.Limit(cfg.Limits.Changes),
		RejectFor:    cfg.Limits.RejectFor,
		Targets:      targets(cfg),
		Identity:     identity,
		Census:       identity,
		Profiles:     profiles,
		Tags:         &awscloud.Tagged{Session: session},
		Memory:       state,
		Register:     state,
		Writer:       profiles,
		Mapping:      Mapping(cfg, session, home, identity, state, now),
		Domains:      &awscloud.Domains{Session: session},
		Instances:    &awscloud.Instances{Session: session, At: center, StoreID: store},
		Apps:         apps,
		AppWriter:    apps,
		Lister:       apps,
		Spaces:       &awscloud.Spaces{Session: session},
		Remover:      &awscloud.Remover{Session: session},
		Removals:     state,
		Changes:      state.ChangeGuard(),
		SignIn:       signIn,
		Assignees:    signIn,
		Assignments:  state,
		Leases:       state,
		Looks:        state,
		Persons:      state,
		Journal:      state,
		History:      state,
		Callers:      &awscloud.Callers{Session: session, At: home},
		Queue:        queue,
		Pass:         pass,
		Now:          now,
		Log:          o.Log,

		HeldLoseSignIn: cfg.Limits.Held == config.HeldSignIn,
		DeleteShared:   cfg.Offboarding.SharedSpaces == config.DeleteSpaces,
	}
	if cfg.Notices.Bus != "" {
		r.Notices = &awscloud.Notices{Session: session, At: home, Bus: cfg.Notices.Bus}
	}
	return r, nil
}

// Mapping reads the rows that the configuration speaks of.
func Mapping(cfg *config.Config, session *awscloud.Session, home awscloud.Place, identity *awscloud.IdentityStore, state *awscloud.State, now func() time.Time) *reconcile.Mapping {
	m := &reconcile.Mapping{
		Rules: cfg.Mapping.Rules, Allowed: cfg.RoleAllowed, Domains: cfg.Domains,
		Identity: identity, Groups: identity, Pins: state, Dates: state, Cache: cfg.Mapping.Cache, Now: now,
	}
	if cfg.Mapping.Table != "" {
		m.Table = &awscloud.Mapping{Session: session, At: home, Table: cfg.Mapping.Table}
	}
	if len(cfg.Mapping.Naming) > 0 {
		m.Naming, m.Templates = cfg.NamedRows, cfg.NamingTemplates()
	}
	return m
}

func targets(cfg *config.Config) []reconcile.Target {
	var out []reconcile.Target
	for _, d := range cfg.Domains {
		out = append(out, reconcile.Target{Domain: d, Quarantine: cfg.QuarantineRole(d)})
	}
	return out
}

func queues(session *awscloud.Session, home awscloud.Place, o Options) (queue, pass reconcile.Queue, err error) {
	if o.Queue != nil {
		return o.Queue, o.Queue, nil
	}
	url, ok := o.Lookup(EnvQueue)
	if !ok || url == "" {
		return nil, nil, fmt.Errorf("%s is not set; it names the queue that takes later looks", EnvQueue)
	}
	passURL, ok := o.Lookup(EnvPassQueue)
	if !ok || passURL == "" {
		passURL = url
	}
	return &awscloud.Queue{Session: session, At: home, URL: url}, &awscloud.Queue{Session: session, At: home, URL: passURL}, nil
}

// Session gives what calls AWS with the credentials at hand.
func Session(ctx context.Context, o Options) (*awscloud.Session, error) {
	return awscloud.Load(ctx, o.sessionName(), o.HTTP)
}

// Function makes the handler. The configuration is read when the first
// invocation needs it, and once.
func Function(o Options) *function.Handler {
	open := &opening{options: o, turn: make(chan struct{}, 1)}
	o.Log = slog.New(config.Discreet{Handler: o.Log.Handler(), Named: &open.named})
	open.options.Log = o.Log
	h := &function.Handler{Open: open.reconciler, Log: o.Log, Metrics: o.Metrics, Throttles: open.throttles}
	open.passed = h.Passed
	return h
}
