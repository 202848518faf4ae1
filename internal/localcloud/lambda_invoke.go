package localcloud

import (
	"context"
	"fmt"
	"slices"
	"time"
)

// A FunctionError is what an invocation failed with: the error the function returned, or what Lambda says
// of one that died, hung or could not start.
type FunctionError struct {
	Function string
	Type     string // such as Runtime.ExitError, Sandbox.Timedout, or the function's own
	Message  string
}

// Error names the function, the type and the message.
func (e *FunctionError) Error() string {
	return fmt.Sprintf("function %s: %s: %s", e.Function, e.Type, e.Message)
}

// Invocation is one finished invocation.
type Invocation struct {
	Function string
	Start    time.Time     // the cloud's time
	Duration time.Duration // real time, without the wait for a free process
	Cold     bool          // a process was started for it
	Records  int           // messages of a queue; 0 when it was no batch
	Error    string        // empty when it succeeded
}

// Invoke calls a function, by name or ARN, and waits for its answer. A failed invocation is a *FunctionError.
func (c *Cloud) Invoke(name string, payload []byte) ([]byte, error) {
	c.start()
	fn, err := c.function(name)
	if err != nil {
		return nil, fmt.Errorf("invoking: %w", err)
	}
	return fn.invoke(c.running, payload, 0)
}

// invokeLater is Lambda's asynchronous invocation: it retries twice, after one minute and after two more. An
// event that failed three times goes to the function's dead-letter queue.
func (c *Cloud) invokeLater(at place, name string, payload []byte) error {
	c.functions.mu.Lock()
	fn := c.functions.functions[at][name]
	c.functions.mu.Unlock()
	if fn == nil {
		return fmt.Errorf("the function %s does not exist in account %s, Region %s", name, at.account, at.region)
	}
	c.background(func(ctx context.Context) {
		for retry := range 3 {
			if _, err := fn.invoke(ctx, payload, 0); err == nil || ctx.Err() != nil {
				return
			}
			if retry < 2 {
				c.sleep(ctx, time.Duration(retry+1)*time.Minute)
			}
		}
		fn.bury(payload)
	})
	return nil
}

// sleep lets d of the cloud's time pass.
func (c *Cloud) sleep(ctx context.Context, d time.Duration) {
	until := c.Now().Add(d)
	for ctx.Err() == nil {
		moved := c.moved.wait()
		if !c.Now().Before(until) || c.pause(ctx, until, moved, nil) != nil {
			return
		}
	}
}

// invoke runs one invocation in the first free slot.
func (fn *function) invoke(ctx context.Context, payload []byte, records int) ([]byte, error) {
	in := fn.take(ctx)
	if in != nil {
		defer fn.release(in)
	}
	if in == nil || ctx.Err() != nil {
		return nil, fn.stopped()
	}
	done := Invocation{Function: fn.Name, Start: fn.cloud.Now(), Records: records}
	began := time.Now()
	out, err := in.run(ctx, payload, &done)
	done.Duration = time.Since(began)
	if err != nil {
		done.Error = err.Error()
	}
	fn.cloud.functions.remember(done)
	return out, err
}

func (fn *function) stopped() *FunctionError {
	return &FunctionError{fn.Name, "Sandbox.Stopped", "the function is deleted, or the local cloud is closed"}
}

func (s *lambdaState) remember(i Invocation) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.log) >= keptInvocations {
		s.log = slices.Clone(s.log[keptInvocations/2:])
	}
	s.log = append(s.log, i)
}

// Invocations gives the finished invocations of every function, oldest first: at least the last 5,000.
func (c *Cloud) Invocations() []Invocation {
	c.functions.mu.Lock()
	defer c.functions.mu.Unlock()
	return slices.Clone(c.functions.log)
}
