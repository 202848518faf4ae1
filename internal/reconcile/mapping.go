package reconcile

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"studiokeeper/internal/studio"
)

// Mapping gives the rows that are in force, with their groups resolved. Rows
// and group ids are kept for Cache, and dropped by Forget when an event says
// that they changed.
type Mapping struct {
	Rules    []studio.Row // from the configuration
	Table    RowTable     // nil when there is none
	Allowed  func(role string) bool
	Domains  []studio.Domain
	Identity Identity
	Cache    time.Duration
	Now      func() time.Time

	mu    sync.Mutex
	rows  []studio.Row
	until time.Time
}

// resolveLimit is how many group names are resolved at once; the identity
// store admits 20 calls a second.
const resolveLimit = 10

// Rows answers all rows. A row that cannot be relied on is there with
// Unreadable set, so that its group is never taken for unmapped.
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
	m.rows, m.until = rows, m.Now().Add(m.Cache)
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
	}
}

// resolve fills in the group ids. A name the store does not know makes its row
// unreadable; a failing store is an error.
func (m *Mapping) resolve(ctx context.Context, rows []studio.Row) error {
	var mu sync.Mutex
	ids := map[studio.GroupRef]string{}
	for _, r := range rows {
		ids[r.Group] = r.Group.ID
	}
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(resolveLimit)
	for _, ref := range slices.Collect(maps.Keys(ids)) {
		if ref.ID != "" || ref.Name == "" {
			continue
		}
		g.Go(func() error {
			id, err := m.Identity.GroupNamed(ctx, ref.Name)
			if err != nil {
				return fmt.Errorf("find group %q: %w", ref.Name, err)
			}
			mu.Lock()
			defer mu.Unlock()
			ids[ref] = id
			return nil
		})
	}
	if err := g.Wait(); err != nil {
		return err
	}
	for i := range rows {
		rows[i].GroupID = ids[rows[i].Group]
		if rows[i].GroupID == "" {
			rows[i].Unreadable = cmp.Or(rows[i].Unreadable, "the identity store has no group with this display name")
		}
	}
	return nil
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
