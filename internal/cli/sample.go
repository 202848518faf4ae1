package cli

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	dynamotypes "github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge"
	eventtypes "github.com/aws/aws-sdk-go-v2/service/eventbridge/types"
	"github.com/aws/aws-sdk-go-v2/service/sagemaker"
	sagemakertypes "github.com/aws/aws-sdk-go-v2/service/sagemaker/types"
	"github.com/aws/aws-sdk-go-v2/service/sqs"

	"studiokeeper/internal/app"
	"studiokeeper/internal/deploy"
	"studiokeeper/internal/localcloud"
)

// The sample account, with everything that a deployment has.
const (
	sampleAccount    = "111122223333"
	sampleRegion     = "us-east-1"
	sampleStore      = "d-906716eb24"
	sampleDomain     = "research"
	sampleMapping    = "studiokeeper-mapping"
	sampleState      = "studiokeeper-state"
	sampleRule       = "studiokeeper-membership"
	sampleRoles      = "arn:aws:iam::" + sampleAccount + ":role/studio/"
	sampleDefault    = "arn:aws:iam::" + sampleAccount + ":role/studio-domain-default"
	sampleQuarantine = "arn:aws:iam::" + sampleAccount + ":role/studiokeeper-quarantine"
	// What the recorded events in examples/ speak of.
	sampleUser     = "04c8e458-a021-702e-f9d1-7f430ff2c752"
	sampleGroup    = "14f83478-a061-708f-8de4-a3a2b99e9d89"
	eventsFunction = "studiokeeper-events"
	passFunction   = "studiokeeper-pass"
)

// How long the functions may take; a queue's visibility is six times that.
const (
	eventsTimeout = 60 * time.Second
	passTimeout   = 900 * time.Second
)

// sample is a local cloud that is being served.
type sample struct {
	cloud    *localcloud.Cloud
	server   *http.Server
	aws      aws.Config
	endpoint string
	dir      string // of the configuration; removed at the end
	config   string
	domainID string
	queueURL string
	passURL  string
}

// serveCloud starts a local cloud on an address.
func serveCloud(ctx context.Context, address string, cloud *localcloud.Cloud) (*sample, error) {
	var listen net.ListenConfig
	l, err := listen.Listen(ctx, "tcp", address)
	if err != nil {
		return nil, fmt.Errorf("serve the local cloud: %w (choose another address with --listen)", err)
	}
	s := &sample{cloud: cloud, endpoint: "http://" + l.Addr().String()}
	s.server = &http.Server{Handler: cloud, ReadHeaderTimeout: 10 * time.Second}
	go func() { _ = s.server.Serve(l) }() // ends with ErrServerClosed
	s.aws = aws.Config{
		Region: sampleRegion, BaseEndpoint: &s.endpoint,
		Credentials: credentials.NewStaticCredentialsProvider("local", "local", ""),
	}
	return s, nil
}

// close ends functions and server, and removes what was written.
func (s *sample) close() error {
	s.cloud.Close()
	return errors.Join(s.server.Close(), os.RemoveAll(s.dir))
}

// furnish makes the account: identity store, domain, tables, queues, rule, and,
// unless command is nil, the two functions. log takes what these write.
func (s *sample) furnish(ctx context.Context, command []string, log io.Writer) error {
	for _, step := range []func(context.Context) error{s.makeStore, s.makeDomain, s.makeTables, s.makeQueues, s.makeRule, s.makeAccount} {
		if err := step(ctx); err != nil {
			return fmt.Errorf("furnish the local cloud: %w", err)
		}
	}
	if err := s.writeConfig(); err != nil || command == nil {
		return err
	}
	return s.startFunctions(command, log)
}

func (s *sample) makeStore(context.Context) error {
	if err := s.cloud.CreateIdentityStore(sampleAccount, sampleRegion, sampleStore); err != nil {
		return err
	}
	console := s.cloud.Console(sampleAccount, sampleRegion, sampleStore)
	return errors.Join(
		console.SeedUser(sampleUser, localcloud.Person{UserName: "sam@example.com", DisplayName: "Sam"}),
		console.SeedGroup(sampleGroup, "ad-group-2"))
}

func (s *sample) makeDomain(ctx context.Context) error {
	client := sagemaker.NewFromConfig(s.aws)
	role := sampleDefault
	made, err := client.CreateDomain(ctx, &sagemaker.CreateDomainInput{
		DomainName: aws.String(sampleDomain), AuthMode: sagemakertypes.AuthModeSso,
		DefaultUserSettings: &sagemakertypes.UserSettings{ExecutionRole: &role},
		VpcId:               aws.String("vpc-0a1b2c3d"), SubnetIds: []string{"subnet-0a1b2c3d"},
	})
	if err != nil {
		return err
	}
	s.domainID = aws.ToString(made.DomainId)
	for {
		d, err := client.DescribeDomain(ctx, &sagemaker.DescribeDomainInput{DomainId: made.DomainId})
		switch {
		case err != nil:
			return err
		case d.Status == sagemakertypes.DomainStatusInService:
			return nil
		case d.Status == sagemakertypes.DomainStatusFailed:
			return fmt.Errorf("domain %s ended in %s", s.domainID, d.Status)
		}
		if err := pause(ctx, 50*time.Millisecond); err != nil {
			return err
		}
	}
}

func (s *sample) makeTables(ctx context.Context) error {
	client := dynamodb.NewFromConfig(s.aws)
	for table, keys := range map[string][2]string{sampleMapping: {"group", "domain"}, sampleState: {"pk", "sk"}} {
		_, err := client.CreateTable(ctx, &dynamodb.CreateTableInput{
			TableName: aws.String(table), StreamSpecification: streamOf(table), BillingMode: dynamotypes.BillingModePayPerRequest,
			AttributeDefinitions: []dynamotypes.AttributeDefinition{
				{AttributeName: &keys[0], AttributeType: dynamotypes.ScalarAttributeTypeS},
				{AttributeName: &keys[1], AttributeType: dynamotypes.ScalarAttributeTypeS},
			},
			KeySchema: []dynamotypes.KeySchemaElement{
				{AttributeName: &keys[0], KeyType: dynamotypes.KeyTypeHash},
				{AttributeName: &keys[1], KeyType: dynamotypes.KeyTypeRange},
			},
		})
		if err != nil {
			return err
		}
	}
	_, err := client.UpdateTimeToLive(ctx, &dynamodb.UpdateTimeToLiveInput{
		TableName:               aws.String(sampleState),
		TimeToLiveSpecification: &dynamotypes.TimeToLiveSpecification{AttributeName: aws.String("expires"), Enabled: aws.Bool(true)},
	})
	return err
}

// streamOf turns the mapping table's stream on: a changed row reaches the
// members of its group.
func streamOf(table string) *dynamotypes.StreamSpecification {
	if table != sampleMapping {
		return nil
	}
	return &dynamotypes.StreamSpecification{StreamEnabled: aws.Bool(true), StreamViewType: dynamotypes.StreamViewTypeKeysOnly}
}

func (s *sample) makeQueues(ctx context.Context) error {
	client := sqs.NewFromConfig(s.aws)
	var err error
	if s.queueURL, err = makeQueue(ctx, client, eventsFunction, eventsTimeout); err != nil {
		return err
	}
	s.passURL, err = makeQueue(ctx, client, passFunction, passTimeout)
	return err
}

// makeQueue makes a queue with its dead-letter queue.
func makeQueue(ctx context.Context, client *sqs.Client, name string, timeout time.Duration) (string, error) {
	if _, err := client.CreateQueue(ctx, &sqs.CreateQueueInput{QueueName: aws.String(name + "-dead")}); err != nil {
		return "", err
	}
	redrive, err := json.Marshal(map[string]any{"deadLetterTargetArn": queueARN(name + "-dead"), "maxReceiveCount": 5})
	if err != nil {
		return "", err
	}
	made, err := client.CreateQueue(ctx, &sqs.CreateQueueInput{QueueName: &name, Attributes: map[string]string{
		"VisibilityTimeout": fmt.Sprint(int(6 * timeout.Seconds())), "RedrivePolicy": string(redrive),
	}})
	if err != nil {
		return "", err
	}
	return aws.ToString(made.QueueUrl), nil
}

func queueARN(name string) string {
	return fmt.Sprintf("arn:aws:sqs:%s:%s:%s", sampleRegion, sampleAccount, name)
}

// makeRule makes the rule for all doors. The pattern comes from the parser's own table.
func (s *sample) makeRule(ctx context.Context) error {
	text, err := deploy.Pattern()
	if err != nil {
		return err
	}
	pattern := string(text)
	client := eventbridge.NewFromConfig(s.aws)
	if _, err := client.PutRule(ctx, &eventbridge.PutRuleInput{Name: aws.String(sampleRule), EventPattern: &pattern}); err != nil {
		return err
	}
	_, err = client.PutTargets(ctx, &eventbridge.PutTargetsInput{
		Rule: aws.String(sampleRule), Targets: []eventtypes.Target{{Id: aws.String("queue"), Arn: aws.String(queueARN(eventsFunction))}},
	})
	return err
}

const sampleConfig = `# The configuration of the sample account on the local cloud.
deployment: local
identityCenter:
  region: %s
  identityStoreId: %s
domains:
  - name: %s
    id: %s
    region: %s
    account: "%s"
mapping:
  roles: ["%s*"]
  table: %s
  cache: 1s
offboarding:
  quarantineRole: "arn:aws:iam::{account}:role/studiokeeper-quarantine"
state:
  table: %s
notices:
  bus: default
`

func (s *sample) writeConfig() error {
	dir, err := os.MkdirTemp("", "studiokeeper-")
	if err != nil {
		return fmt.Errorf("write the sample configuration: %w", err)
	}
	s.dir, s.config = dir, filepath.Join(dir, "studiokeeper.yaml")
	text := fmt.Sprintf(sampleConfig, sampleRegion, sampleStore, sampleDomain, s.domainID, sampleRegion, sampleAccount, sampleRoles, sampleMapping, sampleState)
	return os.WriteFile(s.config, []byte(text), 0o600)
}

// startFunctions starts the function twice, each with its queue, so that one
// person never waits behind a bulk.
func (s *sample) startFunctions(command []string, log io.Writer) error {
	for name, timeout := range map[string]time.Duration{eventsFunction: eventsTimeout, passFunction: passTimeout} {
		err := s.cloud.StartFunction(localcloud.Function{
			Name: name, Account: sampleAccount, Region: sampleRegion, Command: command, Timeout: timeout, Concurrency: 2, Stderr: log,
			Env: []string{
				"AWS_ENDPOINT_URL=" + s.endpoint, app.EnvConfig + "=" + s.config,
				app.EnvQueue + "=" + s.queueURL, app.EnvPassQueue + "=" + s.passURL, envClock + "=" + s.endpoint + "/_clock/Now",
			},
		})
		if err != nil {
			return err
		}
		err = s.cloud.MapQueue(localcloud.EventSourceMapping{
			QueueArn: queueARN(name), Function: name, BatchSize: 10, ReportBatchItemFailures: true, MaximumConcurrency: 2,
		})
		if err != nil {
			return err
		}
	}
	return s.cloud.MapStream(localcloud.StreamMapping{
		TableName: sampleMapping, Function: eventsFunction, BisectBatchOnFunctionError: true, ReportBatchItemFailures: true,
	})
}

// functionItself starts this executable again as the function.
func functionItself() ([]string, error) {
	path, err := os.Executable()
	if err != nil {
		return nil, fmt.Errorf("find this program, to start it again as the function: %w", err)
	}
	return []string{path, "function"}, nil
}

func pause(ctx context.Context, d time.Duration) error {
	select {
	case <-time.After(d):
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
