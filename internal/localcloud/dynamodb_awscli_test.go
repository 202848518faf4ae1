package localcloud_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"studiokeeper/internal/localcloud"
)

func TestAWSCommandLineInterfaceForData(t *testing.T) {
	t.Parallel()
	needCLI(t)
	w := newWorld(t, &localcloud.Cloud{})
	table := w.cli("dynamodb", "create-table", "--table-name", "mapping", "--billing-mode", "PAY_PER_REQUEST",
		"--attribute-definitions", "AttributeName=group,AttributeType=S", "AttributeName=domain,AttributeType=S",
		"--key-schema", "AttributeName=group,KeyType=HASH", "AttributeName=domain,KeyType=RANGE")
	if got := table["TableDescription"].(map[string]any)["TableStatus"]; got != "ACTIVE" {
		t.Errorf("create-table: status %v", got)
	}
	row := `{"group":{"S":"ad-group-1"},"domain":{"S":"research"},"priority":{"N":"100"},"settings":{"M":{"flag":{"BOOL":false}}}}`
	w.cli("dynamodb", "put-item", "--table-name", "mapping", "--item", row)
	found := w.cli("dynamodb", "query", "--table-name", "mapping", "--key-condition-expression", "#g = :g",
		"--expression-attribute-names", `{"#g":"group"}`, "--expression-attribute-values", `{":g":{"S":"ad-group-1"}}`)
	want := map[string]any{
		"group": map[string]any{"S": "ad-group-1"}, "domain": map[string]any{"S": "research"}, "priority": map[string]any{"N": "100"},
		"settings": map[string]any{"M": map[string]any{"flag": map[string]any{"BOOL": false}}},
	}
	if diff := cmp.Diff([]any{want}, found["Items"]); diff != "" || found["Count"] != 1.0 {
		t.Errorf("query printed a count of %v and (-want +got):\n%s", found["Count"], diff)
	}

	url := w.cli("sqs", "create-queue", "--queue-name", "events")["QueueUrl"].(string)
	if !strings.HasPrefix(url, w.url+"/") {
		t.Errorf("create-queue: URL %s is not on %s", url, w.url)
	}
	w.cli("sqs", "send-message", "--queue-url", url, "--message-body", "hello")
	w.cli("events", "put-rule", "--name", "all", "--event-pattern", everything)
	targets := w.cli("events", "put-targets", "--rule", "all", "--targets", "Id=1,Arn=arn:aws:sqs:us-east-1:111122223333:events")
	if diff := cmp.Diff(map[string]any{"FailedEntryCount": 0.0, "FailedEntries": []any{}}, targets); diff != "" {
		t.Errorf("put-targets (-want +got):\n%s", diff)
	}
	put := w.cli("events", "put-events", "--entries", `[{"Source":"me","DetailType":"Test","Detail":"{}"}]`)
	if put["FailedEntryCount"] != 0.0 {
		t.Errorf("put-events: %v", put)
	}
	eventually(t, func() bool { return len(w.cloud.Events()[0].Targets) == 1 })
	got := w.cli("sqs", "receive-message", "--queue-url", url, "--max-number-of-messages", "10")["Messages"].([]any)
	if len(got) != 2 || got[0].(map[string]any)["Body"] != "hello" || !strings.Contains(got[1].(map[string]any)["Body"].(string), `"source":"me"`) {
		t.Errorf("receive-message: %v", got)
	}
	none := w.tryCLI("sqs", "get-queue-url", "--queue-name", "none")
	if none.Code == 0 || !strings.Contains(none.Complaint, "(AWS.SimpleQueueService.NonExistentQueue)") {
		t.Errorf("get-queue-url for a queue that is not there: code %d, %s", none.Code, none.Complaint)
	}
}
