package reconcile_test

import (
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/sagemaker"
	"github.com/aws/aws-sdk-go-v2/service/ssoadmin"
	ssotypes "github.com/aws/aws-sdk-go-v2/service/ssoadmin/types"

	"studiokeeper/internal/localcloud"
	"studiokeeper/internal/plan"
	"studiokeeper/internal/reconcile"
)

// A group that may sign in without a row gets its people the domain's default
// role: a plan says so, and changes nothing about it.
func TestAPlanNamesAssignedGroupsWithoutARow(t *testing.T) {
	w := newWorld(t, configured("signIn: none", "signIn: group"))
	mapped, stranger := w.group("ad-group-1", "a", 100), w.group("contractors", "", 0)
	facts, err := sagemaker.NewFromConfig(w.aws).DescribeDomain(t.Context(), &sagemaker.DescribeDomainInput{DomainId: &w.domain})
	w.must(err)
	for _, group := range []string{mapped, stranger} {
		_, err := ssoadmin.NewFromConfig(w.aws).CreateApplicationAssignment(t.Context(), &ssoadmin.CreateApplicationAssignmentInput{
			ApplicationArn: facts.SingleSignOnApplicationArn, PrincipalId: &group, PrincipalType: ssotypes.PrincipalTypeGroup,
		})
		w.must(err)
	}
	noted := func() []string {
		doc, err := w.keeper.Propose(t.Context(), reconcile.Scope{})
		w.must(err)
		want(t, "summary", doc.Summary(), plan.Summary{})
		return doc.Notes
	}
	if notes := noted(); len(notes) != 1 || !strings.Contains(notes[0], stranger) || strings.Contains(notes[0], mapped) {
		t.Errorf("notes: %q; want one, of group %s", notes, stranger)
	}
	w.cloud.Inject(localcloud.Fault{Service: "sso", Operation: "ListApplicationAssignments", Code: "AccessDeniedException"})
	if notes := noted(); len(notes) != 1 || !strings.Contains(notes[0], "is not known") {
		t.Errorf("notes where they cannot be listed: %q", notes)
	}
}
