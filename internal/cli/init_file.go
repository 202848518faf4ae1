package cli

import (
	_ "embed" // for the text of the file
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"text/template"
	"unicode/utf8"

	"studiokeeper/internal/awscloud"
	"studiokeeper/internal/config"
	"studiokeeper/internal/studio"
)

const (
	shownRows     = 20 // examples of rows, where no group was chosen
	commentColumn = 37 // where the comments behind values begin
)

// starterText is the file. A tab parts a value from its comment. What stands
// behind a # without a blank is a key that can be switched on.
//
//go:embed init.yaml.tmpl
var starterText string

// starterFile is what the text is filled with.
type starterFile struct {
	Account, Partition string
	OtherAccount       string // for examples
	Deployment, Mode   string
	Center             awscloud.FoundInstance
	CenterRole         studio.AssumeRole
	Domains            []studio.Domain
	Left, Noted        []string
	Roles              []string
	Rows               []starterRow // of the groups that were chosen
	Examples           []starterRow // where none was chosen
	More               int          // groups that no example is shown of
	Role, Quarantine   string
	StateTable         string
	MappingTable       string
}

// starterRow is a row of mapping.rules.
type starterRow struct {
	GroupID, Name string
	Domain        string
	Role          string
	Renamed       bool // the role's name is not quite the group's
}

// fileOf is what is known by now.
func (s *starter) fileOf(f findings) starterFile {
	file := starterFile{
		Account: f.account, Partition: f.partition, OtherAccount: otherAccount(f.account),
		Deployment: s.deployment, Mode: s.mode, Center: f.instance, CenterRole: s.identityRole, Domains: f.domains,
		Noted: f.notes(), Role: s.role, Quarantine: s.quarantine, StateTable: s.stateTable, MappingTable: s.mappingTable,
	}
	for _, l := range f.left {
		file.Left = append(file.Left, plain(l.String()))
	}
	names := s.roleNames(f.domains, f.allWanted())
	for _, d := range f.domains {
		file.Rows = append(file.Rows, s.rowsOf(d, f.wanted[d.Name], names)...)
	}
	if len(file.Rows) == 0 {
		shown := f.groups[:min(len(f.groups), shownRows)]
		file.Examples = s.rowsOf(f.domains[0], shown, s.roleNames(f.domains, shown))
		file.More = len(f.groups) - len(shown)
	}
	return file
}

// compose makes the text, and is sure that the loader takes it.
func (s *starter) compose(f findings) (string, *config.Config, error) {
	file := s.fileOf(f)
	if len(file.Rows) == 0 && s.mappingTable == "" {
		return "", nil, usage("no group would get a role; name groups with --group, or a table that holds the rows with --mapping-table")
	}
	file.Roles = fence(s.role, f.domains, file.Rows)
	if len(file.Roles) == 0 {
		return "", nil, usage("--role %s: give the groups' roles a path of their own, such as role/studio/{group}; without groups nothing else says which roles may be given", s.role)
	}
	text, err := file.text()
	if err != nil {
		return "", nil, err
	}
	cfg, err := config.Parse(s.out, []byte(text), s.env.Lookup)
	if err != nil {
		return "", nil, notValid(err)
	}
	return text, cfg, nil
}

// otherAccount is an account number for examples.
func otherAccount(account string) string {
	if account == "444455556666" {
		return "111122223333"
	}
	return "444455556666"
}

// notValid says by which flag a problem came.
func notValid(err error) error {
	flags := map[string]string{
		"deployment": "--deployment", "identityCenter": "--identity-region, --identity-store or --identity-role", "domains": "--domain",
		"mapping": "--role, --group or --mapping-table", "offboarding": "--quarantine-role", "state": "--state-table",
	}
	lines := []string{"what was asked for makes no valid configuration, so nothing was written:"}
	problems, _ := errors.AsType[config.Errors](err)
	for _, p := range problems {
		key, _, _ := strings.Cut(strings.NewReplacer("[", ".").Replace(p.Path), ".")
		lines = append(lines, fmt.Sprintf("%s: %s (see %s)", p.Path, p.Text, flags[key]))
	}
	return usage("%s", strings.Join(lines, "\n"))
}

// allWanted are the groups that get a row in any domain.
func (f findings) allWanted() []awscloud.FoundGroup {
	var all []awscloud.FoundGroup
	for _, g := range f.groups {
		for _, wanted := range f.wanted {
			if slices.Contains(wanted, g) {
				all = append(all, g)
				break
			}
		}
	}
	return all
}

// roleNames gives the groups their part of a role's name, the same in every
// domain: two groups never share a role because they differ in a domain only.
func (s *starter) roleNames(domains []studio.Domain, groups []awscloud.FoundGroup) map[string]string {
	room := maxRoleName
	for _, d := range domains {
		room = min(room, roomForGroup(s.role, d))
	}
	return roleNames(groups, room)
}

func (s *starter) rowsOf(d studio.Domain, groups []awscloud.FoundGroup, names map[string]string) []starterRow {
	var rows []starterRow
	for _, g := range groups {
		rows = append(rows, starterRow{
			GroupID: g.ID, Name: g.Name, Domain: d.Name, Role: roleOf(s.role, d, names[g.ID]),
			Renamed: names[g.ID] != g.Name && strings.Contains(s.role, "{group}"),
		})
	}
	return rows
}

func (f starterFile) text() (string, error) {
	t, err := template.New("").Funcs(template.FuncMap{"yaml": scalarYAML, "quote": strconv.Quote}).Parse(starterText)
	if err != nil {
		return "", err
	}
	var b strings.Builder
	if err := t.Execute(&b, f); err != nil {
		return "", err
	}
	return aligned(b.String()), nil
}

// aligned puts the comments behind values into one column.
func aligned(text string) string {
	var b strings.Builder
	for line := range strings.Lines(text) {
		value, comment, behind := strings.Cut(line, "\t")
		if !behind {
			b.WriteString(line)
			continue
		}
		gap := max(commentColumn-utf8.RuneCountInString(value), 2)
		b.WriteString(value + strings.Repeat(" ", gap) + comment)
	}
	return b.String()
}

// starterTables are those that the configuration names, with what they are made with.
func starterTables(cfg *config.Config) string {
	text := cfg.State.Table + " (keys pk and sk, strings; TTL attribute expires)"
	if cfg.Mapping.Table != "" {
		text += ", " + cfg.Mapping.Table + " (keys group and domain, strings)"
	}
	return text
}

// nextSteps tells what to do with the file.
func (s *starter) nextSteps(cfg *config.Config, commands map[string]bool) {
	for _, w := range cfg.Warnings {
		s.say("advice: %s", w)
	}
	name, flag := s.out, " --config "+s.out
	switch s.out {
	case "-":
		name, flag = "The configuration", " --config FILE"
	case s.usual:
		flag = ""
	}
	s.say("\n%s is written: mode %s, domains: %d, rules: %d. Next:", name, cfg.Mode, len(cfg.Domains), len(cfg.Mapping.Rules))
	steps := []string{
		"read it; the roles that it names, the powerless one too, have to exist",
		"deploy it, with its tables: docs/install.md; or, for the command line alone, make the DynamoDB tables " + starterTables(cfg),
		"studiokeeper config check" + flag,
	}
	for _, c := range []struct{ name, use string }{{"doctor", "doctor"}, {"plan", "plan"}, {"explain", "explain USER"}} {
		if commands[c.name] {
			steps = append(steps, "studiokeeper "+c.use+flag)
		}
	}
	if cfg.Mode == studio.Observe {
		steps = append(steps, "after a week in which it wanted nothing wrong: mode: enforce")
	}
	for i, step := range steps {
		s.say("  %d. %s", i+1, step)
	}
}
