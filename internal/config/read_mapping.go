package config

import (
	"fmt"
	"math"
	"strings"
	"time"

	"studiokeeper/internal/studio"
)

var (
	// https://docs.aws.amazon.com/singlesignon/latest/IdentityStoreAPIReference/API_CreateGroup.html
	groupForm   = spelled(`^.+$`, "a group's display name").atMost(1024)
	groupIDForm = spelled(`^[A-Za-z0-9-]+$`, "a group's id, as Identity Center shows it").atMost(47)
)

// mapping reads rows; it knows what a row is judged by.
type mapping struct {
	Mapping
	domains domains
	roles   node
	fenced  bool            // mapping.roles was written and read completely
	whole   bool            // every rule's role could be read
	rows    map[string]seen // by domain and group
	byName  []node          // the groups that are written by display name
	inside  []insideRole
}

// seen is a rule that was read before.
type seen struct {
	node node
	row  studio.Row
}

func readMapping(n node, all domains) Mapping {
	f := n.object()
	defer f.end()
	m := &mapping{domains: all, roles: f.get("roles"), whole: true, rows: map[string]seen{}}
	m.readRoles()
	rules, table, naming := f.get("rules"), f.get("table"), f.get("naming")
	for _, item := range rules.items() {
		m.rule(item)
	}
	m.Table = table.match(tableForm)
	for _, item := range naming.items() {
		m.naming(item)
	}
	m.Cache = f.get("cache").duration(time.Minute, true)
	m.defaultRoles()
	m.fence()
	if n.given() && n.tree.kind == object {
		derived := table.given() || naming.holds()
		if !derived && !rules.holds() && !all.retire() {
			n.wrong("maps no group (add rules, a table or naming; without any everybody would be offboarded)")
		}
		if derived && !m.roles.given() {
			n.note(n.tree.line, n.tree.column, m.roles.path, "is missing (required with table or naming: the only roles that may ever be given)")
		}
	}
	m.adviseIDs()
	return m.Mapping
}

func (m *mapping) readRoles() {
	m.fenced = m.roles.is(list)
	for _, item := range m.roles.items() {
		s, ok := item.text()
		if !ok {
			m.fenced = false
			continue
		}
		p, err := studio.ParseRolePattern(s)
		if err != nil {
			item.wrong("%v", err)
			m.fenced = false
			continue
		}
		m.Roles = append(m.Roles, p)
	}
}

// defaultRoles lets the rules' roles be the fence when none is written.
func (m *mapping) defaultRoles() {
	if m.roles.given() {
		return
	}
	known := map[string]bool{}
	for _, row := range m.Rules {
		if !known[row.Role] {
			known[row.Role] = true
			m.Roles = append(m.Roles, studio.RolePattern(row.Role))
		}
	}
}

func (m *mapping) rule(n node) {
	f := n.object()
	defer f.end()
	row := studio.Row{
		Group:    m.group(f),
		Priority: priority(f.get("priority")),
		Source:   n.source(),
	}
	d, known := m.domains.find(f.need("domain", "the name of one of domains"))
	row.Domain = d.Name
	roleNode := f.need("role", "the ARN of the group's execution role")
	role, ok := readRole(roleNode)
	row.Role = role.ARN
	if ok && known {
		m.checkRole(roleNode, role, d)
	}
	row.Settings = m.settings(f.get("settings"))
	if row.Group.Key() != "" && row.Domain != "" {
		m.onlyRow(n, row)
	}
	m.whole = m.whole && ok
	if ok {
		m.Rules = append(m.Rules, row)
	}
}

func priority(n node) int {
	return n.whole(studio.DefaultPriority, math.MinInt32, math.MaxInt32)
}

// group reads group or groupId, one of which names the row's group.
func (m *mapping) group(f *fields) studio.GroupRef {
	byName, byID := f.get("group"), f.get("groupId")
	switch {
	case byName.given() && byID.given():
		byID.wrong("group is written too (keep groupId, which nobody can take over)")
	case byID.given():
		id := byID.match(groupIDForm)
		if id != "" && !studio.IsID(id) {
			byID.wrong("want a group's id, as Identity Center shows it, found %q", id)
		}
		return studio.GroupRef{ID: id}
	case byName.given():
		m.byName = append(m.byName, byName)
		s := byName.match(groupForm)
		if ref := studio.ParseGroupRef(s); ref.ID != "" || strings.HasPrefix(s, "groupId:") {
			byName.wrong("%q is how the mapping table spells an id (write it under groupId)", s)
		}
		return studio.GroupRef{Name: s}
	default:
		f.need("group", "the group's display name, or groupId")
	}
	return studio.GroupRef{}
}

// checkRole judges a row's role by its domain and by mapping.roles.
func (m *mapping) checkRole(n node, role studio.Role, d studio.Domain) {
	if role.Account != d.Account {
		n.wrong("the role lies in account %s, and domain %s in %s (SageMaker takes roles of the domain's account only)",
			role.Account, d.Name, d.Account)
		return
	}
	if m.fenced && !m.allows(role.ARN) {
		n.wrong("%s is not within mapping.roles (add it there, or name another role)", role.ARN)
	}
}

// onlyRow notes a second rule for the same group and domain.
func (m *mapping) onlyRow(n node, row studio.Row) {
	key := row.Domain + "\n" + row.Group.Key()
	first, twice := m.rows[key]
	if !twice {
		m.rows[key] = seen{n, row}
		return
	}
	what := "has the same group and domain, with other rights (keep one of the two)"
	if first.row.Same(row) && first.row.Priority == row.Priority {
		what = "says the same (delete one of the two)"
	}
	n.wrong("%s in %s %s", first.node.path, first.node.where(), what)
}

// adviseIDs recommends ids once, at the first name.
func (m *mapping) adviseIDs() {
	if len(m.byName) == 0 {
		return
	}
	rules := "this rule names its group"
	if len(m.byName) > 1 {
		rules = fmt.Sprintf("%d rules from here on name their groups", len(m.byName))
	}
	m.byName[0].warn("%s by display name, which another group can take over (write groupId, which none can)", rules)
}
