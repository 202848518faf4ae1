package reconcile_test

import (
	"bytes"
	"context"
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/sagemaker"
	sagemakertypes "github.com/aws/aws-sdk-go-v2/service/sagemaker/types"

	"studiokeeper/internal/app"
	"studiokeeper/internal/event"
	"studiokeeper/internal/localcloud"
	"studiokeeper/internal/localcloud/studioapi"
	"studiokeeper/internal/plan"
	"studiokeeper/internal/reconcile"
	"studiokeeper/internal/studio"
)

// outOfGrace lets somebody leave, and their grace period pass.
func (w *world) outOfGrace(user, group string) {
	w.t.Helper()
	w.leave(group, user)
	w.handle(looked(user))
	w.settle()
	w.cloud.Advance(169 * time.Hour)
}

// alarms looks at a user once, and answers what the look ends in.
func (w *world) alarms(l event.Look) []string {
	results, _ := w.keeper.Handle(context.Background(), l)
	var codes []string
	for _, r := range results {
		for _, a := range r.Alarms {
			codes = append(codes, a.Code)
		}
	}
	return codes
}

// next makes looks until one that is due ends in an alarm, or none is due.
func (w *world) nextAlarm() []string {
	for {
		l, due, ok := w.queue.next()
		if !ok {
			return nil
		}
		w.cloud.Advance(max(0, due.Sub(w.cloud.Now())))
		if codes := w.alarms(l); codes != nil {
			return codes
		}
	}
}

// told counts the journal's entries of a kind and outcome, and answers the error
// that the last of them tells.
func (w *world) told(user, kindAndOutcome string) (n int, text string) {
	w.t.Helper()
	for _, e := range w.entries(user) {
		if string(e.Change.Kind)+" "+string(e.Outcome) == kindAndOutcome {
			n, text = n+1, e.Error
		}
	}
	return n, text
}

func TestDeletionThatSageMakerFailsIsTriedEverMoreSlowlyAndToldOnceADay(t *testing.T) {
	virtually(nil, func(t *testing.T, w *world) {
		alice, group := member(w, "alice@example.com")
		w.outOfGrace(alice, group)
		w.cloud.Inject(localcloud.Fault{Operation: "DeleteUserProfile", FailureReason: "the file system is busy"})
		want(t, "the first look", w.alarms(looked(alice)), nil)
		want(t, "a later look", w.nextAlarm(), []string{reconcile.AlarmDelete})
		w.cloud.ResetCalls()
		if looks := w.within(22 * time.Hour); looks < 80 || looks > 100 {
			t.Errorf("%d looks in 22 hours", looks)
		}
		if tried := w.cloud.CallCounts()["sagemaker.DeleteUserProfile"]; tried < 80 {
			t.Errorf("it was tried %d times", tried)
		}
		want(t, "a look of another cause", w.alarms(looked(alice)), []string{reconcile.AlarmDelete})
		n, text := w.told(alice, "delete failed")
		want(t, "told", n, 1)
		want(t, "what was told", text, "SageMaker ended in Delete_Failed: the file system is busy")
		begun, _ := w.told(alice, "delete begun")
		want(t, "announced, with and without the reason", begun, 2)
		w.within(22 * time.Hour)
		n, _ = w.told(alice, "delete failed")
		want(t, "told the next day", n, 2)

		w.cloud.ClearFaults()
		w.within(time.Hour)
		want(t, "profiles", w.profiles(), nil)
		want(t, "alarms", w.alarms(looked(alice)), nil)
	})(t)
}

func TestDeletionThatFailsOnceIsNoAlarm(t *testing.T) {
	virtually(nil, func(t *testing.T, w *world) {
		alice, group := member(w, "alice@example.com")
		w.outOfGrace(alice, group)
		w.cloud.Inject(localcloud.Fault{Operation: "DeleteUserProfile", FailureReason: "busy", Times: 1})
		want(t, "the first look", w.alarms(looked(alice)), nil)
		want(t, "all later ones", w.nextAlarm(), nil)
		want(t, "profiles", w.profiles(), nil)
		n, _ := w.told(alice, "delete failed")
		want(t, "told", n, 0)
	})(t)
}

func TestDeletionThatIsRefusedIsTriedAgainAndToldOnceADay(t *testing.T) {
	for what, fault := range map[string]localcloud.Fault{
		"the profile": {Service: "sagemaker", Operation: "DeleteUserProfile", Code: "AccessDeniedException"},
		"a space":     {Service: "sagemaker", Operation: "DeleteSpace", Code: "AccessDeniedException"},
		"the listing": {Service: "sagemaker", Operation: "ListSpaces", Code: "AccessDeniedException"},
	} {
		t.Run(what, virtually(nil, func(t *testing.T, w *world) {
			alice, group := member(w, "alice@example.com")
			w.space("alice-space", name(alice, "alice@example.com"), false)
			w.outOfGrace(alice, group)
			w.cloud.Inject(fault)
			codes := w.alarms(looked(alice))
			if codes == nil {
				codes = w.nextAlarm()
			}
			want(t, "alarms", codes, []string{reconcile.AlarmDelete})
			w.within(12 * time.Hour)
			n, text := w.told(alice, "delete failed")
			want(t, "told", n, 1)
			if !strings.Contains(text, fault.Operation) {
				t.Errorf("told was %q", text)
			}
			w.cloud.ClearFaults()
			w.within(time.Hour)
			want(t, "profiles", w.profiles(), nil)
		}))
	}
}

func TestSpaceThatCannotBeDeletedYetIsLeftForLater(t *testing.T) {
	for what, status := range map[string]sagemakertypes.SpaceStatus{"pending": sagemakertypes.SpaceStatusPending, "failed to be deleted": sagemakertypes.SpaceStatusDeleteFailed} {
		t.Run(what, virtually(nil, func(t *testing.T, w *world) {
			alice, group := member(w, "alice@example.com")
			w.space("stuck", name(alice, "alice@example.com"), false)
			w.space("other", name(alice, "alice@example.com"), false)
			w.outOfGrace(alice, group)
			w.must(w.cloud.SetSpaceStatus(account, region, w.domain, "stuck", studioapi.SpaceStatus(status), "no reason"))
			if status == sagemakertypes.SpaceStatusDeleteFailed {
				w.cloud.Inject(localcloud.Fault{Operation: "DeleteSpace", Resource: "stuck", FailureReason: "no reason"})
			}
			w.handle(looked(alice))
			alarmed := false
			for until := w.cloud.Now().Add(time.Hour); w.cloud.Now().Before(until); {
				l, due, ok := w.queue.next()
				if !ok {
					t.Fatal("nobody looks again")
				}
				w.cloud.Advance(max(0, due.Sub(w.cloud.Now())))
				alarmed = len(w.alarms(l)) > 0 || alarmed
			}
			want(t, "spaces", w.spaces(), 1)
			want(t, "alarms", alarmed, status == sagemakertypes.SpaceStatusDeleteFailed)
			w.cloud.ClearFaults()
			w.must(w.cloud.SetSpaceStatus(account, region, w.domain, "stuck", studioapi.SpaceStatusInService, ""))
			w.within(time.Hour)
			want(t, "profiles", w.profiles(), nil)
		}))
	}
}

func TestQuarantineRoleThatCannotBePutIsAnAlarm(t *testing.T) {
	for what, fault := range map[string]localcloud.Fault{
		"refused": {Service: "sagemaker", Operation: "UpdateUserProfile", Code: "AccessDeniedException"},
		"failed":  {Operation: "UpdateUserProfile", FailureReason: "the role cannot be assumed"},
	} {
		t.Run(what, virtually(nil, func(t *testing.T, w *world) {
			alice, group := member(w, "alice@example.com")
			w.cloud.Inject(fault)
			w.leave(group, alice)
			codes := w.alarms(looked(alice))
			if codes == nil {
				codes = w.nextAlarm()
			}
			want(t, "alarms", codes, []string{reconcile.AlarmQuarantine})
			w.cloud.ClearFaults()
			w.within(time.Hour)
			want(t, "profiles", w.profiles(), []string{"alice@example.com " + quarantined})
			want(t, "alarms at the end", w.alarms(looked(alice)), nil)
		}))
	}
}

// Whoever takes the tags from a profile has it left alone; where its person is
// not entitled, somebody is told.
func TestTagsRemovedByHandAreAnAlarmOfThoseWhoAreNotEntitled(t *testing.T) {
	w := newWorld(t, nil)
	alice, group := member(w, "alice@example.com")
	arn := w.described()[0].UserProfileArn
	_, err := sagemaker.NewFromConfig(w.aws).DeleteTags(t.Context(), &sagemaker.DeleteTagsInput{ResourceArn: arn, TagKeys: []string{studio.TagDeployment}})
	w.must(err)
	w.leave(group, alice)
	w.cloud.ResetCalls()
	want(t, "alarms", w.alarms(looked(alice)), []string{reconcile.AlarmTags})
	want(t, "writes", w.writes(), 0)
	want(t, "alarms of the next look", w.alarms(looked(alice)), []string{reconcile.AlarmTags})
	n, _ := w.told(alice, "conflict refused")
	want(t, "told", n, 1)
}

// Before anything is deleted, the journal holds what nothing tells afterwards.
func TestJournalHoldsWhatIsDeletedBeforeItIs(t *testing.T) {
	w := newWorld(t, nil)
	alice, group := member(w, "alice@example.com")
	for _, space := range []string{"first", "second"} {
		w.space(space, name(alice, "alice@example.com"), false)
	}
	facts, err := sagemaker.NewFromConfig(w.aws).DescribeDomain(t.Context(), &sagemaker.DescribeDomainInput{DomainId: &w.domain})
	w.must(err)
	uid := *w.described()[0].HomeEfsFileSystemUid
	w.outOfGrace(alice, group)
	// The run is cut off at the first deletion.
	w.cloud.Inject(localcloud.Fault{Operation: "DeleteSpace", Code: "AccessDeniedException"})
	_, _ = w.try(looked(alice))
	want(t, "spaces", w.spaces(), 2)
	var told []string
	for _, e := range w.entries(alice) {
		if e.Change.Kind == plan.Delete && e.Outcome == plan.Begun {
			for _, r := range e.Change.Reasons {
				told = append(told, r.Code+": "+r.Text)
			}
		}
	}
	for _, line := range []string{
		"home: the files stay on file system " + *facts.HomeEfsFileSystemId + " under uid " + uid,
		"space: space first is deleted with its volume", "space: space second is deleted with its volume",
	} {
		if !slices.Contains(told, line) {
			t.Errorf("the journal has no %q among\n%s", line, strings.Join(told, "\n"))
		}
	}
}

// The function's own handler on the local cloud: what alarms is in the metrics of
// every invocation, and nothing in them is personal.
func TestMetricsOfTheFunction(t *testing.T) {
	w := newWorld(t, nil)
	alice, group := member(w, "alice@example.com")
	w.outOfGrace(alice, group)
	var out bytes.Buffer
	o := w.options()
	o.Metrics, o.Now = &out, w.cloud.Now
	f := app.Function(o)
	invoke := func(body string) map[string]any {
		t.Helper()
		out.Reset()
		text, err := json.Marshal(map[string]any{"Records": []map[string]any{{"messageId": "m-1", "eventSource": "aws:sqs", "body": body}}})
		w.must(err)
		_, err = f.Invoke(t.Context(), text)
		w.must(err)
		if strings.Contains(out.String(), alice) || strings.Contains(out.String(), "alice") {
			t.Errorf("personal: %s", out.String())
		}
		var line map[string]any
		if err := json.Unmarshal(out.Bytes(), &line); err != nil {
			t.Fatalf("%v: %s", err, out.String())
		}
		return line
	}
	w.cloud.Inject(localcloud.Fault{Service: "sagemaker", Operation: "DeleteUserProfile", Code: "AccessDeniedException"})
	failed := invoke(string(looked(alice).Message()))
	for name, value := range map[string]any{"deployment": "prod", "domain": "research", "DeletionsFailed": 1.0, "Errors": 1.0, "TagsRemoved": 0.0} {
		want(t, name, failed[name], value)
	}
	broken := invoke("{")
	want(t, "a message that nobody understands", broken["Errors"], any(1.0))
	want(t, "its domain", broken["domain"], nil)
	w.cloud.ClearFaults()
	w.within(time.Hour)
	w.join(group, alice)
	joined := invoke(string(added(alice, group).Message()))
	for name, value := range map[string]any{"ChangesCreate": 1.0, "UsersReady": 1.0, "DeletionsFailed": 0.0, "Errors": 0.0} {
		want(t, name, joined[name], value)
	}
}
