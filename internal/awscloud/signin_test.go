package awscloud

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/ssoadmin"
	"github.com/aws/aws-sdk-go-v2/service/ssoadmin/types"
	"github.com/google/go-cmp/cmp"

	"studiokeeper/internal/localcloud"
	"studiokeeper/internal/reconcile"
	"studiokeeper/internal/studio"
)

// door is a domain with an application, in Identity Center's account or in a member's.
type door struct {
	t           *testing.T
	cloud       *localcloud.Cloud
	session     *Session
	signIn      *SignIn
	domain      studio.Domain
	application string
}

func newDoor(t *testing.T, at Place) *door {
	t.Helper()
	cloud, s := newCloud(t)
	directory(t, cloud, []string{"alice@example.com"}, []string{"ad-group-1"})
	cloud.TrustRole(memberPlace("").Role.RoleARN, "7f1c")
	d := studioDomain(t, s, at)
	facts, err := (&Domains{s}).Facts(t.Context(), d)
	must(t, err)
	cloud.ResetCalls()
	return &door{t, cloud, s, &SignIn{Session: s, At: Place{Region: region}}, d, facts.Application}
}

func (d *door) assign(p reconcile.Principal) (bool, error) {
	return d.signIn.Assign(d.t.Context(), d.domain, d.application, p)
}

func (d *door) unassign(p reconcile.Principal) error {
	return d.signIn.Unassign(d.t.Context(), d.domain, d.application, p)
}

// assigned lists who may sign in.
func (d *door) assigned() []string {
	d.t.Helper()
	out, err := ssoadmin.NewFromConfig(d.session.base).ListApplicationAssignments(d.t.Context(), &ssoadmin.ListApplicationAssignmentsInput{ApplicationArn: &d.application})
	must(d.t, err)
	var list []string
	for _, a := range out.ApplicationAssignments {
		list = append(list, fmt.Sprint(a.PrincipalType, " ", *a.PrincipalId))
	}
	return list
}

func (d *door) group() reconcile.Principal {
	return reconcile.Principal{Group: true, ID: identity(1001)}
}
func (d *door) user() reconcile.Principal { return reconcile.Principal{ID: identity(1)} }

func TestGroupsAndUsersAreAssignedOnceAndTakenAway(t *testing.T) {
	d := newDoor(t, Place{Region: region})
	for n, want := range []bool{true, false} {
		for _, p := range []reconcile.Principal{d.group(), d.user()} {
			if made, err := d.assign(p); made != want || err != nil {
				t.Errorf("%+v, time %d: made %v, %v; want %v", p, n+1, made, err, want)
			}
		}
	}
	if diff := cmp.Diff([]string{"GROUP " + identity(1001), "USER " + identity(1)}, d.assigned()); diff != "" {
		t.Error(diff)
	}
	for range 2 {
		must(t, d.unassign(d.group()))
	}
	if diff := cmp.Diff([]string{"USER " + identity(1)}, d.assigned()); diff != "" {
		t.Error(diff)
	}
}

func TestAnAssignmentIsMadeByWhicheverAccountMay(t *testing.T) {
	for name, test := range map[string]struct {
		who      localcloud.AssignmentAccount
		accounts []string // that are asked, in this order
	}{
		"either":                             {localcloud.EitherAccount, []string{member}},
		"only the domain's account":          {localcloud.ApplicationAccount, []string{member}},
		"only the Identity Center's account": {localcloud.InstanceAccount, []string{member, account}},
	} {
		t.Run(name, func(t *testing.T) {
			d := newDoor(t, memberPlace(region))
			d.cloud.AssignFrom = test.who
			if made, err := d.assign(d.group()); !made || err != nil {
				t.Errorf("made %v, %v", made, err)
			}
			must(t, d.unassign(d.group()))
			var asked []string
			for _, call := range d.cloud.Calls() {
				if call.Operation == "CreateApplicationAssignment" {
					asked = append(asked, call.Account)
				}
			}
			if diff := cmp.Diff(test.accounts, asked); diff != "" {
				t.Error(diff)
			}
			if got := d.assigned(); len(got) != 0 {
				t.Errorf("still assigned: %v", got)
			}
		})
	}
}

func TestTheRegionIsIdentityCentersAndNotTheDomains(t *testing.T) {
	d := newDoor(t, Place{Region: region})
	d.domain.Region = "eu-west-1"
	if made, err := d.assign(d.group()); !made || err != nil {
		t.Errorf("made %v, %v", made, err)
	}
}

func TestWhenNeitherAccountMayBothAreNamed(t *testing.T) {
	d := newDoor(t, memberPlace(region))
	d.cloud.Inject(localcloud.Fault{Service: "sso", Code: "AccessDeniedException", Message: "no"})
	_, assign := d.assign(d.group())
	for name, err := range map[string]error{"Assign": assign, "Unassign": d.unassign(d.group())} {
		if FaultOf(err) != Denied {
			t.Fatalf("%s: got %v", name, err)
		}
		for _, want := range []string{"with Identity Center's credentials", "with the credentials of domain research", "account " + member, identity(1001), d.application} {
			if !strings.Contains(err.Error(), want) {
				t.Errorf("%s: %v does not say %q", name, err, want)
			}
		}
	}
}

func TestOneAccountIsAskedOnceWhenThereIsNoOther(t *testing.T) {
	d := newDoor(t, Place{Region: region})
	d.cloud.Inject(localcloud.Fault{Service: "sso", Code: "AccessDeniedException"})
	if made, err := d.assign(d.group()); made || FaultOf(err) != Denied {
		t.Errorf("made %v, %v", made, err)
	}
	if n := d.cloud.CallCounts()["sso.CreateApplicationAssignment"]; n != 1 {
		t.Errorf("%d calls, want 1", n)
	}
}

func TestAFailureThatIsNotARefusalIsNotTriedOtherwise(t *testing.T) {
	d := newDoor(t, memberPlace(region))
	d.cloud.Inject(localcloud.Fault{Service: "sso", Code: "ValidationException"})
	if made, err := d.assign(d.group()); made || FaultOf(err) != Refused {
		t.Errorf("made %v, %v", made, err)
	}
	if n := d.cloud.CallCounts()["sso.CreateApplicationAssignment"]; n != 1 {
		t.Errorf("%d calls, want 1", n)
	}
}

func TestTheHundredAndFirstGroupIsOneTooMany(t *testing.T) {
	d := newDoor(t, Place{Region: region})
	console := d.cloud.Console(account, region, storeID)
	for n := range 101 {
		must(t, console.SeedGroup(identity(2000+n), fmt.Sprint("group-", n)))
	}
	for n := range 100 {
		must(t, console.AssignToDomain(d.domain.ID, "GROUP", identity(2000+n)))
	}
	made, err := d.assign(reconcile.Principal{Group: true, ID: identity(2100)})
	if made || !errors.Is(err, reconcile.ErrQuota) || !strings.Contains(err.Error(), "100 groups") {
		t.Errorf("made %v, %v", made, err)
	}
	if made, err := d.assign(d.user()); !made || err != nil {
		t.Errorf("a user: made %v, %v", made, err)
	}
}

func TestWhatAConflictMeans(t *testing.T) {
	conflict := localcloud.Fault{Operation: "CreateApplicationAssignment", Code: "ConflictException"}
	lost := localcloud.Fault{Operation: "CreateApplicationAssignment", Times: 1, Drop: true, Effect: localcloud.After}
	throttled := localcloud.Fault{Operation: "CreateApplicationAssignment", Times: 1, Code: "ThrottlingException"}
	noLook := localcloud.Fault{Operation: "DescribeApplicationAssignment", Code: "AccessDeniedException"}
	tests := []struct {
		name   string
		there  bool // before
		faults []localcloud.Fault
		made   bool
		want   error
	}{
		{"it was there", true, nil, false, nil},
		{"it was there, after being throttled", true, []localcloud.Fault{throttled}, false, nil},
		{"ours, whose answer was lost", false, []localcloud.Fault{lost}, true, nil},
		{"an earlier change is still spreading", false, []localcloud.Fault{conflict}, false, reconcile.ErrBusy},
		{"it was there, and looking is not allowed", true, []localcloud.Fault{noLook}, false, nil},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			d := newDoor(t, Place{Region: region})
			if test.there {
				must(t, d.cloud.Console(account, region, storeID).AssignToDomain(d.domain.ID, "GROUP", identity(1001)))
			}
			for _, f := range test.faults {
				d.cloud.Inject(f)
			}
			made, err := d.assign(d.group())
			if made != test.made || !errors.Is(err, test.want) {
				t.Errorf("made %v, %v; want %v, %v", made, err, test.made, test.want)
			}
		})
	}
}

func TestAConflictThatCannotBeLookedIntoIsAnError(t *testing.T) {
	d := newDoor(t, Place{Region: region})
	must(t, d.cloud.Console(account, region, storeID).AssignToDomain(d.domain.ID, "GROUP", identity(1001)))
	d.cloud.Inject(localcloud.Fault{Operation: "DescribeApplicationAssignment", Code: "InternalFailure", Status: 500})
	if made, err := d.assign(d.group()); made || FaultOf(err) != Unavailable {
		t.Errorf("made %v, %v", made, err)
	}
}

func TestAPrincipalThatIsNotThereIsAnError(t *testing.T) {
	d := newDoor(t, Place{Region: region})
	if made, err := d.assign(reconcile.Principal{Group: true, ID: identity(1999)}); made || FaultOf(err) != Missing {
		t.Errorf("made %v, %v", made, err)
	}
}

func TestAssignedGroupsAreListedCompletely(t *testing.T) {
	for _, at := range []Place{{Region: region}, memberPlace(region)} {
		d := newDoor(t, at)
		console := d.cloud.Console(account, region, storeID)
		var want []string
		for n := range 100 { // as many as an application takes, over two pages with the user
			id := identity(2000 + n)
			must(t, console.SeedGroup(id, fmt.Sprintf("many-%d", n)))
			_, err := ssoadmin.NewFromConfig(d.session.base).CreateApplicationAssignment(t.Context(), &ssoadmin.CreateApplicationAssignmentInput{
				ApplicationArn: &d.application, PrincipalId: &id, PrincipalType: types.PrincipalTypeGroup,
			})
			must(t, err)
			want = append(want, id)
		}
		_, err := d.assign(d.user())
		must(t, err)
		got, err := d.signIn.AssignedGroups(t.Context(), d.domain, d.application)
		must(t, err)
		slices.Sort(got)
		if diff := cmp.Diff(want, got); diff != "" {
			t.Error(diff)
		}
	}
}

func TestAssignedGroupsThatCannotBeListedAreAnError(t *testing.T) {
	d := newDoor(t, Place{Region: region})
	failsOnEveryFailure(t, d.cloud, "sso", "ListApplicationAssignments", func() error {
		_, err := d.signIn.AssignedGroups(t.Context(), d.domain, d.application)
		return err
	})
}
