// Package provision is the use case of the directory commands: it reads Active
// Directory and Identity Center, has them compared, has removals guarded, writes
// what is to be written and journals it.
package provision

import (
	"context"
	"errors"

	"studiokeeper/internal/directory"
)

// What a Writer says of a write that came to nothing; everything else is a
// failure that says nothing about what is there.
var (
	// ErrTaken: somebody has the name or e-mail address already.
	ErrTaken = errors.New("taken already")
	// ErrGone: the identity store has no such user or group.
	ErrGone = errors.New("gone")
	// ErrCannot: this way of writing cannot do that at all.
	ErrCannot = errors.New("cannot be done this way")
)

// Active reads Active Directory.
type Active interface {
	// Read gives everything below the configured base that the comparison
	// needs. It is complete, or an error that says what to do about it.
	Read(ctx context.Context) (directory.Source, error)
}

// Store reads the identity store. Lists are complete, or an error.
type Store interface {
	// Users lists all users.
	Users(ctx context.Context) ([]directory.Person, error)
	// Groups lists all groups, without their members.
	Groups(ctx context.Context) ([]directory.TargetGroup, error)
	// Members lists the members of one group. ErrGone when there is none.
	Members(ctx context.Context, groupID string) ([]directory.TargetMember, error)
	// User reads one user again. ErrGone when there is none.
	User(ctx context.Context, userID string) (directory.Person, error)
}

// Writer changes the identity store. Everything but the creations is idempotent.
type Writer interface {
	// CanDisable tells whether DisableUser can work at all.
	CanDisable() bool
	// Sees asks for a user in the identity store that is written to. ErrGone when
	// it has none.
	Sees(ctx context.Context, userID string) error
	// CreateUser makes p, with p.ExternalID if the way in takes one, and gives
	// its id. ErrTaken when the user name, e-mail address or external id is.
	CreateUser(ctx context.Context, p directory.Person) (id string, err error)
	// UpdateUser changes what differs: names, e-mail address, external id, and
	// Disabled. ErrGone, ErrTaken, ErrCannot.
	UpdateUser(ctx context.Context, before, after directory.Person) error
	// DeleteUser is done when there is no such user.
	DeleteUser(ctx context.Context, userID string) error
	// CreateGroup makes an empty group. ErrTaken when the name is.
	CreateGroup(ctx context.Context, g directory.TargetGroup) (id string, err error)
	// RenameGroup gives a group another display name. ErrGone, ErrTaken.
	RenameGroup(ctx context.Context, groupID, name string) error
	// AddMembers adds users to a group, any number of them; those who are in it
	// already stay. ErrGone when there is no such group, or no such user.
	AddMembers(ctx context.Context, groupID string, userIDs []string) error
	// RemoveMembers takes them out; those who are not in it are no error.
	RemoveMembers(ctx context.Context, groupID string, members []directory.TargetMember) error
}

// Records keep what was carried over: which object of Active Directory is which
// of the identity store, and whether we made it.
type Records interface {
	// Records lists all.
	Records(ctx context.Context) ([]directory.Record, error)
	// Keep stores or replaces, by kind and GUID. Idempotent.
	Keep(ctx context.Context, r []directory.Record) error
	// Forget deletes. Idempotent.
	Forget(ctx context.Context, r directory.Record) error
}
