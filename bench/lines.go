package main

// suite is a package's benchmarks that run together.
type suite struct {
	pkg, pattern string
	times        string // -benchtime; "" for once
	long         bool   // takes minutes
	largest      bool   // takes longer still, and gigabytes
}

func suites() []suite {
	return []suite{
		{pkg: "./e2e", pattern: "ColdStart$", times: "20x"},
		{pkg: "./internal/reconcile", pattern: "Join$", times: "20x"},
		{pkg: "./internal/reconcile", pattern: "Ready$"},
		{pkg: "./internal/reconcile", pattern: "Pass$/users=1000$"},
		{pkg: "./internal/reconcile", pattern: "Pass$/users=10000$"},
		{pkg: "./internal/reconcile", pattern: "Pass$/users=200000$", long: true},
		{pkg: "./internal/reconcile", pattern: "Burst$/people=1000$"},
		{pkg: "./internal/reconcile", pattern: "Burst$/people=10000$", long: true},
		{pkg: "./internal/reconcile", pattern: "Burst$/people=50000$", largest: true},
		{pkg: "./internal/reconcile", pattern: "Leavers$"},
		{pkg: "./internal/reconcile", pattern: "PassMemory$", long: true},
		{pkg: "./internal/scim", pattern: "FirstSync$"},
		{pkg: "./internal/provision", pattern: "Unchanged$"},
		{pkg: "./internal/ldap", pattern: "Read$"},
		{pkg: "./internal/directory", pattern: "NothingChanged$", times: "5x"},
		{pkg: "./internal/plan", pattern: "Plan$", times: "3x"},
	}
}

// line is one line of the table: a figure of a benchmark, and what stands beside
// it: another figure, a ratio's other side, or a limit.
type line struct {
	what, bench string
	here, unit  string
	per         float64 // how many of the benchmark's unit are one of the table's; 0: one
	beside      string  // the figure to put beside it
	ratio       string  // a figure that is here/beside already
	limit       float64 // a fixed limit
	than        string  // what stands beside it, in words
}

func (l line) scale() float64 {
	if l.per == 0 {
		return 1
	}
	return 1 / l.per
}

const (
	plainly  = "describing every profile"
	rates    = "what AWS's rates allow"
	oneByOne = "one person after another"

	workedOut = ", worked out" // not carried out: it would take as long for each as for fewer
)

func lines() []line {
	return []line{
		{what: "function: start until it asks for work", bench: "ColdStart", here: "ms/start", unit: "ms", beside: "ms/empty-start", than: "a function that does nothing"},
		{what: "function: size of the binary", bench: "ColdStart", here: "MB", unit: "MB", limit: 16, than: "the limit we set"},
		{what: "one person joins: reads of AWS", bench: "Join/domains=1/groups=1", here: "reads/user", unit: "calls"},
		{what: "one person joins: rounds of reads", bench: "Join/domains=1/groups=1", here: "rounds/user", unit: "rounds", limit: 2, than: "design"},
		{what: "one person joins: writes", bench: "Join/domains=1/groups=1", here: "writes/user", unit: "calls", limit: 1, than: "design"},
		{what: "one person joins, 200 mapped groups: reads", bench: "Join/domains=1/groups=200", here: "reads/user", unit: "calls"},
		{what: "one person joins, 10 domains: rounds", bench: "Join/domains=10/groups=1", here: "rounds/user", unit: "rounds", limit: 2, than: "design"},
		{what: "event to ready among 1,000 profiles", bench: "Ready/users=1000", here: "s-ready", unit: "s", beside: "s-ready-plain", than: plainly},
		{what: "event to ready among 10,000 profiles", bench: "Ready/users=10000", here: "s-ready", unit: "s", beside: "s-ready-plain", than: plainly},
		{what: "calls for that, tables and queue included", bench: "Ready/users=10000", here: "calls", unit: "calls", beside: "calls-plain", than: plainly},
		{what: "full pass, 1,000 users: time", bench: "Pass/users=1000", here: "s", unit: "s", ratio: "time/bound", than: rates},
		{what: "full pass, 1,000 users: the same", bench: "Pass/users=1000", here: "s", unit: "s", beside: "s-plain", than: plainly},
		{what: "full pass, 1,000 users: calls", bench: "Pass/users=1000", here: "calls", unit: "calls", beside: "calls-plain", than: plainly},
		{what: "full pass, 10,000 users: time", bench: "Pass/users=10000", here: "s", unit: "s", ratio: "time/bound", than: rates},
		{what: "full pass, 10,000 users: the same", bench: "Pass/users=10000", here: "s", unit: "s", beside: "s-plain", than: plainly},
		{what: "full pass, 10,000 users: calls", bench: "Pass/users=10000", here: "calls", unit: "calls", beside: "calls-plain", than: plainly},
		{what: "full pass, 200,000 users: time", bench: "Pass/users=200000", here: "s", unit: "s", ratio: "time/bound", than: rates},
		{what: "full pass, 200,000 users: the same", bench: "Pass/users=200000", here: "s", unit: "s", beside: "s-plain", than: plainly + workedOut},
		{what: "full pass, 200,000 users: calls", bench: "Pass/users=200000", here: "calls", unit: "calls", beside: "calls-plain", than: plainly + workedOut},
		{what: "full pass, 200,000 users: peak memory", bench: "PassMemory", here: "peak-MB", unit: "MB", limit: 256, than: "the function's memory"},
		{what: "1,000 people at once, from nothing", bench: "Burst/people=1000", here: "s", unit: "s", ratio: "time/bound", than: rates},
		{what: "1,000 people at once: the same", bench: "Burst/people=1000", here: "s", unit: "s", beside: "s-plain", than: oneByOne},
		{what: "10,000 people at once, from nothing", bench: "Burst/people=10000", here: "s", unit: "s", ratio: "time/bound", than: rates},
		{what: "10,000 people at once: the same", bench: "Burst/people=10000", here: "s", unit: "s", beside: "s-plain", than: oneByOne + workedOut},
		{what: "50,000 people at once, from nothing", bench: "Burst/people=50000", here: "s", unit: "s", ratio: "time/bound", than: rates},
		{what: "50,000 people at once: the same", bench: "Burst/people=50000", here: "s", unit: "s", beside: "s-plain", than: oneByOne + workedOut},
		{what: "500 of 10,000 people leave: until all lost their role", bench: "Leavers", here: "s", unit: "s", ratio: "time/bound", than: rates},
		{what: "directory: first sync of 10,000 users over SCIM", bench: "FirstSync", here: "s", unit: "s", ratio: "time/bound", than: rates},
		{what: "directory: the same", bench: "FirstSync", here: "s", unit: "s", beside: "s-plain", than: "one call for each membership, in sequence"},
		{what: "directory: 10,000 users, 50 groups, unchanged: calls", bench: "Unchanged", here: "calls", unit: "calls", beside: "calls-plain", than: "one call for each membership"},
		{what: "directory: unchanged: time under the rates", bench: "Unchanged", here: "s", unit: "s", limit: 5, than: "100 pages of users at 20 a second"},
		{what: "directory: that read of Active Directory", bench: "Read", here: "ns/op", unit: "s", per: 1e9},
		{what: "directory: that comparison", bench: "NothingChanged", here: "ns/op", unit: "ms", per: 1e6},
		{what: "planner, 1,000,000 memberships", bench: "Plan", here: "ns/op", unit: "s", per: 1e9},
		{what: "planner, 1,000,000 memberships: allocated", bench: "Plan", here: "B/op", unit: "MB", per: 1 << 20},
	}
}
