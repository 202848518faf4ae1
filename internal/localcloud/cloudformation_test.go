package localcloud_test

import (
	"context"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	cftypes "github.com/aws/aws-sdk-go-v2/service/cloudformation/types"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	sqstypes "github.com/aws/aws-sdk-go-v2/service/sqs/types"
	"github.com/google/go-cmp/cmp"

	"studiokeeper/internal/localcloud"
)

const smallStack = `
AWSTemplateFormatVersion: "2010-09-09"
Parameters:
  Name: {Type: String, Default: work, AllowedPattern: "[a-z]+"}
  Tier: {Type: String, Default: small, AllowedValues: [small, large]}
Conditions:
  Large: !Equals [!Ref Tier, large]
Resources:
  Queue:
    Type: AWS::SQS::Queue
    Properties:
      QueueName: !Ref Name
      VisibilityTimeout: "60"
      MessageRetentionPeriod: !If [Large, 1209600, !Ref AWS::NoValue]
      RedrivePolicy: {deadLetterTargetArn: !GetAtt Dead.Arn, maxReceiveCount: 1}
  Dead:
    Type: AWS::SQS::Queue
    Properties: {QueueName: {"Fn::Sub": "${Name}-dead"}}
  Rule:
    Type: AWS::Events::Rule
    Properties:
      Name: doors
      EventPattern: {source: [aws.identitystore]}
      Targets: [{Id: queue, Arn: !GetAtt Queue.Arn}]
  Role:
    Type: AWS::IAM::Role
    Properties:
      RoleName: worker
      AssumeRolePolicyDocument: {Version: 2012-10-17, Statement: [{Effect: Allow, Principal: {Service: lambda.amazonaws.com}, Action: "sts:AssumeRole"}]}
      Policies:
        - PolicyName: own
          PolicyDocument: {Version: 2012-10-17, Statement: [{Effect: Allow, Action: "sqs:*", Resource: !GetAtt Queue.Arn}]}
  Table:
    Type: AWS::DynamoDB::Table
    DeletionPolicy: Retain
    Properties:
      TableName: state
      BillingMode: PAY_PER_REQUEST
      AttributeDefinitions: [{AttributeName: pk, AttributeType: S}]
      KeySchema: [{AttributeName: pk, KeyType: HASH}]
      TimeToLiveSpecification: {AttributeName: expires, Enabled: true}
  Only:
    Type: AWS::SQS::Queue
    Condition: Large
Outputs:
  QueueUrl: {Value: !Ref Queue}
  Where: {Value: !Join ["/", [!Ref AWS::AccountId, !Ref AWS::Region]]}
`

func (w *world) stacks() *cloudformation.Client {
	return cloudformation.NewFromConfig(w.as(account, home))
}

func stackInput(body string, parameters ...string) *cloudformation.CreateStackInput {
	in := &cloudformation.CreateStackInput{
		StackName: aws.String("small"), TemplateBody: &body, Capabilities: []cftypes.Capability{cftypes.CapabilityCapabilityNamedIam},
	}
	for i := 0; i < len(parameters); i += 2 {
		in.Parameters = append(in.Parameters, cftypes.Parameter{ParameterKey: &parameters[i], ParameterValue: &parameters[i+1]})
	}
	return in
}

// stack creates a stack and gives what became of it.
func (w *world) stack(in *cloudformation.CreateStackInput) cftypes.Stack {
	w.t.Helper()
	made, err := w.stacks().CreateStack(context.Background(), in)
	return w.describeStack(must(w, made, err).StackId)
}

func (w *world) describeStack(id *string) cftypes.Stack {
	w.t.Helper()
	out, err := w.stacks().DescribeStacks(context.Background(), &cloudformation.DescribeStacksInput{StackName: id})
	return must(w, out, err).Stacks[0]
}

// reasons is why the stack's resources failed, the first failure first.
func (w *world) reasons(id *string) string {
	w.t.Helper()
	out, err := w.stacks().DescribeStackEvents(context.Background(), &cloudformation.DescribeStackEventsInput{StackName: id})
	var found []string
	for _, e := range must(w, out, err).StackEvents {
		if strings.HasSuffix(string(e.ResourceStatus), "_FAILED") {
			found = append([]string{*e.LogicalResourceId + ": " + aws.ToString(e.ResourceStatusReason)}, found...)
		}
	}
	return strings.Join(found, "; ")
}

func TestAStackMakesWhatItsTemplateSays(t *testing.T) {
	w := newWorld(t, &localcloud.Cloud{})
	s := w.stack(stackInput(smallStack))
	if s.StackStatus != cftypes.StackStatusCreateComplete {
		t.Fatalf("the stack is %s (%s): %s", s.StackStatus, aws.ToString(s.StackStatusReason), w.reasons(s.StackId))
	}
	outputs := map[string]string{}
	for _, o := range s.Outputs {
		outputs[*o.OutputKey] = *o.OutputValue
	}
	if want := map[string]string{"QueueUrl": w.url + "/" + account + "/work", "Where": account + "/" + home}; !cmp.Equal(want, outputs) {
		t.Errorf("outputs are %v, want %v", outputs, want)
	}
	queues := sqs.NewFromConfig(w.as(account, home))
	url := outputs["QueueUrl"]
	got, err := queues.GetQueueAttributes(t.Context(), &sqs.GetQueueAttributesInput{QueueUrl: &url, AttributeNames: []sqstypes.QueueAttributeName{sqstypes.QueueAttributeNameAll}})
	attributes := must(w, got, err).Attributes
	if attributes["VisibilityTimeout"] != "60" || attributes["MessageRetentionPeriod"] != "345600" || !strings.Contains(attributes["RedrivePolicy"], "work-dead") {
		t.Errorf("the queue has %v", attributes)
	}
	w.user("alice@example.com")
	received, err := queues.ReceiveMessage(t.Context(), &sqs.ReceiveMessageInput{QueueUrl: &url, WaitTimeSeconds: 5})
	if messages := must(w, received, err).Messages; len(messages) != 1 || !strings.Contains(*messages[0].Body, "CreateUser") {
		t.Errorf("the rule delivered %v", messages)
	}
	role, err := w.access().GetRolePolicy(t.Context(), &iam.GetRolePolicyInput{RoleName: aws.String("worker"), PolicyName: aws.String("own")})
	if text := *must(w, role, err).PolicyDocument; !strings.Contains(text, "work") {
		t.Errorf("the role's policy is %s", text)
	}
}

func TestADeletedStackLeavesWhatItRetains(t *testing.T) {
	w := newWorld(t, &localcloud.Cloud{})
	s := w.stack(stackInput(smallStack, "Tier", "large"))
	_, err := w.stacks().DeleteStack(t.Context(), &cloudformation.DeleteStackInput{StackName: s.StackName})
	if err != nil {
		t.Fatal(err)
	}
	if s = w.describeStack(s.StackId); s.StackStatus != cftypes.StackStatusDeleteComplete {
		t.Errorf("the stack is %s: %s", s.StackStatus, w.reasons(s.StackId))
	}
	_, err = dynamodb.NewFromConfig(w.as(account, home)).DescribeTable(t.Context(), &dynamodb.DescribeTableInput{TableName: aws.String("state")})
	w.wantCode("the retained table", err, "")
	_, err = w.access().GetRole(t.Context(), &iam.GetRoleInput{RoleName: aws.String("worker")})
	w.wantCode("the deleted role", err, "NoSuchEntity")
	_, err = w.stacks().DescribeStacks(t.Context(), &cloudformation.DescribeStacksInput{StackName: aws.String("small")})
	w.wantCode("the deleted stack by its name", err, "ValidationError")
}

func TestAStackThatFailsIsRolledBack(t *testing.T) {
	for _, tt := range []struct{ name, from, to, want string }{
		{"unknown property", "QueueName: !Ref Name", "QueueName: !Ref Name\n      Colour: red", "Queue: Encountered unsupported property Colour"},
		{"wrong type", `VisibilityTimeout: "60"`, "VisibilityTimeout: soon", "Queue: Value of property VisibilityTimeout must be an Integer"},
		{"missing property", "KeySchema: [{AttributeName: pk, KeyType: HASH}]", "TableClass: STANDARD", "Table: Property KeySchema cannot be empty."},
		{"refused by the service", `VisibilityTimeout: "60"`, "VisibilityTimeout: 50000", "Queue: Invalid value for the parameter VisibilityTimeout."},
	} {
		t.Run(tt.name, func(t *testing.T) {
			w := newWorld(t, &localcloud.Cloud{})
			s := w.stack(stackInput(strings.Replace(smallStack, tt.from, tt.to, 1)))
			if s.StackStatus != cftypes.StackStatusRollbackComplete {
				t.Errorf("the stack is %s", s.StackStatus)
			}
			if got := w.reasons(s.StackId); !strings.HasPrefix(got, tt.want) {
				t.Errorf("it failed with %q, want %q", got, tt.want)
			}
			_, err := sqs.NewFromConfig(w.as(account, home)).GetQueueUrl(t.Context(), &sqs.GetQueueUrlInput{QueueName: aws.String("work-dead")})
			w.wantCode("what was made first", err, "AWS.SimpleQueueService.NonExistentQueue")
		})
	}
}

func TestCloudFormationRefusesATemplate(t *testing.T) {
	w := newWorld(t, &localcloud.Cloud{})
	edit := func(from, to string) *cloudformation.CreateStackInput {
		return stackInput(strings.Replace(smallStack, from, to, 1))
	}
	unacknowledged := stackInput(smallStack)
	unacknowledged.Capabilities = []cftypes.Capability{cftypes.CapabilityCapabilityIam}
	for _, tt := range []struct {
		name, want string
		in         *cloudformation.CreateStackInput
	}{
		{"no capability", "Requires capabilities : [CAPABILITY_NAMED_IAM]", unacknowledged},
		{"unknown type", "Unrecognized resource types: [AWS::SNS::Topic]", edit("Type: AWS::Events::Rule", "Type: AWS::SNS::Topic")},
		{"unknown name", "Unresolved resource dependencies [Nobody]", edit("!GetAtt Dead.Arn", "!GetAtt Nobody.Arn")},
		{"circle", "Circular dependency", edit("Properties: {QueueName: {", "DependsOn: Queue\n    Properties: {QueueName: {")},
		{"value not allowed", "Parameter 'Tier' must be one of AllowedValues", stackInput(smallStack, "Tier", "huge")},
		{"value against the pattern", "Parameter 'Name' must match pattern [a-z]+", stackInput(smallStack, "Name", "Work1")},
		{"unknown parameter", "Parameters: [Nope] do not exist in the template", stackInput(smallStack, "Nope", "x")},
		{"unknown tag", "does not know the tag !ImportValue", edit("!Ref Name", "!ImportValue Name")},
		{"no YAML", "YAML not well-formed", stackInput("a: [")},
		{"a key twice in JSON", "the key A stands twice (line 2)", stackInput("{\"Resources\": {\"A\": {},\n\"A\": {}}}")},
	} {
		t.Run(tt.name, func(t *testing.T) {
			_, err := w.stacks().CreateStack(t.Context(), tt.in)
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("got %v, want %q", err, tt.want)
			}
		})
	}
}

func TestATemplateMayHoldColonsAnywhere(t *testing.T) {
	w := newWorld(t, &localcloud.Cloud{})
	s := w.complete(stackInput(`{"Resources": {"Queue": {"Type":"AWS::SQS::Queue","Properties":{"QueueName":"work"}},
Flow: {Type: AWS::SQS::Queue, Properties: {QueueName: flow}}}, Outputs: {
Plain: {Value: arn:aws:sqs:us-east-1:1:q}, Quoted: {Value: "a::b: c"}, Region: {Value: !Ref AWS::Region}, Both: {Value: !Sub '${AWS::Region}:${Flow.Arn}'}}}`))
	want := map[string]string{"Plain": "arn:aws:sqs:us-east-1:1:q", "Quoted": "a::b: c", "Region": home, "Both": home + ":arn:aws:sqs:" + home + ":" + account + ":flow"}
	for _, o := range s.Outputs {
		if *o.OutputValue != want[*o.OutputKey] {
			t.Errorf("%s is %q, want %q", *o.OutputKey, *o.OutputValue, want[*o.OutputKey])
		}
	}
}
