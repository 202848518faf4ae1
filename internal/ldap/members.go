package ldap

import (
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"sync"

	goldap "github.com/go-ldap/ldap/v3"
	"github.com/google/uuid"

	"studiokeeper/internal/directory"
)

// groups are all groups with their members.
func (s session) groups(groups, people []*goldap.Entry) ([]directory.SourceGroup, error) {
	s.remember(groups)
	s.remember(people)
	var all []directory.SourceGroup
	for _, e := range groups {
		g := directory.SourceGroup{DN: readName(e.DN).dn, Name: e.GetEqualFoldAttributeValue(s.Attributes.GroupName)}
		var err error
		if g.GUID, g.SID, err = s.identity(e); err == nil {
			g.Members, err = s.members(g.GUID, e)
		}
		if err != nil {
			return nil, fmt.Errorf("reading the group %s: %w", g.DN, err)
		}
		all = append(all, g)
	}
	return all, nil
}

// remember notes which GUIDs names have, for members that come by name alone.
func (s session) remember(entries []*goldap.Entry) {
	for _, e := range entries {
		if k, err := key(readName(e.DN).dn); err == nil {
			s.byDN[k], _ = guidText(e.GetEqualFoldRawAttributeValue("objectGUID"))
		}
	}
}

// key is a DN in the form in which names compare.
func key(dn string) (string, error) {
	parsed, err := goldap.ParseDN(dn)
	if err != nil {
		return "", err
	}
	return strings.ToLower(parsed.String()), nil
}

// errShifted says that members came or went while they were read in parts.
var errShifted = errors.New("its members changed while they were read")

// members are those of a group, of which more than a controller gives at once
// are read in parts. When they change meanwhile they are read again.
func (s session) members(guid string, e *goldap.Entry) ([]directory.SourceMember, error) {
	const attempts = 5
	for range attempts {
		members, err := s.parts(guid, e)
		if !errors.Is(err, errShifted) {
			return members, err
		}
		if e, err = s.object("<GUID="+guid+">", "member"); err != nil {
			return nil, err
		}
	}
	return nil, fmt.Errorf("%w, %d times in a row (run it again)", errShifted, attempts)
}

// parts reads members from the first part on. Each part is asked for from the
// last value of the one before: it must still be there, or others have moved.
func (s session) parts(guid string, e *goldap.Entry) ([]directory.SourceMember, error) {
	p, err := memberPart(e)
	if err != nil {
		return nil, err
	}
	if p.from != 0 {
		return nil, fmt.Errorf("its members are given from number %d on, want from 0", p.from)
	}
	all, err := s.resolve(p.values)
	for err == nil && !p.last {
		if p, err = s.part(guid, len(all)-1); err != nil {
			break
		}
		var more []directory.SourceMember
		if more, err = s.resolve(p.values); err != nil {
			break
		}
		if more[0].GUID != all[len(all)-1].GUID {
			return nil, errShifted
		}
		all = append(all, more[1:]...)
	}
	if err != nil {
		return nil, err
	}
	return all, nil
}

// part reads the members from a number on: two at least, or it is the last part.
func (s session) part(guid string, from int) (part, error) {
	e, err := s.object("<GUID="+guid+">", fmt.Sprintf("member;range=%d-*", from))
	if err != nil {
		return part{}, err
	}
	p, err := memberPart(e)
	switch {
	case err != nil:
		return part{}, err
	case len(p.values) == 0:
		return part{}, errShifted
	case p.from != from || len(p.values) < 2 && !p.last:
		return part{}, fmt.Errorf("its members from number %d on were asked for, and %d from number %d on are given: that leads nowhere", from, len(p.values), p.from)
	}
	return p, nil
}

// part is what one answer gives of an attribute.
type part struct {
	from   int
	last   bool
	values []string
}

var rangeOption = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`(?i)^range=([0-9]{1,9})-([0-9]{1,9}|\*)$`) })

// memberPart is the part of the members in an answer. A group of many comes
// with the attribute without values and a part beside it.
func memberPart(e *goldap.Entry) (part, error) {
	found := part{last: true}
	for _, a := range e.Attributes {
		name, option, ranged := strings.Cut(a.Name, ";")
		if !strings.EqualFold(name, "member") || !ranged && len(a.Values) == 0 {
			continue
		}
		if len(found.values) > 0 {
			return part{}, fmt.Errorf("its members are given twice in one answer, the second time as %s", a.Name)
		}
		found.values = a.Values
		if !ranged {
			continue
		}
		if err := found.bounds(option); err != nil {
			return part{}, err
		}
	}
	return found, nil
}

// bounds takes over which values an option says they are.
func (p *part) bounds(option string) error {
	m := rangeOption().FindStringSubmatch(option)
	if m == nil || len(p.values) == 0 {
		return fmt.Errorf("its members are given as member;%s with %d values, which is no range of them", option, len(p.values))
	}
	p.from, _ = strconv.Atoi(m[1])
	p.last = m[2] == "*"
	if to, _ := strconv.Atoi(m[2]); !p.last && to-p.from+1 != len(p.values) {
		return fmt.Errorf("its members are given as member;%s with %d values: half a range", option, len(p.values))
	}
	return nil
}

// resolve gives members their GUIDs, which come with their names; those that
// come by name alone are looked up.
func (s session) resolve(values []string) ([]directory.SourceMember, error) {
	var all []directory.SourceMember
	for _, v := range values {
		n := readName(v)
		var err error
		if n.guid == "" {
			n.guid, err = s.lookUp(n.dn)
		} else if _, err = uuid.Parse(n.guid); err != nil {
			err = fmt.Errorf("its GUID %q is none: %w", n.guid, err)
		}
		if err != nil {
			return nil, fmt.Errorf("the member %s: %w", n.dn, err)
		}
		all = append(all, directory.SourceMember{GUID: n.guid, DN: n.dn})
	}
	return all, nil
}

// lookUp is the GUID of a DN.
func (s session) lookUp(dn string) (string, error) {
	k, err := key(dn)
	if err != nil {
		return "", fmt.Errorf("its name cannot be taken apart: %w", err)
	}
	if guid := s.byDN[k]; guid != "" {
		return guid, nil
	}
	e, err := s.object(dn, "objectGUID")
	if err != nil {
		return "", err
	}
	guid, err := guidText(e.GetEqualFoldRawAttributeValue("objectGUID"))
	if err != nil {
		return "", err
	}
	s.byDN[k] = guid
	return guid, nil
}
