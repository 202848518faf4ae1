package directory

import (
	"fmt"

	"studiokeeper/internal/plan"
)

// namePeople brings names and e-mail addresses in step, and finds out who cannot
// be made because somebody else has theirs.
func (c *comparison) namePeople() {
	c.leaversNames()
	c.keepNames()
	var moves []*move
	moving := map[*move]*person{}
	for _, p := range c.people {
		if p.now == nil {
			continue
		}
		p.next = c.asFound(p)
		if !c.renamable(p) {
			continue
		}
		if next := p.wanted(p.next); next != p.next {
			m := &move{id: p.now.ID, from: p.now.keys(), to: next.keys()}
			moves, moving[m] = append(moves, m), p
		}
	}
	by := c.target.userKeys.settle(moves)
	for _, s := range c.target.userKeys.arrange(moves, by) {
		c.update(moving[s.move], s)
	}
	for _, p := range c.people {
		if p.now == nil && p.status == here && !p.frozen {
			c.checkFree(p, by)
		}
	}
}

// wanted is what the person should be like who is like now.
func (p *person) wanted(now Person) Person {
	next := wanted(p.account, now)
	if p.keepName {
		next.UserName = now.UserName
	}
	return next
}

// keepNames keeps all user names when more of them would change at once than may:
// people sign in with them, and their profiles are bound to them, so that another
// attribute for user names would lock everybody out.
func (c *comparison) keepNames() {
	var renamed []*person
	for _, p := range c.people {
		if p.now != nil && p.status == here && c.renamable(p) && wanted(p.account, *p.now).UserName != p.now.UserName {
			renamed = append(renamed, p)
		}
	}
	if c.pol.Renames == nil || len(renamed) <= c.pol.Renames(c.target.carried()) {
		return
	}
	for _, p := range renamed {
		p.keepName = true
		p.problem("many-renames", fmt.Sprintf("the user name %s is to become %s, as %d user names would change at once, which limits.changes does not allow: they stay until a person runs directory apply with --accept-renames; is directory.ldap.attributes.userName right?",
			p.now.UserName, p.account.UserName, len(renamed)))
	}
}

// asFound is what a person is like when it is the names' turn: by then those who
// left are disabled, and those who are taken over bear our external id.
func (c *comparison) asFound(p *person) Person {
	found := *p.now
	found.Disabled = found.Disabled || c.pol.Disable && p.status == left
	if p.adopt {
		found.ExternalID = p.guid
	}
	return found
}

// leaversNames adds the names of those who have left to those that are wanted:
// an account that is disabled and renamed makes room for its successor.
func (c *comparison) leaversNames() {
	for _, p := range c.people {
		if p.status == left && p.account != nil && p.now != nil {
			c.want(p)
		}
	}
}

// renamable is true of those who get the names that their accounts have. Those
// who have left are no conflict for anybody: they keep a name that they cannot
// have.
func (c *comparison) renamable(p *person) bool {
	switch {
	case p.frozen || p.account == nil || p.status == outside:
		return false
	case p.status == here:
		return true
	}
	return p.account.UserName != "" && wrongUserName(p.account.UserName) == "" && c.wanting[p.keys[0]] == 1 && c.wanting[p.keys[1]] < 2
}

// update adds one turn of a person's: the last one, or one to an interim name.
func (c *comparison) update(p *person, s step) {
	before, after := p.next, p.wanted(p.next)
	var why []plan.Reason
	switch s.interim {
	case 0:
		after = p.next
		after.UserName = interim + p.guid
		why = []plan.Reason{{Code: "interim", Text: "user names are swapped: they get theirs when the other one has let go of it"}}
	case 1:
		after = p.next
		after.Email = interim + p.guid + interimMail
		why = []plan.Reason{{Code: "interim", Text: "e-mail addresses are swapped: they get theirs when the other one has let go of it"}}
	default:
		c.keepRefused(p, s.move, &after)
		why = differences(before, after)
	}
	if before == after {
		return
	}
	change := p.change(UpdateUser, why...)
	change.Before, change.After = &before, &after
	c.add(change)
	p.next = after
}

// keepRefused leaves a person what they have where somebody else has what they
// should get.
func (c *comparison) keepRefused(p *person, m *move, after *Person) {
	if m.refused[0] != "" {
		after.UserName = p.now.UserName
		c.taken(p, "user-name-taken", "user name "+p.account.UserName, m.refused[0], "", "; the one they have stays")
	}
	if m.refused[1] != "" {
		after.Email = p.now.Email
		c.taken(p, "email-taken", "e-mail address "+p.fresh.Email, m.refused[1], "", "; the one they have stays")
	}
}

// checkFree freezes somebody who is to be made, but has not got a name of their own.
func (c *comparison) checkFree(p *person, by map[string]*move) {
	named := c.target.userKeys.keeper(by, p.keys[0], "")
	if named != "" {
		p.frozen = true
		c.taken(p, "user-name-taken", "user name "+p.account.UserName, named, AdoptUserName, "")
	}
	if holder := c.target.userKeys.keeper(by, p.keys[1], ""); holder != "" && holder != named {
		p.frozen = true
		c.taken(p, "email-taken", "e-mail address "+p.fresh.Email, holder, AdoptEmail, "")
	}
}

// taken reports that somebody else has what a person should get, and what to do
// about it; of those who have left, nothing: their names do not matter.
func (c *comparison) taken(p *person, code, what, holder string, adopt Adoption, then string) {
	if p.status != here {
		return
	}
	has := c.target.users[holder]
	text := fmt.Sprintf("the %s of %s belongs to user %s of Identity Center", what, p.account.DN, has.UserName)
	switch other := c.byID[holder]; {
	case other != nil && other.status == left:
		text += ", who has left: it is free when that user is deleted"
	case other != nil:
		text += fmt.Sprintf(", who is %s: change one of the two in Active Directory", other.dn())
	case has.ExternalID != "":
		text += ", which another identity source made: it is never taken over; rename or delete it there"
	case adopt != "" && !c.pol.allows(adopt):
		text += fmt.Sprintf(": set directory.adopt to %s to take it over, if it is the same person", adopt)
	default:
		text += ": rename it there, or the account in Active Directory"
	}
	p.problem(code, text+then)
}

// differences say what is changed of a person.
func differences(before, after Person) []plan.Reason {
	var all []plan.Reason
	add := func(code, what, before, after string) {
		switch {
		case before == after:
		case before == "":
			all = append(all, plan.Reason{Code: code, Text: fmt.Sprintf("the %s becomes %s", what, after)})
		default:
			all = append(all, plan.Reason{Code: code, Text: fmt.Sprintf("the %s %s becomes %s", what, before, after)})
		}
	}
	add("user-name", "user name", before.UserName, after.UserName)
	add("email", "e-mail address", before.Email, after.Email)
	add("display-name", "display name", before.DisplayName, after.DisplayName)
	add("given-name", "given name", before.GivenName, after.GivenName)
	add("family-name", "family name", before.FamilyName, after.FamilyName)
	return all
}
