package localcloud

import (
	goruntime "runtime"
	"runtime/debug"
	"slices"
)

// The goroutines that OneProcessor parks: so many that their stack is the average one, and each with about as
// much on it as a call through the SDK's middleware down into the cloud needs, in bytes.
const (
	parkedGoroutines = 256
	parkedStack      = 40 << 10
)

// OneProcessor makes a process cheaper that reaches its clouds through Transport and runs beside others on few
// processors, as a package's tests do; a third of the processor time goes otherwise into what nobody waits for.
// Goroutines that hand a call over to each other stay on one processor, and new ones begin with the stack that
// a call needs, instead of doubling it four times: the runtime gives them what goroutines needed on average
// (go.dev/doc/go1.19#runtime). Under the race detector it does nothing, as more processors show more orders.
func OneProcessor() {
	if info, ok := debug.ReadBuildInfo(); ok && slices.Contains(info.Settings, debug.BuildSetting{Key: "-race", Value: "true"}) {
		return
	}
	goruntime.GOMAXPROCS(1)
	parked := make(chan struct{})
	for range parkedGoroutines {
		go park(parkedStack, parked)
		<-parked
	}
	goruntime.GC() // counts the stacks
}

// park stays for ever, with size bytes on its stack.
func park(size int, parked chan<- struct{}) byte {
	var frame [1 << 10]byte
	if size > 0 {
		return park(size-len(frame), parked) + frame[size%len(frame)]
	}
	parked <- struct{}{}
	select {}
}
