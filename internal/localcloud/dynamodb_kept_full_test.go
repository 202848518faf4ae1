package localcloud

import (
	"net/http"
	"path/filepath"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
)

// A file that takes nothing more: the write is refused, and nobody reads what is not kept.
func TestAWriteThatTheFileDoesNotTakeIsNotCarriedOut(t *testing.T) {
	cloud := &Cloud{}
	release, err := cloud.KeepTable(DefaultAccount, "us-east-1", "state", filepath.Join(t.TempDir(), "state.jsonl"))
	if err != nil {
		t.Fatal(err)
	}
	api := dynamodb.NewFromConfig(aws.Config{
		Region: "us-east-1", BaseEndpoint: aws.String("http://aws.local"), HTTPClient: &http.Client{Transport: Transport{cloud}},
		Credentials: credentials.NewStaticCredentialsProvider("test", "test", ""), RetryMaxAttempts: 1,
	})
	put := func(pk string) error {
		_, err := api.PutItem(t.Context(), &dynamodb.PutItemInput{TableName: aws.String("state"), Item: attributes{
			"pk": &types.AttributeValueMemberS{Value: pk}, "sk": &types.AttributeValueMemberS{Value: "1"},
		}})
		return err
	}
	if err := put("kept"); err != nil {
		t.Fatal(err)
	}
	kept := cloud.dynamo.tables[place{DefaultAccount, "us-east-1"}]["state"].kept
	if err := kept.file.Close(); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if err := put("lost"); err == nil {
			t.Error("a write was acknowledged and is not in the file")
		}
	}
	if out, err := api.Scan(t.Context(), &dynamodb.ScanInput{TableName: aws.String("state")}); err != nil || out.Count != 1 {
		t.Errorf("%d items, %v", out.Count, err)
	}
	_ = release()
}
