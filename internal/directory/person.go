package directory

import (
	"fmt"
	"maps"
	"slices"

	"studiokeeper/internal/plan"
)

// person is one who should be in the target, or whom we have a record of.
type person struct {
	guid    string
	account *Account  // nil: gone from the source
	record  *Record   // nil: there is none
	now     *Person   // in the target; nil: not there
	fresh   Person    // as they would be made from the account
	keys    [2]string // of fresh
	next    Person    // as they are to be when they are there
	adopt   bool      // now is not on record yet, and is taken over
	frozen  bool      // something is wrong: they are given nothing more
	doubled bool      // frozen, because now is somebody else's, too: nothing is taken from them either

	keepName bool // too many user names would change at once

	status   status
	why      plan.Reason // of a status other than here
	losing   bool        // a membership is taken away
	via      []string    // names of the groups that they are put into
	problems []plan.Reason
}

// status is what a person should have.
type status int

const (
	here    status = iota // in a group that is carried
	outside               // in none, enabled, and not made by us: only memberships go
	left
)

func (p *person) id() string {
	if p.now == nil {
		return ""
	}
	return p.now.ID
}

// label is what people know the person by.
func (p *person) label() string {
	switch {
	case p.now != nil:
		return p.now.UserName
	case p.account != nil:
		return p.account.UserName
	default:
		return p.record.Name
	}
}

// problem has a person reported, until somebody has seen to it.
func (p *person) problem(code, text string) {
	p.problems = append(p.problems, plan.Reason{Code: code, Text: text})
}

// change is the beginning of a change about the person.
func (p *person) change(kind Kind, reasons ...plan.Reason) Change {
	return Change{Kind: kind, UserGUID: p.guid, UserID: p.id(), UserName: p.label(), Reasons: reasons}
}

// gatherPeople finds everybody whom the plan may be about.
func (c *comparison) gatherPeople() []*person {
	inGroup := map[string]bool{}
	for _, g := range c.groups {
		maps.Copy(inGroup, g.members)
	}
	guids := slices.AppendSeq(make([]string, 0, len(inGroup)), maps.Keys(inGroup))
	for guid := range c.target.userRecords {
		if !inGroup[guid] {
			guids = append(guids, guid)
		}
	}
	slices.Sort(guids)
	c.byGUID, c.byID = make(map[string]*person, len(guids)), make(map[string]*person, len(guids))
	held, people := c.heldByGroups(), make([]person, len(guids))
	var all []*person
	for i, guid := range guids {
		p := &people[i]
		p.guid, p.account, p.record = guid, c.source.accounts[guid], c.target.userRecords[guid]
		if p.account != nil {
			p.fresh = wanted(p.account, Person{})
			p.keys = p.fresh.keys()
		}
		p.now = c.target.personOf(p)
		p.status, p.why = c.statusOf(p, inGroup[guid] || held[p.id()])
		if p.record != nil || p.status == here {
			all, c.byGUID[guid] = append(all, p), p
		}
	}
	return all
}

// heldByGroups are ids of those who are in a group that nobody has decided about:
// they keep what it gives them.
func (c *comparison) heldByGroups() map[string]bool {
	held := map[string]bool{}
	for _, g := range c.groups {
		if g.there == nil || g.state == kept || g.state == givenUp {
			continue
		}
		for _, m := range g.there.Members {
			held[m.UserID] = true
		}
	}
	return held
}

// statusOf decides who has left. What Active Directory says of the account
// itself comes first.
func (c *comparison) statusOf(p *person, inGroup bool) (status, plan.Reason) {
	switch a := p.account; {
	case a == nil:
		return left, plan.Reason{Code: "absent", Text: "Active Directory shows no such account any more (below directory.ldap.baseDN and userOUs, within filter, to bindDN)"}
	case a.Disabled:
		return left, plan.Reason{Code: "disabled", Text: "the account is disabled in Active Directory"}
	case !a.Expires.IsZero() && !c.pol.Now.Before(a.Expires):
		return left, plan.Reason{Code: "expired", Text: fmt.Sprintf("the account expired on %s", a.Expires.UTC().Format("2006-01-02"))}
	case inGroup:
		return here, plan.Reason{}
	}
	none := plan.Reason{Code: "no-group", Text: "the account is in no group that is carried"}
	if p.made() {
		return left, none
	}
	return outside, none
}

// made is true of those whom we made: who is there under a record that was
// written without an id was made by a run that was cut off.
func (p *person) made() bool {
	return p.record != nil && (p.record.Made || p.record.ID == "" && p.now != nil)
}
