package directory

import (
	"fmt"
	"strings"
	"time"

	"studiokeeper/internal/plan"
)

// memberships puts people into groups and takes them out. Members whom we have
// no record of are somebody else's.
func (c *comparison) memberships() {
	for _, g := range c.groups {
		if g.state == blocked {
			continue
		}
		present := map[string]bool{}
		if g.there != nil {
			present = c.takeOut(g)
		}
		if g.state != kept {
			continue
		}
		for guid := range g.members {
			if p := c.byGUID[guid]; p != nil && p.status == here && !p.frozen && !present[guid] {
				c.putIn(g, p)
			}
		}
	}
}

// takeOut takes out those who are members no more, and tells who is one. Who
// they are is settled by their record: trouble with their names protects nobody.
func (c *comparison) takeOut(g *group) map[string]bool {
	present, settled := make(map[string]bool, len(g.there.Members)), true
	var unknown []string
	for _, m := range g.there.Members {
		p := c.byID[m.UserID]
		if p == nil {
			unknown = append(unknown, c.target.nameOf(m.UserID))
			continue
		}
		present[p.guid] = true
		settled = settled && !p.doubled && !p.adopt
		if why, loses := g.loses(p); loses && !p.doubled && !p.adopt {
			settled, p.losing = false, true
			change := p.change(RemoveMember, why)
			change.GroupGUID, change.GroupID, change.Group, change.Membership = g.guid, g.id(), g.name(), m.Membership
			c.add(change)
		}
	}
	if len(unknown) > 0 {
		c.note("unknown-members", fmt.Sprintf("group %s has %s in Identity Center that we have no record of: they are left alone", g.name(), counted(unknown, "member")))
	}
	if g.state == givenUp && settled {
		c.forget(g.record)
	}
	return present
}

// loses tells whether a person loses the membership in a group, and why.
func (g *group) loses(p *person) (plan.Reason, bool) {
	switch {
	case p.status == left:
		return p.why, true
	case g.state == vanished || g.members[p.guid]:
		return plan.Reason{}, false
	case g.state == givenUp:
		return plan.Reason{Code: "group-gone", Text: "a person has accepted that the group is gone from Active Directory"}, true
	case p.status == outside:
		return p.why, true
	default:
		return plan.Reason{Code: "not-member", Text: "the account is no member of the group in Active Directory any more"}, true
	}
}

// nameOf is what a person knows a user of the target by.
func (x *targetIndex) nameOf(id string) string {
	if p := x.users[id]; p != nil {
		return p.UserName
	}
	return id
}

func (c *comparison) putIn(g *group, p *person) {
	p.via = append(p.via, g.name())
	change := p.change(AddMember, plan.Reason{Code: "member", Text: "the account is a member of the group in Active Directory"})
	change.GroupGUID, change.GroupID, change.Group = g.guid, g.id(), g.name()
	c.add(change)
}

// settle does what is to be done about the person's user as such.
func (c *comparison) settle(p *person) {
	if p.record != nil && !p.adopt && p.now != nil {
		c.record(p)
	}
	switch {
	case p.frozen:
	case p.now == nil && p.status == here:
		c.create(p)
	case p.now == nil:
		c.forget(p.record)
	case p.status == left:
		c.leave(p)
	default:
		c.stay(p)
	}
}

// record stores when somebody left or came back, and what a run that was cut off
// could not. Whom two accounts match is nobody's.
func (c *comparison) record(p *person) {
	after := *p.record
	if !p.doubled {
		after.ID, after.Made, after.Name = p.now.ID, p.made(), p.now.UserName
	}
	switch {
	case p.status == here || p.status == outside && !p.now.Disabled:
		after.Left = time.Time{}
	case p.status == left && !p.frozen && after.Left.IsZero():
		after.Left = c.pol.Now
	}
	c.store(p.record, after)
}

func (c *comparison) create(p *person) {
	after := p.fresh
	after.ExternalID = p.guid
	why := plan.Reason{Code: "member", Text: "the account is a member of " + strings.Join(p.via, ", ")}
	change := p.change(CreateUser, why)
	if len(p.via) == 0 {
		change.Reasons[0].Text = "the account is a member of a group that is carried"
	}
	if p.record != nil && p.record.ID != "" {
		change.Reasons = append(change.Reasons, plan.Reason{Code: "deleted", Text: "somebody deleted the user in Identity Center"})
	}
	change.After = &after
	c.add(change)
}

// stay takes a person over, and enables them if they are disabled.
func (c *comparison) stay(p *person) {
	if p.adopt {
		before, after := *p.now, *p.now
		after.ExternalID = p.guid
		change := p.change(AdoptUser, adoptReason(p))
		change.Before, change.After = &before, &after
		c.add(change)
	}
	switch {
	case !p.now.Disabled || p.status == outside && p.record.Left.IsZero():
	case !c.pol.Disable:
		p.problem("cannot-enable", fmt.Sprintf("user %s is disabled in Identity Center and enabled in Active Directory, and this way of writing cannot enable users: do it in the console", p.now.UserName))
	default:
		before, after := p.next, p.next
		after.Disabled = false
		change := p.change(EnableUser, p.enableReason())
		change.Before, change.After = &before, &after
		c.add(change)
	}
}

func adoptReason(p *person) plan.Reason {
	switch {
	case p.now.ExternalID != "":
		return plan.Reason{Code: "external-id", Text: "it bears the account's external id already, and is put on record"}
	case same(p.now.UserName, p.account.UserName):
		return plan.Reason{Code: "same-user-name", Text: "it has the account's user name"}
	default:
		return plan.Reason{Code: "same-email", Text: "it has the account's e-mail address"}
	}
}

func (p *person) enableReason() plan.Reason {
	if p.record == nil || p.record.Left.IsZero() {
		return plan.Reason{Code: "enabled", Text: "the account is enabled in Active Directory, which decides; somebody disabled the user in Identity Center"}
	}
	return plan.Reason{Code: "back", Text: "the account is back: it had left on " + p.record.Left.UTC().Format("2006-01-02")}
}

// leave disables somebody who has left, and deletes them much later: only whom we
// made, and only when nothing is left to be taken from them.
func (c *comparison) leave(p *person) {
	since := p.record.Left
	switch {
	case c.pol.Disable && !p.now.Disabled:
		before, after := *p.now, *p.now
		after.Disabled = true
		change := p.change(DisableUser, p.why)
		change.Before, change.After = &before, &after
		c.add(change)
	case p.losing || !p.made() || since.IsZero() || c.pol.Now.Before(since.Add(c.pol.Grace)):
	default:
		before := p.next
		change := p.change(DeleteUser, p.why, plan.Reason{Code: "grace-over", Text: "they left on " + since.UTC().Format("2006-01-02") + ", and the grace period is over"})
		change.Before = &before
		c.add(change)
	}
}
