package reconcile_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sagemaker"
	sagemakertypes "github.com/aws/aws-sdk-go-v2/service/sagemaker/types"

	"studiokeeper/internal/event"
	"studiokeeper/internal/localcloud"
	"studiokeeper/internal/reconcile"
	"studiokeeper/internal/studio"
)

// startApp starts a JupyterServer under the user's profile.
func (w *world) startApp(profile string) {
	w.t.Helper()
	w.runApp(profile)
	w.cloud.Advance(time.Minute)
}

// runApp starts an app, and lets no time pass.
func (w *world) runApp(profile string) {
	w.t.Helper()
	_, err := sagemaker.NewFromConfig(w.aws).CreateApp(context.Background(), &sagemaker.CreateAppInput{
		DomainId: &w.domain, UserProfileName: &profile, AppType: sagemakertypes.AppTypeJupyterServer, AppName: aws.String("default"),
	})
	w.must(err)
}

// stopAll ends what its owners have running.
func (w *world) stopAll() {
	w.t.Helper()
	client := sagemaker.NewFromConfig(w.aws)
	list, err := client.ListApps(context.Background(), &sagemaker.ListAppsInput{DomainIdEquals: &w.domain})
	w.must(err)
	for _, a := range list.Apps {
		if a.Status == sagemakertypes.AppStatusInService {
			_, err := client.DeleteApp(context.Background(), &sagemaker.DeleteAppInput{DomainId: &w.domain, UserProfileName: a.UserProfileName, AppType: a.AppType, AppName: a.AppName})
			w.must(err)
		}
	}
	w.cloud.Advance(20 * time.Minute)
}

func (w *world) runningApps() int {
	w.t.Helper()
	list, err := sagemaker.NewFromConfig(w.aws).ListApps(context.Background(), &sagemaker.ListAppsInput{DomainIdEquals: &w.domain})
	w.must(err)
	n := 0
	for _, a := range list.Apps {
		if a.Status == sagemakertypes.AppStatusInService || a.Status == sagemakertypes.AppStatusPending {
			n++
		}
	}
	return n
}

// moving is a user in the group low whose profile is ready, and the group high.
func moving(w *world) (alice, low, high string) {
	w.t.Helper()
	alice = w.user("alice@example.com")
	low = w.group("low", "low", 10, alice)
	high = w.group("high", "high", 20)
	w.handle(added(alice, low))
	w.settle()
	return alice, low, high
}

func TestAppsAreStoppedBeforeTheRoleChanges(t *testing.T) {
	w := newWorld(t, nil)
	alice, _, high := moving(w)
	w.startApp(name(alice, "alice@example.com"))
	w.join(high, alice)

	want(t, "with an app running", w.handle(added(alice, high)), []string{"update"})
	want(t, "the role meanwhile", w.profiles(), []string{"alice@example.com low"})
	w.settle()
	want(t, "apps", w.runningApps(), 0)
	want(t, "the role then", w.profiles(), []string{"alice@example.com high"})
	if tag := w.tags("alice@example.com")[studio.TagApplied]; !studio.SameRole(tag, roles+"high") {
		t.Errorf("the tag of what was applied is %s", tag)
	}
}

// An app may be started between the last listing and the update: it has the
// old role, and must not outlive the change.
func TestAppStartedInTheMiddleOfAChangeIsStoppedToo(t *testing.T) {
	w := newWorld(t, nil)
	w.cloud.AppsAllowUpdates = true
	alice, _, high := moving(w)
	w.join(high, alice)
	want(t, "the change", w.handle(added(alice, high)), []string{"update"})
	w.startApp(name(alice, "alice@example.com"))
	want(t, "apps", w.runningApps(), 1)
	want(t, "later looks", w.settle(), []string{"tag", "tag"})
	want(t, "apps", w.runningApps(), 0)
	want(t, "another look", w.handle(added(alice, high)), nil)
}

func TestWhenIdleWaitsForApps(t *testing.T) {
	w := newWorld(t, func(s string) string {
		return strings.Replace(s, "signIn: none", "signIn: none, onRoleChange: whenIdle", 1)
	})
	alice, _, high := moving(w)
	w.startApp(name(alice, "alice@example.com"))
	w.join(high, alice)
	want(t, "with an app running", w.handle(added(alice, high)), []string{"update"})
	want(t, "apps", w.runningApps(), 1)
	want(t, "the role", w.profiles(), []string{"alice@example.com low"})
	want(t, "looks planned", w.queue.len(), 1)
}

// An update that waits is tried at every look, and the journal tells of it once a day.
func TestAnUpdateThatWaitsIsTold(t *testing.T) {
	updates := func(w *world, user string) (n int) {
		for _, line := range w.journal(user) {
			if strings.HasPrefix(line, "update") {
				n++
			}
		}
		return n
	}
	virtually(configured("signIn: none", "signIn: none, onRoleChange: whenIdle"), func(t *testing.T, w *world) {
		alice, low, high := moving(w)
		w.startApp(name(alice, "alice@example.com"))
		w.join(high, alice)
		hours := func(n int) {
			for range n {
				want(t, "while an app runs", w.handle(added(alice, high)), []string{"update"})
				w.cloud.Advance(time.Hour)
			}
		}
		hours(20)
		want(t, "updates in the journal", updates(w, alice), 1)
		hours(20)
		want(t, "updates in the journal a day later", updates(w, alice), 2)

		w.stopAll()
		w.settle()
		want(t, "the role", w.profiles(), []string{"alice@example.com high"})
		want(t, "updates in the journal once it is done", updates(w, alice), 3)

		// Another time is another update.
		w.leave(high, alice)
		w.handle(added(alice, low))
		w.settle()
		w.startApp(name(alice, "alice@example.com"))
		w.join(high, alice)
		w.handle(added(alice, high))
		want(t, "updates in the journal after there and back", updates(w, alice), 6)
	})(t)
}

func TestAnUpdateThatIsRefusedIsToldOnce(t *testing.T) {
	rules := func(settings string) func(string) string {
		return func(s string) string {
			return strings.Replace(s, "  table: mapping\n", "  rules: [{group: ad-group-1, domain: research, role: \"arn:aws:iam::111122223333:role/studio/a\""+settings+"}]\n", 1)
		}
	}
	w := newWorld(t, rules(""))
	alice := w.user("alice@example.com")
	group := w.group("ad-group-1", "", 0, alice)
	w.handle(added(alice, group))
	w.settle()
	w.startApp(name(alice, "alice@example.com"))
	w.open(rules(`, settings: {SecurityGroups: [sg-0a1b2c3d]}`))
	before := len(w.journal(alice))
	for range 4 {
		w.handle(added(alice, group))
	}
	want(t, "entries for a change that SageMaker refuses while an app runs", w.journal(alice)[before:], []string{"update begun"})
}

func TestSettingsAloneStopNoApps(t *testing.T) {
	rules := func(settings string) func(string) string {
		return func(s string) string {
			return strings.Replace(s, "  table: mapping\n", "  rules: [{group: ad-group-1, domain: research, role: \"arn:aws:iam::111122223333:role/studio/a\""+settings+"}]\n", 1)
		}
	}
	w := newWorld(t, rules(""))
	alice := w.user("alice@example.com")
	group := w.group("ad-group-1", "", 0, alice)
	w.handle(added(alice, group))
	w.settle()
	w.startApp(name(alice, "alice@example.com"))
	w.open(rules(`, settings: {SecurityGroups: [sg-0a1b2c3d]}`))
	want(t, "while an app runs", w.handle(added(alice, group)), []string{"update"})
	want(t, "apps", w.runningApps(), 1)
	want(t, "looks planned", w.queue.len(), 1)
}

func TestSharedReadsAreReadOnceForAllDomains(t *testing.T) {
	w := withDomains(t, 3, nil)
	alice := w.user("alice@example.com")
	group := w.group("ad-group-1", "a", 100, alice)
	w.row("ad-group-1", "d1", roles+"b", 100)
	w.handle(added(alice, group))
	counts := w.cloud.CallCounts()
	want(t, "DescribeUser", counts["identitystore.DescribeUser"], 1)
	want(t, "IsMemberInGroups", counts["identitystore.IsMemberInGroups"], 1)
	want(t, "profiles made", counts["sagemaker.CreateUserProfile"], 2)
}

func TestOneDomainThatFailsStopsNoOther(t *testing.T) {
	w := withDomains(t, 3, nil)
	alice := w.user("alice@example.com")
	group := w.group("ad-group-1", "a", 100, alice)
	w.cloud.Inject(localcloud.Fault{Service: "sagemaker", Operation: "ListUserProfiles", Resource: w.keeper.Targets[1].Domain.ID, Code: "AccessDeniedException"})
	results, err := w.keeper.Handle(t.Context(), added(alice, group))
	w.must(err)
	if failed := results[1].Err; failed == nil || !strings.Contains(failed.Error(), "d1") || !strings.Contains(failed.Error(), "sagemaker:ListUserProfiles") {
		t.Errorf("the domain's error is %v", failed)
	}
	want(t, "profiles", w.profiles(), []string{"alice@example.com a"})
	l, _, ok := w.queue.next()
	if !ok || l.Domain != "d1" {
		t.Errorf("the domain that failed gets no look of its own: %+v", l)
	}
	if _, err := w.try(l); err == nil {
		t.Error("its own look does not fail")
	}
}

func TestSignInByGroupWaitsForItsMembers(t *testing.T) {
	w := newWorld(t, func(s string) string { return strings.Replace(s, "signIn: none", "signIn: group", 1) })
	w.cloud.ProfileDelay = time.Second
	alice, bob := w.user("alice@example.com"), w.user("bob@example.com")
	group := w.group("ad-group-1", "a", 100, alice, bob)
	signIn := func(user string) bool {
		_, err := w.cloud.SignIn(account, region, w.domain, user)
		var denied *localcloud.SignInDenied
		if err != nil && !errors.As(err, &denied) {
			t.Fatal(err)
		}
		return err == nil
	}
	w.handle(added(alice, group))
	want(t, "alice may sign in while her profile is made", signIn(alice), false)
	w.settle()
	want(t, "alice may sign in", signIn(alice), true)
	want(t, "bob may sign in", signIn(bob), true)
	want(t, "profiles", w.profiles(), []string{"alice@example.com a", "bob@example.com a"})
	known, ours, err := w.keeper.Assignments.Assigned(t.Context(), "research", reconcile.Principal{Group: true, ID: group})
	if err != nil || !known || !ours {
		t.Errorf("recorded: %v, ours: %v, %v", known, ours, err)
	}
	w.cloud.ResetCalls()
	w.handle(added(alice, group))
	want(t, "assignments made again", w.cloud.CallCounts()["sso.CreateApplicationAssignment"], 0)
}

func TestGroupWithoutARowLosesTheSignInThatWeGave(t *testing.T) {
	for what, count := range map[string]string{"within the limit": "10", "over the limit": "0"} {
		t.Run(what, func(t *testing.T) {
			w := newWorld(t, func(s string) string {
				return strings.Replace(s, "signIn: none", "signIn: group", 1) + "limits: {removals: {count: " + count + ", floor: " + map[string]string{"10": "2", "0": "0"}[count] + "}}\n"
			})
			alice, group := member(w, "alice@example.com")
			if _, err := w.cloud.SignIn(account, region, w.domain, alice); err != nil {
				t.Fatal(err)
			}
			w.removeRow("ad-group-1")
			w.handle(event.Look{Scope: event.Group, GroupName: "ad-group-1", Domain: "research"})
			w.settle()
			known, _, err := w.keeper.Assignments.Assigned(t.Context(), "research", reconcile.Principal{Group: true, ID: group})
			w.must(err)
			_, denied := w.cloud.SignIn(account, region, w.domain, alice)
			want(t, "still assigned", known, count == "0")
			want(t, "may sign in", denied == nil, count == "0")
		})
	}
}

func TestGroupThatSomebodyElseAssignedStaysAssigned(t *testing.T) {
	w := newWorld(t, func(s string) string { return strings.Replace(s, "signIn: none", "signIn: group", 1) })
	alice := w.user("alice@example.com")
	group := w.group("ad-group-1", "a", 100, alice)
	w.must(w.console().AssignToDomain(w.domain, "GROUP", group))
	w.handle(added(alice, group))
	w.settle()
	w.removeRow("ad-group-1")
	w.handle(event.Look{Scope: event.Group, GroupName: "ad-group-1", Domain: "research"})
	w.settle()
	if _, err := w.cloud.SignIn(account, region, w.domain, alice); err != nil {
		t.Error(err)
	}
}

func TestDomainWithoutAnApplicationGoesOn(t *testing.T) {
	w := newWorld(t, func(s string) string { return strings.Replace(s, "signIn: none", "signIn: group", 1) })
	w.must(w.cloud.ForgetApplication(account, region, w.domain))
	alice := w.user("alice@example.com")
	w.handle(added(alice, w.group("ad-group-1", "a", 100, alice)))
	w.settle()
	want(t, "profiles", w.profiles(), []string{"alice@example.com a"})
}

func TestAssignmentThatMustComeFirst(t *testing.T) {
	for _, mode := range []string{"group", "user"} {
		t.Run(mode, func(t *testing.T) {
			w := newWorld(t, func(s string) string { return strings.Replace(s, "signIn: none", "signIn: "+mode, 1) })
			w.cloud.RequireAssignment = true
			alice := w.user("alice@example.com")
			w.handle(added(alice, w.group("ad-group-1", "a", 100, alice)))
			w.settle()
			want(t, "profiles", w.profiles(), []string{"alice@example.com a"})
		})
	}
}

func TestGroupThatIsGoneKeepsItsPeople(t *testing.T) {
	for what, gone := range map[string]func(w *world, group string){
		"deleted": func(w *world, group string) { w.must(w.console().DeleteGroup(group)) },
		"deleted, and its name taken": func(w *world, group string) {
			w.must(w.console().DeleteGroup(group))
			w.group("ad-group-1", "", 0)
		},
		"renamed": func(w *world, group string) { w.must(w.console().UpdateGroup(group, "other")) },
	} {
		t.Run(what, func(t *testing.T) {
			w := newWorld(t, nil)
			alice := w.user("alice@example.com")
			group := w.group("ad-group-1", "a", 100, alice)
			w.handle(added(alice, group))
			gone(w, group)
			w.cloud.ResetCalls()
			want(t, "planned", w.handle(event.Look{Scope: event.User, UserID: alice})[0][:10], "unreadable")
			want(t, "writes", w.writes(), 0)
		})
	}
}

func TestInstanceOfAnotherIdentityCenterIsRefused(t *testing.T) {
	w := newWorld(t, nil)
	alice := w.user("alice@example.com")
	w.keeper.Instances = elsewhere{}
	_, err := w.try(added(alice, w.group("ad-group-1", "a", 100, alice)))
	if err == nil || !strings.Contains(err.Error(), "its users are not these users") {
		t.Errorf("the error is %v", err)
	}
	want(t, "profiles", w.profiles(), nil)
}

// elsewhere is an Identity Center that the domain does not belong to.
type elsewhere struct{}

// Instance implements reconcile.Instances.
func (elsewhere) Instance(context.Context) (string, error) {
	return "arn:aws:sso:::instance/ssoins-0000000000000000", nil
}
