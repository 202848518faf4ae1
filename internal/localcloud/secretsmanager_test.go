package localcloud_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"studiokeeper/internal/localcloud"
)

// secrets asks Secrets Manager as the holder of an access key, and gives the answer's members, or a code.
func (w *world) secrets(key, operation, body string) (out map[string]any, code string) {
	w.t.Helper()
	headers := map[string]string{
		"X-Amz-Target":  "secretsmanager." + operation,
		"Authorization": strings.Replace(signed("secretsmanager"), "Credential=test/", "Credential="+key+"/", 1),
	}
	_, code, reply := w.post(headers, body)
	if err := json.Unmarshal([]byte(reply), &out); err != nil {
		w.t.Fatalf("%s answers %s: %v", operation, reply, err)
	}
	return out, code
}

func (w *world) secret(operation, body string) map[string]any {
	w.t.Helper()
	out, code := w.secrets(account, operation, body)
	if code != "" {
		w.t.Fatalf("%s %s: %s %v", operation, body, code, out)
	}
	return out
}

func (w *world) wantSecretRefused(what, operation, body, want string) {
	w.t.Helper()
	if out, code := w.secrets(account, operation, body); code != want {
		w.t.Errorf("%s: got %q %v, want %s", what, code, out, want)
	}
}

func TestASecretHasVersionsOfWhichOneIsCurrent(t *testing.T) {
	w := newWorld(t, &localcloud.Cloud{})
	made := w.secret("CreateSecret", `{"Name":"corp/ad","SecretString":"one","Description":"bind account","Tags":[{"Key":"team","Value":"it"}]}`)
	arn, first := fmt.Sprint(made["ARN"]), fmt.Sprint(made["VersionId"])
	if !strings.HasPrefix(arn, "arn:aws:secretsmanager:us-east-1:111122223333:secret:corp/ad-") || len(arn) != len("arn:aws:secretsmanager:us-east-1:111122223333:secret:corp/ad-AbCdEf") {
		t.Errorf("its ARN is %s", arn)
	}
	for _, id := range []string{"corp/ad", arn, arn[:len(arn)-7]} {
		if got := w.secret("GetSecretValue", `{"SecretId":"`+id+`"}`); got["SecretString"] != "one" || got["ARN"] != arn {
			t.Errorf("by %s: %v", id, got)
		}
	}
	second := fmt.Sprint(w.secret("PutSecretValue", `{"SecretId":"`+arn+`","SecretString":"two"}`)["VersionId"])
	for asked, want := range map[string]string{
		``: "two", `,"VersionStage":"AWSCURRENT"`: "two", `,"VersionStage":"AWSPREVIOUS"`: "one", `,"VersionId":"` + first + `"`: "one",
	} {
		if got := w.secret("GetSecretValue", `{"SecretId":"corp/ad"`+asked+`}`); got["SecretString"] != want {
			t.Errorf("asked for %q it is %v, want %s", asked, got, want)
		}
	}
	w.secret("PutSecretValue", `{"SecretId":"corp/ad","SecretString":"three","VersionStages":["PENDING"]}`)
	shown := w.secret("DescribeSecret", `{"SecretId":"corp/ad"}`)
	stages := shown["VersionIdsToStages"].(map[string]any)
	if diff := cmp.Diff([]any{[]any{"AWSPREVIOUS"}, []any{"AWSCURRENT"}, 3}, []any{stages[first], stages[second], len(stages)}); diff != "" {
		t.Errorf("its versions (-want +got):\n%s", diff)
	}
	if text := fmt.Sprint(shown); strings.Contains(text, "two") || !strings.Contains(text, "bind account") {
		t.Errorf("it is described as %s", text)
	}
}

func TestASecretIsPutOncePerToken(t *testing.T) {
	w := newWorld(t, &localcloud.Cloud{})
	const token = `"ClientRequestToken":"0123456789abcdef0123456789abcdef"`
	w.secret("CreateSecret", `{"Name":"s"}`)
	w.wantSecretRefused("a secret without a version", "GetSecretValue", `{"SecretId":"s"}`, "ResourceNotFoundException")
	one := w.secret("PutSecretValue", `{"SecretId":"s","SecretString":"x",`+token+`}`)
	if again := w.secret("PutSecretValue", `{"SecretId":"s","SecretString":"x",`+token+`}`); again["VersionId"] != one["VersionId"] {
		t.Errorf("put twice with one token: %v and %v", one, again)
	}
	w.wantSecretRefused("another text with that token", "PutSecretValue", `{"SecretId":"s","SecretString":"y",`+token+`}`, "ResourceExistsException")
	w.wantSecretRefused("nothing", "PutSecretValue", `{"SecretId":"s"}`, "InvalidRequestException")
	w.wantSecretRefused("too much", "PutSecretValue", `{"SecretId":"s","SecretString":"`+strings.Repeat("x", 65_537)+`"}`, "ValidationException")
	w.wantSecretRefused("a short token", "PutSecretValue", `{"SecretId":"s","SecretString":"y","ClientRequestToken":"x"}`, "InvalidParameterException")
	w.wantSecretRefused("a name twice", "CreateSecret", `{"Name":"s"}`, "ResourceExistsException")
	w.wantSecretRefused("an odd name", "CreateSecret", `{"Name":"a b"}`, "ValidationException")
	if _, code := w.secrets(member, "GetSecretValue", `{"SecretId":"s"}`); code != "ResourceNotFoundException" {
		t.Errorf("another account: %q", code)
	}
}

func TestADeletedSecretIsUnreadableAndItsNameFreeAfterTheWindow(t *testing.T) {
	w := newWorld(t, &localcloud.Cloud{})
	w.secret("CreateSecret", `{"Name":"s","SecretString":"x"}`)
	w.wantSecretRefused("a window too short", "DeleteSecret", `{"SecretId":"s","RecoveryWindowInDays":6}`, "InvalidParameterException")
	w.wantSecretRefused("both", "DeleteSecret", `{"SecretId":"s","RecoveryWindowInDays":7,"ForceDeleteWithoutRecovery":true}`, "InvalidParameterException")
	w.secret("DeleteSecret", `{"SecretId":"s","RecoveryWindowInDays":7}`)
	w.wantSecretRefused("its value", "GetSecretValue", `{"SecretId":"s"}`, "InvalidRequestException")
	w.wantSecretRefused("its name", "CreateSecret", `{"Name":"s"}`, "InvalidRequestException")
	if shown := w.secret("DescribeSecret", `{"SecretId":"s"}`); shown["DeletedDate"] == nil {
		t.Errorf("it is described as %v", shown)
	}
	w.cloud.Advance(7 * 24 * time.Hour)
	w.wantSecretRefused("what is gone", "DescribeSecret", `{"SecretId":"s"}`, "ResourceNotFoundException")
	w.secret("CreateSecret", `{"Name":"s","SecretString":"y"}`)
	w.secret("DeleteSecret", `{"SecretId":"s","ForceDeleteWithoutRecovery":true}`)
	w.wantSecretRefused("what is gone at once", "GetSecretValue", `{"SecretId":"s"}`, "ResourceNotFoundException")
}

func TestReadingASecretTakesPermissionForItsARN(t *testing.T) {
	w := newWorld(t, &localcloud.Cloud{})
	arn := fmt.Sprint(w.secret("CreateSecret", `{"Name":"s","SecretString":"x"}`)["ARN"])
	other := fmt.Sprint(w.secret("CreateSecret", `{"Name":"other","SecretString":"x"}`)["ARN"])
	w.role("reader", trustLambda, policyOf(allow("secretsmanager:GetSecretValue", arn)))
	key, _, _, err := w.cloud.RoleCredentials("arn:aws:iam::111122223333:role/reader", "x")
	if err != nil {
		t.Fatal(err)
	}
	for id, want := range map[string]string{arn: "", "s": "", other: "AccessDeniedException", "missing": "AccessDeniedException"} {
		if _, code := w.secrets(key, "GetSecretValue", `{"SecretId":"`+id+`"}`); code != want {
			t.Errorf("%s: %q, want %q", id, code, want)
		}
	}
	if _, code := w.secrets(key, "PutSecretValue", `{"SecretId":"s","SecretString":"y"}`); code != "AccessDeniedException" {
		t.Errorf("writing: %q", code)
	}
}
