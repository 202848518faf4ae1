package localcloud

import (
	"context"
	"io"
	"path/filepath"
)

// hostedProcesses is how many processes a function has at most that CloudFormation made. Lambda would start a
// thousand; this is one machine.
const hostedProcesses = 2

// FunctionHost says how functions run that CloudFormation makes. The zero FunctionHost starts the bootstrap in
// the zip that a function's code names.
type FunctionHost struct {
	// Command is started instead of what a function's code holds.
	Command []string
	// Late is Function.Late of those that run Command.
	Late bool
	// Env is set after the function's own variables: KEY=value. AWS_ENDPOINT_URL belongs here.
	Env []string
	// Stderr takes what the processes write; nil discards it.
	Stderr io.Writer
	// Invoke, when set, makes an in-process function of one as it is declared, with its name, role and
	// variables. It runs instead of a process, also where time is virtual.
	Invoke func(f Function) func(ctx context.Context, payload []byte) ([]byte, error)
}

// host decides how a declared function runs; bucket and key are where its code is.
func (c *Cloud) host(f Function, bucket, key string) (Function, error) {
	h := c.Host
	f.Env, f.Stderr = append(f.Env, h.Env...), h.Stderr
	if f.Concurrency == 0 {
		f.Concurrency = hostedProcesses
	}
	switch {
	case h.Invoke != nil:
		f.Invoke = h.Invoke(f)
		return f, nil
	case len(h.Command) > 0:
		f.Command, f.Late = h.Command, h.Late
		return f, nil
	}
	dir, err := c.functionCode(bucket, key)
	if err != nil {
		return f, err
	}
	f.Dir, f.Command = dir, []string{filepath.Join(dir, "bootstrap")}
	return f, nil
}
