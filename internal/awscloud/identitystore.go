package awscloud

import (
	"cmp"
	"context"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/identitystore"
	"github.com/aws/aws-sdk-go-v2/service/identitystore/document"
	"github.com/aws/aws-sdk-go-v2/service/identitystore/types"

	"studiokeeper/internal/reconcile"
	"studiokeeper/internal/studio"
)

// identityPage is the most that lists and IsMemberInGroups take at once.
// https://docs.aws.amazon.com/singlesignon/latest/IdentityStoreAPIReference/API_IsMemberInGroups.html
const identityPage = 100

// IdentityStore is reconcile.Identity and GroupReader on IAM Identity Center's identity store.
type IdentityStore struct {
	Session *Session
	// At is Identity Center's Region and, where it lies in another account, how to get there.
	At Place
	// StoreID is the identity store's id, d-….
	StoreID string
}

var (
	_ reconcile.Identity    = (*IdentityStore)(nil)
	_ reconcile.GroupReader = (*IdentityStore)(nil)
)

func (i *IdentityStore) client() *identitystore.Client { return i.Session.identitystoreAt(i.At) }

func (i *IdentityStore) request(operation, kind, name string) request {
	return request{action: "identitystore:" + operation, on: fmt.Sprintf("%s %q in identity store %s", kind, name, i.StoreID), at: i.Session.where(i.At)}
}

// User implements reconcile.Identity.
func (i *IdentityStore) User(ctx context.Context, userID string) (studio.User, error) {
	r := i.request("DescribeUser", "user", userID)
	out, err := i.client().DescribeUser(ctx, &identitystore.DescribeUserInput{IdentityStoreId: &i.StoreID, UserId: &userID})
	switch {
	case notFound(err, types.ResourceTypeUser):
		return studio.User{ID: userID, Status: studio.Absent}, nil
	case err != nil:
		return studio.User{}, r.failed(err, nil)
	case aws.ToString(out.UserId) != userID:
		return studio.User{}, r.broken("it describes user %q", aws.ToString(out.UserId))
	case aws.ToString(out.UserName) == "":
		return studio.User{}, r.broken("the user has no UserName")
	}
	return studio.User{
		ID: userID, UserName: *out.UserName, DisplayName: aws.ToString(out.DisplayName), Status: statusOf(out.UserStatus),
	}, nil
}

// statusOf takes a user without a status for enabled. The field is optional and younger than the API, and
// Identity Center itself lets no disabled user sign in; the other reading would leave everybody of an older
// store without access. A value that is neither word is passed on, and the planner then does nothing.
func statusOf(s types.UserStatus) studio.UserStatus {
	return studio.UserStatus(cmp.Or(s, types.UserStatusEnabled))
}

// UserNamed implements reconcile.Identity.
func (i *IdentityStore) UserNamed(ctx context.Context, userName string) (string, error) {
	r := i.request("GetUserId", "user", userName)
	out, err := i.client().GetUserId(ctx, &identitystore.GetUserIdInput{
		IdentityStoreId: &i.StoreID, AlternateIdentifier: byAttribute("userName", userName),
	})
	switch {
	case notFound(err, types.ResourceTypeUser):
		return "", nil
	case err != nil:
		return "", r.failed(err, nil)
	case aws.ToString(out.UserId) == "":
		return "", r.broken("it has no UserId")
	}
	return *out.UserId, nil
}

// GroupNamed implements reconcile.Identity.
func (i *IdentityStore) GroupNamed(ctx context.Context, displayName string) (string, error) {
	r := i.request("GetGroupId", "group", displayName)
	out, err := i.client().GetGroupId(ctx, &identitystore.GetGroupIdInput{
		IdentityStoreId: &i.StoreID, AlternateIdentifier: byAttribute("displayName", displayName),
	})
	switch {
	case notFound(err, types.ResourceTypeGroup):
		return "", nil
	case invalidValue(err):
		return "", r.failed(err, reconcile.ErrInvalid)
	case err != nil:
		return "", r.failed(err, nil)
	case aws.ToString(out.GroupId) == "":
		return "", r.broken("it has no GroupId")
	}
	return *out.GroupId, nil
}

func byAttribute(path, value string) types.AlternateIdentifier {
	return &types.AlternateIdentifierMemberUniqueAttribute{Value: types.UniqueAttribute{
		AttributePath: &path, AttributeValue: document.NewLazyDocument(value),
	}}
}

// Members implements reconcile.Identity. It follows all pages, and a page that comes round again is an
// error: so is a member of a kind that is not known, because leaving it out would be reading less than there is.
func (i *IdentityStore) Members(ctx context.Context, groupID string) ([]string, error) {
	r := i.request("ListGroupMemberships", "group", groupID)
	var members []string
	err := everyPage(r, func(token *string) (*string, error) {
		out, err := i.client().ListGroupMemberships(ctx, &identitystore.ListGroupMembershipsInput{
			IdentityStoreId: &i.StoreID, GroupId: &groupID, MaxResults: aws.Int32(identityPage), NextToken: token,
		})
		switch {
		case notFound(err, types.ResourceTypeGroup):
			return nil, r.failed(err, reconcile.ErrGone)
		case err != nil:
			return nil, r.failed(err, nil)
		}
		for _, m := range out.GroupMemberships {
			user, ok := m.MemberId.(*types.MemberIdMemberUserId)
			if !ok || user.Value == "" {
				return nil, r.broken("membership %q names no user", aws.ToString(m.MembershipId))
			}
			members = append(members, user.Value)
		}
		return out.NextToken, nil
	})
	if err != nil {
		return nil, err
	}
	return members, nil
}

// GroupsOf implements reconcile.GroupReader, over all pages as Members does.
func (i *IdentityStore) GroupsOf(ctx context.Context, userID string) ([]string, error) {
	r := i.request("ListGroupMembershipsForMember", "user", userID)
	var groups []string
	err := everyPage(r, func(token *string) (*string, error) {
		out, err := i.client().ListGroupMembershipsForMember(ctx, &identitystore.ListGroupMembershipsForMemberInput{
			IdentityStoreId: &i.StoreID, MemberId: &types.MemberIdMemberUserId{Value: userID},
			MaxResults: aws.Int32(identityPage), NextToken: token,
		})
		switch {
		case notFound(err, types.ResourceTypeUser):
			return nil, r.failed(err, reconcile.ErrGone)
		case err != nil:
			return nil, r.failed(err, nil)
		}
		for _, m := range out.GroupMemberships {
			if aws.ToString(m.GroupId) == "" {
				return nil, r.broken("membership %q names no group", aws.ToString(m.MembershipId))
			}
			groups = append(groups, *m.GroupId)
		}
		return out.NextToken, nil
	})
	if err != nil {
		return nil, err
	}
	return groups, nil
}

// GroupName implements reconcile.GroupReader.
func (i *IdentityStore) GroupName(ctx context.Context, groupID string) (string, error) {
	r := i.request("DescribeGroup", "group", groupID)
	out, err := i.client().DescribeGroup(ctx, &identitystore.DescribeGroupInput{IdentityStoreId: &i.StoreID, GroupId: &groupID})
	switch {
	case notFound(err, types.ResourceTypeGroup):
		return "", r.failed(err, reconcile.ErrGone)
	case err != nil:
		return "", r.failed(err, nil)
	case aws.ToString(out.GroupId) != groupID || aws.ToString(out.DisplayName) == "":
		return "", r.broken("it describes group %q, named %q", aws.ToString(out.GroupId), aws.ToString(out.DisplayName))
	}
	return *out.DisplayName, nil
}

// everyPage calls page until there is no further one. A token that was given before would go round for
// ever, or stand for pages that were left out.
func everyPage(r request, page func(token *string) (*string, error)) error {
	seen := map[string]bool{}
	var token *string
	for {
		next, err := page(token)
		if err != nil || aws.ToString(next) == "" {
			return err
		}
		if seen[*next] {
			return r.broken("a page's NextToken was given before")
		}
		seen[*next] = true
		token = next
	}
}
