package plan

import (
	"fmt"
	"strings"
	"time"

	"studiokeeper/internal/studio"
)

// CodeEdited is the reason of an Update that an edited row made necessary, and
// no change of membership.
const CodeEdited = "row-edited"

// Edit tells when what a row says changed last.
type Edit struct {
	Rights time.Time // since when it gives this role and these settings
	Rank   time.Time // since when it has its priority
	Gone   time.Time // when it was found deleted; zero while it is there
}

// Edits tell when the rows of one domain were edited. They are not changed any
// more once they are made.
type Edits struct {
	Rows map[string]Edit // by EditKey
	// Settled is the last time at which a pass found that nobody waits for an
	// edit; zero: there was none yet.
	Settled time.Time
}

const ruleKey = "rule "

// EditKey names a row among Edits: by the group it is about, or, for all that a
// naming rule derives together, by the rule. "" while the group is not known.
func EditKey(r studio.Row) string {
	if r.Rule != "" {
		return ruleKey + r.Rule
	}
	return r.GroupID
}

// Latest is when anything was edited last.
func (e *Edits) Latest() time.Time {
	var last time.Time
	if e == nil {
		return last
	}
	for _, one := range e.Rows {
		last = later(last, one.Rights, one.Rank, one.Gone)
	}
	return last
}

// Pending tells whether something was edited since a person was settled last,
// so that an edit may be what they are changed for.
func (e *Edits) Pending(settled time.Time) bool {
	return e != nil && e.Latest().After(later(settled, e.Settled))
}

// rights is since when a group has its rights by this row. A derived row may
// have taken the place of one of the group's own.
func (e *Edits) rights(r *studio.Row) time.Time {
	if r.Rule != "" {
		return later(e.Rows[EditKey(*r)].Rights, e.Rows[r.GroupID].Gone)
	}
	return e.Rows[r.GroupID].Rights
}

func (e *Edits) rank(r *studio.Row) time.Time {
	if r.Rule != "" {
		return later(e.Rows[EditKey(*r)].Rank, e.Rows[r.GroupID].Gone)
	}
	return e.Rows[r.GroupID].Rank
}

// deleted is when the row was found gone that gave a group its rights; zero
// when it is there. One that was derived may have gone with any naming rule.
func (e *Edits) deleted(group string) time.Time {
	if one, known := e.Rows[group]; known {
		return one.Gone
	}
	var last time.Time
	for key, one := range e.Rows {
		if strings.HasPrefix(key, ruleKey) {
			last = later(last, one.Gone)
		}
	}
	return last
}

// edited says which edited row makes an update of the person's own profile
// necessary; "" when none does, and so their memberships do, or somebody's hand.
// Without a memory of when the person was settled, none does.
//
// Only what can have led from the group that gave the role to the winner counts:
// when that is the same group, what its row gives; when both match, which of
// them ranks higher; when the former does not match, that its row is gone. Who
// left a group whose row is there, or joined one that outranked theirs all the
// time, is no editor's doing.
func (p Person) edited(w *studio.Row, have studio.Profile) string {
	since := p.settled()
	was := have.Tags[studio.TagGroup]
	if since.IsZero() || was == "" || have.Tags[studio.TagLeaving] != "" {
		return ""
	}
	if was == w.GroupID {
		return editedAt(w, p.Edits.rights(w), since)
	}
	for _, m := range p.Matches {
		if m.Row.GroupID != was {
			continue
		}
		if why := editedAt(w, p.Edits.rank(w), since); why != "" {
			return why
		}
		return editedAt(m.Row, p.Edits.rank(m.Row), since)
	}
	if gone := p.Edits.deleted(was); gone.After(since) {
		return fmt.Sprintf("the row of group %s, which gave the role before, was deleted (seen %s)", was, gone.UTC().Format(time.RFC3339))
	}
	return ""
}

func editedAt(r *studio.Row, at, since time.Time) string {
	if !at.After(since) {
		return ""
	}
	return fmt.Sprintf("the row of group %s was edited (%s, seen %s)", r.Group.Key(), r.Source, at.UTC().Format(time.RFC3339))
}

// settled is when the person is known to have had what the rows said then; zero
// when it is not known.
func (p Person) settled() time.Time {
	if p.Edits == nil {
		return time.Time{}
	}
	return later(p.Settled, p.Edits.Settled)
}

// blame adds to an update why it is needed, where that is an edited row.
func (d *decision) blame(c *Change, have studio.Profile) {
	if why := d.person.edited(d.verdict.Winner, have); why != "" {
		c.Reasons = append(c.Reasons, Reason{CodeEdited, why})
	}
}

// Edited tells whether an edited row makes the change necessary: then it is
// bounded.
func (c Change) Edited() bool {
	if c.Kind != Update {
		return false
	}
	for _, r := range c.Reasons {
		if r.Code == CodeEdited {
			return true
		}
	}
	return false
}

// Bounded tells whether the change is subject to a limit.
func (c Change) Bounded() bool { return c.Kind.Removes() || c.Edited() }

// Target identifies the role and settings that the change gives.
func (c Change) Target() string {
	if c.After == nil {
		return ""
	}
	return c.After.Tags[studio.TagApplied]
}

func later(times ...time.Time) time.Time {
	var last time.Time
	for _, t := range times {
		if t.After(last) {
			last = t
		}
	}
	return last
}
