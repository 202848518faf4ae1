package carry_test

import (
	"context"
	"io"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"studiokeeper/internal/carry"
	"studiokeeper/internal/config"
	"studiokeeper/internal/directory"
)

const written = `
deployment: prod
identityCenter: {region: us-east-1, identityStoreId: d-906716eb24}
domains: [{name: research, id: d-abcdefghijkl, region: us-east-1, account: "111122223333", signIn: none}]
mapping:
  roles: ["arn:aws:iam::111122223333:role/studio/*"]
  rules: [{group: ad-group-1, domain: research, role: "arn:aws:iam::111122223333:role/studio/a"}]
  naming: [{group: "studio-*", domain: research, role: "arn:aws:iam::{account}:role/studio/{group}"}]
offboarding: {quarantineRole: "arn:aws:iam::{account}:role/quarantine"}
state: {table: state}
directory:
  ldap: {urls: ["ldaps://dc1.corp.example"], baseDN: "DC=corp,DC=example", bindDN: svc@corp.example, password: "${AD_PASSWORD}"}
`

const secretARN = "arn:aws:secretsmanager:eu-west-1:111122223333:secret:scim-AbCdEf"

// secretsManager answers GetSecretValue as Secrets Manager does, in the Region
// that the secret's ARN names.
type secretsManager struct{ t *testing.T }

// RoundTrip implements http.RoundTripper.
func (s secretsManager) RoundTrip(r *http.Request) (*http.Response, error) {
	asked, err := io.ReadAll(r.Body)
	if err != nil {
		return nil, err
	}
	status, body := http.StatusOK, `{"ARN":"`+secretARN+`","Name":"scim","SecretString":"token-1\n","VersionStages":["AWSCURRENT"]}`
	switch {
	case r.Header.Get("X-Amz-Target") != "secretsmanager.GetSecretValue" || !strings.Contains(r.Header.Get("Authorization"), "/eu-west-1/secretsmanager/"):
		s.t.Errorf("%s with %s", r.Header.Get("X-Amz-Target"), r.Header.Get("Authorization"))
	case string(asked) != `{"SecretId":"`+secretARN+`"}`:
		status, body = http.StatusBadRequest, `{"__type":"ResourceNotFoundException","Message":"Secrets Manager can't find the specified secret."}`
	}
	return &http.Response{StatusCode: status, Header: http.Header{}, Body: io.NopCloser(strings.NewReader(body)), Request: r}, nil
}

func options(t *testing.T, text string) carry.Options {
	t.Helper()
	for name, value := range map[string]string{
		"AWS_REGION": "us-east-1", "AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test", "AWS_EC2_METADATA_DISABLED": "true",
		"AWS_CONFIG_FILE": os.DevNull, "AWS_SHARED_CREDENTIALS_FILE": os.DevNull,
	} {
		t.Setenv(name, value)
	}
	file := filepath.Join(t.TempDir(), "studiokeeper.yaml")
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return carry.Options{Config: file, Lookup: os.LookupEnv, Running: "test", Log: slog.New(slog.DiscardHandler), HTTP: &http.Client{Transport: secretsManager{t}}}
}

func TestMappedGroupsAreCarriedWhereNoneAreListed(t *testing.T) {
	for what, c := range map[string]struct {
		text string
		want map[string]bool
	}{
		"mapped": {written, map[string]bool{"ad-group-1": true, "AD-Group-1": true, "studio-a": true, "else": false}},
		"listed": {written + "  groups: [\"team.*\", Else]\n", map[string]bool{"ad-group-1": false, "team.x": true, "TEAM.": true, "teamx": false, "else": true, "elsewhere": false}},
	} {
		c0, err := carry.Open(t.Context(), options(t, c.text))
		if err != nil {
			t.Fatal(err)
		}
		carried, err := c0.Carried(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		for group, want := range c.want {
			if carried(group) != want {
				t.Errorf("%s: %s is carried: %v", what, group, !want)
			}
		}
	}
}

func TestWhatIsConfiguredIsWired(t *testing.T) {
	c, err := carry.Open(t.Context(), options(t, written+"  adopt: email\n  grace: 24h\n"))
	if err != nil {
		t.Fatal(err)
	}
	if c.Way != directory.ByAPI || c.Writer.CanDisable() || c.Adopt != directory.AdoptEmail || c.Grace.Hours() != 24 || c.Limit.Count != 10 {
		t.Errorf("got %+v", c.Provisioner)
	}
	scim := written + "  scim: {endpoint: \"https://scim.us-east-1.amazonaws.com/t/scim/v2/\", token: \"secretsmanager:" + secretARN + "\"}\n"
	if c, err = carry.Open(t.Context(), options(t, scim)); err != nil {
		t.Fatal(err)
	}
	if c.Way != directory.BySCIM || !c.Writer.CanDisable() {
		t.Errorf("got %+v", c.Provisioner)
	}
	_, err = carry.Open(t.Context(), options(t, strings.Replace(scim, "scim-AbCdEf", "other-AbCdEf", 1)))
	if err == nil || !strings.Contains(err.Error(), "secretsmanager:GetSecretValue") || !strings.Contains(err.Error(), "directory.scim.token") {
		t.Errorf("got %v", err)
	}
}

func TestWhatIsMissingIsSaid(t *testing.T) {
	bare, _, _ := strings.Cut(written, "directory:")
	for wants, text := range map[string]string{
		"directory is missing":   bare,
		"state.table is missing": strings.Replace(written, "state: {table: state}\n", "", 1),
	} {
		if _, err := carry.Open(t.Context(), options(t, text)); err == nil || !strings.Contains(err.Error(), wants) {
			t.Errorf("want %q, got %v", wants, err)
		}
	}
}

func TestSecretsAreReadWhereTheyAre(t *testing.T) {
	file := filepath.Join(t.TempDir(), "password")
	if err := os.WriteFile(file, []byte("in-file\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	t.Setenv("AD_PASSWORD", "in-environment")
	t.Setenv("EMPTY", "")
	secrets := carry.Secrets{Lookup: os.LookupEnv}
	for _, c := range []struct{ ref, want, wrong string }{
		{"${AD_PASSWORD}", "in-environment", ""},
		{"file:" + file, "in-file", ""},
		{"${NOWHERE}", "", "NOWHERE is not set"},
		{"${EMPTY}", "", "there is nothing in environment EMPTY"},
		{"file:" + file + ".missing", "", ".missing"},
	} {
		cfg, err := config.Parse("test", []byte(strings.Replace(written, "${AD_PASSWORD}", c.ref, 1)), os.LookupEnv)
		if err != nil {
			t.Fatal(err)
		}
		got, err := secrets.Read(context.Background(), cfg.Directory.LDAP.Password)
		if got != c.want || (err == nil) != (c.wrong == "") || err != nil && !strings.Contains(err.Error(), c.wrong) {
			t.Errorf("%s: got %q, %v", c.ref, got, err)
		}
	}
}

// Whatever the function says to Lambda names nobody.
func TestTheFunctionNamesNobody(t *testing.T) {
	t.Setenv("AD_PASSWORD", "x")
	var log strings.Builder
	o := options(t, written)
	o.Log = slog.New(slog.NewJSONHandler(&log, nil))
	ctx, end := context.WithCancel(t.Context())
	end()
	_, err := carry.Function(o)(ctx, map[string]any{"source": "aws.events"})
	if err == nil || strings.Contains(err.Error(), "corp") {
		t.Errorf("got %v", err)
	}
	if !strings.Contains(log.String(), "carrying over failed") || strings.Contains(log.String(), "svc@corp.example") {
		t.Errorf("the log: %s", log.String())
	}
}
