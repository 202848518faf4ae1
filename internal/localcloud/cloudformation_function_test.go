package localcloud_test

import (
	"bytes"
	"context"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	cftypes "github.com/aws/aws-sdk-go-v2/service/cloudformation/types"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	dynamotypes "github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/sqs"

	"studiokeeper/internal/localcloud"
)

const functionStack = `
Resources:
  Role:
    Type: AWS::IAM::Role
    Properties:
      RoleName: worker
      AssumeRolePolicyDocument: {Version: 2012-10-17, Statement: [{Effect: Allow, Principal: {Service: lambda.amazonaws.com}, Action: "sts:AssumeRole"}]}
      Policies:
        - PolicyName: own
          PolicyDocument: {Version: 2012-10-17, Statement: [{Effect: Allow, Action: ["sqs:*", "dynamodb:*"], Resource: "*"}]}
  Function:
    Type: AWS::Lambda::Function
    Properties:
      FunctionName: worker
      Runtime: provided.al2023
      Handler: bootstrap
      Architectures: [arm64]
      Code: {S3Bucket: code, S3Key: worker.zip}
      Role: !GetAtt Role.Arn
      MemorySize: 256
      Timeout: 20
      Environment: {Variables: {QUEUE: !Ref Queue, COUNT: 5}}
  Queue:
    Type: AWS::SQS::Queue
    Properties: {QueueName: work, VisibilityTimeout: 120}
  Dead:
    Type: AWS::SQS::Queue
    Properties: {QueueName: dead}
  Messages:
    Type: AWS::Lambda::EventSourceMapping
    Properties:
      FunctionName: !Ref Function
      EventSourceArn: !GetAtt Queue.Arn
      FunctionResponseTypes: [ReportBatchItemFailures]
      ScalingConfig: {MaximumConcurrency: 2}
  Table:
    Type: AWS::DynamoDB::Table
    Properties:
      TableName: rows
      BillingMode: PAY_PER_REQUEST
      AttributeDefinitions: [{AttributeName: pk, AttributeType: S}]
      KeySchema: [{AttributeName: pk, KeyType: HASH}]
      StreamSpecification: {StreamViewType: KEYS_ONLY}
  Rows:
    Type: AWS::Lambda::EventSourceMapping
    Properties:
      FunctionName: !GetAtt Function.Arn
      EventSourceArn: !GetAtt Table.StreamArn
      StartingPosition: LATEST
      BisectBatchOnFunctionError: true
      MaximumRetryAttempts: 0
      DestinationConfig: {OnFailure: {Destination: !GetAtt Dead.Arn}}
Outputs:
  Arn:
    Value: !GetAtt Function.Arn
`

// hosted keeps what in-process functions were declared as and invoked with.
type hosted struct {
	mu       sync.Mutex
	declared []localcloud.Function
	payloads []string
	fail     error
}

func (h *hosted) host() localcloud.FunctionHost {
	return localcloud.FunctionHost{Env: []string{"AWS_ENDPOINT_URL=http://cloud"}, Invoke: func(f localcloud.Function) func(context.Context, []byte) ([]byte, error) {
		h.declared = append(h.declared, f)
		return func(_ context.Context, payload []byte) ([]byte, error) {
			h.mu.Lock()
			defer h.mu.Unlock()
			h.payloads = append(h.payloads, string(payload))
			return nil, h.fail
		}
	}}
}

// got reports whether the functions were invoked with what holds a text.
func (h *hosted) got(text string) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	return slices.ContainsFunc(h.payloads, func(p string) bool { return strings.Contains(p, text) })
}

// functionsOf creates the stack of functions and wants it to be complete.
func functionsOf(t *testing.T, h *hosted) (*queues, cftypes.Stack) {
	t.Helper()
	w := newWorld(t, &localcloud.Cloud{Host: h.host()})
	q := &queues{w, sqs.NewFromConfig(w.as(account, home))}
	return q, q.complete(stackInput(functionStack))
}

// complete creates a stack that has to succeed.
func (w *world) complete(in *cloudformation.CreateStackInput) cftypes.Stack {
	w.t.Helper()
	s := w.stack(in)
	if s.StackStatus != cftypes.StackStatusCreateComplete {
		w.t.Fatalf("the stack is %s (%s): %s", s.StackStatus, aws.ToString(s.StackStatusReason), w.reasons(s.StackId))
	}
	return s
}

func (w *world) putRow(key string) {
	w.t.Helper()
	_, err := dynamodb.NewFromConfig(w.as(account, home)).PutItem(context.Background(), &dynamodb.PutItemInput{
		TableName: aws.String("rows"), Item: map[string]dynamotypes.AttributeValue{"pk": &dynamotypes.AttributeValueMemberS{Value: key}},
	})
	if err != nil {
		w.t.Fatal(err)
	}
}

func TestAStackRunsItsFunctions(t *testing.T) {
	h := &hosted{}
	q, s := functionsOf(t, h)
	if arn := aws.ToString(s.Outputs[0].OutputValue); arn != "arn:aws:lambda:"+home+":"+account+":function:worker" {
		t.Errorf("the function is %s", arn)
	}
	f := h.declared[0]
	want := []string{"COUNT=5", "QUEUE=" + q.url + "/" + account + "/work", "AWS_ENDPOINT_URL=http://cloud"}
	if !slices.Equal(f.Env, want) || f.Role != workerRole || f.Timeout.Seconds() != 20 || f.Memory != 256 || f.Architecture != "arm64" {
		t.Errorf("the function is declared as %+v", f)
	}
	q.send(aws.String(q.url+"/"+account+"/work"), "hello", 0)
	eventually(t, func() bool { return h.got("hello") })
	q.putRow("first")
	eventually(t, func() bool { return h.got("first") })
}

func TestAFailedRowGoesWhereTheMappingSays(t *testing.T) {
	h := &hosted{fail: os.ErrInvalid}
	q, _ := functionsOf(t, h)
	q.putRow("first")
	eventually(t, func() bool {
		bodies := q.receive(aws.String(q.url + "/" + account + "/dead"))
		return len(bodies) == 1 && strings.Contains(*bodies[0].Body, "RetryAttemptsExhausted")
	})
}

func TestADeletedStackRunsNothing(t *testing.T) {
	h := &hosted{}
	q, s := functionsOf(t, h)
	_, err := q.stacks().DeleteStack(t.Context(), &cloudformation.DeleteStackInput{StackName: s.StackName})
	if s = q.describeStack(s.StackId); err != nil || s.StackStatus != cftypes.StackStatusDeleteComplete {
		t.Fatalf("the stack is %s: %s, %v", s.StackStatus, q.reasons(s.StackId), err)
	}
	if _, err := q.cloud.Invoke("worker", nil); err == nil {
		t.Error("the deleted function can be invoked")
	}
	q.cloud.Advance(time.Minute) // until the queue's name is free again
	again := q.complete(stackInput(functionStack))
	if *again.StackId == *s.StackId || len(h.declared) != 2 {
		t.Errorf("the stack made again is %s, of %d functions", *again.StackId, len(h.declared))
	}
}

func TestAStackStartsTheHostsCommand(t *testing.T) {
	var log bytes.Buffer
	f := childFunction("1")
	w := newWorld(t, &localcloud.Cloud{Host: localcloud.FunctionHost{Command: f.Command, Env: f.Env, Stderr: &log}})
	w.complete(stackInput(functionStack))
	got, err := w.cloud.Invoke("worker", []byte(`{"Do":"describe"}`))
	if text := string(must(w, got, err)); !strings.Contains(text, `"name":"worker"`) || strings.Contains(text, `"token":""`) {
		t.Errorf("the function says of itself %s", text)
	}
}

func TestAFunctionWithoutCodeFailsItsStack(t *testing.T) {
	w := newWorld(t, &localcloud.Cloud{})
	s := w.stack(stackInput(functionStack))
	if got := w.reasons(s.StackId); s.StackStatus != cftypes.StackStatusRollbackComplete || !strings.Contains(got, "S3 Error Code: NoSuchBucket") {
		t.Errorf("the stack is %s: %s", s.StackStatus, got)
	}
}

func TestAMappingIsRefused(t *testing.T) {
	for _, tt := range []struct{ name, from, to, want string }{
		{"no position", "StartingPosition: LATEST", "Enabled: true", "Rows: 1 validation error detected: Value '' at 'startingPosition'"},
		{"slow function", "Timeout: 20", "Timeout: 200", "Messages: Queue visibility timeout: 2m0s is less than Function timeout"},
		{"concurrency", "MaximumConcurrency: 2", "MaximumConcurrency: 1", "Messages: MaximumConcurrency 1 is not 2 to 1000"},
		{"no permission", `"dynamodb:*"`, `"dynamodb:Get*"`, "Rows: Cannot access stream"},
		{"other source", "EventSourceArn: !GetAtt Queue.Arn", "EventSourceArn: arn:aws:kinesis:us-east-1:111122223333:stream/s", "Messages: Unrecognized event source"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			h := &hosted{}
			w := newWorld(t, &localcloud.Cloud{Host: h.host()})
			s := w.stack(stackInput(strings.Replace(functionStack, tt.from, tt.to, 1)))
			if got := w.reasons(s.StackId); !strings.HasPrefix(got, tt.want) {
				t.Errorf("the stack is %s: %q, want %q", s.StackStatus, got, tt.want)
			}
		})
	}
}

func TestTheMappingsOfAFunctionAreListed(t *testing.T) {
	w, _ := functionsOf(t, &hosted{})
	listed := func(in *lambda.ListEventSourceMappingsInput) string {
		out, err := w.lambdas().ListEventSourceMappings(t.Context(), in)
		var found []string
		for _, m := range must(w.world, out, err).EventSourceMappings {
			found = append(found, strings.Split(*m.EventSourceArn, ":")[2]+" "+*m.State)
		}
		slices.Sort(found)
		return strings.Join(found, ", ")
	}
	if got := listed(&lambda.ListEventSourceMappingsInput{FunctionName: aws.String("worker")}); got != "dynamodb Enabled, sqs Enabled" {
		t.Errorf("the function has %q", got)
	}
	if got := listed(&lambda.ListEventSourceMappingsInput{EventSourceArn: aws.String("arn:aws:sqs:" + home + ":" + account + ":work")}); got != "sqs Enabled" {
		t.Errorf("the queue has %q", got)
	}
	if got := listed(&lambda.ListEventSourceMappingsInput{FunctionName: aws.String("other")}); got != "" {
		t.Errorf("another function has %q", got)
	}
	off := strings.Replace(functionStack, "FunctionResponseTypes: [Report", "Enabled: false\n      FunctionResponseTypes: [Report", 1)
	w.update(updateInput(off))
	if got := listed(&lambda.ListEventSourceMappingsInput{}); got != "dynamodb Enabled, sqs Disabled" {
		t.Errorf("with the queue's off there are %q", got)
	}
}
