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

// DefaultFunctionTimeout and DefaultFunctionMemory are a function's when it names none, and initLimit is how
// long it may take to ask for its first event; all are Lambda's.
const (
	DefaultFunctionTimeout = 3 * time.Second
	DefaultFunctionMemory  = 128
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
	Dir     string        // where Command is started; empty: where this process was
	Env     []string      // KEY=value; AWS_ENDPOINT_URL belongs here
	Role    string        // execution role's ARN; empty: the function may do everything
	Timeout time.Duration // real time; 0 means DefaultFunctionTimeout. A function that exceeds it is killed
	Memory  int           // MB, which the function is told and not held to; 0 means DefaultFunctionMemory
	// Architecture is kept and not acted on: the program runs on this machine.
	Architecture string
	VPC          VPCConfig
	DeadLetters  DeadLetterConfig
	// Concurrency is how many processes there may be; 0 means 1. Further invocations wait for one.
	Concurrency int
	// Late starts the first process with the first event, as Lambda does. Otherwise it starts at once, so that a
	// program that cannot start is refused.
	Late   bool
	Stderr io.Writer // what the processes write, to stdout or stderr; nil discards it
	// Invoke, when set, is called instead of Command.
	Invoke func(ctx context.Context, payload []byte) ([]byte, error)
}

// lambdaState is Lambda.
type lambdaState struct {
	mu        sync.Mutex
	functions map[place]map[string]*function
	mappings  map[string]*sourceMapping // by id
	log       []Invocation
}

// function is a started Function. An invocation owns one of its slots while it runs: one with a process, if
// there is a free one, otherwise one without.
type function struct {
	Function
	cloud      *Cloud
	arn        string
	warm, cold chan *instance
	out        io.Writer
	running    context.Context // of its processes
	end        context.CancelFunc
	changing   sync.Mutex // held while the function is reconfigured
	mu         sync.Mutex // guards Function and enforced from those who hold no slot
	// enforced says that IAM knew the function's role when it was started.
	enforced bool
	about    functionAbout
}

// StartFunction makes a function known and, unless it is Late, starts its first process, waiting until that asks
// for an event. It fails when the name is taken, the program cannot be started, or its initialisation fails.
func (c *Cloud) StartFunction(f Function) error {
	c.start()
	_, err := c.startFunction(f)
	return err
}

func (c *Cloud) startFunction(f Function) (*function, error) {
	if f.Name == "" || (len(f.Command) == 0) == (f.Invoke == nil) {
		return nil, errors.New("starting a function: it needs a name, and either a command or an in-process function")
	}
	if err := f.canRun(c); err != nil {
		return nil, fmt.Errorf("starting function %s: %w", f.Name, err)
	}
	fn := c.newFunction(f)
	if !c.functions.add(fn) {
		fn.end()
		return nil, fmt.Errorf("starting function %s: it exists already in account %s, Region %s", fn.Name, fn.Account, fn.Region)
	}
	if err := fn.warmUp(); err != nil {
		c.functions.drop(fn)
		return nil, fmt.Errorf("starting function %s: %w", fn.Name, err)
	}
	return fn, nil
}

// warmUp starts the first process, unless that has time.
func (fn *function) warmUp() error {
	if fn.Invoke != nil || fn.Late {
		return nil
	}
	in := <-fn.cold
	defer fn.release(in)
	return in.ensure(fn.running)
}

// take gives a free slot, or nil when ctx has ended or the function has been deleted.
func (fn *function) take(ctx context.Context) *instance {
	select {
	case in := <-fn.warm:
		return in
	default:
	}
	select {
	case in := <-fn.warm:
		return in
	case in := <-fn.cold:
		return in
	case <-ctx.Done():
	case <-fn.running.Done():
	}
	return nil
}

func (fn *function) release(in *instance) {
	if in.alive() {
		fn.warm <- in
		return
	}
	fn.cold <- in
}

func (c *Cloud) newFunction(f Function) *function {
	if f.Account == "" {
		f.Account = c.defaultAccount()
	}
	if f.Region == "" {
		f.Region = defaultRegion
	}
	f.standard()
	f.Concurrency = max(f.Concurrency, 1)
	fn := &function{Function: f, cloud: c, out: io.Discard}
	fn.warm, fn.cold = make(chan *instance, f.Concurrency), make(chan *instance, f.Concurrency)
	fn.running, fn.end = context.WithCancel(c.running)
	fn.arn = fmt.Sprintf("arn:aws:lambda:%s:%s:function:%s", f.Region, f.Account, f.Name)
	if f.Stderr != nil {
		fn.out = &lockedWriter{w: f.Stderr}
	}
	for range f.Concurrency {
		fn.cold <- &instance{fn: fn}
	}
	c.access.mu.Lock()
	fn.enforced = c.access.roleByARN(f.Role) != nil
	c.access.mu.Unlock()
	return fn
}

// standard fills in what Lambda has for what is left out.
func (f *Function) standard() {
	if f.Timeout <= 0 {
		f.Timeout = DefaultFunctionTimeout
	}
	if f.Memory <= 0 {
		f.Memory = DefaultFunctionMemory
	}
}

func (fn *function) home() place { return place{fn.Account, fn.Region} }

// add makes a function known, unless its name is taken.
func (s *lambdaState) add(fn *function) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	at := fn.home()
	if s.functions[at][fn.Name] != nil {
		return false
	}
	if s.functions == nil {
		s.functions = map[place]map[string]*function{}
	}
	if s.functions[at] == nil {
		s.functions[at] = map[string]*function{}
	}
	s.functions[at][fn.Name] = fn
	return true
}

// drop forgets a function and ends its processes.
func (s *lambdaState) drop(fn *function) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.functions[fn.home()][fn.Name] == fn {
		delete(s.functions[fn.home()], fn.Name)
	}
	fn.end()
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
