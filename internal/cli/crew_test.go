package cli

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"os"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"studiokeeper/internal/app"
	"studiokeeper/internal/event"
	"studiokeeper/internal/localcloud"
	"studiokeeper/internal/reconcile"
)

// staff gives the sample's group a row, and so many members more.
func (s *sample) staff(t *testing.T, people int) {
	t.Helper()
	text, err := os.ReadFile(s.config)
	if err != nil {
		t.Fatal(err)
	}
	row := fmt.Sprintf("mapping:\n  rules: [{group: ad-group-2, domain: %s, role: %q}]\n", sampleDomain, sampleRoles+"staff")
	if err := os.WriteFile(s.config, []byte(strings.Replace(string(text), "mapping:\n", row, 1)), 0o600); err != nil {
		t.Fatal(err)
	}
	console := s.cloud.Console(sampleAccount, sampleRegion, sampleStore)
	for i := range people {
		id, err := console.CreateUser(localcloud.Person{UserName: fmt.Sprintf("p%d@example.com", i), DisplayName: "P"})
		if err == nil {
			err = console.AddMemberToGroup(sampleGroup, id)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	s.cloud.Advance(time.Minute)
}

func (s *sample) keeper(t *testing.T, queue reconcile.Queue) *reconcile.Reconciler {
	t.Helper()
	keep, err := app.Open(t.Context(), app.Options{
		Config: s.config, Lookup: os.LookupEnv, Running: "apply", Queue: queue, Log: slog.New(slog.DiscardHandler), HTTP: s.aws.HTTPClient,
	})
	if err != nil {
		t.Fatal(err)
	}
	return keep
}

// applied plans and carries out, as apply does, and tells how long that took.
func (s *sample) applied(ctx context.Context, t *testing.T) (applied, time.Duration) {
	t.Helper()
	begun := time.Now()
	queue := &waitingRoom{}
	keep := s.keeper(t, queue)
	doc, err := keep.Propose(ctx, reconcile.Scope{})
	if err != nil {
		t.Fatal(err)
	}
	env := Environment{Lookup: os.LookupEnv, Stdout: io.Discard, Stderr: io.Discard}
	w := &crew{env: env, keep: keep, queue: queue, wait: time.Minute, by: event.Trigger{Source: event.SourcePerson}, doc: doc}
	return w.carryOut(ctx), time.Since(begun)
}

// Members whose profiles an earlier run has made, and who are not in this plan,
// are looked at while their group waits for its sign-in: once they are found
// ready, nothing is left to wait for.
func TestGroupOfPeopleMadeBeforeSignsInSoon(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := inMemory(t)
		s.staff(t, 8)
		cut, stop := context.WithTimeout(t.Context(), 2*time.Second)
		defer stop()
		if done, _ := s.applied(cut, t); !done.Interrupted {
			t.Fatalf("it was not cut off: %+v", done)
		}
		time.Sleep(2 * time.Minute) // its leases expire, and its profiles are ready
		done, took := s.applied(t.Context(), t)
		if done.count(settled) != len(done.People) || done.err() != nil || took > 15*time.Second {
			t.Errorf("after %v: %+v", took, done)
		}
		if n := groups(done); n != 1 {
			t.Errorf("%d groups were assigned, want 1", n)
		}
	})
}

// Those who become ready at once ask for their group's sign-in at the same time:
// what one of them gets, nobody waits for again. One that was taken away is asked for.
func TestSignInThatIsGivenIsNotWaitedForAgain(t *testing.T) {
	group := outcome{Domain: sampleDomain, Group: sampleGroup, Outcome: settled}
	l := event.Look{Scope: event.SignIn, GroupID: sampleGroup, Domain: sampleDomain}
	for _, given := range []bool{true, false} {
		w := &crew{done: applied{People: []outcome{group}}, at: map[reconcile.Key]int{group.key(): 0}, given: map[reconcile.Key]bool{group.key(): given}}
		if w.signedIn(l) != given {
			t.Errorf("given %v, and waited for: %v", given, given)
		}
	}
	synctest.Test(t, func(t *testing.T) {
		w := &crew{queue: &waitingRoom{}, wait: time.Minute, begun: time.Now(), given: map[reconcile.Key]bool{group.key(): true}}
		w.queue.put(l, time.Now().Add(signInAgain))
		begun := time.Now()
		w.work(t.Context())
		if took := time.Since(begun); took > 0 {
			t.Errorf("it was waited for: %v", took)
		}
	})
}

// How often a group waits for its people is counted by its looks: one that came to
// nothing is taken up soon only where that brings no count forward.
func TestOnlyTheFirstLookAtASignInIsTakenUpSoon(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := inMemory(t)
		keep := s.keeper(t, &waitingRoom{})
		for attempt, want := range []time.Duration{crewAgain, signInAgain, signInAgain, signInAgain} {
			w := &crew{keep: keep, queue: &waitingRoom{}, given: map[reconcile.Key]bool{}}
			w.signed(t.Context(), event.Look{Scope: event.SignIn, GroupID: sampleGroup, Domain: sampleDomain, Attempt: attempt}, nil)
			if l, due, _ := w.queue.next(); time.Until(due) != want {
				t.Errorf("after attempt %d comes %+v in %v, want %v", attempt, l, time.Until(due), want)
			}
		}
	})
}

func groups(done applied) (n int) {
	for _, o := range done.People {
		if o.Group != "" {
			n++
		}
	}
	return n
}
