package doctor

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"golang.org/x/sync/errgroup"

	"studiokeeper/internal/plan"
	"studiokeeper/internal/reconcile"
	"studiokeeper/internal/studio"
)

// sagemakerService is the service that execution roles trust.
const sagemakerService = "sagemaker.amazonaws.com"

// rolesAtOnce is how many roles of a domain are asked about at once.
const rolesAtOnce = 4

// eachRole looks at the roles that a domain's rows give, and with quarantine at
// the leavers' too, and makes one finding of all; whenOK says what they are then.
func (v *visit) eachRole(ctx context.Context, on studio.Domain, whenOK string, quarantine bool, look func(context.Context, string) finding) finding {
	all, err := v.rows()
	if err != nil {
		return unreadRows()
	}
	roles := all.roles(on)
	if leavers := v.Config.QuarantineRole(on); quarantine && leavers != "" {
		roles = append(roles, leavers)
	}
	if len(roles) == 0 {
		return ok("no row gives a role")
	}
	found := make([]finding, len(roles))
	var g errgroup.Group
	g.SetLimit(rolesAtOnce)
	for i, role := range roles {
		g.Go(func() error {
			found[i] = look(ctx, role)
			return nil
		})
	}
	_ = g.Wait() // no look ends in an error
	return worst(found, counted(len(roles), "role")+" "+whenOK)
}

// worst is what one finding says of many: all that FAIL, else all that are SKIP,
// with the first one's remedy.
func worst(found []finding, whenOK string) finding {
	for _, status := range []plan.CheckStatus{plan.CheckFail, plan.CheckSkip} {
		var said []string
		remedy := ""
		for _, f := range found {
			if f.status == status && !slices.Contains(said, f.found) {
				if len(said) == 0 {
					remedy = f.remedy
				}
				said = append(said, f.found)
			}
		}
		if len(said) > 0 {
			return finding{status, some(said), remedy}
		}
	}
	return ok("%s", whenOK)
}

// roleUnread is a failed read of a role: one that is missing is what is wrong,
// anything else cannot be told.
func roleUnread(role string, err error) finding {
	if errors.Is(err, reconcile.ErrGone) {
		return fail(fmt.Sprintf("aws iam create-role --path %s --role-name %s --assume-role-policy-document '%s'", pathOf(role), nameOf(role), trustPolicy("sts:AssumeRole")),
			"role %s does not exist", role)
	}
	return skip("%v", err)
}

func trustPolicy(actions ...string) string {
	return fmt.Sprintf(`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Service":"%s"},"Action":["%s"]}]}`, sagemakerService, strings.Join(actions, `","`))
}

func nameOf(role string) string { return role[strings.LastIndexByte(role, '/')+1:] }

func pathOf(role string) string {
	parsed, _ := studio.ParseRole(role) // what is no role was refused with the configuration or the row
	return parsed.Path
}

// trust finds out whether SageMaker can run as each role.
func (v *visit) trust(ctx context.Context, on studio.Domain) finding {
	needed := []string{"sts:AssumeRole"}
	if facts, err := v.Domains.Facts(ctx, on); err != nil {
		return unread(describeDomain(on), err)
	} else if facts.NamesUsers {
		needed = append(needed, "sts:SetSourceIdentity")
	}
	return v.eachRole(ctx, on, "that SageMaker may run as", true, func(ctx context.Context, role string) finding {
		text, err := v.Roles.Trust(ctx, on, role)
		if err != nil {
			return roleUnread(role, err)
		}
		p, err := parsePolicy(text)
		if err != nil {
			return skip("%v", err)
		}
		for _, action := range needed {
			if !p.trusts(sagemakerService, action) {
				return fail(fmt.Sprintf("aws iam update-assume-role-policy --role-name %s --policy-document '%s'", nameOf(role), trustPolicy(needed...)),
					"role %s does not trust %s with %s", role, sagemakerService, action)
			}
		}
		return ok("")
	})
}

// escapes are actions on user profiles with which the holder of a role comes by
// another one.
func escapes() []string {
	return []string{"sagemaker:AddTags", "sagemaker:CreatePresignedDomainUrl", "sagemaker:DeleteTags", "sagemaker:UpdateUserProfile"}
}

// escape finds out whether a role's holder could get away from it, with a
// profile of ours and with one that nobody tagged.
func (v *visit) escape(ctx context.Context, on studio.Domain) finding {
	return v.eachRole(ctx, on, "without a way to another one", false, func(ctx context.Context, role string) finding {
		partition, _, _ := strings.Cut(strings.TrimPrefix(role, "arn:"), ":")
		profiles := fmt.Sprintf("arn:%s:sagemaker:%s:%s:user-profile/%s/", partition, on.Region, on.Account, on.ID)
		var can []string
		for _, with := range []map[string]string{nil, {
			"aws:ResourceTag/" + studio.TagDeployment: v.Config.Deployment, "sagemaker:ResourceTag/" + studio.TagDeployment: v.Config.Deployment,
		}} {
			decisions, err := v.Roles.Decide(ctx, on, role, Question{escapes(), []string{profiles + "someone"}, with})
			if err != nil {
				return skip("%v", err)
			}
			for _, d := range decisions {
				if d.Allowed && !slices.Contains(can, d.Action) {
					can = append(can, d.Action)
				}
			}
		}
		if len(can) == 0 {
			return ok("")
		}
		return fail(fmt.Sprintf(`aws iam put-role-policy --role-name %s --policy-name keep-to-this-role --policy-document '{"Version":"2012-10-17","Statement":[{"Effect":"Deny","Action":["%s"],"Resource":"%s*"}]}'`,
			nameOf(role), strings.Join(escapes(), `","`), profiles),
			"role %s may %s on user profiles, and so come by other roles", role, strings.Join(can, ", "))
	})
}

// powerless holds what a profile or shared space without a role of its own gets
// against what leavers get.
func (v *visit) powerless(ctx context.Context, on studio.Domain) finding {
	facts, err := v.Domains.Facts(ctx, on)
	if err != nil {
		return unread(describeDomain(on), err)
	}
	quarantine := v.Config.QuarantineRole(on)
	allowed, err := v.granted(ctx, on, quarantine)
	if err != nil && !errors.Is(err, reconcile.ErrGone) {
		return skip("%v", err)
	}
	defaults := []struct{ role, setting, what string }{
		{facts.DefaultRole, "default-user-settings", "default role"}, {facts.SpaceRole, "default-space-settings", "role of shared spaces"},
	}
	var found []finding
	for _, d := range defaults {
		if d.role == "" || d.role == quarantine {
			continue
		}
		can, err := v.granted(ctx, on, d.role)
		more := slices.DeleteFunc(can, func(g string) bool { return slices.Contains(allowed, g) })
		switch {
		case err != nil:
			found = append(found, skip("%v", err))
		case len(more) > 0:
			found = append(found, fail(
				fmt.Sprintf("aws sagemaker update-domain --region %s --domain-id %s --%s ExecutionRole=%s", on.Region, on.ID, d.setting, cmp.Or(quarantine, "POWERLESS_ROLE_ARN")),
				"the domain's %s %s is not powerless: it may %s", d.what, d.role, some(more)))
		}
	}
	return worst(found, "what has no role of its own may do nothing")
}

// granted is what a role may do by its own policies; none for no role.
func (v *visit) granted(ctx context.Context, on studio.Domain, role string) ([]string, error) {
	if role == "" {
		return nil, nil
	}
	documents, err := v.Roles.Policies(ctx, on, role)
	if err != nil {
		return nil, err
	}
	return grants(documents)
}

// passes finds out whether the function can give each role.
func (v *visit) passes(ctx context.Context, on studio.Domain) finding {
	if on.Mode == studio.Observe {
		return skip("the domain is only observed: nothing is given")
	}
	return v.eachRole(ctx, on, "that the function may give", true, func(ctx context.Context, role string) finding {
		giver := v.giver(on, role)
		decisions, err := v.Roles.Decide(ctx, on, giver, Question{
			[]string{"iam:PassRole"}, []string{role}, map[string]string{"iam:PassedToService": sagemakerService},
		})
		switch {
		case errors.Is(err, reconcile.ErrGone):
			return skip("role %s does not exist: deploy the function, or name its role with --role", giver)
		case err != nil:
			return skip("%v", err)
		case slices.ContainsFunc(decisions, func(d Decision) bool { return !d.Allowed }):
			return fail("studiokeeper deploy template", "role %s may not pass %s to %s (name it in mapping.roles, then deploy the template again)", giver, role, sagemakerService)
		}
		return ok("")
	})
}

// giver is who makes the calls in a domain: the role assumed there, or the
// function's own.
func (v *visit) giver(on studio.Domain, given string) string {
	switch {
	case on.AssumeRole.RoleARN != "":
		return on.AssumeRole.RoleARN
	case v.FunctionRole != "":
		return v.FunctionRole
	}
	partition, _, _ := strings.Cut(strings.TrimPrefix(given, "arn:"), ":")
	return "arn:" + partition + ":iam::" + on.Account + ":role/" + v.Parts.Role
}
