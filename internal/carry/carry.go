// Package carry wires what the directory commands and the directory's function
// are made of: configuration, Active Directory, Identity Center, records,
// journal and guard, in one place and in order of dependency.
package carry

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"time"

	"studiokeeper/internal/awscloud"
	"studiokeeper/internal/awscloud/store"
	"studiokeeper/internal/config"
	"studiokeeper/internal/directory"
	"studiokeeper/internal/plan"
	"studiokeeper/internal/provision"
)

// Options are what differs between the function and the command line.
type Options struct {
	Config string // file or ssm:NAME
	Lookup func(string) (string, bool)
	Log    *slog.Logger
	// Running names what runs, for the CloudTrail of other accounts.
	Running string
	// Now tells the time; nil means time.Now.
	Now func() time.Time
	// State, where set, is used instead of the table that the configuration
	// names, and that table may then be missing.
	State *awscloud.State
	// HTTP, where set, sends all requests to AWS, those of SCIM included.
	HTTP *http.Client
}

// Carry is what carries a directory over, with who does so.
type Carry struct {
	*provision.Provisioner
	Callers *awscloud.Callers
	Config  *config.Config
}

// Open makes it from the configuration.
func Open(ctx context.Context, o Options) (*Carry, error) {
	cfg, err := awscloud.LoadConfig(ctx, o.Config, o.Lookup, o.client())
	if err != nil {
		return nil, err
	}
	if err := supported(cfg, o); err != nil {
		return nil, err
	}
	session, err := awscloud.Load(ctx, "studiokeeper-"+o.Running, o.client())
	if err != nil {
		return nil, err
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	return wire(ctx, cfg, session, o)
}

// client keeps a nil client from becoming an interface that is not nil.
func (o Options) client() awscloud.HTTPClient {
	if o.HTTP == nil {
		return nil
	}
	return o.HTTP
}

func supported(cfg *config.Config, o Options) error {
	switch {
	case cfg.Directory == nil:
		return fmt.Errorf("%w: directory is missing; it says which Active Directory is carried into Identity Center, and how", config.ErrInvalid)
	case cfg.State.Table == "" && o.State == nil:
		return fmt.Errorf("%w: state.table is missing; what was carried over, the guard and the journal are kept there", config.ErrInvalid)
	}
	return nil
}

func wire(ctx context.Context, cfg *config.Config, session *awscloud.Session, o Options) (*Carry, error) {
	home := awscloud.Place{Region: cfg.IdentityCenter.Region}
	center := awscloud.Place{Region: cfg.IdentityCenter.Region, Role: cfg.IdentityCenter.AssumeRole}
	storeID, err := (&awscloud.Instances{Session: session, At: center}).StoreFor(ctx, cfg)
	if err != nil {
		return nil, err
	}
	state := o.State
	if state == nil {
		state = &awscloud.State{Session: session, At: home, Table: cfg.State.Table, Now: o.Now}
	}
	identity := &store.Identity{Session: session, At: center, StoreID: storeID}
	secrets := Secrets{Lookup: o.Lookup, Session: session}
	p := &provision.Provisioner{
		Deployment: cfg.Deployment,
		StoreID:    storeID,
		Way:        directory.ByAPI,
		Mode:       cfg.Mode,
		Active:     reader(o, cfg.Directory.LDAP, secrets),
		Store:      identity,
		Writer:     identity,
		Records:    store.Records{State: state},
		Carried:    carried(cfg, session, home),
		Adopt:      directory.Adoption(cfg.Directory.Adopt),
		Grace:      cfg.Directory.Grace,
		Limit:      plan.Limit(cfg.Limits.Removals),
		Renames:    plan.Limit(cfg.Limits.Changes),
		Removals:   state,
		Leases:     state,
		Journal:    state,
		Now:        o.Now,
		Log:        o.Log,
	}
	if s := cfg.Directory.SCIM; s != nil {
		p.Way = directory.BySCIM
		if p.Writer, err = writer(ctx, *s, secrets, o.HTTP); err != nil {
			return nil, err
		}
	}
	return &Carry{Provisioner: p, Callers: &awscloud.Callers{Session: session, At: home}, Config: cfg}, nil
}
