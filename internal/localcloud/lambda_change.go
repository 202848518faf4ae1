package localcloud

import "fmt"

// settings is how the function is configured now.
func (fn *function) settings() (Function, bool) {
	fn.mu.Lock()
	defer fn.mu.Unlock()
	return fn.Function, fn.enforced
}

// reconfigure makes the function run as f says, once its invocations have ended. When it does not start like
// that it goes on as it was.
func (fn *function) reconfigure(f Function) error {
	fn.changing.Lock()
	defer fn.changing.Unlock()
	if err := f.canRun(fn.cloud); err != nil {
		return err
	}
	before, _ := fn.settings()
	if f.Concurrency != before.Concurrency {
		return fmt.Errorf("the local cloud cannot change how many processes function %s has, from %d to %d: delete it and create it again", fn.Name, before.Concurrency, f.Concurrency)
	}
	if err := fn.become(f); err != nil {
		return err
	}
	err := fn.warmUp()
	if err == nil {
		return nil
	}
	if back := fn.become(before); back != nil {
		return back
	}
	return err
}

// become ends the function's processes and lets those that follow run as f says. Whoever holds a slot may read
// the settings; all are held while they change.
func (fn *function) become(f Function) error {
	var held []*instance
	for range f.Concurrency {
		in := fn.take(fn.running)
		if in == nil {
			return fn.stopped()
		}
		if in.alive() {
			in.process.runtime.forgive()
			in.process.stop()
		}
		in.process, in.crashes = nil, 0
		held = append(held, in)
	}
	fn.cloud.access.mu.Lock()
	enforced := fn.cloud.access.roleByARN(f.Role) != nil
	fn.cloud.access.mu.Unlock()
	fn.mu.Lock()
	fn.Function, fn.enforced = f, enforced
	fn.mu.Unlock()
	for _, in := range held {
		fn.cold <- in
	}
	return nil
}
