package localcloud

import (
	"net/http"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/iam/types"
)

// simulatePrincipalPolicy tells what a role may do, from its policies and boundary, without doing it. As in
// IAM the condition keys are those that the request brings, and no others.
func (s *iamState) simulatePrincipalPolicy(c *call, in *iam.SimulatePrincipalPolicyInput) (*iam.SimulatePrincipalPolicyOutput, error) {
	keys, err := simulatedKeys(in)
	if err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	who, err := s.simulated(c, in)
	if err != nil {
		return nil, err
	}
	resources := in.ResourceArns
	if len(resources) == 0 {
		resources = []string{"*"}
	}
	results := []types.EvaluationResult{}
	for _, action := range in.ActionNames {
		for _, resource := range resources {
			results = append(results, who.simulate(accessRequest{action: action, resource: resource, keys: keys}))
		}
	}
	page, next, err := iamPage(results, in.Marker, in.MaxItems, "simulation", *in.PolicySourceArn)
	return &iam.SimulatePrincipalPolicyOutput{EvaluationResults: page, IsTruncated: next != nil, Marker: next}, err
}

// simulated is the authority a simulation is about: the role's, with the policies that the request adds.
func (s *iamState) simulated(c *call, in *iam.SimulatePrincipalPolicyInput) (authority, error) {
	r := s.roleByARN(*in.PolicySourceArn)
	if r == nil || !strings.Contains(*in.PolicySourceArn, "::"+c.account+":") {
		return authority{}, noSuchEntity("The role %s cannot be found.", *in.PolicySourceArn)
	}
	if unread := r.unread(); unread != "" {
		return authority{}, invalidInput("the local cloud does not have the text of %s, so it cannot simulate %s", unread, *in.PolicySourceArn)
	}
	who := r.authority()
	for _, text := range in.PolicyInputList {
		doc, err := readStored(&text, identityPolicy)
		if err != nil {
			return who, invalidInput("%s", asAPIError(err).Message)
		}
		who.policies = append(who.policies, doc.parsed)
	}
	switch bounds := in.PermissionsBoundaryPolicyInputList; {
	case len(bounds) > 1 || in.ResourcePolicy != nil:
		return who, invalidInput("the local cloud simulates without a ResourcePolicy, and with one permissions boundary at most")
	case len(bounds) == 1:
		doc, err := readStored(&bounds[0], identityPolicy)
		if err != nil {
			return who, invalidInput("%s", asAPIError(err).Message)
		}
		who.boundary = doc.parsed
	}
	return who, nil
}

func invalidInput(format string, args ...any) *apiError {
	return errf(http.StatusBadRequest, "InvalidInput", format, args...)
}

func simulatedKeys(in *iam.SimulatePrincipalPolicyInput) (contextKeys, error) {
	for _, action := range in.ActionNames {
		if !strings.Contains(action, ":") || strings.ContainsAny(action, "*?") {
			return nil, invalidInput("Invalid Action: %s is no service:Action.", action)
		}
	}
	keys := contextKeys{}
	for _, entry := range in.ContextEntries {
		if entry.ContextKeyName == nil || entry.ContextKeyType == "" {
			return nil, invalidInput("a context entry needs a name and a type")
		}
		keys[strings.ToLower(*entry.ContextKeyName)] = entry.ContextKeyValues
	}
	return keys, nil
}

func (a authority) simulate(r accessRequest) types.EvaluationResult {
	verdict, _ := a.decide(r)
	result := types.EvaluationResult{
		EvalActionName: &r.action, EvalResourceName: &r.resource,
		EvalDecision: types.PolicyEvaluationDecisionTypeImplicitDeny, MissingContextValues: a.missing(r),
	}
	switch verdict {
	case allowed:
		result.EvalDecision = types.PolicyEvaluationDecisionTypeAllowed
	case explicitDeny:
		result.EvalDecision = types.PolicyEvaluationDecisionTypeExplicitDeny
	}
	if a.boundary != nil {
		result.PermissionsBoundaryDecisionDetail = &types.PermissionsBoundaryDecisionDetail{
			AllowedByPermissionsBoundary: decide([]*policy{a.boundary}, r) == allowed,
		}
	}
	return result
}

// missing names the condition keys that policies ask for and the request does not bring.
func (a authority) missing(r accessRequest) []string {
	names := []string{}
	for _, p := range a.policies {
		for _, s := range p.statements {
			if matchesAny(s.actionPatterns, r.action, r.keys) == s.notAction {
				continue
			}
			for _, c := range s.conditions {
				if _, there := r.keys[c.key]; !there && !slices.Contains(names, c.name) {
					names = append(names, c.name)
				}
			}
		}
	}
	slices.Sort(names)
	return names
}
