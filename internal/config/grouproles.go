package config

import (
	"encoding/json"
	"slices"
	"strings"

	"studiokeeper/internal/studio"
)

// GroupRole defines the execution role of a group, for those who have `deploy
// template --group-roles` make it. Nothing else reads it.
type GroupRole struct {
	// Group is the display name of a group: the roles are those that rules,
	// and naming for a name without a rule, give it.
	Group studio.GroupRef
	// Role is the ARN of one role, in place of a group: for rows in the table,
	// which are not read here. It must be within mapping.roles.
	Role string
	// ManagedPolicies are the ARNs of managed policies to attach, at most 20.
	ManagedPolicies []string
	// InlinePolicies are policy documents by name, in IAM's own spelling; a
	// policy variable is written $${aws:username}. None may allow AddTags,
	// DeleteTags, UpdateUserProfile or CreatePresignedDomainUrl on user
	// profiles: the holder could take another group's role.
	InlinePolicies map[string]json.RawMessage
	// Boundary is the ARN of the managed policy that bounds the role.
	Boundary string
	// Roles are the ARNs of what is made; not part of the file.
	Roles []string
}

// FencePolicy is the name of the inline policy that every group role gets
// beside its own.
const FencePolicy = "studiokeeper-fence"

// EscapeActions let whoever may do them on user profiles take another role
// than their group's.
func EscapeActions() []string {
	return []string{"sagemaker:AddTags", "sagemaker:CreatePresignedDomainUrl", "sagemaker:DeleteTags", "sagemaker:UpdateUserProfile"}
}

var (
	// https://docs.aws.amazon.com/IAM/latest/APIReference/API_AttachRolePolicy.html
	managedPolicyForm = spelled(`^arn:aws[a-z-]*:iam::([0-9]{12}|aws):policy/([^\s*?]*/)?[\w+=,.@-]{1,128}$`, "a managed policy's ARN such as arn:aws:iam::<account>:policy/<name>")
	// https://docs.aws.amazon.com/IAM/latest/APIReference/API_PutRolePolicy.html
	policyNameForm = spelled(`^[\w+=,.@-]{1,128}$`, "a policy's name: 1 to 128 letters, digits and +=,.@_-")
	sidForm        = spelled(`^[A-Za-z0-9]+$`, "a statement's id of letters and digits")
)

// maxManaged is the highest quota there is.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html
const maxManaged = 20

// readGroupRoles reads definitions; the configuration's mapping is read before.
func readGroupRoles(n node, c *Config) []GroupRole {
	var all []GroupRole
	made := map[string]node{}
	for _, item := range n.items() {
		g := groupRole(item, c)
		for _, arn := range g.Roles {
			if first, twice := made[arn]; twice {
				item.wrong("%s in %s defines the role %s already (keep one of the two)", first.path, first.where(), arn)
			}
			made[arn] = item
		}
		all = append(all, g)
	}
	return all
}

func groupRole(n node, c *Config) GroupRole {
	f := n.object()
	defer f.end()
	byName, byID, role := f.get("group"), f.get("groupId"), f.get("role")
	managed := f.get("managedPolicies")
	g := GroupRole{ManagedPolicies: managed.matches(managedPolicyForm)}
	if len(g.ManagedPolicies) > maxManaged {
		managed.wrong("lists %d policies, and a role takes %d (put statements together)", len(g.ManagedPolicies), maxManaged)
	}
	switch {
	case role.given() && (byName.given() || byID.given()):
		role.wrong("a group is written too (keep one of the two)")
	case role.given():
		g.Role, g.Roles = writtenRole(role, c)
	case !byName.given() && !byID.given():
		f.need("group", "the group's display name, or its groupId, or the role itself")
	default:
		g.Group = (&mapping{}).group(f)
		g.Roles = rolesOf(n, g.Group, c)
	}
	g.InlinePolicies = inlinePolicies(f.get("inlinePolicies"), partitionOf(g.Roles))
	g.Boundary = f.get("boundary").match(managedPolicyForm)
	return g
}

func writtenRole(n node, c *Config) (string, []string) {
	role, ok := readRole(n)
	if !ok || len(n.problems) > 0 {
		return role.ARN, nil
	}
	switch {
	case !c.RoleAllowed(role.ARN):
		n.wrong("%s is not within mapping.roles (add it there, or name another role)", role.ARN)
	case !slices.ContainsFunc(c.Domains, func(d studio.Domain) bool { return d.Account == role.Account }):
		n.wrong("the role lies in account %s, where no domain is (SageMaker takes roles of the domain's account only)", role.Account)
	}
	return role.ARN, []string{role.ARN}
}

// rolesOf are the roles that a group's rows name. Rows that could not be read
// say nothing, so it waits until everything before is sound.
func rolesOf(n node, group studio.GroupRef, c *Config) []string {
	if group.Key() == "" || len(n.problems) > 0 {
		return nil
	}
	rows := slices.DeleteFunc(slices.Clone(c.Mapping.Rules), func(r studio.Row) bool { return r.Group != group })
	if len(rows) == 0 && group.Name != "" {
		rows = c.NamedRows(group.Name)
	}
	var roles []string
	for _, row := range rows {
		if row.Unreadable != "" {
			n.wrong("the row of the group %q in %s cannot be relied on: %s", group.Name, row.Domain, row.Unreadable)
			continue
		}
		roles = append(roles, row.Role)
	}
	if len(rows) == 0 {
		n.wrong("neither rules nor naming give the group %q a role (rows in the mapping table are not read here: write role in place of the group)", group.Key())
	}
	slices.Sort(roles)
	return slices.Compact(roles)
}

func partitionOf(roles []string) string {
	for _, arn := range roles {
		if role, err := studio.ParseRole(arn); err == nil {
			return role.Partition
		}
	}
	return "aws"
}

func inlinePolicies(n node, partition string) map[string]json.RawMessage {
	if !n.is(object) {
		return nil
	}
	all := map[string]json.RawMessage{}
	for _, e := range n.tree.entries {
		child := node{n.reader, join(n.path, e.key), e.value}
		switch {
		case !policyNameForm.pattern().MatchString(e.key):
			n.note(e.line, e.column, child.path, "want %s", policyNameForm.looks)
		case strings.EqualFold(e.key, FencePolicy):
			n.note(e.line, e.column, child.path, "is the name of the policy that every role gets (choose another name)")
		}
		all[e.key] = policyDocument(child, partition)
	}
	return all
}
