package localcloud_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	lambdatypes "github.com/aws/aws-sdk-go-v2/service/lambda/types"
	sqstypes "github.com/aws/aws-sdk-go-v2/service/sqs/types"
	"github.com/google/go-cmp/cmp"

	"studiokeeper/internal/localcloud"
)

const attachedStack = `
Parameters:
  Subnets: {Type: "List<AWS::EC2::Subnet::Id>"}
  Group: {Type: "AWS::EC2::SecurityGroup::Id", Default: sg-0a1b2c3d}
Resources:
  Role:
    Type: AWS::IAM::Role
    Properties:
      RoleName: worker
      AssumeRolePolicyDocument: {Version: 2012-10-17, Statement: [{Effect: Allow, Principal: {Service: lambda.amazonaws.com}, Action: "sts:AssumeRole"}]}
      Policies:
        - PolicyName: own
          PolicyDocument: {Version: 2012-10-17, Statement: [{Effect: Allow, Action: ["sqs:SendMessage", "ec2:*"], Resource: "*"}]}
  Dead:
    Type: AWS::SQS::Queue
    Properties: {QueueName: dead}
  Function:
    Type: AWS::Lambda::Function
    Properties:
      FunctionName: worker
      Runtime: provided.al2023
      Handler: bootstrap
      Code: {S3Bucket: code, S3Key: worker.zip}
      Role: !GetAtt Role.Arn
      VpcConfig: {SubnetIds: !Ref Subnets, SecurityGroupIds: [!Ref Group]}
      DeadLetterConfig: {TargetArn: !GetAtt Dead.Arn}
`

const subnets = "subnet-0a1b2c3d, subnet-0123456789abcdef0"

func TestAFunctionIsConnectedAndShowsIt(t *testing.T) {
	w := newWorld(t, &localcloud.Cloud{Host: (&hosted{}).host()})
	w.complete(stackInput(attachedStack, "Subnets", subnets))
	out, err := w.lambdas().GetFunctionConfiguration(t.Context(), &lambda.GetFunctionConfigurationInput{FunctionName: aws.String("worker")})
	must(w, out, err)
	got := []any{out.VpcConfig.SubnetIds, out.VpcConfig.SecurityGroupIds, *out.DeadLetterConfig.TargetArn}
	want := []any{[]string{"subnet-0a1b2c3d", "subnet-0123456789abcdef0"}, []string{"sg-0a1b2c3d"}, "arn:aws:sqs:us-east-1:111122223333:dead"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("it is connected so (-want +got):\n%s", diff)
	}
}

func TestConnectingAFunctionTakesPermissionsOfItsRole(t *testing.T) {
	for _, tt := range []struct{ from, to, want string }{
		{`"ec2:*"`, `"ec2:Describe*"`, "permissions to call CreateNetworkInterface on EC2"},
		{`"ec2:*"`, `"ec2:*Interface*", "ec2:DescribeSubnets", "ec2:Assign*"`, "permissions to call UnassignPrivateIpAddresses on EC2"},
		{`"sqs:SendMessage"`, `"sqs:ReceiveMessage"`, "permissions to call SendMessage on SQS"},
	} {
		w := newWorld(t, &localcloud.Cloud{Host: (&hosted{}).host()})
		s := w.stack(stackInput(strings.Replace(attachedStack, tt.from, tt.to, 1), "Subnets", subnets))
		if got := w.reasons(s.StackId); !strings.Contains(got, tt.want) {
			t.Errorf("with %s the stack is %s: %q", tt.to, s.StackStatus, got)
		}
	}
}

func TestWhatIsNoSubnetIsRefused(t *testing.T) {
	w := newWorld(t, &localcloud.Cloud{Host: (&hosted{}).host()})
	for _, bad := range []string{"vpc-0a1b2c3d", "subnet-0a1b2c3d,", "subnet-X"} {
		_, err := w.stacks().CreateStack(t.Context(), stackInput(attachedStack, "Subnets", bad))
		w.wantCode(bad, err, "ValidationError")
	}
}

func TestAnEventThatFailsThreeTimesIsADeadLetter(t *testing.T) {
	h := &hosted{fail: errors.New("out of order")}
	w := newWorld(t, &localcloud.Cloud{Host: h.host()})
	w.complete(stackInput(attachedStack, "Subnets", subnets))
	_, err := w.lambdas().Invoke(t.Context(), &lambda.InvokeInput{FunctionName: aws.String("worker"), InvocationType: lambdatypes.InvocationTypeEvent})
	w.wantCode("Invoke", err, "")
	eventually(t, func() bool {
		w.cloud.Advance(10 * time.Second)
		return w.queueAttribute("dead", sqstypes.QueueAttributeNameApproximateNumberOfMessages) == "1"
	})
	if !h.got("{}") {
		t.Error("without a payload it got no empty object")
	}
	if tries := len(w.cloud.Invocations()); tries != 3 {
		t.Errorf("it was tried %d times", tries)
	}
}

func TestARoleThatNobodyMadeMayConnectAFunction(t *testing.T) {
	w := newWorld(t, &localcloud.Cloud{})
	f := quiet(workerRole)
	f.VPC.SubnetIds, f.DeadLetters.TargetArn = []string{"subnet-0a1b2c3d"}, "arn:aws:sqs:us-east-1:111122223333:dead"
	if err := w.cloud.StartFunction(f); err != nil {
		t.Error(err)
	}
}
