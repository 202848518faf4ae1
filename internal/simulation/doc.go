// Package simulation runs the whole system in virtual time, one seed after the
// other: people join, move and leave, rows change, administrators meddle, AWS
// fails, functions are killed, events are lost. What must never happen is
// checked at every call that changes something, and what should be is worked
// out in the end by an oracle that knows nothing of our code. It holds tests
// only:
//
//	go test ./internal/simulation -run Simulation -seeds 20000
//	go test ./internal/simulation -run Simulation -seed 7 -v -calls /tmp/calls
//
// A seed makes a story, which is a list of actions; the story, and the seed for
// latencies and faults, determine everything that happens. A story that fails is
// made as short as it gets, and printed; testdata/stories keeps those that once did.
package simulation
