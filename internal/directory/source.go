// Package directory compares Active Directory with IAM Identity Center: from
// what one holds and the other should, it makes changes with their reasons. It
// is pure: what was read comes in as values, and what is to be done goes out as
// values.
package directory

import "time"

// Source is what was read from Active Directory, all of it: a read that was not
// complete is an error of whoever reads, and never a Source.
type Source struct {
	Users  []Account
	Groups []SourceGroup
}

// Account is a user object. GUID is its only identity: a rename changes all the
// rest, and a user deleted and made again has another.
type Account struct {
	GUID         string // objectGUID in its string form, lower case
	DN           string
	SID          string // objectSid as S-1-5-…
	PrimaryGroup uint32 // primaryGroupID: the last part of that group's SID

	UserName    string // of the attribute that is configured for it; "" when the object has none
	Email       string
	DisplayName string
	GivenName   string
	FamilyName  string

	Disabled bool      // userAccountControl says so
	Expires  time.Time // accountExpires; zero: never
}

// SourceGroup is a group object. Members are those written in it; users whose
// primary group it is are not among them.
type SourceGroup struct {
	GUID    string
	DN      string
	SID     string
	Name    string // of the attribute that is configured for it
	Members []SourceMember
}

// SourceMember is one value of a group's member attribute: a user, a group, or
// something else, such as a foreign security principal, a contact or a computer.
type SourceMember struct {
	GUID string
	DN   string
}
