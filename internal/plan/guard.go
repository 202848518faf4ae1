package plan

import (
	"fmt"
	"time"
)

// Limit bounds how many people of a domain may be removed within a window: the
// smaller of Count and Percent of those managed when the window began, but at
// least Floor.
type Limit struct {
	Count   int
	Percent int
	Floor   int
	Window  time.Duration
}

// Allows is the number for a domain with so many managed profiles.
func (l Limit) Allows(managed int) int {
	return max(min(l.Count, managed*l.Percent/100), l.Floor)
}

// Tally is what a domain has let go in the window under way.
type Tally struct {
	Start    time.Time
	Managed  int
	Admitted int
	Tripped  bool
}

// Over reports whether the window has passed, so that a new one begins. One
// that tripped lasts until a person has decided.
func (l Limit) Over(t Tally, now time.Time) bool {
	return !t.Tripped && (t.Start.IsZero() || !now.Before(t.Start.Add(l.Window)))
}

// Admit decides about one more removal: the tally after it, and why it is
// held, or "".
func (l Limit) Admit(t Tally) (after Tally, held string) {
	if t.Tripped {
		return t, "the limit of removals was reached earlier; nothing is removed until a person has approved or rejected what is held"
	}
	if allowed := l.Allows(t.Managed); t.Admitted >= allowed {
		t.Tripped = true
		return t, fmt.Sprintf("it would be removal %d within %s, and of %d managed profiles at most %d may go", t.Admitted+1, short(l.Window), t.Managed, allowed)
	}
	t.Admitted++
	return t, ""
}
