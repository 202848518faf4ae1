package provision_test

import (
	"context"
	"fmt"
	"slices"
	"testing"
	"time"

	"studiokeeper/internal/directory"
	"studiokeeper/internal/localcloud"
	"studiokeeper/internal/plan"
)

// A run may be cut off anywhere. Each story is run with every call of it failing
// once, and all after it, before or, where it has one, after it took effect; what
// the next run leaves must be what an undisturbed one leaves.
func TestCutOffAnywhereEndsTheSame(t *testing.T) {
	stories := map[string]struct {
		before, then func(w *world)
		want         []string
	}{
		"joining": {
			before: func(w *world) { w.hire("alice", "bob"); w.group("studio-a", "alice", "bob") },
			then:   func(*world) {},
			want:   []string{"alice studio-a", "bob studio-a"},
		},
		"moving, and another name": {
			before: func(w *world) { w.hire("alice", "bob"); w.group("studio-a", "alice", "bob"); w.run() },
			then: func(w *world) {
				w.group("studio-a", "bob")
				w.group("studio-b", "alice")
				w.account("bob").UserName, w.account("bob").Email = "robert@corp.example", "robert@corp.example"
			},
			want: []string{"alice studio-b", "robert studio-a"},
		},
		"swapping names": {
			before: func(w *world) {
				w.hire("alice", "bob")
				w.group("studio-a", "alice")
				w.group("studio-b", "bob")
				w.run()
			},
			then: func(w *world) {
				a, b := w.account("alice"), w.account("bob")
				a.UserName, b.UserName, a.Email, b.Email = b.UserName, a.UserName, b.Email, a.Email
			},
			want: []string{"alice studio-b", "bob studio-a"},
		},
		"being taken over": {
			before: func(w *world) {
				w.carry.Adopt = directory.AdoptUserName
				_, err := w.cloud.Console(account, region, storeID).CreateUser(localcloud.Person{UserName: "alice@corp.example"})
				w.must(err)
				w.hire("alice")
				w.group("studio-a", "alice")
			},
			then: func(*world) {},
			want: []string{"alice studio-a"},
		},
		"leaving": {
			before: func(w *world) { w.hire("alice", "bob"); w.group("studio-a", "alice", "bob"); w.run() },
			then:   func(w *world) { w.account("bob").Disabled = true },
			want:   []string{"alice studio-a", "bob"},
		},
		"being deleted": {
			before: func(w *world) {
				w.hire("alice", "bob")
				w.group("studio-a", "alice", "bob")
				w.run()
				w.account("bob").Disabled = true
				w.run()
			},
			then: func(w *world) { w.cloud.Advance(400 * time.Hour) },
			want: []string{"alice studio-a"},
		},
	}
	for name, story := range stories {
		for _, effect := range []localcloud.Effect{localcloud.Before, localcloud.After} {
			t.Run(fmt.Sprintf("%s/effect %d", name, effect), func(t *testing.T) {
				t.Parallel()
				for n := 0; ; n++ {
					cut := false
					virtually(t, func(w *world) {
						story.before(w)
						story.then(w)
						cut = cutAt(w, n, effect)
						w.want(fmt.Sprintf("there after a cut at call %d", n), w.there(), story.want)
						if name == "joining" {
							w.want(fmt.Sprintf("users whose making is journalled after a cut at call %d", n), w.journalled(plan.CreateUser), 2)
						}
					})
					if !cut {
						t.Logf("%d calls, each cut once", n)
						return
					}
					if n > 200 || t.Failed() {
						t.Fatalf("the story has no end, or failed at call %d", n)
					}
				}
			})
		}
	}
}

// cutAt runs with the n-th call and all after it failing, then once more whole.
// It answers false when the run was over before. Only calls that write can fail
// after they took effect: with a read, that is a cut before.
func cutAt(w *world, n int, effect localcloud.Effect) bool {
	w.cloud.ResetCalls()
	writes := effect == localcloud.After
	w.cloud.Inject(localcloud.Fault{After: n, Times: 1, Code: "AccessDeniedException", Effect: effect, Writes: writes})
	w.cloud.Inject(localcloud.Fault{After: n, Code: "AccessDeniedException", Writes: writes})
	_, _ = w.try()
	cut := slices.ContainsFunc(w.cloud.Calls(), func(c localcloud.Call) bool { return c.Error == "AccessDeniedException" })
	w.cloud.ClearFaults()
	w.cloud.Advance(2 * time.Minute) // the lease of the run that was cut off is over
	for _, line := range w.run() {
		if line[len(line)-4:] != "done" {
			w.t.Errorf("after a cut at call %d: %s", n, line)
		}
	}
	w.want(fmt.Sprintf("a run more after a cut at call %d", n), w.run(), []string{})
	return cut
}

// journalled counts the users of whom the journal says that this was done.
func (w *world) journalled(k plan.Kind) int {
	w.t.Helper()
	entries, err := w.state.Entries(context.Background(), w.cloud.Now().Add(-time.Hour), w.cloud.Now().Add(time.Hour), "")
	w.must(err)
	of := map[string]bool{}
	for _, e := range entries {
		if e.Change.Kind == k && e.Outcome == plan.Done {
			of[e.Change.UserID] = true
		}
	}
	return len(of)
}

// An answer that is lost is asked for again; what was made by then is ours.
func TestAnswersThatAreLostMakeNothingTwice(t *testing.T) {
	for _, operation := range []string{"CreateUser", "CreateGroup", "CreateGroupMembership", "DeleteGroupMembership", "UpdateUser"} {
		virtually(t, func(w *world) {
			w.hire("alice", "bob")
			w.group("studio-a", "alice", "bob")
			w.cloud.Inject(localcloud.Fault{Operation: operation, Times: 1, Drop: true, Effect: localcloud.After})
			for range 2 {
				for _, line := range w.run() {
					if line[len(line)-4:] != "done" {
						t.Errorf("%s: %s", operation, line)
					}
				}
				w.group("studio-a", "alice")
				w.account("bob").DisplayName = "Bobby"
				w.group("studio-b", "bob")
			}
			w.want(operation, w.there(), []string{"alice studio-a", "bob studio-b"})
			w.want(operation+" again", w.run(), []string{})
		})
	}
}
