package localcloud

import (
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/iam/types"
)

func (s *iamState) createRole(c *call, in *iam.CreateRoleInput) (*iam.CreateRoleOutput, error) {
	if err := checkRole(in); err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	trust, err := s.readTrust(in.RoleName, in.AssumeRolePolicyDocument)
	if err != nil {
		return nil, err
	}
	home := s.account(c.account)
	if home.roles[strings.ToLower(*in.RoleName)] != nil {
		return nil, alreadyExists("Role with name %s already exists.", *in.RoleName)
	}
	boundary, err := s.boundary(in.PermissionsBoundary)
	if err != nil {
		return nil, err
	}
	r := newRole(c, in)
	r.trust, r.boundary = trust, boundary
	home.roles[strings.ToLower(*in.RoleName)] = r
	return &iam.CreateRoleOutput{Role: r.described()}, nil
}

func checkRole(in *iam.CreateRoleInput) error {
	var v constraints
	v.iamName("roleName", in.RoleName, 64)
	v.iamPath(in.Path)
	v.policyText("assumeRolePolicyDocument", in.AssumeRolePolicyDocument)
	v.length("description", in.Description, 0, 1000)
	v.between("maxSessionDuration", in.MaxSessionDuration, 3600, 43200)
	v.length("permissionsBoundary", in.PermissionsBoundary, 20, 2048)
	v.roleTags(in.Tags)
	return v.iamVerdict()
}

func (v *constraints) roleTags(tags []types.Tag) {
	v.size("tags", len(tags), 0, mostTags)
	for _, tag := range tags {
		if tag.Key == nil || tag.Value == nil {
			v.violate("Value at 'tags' failed to satisfy constraint: Member must not be null")
		}
		v.length("tags.member.key", tag.Key, 1, 128)
		v.tagText("tags.member.key", tag.Key)
		v.length("tags.member.value", tag.Value, 0, 256)
		v.tagText("tags.member.value", tag.Value)
	}
}

func newRole(c *call, in *iam.CreateRoleInput) *iamRole {
	r := &iamRole{inline: map[string]storedPolicy{}, attached: map[string]*managedPolicy{}}
	copyMembers(&r.Role, in)
	r.AssumeRolePolicyDocument, r.PermissionsBoundary = nil, nil
	if r.Path == nil {
		r.Path = aws.String("/")
	}
	if r.MaxSessionDuration == nil {
		r.MaxSessionDuration = aws.Int32(3600)
	}
	r.Arn = aws.String(iamARN(c.account, "role", r.Path, r.RoleName))
	r.RoleId = aws.String("AROA" + randomKey(17))
	r.CreateDate = &c.now
	return r
}

// described is a role as answers show it: its trust policy is URL-encoded.
func (r *iamRole) described() *types.Role {
	shown := r.Role
	shown.AssumeRolePolicyDocument = encodedPolicy(r.trust.text)
	if r.boundary != nil {
		shown.PermissionsBoundary = &types.AttachedPermissionsBoundary{
			PermissionsBoundaryArn: r.boundary.Arn, PermissionsBoundaryType: types.PermissionsBoundaryAttachmentTypePolicy,
		}
	}
	shown.Tags = slices.Clone(r.Tags)
	return &shown
}

// encodedPolicy is a document as answers carry it, with every reserved character escaped.
func encodedPolicy(text string) *string {
	return aws.String(strings.ReplaceAll(url.QueryEscape(text), "+", "%20"))
}

// readTrust parses a trust policy. Roles that it names must exist. The caller holds s.mu.
func (s *iamState) readTrust(role, text *string) (storedPolicy, error) {
	trust, err := readStored(text, trustPolicy)
	if err != nil {
		return trust, err
	}
	if policySize(*text) > mostTrustPolicy {
		return trust, limitExceeded("Cannot exceed quota for ACLSizePerRole: %d", mostTrustPolicy)
	}
	for _, statement := range trust.parsed.statements {
		for _, arn := range statement.principals.aws {
			if strings.Contains(arn, ":role/") && s.roleByARN(arn) == nil {
				return trust, errf(http.StatusBadRequest, "MalformedPolicyDocument",
					`Invalid principal in policy: "AWS":%q (the trust policy of %s may only name roles that exist)`, arn, *role)
			}
		}
	}
	return trust, nil
}

func (s *iamState) getRole(c *call, in *iam.GetRoleInput) (*iam.GetRoleOutput, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	r, err := s.role(c.account, in.RoleName)
	if err != nil {
		return nil, err
	}
	return &iam.GetRoleOutput{Role: r.described()}, nil
}

func (s *iamState) listRoles(c *call, in *iam.ListRolesInput) (*iam.ListRolesOutput, error) {
	var v constraints
	v.length("pathPrefix", in.PathPrefix, 1, 512)
	if err := v.iamVerdict(); err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	home := s.account(c.account)
	all := []types.Role{}
	for _, name := range sortedKeys(home.roles) {
		shown := home.roles[name].described()
		// Lists leave these out, as IAM does.
		shown.Tags, shown.PermissionsBoundary = nil, nil
		if strings.HasPrefix(*shown.Path, aws.ToString(in.PathPrefix)) {
			all = append(all, *shown)
		}
	}
	page, next, err := iamPage(all, in.Marker, in.MaxItems, "roles", aws.ToString(in.PathPrefix))
	return &iam.ListRolesOutput{Roles: page, IsTruncated: next != nil, Marker: next}, err
}

func (s *iamState) updateRole(c *call, in *iam.UpdateRoleInput) (*iam.UpdateRoleOutput, error) {
	var v constraints
	v.length("description", in.Description, 0, 1000)
	v.between("maxSessionDuration", in.MaxSessionDuration, 3600, 43200)
	if err := v.iamVerdict(); err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	r, err := s.role(c.account, in.RoleName)
	if err != nil {
		return nil, err
	}
	name := r.RoleName
	copyPresentMembers(&r.Role, in)
	r.RoleName = name
	return &iam.UpdateRoleOutput{}, nil
}

func (s *iamState) deleteRole(c *call, in *iam.DeleteRoleInput) (*iam.DeleteRoleOutput, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	r, err := s.role(c.account, in.RoleName)
	switch {
	case err != nil:
		return nil, err
	case len(r.attached) > 0:
		return nil, deleteConflict("Cannot delete entity, must detach all policies first.")
	case len(r.inline) > 0:
		return nil, deleteConflict("Cannot delete entity, must delete policies first.")
	}
	delete(s.account(c.account).roles, strings.ToLower(*in.RoleName))
	return &iam.DeleteRoleOutput{}, nil
}

func (s *iamState) updateAssumeRolePolicy(c *call, in *iam.UpdateAssumeRolePolicyInput) (*iam.UpdateAssumeRolePolicyOutput, error) {
	var v constraints
	v.policyText("policyDocument", in.PolicyDocument)
	if err := v.iamVerdict(); err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	r, err := s.role(c.account, in.RoleName)
	if err != nil {
		return nil, err
	}
	if r.trust, err = s.replaced(r.trust, in); err != nil {
		return nil, err
	}
	return &iam.UpdateAssumeRolePolicyOutput{}, nil
}

// replaced is the trust policy that an update brings, or the old one when it is refused.
func (s *iamState) replaced(old storedPolicy, in *iam.UpdateAssumeRolePolicyInput) (storedPolicy, error) {
	trust, err := s.readTrust(in.RoleName, in.PolicyDocument)
	if err != nil {
		return old, err
	}
	return trust, nil
}

func (s *iamState) tagRole(c *call, in *iam.TagRoleInput) (*iam.TagRoleOutput, error) {
	var v constraints
	v.roleTags(in.Tags)
	if err := v.iamVerdict(); err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	r, err := s.role(c.account, in.RoleName)
	if err != nil {
		return nil, err
	}
	tags := r.Tags
	for _, tag := range in.Tags {
		tags = append(withoutTags(tags, []string{*tag.Key}), tag)
	}
	if len(tags) > mostTags {
		return nil, limitExceeded("The number of tags has reached the maximum limit.")
	}
	r.Tags = tags
	return &iam.TagRoleOutput{}, nil
}

func (s *iamState) untagRole(c *call, in *iam.UntagRoleInput) (*iam.UntagRoleOutput, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	r, err := s.role(c.account, in.RoleName)
	if err != nil {
		return nil, err
	}
	r.Tags = withoutTags(r.Tags, in.TagKeys)
	return &iam.UntagRoleOutput{}, nil
}

// withoutTags is a copy without some keys, which IAM compares without regard to case.
func withoutTags(tags []types.Tag, keys []string) []types.Tag {
	return slices.DeleteFunc(slices.Clone(tags), func(tag types.Tag) bool {
		return slices.ContainsFunc(keys, func(key string) bool { return strings.EqualFold(key, *tag.Key) })
	})
}

func (s *iamState) listRoleTags(c *call, in *iam.ListRoleTagsInput) (*iam.ListRoleTagsOutput, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	r, err := s.role(c.account, in.RoleName)
	if err != nil {
		return nil, err
	}
	page, next, err := iamPage(slices.Clone(r.Tags), in.Marker, in.MaxItems, "tags", *in.RoleName)
	if page == nil {
		page = []types.Tag{}
	}
	return &iam.ListRoleTagsOutput{Tags: page, IsTruncated: next != nil, Marker: next}, err
}
