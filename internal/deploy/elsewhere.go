package deploy

import (
	"fmt"
	"slices"
	"strings"

	"studiokeeper/internal/config"
	"studiokeeper/internal/studio"
)

// Forward is the template for another account or Region whose events are to
// reach the bus beside the function: those of Identity Center appear in the
// caller's account, those of a domain in the domain's Region.
func Forward(c *config.Config) (*Template, error) {
	p, err := pattern()
	if err != nil {
		return nil, err
	}
	g := &generator{c, Options{}}
	t := &Template{
		description: "studiokeeper, deployment " + c.Deployment + ": forwards events of users, groups and Studio profiles to the function's account",
		header: "studiokeeper: forwards events to " + g.region() + " of the function's account. Deploy it where they appear:\n" +
			"  aws cloudformation deploy --region REGION --stack-name studiokeeper-forward --template-file FILE \\\n" +
			"    --capabilities CAPABILITY_NAMED_IAM --parameter-overrides AccountId=THE_FUNCTIONS_ACCOUNT\n",
	}
	t.parameter("AccountId", required, "Account that the function runs in", field{"AllowedPattern", "^[0-9]{12}$"})
	bus := "arn:" + g.partition() + ":events:" + g.region() + ":${AccountId}:event-bus/default"
	t.add("ForwardRole", "AWS::IAM::Role", object{
		{"Description", "Lets EventBridge forward events to studiokeeper, and nothing else"},
		{"AssumeRolePolicyDocument", trust(object{{"Service", "events.amazonaws.com"}}, []string{"sts:AssumeRole"},
			object{{"StringEquals", object{{"aws:SourceAccount", ref("AWS::AccountId")}}}})},
		{"Policies", []any{inline("forward", document(allow("Forward", []string{"events:PutEvents"}, bus)).object())}},
		{"Tags", g.tags()},
	})
	t.add("ForwardRule", "AWS::Events::Rule", object{
		{"Name", "studiokeeper-forward"}, {"Description", "Forwards changes of users, groups, memberships and Studio profiles to studiokeeper"},
		{"EventPattern", p},
		{"Targets", []any{object{{"Id", "bus"}, {"Arn", sub(bus)}, {"RoleArn", attribute("ForwardRole", "Arn")}}}},
	})
	return t, nil
}

// Member is the template of the role under which the function works in another
// account; name is a domain's, or identityCenter.
func Member(c *config.Config, name string) (*Template, error) {
	own := c.IdentityCenter.AssumeRole
	if name != "identityCenter" {
		d, known := c.Domain(name)
		if !known {
			return nil, fmt.Errorf("generate a member role: %w: no domain is named %q (name one of domains, or identityCenter)", config.ErrInvalid, name)
		}
		own = d.AssumeRole
	}
	if own.RoleARN == "" {
		return nil, fmt.Errorf("generate a member role: %w: %s has no assumeRole, so the function needs no role there", config.ErrInvalid, name)
	}
	policies, err := MemberPolicies(c, Options{Account: "${FunctionAccountId}"}, own.RoleARN)
	if err != nil {
		return nil, err
	}
	role, err := studio.ParseRole(own.RoleARN)
	if err != nil {
		return nil, fmt.Errorf("generate a member role: %w", err)
	}
	g := &generator{c, Options{}}
	t := &Template{
		description: "studiokeeper, deployment " + c.Deployment + ": the role it works under in account " + role.Account,
		header: "studiokeeper: deploy it in account " + role.Account + ", after the function's own stack.\n" +
			"  aws cloudformation deploy --stack-name " + role.Name + " --template-file FILE \\\n" +
			"    --capabilities CAPABILITY_NAMED_IAM --parameter-overrides FunctionAccountId=THE_FUNCTIONS_ACCOUNT\n",
	}
	t.parameter("FunctionAccountId", required, "Account that the function runs in", field{"AllowedPattern", "^[0-9]{12}$"})
	var condition object
	if ids := externalIDs(c, own.RoleARN); len(ids) > 0 {
		condition = object{{"StringEquals", object{{"sts:ExternalId", ids}}}}
	}
	t.add("MemberRole", "AWS::IAM::Role", object{
		{"RoleName", role.Name}, {"Path", role.Path}, {"Description", "studiokeeper, deployment " + c.Deployment + ": what its function may do in this account"},
		{"AssumeRolePolicyDocument", trust(object{{"AWS", sub("arn:" + role.Partition + ":iam::${FunctionAccountId}:role/" + RoleName)}}, []string{"sts:AssumeRole"}, condition)},
		{"ManagedPolicyArns", managed(t, "MemberPolicy", policies)},
		{"Tags", g.tags()},
	})
	t.output("MemberRoleArn", "The role for assumeRole.roleArn", attribute("MemberRole", "Arn"))
	return t, nil
}

// externalIDs are all that a role is assumed with.
func externalIDs(c *config.Config, roleARN string) []string {
	all := []studio.AssumeRole{c.IdentityCenter.AssumeRole}
	for _, d := range c.Domains {
		all = append(all, d.AssumeRole)
	}
	var ids []string
	for _, a := range all {
		if a.RoleARN == roleARN && a.ExternalID != "" {
			ids = append(ids, a.ExternalID)
		}
	}
	slices.Sort(ids)
	return slices.Compact(ids)
}

// Quarantine is the template of the powerless roles that leavers' profiles
// get, for every account with domains.
func Quarantine(c *config.Config) (*Template, error) {
	g := &generator{c, Options{}}
	t := &Template{
		description: "studiokeeper, deployment " + c.Deployment + ": the powerless role of leavers' profiles",
		header: "studiokeeper: deploy it in every account that has domains.\n" +
			"  aws cloudformation deploy --stack-name studiokeeper-quarantine --template-file FILE --capabilities CAPABILITY_NAMED_IAM\n",
	}
	known := map[string]bool{}
	for _, d := range c.Domains {
		role, err := studio.ParseRole(c.QuarantineRole(d))
		if err != nil {
			return nil, fmt.Errorf("generate the quarantine role: %w: offboarding.quarantineRole of domain %s: %w", config.ErrInvalid, d.Name, err)
		}
		if at := role.Path + role.Name; !known[at] {
			known[at] = true
			g.quarantine(t, fmt.Sprintf("QuarantineRole%d", len(known)), role)
		}
	}
	return t, nil
}

func (g *generator) quarantine(t *Template, id string, role studio.Role) {
	deny := allow("Nothing", []string{"*"}, "*")
	deny.Effect = "Deny"
	t.add(id, "AWS::IAM::Role", object{
		{"RoleName", role.Name}, {"Path", role.Path}, {"Description", "The role of leavers' Studio profiles: it may do nothing"},
		{"AssumeRolePolicyDocument", studioTrust()},
		{"Policies", []any{inline("nothing", document(deny).object())}},
		{"Tags", g.tags()},
	})
	t.output(strings.Replace(id, "Role", "RoleArn", 1), "For offboarding.quarantineRole", attribute(id, "Arn"))
}

// studioTrust lets SageMaker assume a role for profiles of the role's own
// account, and name the person where the domain asks for it; elsewhere it never
// does, so that nothing more is given away.
func studioTrust() object {
	return trust(object{{"Service", "sagemaker.amazonaws.com"}}, []string{"sts:AssumeRole", "sts:SetSourceIdentity"},
		object{{"StringEquals", object{{"aws:SourceAccount", ref("AWS::AccountId")}}}})
}

func inline(name string, document any) object {
	return object{{"PolicyName", name}, {"PolicyDocument", document}}
}
