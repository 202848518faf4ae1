package reconcile_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"studiokeeper/internal/localcloud"
)

// BenchmarkJoin makes profiles for joining users, rows and group ids warm, and
// reports what one costs: API reads, rounds of reads, writes and read-backs.
// The tables' calls are counted apart.
func BenchmarkJoin(b *testing.B) {
	for _, domains := range []int{1, 10} {
		for _, groups := range []int{1, 100, 200} {
			b.Run(fmt.Sprintf("domains=%d/groups=%d", domains, groups), func(b *testing.B) { join(b, domains, groups) })
		}
	}
}

func join(b *testing.B, domains, groups int) {
	w := withDomains(b, domains, func(s string) string { return strings.Replace(s, "cache: 0s", "cache: 10m", 1) })
	w.cloud.ProfileQuota = 1 << 20
	first := w.group("group-0", "a", 1000)
	for d := 1; d < domains; d++ {
		w.row("group-0", fmt.Sprintf("d%d", d), roles+"a", 1000)
	}
	for g := 1; g < groups; g++ {
		w.group(fmt.Sprintf("group-%d", g), "b", g)
	}
	warm := w.user("warm@example.com")
	w.join(first, warm)
	w.handle(added(warm, first))
	// Calls of one round overlap only if each takes some time.
	w.cloud.Inject(localcloud.Fault{Delay: 5 * time.Millisecond})
	var sum counted
	n := 0
	for b.Loop() {
		b.StopTimer()
		u := w.user(fmt.Sprintf("user%d@example.com", n))
		w.join(first, u)
		n++
		w.cloud.ResetCalls()
		b.StartTimer()
		w.handle(added(u, first))
		b.StopTimer()
		sum.add(count(w.cloud.Calls()))
		b.StartTimer()
	}
	for unit, total := range map[string]float64{
		"reads/user": sum.reads, "rounds/user": sum.rounds, "writes/user": sum.writes, "readbacks/user": sum.backs, "tablecalls/user": sum.table,
	} {
		b.ReportMetric(total/float64(n), unit)
	}
}

func (c *counted) add(o counted) {
	c.reads, c.rounds, c.writes, c.backs, c.table = c.reads+o.reads, c.rounds+o.rounds, c.writes+o.writes, c.backs+o.backs, c.table+o.table
}

type counted struct{ reads, rounds, writes, backs, table float64 }

// count sorts calls: reads, in rounds of calls that overlap; writes; and the
// descriptions that read a write back.
func count(calls []localcloud.Call) counted {
	slices.SortFunc(calls, func(a, b localcloud.Call) int { return a.Start.Compare(b.Start) })
	var c counted
	var roundEnd = calls[0].Start
	for _, call := range calls {
		write := slices.Contains([]string{"CreateUserProfile", "UpdateUserProfile", "AddTags"}, call.Operation)
		switch {
		case call.Service == "dynamodb":
			c.table++
		case write:
			c.writes++
		case c.writes > 0 && call.Operation == "DescribeUserProfile":
			c.backs++
		default:
			c.reads++
			if !call.Start.Before(roundEnd) {
				c.rounds++
				roundEnd = call.End
			}
		}
	}
	return c
}
