package localcloud_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sagemaker"
	smtypes "github.com/aws/aws-sdk-go-v2/service/sagemaker/types"
	"github.com/aws/aws-sdk-go-v2/service/ssoadmin"
	"github.com/aws/aws-sdk-go-v2/service/ssoadmin/types"
	"github.com/google/go-cmp/cmp"

	"studiokeeper/internal/localcloud"
)

const nobody = "00000000-0000-4000-8000-000000000000"

func (w *world) center() *ssoadmin.Client { return ssoadmin.NewFromConfig(w.as(account, home)) }

// application is the ARN of a domain's application.
func (w *world) application(domain string) *string {
	w.t.Helper()
	out, err := w.studio().DescribeDomain(context.Background(), &sagemaker.DescribeDomainInput{DomainId: &domain})
	return must(w, out, err).SingleSignOnApplicationArn
}

// domainOf makes a domain of another account, which uses the organisation's Identity Center.
func (w *world) domainOf(owner, name string) (id string, application *string) {
	w.t.Helper()
	studio := sagemaker.NewFromConfig(w.as(owner, home))
	made, err := studio.CreateDomain(context.Background(), newDomain(name, smtypes.AuthModeSso))
	must(w, made, err)
	w.cloud.Advance(localcloud.DefaultProfileDelay)
	out, err := studio.DescribeDomain(context.Background(), &sagemaker.DescribeDomainInput{DomainId: made.DomainId})
	return *made.DomainId, must(w, out, err).SingleSignOnApplicationArn
}

func assignment(arn *string, kind types.PrincipalType, id string) *ssoadmin.CreateApplicationAssignmentInput {
	return &ssoadmin.CreateApplicationAssignmentInput{ApplicationArn: arn, PrincipalType: kind, PrincipalId: &id}
}

func unassignment(arn *string, kind types.PrincipalType, id string) *ssoadmin.DeleteApplicationAssignmentInput {
	return &ssoadmin.DeleteApplicationAssignmentInput{ApplicationArn: arn, PrincipalType: kind, PrincipalId: &id}
}

// assigned lists who is assigned to an application, read in pages of the size.
func (w *world) assigned(arn *string, size int32) []string {
	w.t.Helper()
	var found []string
	pages := ssoadmin.NewListApplicationAssignmentsPaginator(w.center(), &ssoadmin.ListApplicationAssignmentsInput{ApplicationArn: arn, MaxResults: &size})
	for pages.HasMorePages() {
		page, err := pages.NextPage(context.Background())
		for _, a := range must(w, page, err).ApplicationAssignments {
			found = append(found, string(a.PrincipalType)+" "+*a.PrincipalId)
		}
	}
	return found
}

func TestInstanceIsFoundByTheOrganisation(t *testing.T) {
	ctx := context.Background()
	w := newWorld(t, &localcloud.Cloud{})
	if err := w.cloud.CreateIdentityStore(account, "eu-west-1", "d-9067aaaaaa"); err != nil {
		t.Fatal(err)
	}
	rows := []struct {
		name, caller, region string
		scope                types.RegionScope
		want                 []string
	}{
		{"the instance's account", account, home, "", []string{storeID}},
		{"a member account", member, home, "", []string{storeID}},
		{"a Region without an instance", account, "us-west-2", "", nil},
		{"all Regions", account, "us-west-2", types.RegionScopeAllRegions, []string{storeID, "d-9067aaaaaa"}},
	}
	for _, row := range rows {
		var got []string
		pages := ssoadmin.NewListInstancesPaginator(ssoadmin.NewFromConfig(w.as(row.caller, row.region)),
			&ssoadmin.ListInstancesInput{RegionScope: row.scope, MaxResults: aws.Int32(1)})
		for pages.HasMorePages() {
			page, err := pages.NextPage(ctx)
			for _, i := range must(w, page, err).Instances {
				if i.Status != types.InstanceStatusActive || *i.OwnerAccountId != account {
					t.Errorf("%s: %s is %s, of account %s", row.name, *i.InstanceArn, i.Status, *i.OwnerAccountId)
				}
				got = append(got, *i.IdentityStoreId)
			}
		}
		if diff := cmp.Diff(row.want, got); diff != "" {
			t.Errorf("instances seen from %s (-want +got):\n%s", row.name, diff)
		}
	}
	listed, err := w.center().ListInstances(ctx, &ssoadmin.ListInstancesInput{})
	arn := must(w, listed, err).Instances[0].InstanceArn
	shown, err := w.center().DescribeInstance(ctx, &ssoadmin.DescribeInstanceInput{InstanceArn: arn})
	if must(w, shown, err); *shown.IdentityStoreId != storeID || *shown.OwnerAccountId != account || shown.CreatedDate == nil {
		t.Errorf("the instance is described as %+v", shown)
	}
	for name, arn := range map[string]string{"AccessDeniedException": "arn:aws:sso:::instance/ssoins-0000000000000000", "ValidationException": "ssoins-1"} {
		_, err := w.center().DescribeInstance(ctx, &ssoadmin.DescribeInstanceInput{InstanceArn: &arn})
		w.wantCode("describing "+arn, err, name)
	}
}

func TestDomainBringsItsApplication(t *testing.T) {
	ctx := context.Background()
	w := newWorld(t, &localcloud.Cloud{})
	domain := w.domain("research", smtypes.AuthModeSso)
	arn := w.application(domain)
	_, other := w.domainOf(member, "elsewhere")
	w.domain("plain", smtypes.AuthModeIam)

	got, err := w.center().DescribeApplication(ctx, &ssoadmin.DescribeApplicationInput{ApplicationArn: arn})
	if must(w, got, err); *got.Name != "research" || *got.ApplicationAccount != account || got.Status != types.ApplicationStatusEnabled {
		t.Errorf("the application is described as %+v", got)
	}
	list := func(client *ssoadmin.Client, filter *types.ListApplicationsFilter) ([]string, error) {
		out, err := client.ListApplications(ctx, &ssoadmin.ListApplicationsInput{InstanceArn: got.InstanceArn, Filter: filter})
		if err != nil {
			return nil, err
		}
		var arns []string
		for _, a := range out.Applications {
			arns = append(arns, *a.ApplicationArn)
		}
		return arns, nil
	}
	all, err := list(w.center(), nil)
	if diff := cmp.Diff([]string{*arn, *other}, all); diff != "" || err != nil {
		t.Errorf("applications: %v (-want +got):\n%s", err, diff)
	}
	foreign := ssoadmin.NewFromConfig(w.as(member, home))
	_, err = list(foreign, nil)
	w.wantCode("listing every application from a member account", err, "AccessDeniedException")
	own, err := list(foreign, &types.ListApplicationsFilter{ApplicationAccount: aws.String(member)})
	if diff := cmp.Diff([]string{*other}, own); diff != "" || err != nil {
		t.Errorf("a member account's own applications: %v (-want +got):\n%s", err, diff)
	}
	_, err = foreign.DescribeApplication(ctx, &ssoadmin.DescribeApplicationInput{ApplicationArn: arn})
	w.wantCode("describing another account's application", err, "AccessDeniedException")

	alice := w.user("alice@example.com")
	_, err = w.center().CreateApplicationAssignment(ctx, assignment(arn, types.PrincipalTypeUser, alice))
	w.wantCode("assigning", err, "")
	_, err = w.studio().DeleteDomain(ctx, &sagemaker.DeleteDomainInput{DomainId: &domain})
	w.wantCode("deleting the domain", err, "")
	_, err = w.center().DescribeApplication(ctx, &ssoadmin.DescribeApplicationInput{ApplicationArn: arn})
	w.wantCode("describing the deleted domain's application", err, "ResourceNotFoundException")
	left, err := w.center().ListApplicationAssignmentsForPrincipal(ctx, &ssoadmin.ListApplicationAssignmentsForPrincipalInput{
		InstanceArn: got.InstanceArn, PrincipalId: &alice, PrincipalType: types.PrincipalTypeUser,
	})
	if n := len(must(w, left, err).ApplicationAssignments); n != 0 {
		t.Errorf("%d assignments outlived their application", n)
	}
}

func TestAssignmentLivesFromCreateToDelete(t *testing.T) {
	ctx := context.Background()
	w := newWorld(t, &localcloud.Cloud{})
	arn := w.application(w.domain("research", smtypes.AuthModeSso))
	w.domain("other", smtypes.AuthModeSso)
	alice, bob, ml := w.user("alice@example.com"), w.user("bob@example.com"), w.group("ml")
	w.join(ml, bob)
	for _, in := range []*ssoadmin.CreateApplicationAssignmentInput{
		assignment(arn, types.PrincipalTypeGroup, ml), assignment(arn, types.PrincipalTypeUser, alice),
	} {
		_, err := w.center().CreateApplicationAssignment(ctx, in)
		w.wantCode("assigning "+*in.PrincipalId, err, "")
	}
	for _, size := range []int32{1, 100} {
		if diff := cmp.Diff([]string{"GROUP " + ml, "USER " + alice}, w.assigned(arn, size)); diff != "" {
			t.Errorf("assignments in pages of %d (-want +got):\n%s", size, diff)
		}
	}
	describe := func(kind types.PrincipalType, id string) error {
		_, err := w.center().DescribeApplicationAssignment(ctx, &ssoadmin.DescribeApplicationAssignmentInput{ApplicationArn: arn, PrincipalType: kind, PrincipalId: &id})
		return err
	}
	w.wantCode("a direct assignment", describe(types.PrincipalTypeUser, alice), "")
	w.wantCode("an assignment through a group only", describe(types.PrincipalTypeUser, bob), "ResourceNotFoundException")
	w.wantCode("a group taken for a user", describe(types.PrincipalTypeUser, ml), "ResourceNotFoundException")

	for range 2 {
		_, err := w.center().DeleteApplicationAssignment(ctx, unassignment(arn, types.PrincipalTypeUser, alice))
		w.wantCode("taking the assignment away, or again", err, "")
	}
	if diff := cmp.Diff([]string{"GROUP " + ml}, w.assigned(arn, 100)); diff != "" {
		t.Errorf("assignments after the deletion (-want +got):\n%s", diff)
	}
	var records []string
	for _, r := range w.cloud.Records(account, home) {
		if r.EventSource == "sso.amazonaws.com" {
			records = append(records, fmt.Sprintf("%s %s", r.EventName, r.RequestParameters["principalId"]))
		}
	}
	want := []string{
		"CreateApplicationAssignment " + ml, "CreateApplicationAssignment " + alice,
		"DeleteApplicationAssignment " + alice, "DeleteApplicationAssignment " + alice,
	}
	if diff := cmp.Diff(want, records); diff != "" {
		t.Errorf("records (-want +got):\n%s", diff)
	}
}

func TestAssignmentsOfAPrincipal(t *testing.T) {
	ctx := context.Background()
	w := newWorld(t, &localcloud.Cloud{})
	arn := w.application(w.domain("research", smtypes.AuthModeSso))
	_, foreign := w.domainOf(member, "elsewhere")
	alice, ml := w.user("alice@example.com"), w.group("ml")
	w.join(ml, alice)
	for _, in := range []*ssoadmin.CreateApplicationAssignmentInput{
		assignment(arn, types.PrincipalTypeGroup, ml), assignment(foreign, types.PrincipalTypeUser, alice),
	} {
		_, err := w.center().CreateApplicationAssignment(ctx, in)
		w.wantCode("assigning", err, "")
	}
	instances, err := w.center().ListInstances(ctx, &ssoadmin.ListInstancesInput{})
	instance := must(w, instances, err).Instances[0].InstanceArn
	rows := []struct {
		name, caller string
		kind         types.PrincipalType
		id           string
		only         *string
		want         []string
		code         string
	}{
		{"a user, through a group too", account, types.PrincipalTypeUser, alice, nil, []string{*arn + " GROUP", *foreign + " USER"}, ""},
		{"a user, on one application", account, types.PrincipalTypeUser, alice, foreign, []string{*foreign + " USER"}, ""},
		{"a group", account, types.PrincipalTypeGroup, ml, nil, []string{*arn + " GROUP"}, ""},
		{"a member account, of its application", member, types.PrincipalTypeUser, alice, foreign, []string{*foreign + " USER"}, ""},
		{"a member account, of all", member, types.PrincipalTypeUser, alice, nil, nil, "AccessDeniedException"},
		{"a member account, of another's application", member, types.PrincipalTypeUser, alice, arn, nil, "AccessDeniedException"},
		{"nobody", account, types.PrincipalTypeUser, nobody, nil, nil, "ResourceNotFoundException"},
	}
	for _, row := range rows {
		in := &ssoadmin.ListApplicationAssignmentsForPrincipalInput{InstanceArn: instance, PrincipalType: row.kind, PrincipalId: &row.id}
		if row.only != nil {
			in.Filter = &types.ListApplicationAssignmentsFilter{ApplicationArn: row.only}
		}
		out, err := ssoadmin.NewFromConfig(w.as(row.caller, home)).ListApplicationAssignmentsForPrincipal(ctx, in)
		w.wantCode(row.name, err, row.code)
		var got []string
		if err == nil {
			for _, a := range out.ApplicationAssignments {
				got = append(got, *a.ApplicationArn+" "+string(a.PrincipalType))
			}
		}
		if diff := cmp.Diff(row.want, got); diff != "" {
			t.Errorf("assignments of %s (-want +got):\n%s", row.name, diff)
		}
	}
}

func TestCreateApplicationAssignmentRefuses(t *testing.T) {
	ctx := context.Background()
	w := newWorld(t, &localcloud.Cloud{})
	arn := w.application(w.domain("research", smtypes.AuthModeSso))
	alice, ml := w.user("alice@example.com"), w.group("ml")
	_, err := w.center().CreateApplicationAssignment(ctx, assignment(arn, types.PrincipalTypeGroup, ml))
	w.wantCode("assigning", err, "")
	unknown := aws.String((*arn)[:len(*arn)-16] + "0000000000000000")
	rows := []struct {
		name string
		in   *ssoadmin.CreateApplicationAssignmentInput
		want string
	}{
		{"what is assigned already", assignment(arn, types.PrincipalTypeGroup, ml), "ConflictException"},
		{"a user who does not exist", assignment(arn, types.PrincipalTypeUser, nobody), "ResourceNotFoundException"},
		{"a user as a group", assignment(arn, types.PrincipalTypeGroup, alice), "ResourceNotFoundException"},
		{"an application that does not exist", assignment(unknown, types.PrincipalTypeUser, alice), "ResourceNotFoundException"},
		{"an ARN of something else", assignment(aws.String("arn:aws:sagemaker:us-east-1:111122223333:domain/d-x"), types.PrincipalTypeUser, alice), "ValidationException"},
		{"a principal id that is none", assignment(arn, types.PrincipalTypeUser, "alice@example.com"), "ValidationException"},
		{"a principal type that is none", assignment(arn, "ROLE", alice), "ValidationException"},
	}
	for _, row := range rows {
		_, err := w.center().CreateApplicationAssignment(ctx, row.in)
		w.wantCode(row.name, err, row.want)
	}
	elsewhere := ssoadmin.NewFromConfig(w.as(account, "eu-west-1"))
	_, err = elsewhere.CreateApplicationAssignment(ctx, assignment(arn, types.PrincipalTypeUser, alice))
	w.wantCode("outside Identity Center's Region", err, "ResourceNotFoundException")
	_, err = w.center().DeleteApplicationAssignment(ctx, unassignment(unknown, types.PrincipalTypeUser, alice))
	w.wantCode("deleting from an application that does not exist", err, "ResourceNotFoundException")
}

func TestApplicationTakesAHundredGroups(t *testing.T) {
	ctx := context.Background()
	w := newWorld(t, &localcloud.Cloud{})
	arn := w.application(w.domain("research", smtypes.AuthModeSso))
	assign := func(kind types.PrincipalType, id string) error {
		_, err := w.center().CreateApplicationAssignment(ctx, assignment(arn, kind, id))
		return err
	}
	first := w.group("group 0")
	w.wantCode("the first group", assign(types.PrincipalTypeGroup, first), "")
	for i := 1; i < 100; i++ {
		w.wantCode(fmt.Sprintf("group %d", i), assign(types.PrincipalTypeGroup, w.group(fmt.Sprintf("group %d", i))), "")
	}
	last := w.group("group 100")
	w.wantCode("the 101st group", assign(types.PrincipalTypeGroup, last), "ServiceQuotaExceededException")
	w.wantCode("the first group again", assign(types.PrincipalTypeGroup, first), "ConflictException")
	w.wantCode("a user", assign(types.PrincipalTypeUser, w.user("alice@example.com")), "")
	_, err := w.center().DeleteApplicationAssignment(ctx, unassignment(arn, types.PrincipalTypeGroup, first))
	w.wantCode("making room", err, "")
	w.wantCode("the 101st group in its place", assign(types.PrincipalTypeGroup, last), "")
	if got := len(w.assigned(arn, 30)); got != 101 {
		t.Errorf("%d assignments are listed, want 100 groups and a user", got)
	}
	_, err = w.center().ListApplicationAssignments(ctx, &ssoadmin.ListApplicationAssignmentsInput{ApplicationArn: arn, MaxResults: aws.Int32(101)})
	w.wantCode("a page of 101", err, "ValidationException")
}

func TestWhichAccountAssigns(t *testing.T) {
	rows := []struct {
		name                  string
		from                  localcloud.AssignmentAccount
		instance, application string
	}{
		{"either", localcloud.EitherAccount, "", ""},
		{"the instance's", localcloud.InstanceAccount, "", "AccessDeniedException"},
		{"the application's", localcloud.ApplicationAccount, "AccessDeniedException", ""},
	}
	for _, row := range rows {
		ctx := context.Background()
		w := newWorld(t, &localcloud.Cloud{AssignFrom: row.from})
		_, arn := w.domainOf(member, "elsewhere")
		for caller, want := range map[string]string{account: row.instance, member: row.application, "999988887777": "AccessDeniedException"} {
			client := ssoadmin.NewFromConfig(w.as(caller, home))
			alice := w.user("alice-" + caller)
			_, err := client.CreateApplicationAssignment(ctx, assignment(arn, types.PrincipalTypeUser, alice))
			w.wantCode(row.name+" account may assign, asked by "+caller, err, want)
			_, err = client.DeleteApplicationAssignment(ctx, unassignment(arn, types.PrincipalTypeUser, alice))
			w.wantCode(row.name+" account may delete, asked by "+caller, err, want)
		}
	}
}

func TestAssignmentCallsShareTheirRate(t *testing.T) {
	ctx := context.Background()
	w := newWorld(t, &localcloud.Cloud{Throttle: true})
	arn := w.application(w.domain("research", smtypes.AuthModeSso))
	for range 10 {
		_, err := w.center().ListInstances(ctx, &ssoadmin.ListInstancesInput{})
		w.wantCode("listing", err, "")
		_, err = w.center().DescribeApplication(ctx, &ssoadmin.DescribeApplicationInput{ApplicationArn: arn})
		w.wantCode("describing", err, "")
	}
	_, err := w.center().DescribeApplication(ctx, &ssoadmin.DescribeApplicationInput{ApplicationArn: arn})
	w.wantCode("the 21st call", err, "ThrottlingException")
	w.cloud.Advance(time.Second)
	_, err = w.center().DescribeApplication(ctx, &ssoadmin.DescribeApplicationInput{ApplicationArn: arn})
	w.wantCode("a second later", err, "")
}

func TestDomainsOfOldAndOfUnifiedStudio(t *testing.T) {
	ctx := context.Background()
	w := newWorld(t, &localcloud.Cloud{})
	domain := w.domain("research", smtypes.AuthModeSso)
	arn := w.application(domain)
	if err := w.cloud.ForgetApplication(account, home, domain); err != nil {
		t.Fatal(err)
	}
	if now := w.application(domain); now != nil {
		t.Errorf("the old domain shows the application %s", *now)
	}
	_, err := w.center().DescribeApplication(ctx, &ssoadmin.DescribeApplicationInput{ApplicationArn: arn})
	w.wantCode("describing the old domain's application", err, "ResourceNotFoundException")
	if err := w.cloud.ForgetApplication(account, home, w.domain("plain", smtypes.AuthModeIam)); err == nil {
		t.Error("a domain in IAM mode has forgotten its application")
	}
	if err := w.cloud.MoveToUnifiedStudio(account, home, "d-none"); err == nil {
		t.Error("a domain that is not there was moved to Unified Studio")
	}
	if err := w.cloud.MoveToUnifiedStudio(account, home, domain); err != nil {
		t.Fatal(err)
	}
	out, err := w.studio().DescribeDomain(ctx, &sagemaker.DescribeDomainInput{DomainId: &domain})
	if settings := must(w, out, err).DomainSettings.UnifiedStudioSettings; settings == nil || *settings.DomainAccountId != account || settings.ProjectId == nil {
		t.Errorf("the domain's Unified Studio settings are %+v", settings)
	}
}
