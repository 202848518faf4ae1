package e2e

import (
	"bytes"
	"context"
	"os"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation/types"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/rogpeppe/go-internal/testscript"

	"studiokeeper/internal/awscloud"
)

// secret NAME TEXT VARIABLE keeps a text in Secrets Manager, and the secret's ARN.
func secret(ts *testscript.TestScript, neg bool, args []string) {
	arguments(ts, neg, args, "secret NAME TEXT VARIABLE")
	api := awscloud.API{ID: "Secrets Manager", Target: "secretsmanager", Signing: "secretsmanager", Host: "secretsmanager"}
	var out struct{ ARN string }
	err := awscloud.NewSession(client(ts), "e2e").Call(context.Background(), api, awscloud.Place{Region: "us-east-1"}, "CreateSecret", args[0],
		map[string]string{"Name": args[0], "SecretString": args[1]}, &out)
	ts.Check(err)
	ts.Setenv(args[2], out.ARN)
}

// token ENDPOINT TOKEN enables automatic provisioning, and keeps where SCIM is
// spoken and the access token.
func token(ts *testscript.TestScript, neg bool, args []string) {
	arguments(ts, neg, args, "token ENDPOINT TOKEN")
	_, out := door(ts, "/_console/CreateAccessToken", map[string]any{"identityStoreId": store})
	if out["accessToken"] == "" {
		ts.Fatalf("CreateAccessToken: %v", out)
	}
	ts.Setenv(args[0], ts.Getenv("AWS_ENDPOINT_URL")+out["path"])
	ts.Setenv(args[1], out["accessToken"])
}

// upload FILE BUCKET KEY keeps a file in S3, in a bucket that is made for it.
func upload(ts *testscript.TestScript, neg bool, args []string) {
	arguments(ts, neg, args, "upload FILE BUCKET KEY")
	text, err := os.ReadFile(ts.MkAbs(args[0]))
	ts.Check(err)
	api := s3.NewFromConfig(client(ts), func(o *s3.Options) { o.UsePathStyle = true })
	_, err = api.CreateBucket(context.Background(), &s3.CreateBucketInput{Bucket: &args[1]})
	ts.Check(err)
	_, err = api.PutObject(context.Background(), &s3.PutObjectInput{Bucket: &args[1], Key: &args[2], Body: bytes.NewReader(text)})
	ts.Check(err)
}

// stack NAME TEMPLATE PARAMETER=VALUE… makes a stack and wants it to be complete.
func stack(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: stack NAME TEMPLATE PARAMETER=VALUE...")
	}
	in := &cloudformation.CreateStackInput{
		StackName: &args[0], TemplateBody: aws.String(ts.ReadFile(args[1])), Capabilities: []types.Capability{types.CapabilityCapabilityNamedIam},
	}
	for _, a := range args[2:] {
		name, value, _ := strings.Cut(a, "=")
		in.Parameters = append(in.Parameters, types.Parameter{ParameterKey: &name, ParameterValue: &value})
	}
	api := cloudformation.NewFromConfig(client(ts))
	_, err := api.CreateStack(context.Background(), in)
	ts.Check(err)
	events, err := api.DescribeStackEvents(context.Background(), &cloudformation.DescribeStackEventsInput{StackName: &args[0]})
	ts.Check(err)
	for _, e := range events.StackEvents {
		if strings.HasSuffix(string(e.ResourceStatus), "FAILED") || strings.HasPrefix(string(e.ResourceStatus), "ROLLBACK") {
			ts.Fatalf("%s is %s: %s", aws.ToString(e.LogicalResourceId), e.ResourceStatus, aws.ToString(e.ResourceStatusReason))
		}
	}
}
