package cli

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"unicode"

	"github.com/spf13/cobra"

	"studiokeeper/internal/app"
	"studiokeeper/internal/awscloud"
	"studiokeeper/internal/config"
	"studiokeeper/internal/reconcile"
	"studiokeeper/internal/render"
	"studiokeeper/internal/studio"
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
		Args: func(c *cobra.Command, args []string) error {
			if len(args) > 0 {
				return usage("there is no command %q; %s --help lists them", "mapping "+args[0], c.CommandPath())
			}
			return nil
		},
		RunE: func(c *cobra.Command, _ []string) error { return c.Help() },
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
func openMapping(c *cobra.Command, env Environment) (*mappingDesk, error) {
	ref := configRef(c, env)
	cfg, err := app.LoadConfig(c.Context(), ref, env.Lookup)
	if err != nil {
		return nil, err
	}
	log := slog.New(slog.NewTextHandler(env.Stderr, &slog.HandlerOptions{Level: slog.LevelWarn}))
	keep, err := app.Open(c.Context(), app.Options{Config: ref, Lookup: env.Lookup, Log: log, Queue: &waitingRoom{}})
	if err != nil {
		return nil, err
	}
	d := &mappingDesk{env: env, style: style(env, env.Stdout), cfg: cfg, keep: keep}
	d.table, _ = keep.Mapping.Table.(*awscloud.Mapping)
	return d, nil
}

// openTable is openMapping for commands that are about the table.
func openTable(c *cobra.Command, env Environment) (*mappingDesk, error) {
	d, err := openMapping(c, env)
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

// rows are all rows as the function would read them if the table held these, rules
// first. Nothing is written: names keep the ids that they are pinned to, and new ones get none.
func (d *mappingDesk) rows(ctx context.Context, table []studio.Row, force bool) ([]studio.Row, error) {
	m := d.keep.Mapping
	groups := m.Groups
	if groups == nil {
		groups, _ = m.Identity.(reconcile.GroupReader)
	}
	view := &reconcile.Mapping{
		Rules: m.Rules, Table: heldRows(table), Allowed: m.Allowed, Domains: m.Domains,
		Identity: m.Identity, Groups: groups, Pins: readPins{m.Pins}, Now: m.Now,
	}
	if groups != nil {
		view.Naming = func(string) []studio.Row { return nil } // so that groups named by id are looked up too
	}
	if force {
		pinned, err := m.Pins.Pinned(ctx)
		if err != nil {
			return nil, fmt.Errorf("read which group each name meant at first: %w", err)
		}
		assumed := assumedGroups{m.Identity, groups, pinned}
		view.Identity, view.Groups = assumed, assumed
	}
	return view.Rows(ctx)
}

// heldRows is a table that holds these rows.
type heldRows []studio.Row

// Rows implements reconcile.RowTable.
func (h heldRows) Rows(context.Context) ([]studio.Row, error) { return h, nil }

// readPins are pins that are only read.
type readPins struct{ reconcile.Pins }

// Pin implements reconcile.Pins, and keeps nothing.
func (readPins) Pin(_ context.Context, _, id string) (string, error) { return id, nil }

// assumedGroups takes every group for one that exists.
type assumedGroups struct {
	reconcile.Identity
	reconcile.GroupReader
	pinned map[string]string
}

// GroupNamed implements reconcile.Identity.
func (a assumedGroups) GroupNamed(ctx context.Context, name string) (string, error) {
	id, err := a.Identity.GroupNamed(ctx, name)
	if err != nil || id != "" {
		return id, err
	}
	return cmp.Or(a.pinned[name], "a group to come: "+name), nil
}

// GroupName implements reconcile.GroupReader.
func (a assumedGroups) GroupName(ctx context.Context, id string) (string, error) {
	name, err := a.GroupReader.GroupName(ctx, id)
	if errors.Is(err, reconcile.ErrGone) {
		return "", nil
	}
	return name, err
}

// rowOf is a row of the table as the function would read it.
func (d *mappingDesk) rowOf(e entry, wrong string) studio.Row {
	return studio.Row{
		Group: e.Group, Domain: e.Domain, Role: e.Role, Priority: e.Priority, Settings: e.Settings, Unreadable: wrong,
		Source: fmt.Sprintf("table %s: group %q, domain %q", d.table.Table, e.Group.Key(), e.Domain),
	}
}

func (d *mappingDesk) rowsOf(stored []awscloud.Stored) []studio.Row {
	var rows []studio.Row
	for _, s := range stored {
		rows = append(rows, d.rowOf(s.Entry, s.Wrong))
	}
	return rows
}

// judged is what the function would make of a row.
type judged struct {
	groupID string
	why     string // it could not be relied on; "" when it could
	missing bool   // because the store has no such group
}

// judge finds out what the function would make of the rows that changes write,
// beside all others.
func (d *mappingDesk) judge(ctx context.Context, stored []awscloud.Stored, changes []awscloud.Change, force bool) (map[rowKey]judged, error) {
	after := slices.Clone(stored)
	for _, c := range changes {
		if c.Was != nil {
			after = slices.DeleteFunc(after, func(s awscloud.Stored) bool { return keyOf(s.Entry) == keyOf(c.Was.Entry) })
		}
		if c.Is != nil {
			after = append(after, awscloud.Stored{Entry: *c.Is})
		}
	}
	rows, err := d.rows(ctx, d.rowsOf(after), force)
	if err != nil {
		return nil, err
	}
	out := map[rowKey]judged{}
	for _, r := range rows[len(d.keep.Mapping.Rules):] {
		missing := r.Unreadable != "" && (r.GroupID == "" || r.Vanished)
		out[rowKey{r.Group.Key(), r.Domain}] = judged{r.GroupID, r.Unreadable, missing}
	}
	return out, nil
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
