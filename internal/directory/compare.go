package directory

import (
	"cmp"
	"slices"

	"studiokeeper/internal/plan"
)

// Compare says what is to be done so that the target has what the source gives.
// The same input in another order gives the same plan.
//
// The list of changes may be cut off anywhere: what was done gives nobody more
// than the source does, and the next comparison finishes the rest.
func Compare(s Source, t Target, p Policy) Plan {
	c := &comparison{pol: p, source: indexSource(s, p), target: indexTarget(t)}
	if c.plan.Stop = c.source.stop(); len(c.plan.Stop) > 0 {
		c.plan.Carried = c.target.carried()
		return c.plan
	}
	c.groups = c.gatherGroups()
	c.matchGroups()
	c.nameGroups()
	c.people = c.gatherPeople()
	c.matchPeople()
	c.namePeople()
	c.memberships()
	for _, p := range c.people {
		c.settle(p)
	}
	return c.finish()
}

// comparison is one comparison under way.
type comparison struct {
	pol    Policy
	source *sourceIndex
	target *targetIndex
	plan   Plan

	groups  []*group
	people  []*person          // sorted by GUID
	byGUID  map[string]*person // the same
	byID    map[string]*person // those who are there already, by their id in the target
	wanting map[string]int     // how many people want a user name or an e-mail address, by its key
}

// order is the place of each kind in a plan.
var order = map[Kind]int{RemoveMember: 0, DisableUser: 1, AdoptUser: 2, UpdateUser: 3, EnableUser: 4, CreateUser: 5, RenameGroup: 6, CreateGroup: 7, AddMember: 8, DeleteUser: 9, Conflict: 10}

func (c *comparison) add(change Change) { c.plan.Changes = append(c.plan.Changes, change) }

// note tells a person something that nothing has to be done about.
func (c *comparison) note(code, text string) {
	c.plan.Notes = append(c.plan.Notes, plan.Reason{Code: code, Text: text})
}

// finish puts everything in order. Updates and renames keep the order that they
// were added in: one of them may wait for another.
func (c *comparison) finish() Plan {
	for _, g := range c.groups {
		c.report(Change{GroupGUID: g.guid, GroupID: g.id(), Group: g.name()}, g.problems)
	}
	for _, p := range c.people {
		c.report(Change{UserGUID: p.guid, UserID: p.id(), UserName: p.label()}, p.problems)
	}
	slices.SortStableFunc(c.plan.Changes, func(a, b Change) int {
		if a.Kind != b.Kind || a.Kind == UpdateUser || a.Kind == RenameGroup {
			return cmp.Compare(order[a.Kind], order[b.Kind])
		}
		return cmp.Or(cmp.Compare(a.Group, b.Group), cmp.Compare(a.GroupGUID, b.GroupGUID), cmp.Compare(a.UserName, b.UserName), cmp.Compare(a.UserGUID, b.UserGUID))
	})
	byKey := func(a, b Record) int { return cmp.Or(cmp.Compare(a.Kind, b.Kind), cmp.Compare(a.GUID, b.GUID)) }
	slices.SortFunc(c.plan.Records, byKey)
	slices.SortFunc(c.plan.Forget, byKey)
	slices.SortFunc(c.plan.Notes, func(a, b plan.Reason) int { return cmp.Or(cmp.Compare(a.Code, b.Code), cmp.Compare(a.Text, b.Text)) })
	c.plan.Leavers, c.plan.Carried = len(c.plan.Losing()), c.target.carried()
	return c.plan
}

func (c *comparison) report(about Change, problems []plan.Reason) {
	if len(problems) > 0 {
		about.Kind, about.Reasons = Conflict, problems
		c.add(about)
	}
}

// store has a record stored if it is not as it should be.
func (c *comparison) store(before *Record, after Record) {
	if *before != after {
		c.plan.Records = append(c.plan.Records, after)
	}
}

func (c *comparison) forget(r *Record) { c.plan.Forget = append(c.plan.Forget, *r) }
