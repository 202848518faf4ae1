package render_test

import (
	"bytes"
	"testing"

	"studiokeeper/internal/plan"
	"studiokeeper/internal/render"
)

// Every kind of change and every kind of trouble, as a person sees it.
func TestPlan(t *testing.T) {
	state := func(role string) *plan.State { return &plan.State{Role: account + role} }
	person := func(name, held string, changes ...plan.Change) plan.PersonPlan {
		for i := range changes {
			changes[i].UserName, changes[i].Domain, changes[i].Profile = name, "research", name+"-x"
		}
		return plan.PersonPlan{UserID: "u", UserName: name, Held: held, Changes: changes}
	}
	change := func(kind plan.Kind, before, after *plan.State, why string) plan.Change {
		return plan.Change{Kind: kind, Before: before, After: after, Reasons: []plan.Reason{{Code: "x", Text: why}}}
	}
	kept := person("kept", "rejected: on leave until May", change(plan.Revoke, state("a"), state("a"), "in no group"))
	alike := []plan.PersonPlan{kept}
	for _, name := range []string{"ann", "ben", "cleo"} {
		alike = append(alike, person(name, "held: over the limit", change(plan.Revoke, state("a"), state("a"), name+" is in no group")))
	}
	lost := plan.Change{Kind: plan.Unassign, Group: "h", Reasons: []plan.Reason{{Code: "no-row", Text: "it has no row any more"}, {Code: plan.CodeHeld, Text: "its 9 members count as removals"}}}
	doc := plan.Document{
		Domains: []plan.DomainPlan{
			{Domain: "research", DomainID: "d-1", Mode: "enforce", Profiles: 8, People: []plan.PersonPlan{
				person("new", "", change(plan.Create, nil, state("a"), "the group gives it"), change(plan.Assign, nil, nil, "the group gives it")),
				person("found", "", change(plan.Adopt, &plan.State{}, state("a"), "SageMaker made it")),
				person("moved", "", change(plan.Update, state("a"), state("b"), "another group")),
				person("leaver", "", change(plan.Revoke, state("a"), state("a"), "in no group"), change(plan.Quarantine, state("a"), state("q"), "in no group")),
				person("gone", "", change(plan.Delete, state("q"), nil, "grace is over")),
				person("many", "over the limit", change(plan.Revoke, state("a"), state("a"), "in no group")),
				person("torn", "", change(plan.Conflict, state("a"), nil, "two groups disagree")),
				person("dark", "", change(plan.Unreadable, nil, nil, "a row makes no sense")),
				person("busy", "", change(plan.Wait, state("a"), nil, "SageMaker has it in Updating")),
			}, SignIn: []plan.Change{{Kind: plan.Unassign, Group: "g", Reasons: []plan.Reason{{Code: "no-row", Text: "it has no row any more"}}}}},
			{Domain: "crowd", DomainID: "d-4", Mode: "enforce", Profiles: 1, People: alike, SignIn: []plan.Change{lost}},
			{Domain: "quiet", DomainID: "d-2", Mode: "observe", Profiles: 3},
			{Domain: "broken", DomainID: "d-3", Error: "access denied"},
		},
		Problems: []string{"list the members of group g: access denied"},
		Notes:    []string{"domain old is no longer configured"},
	}
	var b bytes.Buffer
	if err := render.Plan(&b, render.Style{}, doc); err != nil {
		t.Fatal(err)
	}
	golden(t, "plan.txt", b.Bytes())
}
