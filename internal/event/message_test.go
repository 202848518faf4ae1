package event_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"studiokeeper/internal/event"
)

func TestAMessageLooksAsDocumented(t *testing.T) {
	l := event.Look{
		Scope: event.User, StoreID: store, UserID: userID, Domain: "research", Sequence: 7, Attempt: 1,
		Expect: &event.Expect{GroupID: groupID, Member: false},
		Trigger: event.Trigger{ID: "e1", Name: "RemoveMemberFromGroup", Source: "sso-directory.amazonaws.com",
			Time: time.Date(2026, 3, 2, 10, 15, 30, 0, time.FixedZone("CET", 3600))},
	}
	want := `{"studiokeeper":{"version":1,"scope":"user","storeId":"d-906716eb24","userId":"04c8e458-a021-702e-f9d1-7f430ff2c752",` +
		`"domain":"research","expect":{"groupId":"14f83478-a061-708f-8de4-a3a2b99e9d89","member":false},"sequence":7,"attempt":1,` +
		`"trigger":{"id":"e1","name":"RemoveMemberFromGroup","source":"sso-directory.amazonaws.com","time":"2026-03-02T09:15:30Z"}}}`
	if diff := cmp.Diff(want, string(l.Message())); diff != "" {
		t.Errorf("message (-want +got):\n%s", diff)
	}
}

func TestAMessageIsNoProofThatAPersonSentIt(t *testing.T) {
	sent := event.Look{Scope: event.User, UserID: userID, Trigger: event.Trigger{Source: event.SourcePerson, ID: "arn:aws:iam::111122223333:user/carol", Name: "apply"}}
	got, err := event.Parse(sent.Message())
	if err != nil || len(got) != 1 {
		t.Fatalf("got %v, %v", got, err)
	}
	sent.Trigger.Source = ""
	if diff := cmp.Diff(sent, got[0]); diff != "" {
		t.Error(diff)
	}
}

func TestAMessageCarriesTheWholeLook(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		want := anyLook().Draw(t, "look")
		got, err := event.Parse(want.Message())
		if err != nil {
			t.Fatalf("%s: %v", want.Message(), err)
		}
		if diff := cmp.Diff([]event.Look{want}, got); diff != "" {
			t.Errorf("looks (-sent +received):\n%s", diff)
		}
	})
}

// anyLook draws every valid look, fields that its scope does not need included.
func anyLook() *rapid.Generator[event.Look] {
	id := rapid.StringMatching(`[0-9a-zA-Zé"<&>\\_.:@-]{1,47}`)
	maybe := func(g *rapid.Generator[string]) *rapid.Generator[string] { return rapid.OneOf(rapid.Just(""), g) }
	text := rapid.StringMatching(`[\pL\pN\pP\pS \t\n]{1,60}`)
	label := rapid.StringMatching(`[\pL\pN\pP\pS ]{1,60}`)
	return rapid.Custom(func(t *rapid.T) event.Look {
		l := event.Look{
			Scope:     rapid.SampledFrom([]event.Scope{event.User, event.Group, event.Profile, event.Everybody}).Draw(t, "scope"),
			StoreID:   maybe(id).Draw(t, "store"),
			UserID:    maybe(id).Draw(t, "user"),
			GroupID:   maybe(id).Draw(t, "group"),
			GroupName: maybe(text).Draw(t, "group name"),
			Domain:    maybe(text).Draw(t, "domain"),
			Sequence:  rapid.Int64Min(0).Draw(t, "sequence"),
			Attempt:   rapid.IntMin(0).Draw(t, "attempt"),
			Deep:      rapid.Bool().Draw(t, "deep"),
			Trigger:   event.Trigger{ID: maybe(label).Draw(t, "id"), Name: maybe(label).Draw(t, "name")},
		}
		switch l.Scope {
		case event.User:
			l.UserID = id.Draw(t, "user")
		case event.Group:
			l.GroupName = text.Draw(t, "group name")
		case event.Profile:
			l.DomainID, l.Profile = id.Draw(t, "domain id"), id.Draw(t, "profile")
		}
		if rapid.Bool().Draw(t, "expects") {
			l.Expect = &event.Expect{GroupID: id.Draw(t, "expected group"), Member: rapid.Bool().Draw(t, "member")}
		}
		if rapid.Bool().Draw(t, "dated") {
			l.Trigger.Time = time.Unix(rapid.Int64Range(-6e10, 2.5e11).Draw(t, "seconds"), rapid.Int64Range(0, 999999999).Draw(t, "ns")).UTC()
		}
		return l
	})
}

func TestATimeThatJSONCannotHoldIsLeftOut(t *testing.T) {
	l := event.Look{Scope: event.Everybody, Trigger: event.Trigger{Time: time.Date(20000, 1, 1, 0, 0, 0, 0, time.UTC)}}
	got, err := event.Parse(l.Message())
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(everybody(""), got); diff != "" {
		t.Errorf("looks (-want +got):\n%s", diff)
	}
}

func TestAMalformedMessageIsNamed(t *testing.T) {
	for name, row := range map[string]struct{ message, want string }{
		"another version": {`{"version":2,"scope":"user","whom":"alice"}`,
			"studiokeeper message: version is 2, but this program reads version 1 only: " +
				"it comes from another release, redrive it once the releases agree"},
		"no version": {`{"scope":"everybody"}`,
			"studiokeeper message: version is 0, but this program reads version 1 only: " +
				"it comes from another release, redrive it once the releases agree"},
		"a misspelt field":          {`{"version":1,"scope":"everybody","depp":true}`, `studiokeeper message: json: unknown field "depp"`},
		"an unknown scope":          {`{"version":1,"scope":"all"}`, `studiokeeper message: scope is "all", want user, profile, group, signin or everybody`},
		"a user nobody names":       {`{"version":1,"scope":"user"}`, "studiokeeper message: scope user needs userId"},
		"a group nobody names":      {`{"version":1,"scope":"group"}`, "studiokeeper message: scope group needs groupId or groupName"},
		"half a profile":            {`{"version":1,"scope":"profile","profile":"alice"}`, "studiokeeper message: scope profile needs domainId and profile"},
		"a user id with a space":    {`{"version":1,"scope":"user","userId":"a b"}`, "studiokeeper message: userId holds a space or a character that cannot be printed"},
		"a domain with an escape":   {`{"version":1,"scope":"everybody","domain":"\u001b[2J"}`, "studiokeeper message: domain holds a control character"},
		"an expectation of nothing": {`{"version":1,"scope":"user","userId":"u1","expect":{}}`, "studiokeeper message: expect needs groupId"},
		"a trigger of two lines":    {`{"version":1,"scope":"everybody","trigger":{"id":"a\nb"}}`, "studiokeeper message: trigger.id holds a control character"},
		"a negative sequence":       {`{"version":1,"scope":"everybody","sequence":-1}`, "studiokeeper message: sequence, attempt and tries must not be negative"},
	} {
		t.Run(name, func(t *testing.T) { wantError(t, `{"studiokeeper":`+row.message+`}`, row.want) })
	}
}

func TestAMessageOfTheWrongShapeIsAnError(t *testing.T) {
	for _, message := range []string{`null`, `[]`, `"x"`, `{"version":"1"}`, `{"version":1,"scope":7}`,
		`{"version":1,"scope":"everybody","trigger":{"time":"soon"}}`, `{"version":1,"scope":"everybody","sequence":1.5}`} {
		looks, err := event.Parse([]byte(`{"studiokeeper":` + message + `}`))
		if err == nil || len(looks) != 0 {
			t.Errorf("%s: got %v, %v; want an error alone", message, looks, err)
		}
	}
}
