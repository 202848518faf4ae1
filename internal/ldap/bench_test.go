package ldap_test

import (
	"fmt"
	"testing"

	"studiokeeper/internal/localad"
)

// BenchmarkRead reads 10,000 users and 50 groups of 1,000.
func BenchmarkRead(b *testing.B) {
	w := newWorld(b)
	for i := range 10_000 {
		w.user(fmt.Sprintf("u%05d", i))
	}
	for g := range 50 {
		group := fmt.Sprintf("studio-%02d", g)
		w.must(w.AddGroup(localad.Group{Account: group, OU: "OU=Groups"}))
		for i := range 1000 {
			w.must(w.AddMember(group, fmt.Sprintf("u%05d", (g*200+i)%10_000)))
		}
	}
	before := w.controllers[0].Searches()
	for b.Loop() {
		if s := w.read(); len(s.Users) != 10_001 || len(s.Groups) != 53 {
			b.Fatalf("%d users and %d groups were read", len(s.Users), len(s.Groups))
		}
	}
	b.ReportMetric(float64(w.controllers[0].Searches()-before)/float64(b.N), "searches/op")
}
