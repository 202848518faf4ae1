package reconcile

import (
	"context"
	"errors"
	"slices"
	"time"

	"golang.org/x/sync/errgroup"

	"studiokeeper/internal/plan"
	"studiokeeper/internal/studio"
)

// RowDates remember since when each mapping row says what it says: only so can a
// change of role be told to come of an edited row.
type RowDates interface {
	// Dates answers everything that is remembered, for all domains, in one read
	// with the pins.
	Dates(ctx context.Context) (Dates, error)
	// Date stores one, if what is remembered of the row still has the version that
	// was read. ErrChanged otherwise: somebody else has seen the row change.
	Date(ctx context.Context, d RowDate) error
	// SettleDomain remembers that nobody in a domain waited for an edit of the rows
	// that were read at that time. An earlier time than is remembered changes nothing.
	SettleDomain(ctx context.Context, domain string, at time.Time) error
}

// Dates are what is remembered of all rows.
type Dates struct {
	Rows    []RowDate
	Settled map[string]time.Time // domain → SettleDomain's latest time
	Pins    map[string]string    // as Pins.Pinned answers them
}

// RowDate is what one row says, and since when.
type RowDate struct {
	Domain   string
	Row      string // plan.EditKey
	Rights   string // digest of role and settings
	Priority int
	plan.Edit
	Version int64
}

// place is where a row applies.
type place struct{ domain, row string }

func (d RowDate) place() place { return place{d.Domain, d.Row} }

// now is what is to be remembered of a row that was read at a time.
func (d RowDate) now(r studio.Row, at time.Time) RowDate {
	rights := studio.Digest(r.Role, r.Settings)
	anew := d.Version == 0 || !d.Gone.IsZero()
	if anew || d.Rights != rights {
		d.Edit.Rights = at
	}
	if anew || d.Priority != r.Priority {
		d.Rank = at
	}
	d.Rights, d.Priority, d.Gone = rights, r.Priority, time.Time{}
	return d
}

// date holds rows, read at a time, against what is remembered of them. It
// answers the edits of each domain, and what is to be remembered from now on.
//
// A row that cannot be relied on is left as it was: when it can be again, it
// counts as edited if it says something else than before. While nobody knows
// which group a row means, none of its domain is taken for deleted.
func date(rows []studio.Row, known Dates, at time.Time) (edits map[string]*plan.Edits, news []RowDate) {
	dates := make(map[place]RowDate, len(known.Rows))
	for _, d := range known.Rows {
		dates[d.place()] = d
	}
	there, unsure, dated := map[place]bool{}, map[string]bool{}, map[place]bool{}
	for _, r := range rows {
		key := place{r.Domain, plan.EditKey(r)}
		there[key] = true
		if key.row == "" {
			unsure[r.Domain] = true
		}
		if key.row == "" || r.Unreadable != "" || dated[key] {
			continue
		}
		is := dates[key]
		is.Domain, is.Row = key.domain, key.row
		if now := is.now(r, at); now != is {
			news = append(news, now)
			is = now
		}
		dates[key], dated[key] = is, true
	}
	for _, d := range known.Rows {
		if d.Gone.IsZero() && !there[d.place()] && !unsure[d.Domain] {
			d.Gone = at
			news = append(news, d)
			dates[d.place()] = d
		}
	}
	return editsOf(dates, known.Settled), news
}

func editsOf(dates map[place]RowDate, settled map[string]time.Time) map[string]*plan.Edits {
	edits := map[string]*plan.Edits{}
	for key, d := range dates {
		of := edits[key.domain]
		if of == nil {
			of = &plan.Edits{Rows: map[string]plan.Edit{}, Settled: settled[key.domain]}
			edits[key.domain] = of
		}
		of.Rows[key.row] = d.Edit
	}
	return edits
}

// reading is one reading of the mapping.
type reading struct {
	rows  []studio.Row
	at    time.Time
	edits map[string]*plan.Edits // by domain; nil where edits are not remembered
}

// reading answers the rows in force, as Rows does, with their edits.
func (m *Mapping) reading(ctx context.Context) (reading, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.rows == nil || !m.Now().Before(m.at.Add(m.Cache)) {
		if err := m.read(ctx); err != nil {
			return reading{}, err
		}
	}
	return reading{m.rows, m.at, m.edits}, nil
}

// known reads what is remembered of names and rows. It goes before the rows are
// read: what others saw later then never looks like an edit back.
func (m *Mapping) known(ctx context.Context) (Dates, error) {
	if m.Dates != nil {
		known, err := m.Dates.Dates(ctx)
		return known, wrap(err, "read since when the mapping rows say what they say, and which group each name meant at first")
	}
	pins, err := m.Pins.Pinned(ctx)
	return Dates{Pins: pins}, wrap(err, "read which group each name meant at first")
}

// date finds out what was edited since it was last remembered.
func (m *Mapping) date(rows []studio.Row, known Dates, at time.Time) {
	if m.Dates != nil {
		m.edits, m.undated = date(slices.Concat(rows, m.Templates), known, at)
	}
}

// dateNew remembers what was edited. What somebody else has seen change
// meanwhile stays as they remember it.
func (m *Mapping) dateNew(ctx context.Context) error {
	var g errgroup.Group
	g.SetLimit(resolveLimit)
	for _, d := range m.undated {
		g.Go(func() error {
			err := m.Dates.Date(ctx, d)
			if errors.Is(err, ErrChanged) {
				return nil
			}
			return wrap(err, "remember since when the row of %s in %s says what it says", d.Row, d.Domain)
		})
	}
	err := g.Wait()
	if err == nil {
		m.undated = nil
	}
	return err
}

// settleRows remembers that nobody in a domain waits for an edit, where one was
// made since that was last so.
func (r *Reconciler) settleRows(ctx context.Context, domain string, read reading) error {
	edits := read.edits[domain]
	if edits == nil || !edits.Settled.IsZero() && !edits.Pending(time.Time{}) {
		return nil
	}
	return wrap(r.Mapping.Dates.SettleDomain(ctx, domain, read.at), "remember that the edits of the rows of %s are done", domain)
}
