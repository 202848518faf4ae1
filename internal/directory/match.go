package directory

import "fmt"

// personOf finds who is meant by a person's record. One without an id was
// written before the user was made: the user is ours who bears the external id
// or, where none can be given, who is exactly as we would have made them.
func (x *targetIndex) personOf(p *person) *Person {
	switch {
	case p.record == nil:
		return nil
	case p.record.ID != "":
		return x.users[p.record.ID]
	}
	if found := x.byExternalID[fold(p.guid)]; found != nil || p.account == nil {
		return found
	}
	for _, id := range x.userKeys[fold(p.record.Name)] {
		found := *x.users[id]
		found.ID = ""
		if found == p.fresh && !x.recorded[id] {
			return x.users[id]
		}
	}
	return nil
}

// matchPeople finds those who are there already, on record or not.
func (c *comparison) matchPeople() {
	c.checkNames()
	twice := map[string][]*person{}
	for _, p := range c.people {
		if p.now == nil && p.status == here && !p.frozen {
			c.adopt(p)
		}
		if p.now == nil {
			continue
		}
		if other := c.byID[p.now.ID]; other == nil {
			c.byID[p.now.ID] = p
		} else {
			twice[p.now.ID] = append(twice[p.now.ID], p)
		}
	}
	for id, others := range twice {
		same := append(others, c.byID[id])
		who := listed(same, (*person).dn)
		for _, p := range same {
			p.doubled = true
			p.freeze("matched-twice", fmt.Sprintf("user %s of Identity Center is matched by %s: delete the record, or change the external id, of all but one", p.now.UserName, who))
		}
	}
}

// dn is where the account is in Active Directory, or was.
func (p *person) dn() string {
	if p.account == nil {
		return p.guid + ", which is gone"
	}
	return p.account.DN
}

// freeze gives a person nothing more, until somebody has seen to it.
func (p *person) freeze(code, text string) {
	p.frozen = true
	p.problem(code, text)
}

// adopt looks for somebody who is there already and may be taken for the person:
// by our external id, by user name or by e-mail address. Whoever has the external
// id of another account, or is on record, is not.
func (c *comparison) adopt(p *person) {
	if found := c.target.byExternalID[fold(p.guid)]; found != nil {
		if c.pol.allows(AdoptUserName) || c.target.recorded[found.ID] {
			p.now, p.adopt = found, true
			return
		}
		p.freeze("not-on-record", fmt.Sprintf("user %s of Identity Center bears the external id of %s, but we have no record of making it: set directory.adopt to %s to take it over", found.UserName, p.account.DN, AdoptUserName))
		return
	}
	if c.pol.allows(AdoptUserName) {
		c.adoptBy(p, p.keys[0])
	}
	if p.now == nil && c.pol.allows(AdoptEmail) {
		c.adoptBy(p, p.keys[1])
	}
}

func (c *comparison) adoptBy(p *person, key string) {
	if ids := c.target.userKeys[key]; len(ids) == 1 && c.target.adoptable(ids[0]) {
		p.now, p.adopt = c.target.users[ids[0]], true
	}
}

func (x *targetIndex) adoptable(id string) bool {
	return !x.recorded[id] && x.users[id].ExternalID == ""
}

// allows tells whether users are adopted for that, or for more.
func (p Policy) allows(how Adoption) bool {
	return p.Adopt == how || p.Adopt == AdoptEmail && how == AdoptUserName
}

// checkNames freezes those whose names cannot be given, or that two accounts want.
func (c *comparison) checkNames() {
	c.wanting = make(map[string]int, 2*len(c.people))
	for _, p := range c.people {
		if p.status == here && p.account.UserName != "" {
			c.want(p)
		}
	}
	same := map[string][]*person{}
	for _, p := range c.people {
		for _, key := range p.keys {
			if c.wanting[key] > 1 && p.status == here && p.account.UserName != "" {
				same[key] = append(same[key], p)
			}
		}
	}
	sharing := make(map[string]string, len(same))
	for key, people := range same {
		sharing[key] = listed(people, (*person).dn)
	}
	for _, p := range c.people {
		if p.status == here {
			p.checkName(sharing)
		}
	}
}

// want counts who wants a user name and an e-mail address.
func (c *comparison) want(p *person) {
	for _, key := range p.keys {
		if key != "" {
			c.wanting[key]++
		}
	}
}

// checkName rests on sharing: who they are that want the same key.
func (p *person) checkName(sharing map[string]string) {
	name := p.account.UserName
	if name == "" {
		p.freeze("no-user-name", fmt.Sprintf("%s has no user name in Active Directory: give it one in the attribute that is read", p.account.DN))
		return
	}
	if wrong := wrongUserName(name); wrong != "" {
		p.freeze("user-name", fmt.Sprintf("%q of %s cannot be a user name in Identity Center: %s; change it in Active Directory", name, p.account.DN, wrong))
	}
	if who := sharing[p.keys[0]]; who != "" {
		p.freeze("same-user-name", fmt.Sprintf("the user name %s is that of %s; nobody of them is made, renamed or put into a group until all but one have another", name, who))
	}
	if who := sharing[p.keys[1]]; who != "" {
		p.freeze("same-email", fmt.Sprintf("the e-mail address %s is that of %s; nobody of them is made, renamed or put into a group until all but one have another", p.fresh.Email, who))
	}
}
