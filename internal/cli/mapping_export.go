package cli

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"regexp"
	"strings"

	"github.com/spf13/cobra"

	"studiokeeper/internal/render"
	"studiokeeper/internal/studio"
)

func mappingExportCommand(env Environment) *cobra.Command {
	var format string
	c := &cobra.Command{
		Use:   "export",
		Short: "Writes the rows of the table to stdout, in a form that mapping import reads",
		Args:  noArguments,
		RunE: func(c *cobra.Command, _ []string) error {
			as := fileFormat(format)
			if as != csvFormat && as != yamlFormat && as != jsonFormat {
				return usage("-o %s: want yaml, csv or json", format)
			}
			d, err := openTable(c, env, forReading)
			if err != nil {
				return err
			}
			stored, err := d.stored(c.Context())
			if err != nil {
				return err
			}
			var rows []entry
			var left []error
			for _, s := range stored {
				if s.Wrong != "" {
					left = append(left, fmt.Errorf("group %q in domain %q: %s", s.Group.Key(), s.Domain, s.Wrong))
					continue
				}
				rows = append(rows, s.Entry)
			}
			if err := exportRows(env, as, rows); err != nil || len(left) == 0 {
				return err
			}
			return codeError{exitPartial, fmt.Errorf("left out what cannot be read:\n%w", errors.Join(left...))}
		},
	}
	c.Flags().StringVarP(&format, "output", "o", "yaml", "`FORMAT` of the file: yaml, csv or json")
	return c
}

func exportRows(env Environment, format fileFormat, rows []entry) error {
	switch format {
	case csvFormat:
		formulas, err := writeCSV(env.Stdout, rows)
		if formulas > 0 {
			fmt.Fprintf(env.Stderr, "beware: %s with =, +, - or @, which a spreadsheet takes for a formula; the file says exactly what the table does\n", cellsBegin(formulas))
		}
		for _, e := range rows {
			if strings.Contains(e.Group.Key()+e.Domain+e.Role+e.Note, "\r") {
				fmt.Fprintf(env.Stderr, "warning: group %q in %s holds a carriage return, which CSV does not keep; take yaml\n", e.Group.Key(), e.Domain)
			}
		}
		return err
	case jsonFormat:
		return render.JSON(env.Stdout, exported(rows))
	default:
		return writeYAML(env.Stdout, rows)
	}
}

// exportedRow is a row as the configuration spells it.
type exportedRow struct {
	Group    string          `json:"group,omitempty"`
	GroupID  string          `json:"groupId,omitempty"`
	Domain   string          `json:"domain"`
	Role     string          `json:"role"`
	Priority *int            `json:"priority,omitempty"`
	Settings json.RawMessage `json:"settings,omitempty"`
	Note     string          `json:"note,omitempty"`
}

func exported(rows []entry) []exportedRow {
	out := []exportedRow{}
	for _, e := range rows {
		r := exportedRow{
			Group: e.Group.Name, GroupID: e.Group.ID, Domain: e.Domain, Role: e.Role,
			Settings: rawSettings(e.Settings), Note: e.Note,
		}
		if e.Priority != studio.DefaultPriority {
			r.Priority = &e.Priority
		}
		out = append(out, r)
	}
	return out
}

// writeYAML writes rows as they could stand under mapping.rules, but for the note.
func writeYAML(w io.Writer, rows []entry) error {
	if len(rows) == 0 {
		_, err := io.WriteString(w, "[]\n")
		return err
	}
	var b strings.Builder
	for _, e := range exported(rows) {
		group := "group: " + scalarYAML(e.Group)
		if e.GroupID != "" {
			group = "groupId: " + scalarYAML(e.GroupID)
		}
		fmt.Fprintf(&b, "- %s\n  domain: %s\n  role: %s\n", group, scalarYAML(e.Domain), scalarYAML(e.Role))
		if e.Priority != nil {
			fmt.Fprintf(&b, "  priority: %d\n", *e.Priority)
		}
		if e.Settings != nil {
			fmt.Fprintf(&b, "  settings: %s\n", e.Settings)
		}
		if e.Note != "" {
			fmt.Fprintf(&b, "  note: %s\n", quoteJSON(e.Note))
		}
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// scalarYAML writes text bare where no reader takes it for something else. JSON's
// quotes are YAML's, too.
func scalarYAML(s string) string {
	bare := regexp.MustCompile(`^[A-Za-z][A-Za-z0-9_./@-]*(:[A-Za-z0-9_./@:-]+)?$`)
	switch strings.ToLower(s) {
	case "true", "false", "null", "yes", "no", "on", "off", "y", "n":
		return quoteJSON(s)
	}
	if bare.MatchString(s) && !strings.HasSuffix(s, ":") {
		return s
	}
	return quoteJSON(s)
}

func cellsBegin(n int) string {
	if n == 1 {
		return "1 cell begins"
	}
	return fmt.Sprintf("%d cells begin", n)
}
