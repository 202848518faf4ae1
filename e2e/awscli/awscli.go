// Package awscli runs the AWS CLI for tests. Where its Python can be reached,
// one process runs all commands of one environment: starting it takes twenty
// times the work of a command. Elsewhere each command is a process.
package awscli

import (
	"bufio"
	"bytes"
	"context"
	_ "embed"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"slices"
	"strings"
	"sync"
)

//go:embed commands.py
var commands string

// Result is what one command printed, and its exit code.
type Result struct {
	Out       string `json:"out"`
	Complaint string `json:"complaint"`
	Code      int    `json:"code"`
}

// CLI is the AWS CLI in one environment and directory. Commands of one
// environment run one after another.
type CLI struct {
	path, dir string
	env       []string
	process   *process // nil where each command is a process of its own
}

type process struct {
	cmd *exec.Cmd
	in  io.WriteCloser
	out *bufio.Reader
	one sync.Mutex
}

// New finds the AWS CLI on PATH and readies it; without one the error is
// exec.ErrNotFound. Its process ends with ours.
func New(env []string, dir string) (*CLI, error) {
	path, err := exec.LookPath("aws")
	if err != nil {
		return nil, fmt.Errorf("looking for the AWS CLI: %w", err)
	}
	c := &CLI{path: path, dir: dir, env: env}
	if python := interpreter(path); python != "" {
		c.process = start(python, env, dir)
	}
	return c, nil
}

// In is the same CLI in another directory.
func (c *CLI) In(dir string) *CLI {
	return &CLI{path: c.path, dir: dir, env: c.env, process: c.process}
}

// interpreter is the Python that runs the script at path, as its first line
// says; python3 for a script in another language, which leads to Python in the
// end; and nothing for a program that brings its own.
func interpreter(path string) string {
	file, err := os.Open(path)
	if err != nil {
		return ""
	}
	defer file.Close()
	line, err := bufio.NewReader(io.LimitReader(file, 1<<10)).ReadString('\n')
	named, script := strings.CutPrefix(line, "#!")
	switch fields := strings.Fields(named); {
	case err != nil || !script || len(fields) == 0:
		return ""
	case len(fields) == 1 && strings.Contains(fields[0], "python"):
		return fields[0]
	default:
		return python3()
	}
}

// python3 is that interpreter itself: what stands on PATH may be a script that
// looks for one, which takes more work than to start it.
var python3 = sync.OnceValue(func() string {
	found, err := exec.Command("python3", "-c", "import sys; print(sys.executable)").Output()
	if err != nil {
		return ""
	}
	return strings.TrimSpace(string(found))
})

// start is nil where that Python does not have the AWS CLI.
func start(python string, env []string, dir string) *process {
	cmd := exec.Command(python, "-c", commands)
	cmd.Env, cmd.Dir = env, dir
	in, err := cmd.StdinPipe()
	if err != nil {
		return nil
	}
	out, err := cmd.StdoutPipe()
	if err != nil || cmd.Start() != nil {
		return nil
	}
	p := &process{cmd: cmd, in: in, out: bufio.NewReader(out)}
	if line, err := p.out.ReadString('\n'); err != nil || line != "ready\n" {
		_ = cmd.Wait()
		return nil
	}
	return p
}

// Run runs one command against the AWS at endpoint.
func (c *CLI) Run(ctx context.Context, endpoint string, arguments ...string) (Result, error) {
	if c.process == nil {
		return c.alone(ctx, endpoint, arguments)
	}
	return c.process.run(c.dir, endpoint, arguments)
}

func (p *process) run(dir, endpoint string, arguments []string) (Result, error) {
	p.one.Lock()
	defer p.one.Unlock()
	request, err := json.Marshal(map[string]any{"directory": dir, "endpoint": endpoint, "arguments": arguments})
	if err != nil {
		return Result{}, err
	}
	if _, err := p.in.Write(append(request, '\n')); err != nil {
		return Result{}, fmt.Errorf("aws %s: asking the process that runs the commands: %w", strings.Join(arguments, " "), err)
	}
	line, err := p.out.ReadBytes('\n')
	if err != nil {
		return Result{}, fmt.Errorf("aws %s: the process that runs the commands ended: %w", strings.Join(arguments, " "), err)
	}
	var r Result
	if err := json.Unmarshal(line, &r); err != nil {
		return Result{}, fmt.Errorf("aws %s: reading what it printed: %w", strings.Join(arguments, " "), err)
	}
	return r, nil
}

func (c *CLI) alone(ctx context.Context, endpoint string, arguments []string) (Result, error) {
	cmd := exec.CommandContext(ctx, c.path, arguments...)
	cmd.Env, cmd.Dir = append(slices.Clip(c.env), "AWS_ENDPOINT_URL="+endpoint), c.dir
	var out, complaint bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &complaint
	err := cmd.Run()
	var ended *exec.ExitError
	if err != nil && !errors.As(err, &ended) {
		return Result{}, fmt.Errorf("aws %s: %w", strings.Join(arguments, " "), err)
	}
	return Result{Out: out.String(), Complaint: complaint.String(), Code: cmd.ProcessState.ExitCode()}, nil
}
