package deploy_test

import (
	"context"
	"encoding/json"
	"net/http"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge"

	"studiokeeper/internal/deploy"
	"studiokeeper/internal/event"
	"studiokeeper/internal/localcloud"
)

// matcher asks the local cloud whether the rule's pattern lets an event through.
func matcher(t *testing.T) func(source, name, errorCode string) bool {
	t.Helper()
	client := eventbridge.NewFromConfig(aws.Config{Region: "us-east-1", BaseEndpoint: aws.String("http://aws.local"),
		HTTPClient:  &http.Client{Transport: localcloud.Transport{Cloud: &localcloud.Cloud{}}},
		Credentials: credentials.NewStaticCredentialsProvider("local", "local", "")})
	pattern, err := deploy.Pattern()
	if err != nil {
		t.Fatal(err)
	}
	return func(source, name, errorCode string) bool {
		detail := map[string]any{"eventSource": source, "eventName": name}
		if errorCode != "" {
			detail["errorCode"] = errorCode
		}
		text, _ := json.Marshal(map[string]any{
			"id": "1", "account": here, "source": "aws.any", "time": "2026-01-02T03:04:05Z", "region": "us-east-1", "resources": []string{},
			"detail-type": "AWS API Call via CloudTrail", "detail": detail,
		})
		out, err := client.TestEventPattern(context.Background(), &eventbridge.TestEventPatternInput{
			EventPattern: aws.String(string(pattern)), Event: aws.String(string(text)),
		})
		if err != nil {
			t.Fatal(err)
		}
		return out.Result
	}
}

func TestTheRuleLetsEveryDoorThroughAndNothingElse(t *testing.T) {
	matches := matcher(t)
	for _, d := range event.Doors() {
		for _, name := range d.Names {
			if !matches(d.Source, name, "") {
				t.Errorf("%s of %s is kept out", name, d.Source)
			}
			if matches(d.Source, name, "AccessDenied") {
				t.Errorf("a refused %s of %s goes through", name, d.Source)
			}
		}
	}
	for source, name := range map[string]string{
		"quicksight.amazonaws.com": "CreateGroupMembership", "identitystore.amazonaws.com": "DescribeUser",
		"identitystore-scim.amazonaws.com": "AddMemberToGroup", "sagemaker.amazonaws.com": "CreateApp",
	} {
		if matches(source, name, "") {
			t.Errorf("%s of %s goes through", name, source)
		}
	}
}
