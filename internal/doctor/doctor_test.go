package doctor_test

import (
	"bytes"
	"flag"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/google/go-cmp/cmp"

	"studiokeeper/internal/localcloud"
	"studiokeeper/internal/plan"
	"studiokeeper/internal/render"
	"studiokeeper/internal/studio"
)

var update = flag.Bool("update", false, "write the golden files anew")

func TestAHealthyAccountAsJSON(t *testing.T) {
	l := newLab(t)
	var out bytes.Buffer
	l.must(render.JSON(&out, l.checkup()))
	got := strings.ReplaceAll(out.String(), l.domain, "d-abcdefghijkl")
	const golden = "testdata/healthy.json"
	if *update {
		l.must(os.WriteFile(golden, []byte(got), 0o600))
	}
	want, err := os.ReadFile(golden)
	l.must(err)
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Error(diff)
	}
}

// check is the only one of a name.
func (l *lab) check(name string) plan.Check {
	l.t.Helper()
	d := l.doctor(fmt.Sprintf(labConfig, l.domain, account))
	d.Only = []string{name}
	found := d.Run(l.t.Context()).Checks
	if len(found) != 1 || found[0].Name != name {
		l.t.Fatalf("asked for %s, got %+v", name, found)
	}
	return found[0]
}

func TestWhatDoctorMayNotReadIsSkippedWithTheActionThatIsMissing(t *testing.T) {
	t.Parallel()
	for _, row := range []struct{ check, service, operation, action string }{
		{"role-trust", "iam", "GetRole", "iam:GetRole"},
		{"role-limits", "iam", "SimulatePrincipalPolicy", "iam:SimulatePrincipalPolicy"},
		{"default-role", "iam", "ListRolePolicies", "iam:ListRolePolicies"},
		{"default-role", "iam", "GetRolePolicy", "iam:GetRolePolicy"},
		{"default-role", "iam", "ListAttachedRolePolicies", "iam:ListAttachedRolePolicies"},
		{"pass-role", "iam", "SimulatePrincipalPolicy", "iam:SimulatePrincipalPolicy"},
		{"trail", "cloudtrail", "DescribeTrails", "cloudtrail:DescribeTrails"},
		{"quota", "servicequotas", "GetServiceQuota", "servicequotas:GetServiceQuota"},
		{"rule", "events", "ListTargetsByRule", "events:ListTargetsByRule"},
		{"schedules", "events", "DescribeRule", "events:DescribeRule"},
		{"queues", "sqs", "GetQueueAttributes", "sqs:GetQueueAttributes"},
		{"functions", "lambda", "GetFunctionConfiguration", "lambda:GetFunctionConfiguration"},
		{"functions", "lambda", "ListEventSourceMappings", "lambda:ListEventSourceMappings"},
		{"alarms", "monitoring", "DescribeAlarms", "cloudwatch:DescribeAlarms"},
		{"assigned-groups", "sso", "ListApplicationAssignments", "sso:ListApplicationAssignments"},
		{"unmanaged-profiles", "sagemaker", "ListUserProfiles", "sagemaker:ListUserProfiles"},
	} {
		t.Run(row.check+" without "+row.action, func(t *testing.T) {
			t.Parallel()
			l := newLab(t)
			l.cloud.Inject(localcloud.Fault{Service: row.service, Operation: row.operation, Code: "AccessDenied", Status: 403})
			found := l.check(row.check)
			if found.Status != plan.CheckSkip || !strings.Contains(found.Found, "allow "+row.action+" there") {
				t.Errorf("it is %s: %s", found.Status, found.Found)
			}
		})
	}
}

func TestAReadThatFailsIsNeverOK(t *testing.T) {
	t.Parallel()
	for check, service := range map[string]string{
		"identity-store": "sso", "mapping": "identitystore", "domain": "sagemaker", "assigned-groups": "sso", "unmanaged-profiles": "sagemaker",
		"role-trust": "iam", "role-limits": "iam", "default-role": "iam", "pass-role": "iam", "trail": "cloudtrail", "quota": "servicequotas",
		"rule": "events", "schedules": "events", "queues": "sqs", "functions": "lambda", "alarms": "monitoring", "last-pass": "dynamodb",
	} {
		t.Run(check, func(t *testing.T) {
			t.Parallel()
			l := newLab(t)
			l.cloud.Inject(localcloud.Fault{Service: service, Code: "InternalFailure", Status: 500})
			if found := l.check(check); found.Status == plan.CheckOK || found.Found == "" {
				t.Errorf("it is %s: %q", found.Status, found.Found)
			}
		})
	}
}

func TestProfilesThatNobodyManagesAreNamed(t *testing.T) {
	t.Parallel()
	l := newLab(t)
	l.must(l.cloud.SeedProfiles(account, region, l.domain, []localcloud.ProfileSeed{
		{Name: "ours", UserName: "user0@example.com", Tags: map[string]string{studio.TagDeployment: "test"}},
		{Name: "theirs", UserName: "user1@example.com", Tags: map[string]string{studio.TagDeployment: "another"}},
		{Name: "stray", UserName: "user2@example.com", Tags: map[string]string{"team": "x"}},
	}))
	want := plan.Check{
		Name: "unmanaged-profiles", Subject: "research", Status: plan.CheckOK,
		Found: "of 3 profiles nobody manages 1: stray", Remedy: "studiokeeper plan --domain research",
	}
	if diff := cmp.Diff(want, l.check("unmanaged-profiles")); diff != "" {
		t.Error(diff)
	}
}

func TestAQuotaThatIsNearlyUsedUpIsOKWithARemedy(t *testing.T) {
	t.Parallel()
	l := newLab(t)
	l.must(l.console.SeedMembers(science, []string{person(2), person(3)}))
	if found := l.check("quota"); found.Status != plan.CheckOK || !strings.Contains(found.Found, "4 profiles wanted") || found.Remedy == "" {
		t.Errorf("got %+v", found)
	}
}

func TestTheFunctionsRoleCanBeNamed(t *testing.T) {
	t.Parallel()
	l := newLab(t)
	l.role("/ours/", "worker", "ec2.amazonaws.com", nothing)
	d := l.doctor(fmt.Sprintf(labConfig, l.domain, account))
	d.Only, d.FunctionRole = []string{"pass-role"}, roles+"ours/worker"
	found := d.Run(t.Context()).Checks[0]
	if found.Status != plan.CheckFail || !strings.Contains(found.Found, "role arn:aws:iam::111122223333:role/ours/worker may not pass") {
		t.Errorf("got %+v", found)
	}
}

func TestADomainOfAnotherAccountStopsWhatRestsOnIt(t *testing.T) {
	t.Parallel()
	l := newLab(t)
	text := strings.ReplaceAll(fmt.Sprintf(labConfig, l.domain, "999988887777"), roles, "arn:aws:iam::999988887777:role/")
	status := map[string]plan.CheckStatus{}
	for _, c := range l.doctor(text).Run(t.Context()).Checks {
		status[c.Name] = c.Status
	}
	if status["access"] != plan.CheckFail || status["domain"] != plan.CheckSkip || status["role-trust"] != plan.CheckSkip || status["assigned-groups"] != plan.CheckSkip {
		t.Errorf("got %v", status)
	}
	if status["mapping"] != plan.CheckOK || status["rule"] != plan.CheckOK {
		t.Errorf("what rests on no domain is to be as it was: %v", status)
	}
}

func TestARoleThatIsDeniedEverythingIsPowerlessWhateverElseItSays(t *testing.T) {
	t.Parallel()
	l := newLab(t)
	l.policy("studio-default", `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"s3:*","Resource":"*"},{"Effect":"Deny","Action":"*","Resource":"*"}]}`)
	if found := l.check("default-role"); found.Status != plan.CheckOK {
		t.Errorf("got %+v", found)
	}
}

func TestAManagedPolicyOfTheDefaultRoleCounts(t *testing.T) {
	t.Parallel()
	l := newLab(t)
	l.drop("studio-default")
	l.role("/", "studio-default", "sagemaker.amazonaws.com", fmt.Sprintf(denying, "s3:GetObject"))
	made, err := l.iam().CreatePolicy(t.Context(), &iam.CreatePolicyInput{PolicyName: aws.String("more"), PolicyDocument: aws.String(fmt.Sprintf(allowing, "ec2:RunInstances"))})
	l.must(err)
	_, err = l.iam().AttachRolePolicy(t.Context(), &iam.AttachRolePolicyInput{RoleName: aws.String("studio-default"), PolicyArn: made.Policy.Arn})
	l.must(err)
	if found := l.check("default-role"); found.Status != plan.CheckFail || !strings.Contains(found.Found, "ec2:RunInstances on *") {
		t.Errorf("got %+v", found)
	}
}

const denying = `{"Version":"2012-10-17","Statement":{"Effect":"Deny","Action":%q,"Resource":"*"}}`

// The reminder names the token that is ours, and leaves out one that nobody has.
func TestTheReminderOfTheTokenKnowsTheDirectory(t *testing.T) {
	const ldap = "\ndirectory:\n  ldap: {urls: [\"ldaps://dc1.corp.example\"], baseDN: \"DC=corp,DC=example\", bindDN: svc@corp.example, password: \"file:ad\"}\n"
	const over = "  scim: {endpoint: \"https://scim.us-east-1.amazonaws.com/t/scim/v2/\", token: \"file:scim\"}\n"
	l := newLab(t)
	for more, want := range map[string]string{
		"": "with an external identity provider", ldap: "takes no token", ldap + over: "directory.scim.token refers to",
	} {
		d := l.doctor(fmt.Sprintf(labConfig, l.domain, account) + more)
		d.Only = []string{"scim-token"}
		if got := d.Run(t.Context()).Checks[0]; got.Status != plan.CheckSkip || !strings.Contains(got.Found, want) {
			t.Errorf("with %q: %+v, want %q", more, got, want)
		}
	}
}
