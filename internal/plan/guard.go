package plan

import (
	"fmt"
	"time"
)

// Bounded is what a limit bounds.
type Bounded string

// What is bounded, each with windows of its own.
const (
	Removals Bounded = "removal"
	Changes  Bounded = "change" // of role or settings, because of an edited row
)

// noun is how sentences name one of them.
func (b Bounded) noun() string {
	if b == Changes {
		return "change of role or settings because of an edited row"
	}
	return "removal"
}

// Limit bounds how many people of a domain may be removed, or changed because of
// an edited row, within a window: the smaller of Count and Percent of those
// managed when the window began, but at least Floor.
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

// Admit decides about one more of what is bounded: the tally after it, and why
// it is held, or "".
func (l Limit) Admit(t Tally, of Bounded) (after Tally, held string) {
	if t.Tripped {
		return t, fmt.Sprintf("the limit of %ss was reached earlier; there is none until a person has approved or rejected what is held", of)
	}
	if allowed := l.Allows(t.Managed); t.Admitted >= allowed {
		t.Tripped = true
		return t, fmt.Sprintf("it would be %s %d within %s, and of %d managed profiles at most %d may be concerned", of.noun(), t.Admitted+1, Short(l.Window), t.Managed, allowed)
	}
	t.Admitted++
	return t, ""
}
