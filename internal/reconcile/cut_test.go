package reconcile_test

import (
	"fmt"
	"slices"
	"testing"

	"studiokeeper/internal/localcloud"
	"studiokeeper/internal/studio"
)

// A run may be cut off anywhere. Each story is run with every call of it
// failing once, before and after it took effect; what is left must be what an
// undisturbed run leaves.
func TestCutOffAnywhereEndsTheSame(t *testing.T) {
	stories := map[string]func(w *world) (user, group string){
		"joining": func(w *world) (string, string) {
			alice := w.user("alice@example.com")
			return alice, w.group("ad-group-1", "a", 100, alice)
		},
		"adopting": func(w *world) (string, string) {
			alice := w.user("alice@example.com")
			w.makeProfile("alice-471", "alice@example.com", "", nil)
			return alice, w.group("ad-group-1", "a", 100, alice)
		},
		"moving": func(w *world) (string, string) {
			alice := w.user("alice@example.com")
			first := w.group("first", "old", 200, alice)
			w.handle(added(alice, first))
			w.leave(first, alice)
			return alice, w.group("ad-group-1", "a", 100, alice)
		},
	}
	for name, story := range stories {
		for _, effect := range []localcloud.Effect{localcloud.Before, localcloud.After} {
			t.Run(fmt.Sprintf("%s/effect %d", name, effect), func(t *testing.T) {
				for n := 0; ; n++ {
					if n > 60 {
						t.Fatal("the story has no end")
					}
					if !cutAt(t, story, n, effect) {
						t.Logf("%d calls, each cut once", n)
						return
					}
				}
			})
		}
	}
}

// cutAt runs a story whose n-th call and all after it fail, then runs it again
// whole. It answers false when the story was over before.
func cutAt(t *testing.T, story func(*world) (string, string), n int, effect localcloud.Effect) bool {
	w := newWorld(t, nil)
	user, group := story(w)
	w.cloud.ResetCalls()
	w.cloud.Inject(localcloud.Fault{After: n, Times: 1, Code: "AccessDeniedException", Effect: effect})
	w.cloud.Inject(localcloud.Fault{After: n, Code: "AccessDeniedException", Effect: localcloud.Before})
	_, err := w.try(added(user, group))
	cut := slices.ContainsFunc(w.cloud.Calls(), func(c localcloud.Call) bool { return c.Error == "AccessDeniedException" })
	if err != nil && !cut {
		t.Fatalf("failed at call %d, which was not cut: %v", n, err)
	}
	w.cloud.ClearFaults()
	w.handle(added(user, group))
	w.settle() // waits, too, until the lease of the run that was cut off is over
	want(t, fmt.Sprintf("profiles after a cut at call %d", n), w.profiles(), []string{"alice@example.com a"})
	want(t, fmt.Sprintf("tags after a cut at call %d", n), w.tags("alice@example.com")[studio.TagApplied], studio.Digest(roles+"a", ""))
	w.cloud.ResetCalls()
	want(t, fmt.Sprintf("a look after a cut at call %d", n), w.handle(added(user, group)), nil)
	want(t, fmt.Sprintf("writes after a cut at call %d", n), w.writes(), 0)
	return cut
}
