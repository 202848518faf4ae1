package directory

import (
	"time"

	"studiokeeper/internal/plan"
)

// Document is a plan as it is shown: what it was made for, what would change,
// and what of that waits for a person.
type Document struct {
	Deployment string    `json:"deployment"`
	StoreID    string    `json:"identityStoreId"`
	Way        Way       `json:"way"`
	Mode       string    `json:"mode"`
	At         time.Time `json:"at"`
	Plan
	Held []Holding `json:"held,omitempty"`
}

// Way is how Identity Center is written to.
type Way string

// The ways in.
const (
	BySCIM Way = "scim"
	ByAPI  Way = "identitystore" // the Identity Store API, for the built-in directory
)

// Holding is somebody from whom nothing is taken now, although the plan would.
type Holding struct {
	UserID   string `json:"userId"`
	UserName string `json:"userName,omitempty"`
	Decision string `json:"decision"` // held or rejected
	Why      string `json:"why"`
}

// HeldBack tells for which users what takes something from them is not done now.
func (d Document) HeldBack() map[string]Holding {
	held := make(map[string]Holding, len(d.Held))
	for _, h := range d.Held {
		held[h.UserID] = h
	}
	return held
}

// Pending tells whether carrying the plan out would change anything now.
func (d Document) Pending() bool {
	held := d.HeldBack()
	for _, c := range d.Changes {
		if _, is := held[c.UserID]; c.Kind != Conflict && !(is && c.Kind.Removes()) {
			return true
		}
	}
	return false
}

// Count is how many changes are of one of these kinds.
func (p Plan) Count(kinds ...Kind) int {
	n := 0
	for _, c := range p.Changes {
		for _, k := range kinds {
			if c.Kind == k {
				n++
			}
		}
	}
	return n
}

// Step is what became of one change.
type Step struct {
	Change
	Outcome plan.Outcome `json:"outcome"`
	Error   string       `json:"error,omitempty"`
}

// Result is what became of a plan.
type Result struct {
	Document
	Steps []Step `json:"steps"` // never null
	// Problems are what went wrong beside the steps.
	Problems    []string `json:"problems,omitempty"`
	Interrupted bool     `json:"interrupted,omitempty"`
}

// Of is how many steps ended so.
func (r Result) Of(o plan.Outcome) int {
	n := 0
	for _, s := range r.Steps {
		if s.Outcome == o {
			n++
		}
	}
	return n
}
