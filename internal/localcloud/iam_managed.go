package localcloud

import (
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/iam/types"
)

var policyARNPattern = whole(`arn:aws[a-z-]*:iam::(?:\d{12}|aws):policy/[\x21-\x7e]+`)

func (s *iamState) createPolicy(c *call, in *iam.CreatePolicyInput) (*iam.CreatePolicyOutput, error) {
	var v constraints
	v.iamName("policyName", in.PolicyName, 128)
	v.iamPath(in.Path)
	v.policyText("policyDocument", in.PolicyDocument)
	v.length("description", in.Description, 0, 1000)
	v.roleTags(in.Tags)
	if err := v.iamVerdict(); err != nil {
		return nil, err
	}
	doc, err := readManaged(in.PolicyDocument)
	if err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	home := s.account(c.account)
	if home.policies[strings.ToLower(*in.PolicyName)] != nil {
		return nil, alreadyExists("A policy called %s already exists. Duplicate names are not allowed.", *in.PolicyName)
	}
	p := newManagedPolicy(c, in, doc)
	home.policies[strings.ToLower(*in.PolicyName)] = p
	return &iam.CreatePolicyOutput{Policy: s.describedPolicy(p)}, nil
}

func readManaged(text *string) (storedPolicy, error) {
	doc, err := readStored(text, identityPolicy)
	if err == nil && policySize(*text) > mostManagedPolicy {
		err = limitExceeded("Cannot exceed quota for PolicySize: %d", mostManagedPolicy)
	}
	return doc, err
}

func newManagedPolicy(c *call, in *iam.CreatePolicyInput, doc storedPolicy) *managedPolicy {
	p := &managedPolicy{}
	copyMembers(&p.Policy, in)
	if p.Path == nil {
		p.Path = aws.String("/")
	}
	p.Arn = aws.String(iamARN(c.account, "policy", p.Path, p.PolicyName))
	p.PolicyId = aws.String("ANPA" + randomKey(17))
	p.CreateDate, p.IsAttachable = &c.now, true
	p.DefaultVersionId = p.add(doc, c.now)
	return p
}

// add makes a new version and gives its id.
func (p *managedPolicy) add(doc storedPolicy, now time.Time) *string {
	p.issued++
	id := fmt.Sprintf("v%d", p.issued)
	p.versions = append(slices.Clone(p.versions), policyVersion{id: id, at: now, doc: doc})
	p.UpdateDate = &now
	return &id
}

func (p *managedPolicy) version(id string) *policyVersion {
	for i := range p.versions {
		if p.versions[i].id == id {
			return &p.versions[i]
		}
	}
	return nil
}

// inForce is the default version.
func (p *managedPolicy) inForce() *policy { return p.version(*p.DefaultVersionId).doc.parsed }

// describedPolicy is a policy as answers show it, with how often it is used. The caller holds s.mu.
func (s *iamState) describedPolicy(p *managedPolicy) *types.Policy {
	shown := p.Policy
	attached, bounding := s.uses(p)
	shown.AttachmentCount, shown.PermissionsBoundaryUsageCount = aws.Int32(attached), aws.Int32(bounding)
	return &shown
}

// uses counts the roles that a policy is attached to, and those it bounds. The caller holds s.mu.
func (s *iamState) uses(p *managedPolicy) (attached, bounding int32) {
	for _, home := range s.accounts {
		for _, r := range home.roles {
			if r.attached[*p.Arn] != nil {
				attached++
			}
			if r.boundary == p {
				bounding++
			}
		}
	}
	return attached, bounding
}

// managed finds a policy of the caller's account by its ARN. The caller holds s.mu.
func (s *iamState) managed(account string, arn *string) (*managedPolicy, error) {
	if !policyARNPattern.MatchString(*arn) {
		return nil, errf(http.StatusBadRequest, "ValidationError", "ARN %s is not valid.", *arn)
	}
	for _, p := range s.account(account).policies {
		if *p.Arn == *arn {
			return p, nil
		}
	}
	return nil, noSuchEntity("Policy %s was not found.", *arn)
}

// boundary finds the policy that is to bound a role; nil is none. The caller holds s.mu.
func (s *iamState) boundary(arn *string) (*managedPolicy, error) {
	if arn == nil {
		return nil, nil
	}
	account := strings.SplitN(*arn+"::::::", ":", 6)[4]
	p, err := s.attachable(account, arn)
	if err != nil {
		return nil, noSuchEntity("Scope ARN: %s does not exist or is not attachable.", *arn)
	}
	return p, nil
}

func (s *iamState) getPolicy(c *call, in *iam.GetPolicyInput) (*iam.GetPolicyOutput, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	p, err := s.attachable(c.account, in.PolicyArn)
	if err != nil {
		return nil, err
	}
	return &iam.GetPolicyOutput{Policy: s.describedPolicy(p)}, nil
}

func (s *iamState) createPolicyVersion(c *call, in *iam.CreatePolicyVersionInput) (*iam.CreatePolicyVersionOutput, error) {
	doc, err := readManaged(in.PolicyDocument)
	if err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	p, err := s.managed(c.account, in.PolicyArn)
	if err != nil {
		return nil, err
	}
	if len(p.versions) >= mostVersions {
		return nil, limitExceeded("A managed policy can have up to %d versions. Before you create a new version, you must delete an existing version.", mostVersions)
	}
	id := p.add(doc, c.now)
	if in.SetAsDefault {
		p.DefaultVersionId = id
	}
	return &iam.CreatePolicyVersionOutput{PolicyVersion: &types.PolicyVersion{
		VersionId: id, CreateDate: &c.now, IsDefaultVersion: in.SetAsDefault,
	}}, nil
}

func (s *iamState) getPolicyVersion(c *call, in *iam.GetPolicyVersionInput) (*iam.GetPolicyVersionOutput, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	p, err := s.attachable(c.account, in.PolicyArn)
	if err != nil {
		return nil, err
	}
	v := p.version(*in.VersionId)
	if v == nil {
		return nil, noSuchEntity("Policy %s version %s does not exist or is not attachable.", *in.PolicyArn, *in.VersionId)
	}
	if v.doc.text == "" {
		return nil, noSuchEntity("The local cloud does not have the text of the AWS managed policy %s.", *in.PolicyArn)
	}
	return &iam.GetPolicyVersionOutput{PolicyVersion: &types.PolicyVersion{
		VersionId: &v.id, CreateDate: &v.at, Document: encodedPolicy(v.doc.text), IsDefaultVersion: v.id == *p.DefaultVersionId,
	}}, nil
}

func (s *iamState) deletePolicy(c *call, in *iam.DeletePolicyInput) (*iam.DeletePolicyOutput, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	p, err := s.managed(c.account, in.PolicyArn)
	if err != nil {
		return nil, err
	}
	if attached, bounding := s.uses(p); attached+bounding > 0 {
		return nil, deleteConflict("Cannot delete a policy attached to entities.")
	}
	if len(p.versions) > 1 {
		return nil, deleteConflict("This policy has more than one version. Before you delete a policy, you must delete the policy's versions. The default version is deleted with the policy.")
	}
	delete(s.account(c.account).policies, strings.ToLower(*p.PolicyName))
	return &iam.DeletePolicyOutput{}, nil
}

func (s *iamState) attachRolePolicy(c *call, in *iam.AttachRolePolicyInput) (*iam.AttachRolePolicyOutput, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	r, err := s.role(c.account, in.RoleName)
	if err != nil {
		return nil, err
	}
	p, err := s.attachable(c.account, in.PolicyArn)
	if err != nil {
		return nil, noSuchEntity("Policy %s does not exist or is not attachable.", *in.PolicyArn)
	}
	if r.attached[*p.Arn] == nil && len(r.attached) >= mostAttached {
		return nil, limitExceeded("Cannot exceed quota for PoliciesPerRole: %d", mostAttached)
	}
	r.attached = maps.Clone(r.attached)
	r.attached[*p.Arn] = p
	return &iam.AttachRolePolicyOutput{}, nil
}

func (s *iamState) detachRolePolicy(c *call, in *iam.DetachRolePolicyInput) (*iam.DetachRolePolicyOutput, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	r, err := s.role(c.account, in.RoleName)
	if err != nil {
		return nil, err
	}
	if r.attached[*in.PolicyArn] == nil {
		return nil, noSuchEntity("Policy %s was not found.", *in.PolicyArn)
	}
	r.attached = maps.Clone(r.attached)
	delete(r.attached, *in.PolicyArn)
	return &iam.DetachRolePolicyOutput{}, nil
}

func (s *iamState) listAttachedRolePolicies(c *call, in *iam.ListAttachedRolePoliciesInput) (*iam.ListAttachedRolePoliciesOutput, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	r, err := s.role(c.account, in.RoleName)
	if err != nil {
		return nil, err
	}
	all := []types.AttachedPolicy{}
	for _, arn := range sortedKeys(r.attached) {
		if p := r.attached[arn]; strings.HasPrefix(*p.Path, aws.ToString(in.PathPrefix)) {
			all = append(all, types.AttachedPolicy{PolicyArn: p.Arn, PolicyName: p.PolicyName})
		}
	}
	page, next, err := iamPage(all, in.Marker, in.MaxItems, "attached", *in.RoleName, aws.ToString(in.PathPrefix))
	return &iam.ListAttachedRolePoliciesOutput{AttachedPolicies: page, IsTruncated: next != nil, Marker: next}, err
}
