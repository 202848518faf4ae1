// Package doctor checks an installation before and while it runs: named checks,
// each OK, SKIP or FAIL, with what was found and a remedy. It only reads.
// Checks run at once; one that fails stops only those that rest on it.
package doctor

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"

	"studiokeeper/internal/config"
	"studiokeeper/internal/plan"
	"studiokeeper/internal/reconcile"
	"studiokeeper/internal/studio"
)

const (
	atOnce   = 8                // checks
	patience = 30 * time.Second // with one of them
)

// Doctor checks one configuration. All fields but Only must be set before use.
type Doctor struct {
	Config *config.Config
	// Callers tells whose credentials are at hand.
	Callers reconcile.Callers
	Domains reconcile.DomainReader
	Stores  Stores
	// Trails are those of Identity Center's Region.
	Trails Trails
	Quotas Quotas
	// Register is nil where the configuration names no state table.
	Register Register
	Now      func() time.Time
	// Only names the checks that are shown; empty: all.
	Only []string
}

// Stores lists identity stores.
type Stores interface {
	// StoreIDs lists all that the credentials see in Identity Center's Region.
	StoreIDs(ctx context.Context) ([]string, error)
}

// Trail is a CloudTrail trail.
type Trail struct {
	Name    string
	Logging bool
	Writes  bool // it records management events that change something
}

// Trails reads CloudTrail.
type Trails interface {
	// Trails lists all that cover Identity Center's Region.
	Trails(ctx context.Context) ([]Trail, error)
}

// Quotas reads Service Quotas.
type Quotas interface {
	// Profiles is how many user profiles the domain's account may have there.
	Profiles(ctx context.Context, d studio.Domain) (int, error)
}

// Register knows when domains were last passed over.
type Register interface {
	// Registered lists all domains that were ever managed.
	Registered(ctx context.Context) ([]reconcile.DomainRecord, error)
}

// check is one thing to find out.
type check struct {
	name, subject string
	needs         string // the name of a check of the same subject, or of the whole, that must be OK
	find          func(context.Context) finding
}

type finding struct {
	status        plan.CheckStatus
	found, remedy string
}

func ok(format string, args ...any) finding {
	return finding{plan.CheckOK, fmt.Sprintf(format, args...), ""}
}

func skip(format string, args ...any) finding {
	return finding{plan.CheckSkip, fmt.Sprintf(format, args...), ""}
}

func fail(remedy, format string, args ...any) finding {
	return finding{plan.CheckFail, fmt.Sprintf(format, args...), remedy}
}

// Names lists the names of all checks, in their order.
func Names() []string {
	return []string{"credentials", "identity-store", "access", "domain", "trail", "quota", "last-pass", "scim-token"}
}

// Run makes all checks.
func (d *Doctor) Run(ctx context.Context) plan.Checkup {
	all := d.checks()
	found := make([]plan.Check, len(all))
	done := make([]chan struct{}, len(all))
	for i := range done {
		done[i] = make(chan struct{})
	}
	var g errgroup.Group
	slots := make(chan struct{}, atOnce)
	for i, c := range all {
		g.Go(func() error {
			defer close(done[i])
			before := needed(all[:i], c)
			if before >= 0 {
				<-done[before]
			}
			slots <- struct{}{}
			defer func() { <-slots }()
			f := finding{}
			if before >= 0 && found[before].Status != plan.CheckOK {
				f = skip("it rests on %s, which is not OK", c.needs)
			} else {
				f = c.patiently(ctx)
			}
			found[i] = plan.Check{Name: c.name, Subject: c.subject, Status: f.status, Found: f.found, Remedy: f.remedy}
			return nil
		})
	}
	_ = g.Wait() // no check ends in an error
	shown := slices.DeleteFunc(found, func(c plan.Check) bool { return len(d.Only) > 0 && !slices.Contains(d.Only, c.Name) })
	return plan.Checkup{Deployment: d.Config.Deployment, Checks: shown}
}

func (c check) patiently(ctx context.Context) finding {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	return c.find(ctx)
}

// needed is the place of the check that c rests on; below 0 for none.
func needed(earlier []check, c check) int {
	return slices.IndexFunc(earlier, func(e check) bool {
		return e.name == c.needs && (e.subject == "" || e.subject == c.subject)
	})
}

func (d *Doctor) checks() []check {
	all := []check{
		{"credentials", "", "", d.credentials},
		{"identity-store", "", "credentials", d.identityStore},
	}
	each := func(name, needs string, find func(context.Context, studio.Domain) finding) {
		for _, domain := range d.Config.Domains {
			all = append(all, check{name, domain.Name, needs, func(ctx context.Context) finding { return find(ctx, domain) }})
		}
	}
	each("access", "credentials", d.access)
	each("domain", "access", d.domain)
	all = append(all, check{"trail", "", "credentials", d.trail})
	each("quota", "access", d.quota)
	each("last-pass", "credentials", d.lastPass)
	return append(all, check{"scim-token", "", "", scimToken})
}

func (d *Doctor) credentials(ctx context.Context) finding {
	arn, err := d.Callers.CallerARN(ctx)
	if err != nil {
		return fail("aws sts get-caller-identity", "%v", err)
	}
	return ok("%s", arn)
}

func (d *Doctor) identityStore(ctx context.Context) finding {
	want := d.Config.IdentityCenter.IdentityStoreID
	found, err := d.Stores.StoreIDs(ctx)
	list := "aws sso-admin list-instances --region " + d.Config.IdentityCenter.Region
	switch {
	case err != nil:
		return fail(list, "%v", err)
	case want == "" && len(found) == 1, slices.Contains(found, want):
		return ok("%s in %s", strings.Join(found, ", "), d.Config.IdentityCenter.Region)
	case want == "":
		return fail(list, "identityCenter.identityStoreId is missing, and there are %d to choose from: %q", len(found), found)
	}
	return fail(list, "identity store %s is not among those in %s: %q", want, d.Config.IdentityCenter.Region, found)
}

func (d *Doctor) access(ctx context.Context, on studio.Domain) finding {
	account, err := d.Domains.CallerAccount(ctx, on)
	switch {
	case err != nil && on.AssumeRole.RoleARN != "":
		return fail("aws sts assume-role --role-session-name doctor --role-arn "+on.AssumeRole.RoleARN, "%v", err)
	case err != nil:
		return fail("aws sts get-caller-identity", "%v", err)
	case account != on.Account:
		return fail("set account and assumeRole of the domain in the configuration", "the credentials are of account %s, and the domain is in %s", account, on.Account)
	}
	return ok("account %s", account)
}

func (d *Doctor) domain(ctx context.Context, on studio.Domain) finding {
	describe := fmt.Sprintf("aws sagemaker describe-domain --region %s --domain-id %s", on.Region, on.ID)
	facts, err := d.Domains.Facts(ctx, on)
	switch {
	case err != nil:
		return fail(describe, "%v", err)
	case facts.Status != "InService":
		return fail(describe, "domain %s is %s, not InService", on.ID, facts.Status)
	case facts.AuthMode != "SSO":
		return fail("make a domain with --auth-mode SSO: it cannot be changed later", "domain %s has AuthMode %s, and is not in Identity Center mode", on.ID, facts.AuthMode)
	case facts.Unified:
		return fail("take the domain out of the configuration", "domain %s belongs to SageMaker Unified Studio", on.ID)
	case facts.Application == "" && on.SignIn != studio.SignInNone:
		return skip("domain %s names no application (made before October 2023): assign its groups in the console, and set signIn: none", on.ID)
	}
	return ok("%s is InService", on.ID)
}

func (d *Doctor) trail(ctx context.Context) finding {
	trails, err := d.Trails.Trails(ctx)
	if err != nil {
		return fail("aws cloudtrail describe-trails --region "+d.Config.IdentityCenter.Region, "%v", err)
	}
	stopped := ""
	for _, t := range trails {
		switch {
		case t.Logging && t.Writes:
			return ok("%s records management events", t.Name)
		case !t.Logging:
			stopped = t.Name
		}
	}
	if stopped != "" {
		return fail("aws cloudtrail start-logging --name "+stopped, "trail %s is off, and no other records management events: changes of membership send no events", stopped)
	}
	return fail("aws cloudtrail create-trail --is-multi-region-trail --name management --s3-bucket-name BUCKET && aws cloudtrail start-logging --name management",
		"no trail in %s records management events that change something: changes of membership send no events", d.Config.IdentityCenter.Region)
}

func (d *Doctor) quota(ctx context.Context, on studio.Domain) finding {
	most, err := d.Quotas.Profiles(ctx, on)
	if err != nil {
		return skip("%v", err)
	}
	return ok("account %s may have %d user profiles in %s", on.Account, most, on.Region)
}

// staleAfter is how old a pass may be that runs hourly.
const staleAfter = 3 * time.Hour

func (d *Doctor) lastPass(ctx context.Context, on studio.Domain) finding {
	if d.Register == nil {
		return skip("the configuration names no state.table")
	}
	known, err := d.Register.Registered(ctx)
	if err != nil {
		return fail("aws dynamodb describe-table --table-name "+d.Config.State.Table, "%v", err)
	}
	i := slices.IndexFunc(known, func(r reconcile.DomainRecord) bool { return r.Name == on.Name })
	if i < 0 || known[i].Passed.IsZero() {
		return skip("no pass over it has ended yet")
	}
	ago := d.Now().Sub(known[i].Passed).Round(time.Minute)
	if ago > staleAfter {
		return fail("studiokeeper plan --domain "+on.Name, "the last pass ended %s ago; it should run hourly", ago)
	}
	return ok("the last pass ended %s ago and took %s", ago, known[i].Took)
}

func scimToken(context.Context) finding {
	return skip("no API tells its age: with an external identity provider, see Identity Center, Settings, Automatic provisioning; a token ends after a year")
}
