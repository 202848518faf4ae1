package event_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"studiokeeper/internal/event"
)

const hidden = "HIDDEN_DUE_TO_SECURITY_REASONS"

// record writes a CloudTrail record; source is given without ".amazonaws.com".
func record(source, name, requestParameters string) string {
	return fmt.Sprintf(`{"eventSource":"%s.amazonaws.com","eventName":%q,"eventID":"e1","requestParameters":%s}`,
		source, name, requestParameters)
}

func TestHiddenIdsWidenTheLook(t *testing.T) {
	for name, row := range map[string]struct {
		body string
		want []event.Look
	}{
		"the user of a membership is hidden": {
			record("sso-directory", "AddMemberToGroup", `{"groupId":"g1","member":{"memberId":"`+hidden+`"}}`), group("", "g1")},
		"the object around the user is hidden": {
			record("identitystore", "CreateGroupMembership", `{"groupId":"g1","memberId":"`+hidden+`"}`), group("", "g1")},
		"the group of a membership is hidden": {
			record("sso-directory", "AddMemberToGroup", `{"groupId":"`+hidden+`","member":{"memberId":"u1"}}`), user("", "u1")},
		"group and user are hidden": {
			record("sso-directory", "RemoveMemberFromGroup", `{"groupId":"`+hidden+`","memberId":"`+hidden+`"}`), everybody("")},
		"all parameters are hidden": {
			record("sso-directory", "UpdateUser", `"`+hidden+`"`), everybody("")},
		"a patched group is hidden": {
			record("identitystore-scim", "PatchGroup", `{"id":"`+hidden+`"}`), everybody("")},
		"the identity store is hidden": {
			record("sso-directory", "DisableUser", `{"identityStoreId":"`+hidden+`","userId":"u1"}`), user("", "u1")},
		"a Studio profile's name is hidden": {
			record("sagemaker", "DeleteUserProfile", `{"domainId":"d-1","userProfileName":"`+hidden+`"}`), everybody("")},
		"a created group has no id": {
			record("identitystore-scim", "CreateGroup", `{}`), everybody("")},
		"a console call of unknown shape says nothing": {
			record("sso-directory", "UpdateUserName", `{"user":7}`), everybody("")},
		"a console call of unknown shape says whom": {
			record("sso-directory", "UpdateGroupDisplayName", `{"groupId":"g1"}`), group("", "g1")},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := event.Parse([]byte(row.body))
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(row.want, withoutTrigger(got)); diff != "" {
				t.Errorf("looks (-want +got):\n%s", diff)
			}
		})
	}
}

func TestRecordsThatAreIgnoredWhateverTheyHold(t *testing.T) {
	for name, body := range map[string]string{
		"failed, parameters of the wrong type": `{"eventSource":"sso-directory.amazonaws.com","eventName":"UpdateUser","errorCode":"AccessDenied","requestParameters":[]}`,
		"failed with a code that is no string": `{"eventSource":"sso-directory.amazonaws.com","eventName":"UpdateUser","errorCode":500,"requestParameters":{"userId":"u1"}}`,
		"read-only":                            `{"eventSource":"sso-directory.amazonaws.com","eventName":"UpdateUser","readOnly":true,"requestParameters":{"userId":"u1"}}`,
		"a source that only looks alike":       record("sso-directory.evil", "AddMemberToGroup", `{}`),
		"a name in another case":               record("sso-directory", "addMemberToGroup", `{}`),
		"a name of another door":               record("identitystore", "AddMemberToGroup", `{}`),
	} {
		t.Run(name, func(t *testing.T) {
			got, err := event.Parse([]byte(body))
			if err != nil || len(got) != 0 {
				t.Errorf("got %v, %v; want nothing", got, err)
			}
		})
	}
}

func TestACallThatDidNotFailIsLookedAt(t *testing.T) {
	for name, code := range map[string]string{"a null code": `null`, "an empty code": `""`} {
		t.Run(name, func(t *testing.T) {
			body := strings.Replace(record("sso-directory", "UpdateUser", `{"userId":"u1"}`), "{", `{"errorCode":`+code+`,`, 1)
			got, err := event.Parse([]byte(body))
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(user("", "u1"), withoutTrigger(got)); diff != "" {
				t.Errorf("looks (-want +got):\n%s", diff)
			}
		})
	}
}

func TestAMalformedRecordIsNamed(t *testing.T) {
	long := strings.Repeat("a", 48)
	for name, row := range map[string]struct{ body, want string }{
		"no group": {record("sso-directory", "AddMemberToGroup", `{"member":{"memberId":"u1"}}`),
			"event e1 AddMemberToGroup (sso-directory.amazonaws.com): requestParameters.groupId is missing"},
		"an empty group": {record("sso-directory", "AddMemberToGroup", `{"groupId":"","member":{"memberId":"u1"}}`),
			"event e1 AddMemberToGroup (sso-directory.amazonaws.com): requestParameters.groupId is missing"},
		"no user": {record("sso-directory", "AddMemberToGroup", `{"groupId":"g1"}`),
			"event e1 AddMemberToGroup (sso-directory.amazonaws.com): requestParameters.member.memberId is missing"},
		"a user of the wrong type": {record("identitystore", "CreateGroupMembership", `{"groupId":"g1","memberId":{"userId":[]}}`),
			"event e1 CreateGroupMembership (identitystore.amazonaws.com): requestParameters.memberId.userId is an array, want a string"},
		"a group of the wrong type": {record("sso-directory", "DeleteGroup", `{"groupId":12}`),
			"event e1 DeleteGroup (sso-directory.amazonaws.com): requestParameters.groupId is a number, want a string"},
		"null parameters": {record("identitystore-scim", "PatchUser", `null`),
			"event e1 PatchUser (identitystore-scim.amazonaws.com): requestParameters.id is missing"},
		"parameters of the wrong type": {record("identitystore", "DeleteGroupMembership", `["x"]`),
			"event e1 DeleteGroupMembership (identitystore.amazonaws.com): requestParameters is an array, want an object"},
		"a store of the wrong type": {record("identitystore", "DeleteUser", `{"identityStoreId":true,"userId":"u1"}`),
			"event e1 DeleteUser (identitystore.amazonaws.com): requestParameters.identityStoreId is a boolean, want a string"},
		"an id that is too long": {record("sso-directory", "EnableUser", `{"userId":"`+long+`"}`),
			"event e1 EnableUser (sso-directory.amazonaws.com): requestParameters.userId is longer than 47 characters"},
		"an id with a line break": {record("sso-directory", "EnableUser", `{"userId":"a\nb"}`),
			"event e1 EnableUser (sso-directory.amazonaws.com): requestParameters.userId holds a space or a character that cannot be printed"},
		"an id with half a character": {record("sso-directory", "EnableUser", `{"userId":"a\ud800"}`),
			"event e1 EnableUser (sso-directory.amazonaws.com): requestParameters.userId holds a space or a character that cannot be printed"},
		"an id that turns text around": {record("sso-directory", "EnableUser", `{"userId":"a\u202eb"}`),
			"event e1 EnableUser (sso-directory.amazonaws.com): requestParameters.userId holds a space or a character that cannot be printed"},
		"a profile without a domain": {record("sagemaker", "CreateUserProfile", `{"userProfileName":"alice"}`),
			"event e1 CreateUserProfile (sagemaker.amazonaws.com): requestParameters.domainId is missing"},
		"a profile without a name": {record("sagemaker", "CreateUserProfile", `{"domainId":"d-1"}`),
			"event e1 CreateUserProfile (sagemaker.amazonaws.com): requestParameters.userProfileName is missing"},
		"a created group whose id is malformed": {
			`{"eventSource":"identitystore-scim.amazonaws.com","eventName":"CreateGroup","responseElements":{"id":"a b"}}`,
			"event without an id CreateGroup (identitystore-scim.amazonaws.com): responseElements.id holds a space or a character that cannot be printed"},
		"no source": {`{"eventName":"AddMemberToGroup"}`, "CloudTrail record: eventSource is missing"},
		"no name": {`{"eventSource":"sso-directory.amazonaws.com"}`,
			`CloudTrail record of "sso-directory.amazonaws.com": eventName is missing`},
		"a source of the wrong type": {`{"eventSource":{},"eventName":"AddMemberToGroup"}`,
			"CloudTrail record: eventSource is an object, want a string"},
	} {
		t.Run(name, func(t *testing.T) { wantError(t, row.body, row.want) })
	}
}

func wantError(t *testing.T, body, want string) {
	t.Helper()
	got, err := event.Parse([]byte(body))
	if err == nil || len(got) != 0 {
		t.Fatalf("got %v, %v; want an error alone", got, err)
	}
	if diff := cmp.Diff(want, err.Error()); diff != "" {
		t.Errorf("error (-want +got):\n%s", diff)
	}
}

// Whatever is let in at a door is looked at: the rules are made from the same table as the parser.
func TestEveryDoorIsOpen(t *testing.T) {
	parameters := `{"groupId":"i1","userId":"i1","id":"i1","memberId":"i1","domainId":"i1","userProfileName":"i1"}`
	seen := map[string]bool{}
	for _, door := range event.Doors() {
		if seen[door.Source] || len(door.Names) == 0 {
			t.Errorf("door %s is there twice or has no names", door.Source)
		}
		seen[door.Source] = true
		source := strings.TrimSuffix(door.Source, ".amazonaws.com")
		for _, name := range door.Names {
			looks, err := event.Parse([]byte(record(source, name, parameters)))
			if err != nil || len(looks) != 1 {
				t.Errorf("%s of %s: got %v, %v; want one look", name, door.Source, looks, err)
			}
		}
	}
	for _, source := range []string{"sso-directory", "identitystore", "identitystore-scim", "sagemaker"} {
		if !seen[source+".amazonaws.com"] {
			t.Errorf("no door for %s", source)
		}
	}
}

func TestEveryDetailTypeIsOpened(t *testing.T) {
	inner := record("sso-directory", "UpdateUser", `{"userId":"u1"}`)
	for _, kind := range event.DetailTypes() {
		looks, err := event.Parse([]byte(`{"detail-type":"` + kind + `","detail":` + inner + `}`))
		if err != nil || len(looks) != 1 {
			t.Errorf("%s: got %v, %v; want one look", kind, looks, err)
		}
	}
}
