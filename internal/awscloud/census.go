package awscloud

import (
	"context"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/identitystore"

	"studiokeeper/internal/reconcile"
	"studiokeeper/internal/studio"
)

var _ reconcile.Census = (*IdentityStore)(nil)

// EachUser implements reconcile.Census over all pages of ListUsers. A user without an id or a UserName is an
// error: left out, they would be taken for deleted.
func (i *IdentityStore) EachUser(ctx context.Context, each func(studio.User)) error {
	r := i.request("ListUsers", "all users", "")
	return everyPage(r, func(token *string) (*string, error) {
		out, err := i.client().ListUsers(ctx, &identitystore.ListUsersInput{
			IdentityStoreId: &i.StoreID, MaxResults: aws.Int32(identityPage), NextToken: token,
		})
		if err != nil {
			return nil, r.failed(err, nil)
		}
		for _, u := range out.Users {
			if aws.ToString(u.UserId) == "" || aws.ToString(u.UserName) == "" {
				return nil, r.broken("a user has the id %q and the UserName %q", aws.ToString(u.UserId), aws.ToString(u.UserName))
			}
			each(studio.User{ID: *u.UserId, UserName: *u.UserName, Status: statusOf(u.UserStatus)})
		}
		return out.NextToken, nil
	})
}

// EachGroup implements reconcile.Census over all pages of ListGroups.
func (i *IdentityStore) EachGroup(ctx context.Context, each func(id, displayName string)) error {
	r := i.request("ListGroups", "all groups", "")
	return everyPage(r, func(token *string) (*string, error) {
		out, err := i.client().ListGroups(ctx, &identitystore.ListGroupsInput{
			IdentityStoreId: &i.StoreID, MaxResults: aws.Int32(identityPage), NextToken: token,
		})
		if err != nil {
			return nil, r.failed(err, nil)
		}
		for _, g := range out.Groups {
			if aws.ToString(g.GroupId) == "" {
				return nil, r.broken("a group has no GroupId")
			}
			each(*g.GroupId, aws.ToString(g.DisplayName))
		}
		return out.NextToken, nil
	})
}
