package deploy_test

import (
	"errors"
	"flag"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"studiokeeper/internal/app"
	"studiokeeper/internal/config"
	"studiokeeper/internal/deploy"
)

func TestTemplatesPassTheLinter(t *testing.T) {
	lint, err := exec.LookPath("cfn-lint")
	if err != nil {
		t.Skip("cfn-lint is not on PATH")
	}
	dir := t.TempDir()
	args := []string{"--non-zero-exit-code", "informational"}
	for name, made := range templates(t) {
		body, err := made.YAML()
		if err != nil {
			t.Fatal(err)
		}
		file := filepath.Join(dir, name+".yaml")
		if err := os.WriteFile(file, body, 0o600); err != nil {
			t.Fatal(err)
		}
		args = append(args, file)
	}
	if out, err := exec.Command(lint, args...).CombinedOutput(); err != nil {
		t.Errorf("%v\n%s", err, out)
	}
}

// templates are one of each kind.
func templates(t *testing.T) map[string]*deploy.Template {
	t.Helper()
	all := map[string]*deploy.Template{}
	keep := func(name string, made *deploy.Template, err error) {
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		all[name] = made
	}
	one, accounts := parse(t, plain), parse(t, two)
	made, err := deploy.Main(one, deploy.Options{})
	keep("main", made, err)
	made, err = deploy.Main(accounts, deploy.Options{ForwardFrom: []string{"999988887777"}, Parameter: "/studiokeeper/config"})
	keep("accounts", made, err)
	made, err = deploy.Member(accounts, "sandbox")
	keep("member", made, err)
	made, err = deploy.Member(accounts, "identityCenter")
	keep("directory", made, err)
	made, err = deploy.Quarantine(accounts)
	keep("quarantine", made, err)
	made, err = deploy.Forward(accounts)
	keep("forward", made, err)
	made, err = deploy.GroupRoles(parse(t, defined), here)
	keep("group-roles", made, err)
	made, err = deploy.Directory(parse(t, carried), deploy.Options{})
	keep("active-directory", made, err)
	made, err = deploy.Directory(parse(t, strings.Replace(carried, "groups: [\"studio-*\"]", token, 1)), deploy.Options{Parameter: "/studiokeeper/config"})
	keep("active-directory-scim", made, err)
	return all
}

const carried = plain + `
directory:
  ldap:
    urls: ["ldaps://dc1.corp.example"]
    caFile: corp-ca.pem
    baseDN: DC=corp,DC=example
    bindDN: svc@corp.example
    password: secretsmanager:arn:aws:secretsmanager:us-east-1:111122223333:secret:ad-AbCdEf
  groups: ["studio-*"]
`

const token = `scim: {endpoint: "https://scim.us-east-1.amazonaws.com/t/scim/v2/", token: "secretsmanager:arn:aws:secretsmanager:us-east-1:111122223333:secret:scim-AbCdEf"}`

func TestTheDirectorysFunctionIsRefusedWhatItCannotHave(t *testing.T) {
	inManager := "secretsmanager:arn:aws:secretsmanager:us-east-1:111122223333:secret:ad-AbCdEf"
	for wants, text := range map[string]string{
		"directory is missing":             plain,
		"directory.ldap.password":          strings.Replace(carried, inManager, "file:password", 1),
		"directory.ldap.caFile is /etc/ca": strings.Replace(carried, "corp-ca.pem", "/etc/ca", 1),
		"identityCenter.assumeRole is set": strings.Replace(carried, "identityStoreId: d-906716eb24", "assumeRole: {roleArn: \"arn:aws:iam::999988887777:role/x\"}", 1),
	} {
		_, err := deploy.Directory(parse(t, text), deploy.Options{})
		if !errors.Is(err, config.ErrInvalid) || !strings.Contains(err.Error(), wants) {
			t.Errorf("want %q, got %v", wants, err)
		}
	}
}

// Only where there is no other way in may the function write the identity store.
func TestTheDirectorysFunctionMayWriteOnlyWhereItHasTo(t *testing.T) {
	made := templates(t)
	for name, want := range map[string]bool{"active-directory": true, "active-directory-scim": false} {
		text, err := made[name].YAML()
		if err != nil {
			t.Fatal(err)
		}
		if got := strings.Contains(string(text), "identitystore:CreateUser"); got != want {
			t.Errorf("%s: may create users: %v", name, got)
		}
		if got := strings.Contains(string(text), "dynamodb:Scan"); got == want {
			t.Errorf("%s: may read the mapping: %v", name, got)
		}
	}
}

var update = flag.Bool("update", false, "write the golden files anew")

func TestTemplatesAreAsTheyWere(t *testing.T) {
	made := templates(t)
	for _, name := range []string{"main", "member", "quarantine", "forward", "group-roles", "active-directory", "active-directory-scim"} {
		got, err := made[name].YAML()
		if err != nil {
			t.Fatal(err)
		}
		golden(t, filepath.Join("testdata", name+".yaml"), got)
	}
}

// golden compares with a file, or writes it with -update.
func golden(t *testing.T, file string, got []byte) {
	t.Helper()
	if *update {
		if err := os.WriteFile(file, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), string(got)); diff != "" {
		t.Errorf("%s: want -, got + (write it anew with -update, and read the difference):\n%s", file, diff)
	}
}

func TestTheFunctionGetsTheEnvironmentItReads(t *testing.T) {
	made, err := deploy.Main(parse(t, plain), deploy.Options{Parameter: "/studiokeeper/config"})
	if err != nil {
		t.Fatal(err)
	}
	text, err := made.YAML()
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{app.EnvConfig + ": ssm:/studiokeeper/config\n", app.EnvQueue + ":\n", app.EnvPassQueue + ":\n"} {
		if !strings.Contains(string(text), want) {
			t.Errorf("the template lacks %q", want)
		}
	}
}
