package inspect

import (
	"context"
	"fmt"
	"net/url"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/iam/types"

	"studiokeeper/internal/awscloud"
	"studiokeeper/internal/doctor"
	"studiokeeper/internal/studio"
)

// Roles is doctor.Roles on IAM, with the credentials that reach the domain.
type Roles struct{ Session *awscloud.Session }

var _ doctor.Roles = (*Roles)(nil)

// roleReader reads one role of a domain's account.
type roleReader struct {
	session *awscloud.Session
	client  *iam.Client
	at      awscloud.Place
	arn     string
	name    *string
}

func (r *Roles) reader(d studio.Domain, arn string) (*roleReader, error) {
	role, err := studio.ParseRole(arn)
	if err != nil {
		return nil, err
	}
	at := awscloud.PlaceOf(d)
	return &roleReader{r.Session, iam.NewFromConfig(r.Session.Config(at)), at, arn, &role.Name}, nil
}

func (r *roleReader) failed(operation string, err error) error {
	return r.session.Failed("iam:"+operation, "role "+r.arn, r.at, err)
}

// Trust implements doctor.Roles.
// https://docs.aws.amazon.com/IAM/latest/APIReference/API_GetRole.html
func (r *Roles) Trust(ctx context.Context, d studio.Domain, arn string) (string, error) {
	one, err := r.reader(d, arn)
	if err != nil {
		return "", err
	}
	out, err := one.client.GetRole(ctx, &iam.GetRoleInput{RoleName: one.name})
	if err != nil {
		return "", one.failed("GetRole", err)
	}
	if is := aws.ToString(out.Role.Arn); is != arn {
		return "", fmt.Errorf("role %s: the role of that name is %s; write its path as it is", arn, is)
	}
	return one.decoded("GetRole", out.Role.AssumeRolePolicyDocument)
}

// decoded is a policy document, which IAM answers URL-encoded.
func (r *roleReader) decoded(operation string, document *string) (string, error) {
	text, err := url.PathUnescape(aws.ToString(document))
	if err != nil {
		return "", r.failed(operation, err)
	}
	return text, nil
}

// Policies implements doctor.Roles.
func (r *Roles) Policies(ctx context.Context, d studio.Domain, arn string) ([]string, error) {
	one, err := r.reader(d, arn)
	if err != nil {
		return nil, err
	}
	inline, err := one.inline(ctx)
	if err != nil {
		return nil, err
	}
	attached, err := one.attached(ctx)
	return append(inline, attached...), err
}

func (r *roleReader) inline(ctx context.Context) ([]string, error) {
	var documents []string
	pages := iam.NewListRolePoliciesPaginator(r.client, &iam.ListRolePoliciesInput{RoleName: r.name})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, r.failed("ListRolePolicies", err)
		}
		for _, name := range page.PolicyNames {
			out, err := r.client.GetRolePolicy(ctx, &iam.GetRolePolicyInput{RoleName: r.name, PolicyName: &name})
			if err != nil {
				return nil, r.failed("GetRolePolicy", err)
			}
			text, err := r.decoded("GetRolePolicy", out.PolicyDocument)
			if err != nil {
				return nil, err
			}
			documents = append(documents, text)
		}
	}
	return documents, nil
}

func (r *roleReader) attached(ctx context.Context) ([]string, error) {
	var documents []string
	pages := iam.NewListAttachedRolePoliciesPaginator(r.client, &iam.ListAttachedRolePoliciesInput{RoleName: r.name})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, r.failed("ListAttachedRolePolicies", err)
		}
		for _, p := range page.AttachedPolicies {
			text, err := r.managed(ctx, p.PolicyArn)
			if err != nil {
				return nil, err
			}
			documents = append(documents, text)
		}
	}
	return documents, nil
}

// managed is the version in force of a managed policy.
func (r *roleReader) managed(ctx context.Context, arn *string) (string, error) {
	about, err := r.client.GetPolicy(ctx, &iam.GetPolicyInput{PolicyArn: arn})
	if err != nil {
		return "", r.failed("GetPolicy", err)
	}
	out, err := r.client.GetPolicyVersion(ctx, &iam.GetPolicyVersionInput{PolicyArn: arn, VersionId: about.Policy.DefaultVersionId})
	if err != nil {
		return "", r.failed("GetPolicyVersion", err)
	}
	return r.decoded("GetPolicyVersion", out.PolicyVersion.Document)
}

// Decide implements doctor.Roles.
// https://docs.aws.amazon.com/IAM/latest/APIReference/API_SimulatePrincipalPolicy.html
func (r *Roles) Decide(ctx context.Context, d studio.Domain, arn string, q doctor.Question) ([]doctor.Decision, error) {
	one, err := r.reader(d, arn)
	if err != nil {
		return nil, err
	}
	in := &iam.SimulatePrincipalPolicyInput{PolicySourceArn: &arn, ActionNames: q.Actions, ResourceArns: q.Resources}
	for key, value := range q.Context {
		in.ContextEntries = append(in.ContextEntries, types.ContextEntry{
			ContextKeyName: &key, ContextKeyValues: []string{value}, ContextKeyType: types.ContextKeyTypeEnumString,
		})
	}
	var decisions []doctor.Decision
	pages := iam.NewSimulatePrincipalPolicyPaginator(one.client, in)
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, one.failed("SimulatePrincipalPolicy", err)
		}
		for _, result := range page.EvaluationResults {
			decisions = append(decisions, decision(result))
		}
	}
	if len(decisions) < len(q.Actions)*len(q.Resources) {
		return nil, one.failed("SimulatePrincipalPolicy", fmt.Errorf("AWS's answer cannot be relied on: %d decisions on %d actions and %d resources", len(decisions), len(q.Actions), len(q.Resources)))
	}
	return decisions, nil
}

func decision(result types.EvaluationResult) doctor.Decision {
	return doctor.Decision{
		Action: aws.ToString(result.EvalActionName), Resource: aws.ToString(result.EvalResourceName),
		Allowed: result.EvalDecision == types.PolicyEvaluationDecisionTypeAllowed,
	}
}
