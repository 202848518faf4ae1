package localcloud_test

import (
	"encoding/json"
	"errors"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"

	smtypes "github.com/aws/aws-sdk-go-v2/service/sagemaker/types"
	"github.com/google/go-cmp/cmp"

	"studiokeeper/e2e/awscli"
	"studiokeeper/internal/localcloud"
)

// cli runs the AWS CLI against the world and returns its JSON output.
func (w *world) cli(arguments ...string) map[string]any {
	w.t.Helper()
	out := w.plainCLI(append(arguments, "--output", "json")...)
	var answer map[string]any
	if len(out) > 0 {
		if err := json.Unmarshal([]byte(out), &answer); err != nil {
			w.t.Fatalf("aws %s printed no JSON: %v\n%s", strings.Join(arguments, " "), err, out)
		}
	}
	return answer
}

// plainCLI runs the AWS CLI against the world and returns what it prints.
func (w *world) plainCLI(arguments ...string) string {
	w.t.Helper()
	result := w.tryCLI(arguments...)
	if result.Code != 0 {
		w.t.Fatalf("aws %s ended with %d\n%s", strings.Join(arguments, " "), result.Code, result.Complaint)
	}
	return result.Out
}

// tryCLI runs the AWS CLI against the world, whatever comes of it.
func (w *world) tryCLI(arguments ...string) awscli.Result {
	w.t.Helper()
	commands, err := theCLI()
	if err != nil {
		w.t.Fatal(err)
	}
	result, err := commands.Run(w.t.Context(), w.url, append(arguments, "--endpoint-url", w.url, "--region", home)...)
	if err != nil {
		w.t.Fatal(err)
	}
	return result
}

// theCLI is the AWS CLI for all tests: nothing of its environment is one test's.
var theCLI = sync.OnceValues(func() (*awscli.CLI, error) {
	return awscli.New(append(os.Environ(), "AWS_ACCESS_KEY_ID=test", "AWS_SECRET_ACCESS_KEY=test", "AWS_PAGER=",
		"AWS_CONFIG_FILE=testdata/awscli.config", "AWS_SHARED_CREDENTIALS_FILE="+os.DevNull), "")
})

// needCLI skips the test without the AWS CLI, unless STUDIOKEEPER_DEMAND demands it.
func needCLI(t *testing.T) {
	t.Helper()
	switch _, err := theCLI(); {
	case err == nil:
	case !errors.Is(err, exec.ErrNotFound) || os.Getenv("STUDIOKEEPER_DEMAND") == "1":
		t.Fatalf("%v; STUDIOKEEPER_DEMAND=1 demands it", err)
	default:
		t.Skip(err)
	}
}

func TestAWSCommandLineInterface(t *testing.T) {
	t.Parallel()
	needCLI(t)
	w := newWorld(t, &localcloud.Cloud{ProfileDelay: -1})
	store := []string{"--identity-store-id", storeID}
	user := w.cli(append([]string{"identitystore", "create-user", "--user-name", "alice@example.com", "--display-name", "Alice",
		"--name", "GivenName=Alice,FamilyName=Example"}, store...)...)
	group := w.cli(append([]string{"identitystore", "create-group", "--display-name", "ad-group-1"}, store...)...)
	membership := w.cli(append([]string{"identitystore", "create-group-membership", "--group-id", group["GroupId"].(string),
		"--member-id", "UserId=" + user["UserId"].(string)}, store...)...)
	if membership["MembershipId"] == nil || membership["IdentityStoreId"] != storeID {
		t.Errorf("create-group-membership printed %v", membership)
	}
	domain := w.cli("sagemaker", "create-domain", "--domain-name", "research", "--auth-mode", "SSO",
		"--default-user-settings", "ExecutionRole="+plainRole, "--vpc-id", "vpc-1", "--subnet-ids", "subnet-1")
	id := domain["DomainId"].(string)
	profile := []string{"--domain-id", id, "--user-profile-name", "alice"}
	made := w.cli(append([]string{"sagemaker", "create-user-profile", "--single-sign-on-user-identifier", "UserName",
		"--single-sign-on-user-value", "alice@example.com", "--user-settings", "ExecutionRole=" + studyRole, "--tags", "Key=team,Value=ml"}, profile...)...)
	arn := made["UserProfileArn"].(string)
	tags := w.cli("sagemaker", "list-tags", "--resource-arn", arn)
	if want := map[string]any{"Tags": []any{map[string]any{"Key": "team", "Value": "ml"}}}; !cmp.Equal(want, tags) {
		t.Errorf("list-tags printed %v, want %v", tags, want)
	}

	got := w.cli(append([]string{"sagemaker", "describe-user-profile"}, profile...)...)
	for _, stamp := range []string{"CreationTime", "LastModifiedTime"} {
		if text, ok := got[stamp].(string); !ok || !strings.HasPrefix(text, "2026-03-01T") {
			t.Errorf("%s is %v, want a time on 2026-03-01", stamp, got[stamp])
		}
		delete(got, stamp)
	}
	want := map[string]any{
		"DomainId": id, "UserProfileArn": arn, "UserProfileName": "alice", "HomeEfsFileSystemUid": "200001", "Status": "InService",
		"SingleSignOnUserIdentifier": "UserName", "SingleSignOnUserValue": "alice@example.com",
		"UserSettings": map[string]any{"ExecutionRole": studyRole},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("describe-user-profile (-want +got):\n%s", diff)
	}
	if answer := w.cli(append([]string{"sagemaker", "delete-user-profile"}, profile...)...); answer != nil {
		t.Errorf("delete-user-profile printed %v, want nothing", answer)
	}
	who := w.cli("sts", "get-caller-identity")
	if who["Account"] != account {
		t.Errorf("get-caller-identity printed %v", who)
	}
}

func TestAWSCommandLineInterfaceAssigns(t *testing.T) {
	t.Parallel()
	needCLI(t)
	w := newWorld(t, &localcloud.Cloud{ProfileDelay: -1})
	alice, application := w.user("alice@example.com"), *w.application(w.domain("research", smtypes.AuthModeSso))
	instances := w.cli("sso-admin", "list-instances")["Instances"].([]any)
	if len(instances) != 1 || instances[0].(map[string]any)["IdentityStoreId"] != storeID {
		t.Errorf("list-instances printed %v", instances)
	}
	w.cli("sso-admin", "create-application-assignment", "--application-arn", application, "--principal-type", "USER", "--principal-id", alice)
	got := w.cli("sso-admin", "list-application-assignments", "--application-arn", application)
	want := map[string]any{"ApplicationAssignments": []any{
		map[string]any{"ApplicationArn": application, "PrincipalId": alice, "PrincipalType": "USER"},
	}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("list-application-assignments (-want +got):\n%s", diff)
	}
	configuration := w.cli("sso-admin", "get-application-assignment-configuration", "--application-arn", application)
	if diff := cmp.Diff(map[string]any{"AssignmentRequired": true}, configuration); diff != "" {
		t.Errorf("get-application-assignment-configuration (-want +got):\n%s", diff)
	}
}

func TestAWSCommandLineInterfaceFindsByTag(t *testing.T) {
	t.Parallel()
	needCLI(t)
	w := newWorld(t, &localcloud.Cloud{ProfileDelay: -1})
	domain := w.domain("research", smtypes.AuthModeSso)
	alice := w.taggedProfile(domain, "alice", "team", "ml")
	bob := w.taggedProfile(domain, "bob", "team", "web")
	shown := func(arn, team string) any {
		return map[string]any{"ResourceARN": arn, "Tags": []any{map[string]any{"Key": "team", "Value": team}}}
	}
	get := []string{"resourcegroupstaggingapi", "get-resources"}
	all := w.cli(append(get, "--resource-type-filters", "sagemaker:user-profile", "--page-size", "1")...)
	if diff := cmp.Diff([]any{shown(alice, "ml"), shown(bob, "web")}, all["ResourceTagMappingList"]); diff != "" {
		t.Errorf("get-resources of profiles, page by page (-want +got):\n%s", diff)
	}
	one := w.cli(append(get, "--tag-filters", "Key=team,Values=web,ops")...)
	if diff := cmp.Diff([]any{shown(bob, "web")}, one["ResourceTagMappingList"]); diff != "" {
		t.Errorf("get-resources by tag (-want +got):\n%s", diff)
	}
}

func TestAWSCommandLineInterfaceKeepsParameters(t *testing.T) {
	t.Parallel()
	needCLI(t)
	w := newWorld(t, &localcloud.Cloud{})
	put := w.cli("ssm", "put-parameter", "--name", parameterName, "--type", "SecureString", "--value", "deployment: prod")
	if diff := cmp.Diff(map[string]any{"Version": 1.0, "Tier": "Standard"}, put); diff != "" {
		t.Errorf("put-parameter (-want +got):\n%s", diff)
	}
	got := w.cli("ssm", "get-parameter", "--with-decryption", "--name", parameterName)["Parameter"].(map[string]any)
	if stamp, ok := got["LastModifiedDate"].(string); !ok || !strings.HasPrefix(stamp, "2026-03-01T") {
		t.Errorf("LastModifiedDate is %v, want a time on 2026-03-01", got["LastModifiedDate"])
	}
	delete(got, "LastModifiedDate")
	want := map[string]any{
		"Name": parameterName, "Type": "SecureString", "Value": "deployment: prod", "Version": 1.0, "DataType": "text",
		"ARN": "arn:aws:ssm:us-east-1:111122223333:parameter" + parameterName,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("get-parameter (-want +got):\n%s", diff)
	}
}
