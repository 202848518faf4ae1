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

// What a person decides about a removal that is held. No plan has them; the
// journal does.
const (
	Approve Kind = "approve" // the removal goes on
	Reject  Kind = "reject"  // whoever is held stays for a while
)

// What is done to users and groups of the identity store. No plan of profiles has
// them; the journal does, in DirectoryDomain.
const (
	CreateUser   Kind = "createUser"
	AdoptUser    Kind = "adoptUser"
	UpdateUser   Kind = "updateUser"
	EnableUser   Kind = "enableUser"
	DisableUser  Kind = "disableUser"
	DeleteUser   Kind = "deleteUser"
	CreateGroup  Kind = "createGroup"
	RenameGroup  Kind = "renameGroup"
	AddMember    Kind = "addMember"
	RemoveMember Kind = "removeMember"
)

// DirectoryDomain stands where a domain's name would for what is done to the
// identity store itself. No configured domain can be called so.
const DirectoryDomain = "@directory"

// Kinds are all kinds, those of decisions and of the directory included.
func Kinds() []Kind {
	return []Kind{Create, Adopt, Update, Tag, Assign, Wait, Unassign, Return, Quarantine, Revoke, Delete, Conflict, Unreadable, Approve, Reject,
		CreateUser, AdoptUser, UpdateUser, EnableUser, DisableUser, DeleteUser, CreateGroup, RenameGroup, AddMember, RemoveMember}
}

// Reports is true of kinds that change nothing by themselves.
func (k Kind) Reports() bool {
	return k == Conflict || k == Unreadable || k == Wait
}

// Removes is true of kinds that take something away from a person.
func (k Kind) Removes() bool {
	switch k {
	case Quarantine, Revoke, Unassign, Delete, RemoveMember, DisableUser, DeleteUser:
		return true
	}
	return false
}

// What State.Status says where a change is about a group's sign-in.
const (
	SignInGiven = "assigned"
	NoSignIn    = "unassigned"
)

// State is one side of a change: a profile as far as rights go.
type State struct {
	Role     string            `json:"role,omitempty"`
	Settings studio.Settings   `json:"settings,omitempty"`
	Tags     map[string]string `json:"tags,omitempty"`
	Status   string            `json:"status,omitempty"` // of the profile; in the journal also of a group's sign-in, or of a removal
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
	Group    string        `json:"group,omitempty"` // id of the group that gives the right, or gave it
	Row      string        `json:"row,omitempty"`   // where the row is written
	Reasons  []Reason      `json:"reasons,omitempty"`
	Again    time.Duration `json:"-"` // Wait: how soon to look again
}
