package awscli

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestACommandIsAProcessOfItsOwnWithoutPython(t *testing.T) {
	dir := t.TempDir()
	script := "#!/bin/sh\necho \"$ACCOUNT $AWS_ENDPOINT_URL $*\"\npwd >&2\nexit 3\n"
	if err := os.WriteFile(filepath.Join(dir, "aws"), []byte(script), 0o700); err != nil {
		t.Fatal(err)
	}
	t.Setenv("PATH", dir)
	commands, err := New([]string{"ACCOUNT=1"}, "/")
	if err != nil {
		t.Fatal(err)
	}
	for _, endpoint := range []string{"http://one", "http://two"} {
		got, err := commands.Run(t.Context(), endpoint, "sts", "get-caller-identity")
		if err != nil {
			t.Fatal(err)
		}
		want := Result{Out: "1 " + endpoint + " sts get-caller-identity\n", Complaint: "/\n", Code: 3}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
	}
	if got, err := commands.In(dir).Run(t.Context(), "http://one"); err != nil || got.Complaint != dir+"\n" {
		t.Errorf("in %s it ran in %q, %v", dir, got.Complaint, err)
	}
}

func TestNoAWSCLI(t *testing.T) {
	t.Setenv("PATH", t.TempDir())
	if _, err := New(nil, ""); !errors.Is(err, exec.ErrNotFound) {
		t.Errorf("got %v, want exec.ErrNotFound", err)
	}
}
