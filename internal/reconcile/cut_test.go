package reconcile_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/sagemaker"
	"github.com/aws/aws-sdk-go-v2/service/ssoadmin"
	ssotypes "github.com/aws/aws-sdk-go-v2/service/ssoadmin/types"

	"studiokeeper/internal/event"
	"studiokeeper/internal/localcloud"
	"studiokeeper/internal/studio"
)

// A run may be cut off anywhere. Each story is run with every call of it
// failing once, before and, where it has one, after it took effect; what is left
// must be what an undisturbed run leaves.
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
				t.Parallel()
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

// cut is a fault that calls meet from the n-th on. Only those that write can meet
// one after they took effect: with a read, that is a cut before.
func cut(n int, effect localcloud.Effect) localcloud.Fault {
	return localcloud.Fault{After: n, Code: "AccessDeniedException", Effect: effect, Writes: effect == localcloud.After}
}

// cutOff lets the n-th call that is cut with an effect fail, and all after it that
// could leave something behind.
func (w *world) cutOff(n int, effect localcloud.Effect) {
	first, later := cut(n, effect), cut(n, effect)
	first.Times, later.Effect = 1, localcloud.Before
	w.cloud.Inject(first)
	w.cloud.Inject(later)
}

// wasCut reports whether a cut struck since the last reset.
func (w *world) wasCut() bool {
	return slices.ContainsFunc(w.cloud.Calls(), func(c localcloud.Call) bool { return c.Error == "AccessDeniedException" })
}

// cutAt runs a story whose n-th call and all after it fail, then runs it again
// whole. It answers false when the story was over before.
func cutAt(t *testing.T, story func(*world) (string, string), n int, effect localcloud.Effect) bool {
	w := newWorld(t, nil)
	user, group := story(w)
	w.cloud.ResetCalls()
	w.cutOff(n, effect)
	_, err := w.try(added(user, group))
	cut := w.wasCut()
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

// A sign-in that a run made and was cut off before it recorded it is ours all the
// same: it goes when its person, or its group's row, goes.
func TestSignInThatWasCutOffAnywhereIsTakenBack(t *testing.T) {
	for _, mode := range []string{"user", "group"} {
		for _, effect := range []localcloud.Effect{localcloud.Before, localcloud.After} {
			for _, again := range []bool{true, false} {
				if effect == localcloud.Before && !again {
					continue // nothing came of it
				}
				t.Run(fmt.Sprintf("%s/effect %d/run again %v", mode, effect, again), func(t *testing.T) {
					t.Parallel()
					for n := 0; ; n++ {
						if n > 200 {
							t.Fatal("the story has no end")
						}
						cut := false
						virtually(configured("signIn: none", "signIn: "+mode), func(t *testing.T, w *world) { cut = cutSignIn(t, w, n, effect, again) })(t)
						if !cut {
							t.Logf("%d calls, each cut once", n)
							return
						}
					}
				})
			}
		}
	}
}

// cutSignIn lets somebody join with the n-th call cut, and leave, whether or not
// anybody looked again in between.
func cutSignIn(t *testing.T, w *world, n int, effect localcloud.Effect, again bool) bool {
	alice := w.user("alice@example.com")
	group := w.group("ad-group-1", "a", 100, alice)
	w.cloud.ResetCalls()
	w.cutOff(n, effect)
	_, _ = w.try(added(alice, group))
	for l, due, ok := w.queue.next(); ok; l, due, ok = w.queue.next() {
		w.cloud.Advance(max(0, due.Sub(w.cloud.Now())))
		if _, err := w.try(l); err != nil {
			break
		}
	}
	cut := w.wasCut()
	w.cloud.ClearFaults()
	w.cloud.Advance(2 * time.Minute) // the lease of the run that was cut off is over
	if again {
		w.handle(added(alice, group))
		w.settle()
	}
	w.removeRow("ad-group-1")
	w.handle(event.Look{Scope: event.Group, GroupName: "ad-group-1", GroupID: group, Domain: "research"})
	w.handle(looked(alice))
	w.settle()
	if p, err := w.cloud.SignIn(account, region, w.domain, alice); err == nil {
		t.Errorf("cut at call %d: they can still sign in, to %s", n, p)
	}
	return cut
}

// What an administrator assigned is not ours, even after we tried to in vain.
func TestSignInThatSomebodyElseGaveStays(t *testing.T) {
	w := newWorld(t, configured("signIn: none", "signIn: user"))
	alice := w.user("alice@example.com")
	group := w.group("ad-group-1", "a", 100, alice)
	w.cloud.Inject(localcloud.Fault{Service: "sso", Operation: "CreateApplicationAssignment", Code: "AccessDeniedException"})
	_, _ = w.try(added(alice, group))
	w.cloud.ClearFaults()
	facts, err := sagemaker.NewFromConfig(w.aws).DescribeDomain(t.Context(), &sagemaker.DescribeDomainInput{DomainId: &w.domain})
	w.must(err)
	_, err = ssoadmin.NewFromConfig(w.aws).CreateApplicationAssignment(t.Context(), &ssoadmin.CreateApplicationAssignmentInput{
		ApplicationArn: facts.SingleSignOnApplicationArn, PrincipalId: &alice, PrincipalType: ssotypes.PrincipalTypeUser,
	})
	w.must(err)
	w.cloud.Advance(2 * time.Minute)
	w.handle(added(alice, group))
	w.settle()
	w.leave(group, alice)
	w.handle(looked(alice))
	w.settle()
	if _, err := w.cloud.SignIn(account, region, w.domain, alice); err != nil {
		t.Errorf("the sign-in that somebody else gave is gone: %v", err)
	}
}
