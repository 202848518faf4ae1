package cli

import (
	"context"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"studiokeeper/internal/render"
	"studiokeeper/internal/studio"
)

// mappingChecked is the result of mapping check, for scripts.
type mappingChecked struct {
	Rows       int             `json:"rows"`
	Unreadable []unreadableRow `json:"unreadable"`
	ByName     []namedGroup    `json:"byName"` // groups that a row names by display name
	Warnings   []string        `json:"warnings"`
}

// unreadableRow is a row that the function does not rely on: people whom it may
// concern are left as they are.
type unreadableRow struct {
	Group  string `json:"group"`
	Domain string `json:"domain,omitempty"` // "" for a name that the naming standard gives rows
	Source string `json:"source"`
	Reason string `json:"reason"`
	Remedy string `json:"remedy"`
}

type namedGroup struct {
	Group   string `json:"group"`
	GroupID string `json:"groupId"`
}

func mappingCheckCommand(env Environment) *cobra.Command {
	var how manner
	var accept string
	c := &cobra.Command{
		Use:   "check",
		Short: "Reads all rows as the function does, and says what is wrong with them and what to do",
		Long: `Reads all rows as the function does, and says what is wrong with them and what to
do. Until it is done, people whom such a row may concern are left as they are:
the members of its group, or everybody whom it could outrank when nobody can
tell who these are. It ends in 5 when a row cannot be read.

--accept NAME says that a display name may mean the group that bears it now, and
not the one that bore it first.`,
		Args: noArguments,
		RunE: func(c *cobra.Command, _ []string) error {
			asJSON, err := how.format.json()
			if err != nil {
				return err
			}
			accepts, a := c.Flags().Changed("accept"), forReading
			if accepts {
				a = writeAccess(how.noLock)
			}
			d, err := openMapping(c, env, a)
			if err != nil {
				return err
			}
			if accepts {
				return d.accept(c.Context(), accept, how.yes, asJSON)
			}
			result, err := d.check(c.Context())
			if err != nil {
				return err
			}
			return d.sayChecked(result, asJSON)
		},
	}
	c.Flags().StringVar(&accept, "accept", "", "let the display `NAME` mean the group that bears it now")
	how.add(c)
	return c
}

func (d *mappingDesk) check(ctx context.Context) (mappingChecked, error) {
	stored, err := d.stored(ctx)
	if err != nil {
		return mappingChecked{}, err
	}
	all, err := d.read(ctx, d.rowsOf(stored), false)
	if err != nil {
		return mappingChecked{}, err
	}
	result := mappingChecked{Rows: len(all.rows), Unreadable: []unreadableRow{}, ByName: []namedGroup{}, Warnings: []string{}}
	for _, dom := range d.cfg.Domains {
		if tooMany := studio.TooManyGroups(dom, all.rows); tooMany != "" {
			result.Warnings = append(result.Warnings, tooMany)
		}
	}
	rules := len(d.keep.Mapping.Rules)
	for i, r := range all.rows {
		named := namedGroup{r.Group.Name, r.GroupID}
		if r.Group.Name != "" && r.Unreadable == "" && !slices.Contains(result.ByName, named) {
			result.ByName = append(result.ByName, named)
		}
		if r.Unreadable == "" {
			continue
		}
		malformed := i >= rules && stored[i-rules].Wrong != ""
		result.Unreadable = append(result.Unreadable, unreadableRow{
			Group: r.Group.Key(), Domain: r.Domain, Source: r.Source, Reason: r.Unreadable,
			Remedy: d.remedy(r, all.taken(r), malformed, i >= rules),
		})
	}
	taken, err := d.takenNames(ctx, all)
	result.Unreadable = append(result.Unreadable, taken...)
	return result, err
}

// takenNames are names that the naming standard gives rows, and that mean another
// group now than at first.
func (d *mappingDesk) takenNames(ctx context.Context, all reading) ([]unreadableRow, error) {
	var out []unreadableRow
	for _, name := range slices.Sorted(maps.Keys(all.pinned)) {
		inRow := slices.ContainsFunc(all.rows, func(r studio.Row) bool { return r.Group.Name == name })
		if inRow || len(d.cfg.NamedRows(name)) == 0 {
			continue
		}
		id, err := d.keep.Identity.GroupNamed(ctx, name)
		if err != nil {
			return nil, fmt.Errorf("find group %q: %w", name, err)
		}
		if id == "" || id == all.pinned[name] {
			continue
		}
		out = append(out, unreadableRow{
			Group: name, Source: "mapping.naming",
			Reason: fmt.Sprintf("the name meant group %s, and means group %s now", all.pinned[name], id),
			Remedy: acceptIt(name),
		})
	}
	return out, nil
}

func acceptIt(name string) string {
	return fmt.Sprintf("when that is meant to be, run studiokeeper mapping check --accept %s; else give the group another name", shellQuote(name))
}

// remedy is what to do about a row that cannot be read.
func (d *mappingDesk) remedy(r studio.Row, taken, malformed, inTable bool) string {
	at := shellQuote(r.Group.Key()) + " " + shellQuote(r.Domain)
	set, remove := "studiokeeper mapping set "+at+" ROLE", "studiokeeper mapping delete "+at
	if !inTable {
		set, remove = "edit "+r.Source, "take the rule out of the configuration: "+r.Source
	}
	_, known := d.cfg.Domain(r.Domain)
	_, err := studio.ParseRole(r.Role)
	switch {
	case malformed:
		return "write it anew: " + set
	case taken:
		return acceptIt(r.Group.Name)
	case r.Vanished || r.GroupID == "":
		return "make the group again, or " + remove + " (its members lose what it gave them)"
	case strings.HasPrefix(r.Unreadable, "it contradicts "):
		return "keep one of the two: " + remove
	case !known:
		return remove + ", or add the domain to the configuration"
	case err == nil && !d.cfg.RoleAllowed(r.Role):
		return "give an allowed role: " + set + "; or open its path in mapping.roles"
	}
	return "correct it: " + set
}

// shellQuote writes a word as a shell takes it.
func shellQuote(s string) string {
	safe := func(r rune) bool {
		return r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || strings.ContainsRune("_-.:/@+=,", r)
	}
	if s != "" && strings.IndexFunc(s, func(r rune) bool { return !safe(r) }) < 0 {
		return s
	}
	return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'"
}

func (d *mappingDesk) sayChecked(result mappingChecked, asJSON bool) error {
	if asJSON {
		if err := render.JSON(d.env.Stdout, result); err != nil {
			return err
		}
	} else if err := d.writeChecked(result); err != nil {
		return err
	}
	if n := len(result.Unreadable); n > 0 {
		return codeError{exitPartial, fmt.Errorf("%s cannot be read; people whom they may concern are left as they are", counted(n, "row"))}
	}
	return nil
}

func (d *mappingDesk) writeChecked(result mappingChecked) error {
	var b strings.Builder
	for _, u := range result.Unreadable {
		fmt.Fprintf(&b, "%s %s", d.style.Bad("!"), d.style.Bold(plain(u.Group)))
		if u.Domain != "" {
			fmt.Fprintf(&b, " in %s", plain(u.Domain))
		}
		fmt.Fprintf(&b, "  %s\n    %s\n    remedy: %s\n", d.style.Dim(plain(u.Source)), d.style.Bad(plain(u.Reason)), plain(u.Remedy))
	}
	fmt.Fprintf(&b, "%s, %d unreadable\n", counted(result.Rows, "row"), len(result.Unreadable))
	for _, w := range result.Warnings {
		fmt.Fprintln(d.env.Stderr, "beware:", w)
	}
	if n := len(result.ByName); n > 0 {
		fmt.Fprintf(d.env.Stderr, "advice: %s named by display name, which another group can take over; write the id instead:\n", groupsAre(n))
		for _, g := range result.ByName {
			fmt.Fprintf(d.env.Stderr, "  %s → groupId:%s\n", plain(g.Group), g.GroupID)
		}
	}
	_, err := io.WriteString(d.env.Stdout, b.String())
	return err
}

func groupsAre(n int) string {
	if n == 1 {
		return "1 group is"
	}
	return fmt.Sprintf("%d groups are", n)
}
