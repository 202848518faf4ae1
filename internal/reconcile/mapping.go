package reconcile

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"golang.org/x/sync/errgroup"

	"studiokeeper/internal/plan"
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
	Dates    RowDates // nil: nobody asks what was edited
	Cache    time.Duration
	Now      func() time.Time

	// Naming derives rows from a group's display name; nil when there is no
	// naming standard.
	Naming    func(displayName string) []studio.Row
	Templates []studio.Row // the rules that Naming derives by
	Groups    GroupReader  // needed with Naming only

	mu     turn
	rows   []studio.Row
	at     time.Time // when the rows were read
	groups map[studio.GroupRef]foundGroup
	names  map[string]string // group id → display name
	fresh  time.Time         // when groups and names were last dropped
	pins   map[string]string // what every known name meant first
	unpin  map[string]string // names that are new, to be pinned

	edits   map[string]*plan.Edits // by domain; nil without Dates
	undated []RowDate              // what was edited, to be remembered
}

// foundGroup is what a group in a row turned out to be.
type foundGroup struct {
	id      string
	gone    bool
	problem string
}

// resolveLimit is how many groups are looked up at once; the identity store
// admits 20 calls a second.
const resolveLimit = 10

// Rows answers all rows but those of the naming standard. A row that cannot be
// relied on is there with Unreadable set, so that its group is never taken for
// unmapped. Reading writes nothing: names and rows that are new wait for PinNew.
func (m *Mapping) Rows(ctx context.Context) ([]studio.Row, error) {
	read, err := m.reading(ctx)
	return read.rows, err
}

// Since answers the rows as they were read at t or later. Groups that were found
// already are not looked up again.
func (m *Mapping) Since(ctx context.Context, t time.Time) ([]studio.Row, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.rows != nil && !m.at.Before(t) {
		return m.rows, nil
	}
	err := m.read(ctx)
	return m.rows, err
}

// Forget drops what is cached, groups and names included.
func (m *Mapping) Forget() {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.rows, m.groups, m.names = nil, nil, nil
}

// PinNew keeps what new names mean, from the first time on, and since when rows
// say what they say. A name that somebody else has pinned to another group
// meanwhile is an error: read again.
func (m *Mapping) PinNew(ctx context.Context) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, name := range slices.Sorted(maps.Keys(m.unpin)) {
		id := m.unpin[name]
		kept, err := m.Pins.Pin(ctx, name, id)
		if err != nil {
			return fmt.Errorf("pin the name %q to group %s: %w", name, id, err)
		}
		delete(m.unpin, name)
		m.pins[name] = kept
		if kept != id {
			m.rows = nil
			return fmt.Errorf("the name %q was pinned to group %s meanwhile: %w", name, kept, ErrChanged)
		}
	}
	return m.dateNew(ctx)
}

func (m *Mapping) read(ctx context.Context) error {
	now := m.Now()
	known, err := m.known(ctx)
	if err != nil {
		return err
	}
	rows := slices.Clone(m.Rules)
	if m.Table != nil {
		kept, err := m.Table.Rows(ctx)
		if err != nil {
			return fmt.Errorf("read the mapping table: %w", err)
		}
		rows = append(rows, kept...)
	}
	if m.groups == nil || !now.Before(m.fresh.Add(m.Cache)) {
		m.groups, m.names, m.fresh = map[studio.GroupRef]foundGroup{}, map[string]string{}, now
	}
	m.pins, m.unpin = known.Pins, map[string]string{}
	if err := m.resolve(ctx, rows); err != nil {
		return err
	}
	for i := range rows {
		m.check(&rows[i])
	}
	disagreements(rows)
	m.date(rows, known, now.UTC())
	m.rows, m.at = rows, now
	return nil
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
	found := maps.Clone(m.groups)
	var unknown []studio.GroupRef
	for _, r := range rows {
		if _, known := found[r.Group]; !known {
			found[r.Group] = foundGroup{}
			unknown = append(unknown, r.Group)
		}
	}
	answers := make([]foundGroup, len(unknown))
	g, round := errgroup.WithContext(ctx)
	g.SetLimit(resolveLimit)
	for i, ref := range unknown {
		g.Go(func() (err error) {
			answers[i], err = m.find(round, ref)
			return err
		})
	}
	if err := g.Wait(); err != nil {
		return err
	}
	for i, ref := range unknown {
		found[ref] = answers[i]
	}
	m.groups = found
	for i := range rows {
		m.settle(&rows[i], found[rows[i].Group])
	}
	return nil
}

// settle gives a row its group, held against what the name meant at first.
func (m *Mapping) settle(r *studio.Row, f foundGroup) {
	r.GroupID, r.Vanished = f.id, f.gone
	r.Unreadable = cmp.Or(r.Unreadable, f.problem)
	name := r.Group.Name
	if name == "" || r.Group.ID != "" {
		return
	}
	switch pinned := m.pins[name]; {
	case pinned == "" && f.id != "":
		m.unpin[name] = f.id
	case pinned == "" || pinned == f.id:
	case f.id == "":
		r.GroupID, r.Vanished = pinned, true
		r.Unreadable = fmt.Sprintf("the identity store has no group with this display name any more; it was %s", pinned)
	default:
		r.GroupID, r.Vanished = pinned, true
		r.Unreadable = takenOver(name, pinned, f.id)
	}
}

func takenOver(name, pinned, now string) string {
	return fmt.Sprintf("the name %q meant group %s, and means group %s now; accept that with mapping check --accept, or write the id", name, pinned, now)
}

// find looks a group up. That one named by id still exists is only asked where
// memberships are read from the user's side: elsewhere reading them tells.
func (m *Mapping) find(ctx context.Context, ref studio.GroupRef) (foundGroup, error) {
	switch {
	case ref.ID == "" && ref.Name == "":
		return foundGroup{problem: "it names no group"}, nil
	case ref.ID != "" && !studio.IsID(ref.ID):
		return foundGroup{problem: fmt.Sprintf("%q is not the id of a group", ref.ID)}, nil
	case ref.ID != "" && m.Naming == nil:
		return foundGroup{id: ref.ID}, nil
	case ref.ID != "":
		_, err := m.Groups.GroupName(ctx, ref.ID)
		if errors.Is(err, ErrGone) {
			return foundGroup{id: ref.ID, gone: true, problem: "the group no longer exists"}, nil
		}
		return foundGroup{id: ref.ID}, wrap(err, "find group %s", ref.ID)
	}
	id, err := m.Identity.GroupNamed(ctx, ref.Name)
	switch {
	case errors.Is(err, ErrInvalid):
		return foundGroup{problem: "no group can have this name: " + err.Error()}, nil
	case err != nil:
		return foundGroup{}, fmt.Errorf("find group %q: %w", ref.Name, err)
	case id == "":
		return foundGroup{problem: "the identity store has no group with this display name"}, nil
	}
	return foundGroup{id: id}, nil
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
		// A row that names the group counts even while it cannot be resolved.
		own := func(o studio.Row) bool { return o.Domain == r.Domain && (o.GroupID == groupID || o.Group.Name == name) }
		if slices.ContainsFunc(rows, own) {
			continue
		}
		r.GroupID = groupID
		m.check(&r)
		if pinned := m.firstMeant(name, groupID); pinned != groupID {
			r.Unreadable = cmp.Or(r.Unreadable, takenOver(name, pinned, groupID))
		}
		out = append(out, r)
	}
	return out, nil
}

// Everything answers all rows, those that the naming standard derives for any
// group included, and the display names of groups as far as they are known. The
// rows are the caller's to change.
func (m *Mapping) Everything(ctx context.Context, census Census) (rows []studio.Row, names map[string]string, err error) {
	read, names, err := m.everything(ctx, census)
	return read.rows, names, err
}

func (m *Mapping) everything(ctx context.Context, census Census) (read reading, names map[string]string, err error) {
	read, err = m.reading(ctx)
	if err != nil {
		return reading{}, nil, err
	}
	kept := read.rows
	read.rows, names = slices.Clone(kept), map[string]string{}
	for _, r := range read.rows {
		if r.GroupID != "" && r.Group.Name != "" {
			names[r.GroupID] = r.Group.Name
		}
	}
	if m.Naming == nil {
		return read, names, nil
	}
	err = census.EachGroup(ctx, func(id, name string) { names[id] = name })
	if err != nil {
		return reading{}, nil, fmt.Errorf("list the groups, for the naming standard: %w", err)
	}
	m.mu.Lock()
	m.names = maps.Clone(names)
	m.mu.Unlock()
	for _, id := range slices.Sorted(maps.Keys(names)) {
		derived, err := m.Named(ctx, id, kept)
		if err != nil {
			return reading{}, nil, err
		}
		read.rows = append(read.rows, derived...)
	}
	return read, names, nil
}

// FirstMeant is the group that a name is pinned to; "" when it is not.
func (m *Mapping) FirstMeant(name string) string {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.pins[name]
}

// firstMeant is the group that a name meant first; a new one means this.
func (m *Mapping) firstMeant(name, id string) string {
	m.mu.Lock()
	defer m.mu.Unlock()
	if pinned, known := m.pins[name]; known {
		return pinned
	}
	if m.unpin == nil {
		m.unpin = map[string]string{}
	}
	if first, known := m.unpin[name]; known {
		return first
	}
	m.unpin[name] = id
	return id
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
	if m.names == nil {
		m.names = map[string]string{}
	}
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
