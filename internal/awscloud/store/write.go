package store

import (
	"context"
	"errors"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/identitystore"
	"github.com/aws/aws-sdk-go-v2/service/identitystore/document"
	"github.com/aws/aws-sdk-go-v2/service/identitystore/types"
	"golang.org/x/sync/errgroup"

	"studiokeeper/internal/directory"
	"studiokeeper/internal/provision"
)

// memberCalls is how many memberships are written at once: the API takes them
// one by one, and its rate is what counts.
const memberCalls = 8

// CanDisable implements provision.Writer: UserStatus is not among the attributes
// that UpdateUser changes; only the console, and SCIM, enable and disable.
// https://docs.aws.amazon.com/singlesignon/latest/IdentityStoreAPIReference/API_UpdateUser.html
func (i *Identity) CanDisable() bool { return false }

// Sees implements provision.Writer: what is written to is what is read.
func (i *Identity) Sees(context.Context, string) error { return nil }

// CreateUser implements provision.Writer. External ids are the identity
// provider's, and this API sets none.
func (i *Identity) CreateUser(ctx context.Context, p directory.Person) (string, error) {
	in := &identitystore.CreateUserInput{
		IdentityStoreId: &i.StoreID, UserName: &p.UserName, DisplayName: &p.DisplayName,
		Name: &types.Name{GivenName: &p.GivenName, FamilyName: &p.FamilyName},
	}
	if p.Email != "" {
		in.Emails = []types.Email{{Value: &p.Email, Type: aws.String("work"), Primary: true}}
	}
	out, err := i.client().CreateUser(ctx, in)
	switch {
	case err != nil:
		return "", i.failed("CreateUser", "user", p.UserName, err, taken(err))
	case aws.ToString(out.UserId) == "":
		return "", i.broken("CreateUser", "user", p.UserName, "it has no UserId")
	}
	return *out.UserId, nil
}

// UpdateUser implements provision.Writer.
func (i *Identity) UpdateUser(ctx context.Context, before, after directory.Person) error {
	if before.Disabled != after.Disabled {
		return i.failed("UpdateUser", "user", before.UserName, errors.New("the Identity Store API neither enables nor disables users; the console does, and SCIM"), provision.ErrCannot)
	}
	changes := changed(before, after)
	if len(changes) == 0 {
		return nil
	}
	_, err := i.client().UpdateUser(ctx, &identitystore.UpdateUserInput{IdentityStoreId: &i.StoreID, UserId: &before.ID, Operations: changes})
	if err != nil {
		return i.failed("UpdateUser", "user", before.UserName, err, taken(err))
	}
	return nil
}

// changed lists the attributes that differ. The given and family name are set
// together: Identity Center wants both. An address that is gone is taken away.
func changed(before, after directory.Person) []types.AttributeOperation {
	var changes []types.AttributeOperation
	set := func(path string, value any) {
		changes = append(changes, types.AttributeOperation{AttributePath: &path, AttributeValue: document.NewLazyDocument(value)})
	}
	if before.UserName != after.UserName {
		set("userName", after.UserName)
	}
	if before.DisplayName != after.DisplayName {
		set("displayName", after.DisplayName)
	}
	if before.GivenName != after.GivenName || before.FamilyName != after.FamilyName {
		set("name.givenName", after.GivenName)
		set("name.familyName", after.FamilyName)
	}
	switch {
	case before.Email == after.Email:
	case after.Email == "":
		path := "emails"
		changes = append(changes, types.AttributeOperation{AttributePath: &path})
	default:
		set("emails", []map[string]any{{"value": after.Email, "type": "work", "primary": true}})
	}
	return changes
}

// DeleteUser implements provision.Writer.
func (i *Identity) DeleteUser(ctx context.Context, userID string) error {
	_, err := i.client().DeleteUser(ctx, &identitystore.DeleteUserInput{IdentityStoreId: &i.StoreID, UserId: &userID})
	if err != nil && gone(err) == nil {
		return i.failed("DeleteUser", "user", userID, err, nil)
	}
	return nil
}

// CreateGroup implements provision.Writer.
func (i *Identity) CreateGroup(ctx context.Context, g directory.TargetGroup) (string, error) {
	out, err := i.client().CreateGroup(ctx, &identitystore.CreateGroupInput{IdentityStoreId: &i.StoreID, DisplayName: &g.Name})
	switch {
	case err != nil:
		return "", i.failed("CreateGroup", "group", g.Name, err, taken(err))
	case aws.ToString(out.GroupId) == "":
		return "", i.broken("CreateGroup", "group", g.Name, "it has no GroupId")
	}
	return *out.GroupId, nil
}

// RenameGroup implements provision.Writer.
func (i *Identity) RenameGroup(ctx context.Context, groupID, name string) error {
	_, err := i.client().UpdateGroup(ctx, &identitystore.UpdateGroupInput{
		IdentityStoreId: &i.StoreID, GroupId: &groupID,
		Operations: []types.AttributeOperation{{AttributePath: aws.String("displayName"), AttributeValue: document.NewLazyDocument(name)}},
	})
	if err != nil {
		return i.failed("UpdateGroup", "group", groupID, err, taken(err))
	}
	return nil
}

// AddMembers implements provision.Writer.
func (i *Identity) AddMembers(ctx context.Context, groupID string, userIDs []string) error {
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(memberCalls)
	for _, id := range userIDs {
		g.Go(func() error {
			_, err := i.client().CreateGroupMembership(ctx, &identitystore.CreateGroupMembershipInput{
				IdentityStoreId: &i.StoreID, GroupId: &groupID, MemberId: &types.MemberIdMemberUserId{Value: id},
			})
			if err == nil || errors.Is(taken(err), provision.ErrTaken) {
				return nil
			}
			return i.failed("CreateGroupMembership", "user "+id+" in group", groupID, err, gone(err))
		})
	}
	return g.Wait()
}

// RemoveMembers implements provision.Writer. A membership that is gone, in
// whatever words the store says so, is no error.
func (i *Identity) RemoveMembers(ctx context.Context, groupID string, members []directory.TargetMember) error {
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(memberCalls)
	for _, m := range members {
		g.Go(func() error {
			_, err := i.client().DeleteGroupMembership(ctx, &identitystore.DeleteGroupMembershipInput{IdentityStoreId: &i.StoreID, MembershipId: &m.Membership})
			missing, isMissing := errors.AsType[*types.ResourceNotFoundException](err)
			if err == nil || isMissing && missing.Reason == "" && missing.ResourceType != types.ResourceTypeIdentityStore {
				return nil
			}
			return i.failed("DeleteGroupMembership", "user "+m.UserID+" in group", groupID, err, nil)
		})
	}
	return g.Wait()
}
