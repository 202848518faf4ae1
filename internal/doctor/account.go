package doctor

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"studiokeeper/internal/reconcile"
	"studiokeeper/internal/studio"
)

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

func describeDomain(on studio.Domain) string {
	return fmt.Sprintf("aws sagemaker describe-domain --region %s --domain-id %s", on.Region, on.ID)
}

func (d *Doctor) domain(ctx context.Context, on studio.Domain) finding {
	describe := describeDomain(on)
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
		return unread("aws cloudtrail describe-trails --region "+d.Config.IdentityCenter.Region, err)
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
	last := known[i]
	ago := d.Now().Sub(last.Succeeded).Round(time.Minute)
	switch {
	case last.Succeeded.IsZero():
		return fail("studiokeeper plan --domain "+on.Name, "no pass has ended without an error; the last one ended at %s", last.Passed.UTC().Format(time.RFC3339))
	case ago > staleAfter:
		return fail("studiokeeper plan --domain "+on.Name, "the last pass without an error ended %s ago; one should end every hour", ago)
	}
	return ok("the last pass ended %s ago and took %s", ago, last.Took)
}

// scimToken only reminds: no API tells how old a token is.
func (d *Doctor) scimToken(context.Context) finding {
	const where = "see Identity Center, Settings, Automatic provisioning; a token ends after a year"
	switch carried := d.Config.Directory; {
	case carried == nil:
		return skip("no API tells its age: with an external identity provider, %s", where)
	case carried.SCIM == nil:
		return skip("directory writes through the Identity Store API, which takes no token")
	}
	return skip("no API tells the age of the one that directory.scim.token refers to: %s, and from then on nothing is carried over. "+
		"Two tokens may be valid at once: put the new one in its place, and delete the old one after the next run", where)
}
