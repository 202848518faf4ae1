package plan_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"studiokeeper/internal/plan"
	"studiokeeper/internal/studio"
)

// Alice has role a through group a since ten, and had everything at eleven. What
// an update of hers comes of depends on what was edited then and later.
func TestWhatAnUpdateComesOf(t *testing.T) {
	ten, eleven := noon.Add(-2*time.Hour), noon.Add(-time.Hour)
	old := plan.Edit{Rights: ten, Rank: ten}
	anew, other, ranked := plan.Edit{Rights: noon, Rank: noon}, plan.Edit{Rights: noon, Rank: ten}, plan.Edit{Rights: ten, Rank: noon}
	gone := plan.Edit{Rights: ten, Rank: ten, Gone: noon}
	derived := func(r *studio.Row) *studio.Row { r.Rule = "studio-*"; return r }
	type edits = map[string]plan.Edit
	tests := map[string]struct {
		rows []*studio.Row
		when edits
		have func(*studio.Profile)
		want string // what the reason names; "" for no edit
	}{
		"her row gives another role":              {[]*studio.Row{row("a", roleB, 100)}, edits{"g-a": other}, nil, "group a was edited"},
		"her row gives another role for long":     {[]*studio.Row{row("a", roleB, 100)}, edits{"g-a": old}, nil, ""},
		"only the priority of her row changed":    {[]*studio.Row{row("a", roleB, 200)}, edits{"g-a": ranked}, nil, ""},
		"somebody gave her another role by hand":  {[]*studio.Row{row("a", roleA, 100)}, edits{"g-a": old}, role(roleB), ""},
		"a row that nobody remembers":             {[]*studio.Row{row("a", roleB, 100)}, edits{}, nil, ""},
		"she joined another group":                {[]*studio.Row{row("a", roleA, 100), row("b", roleB, 200)}, edits{"g-a": old, "g-b": old}, nil, ""},
		"joined, while her row was edited":        {[]*studio.Row{row("a", roleB, 100), row("b", roleB, 200)}, edits{"g-a": other, "g-b": old}, nil, ""},
		"joined one that gives another role now":  {[]*studio.Row{row("a", roleA, 100), row("b", roleB, 200)}, edits{"g-a": old, "g-b": other}, nil, ""},
		"a new row outranks hers":                 {[]*studio.Row{row("a", roleA, 100), row("b", roleB, 200)}, edits{"g-a": old, "g-b": anew}, nil, "group b was edited"},
		"a row was raised above hers":             {[]*studio.Row{row("a", roleA, 100), row("b", roleB, 200)}, edits{"g-a": old, "g-b": ranked}, nil, "group b was edited"},
		"her row was lowered below another":       {[]*studio.Row{row("a", roleA, 10), row("b", roleB, 100)}, edits{"g-a": ranked, "g-b": old}, nil, "group a was edited"},
		"she left her group":                      {[]*studio.Row{row("b", roleB, 50)}, edits{"g-a": old, "g-b": old}, nil, ""},
		"left, and falls to an edited row":        {[]*studio.Row{row("b", roleB, 50)}, edits{"g-a": old, "g-b": anew}, nil, ""},
		"left, and her row was edited":            {[]*studio.Row{row("b", roleB, 50)}, edits{"g-a": other, "g-b": old}, nil, ""},
		"her row was deleted":                     {[]*studio.Row{row("b", roleB, 50)}, edits{"g-a": gone, "g-b": old}, nil, "group g-a, which gave the role before, was deleted"},
		"a third row was edited":                  {[]*studio.Row{row("a", roleA, 100), row("b", roleB, 200), row("c", roleB, 10)}, edits{"g-a": old, "g-b": old, "g-c": anew}, nil, ""},
		"her naming rule was edited":              {[]*studio.Row{derived(row("a", roleB, 100))}, edits{"rule studio-*": other}, nil, "group a was edited"},
		"a group of an old naming rule":           {[]*studio.Row{row("a", roleA, 100), derived(row("b", roleB, 200))}, edits{"g-a": old, "rule studio-*": old}, nil, ""},
		"her own row gave way to the naming rule": {[]*studio.Row{derived(row("a", roleB, 100))}, edits{"g-a": gone, "rule studio-*": old}, nil, "group a was edited"},
		"her own row gave way and ranks less":     {[]*studio.Row{derived(row("a", roleA, 10)), row("b", roleB, 100)}, edits{"g-a": gone, "g-b": old, "rule studio-*": old}, nil, "group a was edited"},
		"her naming rule was deleted":             {[]*studio.Row{row("b", roleB, 50)}, edits{"g-b": old, "rule studio-*": gone}, nil, "deleted"},
		"she comes back, to an edited row":        {[]*studio.Row{row("a", roleB, 100)}, edits{"g-a": other}, tag(studio.TagLeaving, "2026-03-02T11:30:00Z"), ""},
		"nobody knows her group":                  {[]*studio.Row{row("a", roleB, 100)}, edits{"g-a": other}, tag(studio.TagGroup, ""), ""},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			have := profile()
			if test.have != nil {
				test.have(&have)
			}
			p := plan.Person{User: alice, Matches: in(test.rows...), Profiles: []studio.Profile{have}, Settled: eleven, Edits: &plan.Edits{Rows: test.when}}
			changes, _ := policy().Plan(p)
			if got := editedIn(changes); !strings.Contains(got, test.want) || test.want == "" && got != "" {
				t.Errorf("got %q, want %q", got, test.want)
			}
			if !slices.ContainsFunc(changes, func(c plan.Change) bool { return c.Kind == plan.Update }) {
				t.Errorf("she is not updated: %v", steps(changes))
			}
		})
	}
}

// editedIn is the text of the reason that a row was edited.
func editedIn(changes []plan.Change) string {
	for _, c := range changes {
		for _, r := range c.Reasons {
			if r.Code == plan.CodeEdited {
				return r.Text
			}
		}
	}
	return ""
}

func TestWhenAPersonWasSettled(t *testing.T) {
	edited := noon.Add(-time.Hour)
	before, after := edited.Add(-time.Minute), edited.Add(time.Minute)
	tests := map[string]struct {
		person, domain time.Time
		want           bool
	}{
		"nobody remembers":                     {want: false},
		"before":                               {person: before, want: true},
		"with the very reading that showed it": {person: edited, want: false},
		"after":                                {person: after, want: false},
		"the domain before":                    {domain: before, want: true},
		"the domain after":                     {domain: after, want: false},
		"the person before, the domain after":  {person: before, domain: after, want: false},
		"the domain before, the person after":  {person: after, domain: before, want: false},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			e := &plan.Edits{Rows: map[string]plan.Edit{"g-a": {Rights: edited, Rank: edited}}, Settled: test.domain}
			p := plan.Person{User: alice, Matches: in(row("a", roleB, 100)), Profiles: []studio.Profile{profile()}, Settled: test.person, Edits: e}
			changes, _ := policy().Plan(p)
			if got := editedIn(changes) != ""; got != test.want {
				t.Errorf("comes of an edit: %v", got)
			}
			known := !test.person.IsZero() || !test.domain.IsZero()
			if got := e.Pending(test.person); known && got != test.want {
				t.Errorf("an edit is pending: %v", got)
			}
		})
	}
}

func TestOnlyAnUpdateOfOursComesOfAnEdit(t *testing.T) {
	e := &plan.Edits{Rows: map[string]plan.Edit{"g-a": {Rights: noon, Rank: noon}}}
	for name, profiles := range map[string][]studio.Profile{
		"none yet":               nil,
		"one to adopt":           {profile(untagged, role(""))},
		"of a former deployment": {profile(tag(studio.TagDeployment, "pilot"))},
		"as it should be":        {profile(role(roleB), tag(studio.TagApplied, studio.Digest(roleB, "")))},
	} {
		p := plan.Person{User: alice, Matches: in(row("a", roleB, 100)), Profiles: profiles, Settled: noon.Add(-time.Hour), Edits: e}
		changes, _ := policy().Plan(p)
		for _, c := range changes {
			if c.Bounded() {
				t.Errorf("%s: %s comes of an edit", name, c.Kind)
			}
		}
	}
}

// A world tells of each person what a look at them tells.
func TestWorldTellsEditsAsALookDoes(t *testing.T) {
	e := &plan.Edits{Rows: map[string]plan.Edit{"g-a": {Rights: noon, Rank: noon}}, Settled: noon.Add(-2 * time.Hour)}
	for settled, want := range map[time.Time]bool{{}: true, noon.Add(-time.Hour): true, noon: false} {
		w := plan.World{
			Users: []studio.User{alice}, Members: map[string][]string{"g-a": {alice.ID}},
			Domains: []plan.DomainView{{
				Policy: policy(), Rows: []studio.Row{*row("a", roleB, 100)}, Profiles: []studio.Glance{studio.GlanceOf(profile())},
				Edits: e, Settled: map[string]time.Time{alice.ID: settled},
			}},
		}
		if got := editedIn(w.Plan()) != ""; got != want {
			t.Errorf("settled %s: comes of an edit: %v", settled, got)
		}
	}
}

func TestWhatIsHeldIsNotChanged(t *testing.T) {
	edited := plan.Change{Kind: plan.Update, Reasons: []plan.Reason{{Code: plan.CodeEdited}}}
	for name, test := range map[string]struct {
		p    plan.PersonPlan
		want bool
	}{
		"because of an edit":           {plan.PersonPlan{Changes: []plan.Change{edited}}, true},
		"because of an edit, and held": {plan.PersonPlan{Changes: []plan.Change{edited}, Held: "held"}, false},
		"of another cause":             {plan.PersonPlan{Changes: []plan.Change{{Kind: plan.Update}}, Held: "held"}, true},
	} {
		if got := test.p.Changing(); got != test.want {
			t.Errorf("%s: changing %v", name, got)
		}
	}
}
