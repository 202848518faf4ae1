package plan_test

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"

	"studiokeeper/internal/plan"
	"studiokeeper/internal/studio"
)

func document() plan.Document {
	person := plan.Person{User: alice, Matches: []plan.Match{{Row: row("a", roleA, 100)}}}
	changes, _ := policy().Plan(person)
	return plan.Document{
		Version: plan.DocumentVersion, Deployment: "prod", StoreID: store, Made: time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC), Config: "c", Mapping: "m",
		Domains: []plan.DomainPlan{{Domain: "research", DomainID: "d-x", Mode: "enforce", People: []plan.PersonPlan{
			{UserID: alice.ID, UserName: alice.UserName, Changes: changes, Basis: person.Basis()},
		}}},
	}.Sealed()
}

func TestSavedPlanComesBackAsItWas(t *testing.T) {
	text, err := json.Marshal(document())
	if err != nil {
		t.Fatal(err)
	}
	back, err := plan.ParseDocument(text)
	if err != nil || back.Digest != document().Digest {
		t.Errorf("%+v, %v", back, err)
	}
}

func TestSavedPlanThatIsNotAsItWasSavedIsRefused(t *testing.T) {
	text, _ := json.Marshal(document())
	for what, edit := range map[string][2]string{
		"another role":       {roleA, roleB},
		"another deployment": {`"prod"`, `"test"`},
		"a newer version":    {`"version":1`, `"version":2`},
		"an unknown field":   {`"version":1`, `"version":1,"more":1`},
		"no JSON":            {`{`, ``},
		"more behind it":     {`"}`, `"}{}`},
	} {
		edited := strings.Replace(string(text), edit[0], edit[1], 1)
		if what == "more behind it" {
			edited = string(text) + "{}"
		}
		if _, err := plan.ParseDocument([]byte(edited)); !errors.Is(err, plan.ErrDocument) {
			t.Errorf("%s: %v", what, err)
		}
	}
}

func TestBasisTellsWhatAPlanRestsOn(t *testing.T) {
	base := func() plan.Person {
		return plan.Person{User: alice, Matches: []plan.Match{{Row: row("a", roleA, 100)}, {Row: row("b", roleB, 50)}}, Profiles: []studio.Profile{profile()}}
	}
	first := base()
	want := first.Basis()
	for what, edit := range map[string]func(p *plan.Person){
		"user disabled":     func(p *plan.Person) { p.User.Status = studio.Disabled },
		"left a group":      func(p *plan.Person) { p.Matches = p.Matches[1:] },
		"row's role":        func(p *plan.Person) { p.Matches[0].Row.Role = roleB },
		"row's priority":    func(p *plan.Person) { p.Matches[0].Row.Priority = 1 },
		"row unreadable":    func(p *plan.Person) { p.Matches[0].Row.Unreadable = "x" },
		"profile's role":    func(p *plan.Person) { p.Profiles[0].Role = "x" },
		"profile's setting": func(p *plan.Person) { p.Profiles[0].Settings = `{"a":1}` },
		"profile's tag":     func(p *plan.Person) { p.Profiles[0].Tags[studio.TagLeaving] = "2026-01-01T00:00:00Z" },
		"no profile":        func(p *plan.Person) { p.Profiles = nil },
	} {
		p := base()
		edit(&p)
		if p.Basis() == want {
			t.Errorf("%s makes no difference", what)
		}
	}
	for what, edit := range map[string]func(p *plan.Person){
		"order of rows":       func(p *plan.Person) { p.Matches[0], p.Matches[1] = p.Matches[1], p.Matches[0] },
		"somebody else's tag": func(p *plan.Person) { p.Profiles[0].Tags["team"] = "x" },
		"where a row stands":  func(p *plan.Person) { p.Matches[0].Row.Source = "line 7" },
	} {
		p := base()
		edit(&p)
		if p.Basis() != want {
			t.Errorf("%s makes a difference", what)
		}
	}
}

func TestDigestOfChangesLeavesTheTimeOut(t *testing.T) {
	leaver := plan.Person{User: studio.User{ID: alice.ID, UserName: alice.UserName, Status: studio.Disabled}, Profiles: []studio.Profile{profile()}}
	at := func(day int) string {
		changes, _ := policy(func(p *plan.Policy) { p.Now = time.Date(2026, 3, day, 0, 0, 0, 0, time.UTC) }).Plan(leaver)
		return plan.Digest(changes)
	}
	if at(1) != at(2) {
		t.Error("a day makes a difference")
	}
	if at(1) == plan.Digest(nil) {
		t.Error("leaving makes none")
	}
}
