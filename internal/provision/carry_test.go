package provision_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"studiokeeper/internal/directory"
	"studiokeeper/internal/localcloud"
	"studiokeeper/internal/plan"
	"studiokeeper/internal/provision"
	"studiokeeper/internal/studio"
)

func TestPeopleAndGroupsAreCarriedOver(t *testing.T) {
	virtually(t, func(w *world) {
		w.hire("alice", "bob", "carol")
		w.group("studio-a", "alice", "bob")
		w.group("studio-b", "bob")
		w.group("else", "carol")
		w.want("steps", w.run(), []string{
			"addMember alice studio-a: done", "addMember bob studio-a: done", "addMember bob studio-b: done",
			"createGroup studio-a: done", "createGroup studio-b: done", "createUser alice: done", "createUser bob: done",
		})
		w.want("there", w.there(), []string{"alice studio-a", "bob studio-a studio-b"})
		w.cloud.ResetCalls()
		w.want("again", w.run(), []string{})
		w.want("writes of a run without changes", w.writes(), 0)
	})
}

func TestMoversAndRenamedPeopleAreFollowed(t *testing.T) {
	virtually(t, func(w *world) {
		w.hire("alice", "bob")
		w.group("studio-a", "alice", "bob")
		w.group("studio-b")
		w.run()
		w.group("studio-a", "bob")
		w.group("studio-b", "alice")
		w.account("bob").UserName, w.account("bob").Email = "robert@corp.example", "robert@corp.example"
		w.want("steps", w.run(), []string{"addMember alice studio-b: done", "removeMember alice studio-a: done", "updateUser bob: done"})
		w.want("there", w.there(), []string{"alice studio-b", "robert studio-a"})
		w.want("again", w.run(), []string{})
	})
}

// The built-in directory cannot disable: a leaver loses the groups at once, and
// the user, whom we made, after grace.
func TestLeaversLoseTheirGroupsAndAreDeletedAfterGrace(t *testing.T) {
	virtually(t, func(w *world) {
		w.hire("alice", "bob")
		w.group("studio-a", "alice", "bob")
		w.run()
		w.account("bob").Disabled = true
		w.want("steps", w.run(), []string{"removeMember bob studio-a: done"})
		w.want("decided", w.held(), []string{"bob admitted"})
		w.cloud.Advance(167 * time.Hour)
		w.want("within grace", w.run(), []string{})
		w.cloud.Advance(2 * time.Hour)
		w.want("after grace", w.run(), []string{"deleteUser bob: done"})
		w.want("there", w.there(), []string{"alice studio-a"})
		w.want("decided in the end", w.held(), []string{})
		w.want("again", w.run(), []string{})
	})
}

func TestWhoComesBackStays(t *testing.T) {
	virtually(t, func(w *world) {
		w.hire("alice", "bob")
		w.group("studio-a", "alice", "bob")
		w.run()
		w.account("bob").Disabled = true
		w.run()
		w.account("bob").Disabled = false
		w.want("steps", w.run(), []string{"addMember bob studio-a: done"})
		w.want("decided", w.held(), []string{})
		w.cloud.Advance(400 * time.Hour)
		w.want("after grace", w.run(), []string{})
	})
}

func TestUsersThatSomebodyElseMadeAreTakenOverOnlyWhereThatIsSaid(t *testing.T) {
	virtually(t, func(w *world) {
		_, err := w.cloud.Console(account, region, storeID).CreateUser(localcloud.Person{UserName: "alice@corp.example"})
		w.must(err)
		w.hire("alice", "bob")
		w.group("studio-a", "alice", "bob")
		w.want("steps", w.run(), []string{"addMember bob studio-a: done", "conflict alice: refused", "createGroup studio-a: done", "createUser bob: done"})
		w.carry.Adopt = directory.AdoptUserName
		w.want("taken over", w.run(), []string{"addMember alice studio-a: done", "adoptUser alice: done", "updateUser alice: done"})
		w.account("alice").Disabled = true
		w.run()
		w.cloud.Advance(400 * time.Hour)
		w.want("never deleted", w.run(), []string{})
		w.want("there", w.there(), []string{"alice", "bob studio-a"})
	})
}

func TestGroupsThatSomebodyElseMadeAreNeverTouched(t *testing.T) {
	virtually(t, func(w *world) {
		console := w.cloud.Console(account, region, storeID)
		id, err := console.CreateGroup("studio-a")
		w.must(err)
		eve, err := console.CreateUser(localcloud.Person{UserName: "eve"})
		w.must(err)
		w.must(console.AddMemberToGroup(id, eve))
		w.hire("alice")
		w.group("studio-a", "alice")
		for _, step := range w.run() {
			if strings.Contains(step, "studio-a: done") {
				t.Errorf("%s", step)
			}
		}
		if there := w.there(); there[len(there)-1] != "eve studio-a" {
			t.Errorf("there is %v", there)
		}
	})
}

// One user whom Identity Center does not take stops nobody else.
func TestOneFailureStopsNobodyElse(t *testing.T) {
	virtually(t, func(w *world) {
		w.hire("alice", "bob")
		w.group("studio-a", "alice", "bob")
		w.cloud.Inject(localcloud.Fault{Operation: "CreateUser", Resource: "alice", Code: "ValidationException"})
		done, err := w.try()
		w.must(err)
		w.want("steps", shown(done), []string{"addMember alice studio-a: failed", "addMember bob studio-a: done", "createGroup studio-a: done", "createUser alice: failed", "createUser bob: done"})
		for _, s := range done.Steps {
			if s.Kind == directory.CreateUser && s.Outcome == plan.FailedAt && !strings.Contains(s.Error, "alice@corp.example") {
				t.Errorf("the failure names nobody: %s", s.Error)
			}
		}
		w.cloud.ClearFaults()
		w.want("again", w.run(), []string{"addMember alice studio-a: done", "createUser alice: done"})
	})
}

func TestObservingWritesNothing(t *testing.T) {
	virtually(t, func(w *world) {
		w.hire("alice")
		w.group("studio-a", "alice")
		w.carry.Mode = studio.Observe
		w.want("steps", w.run(), []string{"addMember alice studio-a: deferred", "createGroup studio-a: deferred", "createUser alice: deferred"})
		w.want("there", w.there(), []string{})
		w.run()
		entries, err := w.state.Entries(context.Background(), w.cloud.Now().Add(-time.Hour), w.cloud.Now().Add(time.Hour), "")
		w.must(err)
		w.want("entries of two runs", len(entries), 3)
	})
}

func TestEveryChangeIsInTheJournal(t *testing.T) {
	virtually(t, func(w *world) {
		w.hire("alice")
		w.group("studio-a", "alice")
		w.run()
		w.cloud.Advance(time.Minute)
		w.account("alice").Disabled = true
		w.run()
		users, err := w.carry.Store.Users(context.Background())
		w.must(err)
		entries, err := w.state.Entries(context.Background(), w.cloud.Now().Add(-time.Hour), w.cloud.Now().Add(time.Hour), users[0].ID)
		w.must(err)
		slices.SortFunc(entries, func(a, b plan.Entry) int { return int(a.Seq - b.Seq) })
		var got []string
		for _, e := range entries {
			got = append(got, strings.Join([]string{string(e.Change.Kind), e.Change.Domain, string(e.Outcome), e.Trigger.ID}, " "))
		}
		const who = " arn:aws:iam::111122223333:user/ops"
		w.want("entries", got, []string{"createUser @directory done" + who, "addMember @directory begun" + who, "addMember @directory done" + who, "removeMember @directory begun" + who, "removeMember @directory done" + who})
	})
}

func TestNothingIsRemovedAfterAReadThatFailed(t *testing.T) {
	broken := errors.New("the server went away in the middle of a page; try again")
	virtually(t, func(w *world) {
		w.hire("alice")
		w.group("studio-a", "alice")
		w.run()
		w.cloud.ResetCalls()
		w.ad.err = broken
		_, err := w.try()
		wantError(t, err, broken, "")
		w.ad.err = nil
		for _, operation := range []string{"ListUsers", "ListGroups", "ListGroupMemberships", "Query"} {
			w.account("alice").Disabled = true
			w.cloud.Inject(localcloud.Fault{Operation: operation, Code: "AccessDeniedException"})
			_, err := w.try()
			wantError(t, err, nil, operation)
			w.cloud.ClearFaults()
		}
		full := w.ad.source
		w.ad.source = directory.Source{}
		done, err := w.try()
		w.must(err)
		if len(done.Stop) == 0 {
			t.Error("an Active Directory without anybody stopped nothing")
		}
		w.ad.source = full
		w.want("writes", w.writes(), 0)
	})
}

func TestAnIdentityCenterThatReadsActiveDirectoryItselfIsLeftAlone(t *testing.T) {
	virtually(t, func(w *world) {
		_, err := w.cloud.Console(account, region, storeID).CreateGroup("studio-a@corp.example")
		w.must(err)
		w.hire("alice")
		w.group("studio-a", "alice")
		_, err = w.plan()
		wantError(t, err, provision.ErrForeign, `"studio-a@corp.example"`)
	})
}

func TestAPlanIsCarriedOutSoonAndOnceOrNotAtAll(t *testing.T) {
	virtually(t, func(w *world) {
		w.hire("alice")
		w.group("studio-a", "alice")
		old, err := w.plan()
		w.must(err)
		w.run()
		_, err = w.carry.Apply(context.Background(), old, provision.Options{}, by())
		wantError(t, err, provision.ErrStale, "another run")
		w.hire("bob")
		w.group("studio-a", "alice", "bob")
		late, err := w.plan()
		w.must(err)
		w.cloud.Advance(16 * time.Minute)
		_, err = w.carry.Apply(context.Background(), late, provision.Options{}, by())
		wantError(t, err, provision.ErrStale, "16m0s ago")
		w.want("there", w.there(), []string{"alice studio-a"})
	})
}

func TestTwoRunsDoNotWorkAtOnce(t *testing.T) {
	virtually(t, func(w *world) {
		var people []string
		for n := range 80 {
			people = append(people, fmt.Sprintf("user%02d", n))
		}
		w.hire(people...)
		w.group("studio-a", people...)
		first, err := w.plan()
		w.must(err)
		w.cloud.Inject(localcloud.Fault{Service: "identitystore", Delay: 14 * time.Second})
		ended := make(chan error)
		go func() {
			_, err := w.carry.Apply(context.Background(), first, provision.Options{}, by())
			ended <- err
		}()
		time.Sleep(100 * time.Second) // the lease was renewed by then
		_, err = w.carry.Apply(context.Background(), first, provision.Options{}, by())
		wantError(t, err, provision.ErrBusy, "nothing was changed")
		w.must(<-ended)
		w.want("people there", len(w.there()), len(people))
	})
}

func TestAnInterruptedRunGoesOnNextTime(t *testing.T) {
	virtually(t, func(w *world) {
		w.hire("alice", "bob")
		w.group("studio-a", "alice", "bob")
		made, err := w.plan()
		w.must(err)
		w.cloud.Inject(localcloud.Fault{Operation: "CreateUser", Delay: time.Minute})
		ctx, stop := context.WithTimeout(context.Background(), 10*time.Second)
		defer stop()
		done, err := w.carry.Apply(ctx, made, provision.Options{}, by())
		wantError(t, err, context.DeadlineExceeded, "")
		if !done.Interrupted || done.Of(plan.FailedAt) > 0 {
			t.Errorf("interrupted %v, %v", done.Interrupted, shown(done))
		}
		time.Sleep(2 * time.Minute) // what AWS had begun is over
		w.cloud.ClearFaults()
		w.run()
		w.want("there", w.there(), []string{"alice studio-a", "bob studio-a"})
		w.want("again", w.run(), []string{})
	})
}
