package localcloud_test

import (
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/ssm"

	"studiokeeper/internal/localcloud"
)

const jsonStack = `{
  "Parameters": {"Stage": {"Type": "String", "Default": "test"}, "Names": {"Type": "CommaDelimitedList", "Default": "a,b,c"}},
  "Conditions": {
    "Test": {"Fn::Equals": [{"Ref": "Stage"}, "test"]},
    "Home": {"Fn::Equals": [{"Ref": "AWS::Region"}, "us-east-1"]},
    "Both": {"Fn::And": [{"Condition": "Test"}, {"Condition": "Home"}]},
    "Either": {"Fn::Or": [{"Condition": "Test"}, {"Fn::Equals": ["1", "2"]}]}
  },
  "Resources": {
    "Queue": {"Type": "AWS::SQS::Queue", "Properties": {"QueueName": "work"}},
    "Policy": {"Type": "AWS::SQS::QueuePolicy", "Properties": {"Queues": [{"Ref": "Queue"}], "PolicyDocument": {"Version": "2012-10-17",
      "Statement": {"Effect": "Allow", "Principal": {"Service": "events.amazonaws.com"}, "Action": "sqs:SendMessage", "Resource": {"Fn::GetAtt": ["Queue", "Arn"]}}}}},
    "Role": {"Type": "AWS::IAM::Role", "Properties": {"RoleName": "worker", "AssumeRolePolicyDocument": ` + trustLambda + `}},
    "Managed": {"Type": "AWS::IAM::ManagedPolicy", "Properties": {"ManagedPolicyName": "work", "Roles": [{"Ref": "Role"}],
      "PolicyDocument": {"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Resource": "*",
        "Action": {"Fn::If": ["Both", ["sqs:SendMessage", "sqs:ReceiveMessage"], ["sqs:GetQueueUrl"]]}}}}},
    "Value": {"Type": "AWS::SSM::Parameter", "Properties": {"Name": "/work/value", "Type": "String",
      "Value": {"Fn::Join": ["+", [{"Fn::Select": [1, {"Ref": "Names"}]}, {"Fn::Select": ["0", {"Fn::Split": ["-", {"Ref": "AWS::Region"}]}]}, {"Fn::If": ["Either", "yes", "no"]}]]}}}
  }
}`

func TestATemplateOfJSONWithEveryFunction(t *testing.T) {
	for _, tt := range []struct{ stage, value, action string }{
		{"test", "b+us+yes", "sqs:ReceiveMessage"},
		{"prod", "b+us+no", "sqs:GetQueueUrl"},
	} {
		w := newWorld(t, &localcloud.Cloud{})
		s := w.stack(stackInput(jsonStack, "Stage", tt.stage))
		if s.StackStatus != "CREATE_COMPLETE" {
			t.Fatalf("the stack is %s: %s", s.StackStatus, w.reasons(s.StackId))
		}
		parameter, err := ssm.NewFromConfig(w.as(account, home)).GetParameter(t.Context(), &ssm.GetParameterInput{Name: aws.String("/work/value")})
		if got := *must(w, parameter, err).Parameter.Value; got != tt.value {
			t.Errorf("%s: the parameter is %s, want %s", tt.stage, got, tt.value)
		}
		version, err := w.access().GetPolicyVersion(t.Context(), &iam.GetPolicyVersionInput{PolicyArn: aws.String("arn:aws:iam::111122223333:policy/work"), VersionId: aws.String("v1")})
		if got := *must(w, version, err).PolicyVersion.Document; !strings.Contains(got, strings.TrimPrefix(tt.action, "sqs:")) {
			t.Errorf("%s: the managed policy is %s, want %s in it", tt.stage, got, tt.action)
		}
		attached, err := w.access().ListAttachedRolePolicies(t.Context(), &iam.ListAttachedRolePoliciesInput{RoleName: aws.String("worker")})
		if must(w, attached, err); len(attached.AttachedPolicies) != 1 {
			t.Errorf("%s: the role has %d managed policies, want 1", tt.stage, len(attached.AttachedPolicies))
		}
		if got := w.queueAttribute("work", "Policy"); !strings.Contains(got, "events.amazonaws.com") {
			t.Errorf("%s: the queue's policy is %s", tt.stage, got)
		}
	}
}
