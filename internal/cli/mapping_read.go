package cli

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"

	"studiokeeper/internal/awscloud"
	"studiokeeper/internal/reconcile"
	"studiokeeper/internal/studio"
)

// reading is what the function would read.
type reading struct {
	rows   []studio.Row
	pinned map[string]string // display name → the group that it meant at first
	named  map[string]string // display name or groupId:<id> → the group that it means now; "" for none
}

// taken tells whether a row's group is named by a name that means another group now.
func (r reading) taken(row studio.Row) bool {
	pinned, now := r.pinned[row.Group.Name], r.named[row.Group.Name]
	return pinned != "" && now != "" && pinned != now
}

// read reads all rows as the function would if the table held these, rules first.
// Nothing is written: new names are not pinned.
func (d *mappingDesk) read(ctx context.Context, table []studio.Row, force bool) (reading, error) {
	m := d.keep.Mapping
	pinned, err := m.Pins.Pinned(ctx)
	if err != nil {
		return reading{}, fmt.Errorf("read which group each name meant at first: %w", err)
	}
	groups := m.Groups
	if groups == nil {
		groups, _ = m.Identity.(reconcile.GroupReader)
	}
	noted := &notedGroups{Identity: m.Identity, GroupReader: groups, force: force, pinned: pinned, named: map[string]string{}}
	view := &reconcile.Mapping{
		Rules: m.Rules, Table: heldRows(table), Allowed: m.Allowed, Domains: m.Domains,
		Identity: noted, Groups: noted, Pins: heldPins{m.Pins, pinned}, Now: m.Now,
	}
	if groups != nil {
		view.Naming = func(string) []studio.Row { return nil } // so that groups named by id are looked up too
	}
	rows, err := view.Rows(ctx)
	return reading{rows, pinned, noted.named}, err
}

// heldRows is a table that holds these rows.
type heldRows []studio.Row

// Rows implements reconcile.RowTable.
func (h heldRows) Rows(context.Context) ([]studio.Row, error) { return h, nil }

// heldPins are pins as they were read, to which none is added.
type heldPins struct {
	reconcile.Pins
	pinned map[string]string
}

// Pinned implements reconcile.Pins.
func (h heldPins) Pinned(context.Context) (map[string]string, error) { return h.pinned, nil }

// Pin implements reconcile.Pins, and keeps nothing.
func (heldPins) Pin(_ context.Context, _, id string) (string, error) { return id, nil }

// notedGroups notes what names mean and, with force, takes every group for one that exists.
type notedGroups struct {
	reconcile.Identity
	reconcile.GroupReader
	force  bool
	pinned map[string]string

	mu    sync.Mutex
	named map[string]string
}

// GroupNamed implements reconcile.Identity.
func (n *notedGroups) GroupNamed(ctx context.Context, name string) (string, error) {
	id, err := n.Identity.GroupNamed(ctx, name)
	n.mu.Lock()
	n.named[name] = id
	n.mu.Unlock()
	if err == nil && id == "" && n.force {
		return cmp.Or(n.pinned[name], "a group to come: "+name), nil
	}
	return id, err
}

// GroupName implements reconcile.GroupReader.
func (n *notedGroups) GroupName(ctx context.Context, id string) (string, error) {
	name, err := n.GroupReader.GroupName(ctx, id)
	if !n.force || !errors.Is(err, reconcile.ErrGone) {
		return name, err
	}
	n.mu.Lock()
	n.named[studio.GroupRef{ID: id}.Key()] = ""
	n.mu.Unlock()
	return "", nil
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
	toCome  bool   // the store has no such group, which --force lets pass
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
	all, err := d.read(ctx, d.rowsOf(after), force)
	if err != nil {
		return nil, err
	}
	out := map[rowKey]judged{}
	for _, r := range all.rows[len(d.keep.Mapping.Rules):] {
		missing := r.Unreadable != "" && (r.GroupID == "" || r.Vanished) && !all.taken(r)
		id, looked := all.named[r.Group.Key()]
		out[rowKey{r.Group.Key(), r.Domain}] = judged{r.GroupID, r.Unreadable, missing, force && looked && id == ""}
	}
	return out, nil
}
