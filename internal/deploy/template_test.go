package deploy_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

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
	return all
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
