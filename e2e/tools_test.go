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

// directoryFunction is the directory's, once for all scripts.
var directoryFunction = sync.OnceValues(func() (program []byte, err error) {
	dir, err := os.MkdirTemp("", "studiokeeper-e2e-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	cmd := exec.Command("go", "build", "-buildvcs=false", "-tags", "lambda.norpc", "-ldflags", "-s -w", "-o", dir, "studiokeeper/cmd/studiokeeper-directory")
	if out, err := cmd.CombinedOutput(); err != nil {
		return nil, fmt.Errorf("go build: %w\n%s", err, out)
	}
	return os.ReadFile(filepath.Join(dir, "studiokeeper-directory"))
})

// bootstrap FILE [directory] is the function's program as it is deployed, or that
// of the directory's.
func bootstrap(ts *testscript.TestScript, neg bool, args []string) {
	build := function
	switch {
	case neg || len(args) == 0 || len(args) > 2 || len(args) == 2 && args[1] != "directory":
		ts.Fatalf("usage: bootstrap FILE [directory]")
	case len(args) == 2:
		build = directoryFunction
	}
	program, err := build()
	ts.Check(err)
	ts.Check(os.WriteFile(ts.MkAbs(args[0]), program, 0o700))
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
	cli, err := theCLIs.with(cliEnvironment(ts))
	ts.Check(err)
	result, err := cli.In(ts.MkAbs(".")).Run(context.Background(), ts.Getenv("AWS_ENDPOINT_URL"), args...)
	ts.Check(err)
	return result
}

// cliEnvironment is what the AWS CLI is told of the script's environment, and
// nothing of whoever runs the tests.
func cliEnvironment(ts *testscript.TestScript) []string {
	env := []string{"HOME=" + os.DevNull, "AWS_CONFIG_FILE=" + os.DevNull, "AWS_SHARED_CREDENTIALS_FILE=" + os.DevNull}
	for _, name := range []string{"PATH", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_REGION", "AWS_DEFAULT_REGION", "AWS_PAGER", "AWS_EC2_METADATA_DISABLED"} {
		env = append(env, name+"="+ts.Getenv(name))
	}
	return env
}

// clis are the AWS CLIs by environment: scripts that have the same share one,
// which ends with the tests.
type clis struct {
	mu     sync.Mutex
	byText map[string]*awscli.CLI
}

var theCLIs = clis{byText: map[string]*awscli.CLI{}}

func (c *clis) with(env []string) (*awscli.CLI, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	text := strings.Join(env, "\n")
	if c.byText[text] == nil {
		cli, err := awscli.New(env, "")
		if err != nil {
			return nil, err
		}
		c.byText[text] = cli
	}
	return c.byText[text], nil
}
