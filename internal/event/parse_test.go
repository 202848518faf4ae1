package event_test

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"studiokeeper/internal/event"
)

const (
	store   = "d-906716eb24"
	groupID = "14f83478-a061-708f-8de4-a3a2b99e9d89"
	userID  = "04c8e458-a021-702e-f9d1-7f430ff2c752"
	longID  = "906716eb24-2f5bd2d0-7e6b-4b4c-9b1a-6d0b9c1f2a33"
	domain  = "d-abcdefghijkl"
	profile = "alice-example-com-042"
)

func read(t testing.TB, name string) []byte {
	t.Helper()
	body, err := os.ReadFile(filepath.Join("testdata", name+".json"))
	if err != nil {
		t.Fatal(err)
	}
	return body
}

// withoutTrigger leaves what the tables below are about.
func withoutTrigger(looks []event.Look) []event.Look {
	var bare []event.Look
	for _, l := range looks {
		l.Trigger = event.Trigger{}
		bare = append(bare, l)
	}
	return bare
}

func user(store, id string) []event.Look {
	return []event.Look{{Scope: event.User, StoreID: store, UserID: id}}
}

func userExpecting(id string, member bool) []event.Look {
	looks := user(store, id)
	looks[0].Expect = &event.Expect{GroupID: groupID, Member: member}
	return looks
}

func group(store, id string) []event.Look {
	return []event.Look{{Scope: event.Group, StoreID: store, GroupID: id}}
}

func everybody(store string) []event.Look {
	return []event.Look{{Scope: event.Everybody, StoreID: store}}
}

func studioProfile() []event.Look {
	return []event.Look{{Scope: event.Profile, DomainID: domain, Profile: profile}}
}

func TestEveryDoorSaysWhomToLookAt(t *testing.T) {
	deep := []event.Look{{Scope: event.Everybody, Deep: true}}
	for file, want := range map[string][]event.Look{
		"okta-add-member-bare":         userExpecting(userID, true),
		"okta-add-member":              userExpecting(userID, true),
		"console-remove-member":        userExpecting(userID, false),
		"console-remove-member-nested": userExpecting(longID, false),
		"console-add-member-hidden":    group(store, groupID),
		"console-disable-user":         user(store, userID),
		"console-update-user":          user(store, userID),
		"console-create-group":         group(store, groupID),
		"console-rename-group":         group(store, groupID),

		"api-create-membership": userExpecting(userID, true),
		"api-delete-membership": everybody(store),
		"api-delete-user":       user(store, userID),
		"api-update-user":       user(store, userID),
		"api-create-group":      group(store, groupID),
		"api-update-group":      group(store, groupID),
		"api-delete-group":      group(store, groupID),

		"scim-patch-group":                   group("", groupID),
		"scim-create-group":                  group("", groupID),
		"scim-create-group-without-response": everybody(""),
		"scim-delete-group":                  group("", groupID),
		"scim-patch-user":                    user("", userID),
		"scim-put-user":                      user("", userID),
		"scim-delete-user":                   user("", userID),

		"sagemaker-create-user-profile": studioProfile(),
		"sagemaker-update-user-profile": studioProfile(),
		"sagemaker-delete-user-profile": studioProfile(),

		"schedule-rule":           everybody(""),
		"schedule-rule-deep":      deep,
		"schedule-scheduler":      everybody(""),
		"schedule-constant-input": deep,
	} {
		t.Run(file, func(t *testing.T) {
			got, err := event.Parse(read(t, file))
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(want, withoutTrigger(got)); diff != "" {
				t.Errorf("looks (-want +got):\n%s", diff)
			}
		})
	}
}

func TestEventsThatConcernNobodyAreNoError(t *testing.T) {
	for file, because := range map[string]string{
		"api-create-membership-failed": "the call failed",
		"scim-patch-group-failed":      "the call failed",
		"api-describe-user":            "the call only reads",
		"scim-create-user":             "a new user is in no group",
		"sagemaker-create-app":         "an app can do no more than its profile",
		"quicksight-create-membership": "the event name belongs to another service",
		"ec2-state-change":             "the event is about something else",
	} {
		t.Run(file, func(t *testing.T) {
			got, err := event.Parse(read(t, file))
			if err != nil || len(got) != 0 {
				t.Errorf("got %v, %v; want nothing, because %s", got, err, because)
			}
		})
	}
}

func TestATriggerIsKeptForTheJournal(t *testing.T) {
	for file, want := range map[string]event.Trigger{
		"okta-add-member": {
			ID: "c2c0873b-5c49-404c-add7-f10d4a6bd40c", Name: "AddMemberToGroup", Source: "sso-directory.amazonaws.com",
			Time: time.Date(2022, 9, 26, 22, 24, 18, 0, time.UTC),
		},
		"schedule-rule": {
			ID: "53dc4d37-cffa-4f76-80c9-8b7d4a4d2eaa", Name: "Scheduled Event", Source: "aws.events",
			Time: time.Date(2026, 3, 2, 3, 0, 0, 0, time.UTC),
		},
	} {
		t.Run(file, func(t *testing.T) {
			got, err := event.Parse(read(t, file))
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(want, got[0].Trigger); diff != "" {
				t.Errorf("trigger (-want +got):\n%s", diff)
			}
		})
	}
}

func TestATriggerNobodyCanUseIsLeftOut(t *testing.T) {
	want := user("", userID)
	want[0].Trigger = event.Trigger{Name: "EnableUser", Source: "sso-directory.amazonaws.com"}
	for _, id := range []string{`["x"]`, `"a\nb"`, `null`} {
		body := `{"eventSource":"sso-directory.amazonaws.com","eventName":"EnableUser","eventID":` + id + `,"eventTime":"xxxx",` +
			`"requestParameters":{"userId":"` + userID + `"}}`
		got, err := event.Parse([]byte(body))
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("event id %s: looks (-want +got):\n%s", id, diff)
		}
	}
}
