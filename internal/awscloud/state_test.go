package awscloud

import (
	"crypto/rand"
	"fmt"
	"maps"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/google/go-cmp/cmp"

	"studiokeeper/internal/localcloud"
	"studiokeeper/internal/reconcile"
)

// clock is a time that tests move.
type clock struct{ ms atomic.Int64 }

func (c *clock) now() time.Time       { return time.UnixMilli(c.ms.Load()) }
func (c *clock) pass(d time.Duration) { c.ms.Add(d.Milliseconds()) }

func newState(t *testing.T) (*localcloud.Cloud, *State, *clock) {
	t.Helper()
	cloud, s := newCloud(t)
	if strings.HasPrefix(t.Name(), "TestStateInAFile/") {
		keptTable(t, cloud, s)
	} else {
		newTable(t, s, "studiokeeper-state", "pk", "sk")
	}
	c := &clock{}
	c.ms.Store(time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC).UnixMilli())
	return cloud, &State{Session: s, Table: "studiokeeper-state", Now: c.now}, c
}

const leaseTime = 90 * time.Second

// lease is a small script: each step says what it does and what it expects.
type lease struct {
	t     *testing.T
	state *State
	key   reconcile.Key
}

func (l lease) acquire(owner string, want bool) {
	l.t.Helper()
	if got, err := l.state.Acquire(l.t.Context(), l.key, owner, leaseTime); got != want || err != nil {
		l.t.Errorf("%s acquires: got %v, %v; want %v", owner, got, err, want)
	}
}

func (l lease) release(owner string, wanted bool) {
	l.t.Helper()
	if got, err := l.state.Release(l.t.Context(), l.key, owner); got != wanted || err != nil {
		l.t.Errorf("%s releases: wanted %v, %v; want %v", owner, got, err, wanted)
	}
}

func TestALeaseHasOneOwnerAtATime(t *testing.T) {
	tests := map[string]func(l lease, c *clock){
		"free, taken, given back, free": func(l lease, _ *clock) {
			l.acquire("a", true)
			l.release("a", false)
			l.acquire("b", true)
		},
		"asked for: the owner keeps it and looks once more": func(l lease, _ *clock) {
			l.acquire("a", true)
			l.acquire("b", false)
			l.release("a", true)
			l.acquire("b", false)
			l.release("a", true)
			l.release("a", false)
			l.acquire("b", true)
		},
		"renewed by its owner": func(l lease, c *clock) {
			l.acquire("a", true)
			c.pass(leaseTime - time.Second)
			l.acquire("a", true)
			c.pass(leaseTime - time.Second)
			l.acquire("b", false)
		},
		"renewing does not forget that it was asked for": func(l lease, _ *clock) {
			l.acquire("a", true)
			l.acquire("b", false)
			l.acquire("a", true)
			l.release("a", true)
		},
		"over on the millisecond, and not before": func(l lease, c *clock) {
			l.acquire("a", true)
			c.pass(leaseTime - time.Millisecond)
			l.acquire("b", false)
			c.pass(time.Millisecond)
			l.acquire("b", true)
		},
		"lost: releasing it is no error and harms nobody": func(l lease, c *clock) {
			l.acquire("a", true)
			c.pass(leaseTime)
			l.acquire("b", true)
			l.release("a", false)
			l.acquire("c", false)
			l.release("b", true)
		},
		"never had: releasing it is no error": func(l lease, _ *clock) {
			l.release("a", false)
			l.acquire("b", true)
		},
		"asked for and then over: whoever takes it looks once more": func(l lease, c *clock) {
			l.acquire("a", true)
			l.acquire("b", false)
			c.pass(leaseTime)
			l.acquire("c", true)
			l.release("c", true)
		},
	}
	_, state, c := newState(t)
	n := 0
	for name, script := range tests {
		n++
		key := reconcile.Key{Domain: "research", UserID: identity(n)}
		t.Run(name, func(t *testing.T) { script(lease{t, state, key}, c) })
	}
}

func TestALeaseSurvivesLostAnswers(t *testing.T) {
	cloud, state, _ := newState(t)
	l := lease{t, state, reconcile.Key{Domain: "research", UserID: identity(1)}}
	cloud.Inject(localcloud.Fault{Operation: "UpdateItem", Times: 1, Drop: true, Effect: localcloud.After})
	cloud.Inject(localcloud.Fault{Operation: "DeleteItem", Times: 1, Drop: true, Effect: localcloud.After})
	l.acquire("a", true)
	l.release("a", false)
	l.acquire("b", true)
}

func TestOfManyWhoWantALeaseExactlyOneGetsIt(t *testing.T) {
	_, state, _ := newState(t)
	k := reconcile.Key{Domain: "research", UserID: identity(1)}
	var wg sync.WaitGroup
	var owners sync.Map
	var taken atomic.Int32
	for n := range 20 {
		wg.Go(func() {
			owner := fmt.Sprint("owner-", n)
			got, err := state.Acquire(t.Context(), k, owner, leaseTime)
			if err != nil {
				t.Error(err)
			}
			if got {
				taken.Add(1)
				owners.Store("owner", owner)
			}
		})
	}
	wg.Wait()
	owner, _ := owners.Load("owner")
	if taken.Load() != 1 {
		t.Fatalf("%d owners", taken.Load())
	}
	lease{t, state, k}.release(owner.(string), true)
}

func TestLeasesOfOtherUsersAndDomainsAreTheirOwn(t *testing.T) {
	_, state, _ := newState(t)
	for _, k := range []reconcile.Key{{Domain: "research", UserID: "u"}, {Domain: "research", UserID: "v"}, {Domain: "lab", UserID: "u"}} {
		lease{t, state, k}.acquire("a"+k.Domain+k.UserID, true)
	}
}

func TestALookMovesOnlyEarlierOrWhenItIsSpent(t *testing.T) {
	_, state, c := newState(t)
	now := c.now()
	at := func(s int) time.Time { return now.Add(time.Duration(s) * time.Second) }
	steps := []struct {
		name     string
		now, due time.Time
		want     int64
	}{
		{"the first", at(0), at(60), 1},
		{"the same again", at(0), at(60), 0},
		{"later", at(0), at(90), 0},
		{"earlier", at(0), at(30), 2},
		{"later, and the planned one is not due yet", at(29), at(120), 0},
		{"later, and the planned one is due", at(30), at(120), 0},
		{"later, and the planned one's message may still come", at(329), at(420), 0},
		{"later, and the planned one is overdue by 5 minutes", at(330), at(420), 3},
		{"earlier than that", at(331), at(340), 4},
		{"at once", at(331), at(331), 5},
		{"at once again", at(331), at(331), 0},
	}
	for _, step := range steps {
		if got, err := state.Schedule(t.Context(), "user u", rand.Text(), step.now, step.due); got != step.want || err != nil {
			t.Errorf("%s: got %d, %v; want %d", step.name, got, err, step.want)
		}
	}
	for sequence, want := range map[int64]bool{5: true, 4: false, 6: false, 0: false} {
		if got, err := state.Begin(t.Context(), "user u", sequence); got != want || err != nil {
			t.Errorf("current %d: got %v, %v", sequence, got, err)
		}
	}
	if got, err := state.Begin(t.Context(), "user u", 5); !got || err != nil {
		t.Errorf("a look that was cut off begins again: got %v, %v", got, err)
	}
	if got, err := state.Schedule(t.Context(), "user u", rand.Text(), at(320), at(350)); got != 6 || err != nil {
		t.Errorf("while the planned look is made, before its time by this clock: got %d, %v; want 6", got, err)
	}
	if got, err := state.Begin(t.Context(), "user u", 6); !got || err != nil {
		t.Errorf("the next look: got %v, %v", got, err)
	}
	if got, err := state.Schedule(t.Context(), "user u", rand.Text(), at(351), at(600)); got != 7 || err != nil {
		t.Errorf("later, and the planned one is due and has begun: got %d, %v; want 7", got, err)
	}
	for _, step := range []struct {
		what     string
		sequence int64
		want     bool
	}{
		{"cut off after it planned its successor", 6, true},
		{"one from before", 5, false},
		{"the successor", 7, true},
		{"the first one, now that its successor began", 6, false},
	} {
		if got, err := state.Begin(t.Context(), "user u", step.sequence); got != step.want || err != nil {
			t.Errorf("%s: got %v, %v", step.what, got, err)
		}
	}
	if got, err := state.Begin(t.Context(), "nobody", 1); got || err != nil {
		t.Errorf("a subject without a look: got %v, %v", got, err)
	}
}

func TestOfManyWhoScheduleALookExactlyOneSends(t *testing.T) {
	_, state, c := newState(t)
	now := c.now()
	for round, due := range []time.Duration{time.Minute, 30 * time.Second} {
		var wg sync.WaitGroup
		var senders atomic.Int32
		for range 20 {
			wg.Go(func() {
				sequence, err := state.Schedule(t.Context(), "everybody", rand.Text(), now, now.Add(due))
				if err != nil {
					t.Error(err)
				}
				if sequence > 0 {
					senders.Add(1)
				}
			})
		}
		wg.Wait()
		if senders.Load() != 1 {
			t.Errorf("round %d: %d senders, want 1", round, senders.Load())
		}
	}
}

func TestALookWhoseAnswerWasLostIsStillSent(t *testing.T) {
	cloud, state, c := newState(t)
	cloud.Inject(localcloud.Fault{Operation: "UpdateItem", Times: 1, Drop: true, Effect: localcloud.After})
	sequence, err := state.Schedule(t.Context(), "user u", rand.Text(), c.now(), c.now().Add(time.Minute))
	must(t, err)
	if current, err := state.Begin(t.Context(), "user u", sequence); !current || err != nil {
		t.Errorf("sequence %d is not current: %v", sequence, err)
	}
}

func TestPersonsAreRememberedAndListedOverAllPages(t *testing.T) {
	_, state, c := newState(t)
	alice := reconcile.Person{
		Key: reconcile.Key{Domain: "research", UserID: identity(1)}, Profile: "alice-471", GroupID: identity(1001),
		Role: roleNamed("ad-group-1"), Since: c.now().Add(time.Nanosecond).UTC(), Ready: true, Leaving: true,
		Settled: c.now().Add(time.Hour).UTC(), Asked: c.now().Add(time.Minute).UTC(), Changing: true,
	}
	if got, err := state.Person(t.Context(), alice.Key); got != (reconcile.Person{}) || err != nil {
		t.Errorf("before: got %+v, %v", got, err)
	}
	for range 2 {
		must(t, state.Remember(t.Context(), alice))
	}
	got, err := state.Person(t.Context(), alice.Key)
	must(t, err)
	if diff := cmp.Diff(alice, got); diff != "" {
		t.Error(diff)
	}
	long := strings.Repeat("x", 300_000) // four items of it exceed the 1 MB of a page
	want := []reconcile.Person{alice}
	for n := range 8 {
		p := reconcile.Person{Key: reconcile.Key{Domain: "research", UserID: identity(n + 2)}, Profile: long}
		want = append(want, p)
		must(t, state.Remember(t.Context(), p))
	}
	must(t, state.Remember(t.Context(), reconcile.Person{Key: reconcile.Key{Domain: "lab", UserID: identity(1)}, Profile: "alice"}))
	all, err := state.Managed(t.Context(), "research")
	must(t, err)
	if diff := cmp.Diff(want, all); diff != "" {
		t.Error(diff[:min(len(diff), 1000)])
	}
	if none, err := state.Managed(t.Context(), "empty"); len(none) != 0 || err != nil {
		t.Errorf("a domain without anybody: got %v, %v", none, err)
	}
}

func TestAProfileHasTheOwnerItWasGivenLast(t *testing.T) {
	_, state, _ := newState(t)
	owned := func(n int) reconcile.Person {
		return reconcile.Person{Key: reconcile.Key{Domain: "research", UserID: identity(n)}, Profile: "Alice-471"}
	}
	owner := func(domain, profile, want string) {
		t.Helper()
		if got, err := state.Owner(t.Context(), domain, profile); got != want || err != nil {
			t.Errorf("the owner of %s in %s: got %q, %v, want %q", profile, domain, got, err, want)
		}
	}
	owner("research", "alice-471", "")
	must(t, state.Own(t.Context(), owned(1)))
	must(t, state.Own(t.Context(), owned(2)))
	owner("research", "alice-471", identity(2))
	owner("lab", "alice-471", "")
	must(t, state.Remember(t.Context(), owned(2)))
	for range 2 {
		must(t, state.Forget(t.Context(), owned(2)))
	}
	owner("research", "Alice-471", "")
	if got, err := state.Person(t.Context(), owned(2).Key); got != (reconcile.Person{}) || err != nil {
		t.Errorf("forgotten: got %+v, %v", got, err)
	}
}

func TestAPersonThatCannotBeUnderstoodIsAnError(t *testing.T) {
	_, state, _ := newState(t)
	for name, attrs := range map[string]item{
		"a profile that is a number": {"profile": number(7)},
		"a time that is none":        {"profile": text("alice-471"), "since": text("yesterday")},
		"another that is none":       {"profile": text("alice-471"), "settled": text("yesterday")},
	} {
		t.Run(name, func(t *testing.T) {
			it := key("person#research", identity(1))
			maps.Copy(it, attrs)
			_, err := state.client().PutItem(t.Context(), &dynamodb.PutItemInput{TableName: &state.Table, Item: it})
			must(t, err)
			if got, err := state.Managed(t.Context(), "research"); err == nil {
				t.Errorf("got %v", got)
			}
			if got, err := state.Person(t.Context(), reconcile.Key{Domain: "research", UserID: identity(1)}); err == nil {
				t.Errorf("got %v", got)
			}
		})
	}
}

func TestAnUnreachableStateTableIsAnError(t *testing.T) {
	cloud, state, c := newState(t)
	k := reconcile.Key{Domain: "research", UserID: identity(1)}
	must(t, state.Remember(t.Context(), reconcile.Person{Key: k, Profile: "p"}))
	update := func() error { _, err := state.Acquire(t.Context(), k, "a", leaseTime); return err }
	failsOnEveryFailure(t, cloud, "dynamodb", "UpdateItem", update)
	failsOnEveryFailure(t, cloud, "dynamodb", "UpdateItem", func() error {
		_, err := state.Schedule(t.Context(), "u", rand.Text(), c.now(), c.now().Add(time.Minute))
		return err
	})
	failsOnEveryFailure(t, cloud, "dynamodb", "DeleteItem", func() error { _, err := state.Release(t.Context(), k, "a"); return err })
	failsOnEveryFailure(t, cloud, "dynamodb", "GetItem", func() error { _, err := state.Person(t.Context(), k); return err })
	failsOnEveryFailure(t, cloud, "dynamodb", "GetItem", func() error { _, err := state.Owner(t.Context(), "research", "p"); return err })
	failsOnEveryFailure(t, cloud, "dynamodb", "PutItem", func() error { return state.Own(t.Context(), reconcile.Person{Key: k, Profile: "p"}) })
	failsOnEveryFailure(t, cloud, "dynamodb", "Query", func() error { _, err := state.Managed(t.Context(), "research"); return err })
	failsOnEveryFailure(t, cloud, "dynamodb", "PutItem", func() error { return state.Tell(t.Context(), k, "x") })
	failsOnEveryFailure(t, cloud, "dynamodb", "TransactWriteItems", func() error { _, err := state.Append(t.Context(), entryOf("u", c.now())); return err })
	failsOnEveryFailure(t, cloud, "dynamodb", "Scan", func() error { _, _, err := state.Chains(t.Context(), ""); return err })
	failsOnEveryFailure(t, cloud, "dynamodb", "Query", func() error {
		_, err := state.Entries(t.Context(), c.now(), c.now().Add(time.Hour), "")
		return err
	})
}

func TestTheRegisterGivesBackWhatItWasGiven(t *testing.T) {
	_, state, c := newState(t)
	whole := reconcile.DomainRecord{
		Name: "research", ID: "d-abcdefghijkl", StoreID: storeID, Deployment: "prod",
		Passed: c.now().UTC(), Succeeded: c.now().Add(-time.Hour).UTC(), Took: 1500 * time.Millisecond, Profiles: 7,
		Deep: c.now().Add(-2 * time.Hour).UTC(),
	}
	failed := whole
	failed.Succeeded, failed.Deep = time.Time{}, time.Time{}
	for _, record := range []reconcile.DomainRecord{whole, failed} {
		must(t, state.Register(t.Context(), record))
		got, err := state.Registered(t.Context())
		must(t, err)
		if diff := cmp.Diff([]reconcile.DomainRecord{record}, got); diff != "" {
			t.Error(diff)
		}
	}
}
