package localad

import (
	"encoding/binary"
	"fmt"
	"slices"
	"strconv"
)

// Group is a group to be added.
type Group struct {
	Account string // sAMAccountName, unique in the domain
	Name    string // cn; Account by default
	OU      string // relative to the domain; CN=Users by default. Missing units are made
}

// AddGroup adds a global security group without members.
func (d *Domain) AddGroup(g Group) error {
	o := &object{class: groupClass, name: either(g.Name, g.Account)}
	o.set("groupType", globalGroup)
	return d.add(o, g.Account, either(g.OU, "CN=Users"))
}

// AddMember adds any object to a group; cycles are accepted.
func (d *Domain) AddMember(group, member string) error {
	return d.link(group, member, func(g, m *object) error {
		if primary(m) == relative(g) || slices.Contains(g.members, m) {
			return fmt.Errorf("adding %s to %s: it is a member already", member, group)
		}
		g.members, m.memberOf = append(g.members, m), append(m.memberOf, g)
		return nil
	})
}

// RemoveMember takes an object out of a group.
func (d *Domain) RemoveMember(group, member string) error {
	return d.link(group, member, func(g, m *object) error {
		if !slices.Contains(g.members, m) {
			return fmt.Errorf("removing %s from %s: it is no member, or it is its primary group", member, group)
		}
		g.members, m.memberOf = without(g.members, m), without(m.memberOf, g)
		return nil
	})
}

// SetPrimaryGroup makes a group, of which the account must be a member, its
// primary one: it is a written member no more, and becomes one of the primary
// group it had.
func (d *Domain) SetPrimaryGroup(account, group string) error {
	return d.link(group, account, func(g, m *object) error {
		if !slices.Contains(g.members, m) {
			return fmt.Errorf("making %s the primary group of %s: it is no member (add it first)", group, account)
		}
		g.members, m.memberOf = without(g.members, m), without(m.memberOf, g)
		if old := d.bySID(d.sidOf(primary(m))); old != nil {
			old.members, m.memberOf = append(old.members, m), append(m.memberOf, old)
		}
		m.set("primaryGroupID", strconv.FormatUint(uint64(relative(g)), 10))
		d.touch(m)
		return nil
	})
}

// link has a change made between a group and a member.
func (d *Domain) link(group, member string, what func(g, m *object) error) error {
	return d.change(group, func(g *object) error {
		m := d.find(member)
		if m == nil || g.class.category != groupClass.category {
			return fmt.Errorf("changing the members of %s: it is no group, or there is no %s", group, member)
		}
		return what(g, m)
	})
}

func (d *Domain) bySID(sid []byte) *object {
	for _, o := range d.byGUID {
		if string(o.sid) == string(sid) {
			return o
		}
	}
	return nil
}

// primary is the relative identifier of an account's primary group, 0 for what has none.
func primary(o *object) uint32 {
	rid, err := strconv.ParseUint(o.get("primaryGroupID"), 10, 32)
	if err != nil {
		return 0
	}
	return uint32(rid)
}

// relative is the last part of an object's SID.
func relative(o *object) uint32 {
	if len(o.sid) < 4 {
		return 0
	}
	return binary.LittleEndian.Uint32(o.sid[len(o.sid)-4:])
}
