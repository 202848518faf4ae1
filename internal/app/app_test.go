package app_test

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"studiokeeper/internal/app"
	"studiokeeper/internal/awscloud"
	"studiokeeper/internal/config"
	"studiokeeper/internal/event"
	"studiokeeper/internal/localcloud"
)

const good = `
deployment: prod
identityCenter: {region: us-east-1, identityStoreId: d-906716eb24}
domains: [{name: research, id: d-abcdefghijkl, region: us-east-1, account: "111122223333", signIn: none}]
mapping: {rules: [{groupId: 14f83478-a061-708f-8de4-a3a2b99e9d89, domain: research, role: "arn:aws:iam::111122223333:role/a"}]}
offboarding: {quarantineRole: "arn:aws:iam::{account}:role/quarantine"}
state: {table: state}
`

// options point at an empty local cloud: whatever is asked of it is refused.
func options(t *testing.T, text string) app.Options {
	t.Helper()
	cloud := &localcloud.Cloud{}
	server := httptest.NewServer(cloud)
	t.Cleanup(func() { server.Close(); cloud.Close() })
	for name, value := range map[string]string{
		"AWS_ENDPOINT_URL": server.URL, "AWS_REGION": "us-east-1", "AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test",
		"AWS_CONFIG_FILE": os.DevNull, "AWS_SHARED_CREDENTIALS_FILE": os.DevNull,
	} {
		t.Setenv(name, value)
	}
	file := filepath.Join(t.TempDir(), "studiokeeper.yaml")
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return app.Options{Config: file, Lookup: os.LookupEnv, Queue: nowhere{}, Log: slog.New(slog.DiscardHandler)}
}

// nowhere is a queue that nothing may be sent to.
type nowhere struct{}

// Send implements reconcile.Queue.
func (nowhere) Send(context.Context, event.Look, time.Duration) error {
	return errors.New("nothing should be sent")
}

func invoke(t *testing.T, o app.Options, payload string) (string, error) {
	t.Helper()
	out, err := app.Function(o).Invoke(t.Context(), []byte(payload))
	return string(out), err
}

func sqs(bodies ...string) string {
	type record struct {
		MessageID   string `json:"messageId"`
		EventSource string `json:"eventSource"`
		Body        string `json:"body"`
	}
	var records []record
	for i, b := range bodies {
		records = append(records, record{string(rune('a' + i)), "aws:sqs", b})
	}
	text, _ := json.Marshal(map[string]any{"Records": records})
	return string(text)
}

const joined = `{"eventSource":"sso-directory.amazonaws.com","eventName":"AddMemberToGroup","eventID":"e-1",
	"requestParameters":{"identityStoreId":"d-906716eb24","groupId":"g","member":{"memberId":"u"}}}`

const ignored = `{"eventSource":"s3.amazonaws.com","eventName":"PutObject","eventID":"e-1","requestParameters":{}}`

func TestOnlyFailedRecordsComeBack(t *testing.T) {
	o := options(t, good)
	for _, c := range []struct{ what, payload, want string }{
		{"nothing to do", sqs(ignored, ignored), `{"batchItemFailures":[]}`},
		{"an empty batch", `{"Records":[]}`, `{"batchItemFailures":[]}`},
		{"one malformed of three", sqs(ignored, `{"eventSource":`, ignored), `{"batchItemFailures":[{"itemIdentifier":"b"}]}`},
		{"one that cannot be carried out", sqs(ignored, joined), `{"batchItemFailures":[{"itemIdentifier":"b"}]}`},
		{"1 MB of nonsense", sqs(strings.Repeat("x", 1<<20), ignored), `{"batchItemFailures":[{"itemIdentifier":"a"}]}`},
	} {
		t.Run(c.what, func(t *testing.T) {
			got, err := invoke(t, o, c.payload)
			if err != nil || got != c.want {
				t.Errorf("got %s, %v, want %s", got, err, c.want)
			}
		})
	}
}

func TestDirectEvents(t *testing.T) {
	o := options(t, good)
	if got, err := invoke(t, o, ignored); err != nil || got != `{"statusCode":200,"body":"[]"}` {
		t.Errorf("an event that concerns nobody: %s, %v", got, err)
	}
	if got, err := invoke(t, o, joined); err == nil {
		t.Errorf("an event that cannot be carried out: %s", got)
	}
	if got, err := invoke(t, o, `[]`); err == nil {
		t.Errorf("no event at all: %s", got)
	}
}

func TestConfigurationThatCannotBeUsedIsSaidSo(t *testing.T) {
	without := func(key string) string {
		var kept []string
		for line := range strings.Lines(good) {
			if !strings.HasPrefix(line, key) {
				kept = append(kept, line)
			}
		}
		return strings.Join(kept, "")
	}
	for what, text := range map[string]string{
		"state.table is missing": without("state"),
		"deployment":             without("deployment"),
	} {
		_, err := invoke(t, options(t, text), ignored)
		if !errors.Is(err, config.ErrInvalid) || !strings.Contains(err.Error(), what) {
			t.Errorf("want %q, got %v", what, err)
		}
	}
}

func TestStateThatIsSuppliedNeedsNoTable(t *testing.T) {
	o := options(t, strings.Replace(good, "state: {table: state}\n", "", 1))
	o.State = &awscloud.State{}
	r, err := app.Open(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	for _, port := range []any{r.Leases, r.Looks, r.Persons, r.Journal, r.Removals, r.Assignments, r.Mapping.Pins} {
		if port != any(o.State) {
			t.Errorf("%T is another state", port)
		}
	}
}

func TestQueueMustBeNamed(t *testing.T) {
	o := options(t, good)
	o.Queue = nil
	if _, err := invoke(t, o, ignored); err == nil || !strings.Contains(err.Error(), app.EnvQueue) {
		t.Errorf("got %v", err)
	}
}

func TestConfigurationIsReadAgainAfterItFailed(t *testing.T) {
	o := options(t, "nonsense")
	f := app.Function(o)
	if _, err := f.Invoke(t.Context(), []byte(ignored)); err == nil {
		t.Fatal("nonsense was accepted")
	}
	if err := os.WriteFile(o.Config, []byte(good), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := f.Invoke(t.Context(), []byte(ignored)); err != nil {
		t.Errorf("after it was mended: %v", err)
	}
}
