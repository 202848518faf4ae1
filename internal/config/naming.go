package config

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"studiokeeper/internal/studio"
)

// NamingRule derives rows from group names, for groups that have no row of
// their own. Besides what is written below it takes a priority and settings,
// as a rule does.
type NamingRule struct {
	// Group is a display name with * for any letters, or a regular expression
	// in slashes: /^studio-(.+)$/. Either must match the whole name.
	Group string
	// Domain is the name of one of Domains.
	Domain string
	// Role is an ARN with placeholders: {account} and {domain} stand for the
	// domain's, {group} for the group's name, {1}, {2} … for the capture
	// groups of the expression or the * of the pattern.
	Role     string
	Priority int
	Settings studio.Settings
	Source   string `json:"-"` // where it is written, for people

	pattern *regexp.Regexp
}

// Matches reports whether the rule is about the group.
func (r NamingRule) Matches(group string) bool { return r.pattern.MatchString(group) }

var (
	placeholder = lazily(`\{[^{}]*\}|[{}]`)
	// rolePart is what a role's name is made of. A slash is left out: the
	// name of a group must not choose a role's path.
	rolePart = lazily(`^[A-Za-z0-9_+=,.@-]+$`)
)

// NamedRows are the rows that the naming standard derives for the group, one
// a domain at most. A name that makes no allowed role, and two naming rules
// that disagree, give a row that is Unreadable and says why.
func (c *Config) NamedRows(group string) []studio.Row {
	var rows []studio.Row
	for _, rule := range c.Mapping.Naming {
		d, known := c.Domain(rule.Domain)
		if !known || !rule.Matches(group) {
			continue
		}
		row := rule.row(group, d, c.Mapping)
		i := slices.IndexFunc(rows, func(o studio.Row) bool { return o.Domain == row.Domain })
		switch {
		case i < 0:
			rows = append(rows, row)
		case !rows[i].Same(row) || rows[i].Priority != row.Priority || rows[i].Unreadable != row.Unreadable:
			rows[i].Unreadable = fmt.Sprintf("two naming rules disagree about it: %s and %s", rows[i].Source, row.Source)
			rows[i].Priority = max(rows[i].Priority, row.Priority)
		}
	}
	return rows
}

// NamingTemplates are the naming rules as rows of no group, whose roles still
// have their placeholders.
func (c *Config) NamingTemplates() []studio.Row {
	var rows []studio.Row
	for _, r := range c.Mapping.Naming {
		rows = append(rows, studio.Row{Domain: r.Domain, Role: r.Role, Priority: r.Priority, Settings: r.Settings, Source: r.Source, Rule: r.Group})
	}
	return rows
}

func (r NamingRule) row(group string, d studio.Domain, m Mapping) studio.Row {
	row := studio.Row{Group: studio.GroupRef{Name: group}, Domain: d.Name,
		Priority: r.Priority, Settings: r.Settings, Source: r.Source, Rule: r.Group}
	arn, err := r.fill(r.pattern.FindStringSubmatch(group), d)
	if err != nil {
		row.Unreadable = err.Error()
		return row
	}
	row.Role = arn
	if !m.allows(arn) {
		row.Unreadable = fmt.Sprintf("%s is not within mapping.roles", arn)
	}
	return row
}

// fill puts the matched name's parts into the template; found is as
// FindStringSubmatch answers.
func (r NamingRule) fill(found []string, d studio.Domain) (string, error) {
	var unfit error
	arn := placeholder().ReplaceAllStringFunc(r.Role, func(p string) string {
		switch name := p[1 : len(p)-1]; name {
		case "account":
			return d.Account
		case "domain":
			return d.Name
		case "group":
			p = found[0]
		default:
			i, _ := strconv.Atoi(name) // checked when the rule was read
			p = found[i]
		}
		if !rolePart().MatchString(p) {
			unfit = fmt.Errorf("%q cannot be part of a role's name (letters, digits and _+=,.@- can)", p)
		}
		return p
	})
	if unfit != nil {
		return "", unfit
	}
	_, err := studio.ParseRole(arn)
	return arn, err
}

func (m *mapping) naming(n node) {
	f := n.object()
	defer f.end()
	groups := f.need("group", "a display name with *, or a regular expression in slashes")
	r := NamingRule{Priority: priority(f.get("priority")), Source: n.source()}
	r.Group, _ = groups.text()
	r.pattern = groupPattern(groups, r.Group)
	d, known := m.domains.find(f.need("domain", "the name of one of domains"))
	r.Domain = d.Name
	role := f.need("role", "a role's ARN with placeholders such as {account} and {group}")
	r.Role, _ = role.text()
	r.Settings = m.settings(f.get("settings"))
	if r.pattern == nil || r.Role == "" || !knownPlaceholders(role, r.Role, r.placeholders()...) {
		return
	}
	if known {
		m.trySample(role, r, d)
	}
	m.Naming = append(m.Naming, r)
}

// groupPattern compiles a naming rule's group; nil when there is none.
func groupPattern(n node, group string) *regexp.Regexp {
	if group == "" {
		return nil
	}
	source := strings.ReplaceAll(regexp.QuoteMeta(group), `\*`, `(.*)`)
	if strings.HasPrefix(group, "/") {
		if len(group) < 3 || !strings.HasSuffix(group, "/") {
			n.wrong("want a regular expression between two slashes, found %q", group)
			return nil
		}
		source = group[1 : len(group)-1]
	}
	// By itself first: a)|(b would be one only within the parentheses below.
	if _, err := regexp.Compile(source); err != nil {
		n.wrong("not a regular expression: %v", err)
		return nil
	}
	pattern, err := regexp.Compile(`^(?:` + source + `)$`)
	if err != nil {
		n.wrong("not a regular expression: %v", err)
		return nil
	}
	return pattern
}

// placeholders are those that the rule's role may hold.
func (r NamingRule) placeholders() []string {
	names := []string{"account", "domain", "group"}
	for i := range r.pattern.NumSubexp() {
		names = append(names, strconv.Itoa(i+1))
	}
	return names
}

// knownPlaceholders notes braces that stand for nothing.
func knownPlaceholders(n node, template string, known ...string) bool {
	for _, p := range placeholder().FindAllString(template, -1) {
		if !slices.Contains(known, strings.Trim(p, "{}")) || len(p) < 3 {
			n.wrong("%s stands for nothing here (known: {%s})", p, strings.Join(known, "}, {"))
			return false
		}
	}
	return true
}

// trySample fills the template as for a group of an ordinary name.
func (m *mapping) trySample(n node, r NamingRule, d studio.Domain) {
	found := make([]string, r.pattern.NumSubexp()+1)
	for i := range found {
		found[i] = "sample"
	}
	arn, err := r.fill(found, d)
	if err != nil {
		n.wrong("a group named sample would get no valid role: %v", err)
		return
	}
	role, _ := studio.ParseRole(arn) // fill checked it
	switch {
	case role.Account != d.Account:
		n.wrong("the roles lie in account %s, and domain %s in %s (write {account} for the domain's own)", role.Account, d.Name, d.Account)
	case m.fenced && !m.reaches(r.Role, d):
		n.wrong("no role of this form is within mapping.roles (add their path there)")
	}
}

// reaches reports whether some role of the template's form can be allowed:
// their fixed beginnings must agree.
func (m *mapping) reaches(template string, d studio.Domain) bool {
	begin := fillDomain(template, d)
	if i := strings.IndexByte(begin, '{'); i >= 0 {
		begin = begin[:i]
	}
	return slices.ContainsFunc(m.Roles, func(p studio.RolePattern) bool {
		prefix, wild := strings.CutSuffix(string(p), "*")
		return strings.HasPrefix(prefix, begin) || wild && strings.HasPrefix(begin, prefix)
	})
}
