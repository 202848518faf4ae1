// Package plan decides: from what should be and what is, it makes changes with
// their reasons. It is pure. A plan is a list of Change values; nothing here
// can read or write anything.
package plan

import (
	"time"

	"studiokeeper/internal/studio"
)

// Kind is what a change does.
type Kind string

// The kinds of change. Conflict and Unreadable only report.
const (
	Create     Kind = "create"     // make the user's profile
	Adopt      Kind = "adopt"      // take over a profile that nobody manages
	Update     Kind = "update"     // give an existing profile its role and settings
	Tag        Kind = "tag"        // bring our own tags in step; rights stay as they are
	Assign     Kind = "assign"     // let the user sign in to the domain's application
	Wait       Kind = "wait"       // SageMaker is still at work on the profile
	Unassign   Kind = "unassign"   // take back the sign-in that the user was given
	Return     Kind = "return"     // undo an offboarding that is under way
	Quarantine Kind = "quarantine" // replace the role by the powerless one
	Revoke     Kind = "revoke"     // begin offboarding: stop apps, take the role away
	Delete     Kind = "delete"     // end offboarding after the grace period
	Conflict   Kind = "conflict"   // a person has to decide
	Unreadable Kind = "unreadable" // something needed could not be read: nothing is changed
)

// Reports is true of kinds that change nothing by themselves.
func (k Kind) Reports() bool {
	return k == Conflict || k == Unreadable || k == Wait
}

// Removes is true of kinds that take something away from a person.
func (k Kind) Removes() bool {
	return k == Quarantine || k == Revoke || k == Unassign || k == Delete
}

// State is one side of a change: a profile as far as rights go.
type State struct {
	Role     string            `json:"role,omitempty"`
	Settings studio.Settings   `json:"settings,omitempty"`
	Tags     map[string]string `json:"tags,omitempty"`
	Status   string            `json:"status,omitempty"`
}

// Reason says why, with a code for scripts and a sentence for people.
type Reason struct {
	Code string `json:"code"`
	Text string `json:"text"`
}

// Change is one step of a plan.
type Change struct {
	Kind     Kind          `json:"kind"`
	Domain   string        `json:"domain"` // the configuration's name
	UserID   string        `json:"userId"`
	UserName string        `json:"userName,omitempty"`
	Profile  string        `json:"profile,omitempty"`
	Before   *State        `json:"before,omitempty"`
	After    *State        `json:"after,omitempty"`
	Group    string        `json:"group,omitempty"` // id of the group that gives the right
	Row      string        `json:"row,omitempty"`   // where the row is written
	Reasons  []Reason      `json:"reasons,omitempty"`
	Again    time.Duration `json:"-"` // Wait: how soon to look again
}

// Entry is one line of the journal: a change that was made, or refused, and
// why. Entries are never altered.
type Entry struct {
	Time    time.Time `json:"time"`
	Change  Change    `json:"change"`
	Outcome Outcome   `json:"outcome"`
	Error   string    `json:"error,omitempty"`
	Trigger Trigger   `json:"trigger"`
}

// Outcome is what became of a change.
type Outcome string

// The outcomes an entry records.
const (
	Done     Outcome = "done"
	Refused  Outcome = "refused"  // a conflict, or something unreadable: nothing was changed
	FailedAt Outcome = "failed"   // AWS refused; Entry.Error says what
	Later    Outcome = "deferred" // wanted, but not now, or not in this mode
	HeldBack Outcome = "held"     // over the limit of removals: it waits for a person
	Begun    Outcome = "begun"    // a part of it is done; the rest takes its time
)

// Trigger says what made us look.
type Trigger struct {
	Kind string `json:"kind"` // event, schedule, look, person
	ID   string `json:"id,omitempty"`
	Name string `json:"name,omitempty"`
}
