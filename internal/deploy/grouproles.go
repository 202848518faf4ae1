package deploy

import (
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"unicode"

	"studiokeeper/internal/config"
	"studiokeeper/internal/studio"
)

const (
	// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html
	maxInline = 10240 // characters of a role's inline policies together, white space left out
	// https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/cloudformation-limits.html
	maxResources = 500 // of a template
)

// GroupRoles is the template of the execution roles that the configuration's
// groupRoles define in one account; "" is the only one that has any.
func GroupRoles(c *config.Config, account string) (*Template, error) {
	account, err := accountOfRoles(c, account)
	if err != nil {
		return nil, fmt.Errorf("generate the group roles: %w", err)
	}
	g := &generator{c, Options{}}
	t := &Template{
		description: "studiokeeper, deployment " + c.Deployment + ": the execution roles of groups in account " + account,
		header: "studiokeeper: deploy it in account " + account + ", before the mapping names these roles.\n" +
			"  aws cloudformation deploy --stack-name studiokeeper-group-roles --template-file FILE --capabilities CAPABILITY_NAMED_IAM\n",
	}
	for _, def := range c.GroupRoles {
		for _, arn := range def.Roles {
			if accountOf(arn) != account {
				continue
			}
			if err := g.groupRole(t, def, arn); err != nil {
				return nil, err
			}
		}
	}
	if len(t.resources) > maxResources {
		return nil, fmt.Errorf("generate the group roles: %w: account %s has %d, and a template takes %d (define some of them elsewhere)", ErrTooLarge, account, len(t.resources), maxResources)
	}
	return t, nil
}

// accountOfRoles is the account whose roles are meant.
func accountOfRoles(c *config.Config, account string) (string, error) {
	var all []string
	for _, def := range c.GroupRoles {
		for _, arn := range def.Roles {
			all = append(all, accountOf(arn))
		}
	}
	slices.Sort(all)
	all = slices.Compact(all)
	switch {
	case len(all) == 0:
		return "", fmt.Errorf("%w: groupRoles defines none (write there which group's role has which policies)", config.ErrInvalid)
	case account == "" && len(all) == 1:
		return all[0], nil
	case account == "":
		return "", fmt.Errorf("%w: groupRoles defines some in the accounts %s (choose one: every account has its own template)", config.ErrInvalid, strings.Join(all, ", "))
	case !slices.Contains(all, account):
		return "", fmt.Errorf("%w: groupRoles defines none in account %s (there are some in %s)", config.ErrInvalid, account, strings.Join(all, ", "))
	}
	return account, nil
}

func (g *generator) groupRole(t *Template, def config.GroupRole, arn string) error {
	role, err := studio.ParseRole(arn)
	if err != nil {
		return fmt.Errorf("generate the group roles: %w", err)
	}
	policies, err := inlinePolicies(def, role)
	if err != nil {
		return fmt.Errorf("generate the role %s: %w", arn, err)
	}
	properties := object{
		{"RoleName", role.Name}, {"Path", role.Path}, {"Description", "studiokeeper, deployment " + g.Deployment + ": the execution role of a group's Studio profiles"},
		{"AssumeRolePolicyDocument", studioTrust()},
	}
	if len(def.ManagedPolicies) > 0 {
		properties = append(properties, field{"ManagedPolicyArns", def.ManagedPolicies})
	}
	properties = append(properties, field{"Policies", policies})
	if def.Boundary != "" {
		properties = append(properties, field{"PermissionsBoundary", def.Boundary})
	}
	t.add(roleID(role), "AWS::IAM::Role", append(properties, field{"Tags", g.tags()}))
	return nil
}

// inlinePolicies are the definition's own and the fence.
func inlinePolicies(def config.GroupRole, role studio.Role) ([]any, error) {
	fence := fence(role)
	policies, characters := []any{inline(config.FencePolicy, fence.object())}, size(fence)
	for _, name := range slices.Sorted(maps.Keys(def.InlinePolicies)) {
		text := def.InlinePolicies[name]
		characters += len(strings.Join(strings.Fields(string(text)), ""))
		var document any
		if err := json.Unmarshal(text, &document); err != nil {
			return nil, fmt.Errorf("read the policy %s: %w", name, err)
		}
		policies = append(policies, inline(name, document))
	}
	if characters > maxInline {
		return nil, fmt.Errorf("%w: its inline policies have %d characters with the fence, and a role takes %d (move statements into a managed policy)", ErrTooLarge, characters, maxInline)
	}
	return policies, nil
}

// fence denies what managed policies may allow, and what would let the holder
// take another role: AmazonSageMakerFullAccess allows some of it.
func fence(role studio.Role) Document {
	deny := allow("KeepToTheGroupsRole", config.EscapeActions(), "arn:"+role.Partition+":sagemaker:*:*:user-profile/*")
	deny.Effect = "Deny"
	return document(deny)
}

// roleID is a name in the template that stays the same when definitions come
// and go: CloudFormation would make the role anew under another.
func roleID(role studio.Role) string {
	letters := strings.Map(func(r rune) rune {
		if r < unicode.MaxASCII && (unicode.IsLetter(r) || unicode.IsDigit(r)) {
			return r
		}
		return -1
	}, role.Name)
	return fmt.Sprintf("Role%s%x", letters, sha256.Sum256([]byte(role.Path+role.Name)))[:len("Role")+len(letters)+8]
}
