package doctor_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/sagemaker"
	sagemakertypes "github.com/aws/aws-sdk-go-v2/service/sagemaker/types"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	ssotypes "github.com/aws/aws-sdk-go-v2/service/ssoadmin/types"

	"studiokeeper/internal/deploy"
	"studiokeeper/internal/localcloud"
	"studiokeeper/internal/plan"
)

// broken is an account in which one thing is wrong.
type broken struct {
	do     func(*lab)
	fails  string // the check
	found  string // what it says, in part
	remedy string // in part
	skips  string // checks that cannot be made then
}

func accounts() map[string]broken {
	return map[string]broken{
		"the trail is stopped": {
			func(l *lab) { l.trail("StopLogging", map[string]any{"Name": "management"}) },
			"trail", "is off", "aws cloudtrail start-logging --name arn:aws:cloudtrail:", "",
		},
		"there is no trail": {
			func(l *lab) { l.trail("DeleteTrail", map[string]any{"Name": "management"}) },
			"trail", "no trail in us-east-1", "aws cloudtrail create-trail", "",
		},
		"a mapped group is gone": {
			func(l *lab) {
				l.must(l.console.UnassignFromDomain(l.domain, ssotypes.PrincipalTypeGroup, science))
				l.must(l.console.DeleteGroup(science))
			},
			"mapping", `group "science" in research: the identity store has no group with this display name`, "studiokeeper mapping check", "",
		},
		"a group without a row may sign in": {
			func(l *lab) { l.must(l.console.AssignToDomain(l.domain, ssotypes.PrincipalTypeGroup, visitors)) },
			"assigned-groups", visitors, "aws sso-admin delete-application-assignment --application-arn arn:aws:sso::", "",
		},
		"more members than profiles": {
			func(l *lab) { l.must(l.console.SeedMembers(science, []string{person(2), person(3), person(4)})) },
			"quota", "5 profiles wanted in account 111122223333, us-east-1, and its quota is 4", "aws service-quotas request-service-quota-increase", "",
		},
		"a mapped role is missing": {
			func(l *lab) { l.drop("science") },
			"role-trust", "role arn:aws:iam::111122223333:role/studio/science does not exist", "aws iam create-role --path /studio/ --role-name science", "role-limits",
		},
		"the quarantine role is missing": {
			func(l *lab) { l.drop("studiokeeper-quarantine") },
			"role-trust", "role/studiokeeper-quarantine does not exist", "aws iam create-role --path / --role-name studiokeeper-quarantine", "",
		},
		"a mapped role trusts another service": {
			func(l *lab) { l.trust("science", "glue.amazonaws.com") },
			"role-trust", "does not trust sagemaker.amazonaws.com with sts:AssumeRole", "aws iam update-assume-role-policy --role-name science --policy-document '{", "",
		},
		"sessions carry names that no trust allows": {
			func(l *lab) { l.nameUsers() },
			"role-trust", "with sts:SetSourceIdentity", `"Action":["sts:AssumeRole","sts:SetSourceIdentity"]`, "",
		},
		"a mapped role may change profiles": {
			func(l *lab) { l.policy("science", fmt.Sprintf(allowing, "sagemaker:Update*")) },
			"role-limits", "role/studio/science may sagemaker:UpdateUserProfile on user profiles", "aws iam put-role-policy --role-name science", "",
		},
		"a mapped role may untag our profiles": {
			func(l *lab) { l.policy("science", untagging) },
			"role-limits", "may sagemaker:DeleteTags", `"Effect":"Deny"`, "",
		},
		"the domain's default role has power": {
			func(l *lab) { l.policy("studio-default", fmt.Sprintf(allowing, "s3:*")) },
			"default-role", "default role arn:aws:iam::111122223333:role/studio-default is not powerless: it may s3:* on *",
			"--default-user-settings ExecutionRole=arn:aws:iam::111122223333:role/studiokeeper-quarantine", "",
		},
		"the function may not give the role": {
			func(l *lab) { l.policy(deploy.RoleName, fmt.Sprintf(allowing, "s3:GetObject")) },
			"pass-role", "may not pass arn:aws:iam::111122223333:role/studio/science to sagemaker.amazonaws.com", "studiokeeper deploy template", "",
		},
		"the rule is disabled": {
			func(l *lab) {
				_, err := l.eventbridge().DisableRule(l.t.Context(), &eventbridge.DisableRuleInput{Name: aws.String(deploy.RuleName)})
				l.must(err)
			},
			"rule", "is disabled", "aws events enable-rule --region us-east-1 --name studiokeeper-membership", "",
		},
		"the rule is of an older version": {
			func(l *lab) {
				l.rule(&eventbridge.PutRuleInput{Name: aws.String(deploy.RuleName), EventPattern: aws.String(`{"source":["aws.sso-directory"]}`)}, deploy.EventsName)
			},
			"rule", "another event pattern", "aws cloudformation deploy", "",
		},
		"the rule sends elsewhere": {
			func(l *lab) { l.retarget(deploy.RuleName, deploy.PassName) },
			"rule", "does not send to queue studiokeeper-events", "aws cloudformation deploy", "",
		},
		"a schedule is missing": {
			func(l *lab) { l.dropRule(deploy.DeepPassName) },
			"schedules", "rule studiokeeper-deep-pass is missing", "aws cloudformation deploy", "",
		},
		"dead letters": {
			func(l *lab) { l.send(deploy.EventsName + "-dead") },
			"queues", "1 message in studiokeeper-events-dead", "studiokeeper queue inspect", "",
		},
		"a queue is missing": {
			func(l *lab) { l.dropQueue(deploy.PassName) },
			"queues", "queue studiokeeper-pass is missing", "aws cloudformation deploy", "",
		},
		"an alarm rings unheard": {
			func(l *lab) { l.alarm("studiokeeper-removals-held", false) },
			"alarms", "studiokeeper-removals-held", "aws cloudwatch enable-alarm-actions --region us-east-1 --alarm-names studiokeeper-removals-held", "",
		},
		"a function is missing": {
			func(l *lab) { l.changeFunctions("FunctionName: studiokeeper-events", "FunctionName: other") },
			"functions", "function studiokeeper-events is missing", "studiokeeper deploy template", "",
		},
		"a function has too little time": {
			func(l *lab) { l.changeFunctions("Timeout: 900", "Timeout: 60") },
			"functions", "function studiokeeper-pass ends after 1m0s and needs 15m0s",
			"aws lambda update-function-configuration --function-name studiokeeper-pass --timeout 900 --region us-east-1", "",
		},
		"a function does not know a queue": {
			func(l *lab) {
				l.changeFunctions("STUDIOKEEPER_PASS_QUEUE_URL: pass", `STUDIOKEEPER_PASS_QUEUE_URL: ""`)
			},
			"functions", "function studiokeeper-events has no STUDIOKEEPER_PASS_QUEUE_URL in its environment", "studiokeeper deploy template", "",
		},
		"a queue is not a function's": {
			func(l *lab) {
				l.changeFunctions("111122223333:studiokeeper-pass", "111122223333:studiokeeper-events")
			},
			"functions", "function studiokeeper-pass gets nothing from queue studiokeeper-pass: there is no event source mapping", "studiokeeper deploy template", "",
		},
		"a function's queue is disconnected": {
			func(l *lab) { l.changeFunctions("Enabled: true", "Enabled: false") },
			"functions", "the event source mapping is Disabled", "aws lambda update-event-source-mapping --enabled --uuid ", "",
		},
		"no pass for hours": {
			func(l *lab) { l.passed(l.now.Add(-4 * time.Hour)) },
			"last-pass", "ended 4h0m0s ago", "studiokeeper plan --domain research", "",
		},
		"the credentials are no longer valid": {
			func(l *lab) { l.cloud.Inject(localcloud.Fault{Service: "sts", Code: "ExpiredToken", Status: 403}) },
			"credentials", "ExpiredToken", "aws sts get-caller-identity",
			"identity-store mapping access domain assigned-groups unmanaged-profiles role-trust role-limits default-role pass-role trail quota rule schedules queues functions alarms last-pass",
		},
	}
}

const untagging = `{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"sagemaker:DeleteTags","Resource":"*",
	"Condition":{"StringEquals":{"aws:ResourceTag/studiokeeper:deployment":"test"}}}}`

func TestWhatIsBrokenFailsOneCheckAndNoOther(t *testing.T) {
	t.Parallel()
	for name, row := range accounts() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			l := newLab(t)
			row.do(l)
			for _, c := range l.checkup().Checks {
				want := plan.CheckOK
				switch {
				case c.Name == row.fails:
					want = plan.CheckFail
				case c.Name == "scim-token", slices.Contains(strings.Fields(row.skips), c.Name):
					want = plan.CheckSkip
				}
				if c.Status != want {
					t.Errorf("%s is %s, want %s: %s", c.Name, c.Status, want, c.Found)
				}
				if c.Name == row.fails && (!strings.Contains(c.Found, row.found) || !strings.Contains(c.Remedy, row.remedy)) {
					t.Errorf("%s says %q with the remedy %q\nwant %q with %q", c.Name, c.Found, c.Remedy, row.found, row.remedy)
				}
			}
		})
	}
}

func (l *lab) drop(role string) {
	_, err := l.iam().DeleteRolePolicy(l.t.Context(), &iam.DeleteRolePolicyInput{RoleName: &role, PolicyName: aws.String("own")})
	l.must(err)
	_, err = l.iam().DeleteRole(l.t.Context(), &iam.DeleteRoleInput{RoleName: &role})
	l.must(err)
}

func (l *lab) trust(role, service string) {
	_, err := l.iam().UpdateAssumeRolePolicy(l.t.Context(), &iam.UpdateAssumeRolePolicyInput{
		RoleName: &role, PolicyDocument: aws.String(fmt.Sprintf(trusting, service)),
	})
	l.must(err)
}

func (l *lab) nameUsers() {
	_, err := sagemaker.NewFromConfig(l.aws).UpdateDomain(l.t.Context(), &sagemaker.UpdateDomainInput{
		DomainId: &l.domain, DomainSettingsForUpdate: &sagemakertypes.DomainSettingsForUpdate{
			ExecutionRoleIdentityConfig: sagemakertypes.ExecutionRoleIdentityConfigUserProfileName,
		},
	})
	l.must(err)
}

func (l *lab) untarget(rule string) {
	_, err := l.eventbridge().RemoveTargets(l.t.Context(), &eventbridge.RemoveTargetsInput{Rule: &rule, Ids: []string{"queue"}})
	l.must(err)
}

func (l *lab) retarget(rule, queue string) {
	l.untarget(rule)
	is, err := l.eventbridge().DescribeRule(l.t.Context(), &eventbridge.DescribeRuleInput{Name: &rule})
	l.must(err)
	l.rule(&eventbridge.PutRuleInput{Name: &rule, EventPattern: is.EventPattern}, queue)
}

func (l *lab) dropRule(rule string) {
	l.untarget(rule)
	_, err := l.eventbridge().DeleteRule(l.t.Context(), &eventbridge.DeleteRuleInput{Name: &rule})
	l.must(err)
}

func (l *lab) dropQueue(name string) {
	found, err := l.sqs().GetQueueUrl(l.t.Context(), &sqs.GetQueueUrlInput{QueueName: &name})
	l.must(err)
	_, err = l.sqs().DeleteQueue(l.t.Context(), &sqs.DeleteQueueInput{QueueUrl: found.QueueUrl})
	l.must(err)
}
