package doctor_test

import (
	"context"
	"errors"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	cftypes "github.com/aws/aws-sdk-go-v2/service/cloudformation/types"

	"studiokeeper/internal/localcloud"
)

const functions = `
Resources:
  Events:
    Type: AWS::Lambda::Function
    Properties:
      FunctionName: studiokeeper-events
      Code: {S3Bucket: code, S3Key: function.zip}
      Role: arn:aws:iam::111122223333:role/unknown
      Timeout: 60
      Environment: {Variables: {STUDIOKEEPER_CONFIG: "ssm:config", STUDIOKEEPER_QUEUE_URL: events, STUDIOKEEPER_PASS_QUEUE_URL: pass}}
  Pass:
    Type: AWS::Lambda::Function
    Properties:
      FunctionName: studiokeeper-pass
      Code: {S3Bucket: code, S3Key: function.zip}
      Role: arn:aws:iam::111122223333:role/unknown
      Timeout: 900
      Environment: {Variables: {STUDIOKEEPER_CONFIG: "ssm:config", STUDIOKEEPER_QUEUE_URL: events, STUDIOKEEPER_PASS_QUEUE_URL: pass}}
  EventsMapping:
    Type: AWS::Lambda::EventSourceMapping
    Properties: {FunctionName: !Ref Events, EventSourceArn: "arn:aws:sqs:us-east-1:111122223333:studiokeeper-events"}
  PassMapping:
    Type: AWS::Lambda::EventSourceMapping
    Properties: {FunctionName: !Ref Pass, EventSourceArn: "arn:aws:sqs:us-east-1:111122223333:studiokeeper-pass", Enabled: true}
`

// idle is a function that does nothing.
func idle(localcloud.Function) func(context.Context, []byte) ([]byte, error) {
	return func(context.Context, []byte) ([]byte, error) { return []byte("{}"), nil }
}

// deployFunctions makes the stack of the functions, or changes it.
func (l *lab) deployFunctions(template string) {
	l.t.Helper()
	stacks, name := cloudformation.NewFromConfig(l.aws), aws.String("functions")
	_, err := stacks.CreateStack(l.t.Context(), &cloudformation.CreateStackInput{StackName: name, TemplateBody: &template})
	if _, exists := errors.AsType[*cftypes.AlreadyExistsException](err); exists {
		_, err = stacks.UpdateStack(l.t.Context(), &cloudformation.UpdateStackInput{StackName: name, TemplateBody: &template})
	}
	l.must(err)
	found, err := stacks.DescribeStacks(l.t.Context(), &cloudformation.DescribeStacksInput{StackName: name})
	l.must(err)
	if status := found.Stacks[0].StackStatus; status != cftypes.StackStatusCreateComplete && status != cftypes.StackStatusUpdateComplete {
		l.t.Fatalf("the stack of the functions is %s", status)
	}
}

// changeFunctions deploys the functions with one thing changed.
func (l *lab) changeFunctions(from, to string) {
	l.t.Helper()
	l.deployFunctions(strings.Replace(functions, from, to, 1))
}
