package directory_test

import (
	"fmt"
	"testing"

	"studiokeeper/internal/directory"
)

// large is 10,000 users in 50 groups, each in one of their own, one for all and
// one that is nested.
func large() directory.Source {
	var s directory.Source
	for g := range 50 {
		s.Groups = append(s.Groups, adGroup(fmt.Sprintf("studio-%02d", g)))
	}
	s.Groups[1].Members = append(s.Groups[1].Members, directory.SourceMember{GUID: s.Groups[2].GUID})
	for i := range 10_000 {
		guid := fmt.Sprintf("%08x-0000-4000-8000-000000000000", i*7919)
		s.Users = append(s.Users, account(guid))
		for _, g := range []int{0, 2 + i%48} {
			s.Groups[g].Members = append(s.Groups[g].Members, directory.SourceMember{GUID: guid})
		}
	}
	return s
}

func BenchmarkNothingChanged(b *testing.B) {
	s, w := large(), trustingWorld()
	if err := w.apply(directory.Compare(s, w.target(), policy())); err != nil {
		b.Fatal(err)
	}
	t := w.target()
	for b.Loop() {
		if p := directory.Compare(s, t, policy()); len(p.Changes) > 0 {
			b.Fatal(p.Changes[0].Text())
		}
	}
}

func BenchmarkFirstRun(b *testing.B) {
	s := large()
	for b.Loop() {
		if p := directory.Compare(s, directory.Target{}, policy()); len(p.Changes) < 30_000 {
			b.Fatal(len(p.Changes))
		}
	}
}

func BenchmarkEverybodyIsRenamed(b *testing.B) {
	s, w := large(), trustingWorld()
	if err := w.apply(directory.Compare(s, w.target(), policy())); err != nil {
		b.Fatal(err)
	}
	t := w.target()
	first := s.Users[0].UserName
	for i := range s.Users[1:] {
		s.Users[i].UserName = s.Users[i+1].UserName
	}
	s.Users[len(s.Users)-1].UserName = first
	for b.Loop() {
		if p := directory.Compare(s, t, policy()); len(p.Changes) != 10_001 {
			b.Fatal(len(p.Changes))
		}
	}
}

func trustingWorld() *world {
	w := newWorld()
	w.trusting = true
	return w
}
