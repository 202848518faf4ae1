package localcloud_test

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/identitystore"
	"github.com/aws/aws-sdk-go-v2/service/identitystore/document"
	"github.com/aws/aws-sdk-go-v2/service/identitystore/types"
	"github.com/google/go-cmp/cmp"

	"studiokeeper/internal/localcloud"
)

func TestUserLivesFromCreateToDelete(t *testing.T) {
	ctx := context.Background()
	w := newWorld(t, &localcloud.Cloud{})
	in := newUser("alice@example.com")
	in.Emails = []types.Email{{Value: aws.String("alice@example.com"), Type: aws.String("work"), Primary: true}}
	made, err := w.identity().CreateUser(ctx, in)
	id := must(w, made, err).UserId

	got, err := w.identity().DescribeUser(ctx, &identitystore.DescribeUserInput{IdentityStoreId: aws.String(storeID), UserId: id})
	must(w, got, err)
	if *got.UserName != "alice@example.com" || got.UserStatus != types.UserStatusEnabled || *got.Name.FamilyName != "Example" ||
		*got.Emails[0].Value != "alice@example.com" || !got.CreatedAt.Equal(w.cloud.Now()) {
		t.Errorf("described user differs from what was created: %+v", got)
	}

	_, err = w.identity().UpdateUser(ctx, &identitystore.UpdateUserInput{
		IdentityStoreId: aws.String(storeID), UserId: id,
		Operations: []types.AttributeOperation{
			{AttributePath: aws.String("userName"), AttributeValue: document.NewLazyDocument("alice.b@example.com")},
			{AttributePath: aws.String("name.familyName"), AttributeValue: document.NewLazyDocument("Baker")},
			{AttributePath: aws.String("emails"), AttributeValue: document.NewLazyDocument([]any{map[string]any{"value": "alice.b@example.com"}})},
		},
	})
	w.wantCode("renaming", err, "")
	for attribute, value := range map[string]string{"userName": "alice.b@example.com", "emails.value": "Alice.B@example.com"} {
		found, err := w.identity().GetUserId(ctx, getUser(attribute, value))
		if *must(w, found, err).UserId != *id {
			t.Errorf("GetUserId by %s finds %s, want %s", attribute, *found.UserId, *id)
		}
	}
	_, err = w.identity().GetUserId(ctx, getUser("userName", "alice@example.com"))
	w.wantCode("the old name", err, "ResourceNotFoundException")

	_, err = w.identity().DeleteUser(ctx, &identitystore.DeleteUserInput{IdentityStoreId: aws.String(storeID), UserId: id})
	w.wantCode("deleting", err, "")
	_, err = w.identity().DescribeUser(ctx, &identitystore.DescribeUserInput{IdentityStoreId: aws.String(storeID), UserId: id})
	w.wantCode("describing the deleted user", err, "ResourceNotFoundException")
	if gone, ok := asNotFound(err); !ok || gone.ResourceType != types.ResourceTypeUser || *gone.ResourceId != *id {
		t.Errorf("the error names %+v, want the user", gone)
	}
}

func getUser(attribute, value string) *identitystore.GetUserIdInput {
	return &identitystore.GetUserIdInput{IdentityStoreId: aws.String(storeID), AlternateIdentifier: unique(attribute, value)}
}

func unique(attribute, value string) types.AlternateIdentifier {
	return &types.AlternateIdentifierMemberUniqueAttribute{Value: types.UniqueAttribute{
		AttributePath: &attribute, AttributeValue: document.NewLazyDocument(value),
	}}
}

func TestCreateUserRefuses(t *testing.T) {
	ctx := context.Background()
	w := newWorld(t, &localcloud.Cloud{})
	w.user("bob@example.com")
	rows := []struct {
		name string
		edit func(*identitystore.CreateUserInput)
		want string
	}{
		{"a name that is taken", func(in *identitystore.CreateUserInput) { in.UserName = aws.String("bob@example.com") }, "ConflictException"},
		{"a name with a space", func(in *identitystore.CreateUserInput) { in.UserName = aws.String("bob example") }, "ValidationException"},
		{"an empty name", func(in *identitystore.CreateUserInput) { in.UserName = aws.String("") }, "ValidationException"},
		{"a name of 129 characters", func(in *identitystore.CreateUserInput) { in.UserName = aws.String(strings.Repeat("ä", 129)) }, "ValidationException"},
		{"a reserved name", func(in *identitystore.CreateUserInput) { in.UserName = aws.String("Administrator") }, "ValidationException"},
		{"no display name", func(in *identitystore.CreateUserInput) { in.DisplayName = nil }, "ValidationException"},
		{"no family name", func(in *identitystore.CreateUserInput) { in.Name.FamilyName = nil }, "ValidationException"},
		{"a store that is not there", func(in *identitystore.CreateUserInput) { in.IdentityStoreId = aws.String("d-0000000000") }, "ResourceNotFoundException"},
		{"a store id that is none", func(in *identitystore.CreateUserInput) { in.IdentityStoreId = aws.String("null") }, "ValidationException"},
	}
	for _, row := range rows {
		in := newUser("carol@example.com")
		row.edit(in)
		_, err := w.identity().CreateUser(ctx, in)
		w.wantCode(row.name, err, row.want)
	}
	for _, name := range []string{strings.Repeat("ä", 128), "Bob@example.com", "王小明", "o'neil+x@example.com"} {
		_, err := w.identity().CreateUser(ctx, newUser(name))
		w.wantCode("the name "+name, err, "")
	}
}

func TestStoreOfAnotherAccountOrRegionIsNotFound(t *testing.T) {
	w := newWorld(t, &localcloud.Cloud{})
	id := w.user("alice@example.com")
	for name, config := range map[string]aws.Config{"account": w.as(member, home), "Region": w.as(account, "eu-west-1")} {
		_, err := identitystore.NewFromConfig(config).DescribeUser(context.Background(),
			&identitystore.DescribeUserInput{IdentityStoreId: aws.String(storeID), UserId: &id})
		gone, ok := asNotFound(err)
		if !ok || gone.ResourceType != types.ResourceTypeIdentityStore {
			t.Errorf("from another %s: got %v, want ResourceNotFoundException of IDENTITY_STORE", name, err)
		}
	}
}

func TestGroupLivesFromCreateToDelete(t *testing.T) {
	ctx := context.Background()
	w := newWorld(t, &localcloud.Cloud{})
	id := w.group("R&D (ML)")
	_, err := w.identity().CreateGroup(ctx, &identitystore.CreateGroupInput{IdentityStoreId: aws.String(storeID), DisplayName: aws.String("R&D (ML)")})
	w.wantCode("a display name that is taken", err, "ConflictException")
	_, err = w.identity().CreateGroup(ctx, &identitystore.CreateGroupInput{IdentityStoreId: aws.String(storeID), DisplayName: aws.String(strings.Repeat("x", 1025))})
	w.wantCode("a display name of 1025 characters", err, "ValidationException")

	_, err = w.identity().UpdateGroup(ctx, &identitystore.UpdateGroupInput{
		IdentityStoreId: aws.String(storeID), GroupId: &id,
		Operations: []types.AttributeOperation{{AttributePath: aws.String("displayName"), AttributeValue: document.NewLazyDocument("ml")}},
	})
	w.wantCode("renaming", err, "")
	found, err := w.identity().GetGroupId(ctx, &identitystore.GetGroupIdInput{IdentityStoreId: aws.String(storeID), AlternateIdentifier: unique("displayName", "ml")})
	if *must(w, found, err).GroupId != id {
		t.Errorf("GetGroupId gives %s, want %s", *found.GroupId, id)
	}
	_, err = w.identity().DeleteGroup(ctx, &identitystore.DeleteGroupInput{IdentityStoreId: aws.String(storeID), GroupId: &id})
	w.wantCode("deleting", err, "")
	_, err = w.identity().DescribeGroup(ctx, &identitystore.DescribeGroupInput{IdentityStoreId: aws.String(storeID), GroupId: &id})
	w.wantCode("describing the deleted group", err, "ResourceNotFoundException")
	list, err := w.identity().ListGroups(ctx, &identitystore.ListGroupsInput{IdentityStoreId: aws.String(storeID)})
	if len(must(w, list, err).Groups) != 0 {
		t.Errorf("the deleted group is still listed: %+v", list.Groups)
	}
}

func TestMembershipGoesWithUserAndGroup(t *testing.T) {
	ctx := context.Background()
	w := newWorld(t, &localcloud.Cloud{})
	alice, bob := w.user("alice@example.com"), w.user("bob@example.com")
	ml, ops := w.group("ml"), w.group("ops")
	id := w.join(ml, alice)
	w.join(ops, alice)
	w.join(ml, bob)

	_, err := w.identity().CreateGroupMembership(ctx, &identitystore.CreateGroupMembershipInput{
		IdentityStoreId: aws.String(storeID), GroupId: &ml, MemberId: memberID(alice),
	})
	w.wantCode("joining twice", err, "ConflictException")
	got, err := w.identity().GetGroupMembershipId(ctx, &identitystore.GetGroupMembershipIdInput{
		IdentityStoreId: aws.String(storeID), GroupId: &ml, MemberId: memberID(alice),
	})
	if *must(w, got, err).MembershipId != id {
		t.Errorf("GetGroupMembershipId gives %s, want %s", *got.MembershipId, id)
	}
	if got := w.memberOf(alice, ml, ops); !cmp.Equal(got, []bool{true, true}) {
		t.Errorf("alice is a member of ml and ops: got %v", got)
	}
	if got := w.memberOf(bob, ml, ops); !cmp.Equal(got, []bool{true, false}) {
		t.Errorf("bob is a member of ml only: got %v", got)
	}

	_, err = w.identity().DeleteGroupMembership(ctx, &identitystore.DeleteGroupMembershipInput{IdentityStoreId: aws.String(storeID), MembershipId: &id})
	w.wantCode("leaving ml", err, "")
	_, err = w.identity().DescribeGroupMembership(ctx, &identitystore.DescribeGroupMembershipInput{IdentityStoreId: aws.String(storeID), MembershipId: &id})
	w.wantCode("describing the ended membership", err, "ResourceNotFoundException")
	_, err = w.identity().DeleteGroup(ctx, &identitystore.DeleteGroupInput{IdentityStoreId: aws.String(storeID), GroupId: &ops})
	w.wantCode("deleting ops", err, "")
	left, err := w.identity().ListGroupMembershipsForMember(ctx, &identitystore.ListGroupMembershipsForMemberInput{
		IdentityStoreId: aws.String(storeID), MemberId: memberID(alice),
	})
	if len(must(w, left, err).GroupMemberships) != 0 {
		t.Errorf("alice is still a member: %+v", left.GroupMemberships)
	}
	_, err = w.identity().DeleteUser(ctx, &identitystore.DeleteUserInput{IdentityStoreId: aws.String(storeID), UserId: &bob})
	w.wantCode("deleting bob", err, "")
	members, err := w.identity().ListGroupMemberships(ctx, &identitystore.ListGroupMembershipsInput{IdentityStoreId: aws.String(storeID), GroupId: &ml})
	if len(must(w, members, err).GroupMemberships) != 0 {
		t.Errorf("ml still has members: %+v", members.GroupMemberships)
	}
}

func (w *world) memberOf(user string, groups ...string) []bool {
	w.t.Helper()
	out, err := w.identity().IsMemberInGroups(context.Background(), &identitystore.IsMemberInGroupsInput{
		IdentityStoreId: aws.String(storeID), MemberId: memberID(user), GroupIds: groups,
	})
	var answers []bool
	for _, r := range must(w, out, err).Results {
		answers = append(answers, r.MembershipExists)
	}
	return answers
}

func TestIsMemberInGroupsRefuses(t *testing.T) {
	w := newWorld(t, &localcloud.Cloud{})
	alice, ml := w.user("alice@example.com"), w.group("ml")
	many := make([]string, 101)
	for i := range many {
		many[i] = ml
	}
	rows := []struct {
		name   string
		groups []string
		want   string
	}{
		{"101 groups", many, "ValidationException"},
		{"no group", []string{}, "ValidationException"},
		{"a group that is not there", []string{ml, "906716eb24-11111111-2222-3333-4444-555555555555"}, "ResourceNotFoundException"},
		{"a group id that is none", []string{"ml"}, "ValidationException"},
	}
	for _, row := range rows {
		_, err := w.identity().IsMemberInGroups(context.Background(), &identitystore.IsMemberInGroupsInput{
			IdentityStoreId: aws.String(storeID), MemberId: memberID(alice), GroupIds: row.groups,
		})
		w.wantCode(row.name, err, row.want)
	}
}

func TestListsComeInPagesThatSurviveChanges(t *testing.T) {
	ctx := context.Background()
	w := newWorld(t, &localcloud.Cloud{})
	group := w.group("ml")
	var ids []string
	for i := range 7 {
		ids = append(ids, w.user(fmt.Sprintf("user%d@example.com", i)))
		w.join(group, ids[i])
	}
	first, err := w.identity().ListUsers(ctx, &identitystore.ListUsersInput{IdentityStoreId: aws.String(storeID), MaxResults: aws.Int32(3)})
	must(w, first, err)
	_, err = w.identity().DeleteUser(ctx, &identitystore.DeleteUserInput{IdentityStoreId: aws.String(storeID), UserId: &ids[2]})
	w.wantCode("deleting the last user of the first page", err, "")
	rest, err := w.identity().ListUsers(ctx, &identitystore.ListUsersInput{IdentityStoreId: aws.String(storeID), NextToken: first.NextToken})
	var got []string
	for _, u := range append(first.Users, must(w, rest, err).Users...) {
		got = append(got, *u.UserId)
	}
	if diff := cmp.Diff(ids, got); diff != "" {
		t.Errorf("both pages together (-want +got):\n%s", diff)
	}

	pages := identitystore.NewListGroupMembershipsPaginator(w.identity(), &identitystore.ListGroupMembershipsInput{
		IdentityStoreId: aws.String(storeID), GroupId: &group, MaxResults: aws.Int32(2),
	})
	count := 0
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		count += len(must(w, page, err).GroupMemberships)
	}
	if count != 6 {
		t.Errorf("paging through the group gives %d members, want 6", count)
	}
}

func TestListUsersRefuses(t *testing.T) {
	ctx := context.Background()
	w := newWorld(t, &localcloud.Cloud{})
	w.user("alice@example.com")
	w.user("bob@example.com")
	page, err := w.identity().ListUsers(ctx, &identitystore.ListUsersInput{IdentityStoreId: aws.String(storeID), MaxResults: aws.Int32(1)})
	token := must(w, page, err).NextToken
	rows := []struct {
		name string
		in   identitystore.ListUsersInput
		want string
	}{
		{"101 a page", identitystore.ListUsersInput{MaxResults: aws.Int32(101)}, "ValidationException"},
		{"0 a page", identitystore.ListUsersInput{MaxResults: aws.Int32(0)}, "ValidationException"},
		{"a token that is garbage", identitystore.ListUsersInput{NextToken: aws.String("garbage")}, "ValidationException"},
		{"an unknown filter", identitystore.ListUsersInput{Filters: []types.Filter{{AttributePath: aws.String("Nope"), AttributeValue: aws.String("x")}}}, "ValidationException"},
		{"the token of another list", identitystore.ListUsersInput{NextToken: token, Filters: []types.Filter{{AttributePath: aws.String("UserName"), AttributeValue: aws.String("x")}}}, "ValidationException"},
		{"its own token", identitystore.ListUsersInput{NextToken: token}, ""},
	}
	for _, row := range rows {
		row.in.IdentityStoreId = aws.String(storeID)
		_, err := w.identity().ListUsers(ctx, &row.in)
		w.wantCode(row.name, err, row.want)
	}
	only, err := w.identity().ListUsers(ctx, &identitystore.ListUsersInput{
		IdentityStoreId: aws.String(storeID),
		Filters:         []types.Filter{{AttributePath: aws.String("UserName"), AttributeValue: aws.String("bob@example.com")}},
	})
	if len(must(w, only, err).Users) != 1 {
		t.Errorf("the filter finds %d users, want bob alone", len(only.Users))
	}
}

func TestUpdateUserRefuses(t *testing.T) {
	w := newWorld(t, &localcloud.Cloud{})
	alice := w.user("alice@example.com")
	w.user("bob@example.com")
	rows := []struct {
		name, path string
		value      any
		want       string
	}{
		{"a name that is taken", "userName", "bob@example.com", "ConflictException"},
		{"a name of the wrong type", "userName", map[string]any{"a": "b"}, "ValidationException"},
		{"no name", "userName", nil, "ValidationException"},
		{"an attribute that is none", "shoeSize", "44", "ValidationException"},
		{"the status, which only the console changes", "userStatus", "DISABLED", "ValidationException"},
		{"the id", "userId", "x", "ValidationException"},
		{"its own name", "userName", "alice@example.com", ""},
	}
	for _, row := range rows {
		op := types.AttributeOperation{AttributePath: aws.String(row.path)}
		if row.value != nil {
			op.AttributeValue = document.NewLazyDocument(row.value)
		}
		_, err := w.identity().UpdateUser(context.Background(), &identitystore.UpdateUserInput{
			IdentityStoreId: aws.String(storeID), UserId: &alice, Operations: []types.AttributeOperation{op},
		})
		w.wantCode(row.name, err, row.want)
	}
}
