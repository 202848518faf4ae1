package directory

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
)

// flattened is what a group comes to without nesting.
type flattened struct {
	members map[string]bool     // GUIDs of accounts
	strange map[string][]string // GUID of a group below → DNs of its members that are neither account nor group
}

// flatten follows a group down to its accounts. Groups may contain each other.
func (x *sourceIndex) flatten(guid string) flattened {
	f := flattened{members: map[string]bool{}, strange: map[string][]string{}}
	visited := map[string]bool{guid: true}
	for open := []string{guid}; len(open) > 0; {
		g := x.groups[open[len(open)-1]]
		open = open[:len(open)-1]
		for i := range g.Members {
			m := &g.Members[i]
			switch {
			case x.accounts[m.GUID] != nil:
				f.members[m.GUID] = true
			case x.groups[m.GUID] == nil:
				f.strange[g.GUID] = append(f.strange[g.GUID], m.DN)
			case !visited[m.GUID]:
				visited[m.GUID] = true
				open = append(open, m.GUID)
			}
		}
		if s, ok := parseSID(g.SID); ok {
			for _, account := range x.primary[s] {
				f.members[account] = true
			}
		}
	}
	return f
}

// noteStrangers tells of members that nothing can be carried over for.
func (c *comparison) noteStrangers(strange map[string][]string) {
	for _, guid := range slices.Sorted(maps.Keys(strange)) {
		var foreign, outside []string
		for _, dn := range strange[guid] {
			name, parent := splitDN(dn)
			if container, _ := splitDN(parent); isForeignContainer(parent, container) {
				foreign = append(foreign, name)
			} else {
				outside = append(outside, name)
			}
		}
		group := c.source.groups[guid].Name
		if len(foreign) > 0 {
			c.note("foreign", fmt.Sprintf("group %s has %s of another forest or domain: they are not carried over", group, counted(foreign, "member")))
		}
		if len(outside) > 0 {
			c.note("outside", fmt.Sprintf("group %s has %s besides the users and groups that are read: they are not carried over", group, counted(outside, "member")))
		}
	}
}

func isForeignContainer(dn, value string) bool {
	attribute, _, _ := strings.Cut(dn, "=")
	return strings.EqualFold(strings.TrimSpace(attribute), "CN") && strings.EqualFold(value, "ForeignSecurityPrincipals")
}

// splitDN gives the value of a DN's first part, without escapes, and the DN of
// what it lies in.
func splitDN(dn string) (value, parent string) {
	var b strings.Builder
	_, rest, _ := strings.Cut(dn, "=")
	for i := 0; i < len(rest); i++ {
		switch {
		case rest[i] == ',':
			return strings.TrimSpace(b.String()), rest[i+1:]
		case rest[i] != '\\' || i+1 == len(rest):
			b.WriteByte(rest[i])
		default:
			if n, err := strconv.ParseUint(rest[i+1:min(i+3, len(rest))], 16, 8); err == nil && i+2 < len(rest) {
				b.WriteByte(byte(n))
				i += 2
			} else {
				i++
				b.WriteByte(rest[i])
			}
		}
	}
	return strings.TrimSpace(b.String()), ""
}
