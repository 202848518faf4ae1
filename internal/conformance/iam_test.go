package conformance

import (
	"context"
	"fmt"
	"net/url"
	"slices"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/iam/types"
)

// ownPath is the path of all roles and policies that a run makes.
const ownPath = "/studiokeeper-conformance/"

// policyName has no run in it, so that what was left behind is found without a list.
const policyName = "studiokeeper-conformance"

const trustSageMaker = `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Service":"sagemaker.amazonaws.com"},"Action":"sts:AssumeRole"}]}`

// policy is a document that allows actions on a resource.
func policy(resource string, actions ...string) string {
	list := ""
	for n, action := range actions {
		if n > 0 {
			list += ","
		}
		list += fmt.Sprintf("%q", action)
	}
	return fmt.Sprintf(`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":[%s],"Resource":%q}]}`, list, resource)
}

// iamRole makes a role with an inline policy; "" is none.
func (c *trial) iamRole(trust, inline string) (name, arn string) {
	c.t.Helper()
	// IAM's names have 64 characters.
	name = c.named("role")
	out, err := c.access().CreateRole(c.ctx(), &iam.CreateRoleInput{
		RoleName: &name, Path: aws.String(ownPath), AssumeRolePolicyDocument: &trust, Tags: []types.Tag{{Key: aws.String(ownTag), Value: &c.run}},
	})
	c.must(err, "making role %s", name)
	c.afterwards("role "+name, func(ctx context.Context) error { return c.removeRole(ctx, name) })
	if inline != "" {
		c.must(c.allow(name, inline), "giving role %s its policy", name)
	}
	return name, *out.Role.Arn
}

func (c *trial) allow(role, document string) error {
	_, err := c.access().PutRolePolicy(c.ctx(), &iam.PutRolePolicyInput{RoleName: &role, PolicyName: aws.String("access"), PolicyDocument: &document})
	return err
}

// removeRole takes a role away with all that hangs on it.
func (g *target) removeRole(ctx context.Context, name string) error {
	inline, err := g.access().ListRolePolicies(ctx, &iam.ListRolePoliciesInput{RoleName: &name})
	if err != nil {
		return err
	}
	for _, one := range inline.PolicyNames {
		if _, err := g.access().DeleteRolePolicy(ctx, &iam.DeleteRolePolicyInput{RoleName: &name, PolicyName: &one}); err != nil {
			return err
		}
	}
	attached, err := g.access().ListAttachedRolePolicies(ctx, &iam.ListAttachedRolePoliciesInput{RoleName: &name})
	if err != nil {
		return err
	}
	for _, one := range attached.AttachedPolicies {
		if _, err := g.access().DetachRolePolicy(ctx, &iam.DetachRolePolicyInput{RoleName: &name, PolicyArn: one.PolicyArn}); err != nil {
			return err
		}
	}
	_, err = g.access().DeleteRole(ctx, &iam.DeleteRoleInput{RoleName: &name})
	return err
}

func (g *target) policyARN() string {
	return "arn:" + partition(g.application) + ":iam::" + g.account + ":policy" + ownPath + policyName
}

func (g *target) removePolicy(ctx context.Context) error {
	_, err := g.access().DeletePolicy(ctx, &iam.DeletePolicyInput{PolicyArn: aws.String(g.policyARN())})
	return err
}

func (c *trial) managed(document string) error {
	_, err := c.access().CreatePolicy(c.ctx(), &iam.CreatePolicyInput{PolicyName: aws.String(policyName), Path: aws.String(ownPath), PolicyDocument: &document})
	if err == nil {
		c.afterwards("policy "+policyName, c.removePolicy)
	}
	return err
}

func roleContracts() []contract {
	return []contract{
		{says: "a role that does not exist is NoSuchEntity", hold: func(c *trial) {
			_, err := c.access().GetRole(c.ctx(), &iam.GetRoleInput{RoleName: aws.String(policyName + "-none")})
			c.refused("GetRole", err, "NoSuchEntity")
		}},
		{says: "a role is found by its name alone, with its path in the ARN and its trust URL-encoded", hold: func(c *trial) {
			name, arn := c.iamRole(trustSageMaker, "")
			out, err := c.access().GetRole(c.ctx(), &iam.GetRoleInput{RoleName: &name})
			c.must(err, "GetRole")
			c.want(*out.Role.Arn == arn && *out.Role.Path == ownPath, "it is %s on %s", *out.Role.Arn, *out.Role.Path)
			document, err := url.QueryUnescape(*out.Role.AssumeRolePolicyDocument)
			c.want(err == nil && document == trustSageMaker, "its trust is %s", *out.Role.AssumeRolePolicyDocument)
		}},
		{says: "inline policies are listed by name, and read URL-encoded", hold: func(c *trial) {
			want := policy("*", "s3:GetObject")
			name, _ := c.iamRole(trustSageMaker, want)
			list, err := c.access().ListRolePolicies(c.ctx(), &iam.ListRolePoliciesInput{RoleName: &name})
			c.must(err, "ListRolePolicies")
			c.want(slices.Equal(list.PolicyNames, []string{"access"}), "the policies are %v", list.PolicyNames)
			out, err := c.access().GetRolePolicy(c.ctx(), &iam.GetRolePolicyInput{RoleName: &name, PolicyName: aws.String("access")})
			c.must(err, "GetRolePolicy")
			document, err := url.QueryUnescape(*out.PolicyDocument)
			c.want(err == nil && document == want, "the policy is %s", *out.PolicyDocument)
		}},
		{says: "a managed policy is read in its default version", hold: func(c *trial) {
			want := policy("*", "s3:GetObject")
			c.must(c.managed(want), "CreatePolicy")
			name, _ := c.iamRole(trustSageMaker, "")
			_, err := c.access().AttachRolePolicy(c.ctx(), &iam.AttachRolePolicyInput{RoleName: &name, PolicyArn: aws.String(c.policyARN())})
			c.must(err, "AttachRolePolicy")
			list, err := c.access().ListAttachedRolePolicies(c.ctx(), &iam.ListAttachedRolePoliciesInput{RoleName: &name})
			c.must(err, "ListAttachedRolePolicies")
			c.want(len(list.AttachedPolicies) == 1 && *list.AttachedPolicies[0].PolicyArn == c.policyARN(), "the policies are %v", list.AttachedPolicies)
			is, err := c.access().GetPolicy(c.ctx(), &iam.GetPolicyInput{PolicyArn: aws.String(c.policyARN())})
			c.must(err, "GetPolicy")
			out, err := c.access().GetPolicyVersion(c.ctx(), &iam.GetPolicyVersionInput{PolicyArn: aws.String(c.policyARN()), VersionId: is.Policy.DefaultVersionId})
			c.must(err, "GetPolicyVersion")
			document, err := url.QueryUnescape(*out.PolicyVersion.Document)
			c.want(err == nil && document == want, "version %s is %s", *is.Policy.DefaultVersionId, *out.PolicyVersion.Document)
		}},
		{says: "a role with policies is not deleted: DeleteConflict", hold: func(c *trial) {
			name, _ := c.iamRole(trustSageMaker, policy("*", "s3:GetObject"))
			_, err := c.access().DeleteRole(c.ctx(), &iam.DeleteRoleInput{RoleName: &name})
			c.refused("DeleteRole", err, "DeleteConflict")
		}},
		{says: "a policy that is none is MalformedPolicyDocument", hold: func(c *trial) {
			name, _ := c.iamRole(trustSageMaker, "")
			c.refused("PutRolePolicy", c.allow(name, `{"Version":"2012-10-17","Statement":[{"Effect":"Perhaps"}]}`), "MalformedPolicyDocument")
		}},
		{says: "a role's name is given once, whatever the path: EntityAlreadyExists", hold: func(c *trial) {
			name, _ := c.iamRole(trustSageMaker, "")
			_, err := c.access().CreateRole(c.ctx(), &iam.CreateRoleInput{RoleName: &name, Path: aws.String(ownPath + "other/"), AssumeRolePolicyDocument: aws.String(trustSageMaker)})
			c.refused("CreateRole", err, "EntityAlreadyExists")
		}},
	}
}

// decide asks what a role may do.
func (c *trial) decide(arn, action, resource string, context ...string) (types.EvaluationResult, error) {
	in := &iam.SimulatePrincipalPolicyInput{PolicySourceArn: &arn, ActionNames: []string{action}, ResourceArns: []string{resource}}
	for n := 0; n < len(context); n += 2 {
		in.ContextEntries = append(in.ContextEntries, types.ContextEntry{ContextKeyName: &context[n], ContextKeyValues: []string{context[n+1]}, ContextKeyType: types.ContextKeyTypeEnumString})
	}
	out, err := c.access().SimulatePrincipalPolicy(c.ctx(), in)
	if err != nil {
		return types.EvaluationResult{}, err
	}
	if len(out.EvaluationResults) != 1 {
		return types.EvaluationResult{}, fmt.Errorf("there are %d results", len(out.EvaluationResults))
	}
	return out.EvaluationResults[0], nil
}

// decides wants a decision, once IAM knows the role's policy.
func (c *trial) decides(want types.PolicyEvaluationDecisionType, arn, action, resource string, context ...string) {
	c.t.Helper()
	var got types.EvaluationResult
	err := c.until(fmt.Sprintf("%s on %s with %v is %s", action, resource, context, want), func() (ok bool, err error) {
		got, err = c.decide(arn, action, resource, context...)
		return got.EvalDecision == want, err
	})
	c.want(err == nil, "%v: it is %s", err, got.EvalDecision)
}

func simulationContracts() []contract {
	const allowed, implicit, explicit = types.PolicyEvaluationDecisionTypeAllowed, types.PolicyEvaluationDecisionTypeImplicitDeny, types.PolicyEvaluationDecisionTypeExplicitDeny
	return []contract{
		{says: "a simulation tells allowed from implicitly and explicitly denied", hold: func(c *trial) {
			_, arn := c.iamRole(trustSageMaker, `{"Version":"2012-10-17","Statement":[
				{"Effect":"Allow","Action":"s3:*","Resource":"arn:aws:s3:::open/*"},{"Effect":"Deny","Action":"s3:DeleteObject","Resource":"*"}]}`)
			c.decides(allowed, arn, "s3:GetObject", "arn:aws:s3:::open/x")
			c.decides(implicit, arn, "s3:GetObject", "arn:aws:s3:::closed/x")
			c.decides(explicit, arn, "s3:DeleteObject", "arn:aws:s3:::open/x")
		}},
		{says: "iam:PassRole is fenced by role path and iam:PassedToService", hold: func(c *trial) {
			roles := "arn:" + partition(c.application) + ":iam::" + c.account + ":role/studio/"
			_, arn := c.iamRole(trustSageMaker, fmt.Sprintf(`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"iam:PassRole","Resource":"%s*",
				"Condition":{"StringEquals":{"iam:PassedToService":"sagemaker.amazonaws.com"}}}]}`, roles))
			c.decides(allowed, arn, "iam:PassRole", roles+"ad-group-1", "iam:PassedToService", "sagemaker.amazonaws.com")
			c.decides(implicit, arn, "iam:PassRole", roles+"ad-group-1", "iam:PassedToService", "ec2.amazonaws.com")
			c.decides(implicit, arn, "iam:PassRole", "arn:aws:iam::"+c.account+":role/admin", "iam:PassedToService", "sagemaker.amazonaws.com")
		}},
		{says: "a simulation answers for every action on every resource", hold: func(c *trial) {
			_, arn := c.iamRole(trustSageMaker, policy("*", "s3:GetObject"))
			out, err := c.access().SimulatePrincipalPolicy(c.ctx(), &iam.SimulatePrincipalPolicyInput{
				PolicySourceArn: &arn, ActionNames: []string{"s3:GetObject", "s3:PutObject"}, ResourceArns: []string{"arn:aws:s3:::a/x", "arn:aws:s3:::b/x"},
			})
			c.must(err, "SimulatePrincipalPolicy")
			c.want(len(out.EvaluationResults) == 4, "two actions on two resources have %d results", len(out.EvaluationResults))
		}},
		{says: "a simulation of a role that does not exist is NoSuchEntity", hold: func(c *trial) {
			_, err := c.decide("arn:"+partition(c.application)+":iam::"+c.account+":role"+ownPath+"none", "s3:GetObject", "*")
			c.refused("SimulatePrincipalPolicy", err, "NoSuchEntity")
		}},
	}
}
