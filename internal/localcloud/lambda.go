package localcloud

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync"
	"time"
)

// DefaultFunctionTimeout is a function's when it names none, and initLimit is how long it may take to ask
// for its first event; both are Lambda's.
const (
	DefaultFunctionTimeout = 3 * time.Second
	initLimit              = 10 * time.Second
	defaultRegion          = "us-east-1"
	keptInvocations        = 10_000
)

// Function is a Lambda function: a program that speaks the Lambda Runtime API and runs as a child process
// of this one, or, for tests and simulations, a Go function.
type Function struct {
	Name    string
	Account string // empty: the cloud's
	Region  string // empty: us-east-1
	// Command is the program and its arguments. It is started as Lambda starts a bootstrap: with Lambda's own
	// variables, Env after them, and nothing of this process's environment but PATH.
	Command []string
	Env     []string      // KEY=value; AWS_ENDPOINT_URL belongs here
	Role    string        // execution role's ARN; empty: the function may do everything
	Timeout time.Duration // real time; 0 means DefaultFunctionTimeout. A function that exceeds it is killed
	// Concurrency is how many processes there may be; 0 means 1. Further invocations wait for one.
	Concurrency int
	Stderr      io.Writer // what the processes write, to stdout or stderr; nil discards it
	// Invoke, when set, is called instead of Command.
	Invoke func(ctx context.Context, payload []byte) ([]byte, error)
}

// lambdaState is Lambda.
type lambdaState struct {
	mu        sync.Mutex
	functions map[place]map[string]*function
	log       []Invocation
}

// function is a started Function. An invocation owns one of its slots while it runs.
type function struct {
	Function
	cloud *Cloud
	arn   string
	slots chan *instance
	out   io.Writer
}

// StartFunction makes a function known and starts its first process, waiting until that asks for an event.
// It fails when the name is taken, the program cannot be started, or its initialisation fails.
func (c *Cloud) StartFunction(f Function) error {
	c.start()
	if f.Name == "" || (len(f.Command) == 0) == (f.Invoke == nil) {
		return errors.New("starting a function: it needs a name, and either a command or an in-process function")
	}
	if err := f.canRun(c); err != nil {
		return fmt.Errorf("starting function %s: %w", f.Name, err)
	}
	fn := c.newFunction(f)
	at := place{fn.Account, fn.Region}
	c.functions.mu.Lock()
	taken := c.functions.functions[at][fn.Name] != nil
	if !taken {
		c.functions.add(at, fn)
	}
	c.functions.mu.Unlock()
	if taken {
		return fmt.Errorf("starting function %s: it exists already in account %s, Region %s", fn.Name, fn.Account, fn.Region)
	}
	if f.Invoke != nil {
		return nil
	}
	in := <-fn.slots
	defer func() { fn.slots <- in }()
	if err := in.ensure(c.running); err != nil {
		c.functions.mu.Lock()
		delete(c.functions.functions[at], fn.Name)
		c.functions.mu.Unlock()
		return fmt.Errorf("starting function %s: %w", fn.Name, err)
	}
	return nil
}

func (c *Cloud) newFunction(f Function) *function {
	if f.Account == "" {
		f.Account = c.defaultAccount()
	}
	if f.Region == "" {
		f.Region = defaultRegion
	}
	if f.Timeout <= 0 {
		f.Timeout = DefaultFunctionTimeout
	}
	f.Concurrency = max(f.Concurrency, 1)
	fn := &function{Function: f, cloud: c, slots: make(chan *instance, f.Concurrency), out: io.Discard}
	fn.arn = fmt.Sprintf("arn:aws:lambda:%s:%s:function:%s", f.Region, f.Account, f.Name)
	if f.Stderr != nil {
		fn.out = &lockedWriter{w: f.Stderr}
	}
	for range f.Concurrency {
		fn.slots <- &instance{fn: fn}
	}
	return fn
}

func (s *lambdaState) add(at place, fn *function) {
	if s.functions == nil {
		s.functions = map[place]map[string]*function{}
	}
	if s.functions[at] == nil {
		s.functions[at] = map[string]*function{}
	}
	s.functions[at][fn.Name] = fn
}

// lockedWriter lets several processes write to one writer.
type lockedWriter struct {
	mu sync.Mutex
	w  io.Writer
}

func (l *lockedWriter) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.w.Write(p)
}

// functionARN takes a function's ARN apart; a version or alias at its end is dropped.
func functionARN(arn string) (place, string, bool) {
	parts := strings.Split(arn, ":")
	if len(parts) < 7 || parts[2] != "lambda" || parts[5] != "function" {
		return place{}, "", false
	}
	return place{parts[4], parts[3]}, parts[6], true
}

// function finds a function by its ARN, or by a name that only one has.
func (c *Cloud) function(name string) (*function, error) {
	c.functions.mu.Lock()
	defer c.functions.mu.Unlock()
	if at, plain, ok := functionARN(name); ok {
		if fn := c.functions.functions[at][plain]; fn != nil {
			return fn, nil
		}
		return nil, fmt.Errorf("the function %s does not exist", name)
	}
	var found []*function
	for _, functions := range c.functions.functions {
		if fn := functions[name]; fn != nil {
			found = append(found, fn)
		}
	}
	if len(found) != 1 {
		return nil, fmt.Errorf("%d functions are named %s; give the ARN of one", len(found), name)
	}
	return found[0], nil
}
