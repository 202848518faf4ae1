package deploy

import (
	"fmt"
	"slices"
	"strings"

	"studiokeeper/internal/config"
	"studiokeeper/internal/studio"
)

// FunctionPolicies are what the function's role may do: everything that the
// function calls with its own credentials, on exactly the configured resources.
func FunctionPolicies(c *config.Config, o Options) ([]Policy, error) {
	g, err := newGenerator(c, o)
	if err != nil {
		return nil, err
	}
	return g.functionPolicies()
}

func (g *generator) functionPolicies() ([]Policy, error) {
	statements := slices.Concat(g.runtime(), g.tables(), g.home(), g.assume(), g.actor(""))
	return pack(RoleName, "What the function of studiokeeper deployment "+g.Deployment+" may do", statements)
}

// MemberPolicies are what the function may do under a role that it assumes.
func MemberPolicies(c *config.Config, o Options, roleARN string) ([]Policy, error) {
	g, err := newGenerator(c, o)
	if err != nil {
		return nil, err
	}
	role, err := studio.ParseRole(roleARN)
	if err != nil {
		return nil, fmt.Errorf("generate the policies of a member role: %w", err)
	}
	return pack(role.Name, "What studiokeeper deployment "+g.Deployment+" may do in account "+role.Account, g.actor(roleARN))
}

// runtime is what Lambda does in the function's name.
func (g *generator) runtime() []Statement {
	logs := func(name string) string { return g.here("logs", "log-group:/aws/lambda/"+name+":*") }
	queue := func(name string) string { return g.here("sqs", name) }
	statements := []Statement{
		allow("WriteLogs", []string{"logs:CreateLogStream", "logs:PutLogEvents"}, logs(EventsName), logs(PassName)),
		allow("TakeFromQueues", []string{"sqs:DeleteMessage", "sqs:GetQueueAttributes", "sqs:ReceiveMessage"}, queue(EventsName), queue(PassName)),
		allow("SendLooks", []string{"sqs:SendMessage"}, queue(EventsName), queue(PassName)),
	}
	if g.Mapping.Table == "" {
		return statements
	}
	return append(statements,
		allow("ReadMappingStream", []string{"dynamodb:DescribeStream", "dynamodb:GetRecords", "dynamodb:GetShardIterator"}, g.table(g.Mapping.Table)+"/stream/*"),
		// Lambda asks for it when the stream is mapped, and IAM knows no resource for it.
		allow("ListStreams", []string{"dynamodb:ListStreams"}, "*"),
		allow("KeepFailedRows", []string{"sqs:SendMessage"}, queue(EventsName+deadSuffix)))
}

func (g *generator) table(name string) string { return g.here("dynamodb", "table/"+name) }

func (g *generator) tables() []Statement {
	statements := []Statement{allow("KeepState", []string{
		"dynamodb:BatchWriteItem", "dynamodb:DeleteItem", "dynamodb:GetItem", "dynamodb:PutItem", "dynamodb:Query", "dynamodb:UpdateItem",
	}, g.table(g.State.Table))}
	if g.Mapping.Table != "" {
		statements = append(statements, allow("ReadMapping", []string{"dynamodb:Scan"}, g.table(g.Mapping.Table)))
	}
	return statements
}

// home is what else the function does in its own account.
func (g *generator) home() []Statement {
	var statements []Statement
	if bus := g.Notices.Bus; bus != "" {
		if !strings.HasPrefix(bus, "arn:") {
			bus = g.here("events", "event-bus/"+bus)
		}
		statements = append(statements, allow("SendNotices", []string{"events:PutEvents"}, bus))
	}
	if g.Parameter != "" {
		statements = append(statements, g.configuration())
	}
	return statements
}

func (g *generator) configuration() Statement {
	return allow("ReadConfiguration", []string{"ssm:GetParameter"}, g.here("ssm", "parameter/"+strings.TrimPrefix(g.Parameter, "/")))
}

// configurationRef is where a function finds its configuration.
func (g *generator) configurationRef() string {
	if g.Parameter != "" {
		return "ssm:" + g.Parameter
	}
	return "studiokeeper.yaml"
}

// assume lets the function become exactly the configured roles.
func (g *generator) assume() []Statement {
	var roles []string
	for _, r := range g.roles() {
		if r != "" {
			roles = append(roles, r)
		}
	}
	if len(roles) == 0 {
		return nil
	}
	return []Statement{allow("EnterOtherAccounts", []string{"sts:AssumeRole"}, roles...)}
}

// roles are those under which something is done; "" is the function's own.
func (g *generator) roles() []string {
	roles := []string{g.IdentityCenter.AssumeRole.RoleARN}
	for _, d := range g.Domains {
		roles = append(roles, d.AssumeRole.RoleARN)
	}
	slices.Sort(roles)
	return slices.Compact(roles)
}

// actor is what is done in domains and Identity Center under a role.
func (g *generator) actor(role string) []Statement {
	var all, changed []studio.Domain
	for _, d := range g.Domains {
		if d.AssumeRole.RoleARN != role {
			continue
		}
		all = append(all, d)
		if d.Mode != studio.Observe {
			changed = append(changed, d)
		}
	}
	return slices.Concat(g.readStudio(all), g.changeStudio(changed), g.identity(role), g.signIn(role, changed))
}

// identity is reading users, groups and memberships.
func (g *generator) identity(role string) []Statement {
	if g.IdentityCenter.AssumeRole.RoleARN != role {
		return nil
	}
	actions := []string{
		"identitystore:DescribeGroup", "identitystore:DescribeUser", "identitystore:GetGroupId", "identitystore:GetUserId",
		"identitystore:IsMemberInGroups", "identitystore:ListGroupMemberships", "identitystore:ListUsers",
	}
	if len(g.Mapping.Naming) > 0 {
		actions = append(actions, "identitystore:ListGroupMembershipsForMember", "identitystore:ListGroups")
		slices.Sort(actions)
	}
	// The store belongs to the account that Identity Center was enabled in,
	// which need not be the one that asks.
	store := "arn:" + g.partition() + ":identitystore::*:identitystore/" + orAny(g.IdentityCenter.IdentityStoreID)
	in := "arn:" + g.partition() + ":identitystore:::"
	return []Statement{
		allow("ReadIdentityStore", actions, store, in+"user/*", in+"group/*", in+"membership/*"),
		allow("FindIdentityCenter", []string{"sso:ListInstances"}, "*"),
	}
}

func orAny(s string) string {
	if s == "" {
		return "*"
	}
	return s
}

// signIn is assigning people to the domains' applications, with the domain's
// credentials first and Identity Center's where those are refused.
func (g *generator) signIn(role string, changed []studio.Domain) []Statement {
	if g.IdentityCenter.AssumeRole.RoleARN == role {
		changed = slices.DeleteFunc(slices.Clone(g.Domains), func(d studio.Domain) bool { return d.Mode == studio.Observe })
	}
	if len(changed) == 0 {
		return nil
	}
	actions := []string{"sso:CreateApplicationAssignment", "sso:DeleteApplicationAssignment", "sso:DescribeApplicationAssignment"}
	// IAM asks for the application and for the instance of Identity Center it belongs to.
	on := append(g.applications(role, changed), "arn:"+g.partition()+":sso:::instance/*")
	return []Statement{allow("AssignSignIn", actions, on...)}
}

// applications are those of the accounts that can have made them: the domain's
// and Identity Center's. A domain's own is known only once it is described.
func (g *generator) applications(role string, of []studio.Domain) []string {
	var accounts []string
	if role == "" || g.IdentityCenter.AssumeRole.RoleARN == "" {
		accounts = append(accounts, g.Account)
	}
	for _, arn := range []string{role, g.IdentityCenter.AssumeRole.RoleARN} {
		accounts = append(accounts, accountOf(arn))
	}
	for _, d := range of {
		accounts = append(accounts, d.Account)
	}
	var arns []string
	for _, a := range accounts {
		if a != "" {
			arns = append(arns, "arn:"+g.partition()+":sso::"+a+":application/*")
		}
	}
	return arns
}
