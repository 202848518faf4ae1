package deploy_test

import (
	"context"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation/types"
	"github.com/aws/aws-sdk-go-v2/service/sqs"

	"studiokeeper/internal/deploy"
	"studiokeeper/internal/localcloud"
)

// deployed is a stack of the main template in a local cloud, whose functions tell what they are invoked with.
type deployed struct {
	t     *testing.T
	cloud *localcloud.Cloud
	aws   aws.Config

	mu    sync.Mutex
	roles map[string]string // by function
	got   map[string]string
}

func newDeployed(t *testing.T) *deployed {
	t.Helper()
	d := &deployed{t: t, roles: map[string]string{}, got: map[string]string{}}
	d.cloud = &localcloud.Cloud{Host: localcloud.FunctionHost{Invoke: d.host}}
	t.Cleanup(d.cloud.Close)
	d.aws = aws.Config{
		Region: "us-east-1", BaseEndpoint: aws.String("http://aws.local"), HTTPClient: &http.Client{Transport: localcloud.Transport{Cloud: d.cloud}},
		Credentials: credentials.NewStaticCredentialsProvider(here, "local", ""),
	}
	return d
}

func (d *deployed) host(f localcloud.Function) func(context.Context, []byte) ([]byte, error) {
	d.roles[f.Name] = f.Role
	return func(_ context.Context, payload []byte) ([]byte, error) {
		d.mu.Lock()
		defer d.mu.Unlock()
		d.got[f.Name] += string(payload)
		return nil, nil
	}
}

func (d *deployed) gotten(function string) string {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.got[function]
}

// create makes the stack and gives every resource's status.
func (d *deployed) create() map[string]types.ResourceStatus {
	d.t.Helper()
	made, err := deploy.Main(parse(d.t, plain), deploy.Options{})
	if err != nil {
		d.t.Fatal(err)
	}
	body, err := made.YAML()
	if err != nil {
		d.t.Fatal(err)
	}
	api := cloudformation.NewFromConfig(d.aws)
	_, err = api.CreateStack(d.t.Context(), &cloudformation.CreateStackInput{
		StackName: aws.String("studiokeeper"), TemplateBody: aws.String(string(body)), Capabilities: []types.Capability{types.CapabilityCapabilityNamedIam},
		Parameters: []types.Parameter{{ParameterKey: aws.String("CodeBucket"), ParameterValue: aws.String("code")}, {ParameterKey: aws.String("CodeKey"), ParameterValue: aws.String("v1.zip")}},
	})
	if err != nil {
		d.t.Fatal(err)
	}
	events, err := api.DescribeStackEvents(d.t.Context(), &cloudformation.DescribeStackEventsInput{StackName: aws.String("studiokeeper")})
	if err != nil {
		d.t.Fatal(err)
	}
	status := map[string]types.ResourceStatus{}
	for _, e := range events.StackEvents {
		if strings.HasSuffix(string(e.ResourceStatus), "_FAILED") {
			d.t.Errorf("%s: %s", *e.LogicalResourceId, aws.ToString(e.ResourceStatusReason))
		}
		if _, newer := status[*e.LogicalResourceId]; !newer {
			status[*e.LogicalResourceId] = e.ResourceStatus
		}
	}
	return status
}

func TestTheStackIsCreatedAndItsFunctionsGetWhatIsQueued(t *testing.T) {
	synctest.Test(t, theStackIsCreated)
}

func theStackIsCreated(t *testing.T) {
	d := newDeployed(t)
	status := d.create()
	for name, s := range status {
		if s != types.ResourceStatusCreateComplete {
			t.Errorf("%s is %s", name, s)
		}
	}
	if len(status) < 20 {
		t.Errorf("the stack has %d resources", len(status))
	}
	for _, name := range []string{deploy.EventsName, deploy.PassName} {
		if role := "arn:aws:iam::" + here + ":role/" + deploy.RoleName; d.roles[name] != role {
			t.Errorf("%s runs as %q, want %s", name, d.roles[name], role)
		}
		d.send(name, "for "+name)
		synctest.Wait()
		if got := d.gotten(name); !strings.Contains(got, "for "+name) {
			t.Errorf("%s was invoked with %q", name, got)
		}
	}
}

func (d *deployed) send(queue, body string) {
	d.t.Helper()
	api := sqs.NewFromConfig(d.aws)
	url, err := api.GetQueueUrl(d.t.Context(), &sqs.GetQueueUrlInput{QueueName: &queue})
	if err != nil {
		d.t.Fatal(err)
	}
	if _, err := api.SendMessage(d.t.Context(), &sqs.SendMessageInput{QueueUrl: url.QueueUrl, MessageBody: &body}); err != nil {
		d.t.Fatal(err)
	}
}
