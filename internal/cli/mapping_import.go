package cli

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"

	"studiokeeper/internal/awscloud"
)

func mappingImportCommand(env Environment) *cobra.Command {
	var how manner
	var format string
	var prune, force bool
	c := &cobra.Command{
		Use:   "import FILE",
		Short: "Brings the table in line with a file: all of it, or nothing (- reads stdin)",
		Long: `Reads rows from a CSV, YAML or JSON file, shows what would change in the table,
asks, and writes all of it in one transaction, or nothing.

A CSV file names its columns in the first line: group,domain,role and, where
wanted, priority,settings,note. group is a display name or groupId:<id>, and
settings are JSON. YAML and JSON hold a list of rows as the configuration has
them under mapping.rules, with a note each where wanted.`,
		Args: arguments("a file, or - for stdin", 1),
		RunE: func(c *cobra.Command, args []string) error {
			f, err := readMappingFile(args[0], fileFormat(format), env.Stdin)
			if err != nil {
				return err
			}
			d, err := openTable(c, env, writeAccess(how.noLock))
			if err != nil {
				return err
			}
			changes, err := d.compare(c.Context(), f, prune, force)
			if err != nil {
				return err
			}
			return d.carryOut(c.Context(), changes, how)
		},
	}
	c.Flags().StringVar(&format, "format", "", "`FORMAT` of the file: csv, yaml or json (default: by its ending)")
	c.Flags().BoolVar(&prune, "prune", false, "also remove the rows that the file does not have")
	c.Flags().BoolVar(&force, "force", false, "also rows of groups that do not exist (yet)")
	how.add(c)
	return c
}

// compare finds what is to be changed in the table. A row to be written that the
// function could not rely on is an error that names its line.
func (d *mappingDesk) compare(ctx context.Context, f *mappingFile, prune, force bool) ([]awscloud.Change, error) {
	stored, err := d.stored(ctx)
	if err != nil {
		return nil, err
	}
	changes := difference(stored, f.rows, prune)
	verdicts, err := d.judge(ctx, stored, changes, force)
	if err != nil {
		return nil, err
	}
	changing := map[rowKey]bool{}
	for _, c := range changes {
		if c.Is != nil {
			changing[keyOf(*c.Is)] = true
		}
	}
	for _, row := range f.rows {
		verdict := verdicts[keyOf(row.entry)]
		switch {
		case verdict.why == "" && verdict.toCome:
			d.warnOfAbsent(row.entry)
		case verdict.why == "":
		case !changing[keyOf(row.entry)]:
			fmt.Fprintf(d.env.Stderr, "warning: %s:%d: the table has this row already, and it cannot be read: %s\n", f.name, row.at.line, verdict.why)
		case verdict.missing:
			f.wrong(row.at, "group %q: %s (--force writes the row all the same)", row.Group.Key(), verdict.why)
		default:
			f.wrong(row.at, "group %q in %s: %s", row.Group.Key(), row.Domain, verdict.why)
		}
	}
	return changes, f.err()
}

// difference is what makes the table hold the rows: additions and changes in the
// order of the file, then removals.
func difference(stored []awscloud.Stored, rows []fileRow, prune bool) []awscloud.Change {
	var changes []awscloud.Change
	kept := map[rowKey]bool{}
	for _, row := range rows {
		kept[keyOf(row.entry)] = true
		was := find(stored, keyOf(row.entry))
		if was == nil || was.Wrong != "" || was.Entry != row.entry {
			changes = append(changes, awscloud.Change{Was: was, Is: &row.entry})
		}
	}
	for i := range stored {
		if prune && !kept[keyOf(stored[i].Entry)] {
			changes = append(changes, awscloud.Change{Was: &stored[i]})
		}
	}
	return changes
}
