package e2e

import (
	"context"
	"net/http"
	"os"
	"path"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	dynamotypes "github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/aws-sdk-go-v2/service/identitystore"
	identitytypes "github.com/aws/aws-sdk-go-v2/service/identitystore/types"
	"github.com/aws/aws-sdk-go-v2/service/sagemaker"
	sagemakertypes "github.com/aws/aws-sdk-go-v2/service/sagemaker/types"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	sqstypes "github.com/aws/aws-sdk-go-v2/service/sqs/types"
	"github.com/aws/aws-sdk-go-v2/service/ssm"
	ssmtypes "github.com/aws/aws-sdk-go-v2/service/ssm/types"
	"github.com/aws/smithy-go/middleware"
	"github.com/rogpeppe/go-internal/testscript"

	"studiokeeper/internal/awscloud"
)

const (
	store    = "d-906716eb24"
	patience = 20 * time.Second
	// glance is how long a command waits before it looks again.
	glance = 100 * time.Millisecond
)

func client(ts *testscript.TestScript) aws.Config {
	endpoint := ts.Getenv("AWS_ENDPOINT_URL")
	if endpoint == "" {
		ts.Fatalf("nothing is served; start with serve")
	}
	return aws.Config{Region: "us-east-1", BaseEndpoint: &endpoint, HTTPClient: http.DefaultClient, Credentials: credentials.NewStaticCredentialsProvider("local", "local", ""), APIOptions: []func(*middleware.Stack) error{awscloud.PlainBody}}
}

func arguments(ts *testscript.TestScript, neg bool, args []string, use string) {
	if neg || len(args) != len(strings.Fields(use))-1 {
		ts.Fatalf("usage: %s", use)
	}
}

// parameter NAME FILE keeps a file in Parameter Store, encrypted.
func parameter(ts *testscript.TestScript, neg bool, args []string) {
	arguments(ts, neg, args, "parameter NAME FILE")
	_, err := ssm.NewFromConfig(client(ts)).PutParameter(context.Background(), &ssm.PutParameterInput{
		Name: &args[0], Value: aws.String(ts.ReadFile(args[1])), Type: ssmtypes.ParameterTypeSecureString, Overwrite: aws.Bool(true),
	})
	ts.Check(err)
}

// user NAME VARIABLE creates a user and keeps the id.
func user(ts *testscript.TestScript, neg bool, args []string) {
	arguments(ts, neg, args, "user NAME VARIABLE")
	out, err := identitystore.NewFromConfig(client(ts)).CreateUser(context.Background(), &identitystore.CreateUserInput{
		IdentityStoreId: aws.String(store), UserName: &args[0], DisplayName: &args[0],
		Name: &identitytypes.Name{GivenName: &args[0], FamilyName: &args[0]},
	})
	ts.Check(err)
	ts.Setenv(args[1], *out.UserId)
}

// group NAME VARIABLE creates a group and keeps the id.
func group(ts *testscript.TestScript, neg bool, args []string) {
	arguments(ts, neg, args, "group NAME VARIABLE")
	out, err := identitystore.NewFromConfig(client(ts)).CreateGroup(context.Background(), &identitystore.CreateGroupInput{
		IdentityStoreId: aws.String(store), DisplayName: &args[0],
	})
	ts.Check(err)
	ts.Setenv(args[1], *out.GroupId)
}

// join GROUP USER creates a membership.
func join(ts *testscript.TestScript, neg bool, args []string) {
	arguments(ts, neg, args, "join GROUP USER")
	_, err := identitystore.NewFromConfig(client(ts)).CreateGroupMembership(context.Background(), &identitystore.CreateGroupMembershipInput{
		IdentityStoreId: aws.String(store), GroupId: &args[0], MemberId: &identitytypes.MemberIdMemberUserId{Value: args[1]},
	})
	ts.Check(err)
}

// leave GROUP USER deletes a membership.
func leave(ts *testscript.TestScript, neg bool, args []string) {
	arguments(ts, neg, args, "leave GROUP USER")
	api := identitystore.NewFromConfig(client(ts))
	m, err := api.GetGroupMembershipId(context.Background(), &identitystore.GetGroupMembershipIdInput{
		IdentityStoreId: aws.String(store), GroupId: &args[0], MemberId: &identitytypes.MemberIdMemberUserId{Value: args[1]},
	})
	ts.Check(err)
	_, err = api.DeleteGroupMembership(context.Background(), &identitystore.DeleteGroupMembershipInput{IdentityStoreId: aws.String(store), MembershipId: m.MembershipId})
	ts.Check(err)
}

// row GROUP DOMAIN ROLE puts a mapping row.
func row(ts *testscript.TestScript, neg bool, args []string) {
	arguments(ts, neg, args, "row GROUP DOMAIN ROLE")
	_, err := dynamodb.NewFromConfig(client(ts)).PutItem(context.Background(), &dynamodb.PutItemInput{
		TableName: aws.String("studiokeeper-mapping"),
		Item: map[string]dynamotypes.AttributeValue{
			"group":  &dynamotypes.AttributeValueMemberS{Value: args[0]},
			"domain": &dynamotypes.AttributeValueMemberS{Value: args[1]},
			"role":   &dynamotypes.AttributeValueMemberS{Value: "arn:aws:iam::111122223333:role/studio/" + args[2]},
		},
	})
	ts.Check(err)
}

// profile USERNAME ROLE waits for the user's profile with that role; ! profile
// USERNAME wants none to be there.
func profile(ts *testscript.TestScript, neg bool, args []string) {
	if neg {
		if role, found := roleOf(ts, args[0]); found {
			ts.Fatalf("%s has a profile, with role %s", args[0], role)
		}
		return
	}
	arguments(ts, neg, args, "profile USERNAME ROLE")
	want := "arn:aws:iam::111122223333:role/" + path.Join("studio", args[1])
	for until := time.Now().Add(patience); ; time.Sleep(glance) {
		role, found := roleOf(ts, args[0])
		if found && role == want {
			return
		}
		if time.Now().After(until) {
			ts.Fatalf("%s: profile %v, role %q, want %s", args[0], found, role, want)
		}
	}
}

// roleOf is the role of the user's profile once it is in service.
func roleOf(ts *testscript.TestScript, userName string) (role string, found bool) {
	api := sagemaker.NewFromConfig(client(ts))
	pages := sagemaker.NewListUserProfilesPaginator(api, &sagemaker.ListUserProfilesInput{})
	for pages.HasMorePages() {
		page, err := pages.NextPage(context.Background())
		ts.Check(err)
		for _, p := range page.UserProfiles {
			d, err := api.DescribeUserProfile(context.Background(), &sagemaker.DescribeUserProfileInput{DomainId: p.DomainId, UserProfileName: p.UserProfileName})
			ts.Check(err)
			if *d.SingleSignOnUserValue != userName || d.Status != sagemakertypes.UserProfileStatusInService {
				continue
			}
			if d.UserSettings == nil {
				return "", true
			}
			return aws.ToString(d.UserSettings.ExecutionRole), true
		}
	}
	return "", false
}

// queue FILE… sends files as messages to the events queue.
func queue(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) == 0 {
		ts.Fatalf("usage: queue FILE...")
	}
	api := sqs.NewFromConfig(client(ts))
	url := queueURL(ts, api, "studiokeeper-events")
	for _, file := range args {
		text, err := os.ReadFile(ts.MkAbs(file))
		ts.Check(err)
		_, err = api.SendMessage(context.Background(), &sqs.SendMessageInput{QueueUrl: &url, MessageBody: aws.String(string(text))})
		ts.Check(err)
	}
}

// drained waits until both queues have nothing that could be taken now.
func drained(ts *testscript.TestScript, neg bool, args []string) {
	arguments(ts, neg, args, "drained")
	api := sqs.NewFromConfig(client(ts))
	urls := []string{queueURL(ts, api, "studiokeeper-events"), queueURL(ts, api, "studiokeeper-pass")}
	for until, quiet := time.Now().Add(patience), 0; quiet < 3; time.Sleep(50 * time.Millisecond) {
		quiet++
		for _, url := range urls {
			a, err := api.GetQueueAttributes(context.Background(), &sqs.GetQueueAttributesInput{
				QueueUrl: &url, AttributeNames: []sqstypes.QueueAttributeName{"ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"},
			})
			ts.Check(err)
			for _, n := range a.Attributes {
				if n != "0" {
					quiet = 0
				}
			}
		}
		if time.Now().After(until) {
			ts.Fatalf("the queues are not drained")
		}
	}
}

func queueURL(ts *testscript.TestScript, api *sqs.Client, name string) string {
	out, err := api.GetQueueUrl(context.Background(), &sqs.GetQueueUrlInput{QueueName: &name})
	ts.Check(err)
	return *out.QueueUrl
}
