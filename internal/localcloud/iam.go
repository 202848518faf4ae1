package localcloud

import (
	"fmt"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/iam/types"
)

// iamState is IAM, by account: it is global, so Regions do not matter.
type iamState struct {
	mu       sync.Mutex
	accounts map[string]*iamAccount
	ofAWS    map[string]*managedPolicy // AWS managed policies that somebody asked for, by ARN
}

// iamAccount is the roles and managed policies of one account. Names that differ in case only are the same.
type iamAccount struct {
	roles    map[string]*iamRole       // by name, in lower case
	policies map[string]*managedPolicy // by name, in lower case
}

// iamRole is a role with what it may do.
type iamRole struct {
	types.Role
	trust    storedPolicy
	inline   map[string]storedPolicy   // by name
	attached map[string]*managedPolicy // by ARN
	boundary *managedPolicy            // nil: none
}

// managedPolicy is a customer managed policy with its versions, oldest first.
type managedPolicy struct {
	types.Policy
	versions []policyVersion
	issued   int // how many versions it has ever had
}

type policyVersion struct {
	id  string
	at  time.Time
	doc storedPolicy
}

// storedPolicy is a policy document as it came and as it is evaluated.
type storedPolicy struct {
	text   string
	parsed *policy
}

// iamService is IAM, as far as roles and their policies go. What it holds is enforced: see access.go.
func iamService(c *Cloud) service {
	s := &c.access
	return service{
		name: "iam", version: "2010-05-08",
		ops: map[string]operation{
			"CreateRole":               handle(nil, nil, s.createRole, "RoleName", "AssumeRolePolicyDocument"),
			"GetRole":                  handle(nil, nil, s.getRole, "RoleName"),
			"ListRoles":                handle(nil, nil, s.listRoles),
			"UpdateRole":               handle(nil, nil, s.updateRole, "RoleName"),
			"DeleteRole":               handle(nil, nil, s.deleteRole, "RoleName"),
			"UpdateAssumeRolePolicy":   handle(nil, nil, s.updateAssumeRolePolicy, "RoleName", "PolicyDocument"),
			"TagRole":                  handle(nil, nil, s.tagRole, "RoleName", "Tags"),
			"UntagRole":                handle(nil, nil, s.untagRole, "RoleName", "TagKeys"),
			"ListRoleTags":             handle(nil, nil, s.listRoleTags, "RoleName"),
			"PutRolePolicy":            handle(nil, nil, s.putRolePolicy, "RoleName", "PolicyName", "PolicyDocument"),
			"GetRolePolicy":            handle(nil, nil, s.getRolePolicy, "RoleName", "PolicyName"),
			"ListRolePolicies":         handle(nil, nil, s.listRolePolicies, "RoleName"),
			"DeleteRolePolicy":         handle(nil, nil, s.deleteRolePolicy, "RoleName", "PolicyName"),
			"CreatePolicy":             handle(nil, nil, s.createPolicy, "PolicyName", "PolicyDocument"),
			"GetPolicy":                handle(nil, nil, s.getPolicy, "PolicyArn"),
			"CreatePolicyVersion":      handle(nil, nil, s.createPolicyVersion, "PolicyArn", "PolicyDocument"),
			"GetPolicyVersion":         handle(nil, nil, s.getPolicyVersion, "PolicyArn", "VersionId"),
			"DeletePolicy":             handle(nil, nil, s.deletePolicy, "PolicyArn"),
			"AttachRolePolicy":         handle(nil, nil, s.attachRolePolicy, "RoleName", "PolicyArn"),
			"DetachRolePolicy":         handle(nil, nil, s.detachRolePolicy, "RoleName", "PolicyArn"),
			"ListAttachedRolePolicies": handle(nil, nil, s.listAttachedRolePolicies, "RoleName"),
			"SimulatePrincipalPolicy":  handle(nil, nil, s.simulatePrincipalPolicy, "PolicySourceArn", "ActionNames"),
		},
	}
}

// IAM's own patterns and lengths.
var (
	iamNamePattern    = whole(`[\w+=,.@-]+`)
	iamPathPattern    = whole(`/|/[\x21-\x7e]*/`)
	policyTextPattern = whole(`[\t\n\r\x20-\x{FF}]+`)
)

// Sizes and counts that IAM allows; whitespace in documents is not counted.
const (
	mostTrustPolicy    = 2048
	mostInlinePolicies = 10_240
	mostManagedPolicy  = 6144
	mostAttached       = 10
	mostVersions       = 5
)

// account is an account's IAM, made when it is first asked for. The caller holds s.mu.
func (s *iamState) account(id string) *iamAccount {
	if s.accounts == nil {
		s.accounts = map[string]*iamAccount{}
	}
	if s.accounts[id] == nil {
		s.accounts[id] = &iamAccount{roles: map[string]*iamRole{}, policies: map[string]*managedPolicy{}}
	}
	return s.accounts[id]
}

// role finds a role by its name. The caller holds s.mu.
func (s *iamState) role(account string, name *string) (*iamRole, error) {
	if r := s.account(account).roles[strings.ToLower(*name)]; r != nil {
		return r, nil
	}
	return nil, noSuchEntity("The role with name %s cannot be found.", *name)
}

// roleByARN finds a role of any account; nil: nobody created it. The caller holds s.mu.
func (s *iamState) roleByARN(arn string) *iamRole {
	parts := roleParts.FindStringSubmatch(arn)
	if parts == nil || s.accounts[parts[1]] == nil {
		return nil
	}
	if r := s.accounts[parts[1]].roles[strings.ToLower(parts[2])]; r != nil && *r.Arn == arn {
		return r
	}
	return nil
}

func noSuchEntity(format string, args ...any) *apiError {
	return errf(http.StatusNotFound, "NoSuchEntity", format, args...)
}

func alreadyExists(format string, args ...any) *apiError {
	return errf(http.StatusConflict, "EntityAlreadyExists", format, args...)
}

func deleteConflict(format string, args ...any) *apiError {
	return errf(http.StatusConflict, "DeleteConflict", format, args...)
}

func limitExceeded(format string, args ...any) *apiError {
	return errf(http.StatusConflict, "LimitExceeded", format, args...)
}

// iamName checks a name that becomes part of an ARN.
func (v *constraints) iamName(path string, name *string, longest int) {
	v.length(path, name, 1, longest)
	v.pattern(path, name, iamNamePattern)
}

func (v *constraints) iamPath(path *string) {
	v.length("path", path, 1, 512)
	v.pattern("path", path, iamPathPattern)
}

// policyText checks a document's characters before anybody reads it.
func (v *constraints) policyText(path string, text *string) {
	v.length(path, text, 1, 131_072)
	v.pattern(path, text, policyTextPattern)
}

func (v *constraints) iamVerdict() error {
	if err := v.verdict(); err != nil {
		return asQueryValidation(err)
	}
	return nil
}

// policySize is a document's length as IAM counts it.
func policySize(text string) int {
	n := 0
	for _, r := range text {
		if !strings.ContainsRune(" \t\r\n", r) {
			n++
		}
	}
	return n
}

// readStored parses a document that a request brings.
func readStored(text *string, kind policyKind) (storedPolicy, error) {
	parsed, err := parsePolicy(*text, kind)
	if err != nil {
		return storedPolicy{}, errf(http.StatusBadRequest, "MalformedPolicyDocument", "%v", err)
	}
	return storedPolicy{text: *text, parsed: parsed}, nil
}

// iamPage cuts a list to the page a request asks for. Markers are positions: lists are sorted by name.
func iamPage[T any](all []T, marker *string, most *int32, query ...string) (page []T, next *string, err error) {
	var v constraints
	v.between("maxItems", most, 1, 1000)
	if err := v.iamVerdict(); err != nil {
		return nil, nil, err
	}
	after, ok := pageStart(marker, query...)
	if !ok || after > uint64(len(all)) {
		return nil, nil, errf(http.StatusBadRequest, "ValidationError", "Invalid Marker.")
	}
	size := 100
	if most != nil {
		size = int(*most)
	}
	rest := all[after:]
	if len(rest) <= size {
		return rest, nil, nil
	}
	return rest[:size], pageToken(after+uint64(size), query...), nil
}

func iamARN(account, kind string, path, name *string) string {
	return fmt.Sprintf("arn:aws:iam::%s:%s%s%s", account, kind, *path, *name)
}
