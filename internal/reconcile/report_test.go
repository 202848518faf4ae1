package reconcile_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sagemaker"

	"studiokeeper/internal/localcloud"
	"studiokeeper/internal/plan"
	"studiokeeper/internal/reconcile"
	"studiokeeper/internal/studio"
)

func (w *world) report(only plan.AccessFilter) plan.AccessReport {
	w.t.Helper()
	r, err := w.keeper.Report(w.t.Context(), reconcile.Inquiry{Only: only})
	w.must(err)
	return r
}

// lines are a report in short: who, standing, role now.
func lines(r plan.AccessReport) []string {
	var out []string
	for _, a := range r.Access {
		out = append(out, strings.Join([]string{a.Label(), string(a.Standing), strings.TrimPrefix(a.Role, roles)}, " "))
	}
	return out
}

func problems(r plan.AccessReport) []string {
	var out []string
	for _, p := range r.Problems {
		out = append(out, string(p.Severity)+" "+p.Code)
	}
	return out
}

func (w *world) removeTags(userName string) {
	w.t.Helper()
	for _, p := range w.described() {
		if *p.SingleSignOnUserValue == userName {
			_, err := sagemaker.NewFromConfig(w.aws).DeleteTags(w.t.Context(), &sagemaker.DeleteTagsInput{
				ResourceArn: p.UserProfileArn, TagKeys: []string{studio.TagDeployment, studio.TagUserID, studio.TagGroup, studio.TagApplied},
			})
			w.must(err)
		}
	}
}

func TestReportTellsWhoCanDoWhat(t *testing.T) {
	virtually(nil, func(t *testing.T, w *world) {
		ids, group := people(w, 5)
		since := w.cloud.Now()
		w.cloud.Advance(time.Hour)
		w.user("hand@example.com")
		w.user("test@example.com")
		w.makeProfile("hand-1", "hand@example.com", roles+"hand", nil)
		w.makeProfile("test-1", "test@example.com", roles+"x", map[string]string{studio.TagDeployment: "test", studio.TagUserID: "u-1"})
		w.leave(group, ids[0])
		w.passed()
		w.leave(group, ids[1])
		w.must(w.keeper.Removals.Decide(t.Context(), reconcile.Removal{
			Key: reconcile.Key{Domain: "research", UserID: ids[1]}, Decision: reconcile.Held, Reason: "over the limit", At: w.cloud.Now(),
		}))
		w.leave(group, ids[2])
		w.removeTags("user02@example.com")
		w.cloud.ResetCalls()
		r := w.report(plan.AccessFilter{})
		want(t, "access", lines(r), []string{
			"hand@example.com unmanaged hand", "test@example.com foreign x", "user00@example.com leaving " + quarantined,
			"user01@example.com held a", "user02@example.com conflict a", "user03@example.com entitled a", "user04@example.com entitled a",
		})
		want(t, "problems", problems(r), []string{"decide tags-removed", "note foreign", "note held", "note unmanaged"})
		want(t, "complete", r.Complete, true)
		want(t, "by", strings.HasPrefix(r.By, "arn:aws:iam::111122223333:"), true)
		a := r.Access[5]
		want(t, "group", a.Group+" "+a.GroupID, "ad-group-1 "+group)
		want(t, "row", strings.Contains(a.Row, "mapping"), true)
		if a.Since.IsZero() || a.Since.After(since) || a.Verified.IsZero() || a.Verified.After(r.Made) {
			t.Errorf("since %v, verified %v, made %v", a.Since, a.Verified, r.Made)
		}
		for call := range w.cloud.CallCounts() {
			_, operation, _ := strings.Cut(call, ".")
			if !strings.HasPrefix(operation, "List") && !strings.HasPrefix(operation, "Describe") && !strings.HasPrefix(operation, "Get") && operation != "Query" && operation != "Scan" {
				t.Errorf("a report makes the call %s", call)
			}
		}
	})(t)
}

func TestReportNamesADomainThatFails(t *testing.T) {
	w := withDomains(t, 2, nil)
	people(w, 2)
	_, err := sagemaker.NewFromConfig(w.aws).DeleteDomain(t.Context(), &sagemaker.DeleteDomainInput{DomainId: aws.String(w.keeper.Targets[1].Domain.ID)})
	w.must(err)
	w.cloud.Advance(time.Minute)
	w.open(func(s string) string {
		return strings.Replace(s, "mapping:\n", "  - {name: d1, id: "+w.keeper.Targets[1].Domain.ID+", region: us-east-1, account: \"111122223333\", signIn: none}\nmapping:\n", 1)
	})
	r := w.report(plan.AccessFilter{})
	want(t, "access", lines(r), []string{"user00@example.com entitled a", "user01@example.com entitled a"})
	want(t, "problems", problems(r), []string{"unread domain-unread"})
	want(t, "complete", r.Complete, false)
	want(t, "domains", len(r.Domains), 2)
	_, err = w.keeper.Report(t.Context(), reconcile.Inquiry{Only: plan.AccessFilter{Domain: "d1"}})
	if err == nil || !strings.Contains(err.Error(), "domain d1") {
		t.Errorf("nothing could be read, and the error is %v", err)
	}
}

func TestReportDoesNotPassOverAnIncompleteRead(t *testing.T) {
	for what, c := range map[string]struct {
		fault localcloud.Fault
		want  string
	}{
		"one group":       {localcloud.Fault{Service: "identitystore", Operation: "ListGroupMemberships", Code: "AccessDeniedException"}, "unreadable"},
		"one profile":     {localcloud.Fault{Service: "sagemaker", Operation: "DescribeUserProfile", Code: "AccessDeniedException"}, "unreadable"},
		"users":           {localcloud.Fault{Service: "identitystore", Operation: "ListUsers", Code: "AccessDeniedException"}, "error"},
		"profiles":        {localcloud.Fault{Service: "sagemaker", Operation: "ListUserProfiles", Code: "AccessDeniedException"}, "error"},
		"the state table": {localcloud.Fault{Service: "dynamodb", Operation: "Query", Code: "AccessDeniedException", Status: 400}, "error"},
	} {
		t.Run(what, func(t *testing.T) {
			t.Setenv("AWS_MAX_ATTEMPTS", "2")
			w := newWorld(t, nil)
			people(w, 1)
			w.cloud.Inject(c.fault)
			r, err := w.keeper.Report(t.Context(), reconcile.Inquiry{Deep: true})
			switch {
			case c.want == "error" && err == nil:
				t.Errorf("told of nothing: %v", lines(r))
			case c.want != "error" && (err != nil || r.Complete || r.Access[0].Standing != plan.AccessUnreadable):
				t.Errorf("error %v, complete %v, access %v", err, r.Complete, lines(r))
			}
		})
	}
}

func TestReportShowsDomainsThatAreNotConfigured(t *testing.T) {
	w := newWorld(t, nil)
	ids, _ := people(w, 2)
	w.makeDomain("other")
	w.open(strings.NewReplacer("name: research", "name: other").Replace)
	r := w.report(plan.AccessFilter{Domain: "research"})
	want(t, "access", lines(r), []string{"user00@example.com unreadable a", "user01@example.com unreadable a"})
	want(t, "user", r.Access[0].UserID, ids[0])
	want(t, "problems", problems(r), []string{"decide domain-unconfigured"})
	want(t, "configured", r.Domains[0].Configured, false)
}

func TestReportNarrowedToNobodyIsNoTypo(t *testing.T) {
	w := newWorld(t, nil)
	people(w, 1)
	w.user("idle@example.com")
	want(t, "access of somebody without any", lines(w.report(plan.AccessFilter{User: "idle@example.com"})), nil)
	want(t, "people with a role that a domain has", lines(w.report(plan.AccessFilter{Role: "default"})), nil)
	for _, only := range []plan.AccessFilter{{User: "nobody@example.com"}, {Role: "nothing"}} {
		if _, err := w.keeper.Report(t.Context(), reconcile.Inquiry{Only: only}); err == nil {
			t.Errorf("%v passes for a report", only)
		}
	}
	_, err := w.keeper.Report(t.Context(), reconcile.Inquiry{Only: plan.AccessFilter{Domain: "nowhere"}})
	if !errors.Is(err, reconcile.ErrNoDomain) {
		t.Errorf("got %v", err)
	}
}
