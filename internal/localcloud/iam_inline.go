package localcloud

import (
	"maps"

	"github.com/aws/aws-sdk-go-v2/service/iam"
)

func (s *iamState) putRolePolicy(c *call, in *iam.PutRolePolicyInput) (*iam.PutRolePolicyOutput, error) {
	var v constraints
	v.iamName("policyName", in.PolicyName, 128)
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
	doc, err := readStored(in.PolicyDocument, identityPolicy)
	if err != nil {
		return nil, err
	}
	inline := maps.Clone(r.inline)
	inline[*in.PolicyName] = doc
	size := 0
	for _, p := range inline {
		size += policySize(p.text)
	}
	if size > mostInlinePolicies {
		return nil, limitExceeded("Maximum policy size of %d bytes exceeded for role %s", mostInlinePolicies, *in.RoleName)
	}
	r.inline = inline
	return &iam.PutRolePolicyOutput{}, nil
}

func (s *iamState) getRolePolicy(c *call, in *iam.GetRolePolicyInput) (*iam.GetRolePolicyOutput, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	r, err := s.role(c.account, in.RoleName)
	if err != nil {
		return nil, err
	}
	doc, ok := r.inline[*in.PolicyName]
	if !ok {
		return nil, noSuchEntity("The role policy with name %s cannot be found.", *in.PolicyName)
	}
	return &iam.GetRolePolicyOutput{RoleName: r.RoleName, PolicyName: in.PolicyName, PolicyDocument: encodedPolicy(doc.text)}, nil
}

func (s *iamState) listRolePolicies(c *call, in *iam.ListRolePoliciesInput) (*iam.ListRolePoliciesOutput, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	r, err := s.role(c.account, in.RoleName)
	if err != nil {
		return nil, err
	}
	page, next, err := iamPage(sortedKeys(r.inline), in.Marker, in.MaxItems, "inline", *in.RoleName)
	if page == nil {
		page = []string{}
	}
	return &iam.ListRolePoliciesOutput{PolicyNames: page, IsTruncated: next != nil, Marker: next}, err
}

func (s *iamState) deleteRolePolicy(c *call, in *iam.DeleteRolePolicyInput) (*iam.DeleteRolePolicyOutput, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	r, err := s.role(c.account, in.RoleName)
	if err != nil {
		return nil, err
	}
	if _, ok := r.inline[*in.PolicyName]; !ok {
		return nil, noSuchEntity("The role policy with name %s cannot be found.", *in.PolicyName)
	}
	r.inline = maps.Clone(r.inline)
	delete(r.inline, *in.PolicyName)
	return &iam.DeleteRolePolicyOutput{}, nil
}
