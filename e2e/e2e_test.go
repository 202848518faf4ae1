// Package e2e drives the real commands, as processes, against the local cloud.
// Each script in testdata is one story; what it says in comments is what a
// user is promised.
package e2e

import (
	"bufio"
	"context"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"studiokeeper/internal/cli"
)

func TestMain(m *testing.M) {
	// The scripts wait for queues and states far more than they compute.
	if err := flag.Set("test.parallel", "16"); err != nil {
		panic(err)
	}
	os.Exit(withProgram(m.Run))
}

// withProgram builds the program and runs f with it on PATH. It is not this test
// binary under another name: what tests link would cost each start of it.
func withProgram(f func() int) int {
	dir, err := os.MkdirTemp("", "studiokeeper-e2e-")
	if err != nil {
		panic(err)
	}
	defer os.RemoveAll(dir)
	build := exec.Command("go", "build", "-buildvcs=false", "-tags", "lambda.norpc", "-ldflags", "-s -w", "-o", dir, "studiokeeper/cmd/studiokeeper")
	build.Stdout, build.Stderr = os.Stderr, os.Stderr
	build.Env = append(os.Environ(), "CGO_ENABLED=0") // as it is released: without C it starts a tenth sooner
	if err := build.Run(); err != nil {
		panic(fmt.Errorf("go build: %w", err))
	}
	if err := os.Setenv("PATH", dir+string(os.PathListSeparator)+os.Getenv("PATH")); err != nil {
		panic(err)
	}
	return f()
}

func TestScripts(t *testing.T) {
	t.Parallel()
	testscript.Run(t, testscript.Params{
		Files:         scripts(t),
		UpdateScripts: os.Getenv("UPDATE_SCRIPTS") != "",
		Setup: func(env *testscript.Env) error {
			wd, err := os.Getwd()
			if err != nil {
				return err
			}
			env.Setenv("PATH", os.Getenv("PATH"))
			env.Setenv("EXAMPLES", wd+"/../examples")
			env.Setenv("AWS_EC2_METADATA_DISABLED", "true")
			env.Setenv("AWS_PAGER", "")
			env.Setenv("GOGC", "400") // commands end before collecting pays
			env.Values[directoryKey{}] = &directoryHolder{}
			return nil
		},
		Condition: demanded(t),
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"serve": serve, "configure": configure, "undeploy": undeploy, "bootstrap": bootstrap, "aws": awsCLI, "answer": answer, "advance": advance,
			"user": user, "group": group, "join": join, "leave": leave, "console": console, "signin": signin, "joined": joined,
			"row": row, "item": item, "queue": queue, "dead": dead, "drained": drained, "scrape": scrape, "listening": listening, "rule": rule,
			"domain": domain, "profile": profile, "profilein": profilein, "again": again, "byhand": byhand, "tag": tag, "runapp": runapp, "apps": apps, "setting": setting,
			"watch": watch, "noticed": noticed,
			"parameter": parameter, "role": role, "noprofile": noprofile, "pass": pass, "held": held, "tamper": tamper,
			"space": space, "spaces": spaces, "fault": fault, "untag": untag, "foreign": foreign, "hasprofile": hasprofile,
			"ad": ad, "secret": secret, "token": token, "upload": upload, "stack": stack,
		},
	})
}

// longest are the scripts that take longest, the longest first.
const longest = "leaving_failures removals_of_edits removals apply directory report install_elsewhere install_directory install " +
	"directory_deployed deployment_changes leaving_shared_space journal apply_held leaving_every_way mapping_import mapping_commands " +
	"lambda_binary deploy_package aws_cli deploy apply_interrupted"

// scripts are all there are, in the opposite order of that in which the testing
// package begins them: what is begun last is waited for alone.
func scripts(t *testing.T) []string {
	all, err := filepath.Glob("testdata/*.txtar")
	if err != nil || len(all) == 0 {
		t.Fatalf("there are no scripts in testdata: %v", err)
	}
	var first []string
	for name := range strings.FieldsSeq(longest) {
		first = append(first, filepath.Join("testdata", name+".txtar"))
	}
	all = append(first, slices.DeleteFunc(all, func(file string) bool { return slices.Contains(first, file) })...)
	slices.Reverse(all)
	return all
}

// demanded answers [tool:NAME]: whether a tool that not everybody has is there.
// Where STUDIOKEEPER_DEMAND is set, one that is missing is a failure.
func demanded(t *testing.T) func(string) (bool, error) {
	return func(condition string) (bool, error) {
		tool, ok := strings.CutPrefix(condition, "tool:")
		if !ok {
			return false, nil
		}
		_, err := exec.LookPath(tool)
		if err != nil && os.Getenv("STUDIOKEEPER_DEMAND") != "" {
			t.Errorf("%s is demanded here, and missing", tool)
		}
		return err == nil, nil
	}
}

// serve starts `studiokeeper local` with its arguments, and takes over the
// environment that it tells people to export. With the worker, whose functions are
// the program again, it is a process of its own.
func serve(ts *testscript.TestScript, neg bool, args []string) {
	if neg {
		ts.Fatalf("serve cannot fail on purpose; exec studiokeeper local instead")
	}
	start := startLocal
	if slices.Contains(args, "--worker=false") || slices.Contains(args, "--empty") {
		start = runLocal
	}
	out, log := start(ts, append([]string{"local", "--listen", "127.0.0.1:0"}, args...))
	read := make(chan map[string]string, 1)
	go func() { read <- exports(bufio.NewScanner(out)) }()
	select {
	case vars := <-read:
		for name, value := range vars {
			ts.Setenv(name, value)
		}
		ts.Setenv("ADDRESS", strings.TrimPrefix(vars["AWS_ENDPOINT_URL"], "http://"))
		if vars["AWS_ENDPOINT_URL"] == "" {
			ts.Fatalf("studiokeeper local told of no endpoint:\n%s", log)
		}
	case <-time.After(30 * time.Second):
		ts.Fatalf("studiokeeper local did not come up:\n%s", log)
	}
}

// startLocal starts it as a process.
func startLocal(ts *testscript.TestScript, args []string) (out io.Reader, log fmt.Stringer) {
	cmd := exec.Command("studiokeeper", args...)
	cmd.Env = []string{"PATH=" + ts.Getenv("PATH"), "TMPDIR=" + ts.Getenv("WORK"), "HOME=" + ts.Getenv("WORK"), "GOGC=" + ts.Getenv("GOGC")}
	said := &strings.Builder{}
	cmd.Stderr = said
	out, err := cmd.StdoutPipe()
	ts.Check(err)
	cmd.Path, err = exec.LookPath("studiokeeper")
	ts.Check(err)
	cmd.Err = nil
	ts.Check(cmd.Start())
	ts.Defer(func() {
		_ = cmd.Process.Signal(syscall.SIGTERM)
		if err := cmd.Wait(); err != nil {
			ts.Logf("studiokeeper local ended with %v", err)
		}
		ts.Logf("log of studiokeeper local:\n%s", said)
	})
	return out, said
}

// runLocal runs it in this process, which saves its start.
func runLocal(ts *testscript.TestScript, args []string) (out io.Reader, log fmt.Stringer) {
	out, stdout := io.Pipe()
	said := &strings.Builder{}
	ctx, stop := context.WithCancel(context.Background())
	ended := make(chan int, 1)
	go func() {
		ended <- cli.Run(ctx, args, cli.Environment{Lookup: os.LookupEnv, Stdin: strings.NewReader(""), Stdout: stdout, Stderr: said})
		_ = stdout.Close()
	}()
	ts.Defer(func() {
		stop()
		if code := <-ended; code != 0 {
			ts.Logf("studiokeeper local ended with %d", code)
		}
		ts.Logf("log of studiokeeper local:\n%s", said)
	})
	return out, said
}

// exports reads the export lines, up to the end of the guide.
func exports(lines *bufio.Scanner) map[string]string {
	vars := map[string]string{}
	for lines.Scan() {
		line := strings.TrimSpace(lines.Text())
		for assignment := range strings.FieldsSeq(strings.TrimPrefix(line, "export ")) {
			if name, value, ok := strings.Cut(assignment, "="); ok && strings.HasPrefix(line, "export ") {
				vars[name] = value
			}
		}
		if strings.Contains(line, "studiokeeper replay that file") || line == "It is empty." {
			break
		}
	}
	go func() { // whatever else is written must not block the process
		for lines.Scan() {
		}
	}()
	return vars
}
