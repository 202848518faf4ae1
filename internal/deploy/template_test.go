package deploy_test

import (
	"flag"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"studiokeeper/internal/app"
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
	return all
}

var update = flag.Bool("update", false, "write the golden files anew")

func TestTemplatesAreAsTheyWere(t *testing.T) {
	made := templates(t)
	for _, name := range []string{"main", "member", "quarantine", "forward", "group-roles"} {
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
