package reconcile_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
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

var everybody = event.Look{Scope: event.Everybody, Trigger: event.Trigger{ID: "schedule-1", Name: "Scheduled Event"}}

// passed makes a pass and everything that it hands on.
func (w *world) passed() []string {
	w.t.Helper()
	w.handle(everybody)
	return w.settle()
}

// people are users with a ready profile through one group.
func people(w *world, n int) (ids []string, group string) {
	w.t.Helper()
	for i := range n {
		ids = append(ids, w.user(fmt.Sprintf("user%02d@example.com", i)))
	}
	group = w.group("ad-group-1", "a", 100, ids...)
	w.passed()
	want(w.t, "profiles", len(w.profiles()), n)
	return ids, group
}

func TestPassFindsWhatEventsLost(t *testing.T) {
	virtually(nil, func(t *testing.T, w *world) {
		ids, group := people(w, 4)
		joins := w.user("joins@example.com")
		w.join(group, joins)
		w.leave(group, ids[0])
		w.must(w.console().DisableUser(ids[1]))
		w.passed()
		want(t, "profiles", w.profiles(), []string{
			"joins@example.com a", "user00@example.com " + quarantined, "user01@example.com " + quarantined, "user02@example.com a", "user03@example.com a",
		})
		w.cloud.Advance(169 * time.Hour)
		w.passed()
		want(t, "profiles after grace", w.profiles(), []string{"joins@example.com a", "user02@example.com a", "user03@example.com a"})
	})(t)
}

// How it ended that somebody was assigned is not known, and the message that would try it again is lost.
func TestPassFindsASignInThatWasOnlyBegun(t *testing.T) {
	for _, mode := range []string{"group", "user"} {
		t.Run(mode, func(t *testing.T) {
			w := newWorld(t, nil)
			ids, group := people(w, 1)
			w.open(configured("signIn: none", "signIn: "+mode))
			p := map[string]reconcile.Principal{"group": {Group: true, ID: group}, "user": {ID: ids[0]}}[mode]
			_, err := w.keeper.Assignments.BeginAssignment(t.Context(), "research", p)
			w.must(err)
			w.passed()
			if _, err := w.cloud.SignIn(account, region, w.domain, ids[0]); err != nil {
				t.Errorf("they cannot sign in: %v", err)
			}
		})
	}
}

func TestPassWithoutChangesReadsListsOnly(t *testing.T) {
	virtually(nil, func(t *testing.T, w *world) {
		people(w, 12)
		w.passed() // the first after the changes describes what moved
		w.cloud.ResetCalls()
		want(t, "done", w.passed(), nil)
		counts := w.cloud.CallCounts()
		maps.DeleteFunc(counts, func(call string, _ int) bool {
			return strings.HasPrefix(call, "dynamodb.") || strings.HasPrefix(call, "sts.")
		})
		want(t, "calls", counts, map[string]int{
			"identitystore.ListUsers": 1, "identitystore.ListGroupMemberships": 1, "sagemaker.ListUserProfiles": 1, "tagging.GetResources": 1,
			"identitystore.GetGroupId": 1,
		})
	})(t)
}

func TestPassRepairsWhatSomebodyChangedByHand(t *testing.T) {
	w := newWorld(t, nil)
	ids, _ := people(w, 3)
	w.passed()
	w.cloud.Advance(time.Minute)
	profile := name(ids[1], "user01@example.com")
	_, err := sagemaker.NewFromConfig(w.aws).UpdateUserProfile(t.Context(), &sagemaker.UpdateUserProfileInput{
		DomainId: &w.domain, UserProfileName: &profile, UserSettings: &sagemakertypes.UserSettings{ExecutionRole: aws.String(roles + "admin")},
	})
	w.must(err)
	w.cloud.ResetCalls()
	w.handle(everybody)
	l, _, _ := w.queue.next()
	w.handle(l)
	want(t, "described", w.cloud.CallCounts()["sagemaker.DescribeUserProfile"], 1)
	w.settle()
	want(t, "profiles", w.profiles(), []string{"user00@example.com a", "user01@example.com a", "user02@example.com a"})
}

func TestDeepPassDescribesEverybody(t *testing.T) {
	w := newWorld(t, nil)
	people(w, 3)
	w.cloud.ResetCalls()
	deep := everybody
	deep.Deep = true
	w.handle(deep)
	w.settle()
	want(t, "described", w.cloud.CallCounts()["sagemaker.DescribeUserProfile"], 3)
}

func TestPassAdoptsAndReportsAsALookDoes(t *testing.T) {
	w := newWorld(t, nil)
	alice, bob := w.user("alice@example.com"), w.user("bob@example.com")
	w.user("carol@example.com")
	w.group("ad-group-1", "a", 100, alice, bob)
	w.makeProfile("alice-123", "alice@example.com", "", nil)
	w.makeProfile("bob-1", "bob@example.com", roles+"other", nil)
	w.makeProfile("carol-1", "carol@example.com", roles+"other", map[string]string{studio.TagDeployment: "test", studio.TagUserID: "u"})
	done := w.passed()
	want(t, "adopted", slices.Contains(done, "adopt"), true)
	want(t, "in conflict", slices.Contains(done, "conflict: has-role"), true)
	want(t, "profiles", w.profiles(), []string{"alice@example.com a", "bob@example.com other", "carol@example.com other"})
	want(t, "what stays in conflict is told once a day", slices.Contains(w.passed(), "conflict: has-role"), false)
	w.cloud.Advance(25 * time.Hour)
	want(t, "and the day after", slices.Contains(w.passed(), "conflict: has-role"), true)
}

// A profile whose tags are not listed yet is asked for its tags.
func TestPassDoesNotRestOnListedTags(t *testing.T) {
	w := newWorld(t, nil)
	w.cloud.TagLag = 24 * time.Hour
	people(w, 3)
	want(t, "done", w.passed(), nil)
}

func TestPassThatExceedsTheLimitHoldsAll(t *testing.T) {
	virtually(nil, func(t *testing.T, w *world) {
		ids, group := people(w, 20)
		for _, id := range ids[:10] {
			w.leave(group, id)
		}
		joins := w.user("joins@example.com")
		w.join(group, joins)
		w.passed()
		want(t, "profiles", len(w.profiles()), 21)
		for _, p := range w.profiles() {
			if strings.Contains(p, quarantined) {
				t.Errorf("%s lost the role", p)
			}
		}
		held, err := w.keeper.Removals.Removals(t.Context(), "research")
		w.must(err)
		want(t, "held", len(held), 10)
	})(t)
}

func TestIncompleteReadsOfAPassRemoveNobody(t *testing.T) {
	for what, fault := range map[string]localcloud.Fault{
		"users":           {Service: "identitystore", Operation: "ListUsers", Code: "InternalServerException", Status: 500},
		"memberships":     {Service: "identitystore", Operation: "ListGroupMemberships", Code: "AccessDeniedException"},
		"profiles":        {Service: "sagemaker", Operation: "ListUserProfiles", Code: "AccessDeniedException"},
		"tags":            {Service: "tagging", Operation: "GetResources", Code: "AccessDeniedException"},
		"a cut answer":    {Service: "identitystore", Operation: "ListUsers", Truncate: true},
		"the state table": {Service: "dynamodb", Operation: "Query", Code: "AccessDeniedException", Status: 400},
	} {
		t.Run(what, func(t *testing.T) {
			t.Setenv("AWS_MAX_ATTEMPTS", "2")
			w := newWorld(t, nil)
			ids, group := people(w, 3)
			w.leave(group, ids[0])
			w.cloud.Inject(fault)
			w.handle(everybody)
			failed := false
			for {
				l, due, ok := w.queue.next()
				if !ok {
					break
				}
				w.cloud.Advance(max(0, due.Sub(w.cloud.Now())))
				_, err := w.try(l)
				failed = failed || err != nil
			}
			want(t, "told of", failed, true)
			w.cloud.ClearFaults()
			want(t, "profiles", w.profiles(), []string{"user00@example.com a", "user01@example.com a", "user02@example.com a"})
		})
	}
}

func TestStoreThatListsNobodyIsNotBelieved(t *testing.T) {
	w := newWorld(t, nil)
	ids, _ := people(w, 3)
	for _, id := range ids {
		w.must(w.console().DeleteUser(id))
	}
	w.handle(everybody)
	l, _, _ := w.queue.next()
	if _, err := w.try(l); err == nil || !strings.Contains(err.Error(), "lists no users") {
		t.Errorf("got %v", err)
	}
	w.settle()
	want(t, "profiles", w.profiles(), []string{"user00@example.com a", "user01@example.com a", "user02@example.com a"})
}

func TestAnotherIdentityStoreIsRecognised(t *testing.T) {
	w := newWorld(t, nil)
	people(w, 3)
	w.must(w.cloud.CreateIdentityStore("444455556666", region, "d-1111111111"))
	w.open(strings.NewReplacer("d-906716eb24", "d-1111111111").Replace)
	w.handle(everybody)
	l, _, _ := w.queue.next()
	_, err := w.try(l)
	if err == nil || !strings.Contains(err.Error(), "identity store") {
		t.Errorf("got %v", err)
	}
	want(t, "profiles", w.profiles(), []string{"user00@example.com a", "user01@example.com a", "user02@example.com a"})
}

func TestRenamedDeploymentIsRecognised(t *testing.T) {
	w := newWorld(t, nil)
	people(w, 3)
	w.open(strings.NewReplacer("deployment: prod", "deployment: production").Replace)
	w.handle(everybody)
	l, _, _ := w.queue.next()
	_, err := w.try(l)
	if err == nil || !strings.Contains(err.Error(), `"prod"`) || !strings.Contains(err.Error(), "formerly") {
		t.Errorf("got %v", err)
	}
	w.open(strings.NewReplacer("deployment: prod", "deployment: production", "formerly: [pilot]", "formerly: [prod]").Replace)
	w.passed()
	want(t, "tag", w.tags("user00@example.com")[studio.TagDeployment], "production")
}

func TestDomainThatIsNoMoreConfiguredIsReported(t *testing.T) {
	w := withDomains(t, 2, nil)
	people(w, 2)
	records, err := w.keeper.Register.Registered(t.Context())
	w.must(err)
	want(t, "known", len(records), 2)
	w.open(strings.NewReplacer("name: research", "name: other").Replace)
	left, err := w.keeper.Unconfigured(t.Context(), records)
	w.must(err)
	want(t, "left", len(left), 2)
	for _, d := range left {
		want(t, "managed in "+d.Name, d.Profiles, map[string]int{"research": 2, "d1": 0}[d.Name])
	}
}

func TestBurstOfEventsCostsTwoLooks(t *testing.T) {
	for what, look := range map[string]func(user, group string) event.Look{
		"on a user":  func(user, group string) event.Look { return added(user, group) },
		"on a group": func(_, group string) event.Look { return event.Look{Scope: event.Group, GroupID: group} },
	} {
		t.Run(what, func(t *testing.T) {
			w := newWorld(t, nil)
			w.keeper.Coalesce = true
			ids, group := people(w, 1)
			w.cloud.Advance(2 * time.Minute)
			looks := func() int {
				c := w.cloud.CallCounts()
				return c["identitystore.IsMemberInGroups"] + c["identitystore.ListGroupMemberships"]
			}
			w.cloud.ResetCalls()
			for range 50 { // within the minute, as the clock hardly moves
				w.handle(look(ids[0], group))
				w.within(time.Second)
			}
			w.within(5 * time.Second)
			if n := looks(); n > 2 {
				t.Errorf("%d looks within the minute", n)
			}
			w.within(2 * time.Minute)
			if n := looks(); n > 3 {
				t.Errorf("%d looks in all", n)
			}
		})
	}
}

func TestSurveyOfWhatIsRightPlansNothing(t *testing.T) {
	w := newWorld(t, nil)
	people(w, 3)
	s, err := w.keeper.Survey(t.Context(), reconcile.Extent{})
	w.must(err)
	want(t, "planned", s.World.Plan(), nil)
}

// A profile that cannot be described is named, and does not make the pass go
// round for ever.
func TestProfileThatCannotBeDescribedIsNoReasonToPassAgain(t *testing.T) {
	t.Setenv("AWS_MAX_ATTEMPTS", "1")
	w := newWorld(t, nil)
	people(w, 2)
	w.user("other@example.com")
	w.makeProfile("odd-1", "other@example.com", roles+"x", nil)
	w.cloud.Inject(localcloud.Fault{Service: "sagemaker", Operation: "DescribeUserProfile", Resource: "odd-1", Code: "AccessDeniedException"})
	w.handle(everybody)
	l, _, _ := w.queue.next()
	_, err := w.try(l)
	if err == nil || !strings.Contains(err.Error(), "odd-1") {
		t.Errorf("got %v", err)
	}
	for {
		l, _, ok := w.queue.next()
		if !ok {
			break
		}
		if l.Scope == event.Everybody {
			t.Fatal("another pass is planned at once")
		}
	}
}

func TestLargePassIsSplitByDomain(t *testing.T) {
	w := withDomains(t, 2, nil)
	ids, _ := people(w, 3)
	w.must(w.keeper.Register.Register(t.Context(), reconcile.DomainRecord{
		Name: "d1", ID: w.keeper.Targets[1].Domain.ID, StoreID: store, Deployment: "prod", Profiles: 200_001,
	}))
	w.must(w.console().DisableUser(ids[0]))
	w.handle(everybody)
	l, _, _ := w.queue.next()
	w.handle(l)
	var domains []string
	for _, one := range w.queue.looks {
		domains = append(domains, string(one.look.Scope)+" "+one.look.Domain)
	}
	slices.Sort(domains)
	want(t, "planned", domains, []string{"everybody d1", "everybody research"})
	w.settle()
	want(t, "profiles", w.profiles(), []string{"user00@example.com " + quarantined, "user01@example.com a", "user02@example.com a"})
}

// Where it cannot be found out whether a pass exceeds the limit, nobody is let go.
func TestPassThatCannotAskTheLimitLetsNobodyGo(t *testing.T) {
	t.Setenv("AWS_MAX_ATTEMPTS", "1")
	w := newWorld(t, nil)
	ids, group := people(w, 3)
	w.passed()
	joins := w.user("joins@example.com")
	w.join(group, joins)
	w.leave(group, ids[0])
	w.handle(everybody)
	l, _, _ := w.queue.next()
	w.cloud.Inject(localcloud.Fault{Service: "dynamodb", Operation: "Query", Resource: "removal#research", Code: "AccessDeniedException"})
	if _, err := w.try(l); err == nil {
		t.Error("nobody was told")
	}
	w.cloud.ClearFaults()
	w.settle()
	want(t, "profiles", w.profiles(), []string{"joins@example.com a", "user00@example.com a", "user01@example.com a", "user02@example.com a"})
	w.passed()
	want(t, "and later", w.profiles()[1], "user00@example.com "+quarantined)
}

func TestReportIsNotTakenForToldWhenNobodyWasHandedOn(t *testing.T) {
	w := newWorld(t, nil)
	bob := w.user("bob@example.com")
	w.group("ad-group-1", "a", 100, bob)
	w.makeProfile("bob-1", "bob@example.com", roles+"other", nil)
	w.handle(everybody)
	l, _, _ := w.queue.next()
	send := w.keeper.Pass
	w.keeper.Pass = broken{}
	if _, err := w.try(l); err == nil {
		t.Error("nobody was told")
	}
	w.keeper.Pass = send
	want(t, "in conflict", slices.Contains(w.passed(), "conflict: has-role"), true)
}

// broken is a queue that takes nothing.
type broken struct{}

// Send implements reconcile.Queue.
func (broken) Send(context.Context, event.Look, time.Duration) error {
	return errors.New("the queue takes nothing")
}

// A pass in a function with a timeout of a minute has no time to describe
// anything: it says so, rather than asking for another one like it for ever.
func TestPassWithoutTheTimeForItIsAnErrorAndNotRepeated(t *testing.T) {
	w := newWorld(t, nil)
	w.group("ad-group-1", "a", 100, w.user("alice@example.com"))
	w.handle(everybody)
	l, _, _ := w.queue.next()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	if _, err := w.keeper.Handle(ctx, l); err == nil || !strings.Contains(err.Error(), "timeout of 15 minutes") {
		t.Errorf("got %v; want what the pass lacks", err)
	}
	want(t, "looks asked for", w.queue.len(), 0)
}
