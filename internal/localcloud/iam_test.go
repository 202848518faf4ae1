package localcloud_test

import (
	"context"
	"fmt"
	"net/url"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	iamtypes "github.com/aws/aws-sdk-go-v2/service/iam/types"
	"github.com/google/go-cmp/cmp"

	"studiokeeper/internal/localcloud"
)

const (
	trustLambda = `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Service":"lambda.amazonaws.com"},"Action":"sts:AssumeRole"}]}`
	trustHome   = `{"Version":"2012-10-17","Statement":{"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::111122223333:root"},"Action":"sts:AssumeRole"}}`
)

func (w *world) access() *iam.Client { return iam.NewFromConfig(w.as(account, home)) }

// policyOf is a policy document of the current version.
func policyOf(statements ...string) string {
	return `{"Version":"2012-10-17","Statement":[` + strings.Join(statements, ",") + `]}`
}

func allow(actions, resource string) string {
	return fmt.Sprintf(`{"Effect":"Allow","Action":%q,"Resource":%q}`, actions, resource)
}

// role creates a role with one inline policy.
func (w *world) role(name, trust, policy string) {
	w.t.Helper()
	ctx := context.Background()
	made, err := w.access().CreateRole(ctx, &iam.CreateRoleInput{RoleName: &name, AssumeRolePolicyDocument: &trust})
	must(w, made, err)
	w.policy(name, policy)
}

// policy replaces a role's inline policy.
func (w *world) policy(role, policy string) {
	w.t.Helper()
	out, err := w.access().PutRolePolicy(context.Background(), &iam.PutRolePolicyInput{
		RoleName: &role, PolicyName: aws.String("access"), PolicyDocument: &policy,
	})
	must(w, out, err)
}

func TestRoleIsDescribedAsItWasMade(t *testing.T) {
	ctx := context.Background()
	w := newWorld(t, &localcloud.Cloud{})
	made, err := w.access().CreatePolicy(ctx, &iam.CreatePolicyInput{
		PolicyName: aws.String("bound"), Path: aws.String("/studio/"), PolicyDocument: aws.String(policyOf(allow("sagemaker:*", "*"))),
	})
	bound := must(w, made, err).Policy
	role, err := w.access().CreateRole(ctx, &iam.CreateRoleInput{
		RoleName: aws.String("ad-group-1"), Path: aws.String("/studio/"), AssumeRolePolicyDocument: aws.String(trustLambda),
		Description: aws.String("Studio, <ad-group-1> & others"), PermissionsBoundary: bound.Arn,
		Tags: []iamtypes.Tag{{Key: aws.String("team"), Value: aws.String("ml")}},
	})
	must(w, role, err)
	got, err := w.access().GetRole(ctx, &iam.GetRoleInput{RoleName: aws.String("AD-Group-1")})
	shown := must(w, got, err).Role
	trust, err := url.QueryUnescape(*shown.AssumeRolePolicyDocument)
	if err != nil || trust != trustLambda || strings.ContainsAny(*shown.AssumeRolePolicyDocument, `{" `) {
		t.Errorf("the trust policy reads %s (%v), want it URL-encoded", *shown.AssumeRolePolicyDocument, err)
	}
	facts := []string{*shown.Arn, *shown.Path, *shown.Description, *shown.PermissionsBoundary.PermissionsBoundaryArn, *shown.Tags[0].Key, fmt.Sprint(*shown.MaxSessionDuration)}
	want := []string{"arn:aws:iam::111122223333:role/studio/ad-group-1", "/studio/", "Studio, <ad-group-1> & others",
		"arn:aws:iam::111122223333:policy/studio/bound", "team", "3600"}
	if diff := cmp.Diff(want, facts); diff != "" || !shown.CreateDate.Equal(w.cloud.Now()) {
		t.Errorf("the role (-want +got):\n%s", diff)
	}
	_, err = w.access().DeletePolicy(ctx, &iam.DeletePolicyInput{PolicyArn: bound.Arn})
	w.wantCode("deleting a policy that bounds a role", err, "DeleteConflict")
}

func TestRolesAreListedInPages(t *testing.T) {
	w := newWorld(t, &localcloud.Cloud{})
	for n := range 5 {
		w.role(fmt.Sprintf("role-%d", n), trustLambda, policyOf(allow("sqs:*", "*")))
	}
	var names []string
	pages := iam.NewListRolesPaginator(w.access(), &iam.ListRolesInput{MaxItems: aws.Int32(2)})
	for pages.HasMorePages() {
		page, err := pages.NextPage(context.Background())
		for _, r := range must(w, page, err).Roles {
			names = append(names, *r.RoleName)
		}
	}
	if diff := cmp.Diff([]string{"role-0", "role-1", "role-2", "role-3", "role-4"}, names); diff != "" {
		t.Errorf("roles (-want +got):\n%s", diff)
	}
}

func TestRoleGoesOnlyWithoutPolicies(t *testing.T) {
	ctx := context.Background()
	w := newWorld(t, &localcloud.Cloud{})
	w.role("worker", trustLambda, policyOf(allow("sqs:*", "*")))
	out, err := w.access().CreatePolicy(ctx, &iam.CreatePolicyInput{PolicyName: aws.String("more"), PolicyDocument: aws.String(policyOf(allow("sns:*", "*")))})
	arn := must(w, out, err).Policy.Arn
	attached, err := w.access().AttachRolePolicy(ctx, &iam.AttachRolePolicyInput{RoleName: aws.String("worker"), PolicyArn: arn})
	must(w, attached, err)
	name := aws.String("worker")
	_, err = w.access().DeletePolicy(ctx, &iam.DeletePolicyInput{PolicyArn: arn})
	w.wantCode("deleting an attached policy", err, "DeleteConflict")
	_, err = w.access().DeleteRole(ctx, &iam.DeleteRoleInput{RoleName: name})
	w.wantCode("deleting a role with an attached policy", err, "DeleteConflict")
	_, err = w.access().DetachRolePolicy(ctx, &iam.DetachRolePolicyInput{RoleName: name, PolicyArn: arn})
	w.wantCode("detaching", err, "")
	_, err = w.access().DeleteRole(ctx, &iam.DeleteRoleInput{RoleName: name})
	w.wantCode("deleting a role with an inline policy", err, "DeleteConflict")
	_, err = w.access().DeleteRolePolicy(ctx, &iam.DeleteRolePolicyInput{RoleName: name, PolicyName: aws.String("access")})
	w.wantCode("deleting the inline policy", err, "")
	_, err = w.access().DeleteRole(ctx, &iam.DeleteRoleInput{RoleName: name})
	w.wantCode("deleting the bare role", err, "")
	_, err = w.access().GetRole(ctx, &iam.GetRoleInput{RoleName: name})
	w.wantCode("a role that is gone", err, "NoSuchEntity")
}

func TestIAMRefuses(t *testing.T) {
	ctx := context.Background()
	w := newWorld(t, &localcloud.Cloud{})
	w.role("worker", trustLambda, policyOf(allow("sqs:*", "*")))
	create := func(name, trust string) error {
		_, err := w.access().CreateRole(ctx, &iam.CreateRoleInput{RoleName: &name, AssumeRolePolicyDocument: &trust})
		return err
	}
	put := func(role, policy string) error {
		_, err := w.access().PutRolePolicy(ctx, &iam.PutRolePolicyInput{RoleName: &role, PolicyName: aws.String("second"), PolicyDocument: &policy})
		return err
	}
	manage := func(policy string) error {
		_, err := w.access().CreatePolicy(ctx, &iam.CreatePolicyInput{PolicyName: aws.String("managed"), PolicyDocument: &policy})
		return err
	}
	long := policyOf(allow("sqs:*", "arn:aws:sqs:us-east-1:111122223333:"+strings.Repeat("q", 6100)))
	padded := policyOf(allow("sqs:*", "*"), strings.Repeat(" ", 20_000)+allow("sns:*", "*"))
	trusting := func(principal string) string {
		return policyOf(`{"Effect":"Allow","Principal":` + principal + `,"Action":"sts:AssumeRole"}`)
	}
	rows := []struct {
		name string
		err  error
		want string
	}{
		{"a name with a slash", create("a/b", trustLambda), "ValidationError"},
		{"a name that differs in case only", create("WORKER", trustLambda), "EntityAlreadyExists"},
		{"a trust policy with a resource", create("r", policyOf(allow("sts:AssumeRole", "*"))), "MalformedPolicyDocument"},
		{"a trust policy that names a role nobody made", create("r", trusting(`{"AWS":"arn:aws:iam::111122223333:role/gone"}`)), "MalformedPolicyDocument"},
		{"a trust policy that names an existing role", create("trusting", trusting(`{"AWS":"arn:aws:iam::111122223333:role/worker"}`)), ""},
		{"a principal with a wildcard", create("r", trusting(`{"AWS":"arn:aws:iam::111122223333:role/*"}`)), "MalformedPolicyDocument"},
		{"a policy of a role nobody made", put("gone", policyOf(allow("sqs:*", "*"))), "NoSuchEntity"},
		{"no JSON", put("worker", "nothing"), "MalformedPolicyDocument"},
		{"inline policies of 10,240 characters", put("worker", policyOf(allow("sqs:*", "arn:aws:sqs:us-east-1:111122223333:"+strings.Repeat("q", 10_100)))), "LimitExceeded"},
		{"whitespace does not count", put("worker", padded), ""},
		{"a managed policy of 6,144 characters", manage(long), "LimitExceeded"},
		{"an inline policy of as many", put("worker", long), ""},
	}
	for _, row := range rows {
		w.wantCode(row.name, row.err, row.want)
	}
}

func TestSimulationTellsWhatARoleMayDo(t *testing.T) {
	ctx := context.Background()
	w := newWorld(t, &localcloud.Cloud{})
	w.role("worker", trustLambda, policyOf(
		`{"Effect":"Allow","Action":"iam:PassRole","Resource":"arn:aws:iam::*:role/studio/*","Condition":{"StringEquals":{"iam:PassedToService":"sagemaker.amazonaws.com"}}}`,
		`{"Effect":"Deny","Action":"sagemaker:Delete*","Resource":"*"}`))
	rows := []struct {
		name, action, resource, service string
		want                            iamtypes.PolicyEvaluationDecisionType
		missing                         int
	}{
		{"a role of the path", "iam:PassRole", "arn:aws:iam::111122223333:role/studio/a", "sagemaker.amazonaws.com", "allowed", 0},
		{"another service", "iam:PassRole", "arn:aws:iam::111122223333:role/studio/a", "ec2.amazonaws.com", "implicitDeny", 0},
		{"without a service", "iam:PassRole", "arn:aws:iam::111122223333:role/studio/a", "", "implicitDeny", 1},
		{"a role outside", "iam:PassRole", "arn:aws:iam::111122223333:role/admin", "sagemaker.amazonaws.com", "implicitDeny", 0},
		{"what is denied", "sagemaker:DeleteDomain", "*", "", "explicitDeny", 0},
	}
	for _, row := range rows {
		in := &iam.SimulatePrincipalPolicyInput{
			PolicySourceArn: aws.String("arn:aws:iam::111122223333:role/worker"),
			ActionNames:     []string{row.action}, ResourceArns: []string{row.resource},
		}
		if row.service != "" {
			in.ContextEntries = []iamtypes.ContextEntry{{ContextKeyName: aws.String("iam:PassedToService"),
				ContextKeyType: iamtypes.ContextKeyTypeEnumString, ContextKeyValues: []string{row.service}}}
		}
		out, err := w.access().SimulatePrincipalPolicy(ctx, in)
		got := must(w, out, err).EvaluationResults
		if len(got) != 1 || got[0].EvalDecision != row.want || *got[0].EvalResourceName != row.resource || len(got[0].MissingContextValues) != row.missing {
			t.Errorf("%s: %+v, want %s and %d missing keys", row.name, got, row.want, row.missing)
		}
	}
}

func TestPoliciesOfAWSAreAttachedAndReadAsFarAsTheyAreKnown(t *testing.T) {
	ctx := context.Background()
	w := newWorld(t, &localcloud.Cloud{})
	w.role("worker", trustLambda, policyOf(allow("sns:*", "*")))
	attach := func(arn string) error {
		_, err := w.access().AttachRolePolicy(ctx, &iam.AttachRolePolicyInput{RoleName: aws.String("worker"), PolicyArn: &arn})
		return err
	}
	simulate := func() (iamtypes.PolicyEvaluationDecisionType, error) {
		out, err := w.access().SimulatePrincipalPolicy(ctx, &iam.SimulatePrincipalPolicyInput{
			PolicySourceArn: aws.String("arn:aws:iam::111122223333:role/worker"), ActionNames: []string{"sqs:ReceiveMessage"},
		})
		if err != nil {
			return "", err
		}
		return out.EvaluationResults[0].EvalDecision, nil
	}
	const known, unread = "arn:aws:iam::aws:policy/service-role/AWSLambdaSQSQueueExecutionRole", "arn:aws:iam::aws:policy/AmazonSageMakerFullAccess"
	w.wantCode("attaching one whose text is known", attach(known), "")
	if got, err := simulate(); got != "allowed" || err != nil {
		t.Errorf("what it allows is %s (%v)", got, err)
	}
	w.wantCode("attaching one whose text is not", attach(unread), "")
	_, err := simulate()
	w.wantCode("simulating with it", err, "InvalidInput")
	_, err = w.access().DeletePolicy(ctx, &iam.DeletePolicyInput{PolicyArn: aws.String(known)})
	w.wantCode("deleting AWS's policy", err, "NoSuchEntity")
	w.wantCode("attaching another account's", attach("arn:aws:iam::444455556666:policy/x"), "NoSuchEntity")
}
