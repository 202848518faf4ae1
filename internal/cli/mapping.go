package cli

import (
	"context"
	"fmt"
	"strings"
	"unicode"

	"github.com/spf13/cobra"

	"studiokeeper/internal/awscloud"
	"studiokeeper/internal/config"
	"studiokeeper/internal/reconcile"
	"studiokeeper/internal/render"
)

func mappingCommand(env Environment) *cobra.Command {
	c := &cobra.Command{
		Use:   "mapping",
		Short: "Shows and changes which group gets which role",
		Long: `Shows and changes the rows that say: this group, in this domain, gets this
execution role. Rows are kept in the DynamoDB table that the configuration
names; rules and naming standards in the configuration are shown beside them.

GROUP is a group's display name, or groupId:<id>. Somebody else can come by a
name, but not by an id.`,
		Args: noSuchCommand,
		RunE: help,
	}
	c.AddCommand(mappingListCommand(env), mappingSetCommand(env), mappingDeleteCommand(env),
		mappingImportCommand(env), mappingExportCommand(env), mappingCheckCommand(env))
	return c
}

// arguments refuses another number of arguments than is used.
func arguments(use string, n int) cobra.PositionalArgs {
	return func(c *cobra.Command, args []string) error {
		if len(args) != n {
			return usage("%s needs %s, but got %q", c.CommandPath(), use, args)
		}
		return nil
	}
}

// entry is a row of the mapping table as people write it.
type entry = awscloud.Entry

// mappingDesk is what the mapping commands work with.
type mappingDesk struct {
	env   Environment
	style render.Style
	cfg   *config.Config
	keep  *reconcile.Reconciler
	table *awscloud.Mapping // nil when the configuration names none
}

// openMapping opens what the function would open.
func openMapping(c *cobra.Command, env Environment, a access) (*mappingDesk, error) {
	keep, cfg, err := open(c.Context(), env, opening{config: configRef(c, env), running: "mapping", queue: &waitingRoom{}, access: a})
	if err != nil {
		return nil, err
	}
	d := &mappingDesk{env: env, style: style(env, env.Stdout), cfg: cfg, keep: keep}
	d.table, _ = keep.Mapping.Table.(*awscloud.Mapping)
	return d, nil
}

// openTable is openMapping for commands that are about the table.
func openTable(c *cobra.Command, env Environment, a access) (*mappingDesk, error) {
	d, err := openMapping(c, env, a)
	if err == nil && d.table == nil {
		return nil, usage("the configuration names no mapping.table; its rows are the rules written there")
	}
	return d, err
}

// stored reads the table; none where there is no table.
func (d *mappingDesk) stored(ctx context.Context) ([]awscloud.Stored, error) {
	if d.table == nil {
		return nil, nil
	}
	all, err := d.table.Entries(ctx)
	if err != nil {
		return nil, fmt.Errorf("read the mapping table: %w", err)
	}
	return all, nil
}

// warnOfAbsent says what a row of a group that does not exist does.
func (d *mappingDesk) warnOfAbsent(e entry) {
	fmt.Fprintf(d.env.Stderr, "warning: group %q does not exist; until it does, or the row is gone, people in %s whom no row above priority %d concerns are left as they are\n",
		e.Group.Key(), e.Domain, e.Priority)
}

// plain keeps what a table or directory holds from steering the terminal.
func plain(s string) string {
	return strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) {
			return '\ufffd'
		}
		return r
	}, s)
}
