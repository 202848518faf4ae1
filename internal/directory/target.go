package directory

import "time"

// Target is what was read from Identity Center, all of it: every user and group,
// and the members of the groups that Records know or that a group of the source
// is named like.
type Target struct {
	Users   []Person
	Groups  []TargetGroup
	Records []Record
}

// Person is a user of the identity store.
type Person struct {
	ID          string `json:"id,omitempty"`
	ExternalID  string `json:"externalId,omitempty"` // as its identity provider set it; "" when it has none
	UserName    string `json:"userName"`
	Email       string `json:"email,omitempty"` // the primary one
	DisplayName string `json:"displayName,omitempty"`
	GivenName   string `json:"givenName,omitempty"`
	FamilyName  string `json:"familyName,omitempty"`
	Disabled    bool   `json:"disabled,omitempty"`
}

// TargetGroup is a group of the identity store.
type TargetGroup struct {
	ID         string
	ExternalID string
	Name       string
	Members    []TargetMember // only of groups whose members were read: see Target
}

// TargetMember is one membership. Membership is its id, which deleting it through
// the Identity Store API asks for.
type TargetMember struct {
	UserID     string
	Membership string
}

// ObjectKind tells users from groups.
type ObjectKind string

// The kinds of object that are carried over.
const (
	UserObject  ObjectKind = "user"
	GroupObject ObjectKind = "group"
)

// Record is what the state table keeps of one object that is carried over. It is
// written before the object is made, without an ID, and again afterwards: of a
// run that was cut off in between it tells what it was about.
type Record struct {
	Kind ObjectKind
	GUID string
	ID   string // in the identity store; "" until it is known
	Made bool   // we made it; else it was adopted, and is never deleted by us
	Name string // the user or group name when it was last carried
	// Left is when the user was first found to have left; zero while they are
	// here. Deletion counts from it. Of a group it is when a person accepted that
	// it is gone; zero once it is back.
	Left time.Time
}
