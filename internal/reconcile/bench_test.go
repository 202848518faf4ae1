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
	for _, groups := range []int{1, 100, 200} {
		b.Run(fmt.Sprintf("groups=%d", groups), func(b *testing.B) {
			w := newWorld(b, func(s string) string { return strings.Replace(s, "cache: 0s", "cache: 10m", 1) })
			w.cloud.ProfileQuota = 1 << 20
			first := w.group("group-0", "a", 1000)
			for g := 1; g < groups; g++ {
				w.group(fmt.Sprintf("group-%d", g), "b", g)
			}
			warm := w.user("warm@example.com")
			w.join(first, warm)
			w.handle(added(warm, first))
			// Calls of one round overlap only if each takes some time.
			w.cloud.Inject(localcloud.Fault{Delay: 5 * time.Millisecond})
			var reads, rounds, writes, backs, table float64
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
				c := count(w.cloud.Calls())
				reads, rounds, writes, backs, table = reads+c.reads, rounds+c.rounds, writes+c.writes, backs+c.backs, table+c.table
				b.StartTimer()
			}
			for unit, sum := range map[string]float64{"reads/user": reads, "rounds/user": rounds, "writes/user": writes, "readbacks/user": backs, "tablecalls/user": table} {
				b.ReportMetric(sum/float64(n), unit)
			}
		})
	}
}

type counted struct{ reads, rounds, writes, backs, table float64 }

// count sorts calls: reads before the first write, in rounds of calls that
// overlap; writes; reads after.
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
		case c.writes > 0:
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
