package localcloud_test

import (
	"context"
	"encoding/json"
	"errors"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/identitystore"
	"github.com/aws/aws-sdk-go-v2/service/identitystore/types"
	"github.com/google/go-cmp/cmp"

	"studiokeeper/internal/localcloud"
)

func asNotFound(err error) (*types.ResourceNotFoundException, bool) {
	return errors.AsType[*types.ResourceNotFoundException](err)
}

// trail is what event consumers rely on in every record, in order.
func (w *world) trail() []string {
	w.t.Helper()
	var lines []string
	for _, r := range w.cloud.Records(account, home) {
		parameters, err := json.Marshal(r.RequestParameters)
		if err != nil {
			w.t.Fatal(err)
		}
		line := r.EventSource + " " + r.EventName + " " + string(parameters)
		if r.ErrorCode != "" {
			line += " " + r.ErrorCode
		}
		lines = append(lines, line)
	}
	return lines
}

func TestEveryDoorWritesItsOwnRecords(t *testing.T) {
	const (
		alice = "04c8e458-a021-702e-f9d1-7f430ff2c752"
		ml    = "14f83478-a061-708f-8de4-a3a2b99e9d89"
	)
	ctx := context.Background()
	w := newWorld(t, &localcloud.Cloud{})
	console := w.cloud.Console(account, home, storeID)
	check := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	check(console.SeedUser(alice, localcloud.Person{UserName: "alice@example.com"}))
	check(console.SeedGroup(ml, "ml"))
	check(console.AddMemberToGroup(ml, alice))
	check(console.DisableUser(alice))
	check(console.RemoveMemberFromGroup(ml, alice))
	if err := console.RemoveMemberFromGroup(ml, alice); err == nil {
		t.Error("removing a member twice succeeded")
	}
	membership := w.join(ml, alice)
	_, err := w.identity().DeleteGroupMembership(ctx, &identitystore.DeleteGroupMembershipInput{IdentityStoreId: aws.String(storeID), MembershipId: &membership})
	check(err)
	_, err = w.identity().DescribeUser(ctx, &identitystore.DescribeUserInput{IdentityStoreId: aws.String(storeID), UserId: aws.String(alice)})
	check(err)
	w.group("secret name")

	const store = `"identityStoreId":"` + storeID + `"`
	want := []string{
		`sso-directory.amazonaws.com AddMemberToGroup {"groupId":"` + ml + `",` + store + `,"member":{"memberId":"` + alice + `"}}`,
		`sso-directory.amazonaws.com DisableUser {` + store + `,"userId":"` + alice + `"}`,
		`sso-directory.amazonaws.com RemoveMemberFromGroup {"groupId":"` + ml + `",` + store + `,"member":{"memberId":"` + alice + `"}}`,
		`sso-directory.amazonaws.com RemoveMemberFromGroup {"groupId":"` + ml + `",` + store + `,"member":{"memberId":"` + alice + `"}} ResourceNotFoundException`,
		`identitystore.amazonaws.com CreateGroupMembership {"groupId":"` + ml + `",` + store + `,"memberId":{"userId":"` + alice + `"}}`,
		`identitystore.amazonaws.com DeleteGroupMembership {` + store + `,"membershipId":"` + membership + `"}`,
		`identitystore.amazonaws.com CreateGroup {"displayName":"HIDDEN_DUE_TO_SECURITY_REASONS",` + store + `}`,
	}
	if diff := cmp.Diff(want, w.trail()); diff != "" {
		t.Errorf("records (-want +got):\n%s", diff)
	}
}

func TestDisabledUserStaysMember(t *testing.T) {
	w := newWorld(t, &localcloud.Cloud{})
	alice, ml := w.user("alice@example.com"), w.group("ml")
	w.join(ml, alice)
	console := w.cloud.Console(account, home, storeID)
	for _, want := range []types.UserStatus{types.UserStatusDisabled, types.UserStatusEnabled} {
		change := console.DisableUser
		if want == types.UserStatusEnabled {
			change = console.EnableUser
		}
		if err := change(alice); err != nil {
			t.Fatal(err)
		}
		got, err := w.identity().DescribeUser(context.Background(), &identitystore.DescribeUserInput{IdentityStoreId: aws.String(storeID), UserId: &alice})
		if must(w, got, err).UserStatus != want {
			t.Errorf("status is %s, want %s", got.UserStatus, want)
		}
		if got := w.memberOf(alice, ml); !cmp.Equal(got, []bool{true}) {
			t.Errorf("a user who is %s is no member any more", want)
		}
	}
}

func TestConsoleRenamesAndDeletes(t *testing.T) {
	w := newWorld(t, &localcloud.Cloud{})
	console := w.cloud.Console(account, home, storeID)
	alice, err := console.CreateUser(localcloud.Person{UserName: "alice@example.com", Email: "alice@example.com"})
	must(w, alice, err)
	ml, err := console.CreateGroup("ml")
	must(w, ml, err)
	for what, err := range map[string]error{
		"renaming alice": console.UpdateUser(alice, localcloud.Person{UserName: "alice.b@example.com"}),
		"renaming ml":    console.UpdateGroup(ml, "machine learning"),
	} {
		w.wantCode(what, err, "")
	}
	found, err := w.identity().GetUserId(context.Background(), getUser("userName", "alice.b@example.com"))
	if *must(w, found, err).UserId != alice {
		t.Errorf("the new name finds %s, want %s", *found.UserId, alice)
	}
	if _, err := console.CreateGroup("machine learning"); err == nil {
		t.Error("a second group with the new name was created")
	}
	w.wantCode("deleting the group", console.DeleteGroup(ml), "")
	w.wantCode("deleting alice", console.DeleteUser(alice), "")
	if err := console.DeleteUser(alice); err == nil {
		t.Error("deleting alice twice succeeded")
	}
	if err := w.cloud.Console(account, home, "d-0000000000").DeleteUser(alice); err == nil {
		t.Error("an identity store that is not there was changed")
	}
}

func TestRecordHasCloudTrailsShape(t *testing.T) {
	w := newWorld(t, &localcloud.Cloud{})
	alice := w.user("alice@example.com")
	encoded, err := json.Marshal(w.cloud.Records(account, home)[0])
	must(w, encoded, err)
	var got map[string]any
	if err := json.Unmarshal(encoded, &got); err != nil {
		t.Fatal(err)
	}
	for _, random := range []string{"eventID", "requestID", "userAgent"} {
		if got[random] == "" || got[random] == nil {
			t.Errorf("%s is empty", random)
		}
		delete(got, random)
	}
	want := map[string]any{
		"eventVersion": "1.11", "eventTime": "2026-03-01T09:00:00Z", "eventSource": "identitystore.amazonaws.com", "eventName": "CreateUser",
		"awsRegion": home, "sourceIPAddress": "127.0.0.1", "readOnly": false, "eventType": "AwsApiCall", "managementEvent": true,
		"recipientAccountId": account, "eventCategory": "Management",
		"userIdentity": map[string]any{
			"type": "IAMUser", "principalId": account, "arn": "arn:aws:iam::" + account + ":user/" + account,
			"accountId": account, "accessKeyId": account, "userName": account,
		},
		"requestParameters": map[string]any{
			"identityStoreId": storeID, "userName": "HIDDEN_DUE_TO_SECURITY_REASONS", "displayName": "HIDDEN_DUE_TO_SECURITY_REASONS",
			"name": map[string]any{"givenName": "HIDDEN_DUE_TO_SECURITY_REASONS", "familyName": "HIDDEN_DUE_TO_SECURITY_REASONS"},
		},
		"responseElements": map[string]any{
			"identityStoreId": storeID, "userId": alice, "userArn": "arn:aws:identitystore:::user/" + alice, "revision": "1",
		},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("record (-want +got):\n%s", diff)
	}
}
