package localcloud_test

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sagemaker"
	smtypes "github.com/aws/aws-sdk-go-v2/service/sagemaker/types"
	"github.com/aws/aws-sdk-go-v2/service/ssoadmin"
	"github.com/aws/aws-sdk-go-v2/service/ssoadmin/types"
	"github.com/google/go-cmp/cmp"

	"studiokeeper/internal/localcloud"
	"studiokeeper/internal/localcloud/studioapi"
)

// portal is a world with a domain to which the group ml is assigned, whose member alice is.
type portal struct {
	*world
	domain      string
	application *string
	alice, ml   string
	membership  string
}

func newPortal(t *testing.T, cloud *localcloud.Cloud) *portal {
	t.Helper()
	w := newWorld(t, cloud)
	p := &portal{world: w, domain: w.domain("research", smtypes.AuthModeSso), alice: w.user("alice@example.com"), ml: w.group("ml")}
	p.application, p.membership = w.application(p.domain), w.join(p.ml, p.alice)
	_, err := w.center().CreateApplicationAssignment(context.Background(), assignment(p.application, types.PrincipalTypeGroup, p.ml))
	w.wantCode("assigning the group", err, "")
	return p
}

// opens is the profile the person lands in, or "Access Denied".
func (p *portal) opens(userID string) string {
	p.t.Helper()
	name, err := p.cloud.SignIn(account, home, p.domain, userID)
	if denied, ok := errors.AsType[*localcloud.SignInDenied](err); ok && strings.Contains(denied.Error(), "Access Denied") {
		return "Access Denied"
	}
	return must(p.world, name, err)
}

func (p *portal) want(what, userID, want string) {
	p.t.Helper()
	if got := p.opens(userID); got != want {
		p.t.Errorf("%s: got %q, want %q", what, got, want)
	}
}

func TestFirstSignInMakesAProfileWithTheDefaultRole(t *testing.T) {
	p := newPortal(t, &localcloud.Cloud{})
	p.want("a first sign-in", p.alice, "alice-example-com-001")
	got := p.profile(p.domain, "alice-example-com-001")
	if *got.SingleSignOnUserValue != "alice@example.com" || got.UserSettings != nil {
		t.Errorf("the profile is %+v, want alice's, without settings", got)
	}
	tags, err := p.studio().ListTags(context.Background(), &sagemaker.ListTagsInput{ResourceArn: got.UserProfileArn})
	if n := len(must(p.world, tags, err).Tags); n != 0 {
		t.Errorf("the profile has %d tags, want none", n)
	}
	p.cloud.Advance(localcloud.DefaultProfileDelay)
	p.want("a second sign-in", p.alice, "alice-example-com-001")

	records := p.cloud.Records(account, home)
	last := records[len(records)-1]
	want := map[string]any{
		"domainId": p.domain, "userProfileName": "alice-example-com-001",
		"singleSignOnUserIdentifier": "UserName", "singleSignOnUserValue": "alice@example.com",
	}
	if diff := cmp.Diff(want, last.RequestParameters); diff != "" {
		t.Errorf("request in the record (-want +got):\n%s", diff)
	}
	service := localcloud.UserIdentity{Type: "AWSService", AccountID: account, InvokedBy: "sagemaker.amazonaws.com"}
	if diff := cmp.Diff(service, last.UserIdentity); diff != "" || last.EventName != "CreateUserProfile" {
		t.Errorf("%s by (-want +got):\n%s", last.EventName, diff)
	}
}

func TestWhoMaySignIn(t *testing.T) {
	ctx := context.Background()
	rows := []struct {
		name   string
		change func(p *portal) error
		want   string
	}{
		{"a member of an assigned group", func(*portal) error { return nil }, "alice-example-com-001"},
		{"one who left the group", func(p *portal) error {
			return p.cloud.Console(account, home, storeID).RemoveMemberFromGroup(p.ml, p.alice)
		}, "Access Denied"},
		{"a disabled user", func(p *portal) error { return p.cloud.Console(account, home, storeID).DisableUser(p.alice) }, "Access Denied"},
		{"a deleted user", func(p *portal) error { return p.cloud.Console(account, home, storeID).DeleteUser(p.alice) }, "Access Denied"},
		{"a member of a group that was unassigned", func(p *portal) error {
			_, err := p.center().DeleteApplicationAssignment(ctx, unassignment(p.application, types.PrincipalTypeGroup, p.ml))
			return err
		}, "Access Denied"},
		{"one assigned in person", func(p *portal) error {
			_, err := p.center().CreateApplicationAssignment(ctx, assignment(p.application, types.PrincipalTypeUser, p.alice))
			return errors.Join(err, p.cloud.Console(account, home, storeID).RemoveMemberFromGroup(p.ml, p.alice))
		}, "alice-example-com-001"},
		{"one whom nobody assigned, where nobody needs it", func(p *portal) error {
			_, err := p.center().PutApplicationAssignmentConfiguration(ctx, &ssoadmin.PutApplicationAssignmentConfigurationInput{
				ApplicationArn: p.application, AssignmentRequired: aws.Bool(false),
			})
			return errors.Join(err, p.cloud.Console(account, home, storeID).RemoveMemberFromGroup(p.ml, p.alice))
		}, "alice-example-com-001"},
		{"anybody, once the domain is being deleted", func(p *portal) error {
			_, err := p.studio().DeleteDomain(ctx, &sagemaker.DeleteDomainInput{DomainId: &p.domain})
			return err
		}, "Access Denied"},
		{"one of an old domain, assigned before", func(p *portal) error { return p.cloud.ForgetApplication(account, home, p.domain) }, "alice-example-com-001"},
		{"one of an old domain, unassigned in the console", func(p *portal) error {
			return errors.Join(p.cloud.ForgetApplication(account, home, p.domain),
				p.cloud.Console(account, home, storeID).UnassignFromDomain(p.domain, types.PrincipalTypeGroup, p.ml))
		}, "Access Denied"},
	}
	for _, row := range rows {
		t.Run(row.name, func(t *testing.T) {
			p := newPortal(t, &localcloud.Cloud{})
			if err := row.change(p); err != nil {
				t.Fatal(err)
			}
			p.want(row.name, p.alice, row.want)
		})
	}
}

func TestProfileMadeByAPIDoesNotAssign(t *testing.T) {
	p := newPortal(t, &localcloud.Cloud{})
	bob := p.user("bob@example.com")
	_, err := p.studio().CreateUserProfile(context.Background(), newProfile(p.domain, "bob", "bob@example.com"))
	p.wantCode("creating bob's profile", err, "")
	p.want("bob, who has a profile and no assignment", bob, "Access Denied")
	console := p.cloud.Console(account, home, storeID)
	if err := console.AssignToDomain(p.domain, types.PrincipalTypeUser, bob); err != nil {
		t.Fatal(err)
	}
	p.want("bob, assigned", bob, "bob")
	if err := console.AssignToDomain(p.domain, types.PrincipalTypeUser, bob); err == nil {
		t.Error("the console assigned bob twice")
	}
	if err := console.AssignToDomain("d-none", types.PrincipalTypeUser, bob); err == nil {
		t.Error("the console assigned bob to a domain that is not there")
	}
}

func TestProfileMayNeedTheAssignmentFirst(t *testing.T) {
	p := newPortal(t, &localcloud.Cloud{RequireAssignment: true})
	bob := p.user("bob@example.com")
	create := func(name, user string) error {
		_, err := p.studio().CreateUserProfile(context.Background(), newProfile(p.domain, name, user))
		return err
	}
	p.wantCode("a user who is not assigned", create("bob", "bob@example.com"), "ValidationException")
	p.wantCode("a user assigned through a group", create("alice", "alice@example.com"), "")
	_, err := p.center().CreateApplicationAssignment(context.Background(), assignment(p.application, types.PrincipalTypeUser, bob))
	p.wantCode("assigning", err, "")
	p.wantCode("the user, assigned", create("bob", "bob@example.com"), "")
}

func TestUserNamesAreReusedAndChanged(t *testing.T) {
	p := newPortal(t, &localcloud.Cloud{})
	console := p.cloud.Console(account, home, storeID)
	first := p.opens(p.alice)
	if err := console.DeleteUser(p.alice); err != nil {
		t.Fatal(err)
	}
	second := p.user("alice@example.com")
	p.join(p.ml, second)
	p.want("somebody else of the same name", second, first)

	if err := console.UpdateUser(second, localcloud.Person{UserName: "alicia@example.com"}); err != nil {
		t.Fatal(err)
	}
	p.want("the same person under a new name", second, "alicia-example-com-002")
	if got := *p.profile(p.domain, first).SingleSignOnUserValue; got != "alice@example.com" {
		t.Errorf("the old profile is now %s's", got)
	}
}

func TestProfilesOfFirstSignInAreNamed(t *testing.T) {
	p := newPortal(t, &localcloud.Cloud{ProfileDelay: -1})
	_, err := p.studio().CreateUserProfile(context.Background(), newProfile(p.domain, "BOB-002", "alice@example.com"))
	p.wantCode("taking a name", err, "")
	for _, row := range []struct{ userName, want string }{
		{"..odd__name..", "odd-name-001"},
		{"bob", "bob-003"},
		{"王小明", "user-004"},
		{strings.Repeat("x", 128), strings.Repeat("x", 50) + "-005"},
	} {
		id := p.user(row.userName)
		p.join(p.ml, id)
		p.want(row.userName, id, row.want)
	}
}

func TestSignInFailsWithoutBeingDenied(t *testing.T) {
	p := newPortal(t, &localcloud.Cloud{ProfileQuota: 1, ProfileDelay: -1})
	plain := p.world.domain("plain", smtypes.AuthModeIam)
	bob := p.user("bob@example.com")
	p.join(p.ml, bob)
	name := p.opens(p.alice)
	if err := p.cloud.SetProfileStatus(account, home, p.domain, name, studioapi.UserProfileStatusFailed, "no capacity"); err != nil {
		t.Fatal(err)
	}
	for _, row := range []struct{ about, domain, user string }{
		{"a domain that is not there", "d-none", bob},
		{"a domain in IAM mode", plain, bob},
		{"one profile too many", p.domain, bob},
		{"a failed profile", p.domain, p.alice},
	} {
		got, err := p.cloud.SignIn(account, home, row.domain, row.user)
		if _, denied := errors.AsType[*localcloud.SignInDenied](err); err == nil || denied || got != "" {
			t.Errorf("%s: got %q and %v, want an error that is no denial", row.about, got, err)
		}
	}
}
