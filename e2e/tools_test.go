package e2e

import (
	"archive/zip"
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"sync"

	"github.com/rogpeppe/go-internal/testscript"

	"studiokeeper/e2e/awscli"
)

// function is the function's program as deploy package builds it from the
// source, once for all scripts. The go command finds its caches in the test's
// own environment.
var function = sync.OnceValues(func() (program []byte, err error) {
	dir, err := os.MkdirTemp("", "studiokeeper-e2e-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	file := filepath.Join(dir, "function.zip")
	cmd := exec.Command("studiokeeper", "deploy", "package", "--arch", runtime.GOARCH, "--out", file,
		"--source", "..", "--config", filepath.Join("testdata", "function.yaml"))
	if out, err := cmd.CombinedOutput(); err != nil {
		return nil, fmt.Errorf("%w\n%s", err, out)
	}
	r, err := zip.OpenReader(file)
	if err != nil {
		return nil, err
	}
	defer r.Close()
	f, err := r.Open("bootstrap")
	if err != nil {
		return nil, err
	}
	return io.ReadAll(f)
})

// bootstrap FILE [COMMAND] is the function's program as it is deployed, or that of
// another command.
func bootstrap(ts *testscript.TestScript, neg bool, args []string) {
	switch {
	case neg || len(args) == 0 || len(args) > 2:
		ts.Fatalf("usage: bootstrap FILE [COMMAND]")
	case len(args) == 2:
		out, err := exec.Command("go", "build", "-tags", "lambda.norpc", "-ldflags", "-s -w", "-o", ts.MkAbs(args[0]), "studiokeeper/cmd/"+args[1]).CombinedOutput()
		if err != nil {
			ts.Fatalf("%v\n%s", err, out)
		}
	default:
		program, err := function()
		ts.Check(err)
		ts.Check(os.WriteFile(ts.MkAbs(args[0]), program, 0o700))
	}
}

// awsCLI ARGUMENT… runs the AWS CLI in the script's environment.
func awsCLI(ts *testscript.TestScript, neg bool, args []string) {
	result := runAWS(ts, args)
	fmt.Fprint(ts.Stdout(), result.Out)
	fmt.Fprint(ts.Stderr(), result.Complaint)
	if failed := result.Code != 0; failed != neg {
		ts.Fatalf("aws %s ended with %d", strings.Join(args, " "), result.Code)
	}
}

// answer VARIABLE ARGUMENT… keeps what the AWS CLI prints.
func answer(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: answer VARIABLE ARGUMENT...")
	}
	result := runAWS(ts, args[1:])
	if result.Code != 0 {
		ts.Fatalf("aws %s ended with %d\n%s", strings.Join(args[1:], " "), result.Code, result.Complaint)
	}
	ts.Setenv(args[0], strings.TrimSpace(result.Out))
}

func runAWS(ts *testscript.TestScript, args []string) awscli.Result {
	result, err := accountCLI(ts).Run(context.Background(), ts.Getenv("AWS_ENDPOINT_URL"), args...)
	ts.Check(err)
	return result
}

// accountCLI is the script's AWS CLI for the account whose credentials it has.
func accountCLI(ts *testscript.TestScript) *awscli.CLI {
	byKey := ts.Value("clis").(clis)
	key := ts.Getenv("AWS_ACCESS_KEY_ID")
	if byKey[key] != nil {
		return byKey[key]
	}
	var env []string
	for _, name := range []string{"PATH", "HOME", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_REGION", "AWS_DEFAULT_REGION", "AWS_PAGER", "AWS_EC2_METADATA_DISABLED"} {
		env = append(env, name+"="+ts.Getenv(name))
	}
	c, err := awscli.New(env, ts.MkAbs("."))
	ts.Check(err)
	ts.Defer(c.End)
	byKey[key] = c
	return c
}

// clis is a script's AWS CLIs by access key.
type clis map[string]*awscli.CLI
