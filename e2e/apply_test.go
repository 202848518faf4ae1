package e2e

import (
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sagemaker"
)

// TestPlanWritesNothing makes every plan there is, of a domain with people who
// join, who leave and who are in order, and looks at every call that was made.
func TestPlanWritesNothing(t *testing.T) {
	t.Parallel()
	o := newOffice(t, 6, "enforce")
	for _, mode := range []string{"enforce", "observe"} {
		o.configure(mode)
		o.cloud.ResetCalls()
		o.run(2, "plan", "--detailed-exitcode")
		o.run(0, "plan", "--deep")
		o.run(0, "plan", "--user", "p001@example.com")
		o.run(0, "plan", "-o", "json", "--out", "saved.json")
		if w := o.writes(); len(w) > 0 {
			t.Errorf("plan in mode %s: %q", mode, w)
		}
		if o.cloud.CallCounts()["sagemaker.ListUserProfiles"] == 0 {
			t.Error("nothing was read either")
		}
		if mode == "enforce" {
			o.run(0, "apply", "--yes")
			o.leave(o.people[:2]...)
		}
	}
}

// TestNothingIsWrittenBeforeTheAnswer: before the question nothing is written
// but what was described, also where the plan can only put somebody up for a
// decision; without a terminal to ask on there is no answer.
func TestNothingIsWrittenBeforeTheAnswer(t *testing.T) {
	t.Parallel()
	o := newOffice(t, 4, "enforce")
	o.run(0, "apply", "--yes")
	o.leave(o.people...) // more than may go
	o.cloud.ResetCalls()
	r := o.run(4, "apply")
	if !strings.Contains(r.err, "no terminal to ask on") || !strings.Contains(r.out, "Plan: 4 held.") {
		t.Errorf("%+v", r)
	}
	if w := o.writes(); !slices.Equal(w, []string{"1 dynamodb.BatchWriteItem"}) { // the descriptions
		t.Errorf("%q", w)
	}
}

// TestObserveOnlyObserves: everything is read, planned, journalled and noticed
// once a day; Studio and Identity Center see no write.
func TestObserveOnlyObserves(t *testing.T) {
	t.Parallel()
	o := newOffice(t, 3, "observe")
	o.cloud.ResetCalls()
	for range 2 { // the second time too, though it is not told again
		r := o.run(0, "apply", "--yes")
		if !strings.Contains(r.out, "Applied: 4 observed.") || !strings.Contains(r.out, "mode observe: nothing is written") {
			t.Errorf("%+v", r)
		}
	}
	if w := o.writes("dynamodb", "events"); len(w) > 0 {
		t.Errorf("%q", w)
	}
	if n := o.cloud.CallCounts()["events.PutEvents"]; n == 0 || n > 3 {
		t.Errorf("%d notices of 3 people within a day", n)
	}
}

// TestApplyBeginsWithEverybody: no time to wait is no reason to leave anybody
// out, and what an earlier run left under way is waited for.
func TestApplyBeginsWithEverybody(t *testing.T) {
	t.Parallel()
	o := newOffice(t, 3, "enforce")
	if r := o.run(0, "apply", "--yes", "--wait", "0s"); !strings.Contains(r.out, "the profile is Pending") || strings.Contains(r.out, "not begun") {
		t.Errorf("%s", r.out)
	}
	if r := o.run(0, "apply", "--yes", "--wait", "40s"); !strings.Contains(r.out, " done.") || strings.Contains(r.out, "pending") {
		t.Errorf("%s", r.out)
	}
	o.allReady()
}

// TestApplyKeepsToItsPlan: of a group whose people are waited for, only those in
// the plan are given a profile.
func TestApplyKeepsToItsPlan(t *testing.T) {
	t.Parallel()
	o := newOffice(t, 3, "enforce")
	o.run(0, "apply", "--yes", "--user", "p001@example.com")
	if found := o.profiles(); len(found) != 1 || len(found["p001@example.com"]) != 1 {
		t.Errorf("there are %d profiles", len(found))
	}
}

// TestSavedPlanIsNotBentAfterItBegan: what a plan began with may go on to what it
// showed, and to nothing else.
func TestSavedPlanIsNotBentAfterItBegan(t *testing.T) {
	t.Parallel()
	o := newOffice(t, 2, "enforce")
	o.run(0, "plan", "--out", "plan.json")
	o.run(0, "apply", "--yes", "--wait", "0s", "plan.json")
	o.leave(o.people[0])
	o.cloud.Advance(time.Minute)
	o.cloud.ResetCalls()
	r := o.run(1, "apply", "--yes", "plan.json")
	if !strings.Contains(r.err, "p000@example.com in research") {
		t.Errorf("%+v", r)
	}
	if o.cloud.CallCounts()["sagemaker.UpdateUserProfile"]+o.cloud.CallCounts()["sagemaker.AddTags"] > 0 {
		t.Error("something was changed all the same")
	}
}

// TestDeepPlanIsApplied: what only a deep plan finds, a change by hand that the
// list of profiles does not show, is found again when the plan is applied.
func TestDeepPlanIsApplied(t *testing.T) {
	t.Parallel()
	o := newOffice(t, 1, "enforce")
	o.run(0, "apply", "--yes")
	o.run(0, "apply", "--yes") // remembers what it described
	o.run(0, "plan", "--deep", "--out", "plan.json")
	if r := o.run(0, "apply", "--yes", "plan.json"); !strings.Contains(r.out, "nothing to change") {
		t.Errorf("%s", r.out)
	}
	n := o.cloud.CallCounts()["sagemaker.DescribeUserProfile"]
	o.run(0, "apply", "--yes", "plan.json")
	if o.cloud.CallCounts()["sagemaker.DescribeUserProfile"] == n {
		t.Error("nothing was described for a plan that had described everything")
	}
}

// TestForetoldSignInIsHeld: the members of a group that lost its row count, and
// plan says so before apply holds it.
func TestForetoldSignInIsHeld(t *testing.T) {
	t.Parallel()
	o := newOffice(t, 2, "enforce")
	o.run(0, "apply", "--yes")
	o.unmap()
	r := o.run(3, "plan", "--detailed-exitcode")
	if !strings.Contains(r.out, "held     its 2 members count as removals, and 0 more may go") || !strings.Contains(r.out, "1 held") {
		t.Errorf("%s", r.out)
	}
	if r := o.run(3, "apply", "--yes"); !strings.Contains(r.out, "held     group "+o.group) || !strings.Contains(r.out, "2 done, 1 held") {
		t.Errorf("%s", r.out)
	}
}

// many are so many that apply reads them together and has begun with some, and
// done with none, for seconds.
const many = 30

// A killed apply, as on a machine that goes down, goes on with its saved plan, or
// with a new one.
func TestKilledApplyGoesOnByItsPlan(t *testing.T) {
	killedApplyGoesOn(t, "apply", "--yes", "plan.json")
}

func TestKilledApplyGoesOnByANewPlan(t *testing.T) {
	killedApplyGoesOn(t, "apply", "--yes")
}

func killedApplyGoesOn(t *testing.T, again ...string) {
	t.Parallel()
	o := newOffice(t, many, "enforce")
	o.run(0, "plan", "--out", "plan.json")
	o.cutOff(syscall.SIGKILL, many/3, "apply", "--yes", "plan.json")
	if n := len(o.profiles()); n == 0 || n == many {
		t.Fatalf("it was killed too early or too late: %d profiles", n)
	}
	o.cloud.Advance(2 * time.Minute) // the leases of the dead run expire
	if r := o.run(0, again...); !strings.Contains(r.out, " done.") {
		t.Errorf("%s", r.out)
	}
	o.allReady()
	if r := o.run(0, "plan", "--deep", "--detailed-exitcode"); !strings.Contains(r.out, "nothing to change") {
		t.Errorf("something is left:\n%s", r.out)
	}
}

// TestInterruptedApplySaysHowToGoOn presses ctrl-C.
func TestInterruptedApplySaysHowToGoOn(t *testing.T) {
	t.Parallel()
	o := newOffice(t, many, "enforce")
	r, took := o.cutOff(syscall.SIGINT, many/3, "apply", "--yes")
	if took > 5*time.Second {
		t.Errorf("it took %v to end", took)
	}
	if r.code != 1 && r.code != 5 || !strings.Contains(r.err, "Run the same command again to go on") || strings.Contains(r.err+r.out, "context canceled") {
		t.Errorf("%+v", r)
	}
	if r := o.run(0, "apply", "--yes"); !strings.Contains(r.out, " done.") {
		t.Errorf("%s", r.out)
	}
	o.allReady()
}

// TestUnreadableDomainIsNoSuccess: a domain that cannot be described fails apply.
func TestUnreadableDomainIsNoSuccess(t *testing.T) {
	t.Parallel()
	o := newOffice(t, 1, "enforce")
	api := sagemaker.NewFromConfig(o.aws)
	_, err := api.DeleteDomain(t.Context(), &sagemaker.DeleteDomainInput{DomainId: aws.String(o.domain)})
	o.must(err)
	o.cloud.Advance(time.Minute)
	if r := o.run(1, "apply", "--yes"); !strings.Contains(r.err, "domain research") {
		t.Errorf("%+v", r)
	}
}
