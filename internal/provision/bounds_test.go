package provision_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"studiokeeper/internal/directory"
	"studiokeeper/internal/localcloud"
	"studiokeeper/internal/provision"
)

// crowd hires people, of as many groups, each in one.
func (w *world) crowd(people, groups int) {
	names := make([]string, people)
	for i := range names {
		names[i] = fmt.Sprintf("u%05d", i)
	}
	w.hire(names...)
	per := people / groups
	for g := range groups {
		w.group(fmt.Sprintf("studio-%02d", g), names[g*per:(g+1)*per]...)
	}
}

// carried enters all of Active Directory into the local cloud, as if it had been
// carried over.
func (w *world) carried() {
	w.t.Helper()
	console := w.cloud.Console(account, region, storeID)
	var records []directory.Record
	for _, a := range w.ad.source.Users {
		w.must(console.SeedUser(a.GUID, localcloud.Person{UserName: a.UserName, DisplayName: a.DisplayName, GivenName: a.GivenName, FamilyName: a.FamilyName, Email: a.Email}))
		records = append(records, directory.Record{Kind: directory.UserObject, GUID: a.GUID, ID: a.GUID, Made: true, Name: a.UserName})
	}
	for _, g := range w.ad.source.Groups {
		w.must(console.SeedGroup(g.GUID, g.Name))
		records = append(records, directory.Record{Kind: directory.GroupObject, GUID: g.GUID, ID: g.GUID, Made: true, Name: g.Name})
		for _, m := range g.Members {
			w.must(console.SeedMember(g.GUID, m.GUID))
		}
	}
	w.must(w.carry.Records.Keep(context.Background(), records))
}

// BenchmarkUnchanged shows what a run costs that finds nothing to do, among 10,000
// users in 50 groups, under AWS's request rates; one call for each user and each
// membership would be 20,000.
func BenchmarkUnchanged(b *testing.B) {
	const people, groups = 10_000, 50
	for b.Loop() {
		var took time.Duration
		calls := 0
		story := func(w *world) {
			w.crowd(people, groups)
			w.carried()
			w.cloud.Throttle = true
			w.cloud.ResetCalls()
			began := time.Now()
			w.run()
			took = time.Since(began)
			for _, n := range w.cloud.CallCounts() {
				calls += n
			}
		}
		all := func(string, string) (bool, error) { return true, nil }
		if !testing.RunTests(all, []testing.InternalTest{{Name: b.Name(), F: func(t *testing.T) { virtually(t, story) }}}) {
			b.Fatal("the measured run failed")
		}
		b.ReportMetric(took.Seconds(), "s")
		b.ReportMetric(float64(calls), "calls")
		b.ReportMetric(2*people, "calls-plain")
	}
}

// 10,000 users in 50 groups, without a change: pages of a hundred, the lists of
// the groups, no write, and nothing that grows faster.
func TestWhatReadingCosts(t *testing.T) {
	virtually(t, func(w *world) {
		w.crowd(10_000, 50)
		w.carried()
		w.cloud.ResetCalls()
		made, err := w.plan()
		w.must(err)
		if made.Pending() || made.Carried != 10_000 {
			t.Fatalf("%d are carried, and there are %d changes", made.Carried, len(made.Changes))
		}
		_, err = w.carry.Apply(context.Background(), made, provision.Options{}, by())
		w.must(err)
		w.want("calls", w.cloud.CallCounts(), map[string]int{
			"identitystore.ListUsers": 100, "identitystore.ListGroups": 1, "identitystore.ListGroupMemberships": 100,
			"dynamodb.Query": 3, "dynamodb.GetItem": 1,
		})
	})
}

// The first run takes what the APIs' rates allow, 20 a second each: users are
// made while groups are filled.
func TestHowLongTheFirstRunTakes(t *testing.T) {
	virtually(t, func(w *world) {
		w.crowd(400, 4)
		w.cloud.Throttle = true
		began := time.Now()
		for _, line := range w.run() {
			if line[len(line)-4:] != "done" {
				t.Fatal(line)
			}
		}
		if took, most := time.Since(began), 26*time.Second; took > most {
			t.Errorf("it took %s, want %s at most", took, most)
		}
		w.want("there", len(w.there()), 400)
	})
}
