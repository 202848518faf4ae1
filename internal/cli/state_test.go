package cli

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/aws-sdk-go-v2/service/sqs"

	"studiokeeper/internal/localcloud"
)

// stateless is an account whose configuration names no state table, and a
// command line at it, which answers its exit code and what it said.
func stateless(t *testing.T) (*sample, func(args ...string) (int, string)) {
	t.Helper()
	s, err := serveCloud(t.Context(), "127.0.0.1:0", &localcloud.Cloud{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.close() })
	s.domainID = "d-abcdefghijkl"
	for name, value := range map[string]string{
		"AWS_ENDPOINT_URL": s.endpoint, "AWS_REGION": sampleRegion, "AWS_ACCESS_KEY_ID": "local", "AWS_SECRET_ACCESS_KEY": "local",
	} {
		t.Setenv(name, value)
	}
	s.config = filepath.Join(t.TempDir(), "studiokeeper.yaml")
	if err := errors.Join(s.makeStore(t.Context()), makeMappingTable(t.Context(), s), s.writeConfig(t.Context())); err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(s.config)
	if err == nil {
		err = os.WriteFile(s.config, bytes.Replace(text, []byte("state:\n  table: "+sampleState+"\n"), nil, 1), 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}
	return s, func(args ...string) (int, string) {
		var out bytes.Buffer
		code := Run(t.Context(), append(args, "--config", s.config), Environment{Lookup: os.LookupEnv, Stdin: strings.NewReader(""), Stdout: &out, Stderr: &out})
		return code, out.String()
	}
}

// makeMappingTable makes all that there is of a deployment without a function.
func makeMappingTable(ctx context.Context, s *sample) error {
	group, domain := aws.String("group"), aws.String("domain")
	_, err := dynamodb.NewFromConfig(s.aws).CreateTable(ctx, &dynamodb.CreateTableInput{
		TableName: aws.String(sampleMapping), BillingMode: types.BillingModePayPerRequest,
		AttributeDefinitions: []types.AttributeDefinition{
			{AttributeName: group, AttributeType: types.ScalarAttributeTypeS}, {AttributeName: domain, AttributeType: types.ScalarAttributeTypeS},
		},
		KeySchema: []types.KeySchemaElement{{AttributeName: group, KeyType: types.KeyTypeHash}, {AttributeName: domain, KeyType: types.KeyTypeRange}},
	})
	return err
}

// noEvent concerns nobody.
func noEvent(t *testing.T) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "event.json")
	if err := os.WriteFile(file, []byte(`{"eventSource":"s3.amazonaws.com","eventName":"PutObject","eventID":"e-1","requestParameters":{}}`), 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

func TestWritingNeedsToKnowThatNoFunctionIsDeployed(t *testing.T) {
	s, run := stateless(t)
	file := noEvent(t)
	queue := func(name string) func() {
		return func() {
			if _, err := sqs.NewFromConfig(s.aws).CreateQueue(t.Context(), &sqs.CreateQueueInput{QueueName: aws.String(name)}); err != nil {
				t.Fatal(err)
			}
		}
	}
	for _, c := range []struct {
		what  string
		given func()
		code  int
		says  string
	}{
		{"nothing is deployed", func() {}, exitDone, ""},
		{"another deployment is", queue("studiokeeper-other-events"), exitDone, ""},
		{"nobody may tell", func() {
			s.cloud.Inject(localcloud.Fault{Service: "sqs", Operation: "GetQueueUrl", Code: "AccessDenied", Status: 403})
		}, exitFailed, "cannot be told whether a function is deployed: sqs:GetQueueUrl on queue studiokeeper-events"},
		{"this deployment is", func() {
			s.cloud.ClearFaults()
			queue("studiokeeper-local-events")()
		}, exitUsage, "queue studiokeeper-local-events in us-east-1"},
		{"one without a name is", queue("studiokeeper-events"), exitUsage, "queue studiokeeper-events in us-east-1"},
	} {
		c.given()
		code, said := run("replay", file)
		if code != c.code || !strings.Contains(said, c.says) || (code != exitDone) != strings.Contains(said, "nothing was changed") {
			t.Errorf("%s: exit code %d, want %d, and\n%s", c.what, code, c.code, said)
		}
		if code, said := run("replay", "--no-lock", file); code != exitDone || !strings.Contains(said, c.says) || (c.says != "") != strings.Contains(said, "warning: --no-lock") {
			t.Errorf("%s, --no-lock: exit code %d, and\n%s", c.what, code, said)
		}
		if code, said := run("removals", "list"); code != exitDone || strings.Count(said, "warning:") != 1 {
			t.Errorf("%s, reading: exit code %d, and\n%s", c.what, code, said)
		}
	}
}

func TestTheStateFileIsGivenBackAndHeldMeanwhile(t *testing.T) {
	s, run := stateless(t)
	if code, said := run("removals", "list"); code != exitDone {
		t.Fatal(said)
	}
	file := filepath.Join(filepath.Dir(s.config), stateFile)
	release, err := (&localcloud.Cloud{}).KeepTable(localcloud.DefaultAccount, thisMachine, "studiokeeper-state-local", file)
	if err != nil {
		t.Fatalf("the command has ended: %v", err)
	}
	if code, said := run("removals", "list"); code != exitFailed || !strings.Contains(said, "in use by process") {
		t.Errorf("exit code %d, and\n%s", code, said)
	}
	if err := release(); err != nil {
		t.Fatal(err)
	}
}

func TestTheStateFileLiesBesideTheConfiguration(t *testing.T) {
	for ref, want := range map[string]string{
		"studiokeeper.yaml": stateFile, "ssm:/studiokeeper/config": stateFile, filepath.Join("a", "b.yaml"): filepath.Join("a", stateFile),
	} {
		if got := stateFileOf(ref); got != want {
			t.Errorf("%s: got %s, want %s", ref, got, want)
		}
	}
}
