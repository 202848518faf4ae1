package deploy_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"runtime/debug"
	"strings"
	"sync"
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
	"github.com/aws/aws-sdk-go-v2/service/ssm"
	ssmtypes "github.com/aws/aws-sdk-go-v2/service/ssm/types"

	"studiokeeper/internal/app"
	"studiokeeper/internal/config"
	"studiokeeper/internal/deploy"
	"studiokeeper/internal/localcloud"
)

const (
	region       = "us-east-1"
	store        = "d-906716eb24"
	elsewhere    = "444455556666"
	functionRole = "arn:aws:iam::" + here + ":role/" + deploy.RoleName
	memberRole   = "arn:aws:iam::" + elsewhere + ":role/studiokeeper-member"
	parameter    = "/studiokeeper/prod"
	endpoint     = "http://aws.local"
	functionKey  = "function" // stands for the credentials of the function's role
)

func TestMain(m *testing.M) {
	for name, value := range map[string]string{
		"AWS_ENDPOINT_URL": endpoint, "AWS_REGION": region, "AWS_ACCESS_KEY_ID": functionKey, "AWS_SECRET_ACCESS_KEY": "x", "AWS_CA_BUNDLE": "",
		"AWS_EC2_METADATA_DISABLED": "true", "AWS_CONFIG_FILE": os.DevNull, "AWS_SHARED_CREDENTIALS_FILE": os.DevNull,
	} {
		if err := os.Setenv(name, value); err != nil {
			panic(err)
		}
	}
	localcloud.OneProcessor(256)
	debug.SetGCPercent(300) // accounts live briefly and leave much behind
	os.Exit(m.Run())
}

// account is a local cloud in which studiokeeper is deployed: rule, queues,
// tables and the function, in virtual time and under exactly the generated
// policies.
type account struct {
	t       *testing.T
	cloud   *localcloud.Cloud
	domains map[string]string // name → id
	config  *config.Config
	queues  map[string]string // name → URL
	log     errorLog
}

// without changes policies before they are attached.
type without func(role string, policies []deploy.Policy) []deploy.Policy

// newAccount makes an account with the configuration's domains research, here, and
// sandbox, in another account.
func newAccount(t *testing.T, l life, change without) *account {
	t.Helper()
	a := &account{t: t, cloud: &localcloud.Cloud{AssignFrom: l.assignFrom}, domains: map[string]string{}, queues: map[string]string{}}
	t.Cleanup(a.cloud.Close)
	a.must(a.cloud.CreateIdentityStore(here, region, store))
	a.domains["research"], a.domains["sandbox"] = a.makeDomain(here, "research"), a.makeDomain(elsewhere, "sandbox")
	text := l.config
	for name, id := range a.domains {
		text = strings.ReplaceAll(text, "ID-OF-"+name, id)
	}
	a.config = parse(t, text)
	a.makeRoles(change)
	a.makeTable("studiokeeper-mapping", "group", "domain")
	a.makeTable("studiokeeper-state", "pk", "sk")
	for _, name := range []string{deploy.EventsName, deploy.PassName} {
		a.makeQueue(name)
	}
	_, err := ssm.NewFromConfig(a.as(here)).PutParameter(context.Background(), &ssm.PutParameterInput{
		Name: aws.String(parameter), Value: &text, Type: ssmtypes.ParameterTypeString,
	})
	a.must(err)
	a.makeRule()
	a.startFunctions()
	return a
}

func (a *account) must(err error) {
	a.t.Helper()
	if err != nil {
		a.t.Fatal(err)
	}
}

// as calls AWS with an account's own credentials, which may do everything.
func (a *account) as(id string) aws.Config {
	return aws.Config{
		Region: region, BaseEndpoint: aws.String(endpoint), HTTPClient: &http.Client{Transport: localcloud.Transport{Cloud: a.cloud}},
		Credentials: credentials.NewStaticCredentialsProvider(id, "x", ""),
	}
}

func (a *account) makeDomain(id, name string) string {
	a.t.Helper()
	made, err := sagemaker.NewFromConfig(a.as(id)).CreateDomain(context.Background(), &sagemaker.CreateDomainInput{
		DomainName: &name, AuthMode: sagemakertypes.AuthModeSso, VpcId: aws.String("vpc-0a1b2c3d"), SubnetIds: []string{"subnet-0a1b2c3d"},
		DefaultUserSettings: &sagemakertypes.UserSettings{ExecutionRole: aws.String("arn:aws:iam::" + id + ":role/studio-default")},
	})
	a.must(err)
	return *made.DomainId
}

func (a *account) makeRoles(change without) {
	a.t.Helper()
	ours, err := deploy.FunctionPolicies(a.config, deploy.Options{Account: here, Parameter: parameter})
	a.must(err)
	a.makeRole(functionRole, map[string]any{"Principal": map[string]string{"Service": "lambda.amazonaws.com"}}, change(functionRole, ours))
	theirs, err := deploy.MemberPolicies(a.config, deploy.Options{Account: here, Parameter: parameter}, memberRole)
	a.must(err)
	a.makeRole(memberRole, map[string]any{
		"Principal": map[string]string{"AWS": functionRole},
		"Condition": map[string]any{"StringEquals": map[string]string{"sts:ExternalId": "7f1c5a90"}},
	}, change(memberRole, theirs))
}

func (a *account) makeRole(arn string, trust map[string]any, policies []deploy.Policy) {
	a.t.Helper()
	owner, name := strings.Split(arn, ":")[4], arn[strings.LastIndex(arn, "/")+1:]
	trust["Effect"], trust["Action"] = "Allow", "sts:AssumeRole"
	client := iam.NewFromConfig(a.as(owner))
	_, err := client.CreateRole(context.Background(), &iam.CreateRoleInput{
		RoleName: &name, AssumeRolePolicyDocument: a.json(map[string]any{"Version": "2012-10-17", "Statement": []any{trust}}),
	})
	a.must(err)
	for _, p := range policies {
		if len(p.Document.Statement) == 0 {
			continue
		}
		made, err := client.CreatePolicy(context.Background(), &iam.CreatePolicyInput{PolicyName: &p.Name, PolicyDocument: a.json(p.Document)})
		a.must(err)
		_, err = client.AttachRolePolicy(context.Background(), &iam.AttachRolePolicyInput{RoleName: &name, PolicyArn: made.Policy.Arn})
		a.must(err)
	}
}

func (a *account) json(v any) *string {
	a.t.Helper()
	text, err := json.Marshal(v)
	a.must(err)
	return aws.String(string(text))
}

func (a *account) makeTable(name, hash, sort string) {
	a.t.Helper()
	in := &dynamodb.CreateTableInput{
		TableName: &name, BillingMode: dynamotypes.BillingModePayPerRequest,
		AttributeDefinitions: []dynamotypes.AttributeDefinition{
			{AttributeName: &hash, AttributeType: dynamotypes.ScalarAttributeTypeS}, {AttributeName: &sort, AttributeType: dynamotypes.ScalarAttributeTypeS},
		},
		KeySchema: []dynamotypes.KeySchemaElement{
			{AttributeName: &hash, KeyType: dynamotypes.KeyTypeHash}, {AttributeName: &sort, KeyType: dynamotypes.KeyTypeRange},
		},
		StreamSpecification: &dynamotypes.StreamSpecification{StreamEnabled: aws.Bool(true), StreamViewType: dynamotypes.StreamViewTypeKeysOnly},
	}
	_, err := dynamodb.NewFromConfig(a.as(here)).CreateTable(context.Background(), in)
	a.must(err)
}

func (a *account) makeQueue(name string) {
	a.t.Helper()
	client := sqs.NewFromConfig(a.as(here))
	dead, err := client.CreateQueue(context.Background(), &sqs.CreateQueueInput{QueueName: aws.String(name + "-dead")})
	a.must(err)
	made, err := client.CreateQueue(context.Background(), &sqs.CreateQueueInput{QueueName: &name, Attributes: map[string]string{
		"VisibilityTimeout": "5400", "RedrivePolicy": `{"deadLetterTargetArn":"` + queueARN(name+"-dead") + `","maxReceiveCount":5}`,
	}})
	a.must(err)
	a.queues[name], a.queues[name+"-dead"] = *made.QueueUrl, *dead.QueueUrl
}

func queueARN(name string) string { return "arn:aws:sqs:" + region + ":" + here + ":" + name }

func (a *account) makeRule() {
	a.t.Helper()
	client := eventbridge.NewFromConfig(a.as(here))
	pattern, err := deploy.Pattern()
	a.must(err)
	_, err = client.PutRule(context.Background(), &eventbridge.PutRuleInput{Name: aws.String(deploy.RuleName), EventPattern: aws.String(string(pattern))})
	a.must(err)
	_, err = client.PutTargets(context.Background(), &eventbridge.PutTargetsInput{
		Rule: aws.String(deploy.RuleName), Targets: []eventtypes.Target{{Id: aws.String("queue"), Arn: aws.String(queueARN(deploy.EventsName))}},
	})
	a.must(err)
}

// startFunctions starts both, or reports with an error what Lambda says of a role
// that may not take from its queue.
func (a *account) startFunctions() {
	a.t.Helper()
	key, _, _, err := a.cloud.RoleCredentials(functionRole, deploy.EventsName)
	a.must(err)
	lookup := func(name string) (string, bool) {
		url, ok := map[string]string{app.EnvQueue: a.queues[deploy.EventsName], app.EnvPassQueue: a.queues[deploy.PassName]}[name]
		return url, ok
	}
	for name, timeout := range map[string]time.Duration{deploy.EventsName: time.Minute, deploy.PassName: 15 * time.Minute} {
		handler := app.Function(app.Options{
			Config: "ssm:" + parameter, Lookup: lookup, Log: slog.New(slog.NewTextHandler(&a.log, nil)), Running: name, Now: a.cloud.Now,
			HTTP: &http.Client{Transport: asRole{localcloud.Transport{Cloud: a.cloud}, key}},
		})
		a.must(a.cloud.StartFunction(localcloud.Function{Name: name, Invoke: handler.Invoke, Timeout: timeout, Concurrency: 2, Role: functionRole}))
		a.log.keep(a.cloud.MapQueue(localcloud.EventSourceMapping{QueueArn: queueARN(name), Function: name, ReportBatchItemFailures: true}))
	}
	a.log.keep(a.cloud.MapStream(localcloud.StreamMapping{
		TableName: "studiokeeper-mapping", Function: deploy.EventsName, BisectBatchOnFunctionError: true, ReportBatchItemFailures: true,
		MaximumRetryAttempts: aws.Int(2), OnFailureQueueArn: queueARN(deploy.EventsName + "-dead"),
	}))
}

// asRole sends what the function sends as a session of its role: the local
// cloud tells callers by their key and verifies no signatures.
type asRole struct {
	localcloud.Transport
	key string
}

// RoundTrip implements http.RoundTripper.
func (r asRole) RoundTrip(req *http.Request) (*http.Response, error) {
	req = req.Clone(req.Context())
	req.Header.Set("Authorization", strings.Replace(req.Header.Get("Authorization"), "Credential="+functionKey+"/", "Credential="+r.key+"/", 1))
	return r.Transport.RoundTrip(req)
}

// errorLog keeps the lines that tell of errors.
type errorLog struct {
	mu    sync.Mutex
	lines []string
}

// Write implements io.Writer.
func (l *errorLog) Write(line []byte) (int, error) {
	if bytes.Contains(line, []byte("level=ERROR")) || bytes.Contains(line, []byte("level=WARN")) {
		l.mu.Lock()
		defer l.mu.Unlock()
		l.lines = append(l.lines, string(line))
	}
	return len(line), nil
}

func (l *errorLog) keep(err error) {
	if err != nil {
		_, _ = fmt.Fprintln(l, "level=ERROR", err) // never fails
	}
}

// told are the lines so far.
func (l *errorLog) told() []string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return append([]string(nil), l.lines...)
}
