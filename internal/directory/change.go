package directory

import (
	"time"

	"studiokeeper/internal/plan"
)

// Kind is what a change does.
type Kind string

// The kinds of change, in the order in which they are carried out: what takes
// access away comes first, and what deletes comes last. Conflict only reports.
const (
	RemoveMember Kind = "removeMember"
	DisableUser  Kind = "disableUser"
	AdoptUser    Kind = "adoptUser"  // put our external id and record on a user who is there already
	UpdateUser   Kind = "updateUser" // names and e-mail; a rename among them
	EnableUser   Kind = "enableUser"
	CreateUser   Kind = "createUser"
	RenameGroup  Kind = "renameGroup"
	CreateGroup  Kind = "createGroup"
	AddMember    Kind = "addMember"
	DeleteUser   Kind = "deleteUser"
	Conflict     Kind = "conflict"
)

// Removes is true of kinds that take something away from a person.
func (k Kind) Removes() bool {
	return k == RemoveMember || k == DisableUser || k == DeleteUser
}

// Change is one step. Users and groups that are still to be made have no id yet:
// whoever carries the steps out knows it by GUID once they are.
type Change struct {
	Kind Kind `json:"kind"`

	UserGUID string `json:"userGuid,omitempty"`
	UserID   string `json:"userId,omitempty"`
	UserName string `json:"userName,omitempty"`

	GroupGUID  string `json:"groupGuid,omitempty"`
	GroupID    string `json:"groupId,omitempty"`
	Group      string `json:"group,omitempty"` // its name
	Membership string `json:"membership,omitempty"`

	Before *Person `json:"before,omitempty"`
	After  *Person `json:"after,omitempty"`

	Reasons []plan.Reason `json:"reasons,omitempty"`
}

// Plan is what a comparison comes to.
type Plan struct {
	// Stop says why nothing can be concluded from what was read. With one, there
	// are no changes, and nothing to be stored or forgotten.
	Stop    []plan.Reason `json:"stop,omitempty"`
	Changes []Change      `json:"changes"`
	// Records are to be stored as they are here, before the changes or after
	// them: a user who left, or came back; an object that a run which was cut off
	// made without noting its id; another name.
	Records []Record `json:"-"`
	// Forget are records of objects that there are no more, and of groups given
	// up that nothing is left to be taken out of.
	Forget []Record `json:"-"`
	// Notes are what a person should know and nothing has to be done about, such
	// as members that are no users.
	Notes []plan.Reason `json:"notes,omitempty"`
	// Leavers and Carried count what the guard's percentage rests on: whom the
	// plan takes something from, and how many people are carried altogether.
	Leavers int `json:"leavers"`
	Carried int `json:"carried"`
}

// Policy is how to compare.
type Policy struct {
	Groups func(name string) bool // whether a group of the source is carried
	// Gone tells of which groups that are no longer in the source, or no longer
	// carried, a person has accepted that they are gone: their members are taken
	// out. nil: of none.
	Gone func(group Record) bool
	// Renames is how many user names may change at once, of so many people who are
	// carried. nil: any number.
	Renames func(carried int) int
	Adopt   Adoption
	Disable bool // the target can disable users; without, leavers lose their memberships only
	Grace   time.Duration
	Now     time.Time
}

// Adoption says which users that are there already, and that we did not make, are
// taken for those of the source.
type Adoption string

// The values of directory.adopt.
const (
	AdoptNone     Adoption = "none"
	AdoptUserName Adoption = "userName" // same user name, ignoring case
	AdoptEmail    Adoption = "email"    // same user name or, failing that, same e-mail address
)
