package plan

import (
	"cmp"
	"fmt"
	"slices"

	"studiokeeper/internal/studio"
)

// Standing is the first half of a decision: what a user should have in one
// domain, whatever is there.
type Standing string

// The standings, in the order in which they are looked for.
const (
	Leaving  Standing = "leaving"  // gone, disabled, or in no mapped group
	Unclear  Standing = "unclear"  // something that could outrank the best row is unreadable
	Tied     Standing = "tied"     // different rights at the same highest priority
	Entitled Standing = "entitled" // exactly one row wins
)

// Match is a row whose group the user is in, or may be in.
type Match struct {
	Row *studio.Row
	// Doubt says why it is not certain that the user has this row: its group
	// could not be read, or the row itself cannot be relied on. "" is certain.
	Doubt string
}

// doubt is what stands in the way of relying on the match.
func (m Match) doubt() string { return cmp.Or(m.Row.Unreadable, m.Doubt) }

// Verdict is a decision with everything it rests on.
type Verdict struct {
	User     studio.User
	Domain   string
	Standing Standing
	Winner   *studio.Row // Entitled only
	Matches  []Match     // highest priority first
	Reasons  []Reason
}

// Judge decides what a user should have from the rows that match, by the first
// of these that holds: the user is absent or disabled; a row in doubt could
// outrank or equal the best certain one; no row; a tie between different
// rights; a winner. The order of matches does not matter.
func Judge(u studio.User, domain string, matches []Match) Verdict {
	v := Verdict{User: u, Domain: domain, Matches: sorted(matches)}
	switch u.Status {
	case studio.Absent:
		return v.settle(Leaving, "user-absent", "the identity store has no user "+u.ID)
	case studio.Disabled:
		return v.settle(Leaving, "user-disabled", u.Label()+" is disabled in the identity store")
	case studio.Enabled:
	default:
		return v.settle(Unclear, "user-status", fmt.Sprintf("%s has the status %q, which means nothing to us", u.Label(), u.Status))
	}
	best, found := v.best()
	for _, m := range v.Matches {
		if doubt := m.doubt(); doubt != "" && (!found || m.Row.Priority >= best.Priority) {
			v.reason("unreadable-row", fmt.Sprintf("group %s (%s): %s", m.Row.Group.Key(), m.Row.Source, doubt))
		}
	}
	switch {
	case len(v.Reasons) > 0:
		v.Standing = Unclear
		return v
	case !found:
		return v.settle(Leaving, "no-group", u.Label()+" is in no group that has a row for "+domain)
	case v.tied(best):
		return v
	}
	v.Winner = best
	return v.settle(Entitled, "row", fmt.Sprintf("group %s gives it at priority %d (%s)", best.Group.Key(), best.Priority, best.Source))
}

func (v Verdict) settle(s Standing, code, text string) Verdict {
	v.Standing = s
	v.reason(code, text)
	return v
}

func (v *Verdict) reason(code, text string) {
	v.Reasons = append(v.Reasons, Reason{Code: code, Text: text})
}

func (v Verdict) best() (*studio.Row, bool) {
	for _, m := range v.Matches {
		if m.doubt() == "" {
			return m.Row, true
		}
	}
	return nil, false
}

// tied looks for certain rows of the best priority that give other rights.
func (v *Verdict) tied(best *studio.Row) bool {
	for _, r := range v.top(best.Priority) {
		if !r.Same(*best) {
			v.Standing = Tied
		}
	}
	if v.Standing != Tied {
		return false
	}
	for _, r := range v.top(best.Priority) {
		v.reason("tie", fmt.Sprintf("group %s gives %s at priority %d (%s)", r.Group.Key(), r.Role, r.Priority, r.Source))
	}
	return true
}

func (v Verdict) top(priority int) []*studio.Row {
	var rows []*studio.Row
	for _, m := range v.Matches {
		if m.doubt() == "" && m.Row.Priority == priority {
			rows = append(rows, m.Row)
		}
	}
	return rows
}

// tiedRole reports whether role is one of those that tie.
func (v Verdict) tiedRole(role string) bool {
	best, _ := v.best()
	return slices.ContainsFunc(v.top(best.Priority), func(r *studio.Row) bool { return r.Role == role })
}

func sorted(matches []Match) []Match {
	if len(matches) < 2 {
		return matches
	}
	out := slices.Clone(matches)
	slices.SortFunc(out, func(a, b Match) int {
		if n := cmp.Compare(b.Row.Priority, a.Row.Priority); n != 0 {
			return n
		}
		return cmp.Or(
			cmp.Compare(a.Row.Group.Key(), b.Row.Group.Key()),
			cmp.Compare(a.Row.Role, b.Row.Role),
			cmp.Compare(a.Row.Settings, b.Row.Settings),
			cmp.Compare(a.Row.Source, b.Row.Source),
			cmp.Compare(a.doubt(), b.doubt()))
	})
	return out
}

// LostRows are rows whose group is not there: nobody can be in it now, but who
// had a role through it keeps that until the row is removed. Which group such a
// row meant may not be known at all: then it may be any that no other row has.
type LostRows struct {
	rows  []*studio.Row
	known map[string]bool
}

// Lost picks the rows whose group is gone, or was never found.
func Lost(rows []studio.Row) LostRows {
	l := LostRows{known: make(map[string]bool, len(rows))}
	for i := range rows {
		r := &rows[i]
		if r.GroupID == "" || r.Vanished {
			l.rows = append(l.rows, r)
		} else {
			l.known[r.GroupID] = true
		}
	}
	return l
}

// Of answers the lost rows that may have given a person what they have: group
// is the id of the group they had it through, "" for none.
func (l LostRows) Of(group string) []Match {
	if group == "" || len(l.rows) == 0 || l.known[group] {
		return nil
	}
	var out []Match
	for _, r := range l.rows {
		if r.GroupID == "" || r.GroupID == group {
			out = append(out, Match{Row: r, Doubt: "the group is gone"})
		}
	}
	return out
}
