package conformance

import (
	"context"
	"errors"
	"regexp"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/identitystore"
	"github.com/aws/aws-sdk-go-v2/service/identitystore/document"
	"github.com/aws/aws-sdk-go-v2/service/identitystore/types"
)

// identityID is what ids of users and groups look like.
var identityID = regexp.MustCompile(`^([0-9a-f]{10}-)?[0-9A-Fa-f]{8}(-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}$`)

func by(path, value string) types.AlternateIdentifier {
	return &types.AlternateIdentifierMemberUniqueAttribute{Value: types.UniqueAttribute{
		AttributePath: &path, AttributeValue: document.NewLazyDocument(value),
	}}
}

func (c *trial) userID(userName string) (string, error) {
	out, err := c.people().GetUserId(c.ctx(), &identitystore.GetUserIdInput{IdentityStoreId: &c.store, AlternateIdentifier: by("userName", userName)})
	if err != nil {
		return "", err
	}
	return *out.UserId, nil
}

func (c *trial) groupID(displayName string) (string, error) {
	out, err := c.people().GetGroupId(c.ctx(), &identitystore.GetGroupIdInput{IdentityStoreId: &c.store, AlternateIdentifier: by("displayName", displayName)})
	if err != nil {
		return "", err
	}
	return *out.GroupId, nil
}

func (c *trial) describeUser(id string) (*identitystore.DescribeUserOutput, error) {
	return c.people().DescribeUser(c.ctx(), &identitystore.DescribeUserInput{IdentityStoreId: &c.store, UserId: &id})
}

// missing wants the identity store to say of what type it is that does not exist: only then is it believed.
func (c *trial) missing(what string, err error, want types.ResourceType) {
	c.t.Helper()
	c.answer("%s: %s", what, said(err))
	is, ok := errors.AsType[*types.ResourceNotFoundException](err)
	if !ok {
		c.want(false, "%s: got %s, want ResourceNotFoundException", what, said(err))
		return
	}
	c.want(is.ResourceType == want, "%s: ResourceType is %q, want %q", what, is.ResourceType, want)
	c.want(is.Reason == "", "%s: Reason is %q, want none", what, is.Reason)
}

const noIdentity = "00000000-0000-4000-8000-000000000000"

func userContracts() []contract {
	return []contract{
		{says: "a user is found by UserName, and ids have at most 47 characters", hold: func(c *trial) {
			p := c.user("alice")
			id, err := c.userID(p.name)
			c.must(err, "GetUserId of %s", p.name)
			c.want(id == p.id, "GetUserId says %s of user %s", id, p.id)
			c.want(identityID.MatchString(id), "the id %s is no UUID, with or without ten digits before it", id)
		}},
		{says: "a UserName that nobody has is ResourceNotFoundException of a USER", hold: func(c *trial) {
			_, err := c.userID(c.named("nobody") + "@example.com")
			c.missing("GetUserId", err, types.ResourceTypeUser)
		}},
		{says: "a user id that nobody has is ResourceNotFoundException of a USER", hold: func(c *trial) {
			_, err := c.describeUser(noIdentity)
			c.missing("DescribeUser", err, types.ResourceTypeUser)
		}},
		{says: "a user who was deleted is ResourceNotFoundException of a USER", hold: func(c *trial) {
			p := c.user("leaver")
			c.must(c.removeUser(c.ctx(), p.id), "deleting user %s", p.id)
			_, err := c.describeUser(p.id)
			c.missing("DescribeUser", err, types.ResourceTypeUser)
		}},
		{says: "a UserName is given once: ConflictException", hold: func(c *trial) {
			p := c.user("alice")
			_, err := c.people().CreateUser(c.ctx(), c.newUser(p.name))
			c.refused("CreateUser again", err, "ConflictException")
			conflict, ok := errors.AsType[*types.ConflictException](err)
			c.want(ok && conflict.Reason == types.ConflictExceptionReasonUniquenessConstraintViolation, "the reason is not UNIQUENESS_CONSTRAINT_VIOLATION")
		}},
		{says: "a new user is ENABLED", open: true, hold: func(c *trial) {
			is, err := c.describeUser(c.user("alice").id)
			c.must(err, "DescribeUser")
			c.answer("UserStatus is %q", is.UserStatus)
			c.want(is.UserStatus == types.UserStatusEnabled, "UserStatus of a new user is %q", is.UserStatus)
		}},
		{says: "UserNames that differ only in case are different users", open: true, hold: func(c *trial) {
			p := c.user("alice")
			other := strings.Replace(p.name, "alice", "ALICE", 1)
			id, err := c.userID(other)
			c.answer("GetUserId of another spelling: %s %s", id, said(err))
			c.want(gone(err), "GetUserId of %s finds %s", other, p.name)
			out, err := c.people().CreateUser(c.ctx(), c.newUser(other))
			if c.answer("CreateUser with another spelling: %s", said(err)); err == nil {
				c.afterwards("user "+other, func(ctx context.Context) error { return c.removeUser(ctx, *out.UserId) })
			}
			c.want(err == nil, "CreateUser of %s beside %s: %s", other, p.name, said(err))
		}},
		{says: "ListUsers takes 100 a page and refuses 101", hold: func(c *trial) {
			_, err := c.people().ListUsers(c.ctx(), &identitystore.ListUsersInput{IdentityStoreId: &c.store, MaxResults: aws.Int32(100)})
			c.must(err, "ListUsers")
			_, err = c.people().ListUsers(c.ctx(), &identitystore.ListUsersInput{IdentityStoreId: &c.store, MaxResults: aws.Int32(101)})
			c.refused("ListUsers", err, "ValidationException")
		}},
	}
}

func groupContracts() []contract {
	return []contract{
		{says: "a group is found by DisplayName", hold: func(c *trial) {
			id, name := c.group("ad-group-1")
			found, err := c.groupID(name)
			c.must(err, "GetGroupId of %s", name)
			c.want(found == id, "GetGroupId says %s of group %s", found, id)
		}},
		{says: "a DisplayName that no group has is ResourceNotFoundException of a GROUP", hold: func(c *trial) {
			_, err := c.groupID(c.named("none"))
			c.missing("GetGroupId", err, types.ResourceTypeGroup)
		}},
		{says: "a group id that no group has is ResourceNotFoundException of a GROUP", hold: func(c *trial) {
			_, err := c.people().DescribeGroup(c.ctx(), &identitystore.DescribeGroupInput{IdentityStoreId: &c.store, GroupId: aws.String(noIdentity)})
			c.missing("DescribeGroup", err, types.ResourceTypeGroup)
		}},
		{says: "a DisplayName of 1025 characters is no group's, or a value that is not taken", open: true, hold: func(c *trial) {
			_, err := c.groupID(strings.Repeat("x", 1025))
			c.refused("GetGroupId", err, "ResourceNotFoundException", "ValidationException")
			if refused, ok := errors.AsType[*types.ValidationException](err); ok {
				c.want(refused.Reason == "", "the reason is %q", refused.Reason)
			}
		}},
		{says: "a renamed group keeps its id and is no longer found by its old name", hold: func(c *trial) {
			id, name := c.group("old")
			renamed := c.named("new")
			_, err := c.people().UpdateGroup(c.ctx(), &identitystore.UpdateGroupInput{IdentityStoreId: &c.store, GroupId: &id, Operations: []types.AttributeOperation{
				{AttributePath: aws.String("displayName"), AttributeValue: document.NewLazyDocument(renamed)},
			}})
			c.must(err, "renaming group %s", name)
			found, err := c.groupID(renamed)
			c.must(err, "GetGroupId of the new name")
			c.want(found == id, "the new name is that of %s, want %s", found, id)
			_, err = c.groupID(name)
			c.missing("GetGroupId of the old name", err, types.ResourceTypeGroup)
		}},
		{says: "a DisplayName is given once: ConflictException", hold: func(c *trial) {
			_, name := c.group("ad-group-1")
			_, err := c.people().CreateGroup(c.ctx(), &identitystore.CreateGroupInput{IdentityStoreId: &c.store, DisplayName: &name})
			c.refused("CreateGroup again", err, "ConflictException")
		}},
	}
}

func (c *trial) memberIn(user string, groups ...string) (*identitystore.IsMemberInGroupsOutput, error) {
	return c.people().IsMemberInGroups(c.ctx(), &identitystore.IsMemberInGroupsInput{
		IdentityStoreId: &c.store, GroupIds: groups, MemberId: &types.MemberIdMemberUserId{Value: user},
	})
}

func (c *trial) members(group string, token *string) (*identitystore.ListGroupMembershipsOutput, error) {
	return c.people().ListGroupMemberships(c.ctx(), &identitystore.ListGroupMembershipsInput{
		IdentityStoreId: &c.store, GroupId: &group, MaxResults: aws.Int32(1), NextToken: token,
	})
}

func membershipContracts() []contract {
	return []contract{
		{says: "IsMemberInGroups answers for every group that is asked about", hold: func(c *trial) {
			p := c.user("alice")
			in, _ := c.group("in")
			out, _ := c.group("out")
			c.join(in, p.id)
			is, err := c.memberIn(p.id, in, out)
			c.must(err, "IsMemberInGroups")
			got := map[string]bool{}
			for _, one := range is.Results {
				got[*one.GroupId] = one.MembershipExists
			}
			there, asked := got[out]
			c.want(len(got) == 2 && got[in] && asked && !there, "of a group with the user and one without, the answer is %v", got)
		}},
		{says: "IsMemberInGroups refuses 101 groups with ValidationException", hold: func(c *trial) {
			_, err := c.memberIn(noIdentity, slices.Repeat([]string{noIdentity}, 101)...)
			c.refused("IsMemberInGroups", err, "ValidationException")
		}},
		{says: "IsMemberInGroups with a group that is not there is ResourceNotFoundException of a GROUP, which names it", open: true, hold: func(c *trial) {
			p := c.user("alice")
			id, _ := c.group("there")
			_, err := c.memberIn(p.id, id, noIdentity)
			c.missing("IsMemberInGroups", err, types.ResourceTypeGroup)
			if is, ok := errors.AsType[*types.ResourceNotFoundException](err); ok {
				c.want(aws.ToString(is.ResourceId) == noIdentity, "ResourceId is %q", aws.ToString(is.ResourceId))
			}
		}},
		{says: "IsMemberInGroups of a user who is not there is ResourceNotFoundException of a USER", open: true, hold: func(c *trial) {
			id, _ := c.group("there")
			_, err := c.memberIn(noIdentity, id)
			c.missing("IsMemberInGroups", err, types.ResourceTypeUser)
		}},
		{says: "a membership is made once: ConflictException", hold: func(c *trial) {
			p := c.user("alice")
			id, _ := c.group("ad-group-1")
			c.join(id, p.id)
			_, err := c.people().CreateGroupMembership(c.ctx(), &identitystore.CreateGroupMembershipInput{
				IdentityStoreId: &c.store, GroupId: &id, MemberId: &types.MemberIdMemberUserId{Value: p.id},
			})
			c.refused("CreateGroupMembership again", err, "ConflictException")
		}},
		{says: "the members of a group come in pages", hold: func(c *trial) {
			id, _ := c.group("ad-group-1")
			a, b := c.user("alice"), c.user("bob")
			c.join(id, a.id)
			c.join(id, b.id)
			first, err := c.members(id, nil)
			c.must(err, "the first page")
			if len(first.GroupMemberships) != 1 || first.NextToken == nil {
				c.want(false, "a page of one has %d members and token %q", len(first.GroupMemberships), aws.ToString(first.NextToken))
				return
			}
			second, err := c.members(id, first.NextToken)
			c.must(err, "the second page")
			got := memberIDs(append(first.GroupMemberships, second.GroupMemberships...))
			want := []string{a.id, b.id}
			slices.Sort(want)
			c.want(slices.Equal(got, want), "two pages have %v, want %v", got, want)
		}},
		{says: "the members of a group that is not there are ResourceNotFoundException of a GROUP", hold: func(c *trial) {
			_, err := c.members(noIdentity, nil)
			c.missing("ListGroupMemberships", err, types.ResourceTypeGroup)
		}},
		{says: "the groups of a user are listed", hold: func(c *trial) {
			p := c.user("alice")
			id, _ := c.group("ad-group-1")
			c.join(id, p.id)
			out, err := c.groupsOf(p.id)
			c.must(err, "ListGroupMembershipsForMember")
			c.want(len(out.GroupMemberships) == 1 && *out.GroupMemberships[0].GroupId == id, "the groups are %v, want %s", out.GroupMemberships, id)
		}},
		{says: "the groups of a user who is not there are ResourceNotFoundException of a USER", hold: func(c *trial) {
			_, err := c.groupsOf(noIdentity)
			c.missing("ListGroupMembershipsForMember", err, types.ResourceTypeUser)
		}},
		{says: "a user who is deleted leaves their groups", hold: func(c *trial) {
			p := c.user("leaver")
			id, _ := c.group("ad-group-1")
			c.join(id, p.id)
			c.must(c.removeUser(c.ctx(), p.id), "deleting user %s", p.id)
			out, err := c.members(id, nil)
			c.must(err, "ListGroupMemberships")
			c.want(len(out.GroupMemberships) == 0, "the group still has %v", memberIDs(out.GroupMemberships))
		}},
		{says: "a membership that was deleted is ResourceNotFoundException", hold: func(c *trial) {
			p := c.user("alice")
			id, _ := c.group("ad-group-1")
			membership := c.join(id, p.id)
			in := &identitystore.DeleteGroupMembershipInput{IdentityStoreId: &c.store, MembershipId: &membership}
			_, err := c.people().DeleteGroupMembership(c.ctx(), in)
			c.must(err, "deleting the membership")
			_, err = c.people().DeleteGroupMembership(c.ctx(), in)
			c.refused("DeleteGroupMembership again", err, "ResourceNotFoundException")
		}},
	}
}

func (c *trial) groupsOf(user string) (*identitystore.ListGroupMembershipsForMemberOutput, error) {
	return c.people().ListGroupMembershipsForMember(c.ctx(), &identitystore.ListGroupMembershipsForMemberInput{
		IdentityStoreId: &c.store, MemberId: &types.MemberIdMemberUserId{Value: user},
	})
}

func memberIDs(memberships []types.GroupMembership) []string {
	var ids []string
	for _, m := range memberships {
		if user, ok := m.MemberId.(*types.MemberIdMemberUserId); ok {
			ids = append(ids, user.Value)
		}
	}
	slices.Sort(ids)
	return ids
}
