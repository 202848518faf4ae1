package cli

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/spf13/cobra"

	"studiokeeper/internal/render"
	"studiokeeper/internal/studio"
)

// Where rows come from.
const (
	fromRule   = "rule"
	fromTable  = "table"
	fromNaming = "naming"
)

// listedRow is a row of any source. A row of the naming standard stands for one of
// every group that it matches.
type listedRow struct {
	Group    string          `json:"group"`
	GroupID  string          `json:"groupId,omitempty"` // what the group resolved to
	Domain   string          `json:"domain"`
	Role     string          `json:"role"`
	Priority *int            `json:"priority"` // null when it cannot be read
	Settings json.RawMessage `json:"settings,omitempty"`
	Note     string          `json:"note,omitempty"`
	From     string          `json:"from"`   // rule, table or naming
	Source   string          `json:"source"` // the place
	Problem  string          `json:"problem,omitempty"`
}

func mappingListCommand(env Environment) *cobra.Command {
	var format output
	c := &cobra.Command{
		Use:   "list",
		Short: "Shows all rows: those of the table, the configuration's rules, and its naming standards",
		Args:  noArguments,
		RunE: func(c *cobra.Command, _ []string) error {
			asJSON, err := format.json()
			if err != nil {
				return err
			}
			d, err := openMapping(c, env, forReading)
			if err != nil {
				return err
			}
			rows, err := d.list(c.Context())
			if err != nil {
				return err
			}
			if asJSON {
				return render.JSON(env.Stdout, map[string][]listedRow{"rows": rows})
			}
			return writeList(env.Stdout, d.style, rows)
		},
	}
	format.add(c)
	return c
}

// list is every row as the function reads it, by domain, the highest priority first.
func (d *mappingDesk) list(ctx context.Context) ([]listedRow, error) {
	stored, err := d.stored(ctx)
	if err != nil {
		return nil, err
	}
	all, err := d.read(ctx, d.rowsOf(stored), false)
	if err != nil {
		return nil, err
	}
	out := []listedRow{}
	rules := len(d.keep.Mapping.Rules)
	for i, r := range all.rows {
		l := listed(r, fromRule)
		if i >= rules {
			l.From, l.Note = fromTable, stored[i-rules].Note
		}
		out = append(out, l)
	}
	for _, n := range d.cfg.Mapping.Naming {
		out = append(out, listed(studio.Row{
			Group: studio.GroupRef{Name: n.Group}, Domain: n.Domain, Role: n.Role, Priority: n.Priority, Settings: n.Settings, Source: n.Source,
		}, fromNaming))
	}
	slices.SortStableFunc(out, func(a, b listedRow) int {
		return cmp.Or(cmp.Compare(a.Domain, b.Domain), -cmp.Compare(rank(a), rank(b)), cmp.Compare(a.Group, b.Group))
	})
	return out, nil
}

func listed(r studio.Row, from string) listedRow {
	l := listedRow{
		Group: r.Group.Key(), GroupID: r.GroupID, Domain: r.Domain, Role: r.Role, Priority: &r.Priority,
		Settings: rawSettings(r.Settings), From: from, Source: r.Source, Problem: r.Unreadable,
	}
	if r.Priority == studio.UnknownPriority {
		l.Priority = nil
	}
	return l
}

// rank puts an unknown priority first: it may be the highest.
func rank(l listedRow) int {
	if l.Priority == nil {
		return studio.UnknownPriority
	}
	return *l.Priority
}

func writeList(w io.Writer, s render.Style, rows []listedRow) error {
	if len(rows) == 0 {
		_, err := fmt.Fprintln(w, "There are no rows: nobody gets a profile. studiokeeper mapping set adds one.")
		return err
	}
	lines := [][]string{{"GROUP", "DOMAIN", "PRIORITY", "ROLE", "NOTES", "FROM"}}
	for _, r := range rows {
		lines = append(lines, r.cells())
	}
	widths := widest(lines)
	var b strings.Builder
	for i, line := range lines {
		text := columnsOf(line, widths)
		if i == 0 {
			text = s.Bold(text)
		}
		b.WriteString(text + "\n")
		if i > 0 && rows[i-1].Problem != "" {
			fmt.Fprintf(&b, "  %s\n", s.Bad("! "+plain(rows[i-1].Problem)))
		}
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// shownNote is how many characters of a note a table shows.
const shownNote = 40

func (r listedRow) cells() []string {
	priority := "?"
	if r.Priority != nil {
		priority = fmt.Sprint(*r.Priority)
	}
	from := r.From
	if r.From != fromTable {
		from += " " + r.Source
	}
	var notes []string
	if r.Settings != nil {
		notes = append(notes, "with settings")
	}
	if note := []rune(r.Note); len(note) > shownNote {
		notes = append(notes, string(note[:shownNote-1])+"…")
	} else if len(note) > 0 {
		notes = append(notes, r.Note)
	}
	return []string{cmp.Or(plain(r.Group), "?"), cmp.Or(plain(r.Domain), "?"), priority, cmp.Or(plain(r.Role), "?"), plain(strings.Join(notes, "; ")), plain(from)}
}

func widest(lines [][]string) []int {
	widths := make([]int, len(lines[0]))
	for _, line := range lines {
		for i, cell := range line {
			widths[i] = max(widths[i], utf8.RuneCountInString(cell))
		}
	}
	return widths
}

func columnsOf(line []string, widths []int) string {
	var b strings.Builder
	for i, cell := range line {
		b.WriteString(cell + strings.Repeat(" ", widths[i]-utf8.RuneCountInString(cell)+2))
	}
	return strings.TrimRight(b.String(), " ")
}
