package localcloud

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"strconv"
	"time"

	"github.com/google/uuid"
)

// Restarts of a process that dies again and again wait longer and longer.
const (
	firstBackoff = 100 * time.Millisecond
	lastBackoff  = 5 * time.Second
)

// instance is one slot of a function: a process, or room for one. Whoever took it from the slots owns it.
type instance struct {
	fn      *function
	process *process
	crashes int // in a row
}

// process is a running child and the Runtime API it talks to.
type process struct {
	fn      *function
	kill    context.CancelFunc
	next    chan *event
	ready   chan struct{} // closed when it asks for its first event
	exited  chan struct{} // closed when it has ended and was waited for
	exit    error         // set before exited is closed
	runtime runtime
}

// event is one invocation on its way through a process.
type event struct {
	id       string
	payload  []byte
	deadline time.Time
	result   chan result // holds one
}

type result struct {
	body []byte
	err  error
}

// run handles one payload, in this slot's process or in the in-process function.
func (in *instance) run(ctx context.Context, payload []byte, done *Invocation) ([]byte, error) {
	if in.fn.Invoke != nil {
		return in.fn.call(ctx, payload)
	}
	done.Cold = !in.alive()
	if err := in.ensure(ctx); err != nil {
		return nil, err
	}
	e := &event{id: uuid.NewString(), payload: payload, deadline: time.Now().Add(in.fn.Timeout), result: make(chan result, 1)}
	out, err := in.process.handle(e)
	if in.alive() {
		in.crashes = 0
	}
	return out, err
}

// call runs an in-process function for its timeout at most. One that goes on after that is left behind.
func (fn *function) call(ctx context.Context, payload []byte) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, fn.Timeout)
	done := make(chan result, 1)
	fn.cloud.background(func(context.Context) {
		defer cancel()
		body, err := fn.Invoke(ctx, payload)
		if _, ok := errors.AsType[*FunctionError](err); err != nil && !ok {
			err = &FunctionError{fn.Name, "errorString", err.Error()}
		}
		done <- result{body, err}
	})
	select {
	case r := <-done:
		return r.body, r.err
	case <-ctx.Done():
	}
	select {
	case r := <-done:
		return r.body, r.err
	case <-time.After(10 * time.Millisecond):
		return nil, fn.timedOut()
	}
}

func (fn *function) timedOut() *FunctionError {
	return &FunctionError{fn.Name, "Sandbox.Timedout", fmt.Sprintf("Task timed out after %.2f seconds", fn.Timeout.Seconds())}
}

func (in *instance) alive() bool {
	if in.process == nil {
		return false
	}
	select {
	case <-in.process.exited:
		return false
	default:
		return true
	}
}

// ensure starts a process unless one is running, and waits until it is initialised.
func (in *instance) ensure(ctx context.Context) error {
	if in.alive() {
		return nil
	}
	if in.process != nil {
		if in.process.runtime.crashed() {
			in.crashes++
		}
		in.process = nil
	}
	if in.crashes > 1 && !wait(ctx, min(firstBackoff<<min(in.crashes-2, 10), lastBackoff)) {
		return in.fn.stopped()
	}
	p, err := in.fn.start()
	if err != nil {
		return err
	}
	in.process = p
	return p.awaitInit()
}

func wait(ctx context.Context, d time.Duration) bool {
	select {
	case <-ctx.Done():
		return false
	case <-time.After(d):
		return true
	}
}

// start starts the program with a Runtime API of its own. Closing the cloud kills it.
func (fn *function) start() (*process, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("opening a Runtime API for function %s: %w", fn.Name, err)
	}
	ctx, cancel := context.WithCancel(fn.running)
	p := &process{fn: fn, kill: cancel, next: make(chan *event), ready: make(chan struct{}), exited: make(chan struct{})}
	cmd := exec.CommandContext(ctx, fn.Command[0], fn.Command[1:]...)
	if cmd.Env, err = fn.environment(listener.Addr().String()); err != nil {
		cancel()
		listener.Close()
		return nil, err
	}
	cmd.Dir, cmd.Stdout, cmd.Stderr = fn.Dir, fn.out, fn.out
	cmd.WaitDelay = 2 * time.Second
	if err := cmd.Start(); err != nil {
		cancel()
		listener.Close()
		return nil, &FunctionError{fn.Name, "Runtime.InvalidEntrypoint", err.Error()}
	}
	server := &http.Server{Handler: p.api(), ReadHeaderTimeout: 10 * time.Second}
	fn.cloud.background(func(context.Context) { _ = server.Serve(listener) })
	fn.cloud.background(func(context.Context) {
		defer cancel()
		p.exit = cmd.Wait()
		close(p.exited)
		server.Close()
	})
	return p, nil
}

// environment is what Lambda sets for a function, and the function's own after it.
func (fn *function) environment(api string) ([]string, error) {
	credentials := []string{"AWS_ACCESS_KEY_ID=" + fn.Account, "AWS_SECRET_ACCESS_KEY=local"}
	if fn.Role != "" {
		key, secret, token, err := fn.cloud.RoleCredentials(fn.Role, fn.Name)
		if err != nil {
			return nil, err
		}
		credentials = []string{"AWS_ACCESS_KEY_ID=" + key, "AWS_SECRET_ACCESS_KEY=" + secret, "AWS_SESSION_TOKEN=" + token}
	}
	set := append([]string{
		"PATH=" + os.Getenv("PATH"), "TZ=:UTC", "LANG=en_US.UTF-8", "_HANDLER=bootstrap",
		"AWS_LAMBDA_RUNTIME_API=" + api,
		"AWS_LAMBDA_FUNCTION_NAME=" + fn.Name, "AWS_LAMBDA_FUNCTION_VERSION=$LATEST",
		"AWS_LAMBDA_FUNCTION_MEMORY_SIZE=" + strconv.Itoa(fn.Memory),
		"AWS_LAMBDA_INITIALIZATION_TYPE=on-demand",
		"AWS_LAMBDA_LOG_GROUP_NAME=/aws/lambda/" + fn.Name, "AWS_LAMBDA_LOG_STREAM_NAME=local",
		"AWS_REGION=" + fn.Region, "AWS_DEFAULT_REGION=" + fn.Region,
	}, credentials...)
	if fn.Dir != "" {
		set = append(set, "LAMBDA_TASK_ROOT="+fn.Dir)
	}
	return append(set, fn.Env...), nil
}

// awaitInit waits until the process asks for its first event. One that fails or takes too long is killed.
func (p *process) awaitInit() error {
	limit := time.NewTimer(initLimit)
	defer limit.Stop()
	select {
	case <-p.ready:
		return nil
	case <-p.exited:
		return p.death("Runtime.ExitError")
	case <-limit.C:
		p.stop()
		return &FunctionError{p.fn.Name, "Sandbox.Timedout", fmt.Sprintf("Init phase timed out after %v", initLimit)}
	}
}

// stop kills the process and waits for its end.
func (p *process) stop() {
	p.kill()
	<-p.exited
}

// death says how the process ended: with the error it reported of its initialisation, or by its exit.
func (p *process) death(kind string) *FunctionError {
	if err := p.runtime.initError(); err != nil {
		return err
	}
	why := "Runtime exited without providing a reason"
	if p.exit != nil {
		why = "Runtime exited with error: " + p.exit.Error()
	}
	return &FunctionError{p.fn.Name, kind, why}
}

// handle gives the process one event and waits for the answer, its death, or the function's timeout.
func (p *process) handle(e *event) ([]byte, error) {
	limit := time.NewTimer(time.Until(e.deadline))
	defer limit.Stop()
	next := p.next
	for {
		select {
		case next <- e:
			next = nil
		case r := <-e.result:
			return r.body, r.err
		case <-p.exited:
			return p.lastWord(e)
		case <-limit.C:
			p.runtime.forgive()
			p.stop()
			return nil, p.fn.timedOut()
		}
	}
}

// lastWord prefers an answer that came just before the process ended.
func (p *process) lastWord(e *event) ([]byte, error) {
	select {
	case r := <-e.result:
		return r.body, r.err
	default:
		return nil, p.death("Runtime.ExitError")
	}
}
