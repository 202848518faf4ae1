// Package store is provision's ports on AWS: the identity store, read and, as
// the built-in directory, written through the Identity Store API, and the
// records in the state table.
package store

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/identitystore"
	"github.com/aws/aws-sdk-go-v2/service/identitystore/types"

	"studiokeeper/internal/awscloud"
	"studiokeeper/internal/directory"
	"studiokeeper/internal/provision"
)

// page is the most that a list gives at once.
// https://docs.aws.amazon.com/singlesignon/latest/IdentityStoreAPIReference/API_ListUsers.html
const page = 100

// Identity reads an identity store, and writes what only the built-in directory
// takes. Calls wait their turn under the APIs' rates, which the session keeps.
type Identity struct {
	Session *awscloud.Session
	// At is Identity Center's Region and, where it lies in another account, how
	// to get there.
	At awscloud.Place
	// StoreID is the identity store's id, d-….
	StoreID string

	once sync.Once
	made *identitystore.Client
}

var (
	_ provision.Store  = (*Identity)(nil)
	_ provision.Writer = (*Identity)(nil)
)

func (i *Identity) client() *identitystore.Client {
	i.once.Do(func() { i.made = identitystore.NewFromConfig(i.Session.Config(i.At)) })
	return i.made
}

// failed says what was asked and what came of it. meaning is nil or one of
// provision's sentinels.
func (i *Identity) failed(operation, kind, name string, err, meaning error) error {
	on := fmt.Sprintf("%s %q in identity store %s", kind, name, i.StoreID)
	said := i.Session.Failed("identitystore:"+operation, on, i.At, err)
	if meaning != nil {
		return fmt.Errorf("%w: %w", meaning, said)
	}
	return said
}

// broken is an answer that cannot be right: it is taken for a failed read.
func (i *Identity) broken(operation, kind, name, format string, args ...any) error {
	return i.failed(operation, kind, name, fmt.Errorf("AWS's answer cannot be relied on: "+format, args...), nil)
}

// gone is provision.ErrGone where the store says that a user or group does not
// exist. About the store itself, or its key, the answer says nothing of the kind.
func gone(err error) error {
	missing, ok := errors.AsType[*types.ResourceNotFoundException](err)
	if ok && missing.Reason == "" && (missing.ResourceType == types.ResourceTypeUser || missing.ResourceType == types.ResourceTypeGroup) {
		return provision.ErrGone
	}
	return nil
}

// taken is provision.ErrTaken where something must be unique and is not. The
// same code also says that somebody else was writing.
func taken(err error) error {
	conflict, ok := errors.AsType[*types.ConflictException](err)
	if ok && conflict.Reason != types.ConflictExceptionReasonConcurrentModification {
		return provision.ErrTaken
	}
	return gone(err)
}

// Users implements provision.Store.
func (i *Identity) Users(ctx context.Context) ([]directory.Person, error) {
	var all []directory.Person
	err := i.everyPage("ListUsers", "all users", "", func(token *string) (*string, error) {
		out, err := i.client().ListUsers(ctx, &identitystore.ListUsersInput{IdentityStoreId: &i.StoreID, MaxResults: aws.Int32(page), NextToken: token})
		if err != nil {
			return nil, i.failed("ListUsers", "all users", "", err, nil)
		}
		for _, u := range out.Users {
			p, err := i.person(u)
			if err != nil {
				return nil, err
			}
			all = append(all, p)
		}
		return out.NextToken, nil
	})
	if err != nil {
		return nil, err
	}
	return all, nil
}

// person reads a user. Without an id or a name they could not be told from one
// who is missing.
func (i *Identity) person(u types.User) (directory.Person, error) {
	p := directory.Person{
		ID: aws.ToString(u.UserId), ExternalID: externalID(u.ExternalIds), UserName: aws.ToString(u.UserName), DisplayName: aws.ToString(u.DisplayName),
		Email: primary(u.Emails), Disabled: u.UserStatus == types.UserStatusDisabled,
	}
	if u.Name != nil {
		p.GivenName, p.FamilyName = aws.ToString(u.Name.GivenName), aws.ToString(u.Name.FamilyName)
	}
	if p.ID == "" || p.UserName == "" {
		return p, i.broken("ListUsers", "all users", "", "a user has the id %q and the UserName %q", p.ID, p.UserName)
	}
	return p, nil
}

// externalID is the one that an identity provider set: a store has one provider
// at a time, so that there is one at most.
func externalID(ids []types.ExternalId) string {
	for _, one := range ids {
		if id := aws.ToString(one.Id); id != "" {
			return id
		}
	}
	return ""
}

func primary(emails []types.Email) string {
	first := ""
	for _, e := range emails {
		if e.Primary {
			return aws.ToString(e.Value)
		}
		if first == "" {
			first = aws.ToString(e.Value)
		}
	}
	return first
}

// User implements provision.Store.
func (i *Identity) User(ctx context.Context, userID string) (directory.Person, error) {
	out, err := i.client().DescribeUser(ctx, &identitystore.DescribeUserInput{IdentityStoreId: &i.StoreID, UserId: &userID})
	if err != nil {
		return directory.Person{}, i.failed("DescribeUser", "user", userID, err, gone(err))
	}
	if aws.ToString(out.UserId) != userID {
		return directory.Person{}, i.broken("DescribeUser", "user", userID, "it describes user %q", aws.ToString(out.UserId))
	}
	return i.person(types.User{
		UserId: out.UserId, UserName: out.UserName, DisplayName: out.DisplayName, Name: out.Name,
		Emails: out.Emails, ExternalIds: out.ExternalIds, UserStatus: out.UserStatus,
	})
}

// Groups implements provision.Store.
func (i *Identity) Groups(ctx context.Context) ([]directory.TargetGroup, error) {
	var all []directory.TargetGroup
	err := i.everyPage("ListGroups", "all groups", "", func(token *string) (*string, error) {
		out, err := i.client().ListGroups(ctx, &identitystore.ListGroupsInput{IdentityStoreId: &i.StoreID, MaxResults: aws.Int32(page), NextToken: token})
		if err != nil {
			return nil, i.failed("ListGroups", "all groups", "", err, nil)
		}
		for _, g := range out.Groups {
			if aws.ToString(g.GroupId) == "" {
				return nil, i.broken("ListGroups", "all groups", "", "a group has no GroupId")
			}
			all = append(all, directory.TargetGroup{ID: *g.GroupId, ExternalID: externalID(g.ExternalIds), Name: aws.ToString(g.DisplayName)})
		}
		return out.NextToken, nil
	})
	if err != nil {
		return nil, err
	}
	return all, nil
}

// Members implements provision.Store.
func (i *Identity) Members(ctx context.Context, groupID string) ([]directory.TargetMember, error) {
	const operation = "ListGroupMemberships"
	var all []directory.TargetMember
	err := i.everyPage(operation, "group", groupID, func(token *string) (*string, error) {
		out, err := i.client().ListGroupMemberships(ctx, &identitystore.ListGroupMembershipsInput{
			IdentityStoreId: &i.StoreID, GroupId: &groupID, MaxResults: aws.Int32(page), NextToken: token,
		})
		if err != nil {
			return nil, i.failed(operation, "group", groupID, err, gone(err))
		}
		for _, m := range out.GroupMemberships {
			user, ok := m.MemberId.(*types.MemberIdMemberUserId)
			if !ok || user.Value == "" || aws.ToString(m.MembershipId) == "" {
				return nil, i.broken(operation, "group", groupID, "membership %q names no user", aws.ToString(m.MembershipId))
			}
			all = append(all, directory.TargetMember{UserID: user.Value, Membership: *m.MembershipId})
		}
		return out.NextToken, nil
	})
	if err != nil {
		return nil, err
	}
	return all, nil
}

// everyPage calls next until there is no further page. A token that was given
// before would go round for ever, or stand for pages that were left out.
func (i *Identity) everyPage(operation, kind, name string, next func(token *string) (*string, error)) error {
	seen := map[string]bool{}
	var token *string
	for {
		following, err := next(token)
		if err != nil || aws.ToString(following) == "" {
			return err
		}
		if seen[*following] {
			return i.broken(operation, kind, name, "a page's NextToken was given before")
		}
		seen[*following] = true
		token = following
	}
}
