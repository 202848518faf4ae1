package localcloud

import (
	goruntime "runtime"
	"runtime/debug"
	"slices"
)

// parkedStack is about as much as a call through the SDK's middleware down into the cloud needs, in bytes.
const parkedStack = 40 << 10

// OneProcessor makes a process cheaper that reaches its clouds through Transport and runs beside others on few
// processors, as a package's tests do; up to a third of the processor time goes otherwise into what nobody waits for.
// Goroutines that hand a call over to each other stay on one processor, and new ones begin with the stack that
// a call needs, instead of doubling it four times: the runtime gives them what goroutines needed on average
// (go.dev/doc/go1.19#runtime). So goroutines with such a stack are parked for good, some times as many as are
// at work at once; every collection reads their stacks. Under the race detector nothing is done, as more
// processors show more orders.
func OneProcessor(goroutines int) {
	if info, ok := debug.ReadBuildInfo(); ok && slices.Contains(info.Settings, debug.BuildSetting{Key: "-race", Value: "true"}) {
		return
	}
	goruntime.GOMAXPROCS(1)
	parked := make(chan struct{})
	for range goroutines {
		go park(parkedStack, parked)
		<-parked
	}
	goruntime.GC() // the average is taken
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
