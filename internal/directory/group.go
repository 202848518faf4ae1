package directory

import (
	"fmt"
	"maps"
	"slices"
	"time"

	"studiokeeper/internal/plan"
)

// group is one group that is carried, or that we have a record of.
type group struct {
	guid   string
	source *SourceGroup // nil: it is gone
	record *Record      // nil: there is none
	there  *TargetGroup // ours in the target; nil: not there
	state  standing

	members  map[string]bool // GUIDs of all accounts in it
	problems []plan.Reason
}

// standing is what happens to a group.
type standing int

const (
	kept     standing = iota // its name and members are kept in step
	blocked                  // it cannot be made: nothing is done about it
	vanished                 // gone, or carried no more: nobody has decided yet
	givenUp                  // the same, and accepted: the members are taken out
)

func (g *group) id() string {
	if g.there == nil {
		return ""
	}
	return g.there.ID
}

// name is what a person knows the group by.
func (g *group) name() string {
	switch {
	case g.source != nil:
		return g.source.Name
	case g.there != nil:
		return g.there.Name
	default:
		return g.record.Name
	}
}

func (g *group) problem(code, text string) {
	g.problems = append(g.problems, plan.Reason{Code: code, Text: text})
}

func (c *comparison) gatherGroups() []*group {
	guids := maps.Clone(c.source.carried)
	for guid := range c.target.groupRecords {
		guids[guid] = true
	}
	strange := map[string][]string{}
	var all []*group
	for _, guid := range slices.Sorted(maps.Keys(guids)) {
		g := &group{guid: guid, source: c.source.groups[guid], record: c.target.groupRecords[guid]}
		if c.source.carried[guid] {
			flat := c.source.flatten(guid)
			g.members = flat.members
			maps.Copy(strange, flat.strange)
		}
		all = append(all, g)
	}
	c.noteStrangers(strange)
	for _, g := range c.source.lost {
		c.note("replication-conflict", fmt.Sprintf("%s lost a replication conflict, and is not carried over whatever it is called: delete it in Active Directory, or the one that won, and give it its name", g.DN))
	}
	return all
}

// matchGroups finds the groups that are ours. Only a record makes one ours.
func (c *comparison) matchGroups() {
	owner := map[string]*group{}
	for _, g := range c.groups {
		if g.record != nil {
			g.there = c.target.groupOf(g.record)
		}
		c.stand(g)
		if g.there == nil {
			continue
		}
		if other := owner[g.there.ID]; other != nil {
			for _, one := range []*group{g, other} {
				one.state = blocked
				one.problem("matched-twice", fmt.Sprintf("group %s of Identity Center is on record for two groups of Active Directory, %s and %s: delete the record that is wrong; nothing is changed until then", g.there.Name, other.name(), g.name()))
			}
		}
		owner[g.there.ID] = g
	}
	for _, g := range c.groups {
		if g.there != nil && g.state != blocked {
			after := *g.record
			after.ID, after.Made, after.Name, after.Left = g.there.ID, after.Made || after.ID == "", g.there.Name, g.left(c.pol.Now)
			c.store(g.record, after)
		}
	}
}

// left is when a person accepted that the group is gone: for whoever compares
// next, who is not told again.
func (g *group) left(now time.Time) time.Time {
	switch {
	case g.state == kept:
		return time.Time{}
	case g.state == givenUp && g.record.Left.IsZero():
		return now
	default:
		return g.record.Left
	}
}

// stand decides what happens to a group that is gone, or carried no more.
func (c *comparison) stand(g *group) {
	switch {
	case c.source.carried[g.guid]:
		return
	case g.there == nil:
		g.state = blocked
		c.forget(g.record)
	case !g.record.Left.IsZero() || c.pol.Gone != nil && c.pol.Gone(*g.record):
		g.state = givenUp
	case g.source == nil:
		g.state = vanished
		g.problem("group-gone", fmt.Sprintf("group %s is no longer in Active Directory, or no longer under directory.ldap.baseDN: its members keep it in Identity Center until a person accepts that it is gone", g.record.Name))
	default:
		g.state = vanished
		g.problem("group-not-carried", fmt.Sprintf("group %s, now called %s, is none of directory.groups any more: its members keep it in Identity Center until it is named there again or a person accepts that it is gone", g.record.Name, g.source.Name))
	}
}

// groupOf finds the group that a record is about. One without an id was written
// before the group was made: the group is ours if it bears our external id, or
// if it is exactly as we make them.
func (x *targetIndex) groupOf(r *Record) *TargetGroup {
	if r.ID != "" {
		return x.groups[r.ID]
	}
	if g := x.groupsByExternalID[r.GUID]; g != nil {
		return g
	}
	for _, id := range x.groupNames[fold(r.Name)] {
		if g := x.groups[id]; g.Name == r.Name && g.ExternalID == "" && len(g.Members) == 0 && !x.recorded[id] {
			return g
		}
	}
	return nil
}

// nameGroups renames groups and makes those that are not there.
func (c *comparison) nameGroups() {
	c.sameGroupNames()
	var moves []*move
	renamed := map[*move]*group{}
	for _, g := range c.groups {
		if g.state == kept && g.there != nil && len(g.problems) == 0 && g.there.Name != g.source.Name {
			m := &move{id: g.there.ID, from: [2]string{fold(g.there.Name)}, to: [2]string{fold(g.source.Name)}}
			moves, renamed[m] = append(moves, m), g
		}
	}
	by := c.target.groupNames.settle(moves)
	for _, s := range c.target.groupNames.arrange(moves, by) {
		c.renameGroup(renamed[s.move], s)
	}
	for _, g := range c.groups {
		if g.state == kept && g.there == nil {
			c.createGroup(g, by)
		}
	}
}

// sameGroupNames reports names that cannot be given, or that two groups want.
func (c *comparison) sameGroupNames() {
	wanting := map[string][]*group{}
	for _, g := range c.groups {
		if g.state != kept {
			continue
		}
		if wrong := wrongGroupName(g.source.Name); wrong != "" {
			g.problem("group-name", fmt.Sprintf("%q cannot be the name of a group in Identity Center: %s; rename it in Active Directory", g.source.Name, wrong))
		}
		wanting[fold(g.source.Name)] = append(wanting[fold(g.source.Name)], g)
	}
	for _, same := range wanting {
		if len(same) < 2 {
			continue
		}
		who := listed(same, func(g *group) string { return g.source.DN })
		for _, g := range same {
			g.problem("same-group-name", fmt.Sprintf("the name %s is that of %s, which are all carried: rename all but one", g.source.Name, who))
		}
	}
}

func (c *comparison) renameGroup(g *group, s step) {
	if s.move.refused[0] != "" {
		g.problem("group-name-taken", fmt.Sprintf("group %s is to be called %s, but Identity Center has another group of that name, which is never touched: rename one of the two", g.there.Name, g.source.Name))
		return
	}
	change := Change{Kind: RenameGroup, GroupGUID: g.guid, GroupID: g.there.ID, Group: g.source.Name, Reasons: []plan.Reason{{Code: "renamed", Text: fmt.Sprintf("it was called %s", g.there.Name)}}}
	if s.interim >= 0 {
		change.Group = interim + g.guid
		change.Reasons = []plan.Reason{{Code: "interim", Text: fmt.Sprintf("groups swap names: %s is called this for a moment, and then %s", g.there.Name, g.source.Name)}}
	}
	c.add(change)
}

func (c *comparison) createGroup(g *group, by map[string]*move) {
	name := g.source.Name
	switch taken := c.target.groupNames.keeper(by, fold(name), ""); {
	case taken == "":
	case c.target.recorded[taken]:
		g.problem("group-name-taken", fmt.Sprintf("Identity Center has a group %s that was made for another group of Active Directory: rename or delete it there once that one is settled", name))
	default:
		g.problem("group-name-taken", fmt.Sprintf("Identity Center has a group %s that we did not make: it is never touched; rename or delete it there, or rename the one in Active Directory", name))
	}
	if len(g.problems) > 0 {
		g.state = blocked
		return
	}
	change := Change{Kind: CreateGroup, GroupGUID: g.guid, Group: name, Reasons: []plan.Reason{{Code: "new", Text: "it is not in Identity Center yet"}}}
	if g.record != nil && g.record.ID != "" {
		change.Reasons = []plan.Reason{{Code: "deleted", Text: "somebody deleted it in Identity Center"}}
	}
	c.add(change)
}
