package doctor_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	dynamotypes "github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge"
	eventtypes "github.com/aws/aws-sdk-go-v2/service/eventbridge/types"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/sagemaker"
	sagemakertypes "github.com/aws/aws-sdk-go-v2/service/sagemaker/types"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	ssotypes "github.com/aws/aws-sdk-go-v2/service/ssoadmin/types"

	"studiokeeper/internal/awscloud"
	"studiokeeper/internal/cli"
	"studiokeeper/internal/config"
	"studiokeeper/internal/deploy"
	"studiokeeper/internal/doctor"
	"studiokeeper/internal/localcloud"
	"studiokeeper/internal/plan"
	"studiokeeper/internal/reconcile"
)

const (
	account  = "111122223333"
	region   = "us-east-1"
	storeID  = "d-906716eb24"
	roles    = "arn:aws:iam::" + account + ":role/"
	science  = "14f83478-a061-708f-8de4-a3a2b99e9d89"
	visitors = "24f83478-a061-708f-8de4-a3a2b99e9d89"
	quota    = 4
)

// lab is an account in which nothing is wrong, until a test breaks it.
type lab struct {
	t       *testing.T
	cloud   *localcloud.Cloud
	aws     aws.Config
	session *awscloud.Session
	console *localcloud.Console
	domain  string // id
	now     time.Time
}

func newLab(t *testing.T) *lab {
	t.Helper()
	now := time.Date(2026, 3, 4, 5, 6, 7, 0, time.UTC)
	l := &lab{t: t, now: now}
	l.cloud = &localcloud.Cloud{ProfileDelay: -1, SpaceDelay: -1, AppDelay: -1, ProfileQuota: quota, Host: localcloud.FunctionHost{Invoke: idle}, Clock: func() time.Time { return now }}
	t.Cleanup(l.cloud.Close)
	l.aws = aws.Config{
		Region: region, BaseEndpoint: aws.String("http://aws.invalid"), RetryMaxAttempts: 1,
		Credentials: credentials.NewStaticCredentialsProvider("local", "local", ""),
		HTTPClient:  &http.Client{Transport: localcloud.Transport{Cloud: l.cloud}},
	}
	l.session = awscloud.NewSession(l.aws, "doctor")
	l.people()
	l.studio()
	l.roles()
	l.tables()
	l.deployment()
	return l
}

func (l *lab) must(err error) {
	l.t.Helper()
	if err != nil {
		l.t.Fatal(err)
	}
}

func (l *lab) people() {
	l.must(l.cloud.CreateIdentityStore(account, region, storeID))
	l.console = l.cloud.Console(account, region, storeID)
	l.must(l.console.SeedGroup(science, "science"))
	l.must(l.console.SeedGroup(visitors, "visitors"))
	for n := range 6 {
		l.must(l.console.SeedUser(person(n), localcloud.Person{UserName: fmt.Sprintf("user%d@example.com", n)}))
	}
	l.must(l.console.SeedMembers(science, []string{person(0), person(1)}))
}

func person(n int) string { return fmt.Sprintf("04c8e458-a021-702e-f9d1-%012d", n) }

func (l *lab) studio() {
	made, err := sagemaker.NewFromConfig(l.aws).CreateDomain(l.t.Context(), &sagemaker.CreateDomainInput{
		DomainName: aws.String("research"), AuthMode: sagemakertypes.AuthModeSso,
		DefaultUserSettings: &sagemakertypes.UserSettings{ExecutionRole: aws.String(roles + "studio-default")},
		VpcId:               aws.String("vpc-0a1b2c3d"), SubnetIds: []string{"subnet-0a1b2c3d"},
	})
	l.must(err)
	l.domain = *made.DomainId
	l.must(l.console.AssignToDomain(l.domain, ssotypes.PrincipalTypeGroup, science))
}

const (
	trusting = `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Service":"%s"},"Action":"sts:AssumeRole"}]}`
	nothing  = `{"Version":"2012-10-17","Statement":{"Effect":"Deny","Action":"*","Resource":"*"}}`
	allowing = `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":%q,"Resource":"*"}]}`
)

func (l *lab) roles() {
	l.role("/studio/", "science", "sagemaker.amazonaws.com", fmt.Sprintf(allowing, "s3:GetObject"))
	l.role("/", "studio-default", "sagemaker.amazonaws.com", nothing)
	l.role("/", "studiokeeper-quarantine", "sagemaker.amazonaws.com", nothing)
	l.role("/", deploy.RoleName, "lambda.amazonaws.com", fmt.Sprintf(allowing, "iam:PassRole"))
}

func (l *lab) role(path, name, service, policy string) {
	l.t.Helper()
	_, err := l.iam().CreateRole(l.t.Context(), &iam.CreateRoleInput{
		Path: &path, RoleName: &name, AssumeRolePolicyDocument: aws.String(fmt.Sprintf(trusting, service)),
	})
	l.must(err)
	l.policy(name, policy)
}

// policy replaces a role's only policy.
func (l *lab) policy(role, document string) {
	l.t.Helper()
	_, err := l.iam().PutRolePolicy(l.t.Context(), &iam.PutRolePolicyInput{RoleName: &role, PolicyName: aws.String("own"), PolicyDocument: &document})
	l.must(err)
}

func (l *lab) iam() *iam.Client                 { return iam.NewFromConfig(l.aws) }
func (l *lab) eventbridge() *eventbridge.Client { return eventbridge.NewFromConfig(l.aws) }
func (l *lab) sqs() *sqs.Client                 { return sqs.NewFromConfig(l.aws) }

func (l *lab) tables() {
	_, err := dynamodb.NewFromConfig(l.aws).CreateTable(l.t.Context(), &dynamodb.CreateTableInput{
		TableName: aws.String("state"), BillingMode: dynamotypes.BillingModePayPerRequest,
		AttributeDefinitions: []dynamotypes.AttributeDefinition{
			{AttributeName: aws.String("pk"), AttributeType: dynamotypes.ScalarAttributeTypeS},
			{AttributeName: aws.String("sk"), AttributeType: dynamotypes.ScalarAttributeTypeS},
		},
		KeySchema: []dynamotypes.KeySchemaElement{
			{AttributeName: aws.String("pk"), KeyType: dynamotypes.KeyTypeHash}, {AttributeName: aws.String("sk"), KeyType: dynamotypes.KeyTypeRange},
		},
	})
	l.must(err)
	l.passed(l.now.Add(-10 * time.Minute))
}

// passed notes when the last pass succeeded.
func (l *lab) passed(at time.Time) {
	state := &awscloud.State{Session: l.session, At: awscloud.Place{Region: region}, Table: "state", Now: func() time.Time { return l.now }}
	l.must(state.Register(l.t.Context(), reconcile.DomainRecord{
		Name: "research", ID: l.domain, StoreID: storeID, Deployment: "test", Passed: at, Succeeded: at, Took: 2 * time.Second,
	}))
}

func (l *lab) deployment() {
	l.trail("CreateTrail", map[string]any{"Name": "management", "S3BucketName": "trail", "IsMultiRegionTrail": true})
	l.trail("StartLogging", map[string]any{"Name": "management"})
	for _, name := range []string{deploy.EventsName, deploy.PassName} {
		l.queue(name+"-dead", "")
		l.queue(name, name+"-dead")
	}
	l.deployFunctions(functions)
	pattern, err := deploy.Pattern()
	l.must(err)
	l.rule(&eventbridge.PutRuleInput{Name: aws.String(deploy.RuleName), EventPattern: aws.String(string(pattern))}, deploy.EventsName)
	for _, name := range []string{deploy.FullPassName, deploy.DeepPassName} {
		l.rule(&eventbridge.PutRuleInput{Name: &name, ScheduleExpression: aws.String("rate(1 hour)")}, deploy.PassName)
	}
	for _, name := range deploy.AlarmNames() {
		l.alarm(name, true)
	}
}

func (l *lab) trail(operation string, in any) {
	l.t.Helper()
	l.call(awscloud.API{ID: "CloudTrail", Target: "com.amazonaws.cloudtrail.v20131101.CloudTrail_20131101", Signing: "cloudtrail", Host: "cloudtrail"}, operation, in)
}

func (l *lab) alarm(name string, enabled bool) {
	l.t.Helper()
	l.call(awscloud.API{ID: "CloudWatch", Target: "GraniteServiceVersion20100801", Signing: "monitoring", Host: "monitoring", Version: "1.0"}, "PutMetricAlarm", map[string]any{
		"AlarmName": name, "ActionsEnabled": enabled, "EvaluationPeriods": 1, "ComparisonOperator": "GreaterThanThreshold", "Threshold": 0,
	})
}

func (l *lab) call(api awscloud.API, operation string, in any) {
	l.t.Helper()
	l.must(l.session.Call(l.t.Context(), api, awscloud.Place{Region: region}, operation, "the lab", in, nil))
}

func queueARN(name string) string { return "arn:aws:sqs:" + region + ":" + account + ":" + name }

func (l *lab) queue(name, dead string) {
	in := &sqs.CreateQueueInput{QueueName: &name}
	if dead != "" {
		policy, err := json.Marshal(map[string]any{"deadLetterTargetArn": queueARN(dead), "maxReceiveCount": 5})
		l.must(err)
		in.Attributes = map[string]string{"RedrivePolicy": string(policy), "VisibilityTimeout": "5400"}
	}
	_, err := l.sqs().CreateQueue(l.t.Context(), in)
	l.must(err)
}

func (l *lab) send(queue string) {
	found, err := l.sqs().GetQueueUrl(l.t.Context(), &sqs.GetQueueUrlInput{QueueName: &queue})
	l.must(err)
	_, err = l.sqs().SendMessage(l.t.Context(), &sqs.SendMessageInput{QueueUrl: found.QueueUrl, MessageBody: aws.String("{}")})
	l.must(err)
}

func (l *lab) rule(in *eventbridge.PutRuleInput, queue string) {
	l.t.Helper()
	_, err := l.eventbridge().PutRule(l.t.Context(), in)
	l.must(err)
	_, err = l.eventbridge().PutTargets(l.t.Context(), &eventbridge.PutTargetsInput{
		Rule: in.Name, Targets: []eventtypes.Target{{Id: aws.String("queue"), Arn: aws.String(queueARN(queue))}},
	})
	l.must(err)
}

const labConfig = `deployment: test
identityCenter: {region: us-east-1, identityStoreId: d-906716eb24}
domains:
  - {name: research, id: %s, region: us-east-1, account: "%s"}
mapping:
  rules:
    - {group: science, domain: research, role: "arn:aws:iam::111122223333:role/studio/science"}
offboarding: {quarantineRole: "arn:aws:iam::{account}:role/studiokeeper-quarantine"}
state: {table: state}
`

func (l *lab) doctor(text string) *doctor.Doctor {
	l.t.Helper()
	file := filepath.Join(l.t.TempDir(), "studiokeeper.yaml")
	l.must(os.WriteFile(file, []byte(text), 0o600))
	cfg, err := config.Load(l.t.Context(), file, func(string) (string, bool) { return "", false }, nil)
	l.must(err)
	d, err := cli.Doctor(cfg, l.session, func() time.Time { return l.now })
	l.must(err)
	return d
}

func (l *lab) checkup() plan.Checkup {
	l.t.Helper()
	return l.doctor(fmt.Sprintf(labConfig, l.domain, account)).Run(context.WithoutCancel(l.t.Context()))
}
