package cli

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"studiokeeper/internal/app"
	"studiokeeper/internal/awscloud"
	"studiokeeper/internal/awscloud/inspect"
	"studiokeeper/internal/config"
	"studiokeeper/internal/deploy"
	"studiokeeper/internal/doctor"
	"studiokeeper/internal/plan"
	"studiokeeper/internal/render"
	"studiokeeper/internal/studio"
)

func doctorCommand(env Environment) *cobra.Command {
	var format output
	var only []string
	var role string
	c := &cobra.Command{
		Use: "doctor", Short: "Checks the installation: OK, SKIP or FAIL, each with the remedy", Args: noArguments,
		Long: "Checks, with the credentials at hand, what the function rests on. It only reads.\nThe checks are " + strings.Join(doctor.Names(), ", ") + ".",
		RunE: func(c *cobra.Command, _ []string) error {
			asJSON, err := format.json()
			if err != nil {
				return err
			}
			for _, name := range only {
				if !slices.Contains(doctor.Names(), name) {
					return usage("--only %s: there is no such check; there are %s", name, strings.Join(doctor.Names(), ", "))
				}
			}
			if _, err := studio.ParseRole(role); role != "" && err != nil {
				return usage("--role: %v", err)
			}
			return examine(c, env, only, role, asJSON)
		},
	}
	c.Flags().StringSliceVar(&only, "only", nil, "only the checks of this `NAME`, several with commas between")
	c.Flags().StringVar(&role, "role", "", "`ARN` of the role that the function runs under (default the deployed "+deploy.RoleName+")")
	format.add(c)
	return c
}

func examine(c *cobra.Command, env Environment, only []string, role string, asJSON bool) error {
	d, err := openDoctor(c.Context(), env, configRef(c, env))
	if err != nil {
		return err
	}
	d.Only, d.FunctionRole = only, role
	stop := watch(env, func() string { return "checking" })
	found := d.Run(c.Context())
	stop()
	if asJSON {
		err = render.JSON(env.Stdout, found)
	} else {
		err = render.Checkup(env.Stdout, style(env, env.Stdout), found)
	}
	if err == nil && found.Count(plan.CheckFail) > 0 {
		return codeError{exitFailed, nil}
	}
	return err
}

// openDoctor wires the doctor without what it is to check.
func openDoctor(ctx context.Context, env Environment, ref string) (*doctor.Doctor, error) {
	cfg, err := app.LoadConfig(ctx, ref, env.Lookup)
	if err != nil {
		return nil, err
	}
	session, err := awscloud.Load(ctx, "studiokeeper-doctor", nil)
	if err != nil {
		return nil, err
	}
	return Doctor(cfg, session, cloudClock(env))
}

// deployedParts names what the template makes.
func deployedParts() (doctor.Parts, error) {
	pattern, err := deploy.Pattern()
	return doctor.Parts{
		Role: deploy.RoleName, Rule: deploy.RuleName, Pattern: pattern, Events: deploy.EventsName, Pass: deploy.PassName,
		EventsTimeout: deploy.EventsTimeout * time.Second, PassTimeout: deploy.PassTimeout * time.Second,
		Environment: []string{app.EnvConfig, app.EnvQueue, app.EnvPassQueue},
		Schedules:   []string{deploy.FullPassName, deploy.DeepPassName}, Alarms: deploy.AlarmNames(),
	}, err
}

// Doctor wires the doctor of a configuration; now is nil for the clock of this machine.
func Doctor(cfg *config.Config, session *awscloud.Session, now func() time.Time) (*doctor.Doctor, error) {
	parts, err := deployedParts()
	if err != nil {
		return nil, err
	}
	home := awscloud.Place{Region: cfg.IdentityCenter.Region}
	center := awscloud.Place{Region: cfg.IdentityCenter.Region, Role: cfg.IdentityCenter.AssumeRole}
	if now == nil {
		now = time.Now
	}
	d := &doctor.Doctor{
		Config: cfg, Callers: &awscloud.Callers{Session: session, At: home}, Domains: &awscloud.Domains{Session: session},
		Stores: &awscloud.Instances{Session: session, At: center}, Trails: &inspect.Trails{Session: session, At: center},
		Quotas: &inspect.Quotas{Session: session}, Now: now,
		Assignees: &awscloud.SignIn{Session: session, At: center}, Profiles: &awscloud.Profiles{Session: session}, Tags: &awscloud.Tagged{Session: session},
		Roles: &inspect.Roles{Session: session}, Parts: parts, Deployment: &inspect.Deployment{Session: session, At: home},
	}
	state := &awscloud.State{Session: session, At: home, Table: cfg.State.Table, Now: now}
	if cfg.State.Table != "" {
		d.Register = state
	}
	d.People = func(store string) doctor.People {
		identity := &awscloud.IdentityStore{Session: session, StoreID: store, At: center}
		m := app.Mapping(cfg, session, home, identity, state, now)
		m.Dates = nil // a doctor asks for no edits
		if cfg.State.Table == "" {
			m.Pins = heldPins{}
		}
		if m.Naming == nil {
			m.Naming = func(string) []studio.Row { return nil } // so that groups named by id are looked up too
		}
		return doctor.People{Mapping: m, Identity: identity, Census: identity}
	}
	return d, nil
}
