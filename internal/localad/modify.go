package localad

import (
	"fmt"
	"strings"
)

// The kinds of change in a modify request.
const (
	addValues = iota
	deleteValues
	replaceValues
)

// change is one of a modify request.
type change struct {
	kind   int64
	name   string
	values []string
}

// modify changes members of groups and attributes of one value, for those who
// may. What goes before a change that is refused stays done.
func (s *session) modify(r request) result {
	if len(r.op.Children) != 2 {
		return result{code: protocolError, message: "a modify request has two parts"}
	}
	d := s.controller.domain
	d.mu.Lock()
	target, bad := d.base(string(octets(r.op.Children[0])))
	allowed := s.bound != nil && s.bound.admin
	name := ""
	if target != nil {
		name = target.dn()
	}
	d.mu.Unlock()
	switch {
	case !allowed:
		return result{code: insufficientAccess, message: "00002098: SecErr: DSID-031514A0, problem 4003 (INSUFF_ACCESS_RIGHTS), data 0"}
	case bad.code != success:
		return bad
	}
	for _, c := range r.op.Children[1].Children {
		if len(c.Children) != 2 || len(c.Children[1].Children) != 2 {
			return result{code: protocolError, message: "a change has an operation, an attribute and values"}
		}
		asked := change{kind: whole(c.Children[0]), name: string(octets(c.Children[1].Children[0]))}
		for _, v := range c.Children[1].Children[1].Children {
			asked.values = append(asked.values, string(octets(v)))
		}
		if done := d.carryOut(name, asked); done.code != success {
			return done
		}
	}
	return result{}
}

func (d *Domain) carryOut(target string, c change) result {
	if !strings.EqualFold(c.name, "member") {
		return d.carryOutValue(target, c)
	}
	for _, member := range c.values {
		var err error
		code := attributeExists
		switch c.kind {
		case addValues:
			err = d.AddMember(target, member)
		case deleteValues:
			err, code = d.RemoveMember(target, member), unwilling
		default:
			err, code = fmt.Errorf("members are added and deleted, not replaced"), unwilling
		}
		if err != nil {
			return result{code: code, message: err.Error()}
		}
	}
	return result{}
}

// carryOutValue changes an attribute of one value.
func (d *Domain) carryOutValue(target string, c change) result {
	if len(c.values) > 1 || len(c.values) == 0 && c.kind == addValues {
		return result{code: unwilling, message: c.name + " has one value"}
	}
	values := c.values
	if c.kind == deleteValues {
		values = nil
	}
	if err := d.Set(target, c.name, values...); err != nil {
		return result{code: noSuchAttribute, message: err.Error()}
	}
	return result{}
}
