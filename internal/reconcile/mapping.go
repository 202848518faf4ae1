package reconcile

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"studiokeeper/internal/studio"
)

// Mapping gives the rows that are in force, with their groups resolved. Rows,
// group ids and group names are kept for Cache, and dropped by Forget when an
// event says that they changed.
type Mapping struct {
	Rules    []studio.Row // from the configuration
	Table    RowTable     // nil when there is none
	Allowed  func(role string) bool
	Domains  []studio.Domain
	Identity Identity
	Pins     Pins
	Cache    time.Duration
	Now      func() time.Time

	// Naming derives rows from a group's display name; nil when there is no
	// naming standard.
	Naming func(displayName string) []studio.Row
	Groups GroupReader // needed with Naming only

	mu    sync.Mutex
	rows  []studio.Row
	pins  map[string]string
	until time.Time
	names map[string]string // group id → display name
}

// resolveLimit is how many groups are looked up at once; the identity store
// admits 20 calls a second.
const resolveLimit = 10

// Rows answers all rows but those of the naming standard. A row that cannot be
// relied on is there with Unreadable set, so that its group is never taken for
// unmapped.
func (m *Mapping) Rows(ctx context.Context) ([]studio.Row, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.Now().Before(m.until) {
		return m.rows, nil
	}
	rows, err := m.read(ctx)
	if err != nil {
		return nil, err
	}
	m.rows, m.names, m.until = rows, map[string]string{}, m.Now().Add(m.Cache)
	return rows, nil
}

// Forget drops what is cached.
func (m *Mapping) Forget() {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.until = time.Time{}
}

func (m *Mapping) read(ctx context.Context) ([]studio.Row, error) {
	rows := slices.Clone(m.Rules)
	if m.Table != nil {
		kept, err := m.Table.Rows(ctx)
		if err != nil {
			return nil, fmt.Errorf("read the mapping table: %w", err)
		}
		rows = append(rows, kept...)
	}
	var err error
	if m.pins, err = m.Pins.Pinned(ctx); err != nil {
		return nil, fmt.Errorf("read which group each name meant at first: %w", err)
	}
	if err := m.resolve(ctx, rows); err != nil {
		return nil, err
	}
	for i := range rows {
		m.check(&rows[i])
	}
	disagreements(rows)
	return rows, nil
}

// check finds what is wrong with a row by itself. A row of an unknown domain
// concerns none that we know, and is kept only to be reported.
func (m *Mapping) check(r *studio.Row) {
	if r.Unreadable != "" {
		return
	}
	at := slices.IndexFunc(m.Domains, func(d studio.Domain) bool { return d.Name == r.Domain })
	if at < 0 {
		r.Unreadable = fmt.Sprintf("the configuration has no domain %q", r.Domain)
		return
	}
	role, err := studio.ParseRole(r.Role)
	switch {
	case err != nil:
		r.Unreadable = err.Error()
	case role.Account != m.Domains[at].Account:
		r.Unreadable = fmt.Sprintf("role %s is not of the domain's account %s", r.Role, m.Domains[at].Account)
	case !m.Allowed(r.Role):
		r.Unreadable = fmt.Sprintf("role %s is outside mapping.roles", r.Role)
	default:
		r.Unreadable = m.checkSettings(r.Settings)
	}
}

func (m *Mapping) checkSettings(s studio.Settings) string {
	if problems := studio.CheckSettings(s); len(problems) > 0 {
		return "settings." + problems[0].Path + ": " + problems[0].Text
	}
	for _, role := range s.Roles() {
		if !m.Allowed(role.ARN) {
			return fmt.Sprintf("settings.%s: role %s is outside mapping.roles", role.Path, role.ARN)
		}
	}
	return ""
}

// resolve fills in the group ids. A name that the store does not know, or that
// now means another group than at first, makes its row unreadable; a failing
// store is an error.
func (m *Mapping) resolve(ctx context.Context, rows []studio.Row) error {
	var mu sync.Mutex
	ids, gone := map[studio.GroupRef]string{}, map[studio.GroupRef]bool{}
	for _, r := range rows {
		ids[r.Group] = r.Group.ID
	}
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(resolveLimit)
	for _, ref := range slices.Collect(maps.Keys(ids)) {
		g.Go(func() error {
			id, vanished, err := m.find(ctx, ref)
			mu.Lock()
			defer mu.Unlock()
			ids[ref], gone[ref] = id, vanished
			return err
		})
	}
	if err := g.Wait(); err != nil {
		return err
	}
	for i := range rows {
		r := &rows[i]
		r.GroupID, r.Vanished = ids[r.Group], gone[r.Group]
		switch pinned := m.pins[r.Group.Name]; {
		case r.Group.ID != "" && r.GroupID == "":
			r.Unreadable = cmp.Or(r.Unreadable, fmt.Sprintf("%q is not the id of a group", r.Group.ID))
		case r.Vanished:
			r.Unreadable = cmp.Or(r.Unreadable, "the group no longer exists")
		case r.Group.ID != "":
		case r.GroupID == "" && pinned == "":
			r.Unreadable = cmp.Or(r.Unreadable, "the identity store has no group with this display name")
		case r.GroupID == "":
			r.GroupID, r.Vanished = pinned, true
			r.Unreadable = cmp.Or(r.Unreadable, fmt.Sprintf("the identity store has no group with this display name any more; it was %s", pinned))
		case pinned != "" && pinned != r.GroupID:
			r.Unreadable = cmp.Or(r.Unreadable, takenOver(r.Group.Name, pinned, r.GroupID))
			r.GroupID, r.Vanished = pinned, true
		}
	}
	return nil
}

func takenOver(name, pinned, now string) string {
	return fmt.Sprintf("the name %q meant group %s, and means group %s now; accept that with mapping check --accept, or write the id", name, pinned, now)
}

// find resolves a group. That one named by id still exists is only asked where
// memberships are read from the user's side: elsewhere reading them tells.
func (m *Mapping) find(ctx context.Context, ref studio.GroupRef) (id string, vanished bool, err error) {
	switch {
	case ref.ID == "" && ref.Name == "", ref.ID != "" && !studio.IsGroupID(ref.ID):
		return "", false, nil
	case ref.ID == "":
		id, err = m.named(ctx, ref.Name)
		return id, false, err
	case m.Naming == nil:
		return ref.ID, false, nil
	}
	_, err = m.Groups.GroupName(ctx, ref.ID)
	if errors.Is(err, ErrGone) {
		return ref.ID, true, nil
	}
	return ref.ID, false, wrap(err, "find group %s", ref.ID)
}

// named resolves a display name, and pins what it means when it is new.
func (m *Mapping) named(ctx context.Context, name string) (string, error) {
	id, err := m.Identity.GroupNamed(ctx, name)
	if err != nil {
		return "", fmt.Errorf("find group %q: %w", name, err)
	}
	if _, pinned := m.pins[name]; pinned || id == "" {
		return id, nil
	}
	_, err = m.Pins.Pin(ctx, name, id)
	return id, wrap(err, "pin the name %q to group %s", name, id)
}

// disagreements marks rows of one group in one domain that give different
// rights: none of them can be relied on.
func disagreements(rows []studio.Row) {
	type place struct{ domain, group string }
	first := map[place]int{}
	for i, r := range rows {
		at := place{r.Domain, cmp.Or(r.GroupID, r.Group.Key())}
		j, seen := first[at]
		if !seen {
			first[at] = i
			continue
		}
		if rows[j].Same(r) && rows[j].Priority == r.Priority {
			continue
		}
		rows[i].Unreadable = cmp.Or(rows[i].Unreadable, "it contradicts "+rows[j].Source)
		rows[j].Unreadable = cmp.Or(rows[j].Unreadable, "it contradicts "+r.Source)
	}
}

// Named answers the rows that the naming standard derives for a group, in the
// domains where no other row speaks of it.
func (m *Mapping) Named(ctx context.Context, groupID string, rows []studio.Row) ([]studio.Row, error) {
	if m.Naming == nil {
		return nil, nil
	}
	name, err := m.nameOf(ctx, groupID)
	if errors.Is(err, ErrGone) {
		return m.doubtful(groupID, "the group no longer exists"), nil
	}
	if err != nil {
		return nil, fmt.Errorf("find the name of group %s: %w", groupID, err)
	}
	var out []studio.Row
	for _, r := range m.Naming(name) {
		if slices.ContainsFunc(rows, func(o studio.Row) bool { return o.GroupID == groupID && o.Domain == r.Domain }) {
			continue
		}
		r.GroupID = groupID
		m.check(&r)
		kept, err := m.Pins.Pin(ctx, name, groupID)
		if err != nil {
			return nil, fmt.Errorf("pin the name %q to group %s: %w", name, groupID, err)
		}
		if kept != groupID {
			r.Unreadable = cmp.Or(r.Unreadable, takenOver(name, kept, groupID))
		}
		out = append(out, r)
	}
	return out, nil
}

// doubtful are rows of a group of which nobody knows what it gives.
func (m *Mapping) doubtful(groupID, why string) []studio.Row {
	var out []studio.Row
	for _, d := range m.Domains {
		out = append(out, studio.Row{
			Group: studio.GroupRef{ID: groupID}, GroupID: groupID, Domain: d.Name, Priority: studio.UnknownPriority,
			Source: "mapping.naming", Unreadable: why,
		})
	}
	return out
}

func (m *Mapping) nameOf(ctx context.Context, groupID string) (string, error) {
	m.mu.Lock()
	name, known := m.names[groupID]
	m.mu.Unlock()
	if known {
		return name, nil
	}
	name, err := m.Groups.GroupName(ctx, groupID)
	if err != nil {
		return "", err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.names[groupID] = name
	return name, nil
}

// of picks the rows of one domain.
func of(rows []studio.Row, domain string) []studio.Row {
	var out []studio.Row
	for _, r := range rows {
		if r.Domain == domain {
			out = append(out, r)
		}
	}
	return out
}
