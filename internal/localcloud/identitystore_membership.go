package localcloud

import (
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/identitystore"
	"github.com/aws/aws-sdk-go-v2/service/identitystore/schemas"
	"github.com/aws/aws-sdk-go-v2/service/identitystore/types"
	"github.com/aws/smithy-go"
)

// memberUser finds the user a MemberId names; only users are members, groups are not nested.
func (s *identityStore) memberUser(m types.MemberId) (*types.User, error) {
	v, ok := m.(*types.MemberIdMemberUserId)
	if !ok {
		return nil, validation("1 validation error detected: Value at 'memberId' failed to satisfy constraint: Member must not be null")
	}
	return s.user(v.Value)
}

func createMembership(c *call, in *identitystore.CreateGroupMembershipInput) (*identitystore.CreateGroupMembershipOutput, error) {
	c.cloud.mu.Lock()
	defer c.cloud.mu.Unlock()
	s, err := c.identityStore(in.IdentityStoreId)
	if err != nil {
		return nil, err
	}
	u, err := s.memberUser(in.MemberId)
	if err != nil {
		return nil, err
	}
	m, err := s.addMember(*in.GroupId, *u.UserId, c.maker())
	if err != nil {
		return nil, err
	}
	return &identitystore.CreateGroupMembershipOutput{
		IdentityStoreId: &s.id, MembershipId: m.MembershipId, MembershipArn: m.MembershipArn,
	}, nil
}

// addMember puts a user into a group.
func (s *identityStore) addMember(group, user string, by maker) (*types.GroupMembership, error) {
	g, err := s.group(group)
	if err != nil {
		return nil, err
	}
	u, err := s.user(user)
	if err != nil {
		return nil, err
	}
	pair := [2]string{*g.GroupId, *u.UserId}
	if s.pairs[pair] != "" {
		return nil, duplicate("Member and Group relationship already exists.")
	}
	id := newIdentityID()
	m := &types.GroupMembership{
		IdentityStoreId: &s.id, MembershipId: &id, MembershipArn: aws.String("arn:aws:identitystore:::membership/" + id),
		GroupId: g.GroupId, MemberId: &types.MemberIdMemberUserId{Value: *u.UserId},
		CreatedAt: &by.at, CreatedBy: &by.by, UpdatedAt: &by.at, UpdatedBy: &by.by,
	}
	seq := s.memberships.add(id, m)
	s.pairs[pair] = id
	list(&s.byGroup, *g.GroupId).set(seq, m)
	list(&s.byUser, *u.UserId).set(seq, m)
	return m, nil
}

// dropMembership takes a membership out of every index.
func (s *identityStore) dropMembership(m *types.GroupMembership) {
	user := m.MemberId.(*types.MemberIdMemberUserId).Value
	seq := s.memberships.remove(*m.MembershipId)
	unlist(s.byGroup, *m.GroupId, seq)
	unlist(s.byUser, user, seq)
	delete(s.pairs, [2]string{*m.GroupId, user})
}

func (s *identityStore) membership(value string) (*types.GroupMembership, error) {
	id, err := identityID("membershipId", "membership", value)
	if err != nil {
		return nil, err
	}
	m := s.memberships.get(id)
	if m == nil {
		return nil, notFound(types.ResourceTypeGroupMembership, id)
	}
	return m, nil
}

// describeMembership answers with types.GroupMembership, which has the members of
// DescribeGroupMembershipOutput.
func describeMembership(c *call, in *identitystore.DescribeGroupMembershipInput) (*types.GroupMembership, error) {
	c.cloud.mu.Lock()
	defer c.cloud.mu.Unlock()
	s, err := c.identityStore(in.IdentityStoreId)
	if err != nil {
		return nil, err
	}
	m, err := s.membership(*in.MembershipId)
	if err != nil {
		return nil, err
	}
	shown := *m
	return &shown, nil
}

func getMembershipID(c *call, in *identitystore.GetGroupMembershipIdInput) (*identitystore.GetGroupMembershipIdOutput, error) {
	c.cloud.mu.Lock()
	defer c.cloud.mu.Unlock()
	s, err := c.identityStore(in.IdentityStoreId)
	if err != nil {
		return nil, err
	}
	g, err := s.group(*in.GroupId)
	if err != nil {
		return nil, err
	}
	u, err := s.memberUser(in.MemberId)
	if err != nil {
		return nil, err
	}
	m := s.memberships.get(s.pairs[[2]string{*g.GroupId, *u.UserId}])
	if m == nil {
		return nil, notFound(types.ResourceTypeGroupMembership, "")
	}
	return &identitystore.GetGroupMembershipIdOutput{
		IdentityStoreId: &s.id, MembershipId: m.MembershipId, MembershipArn: m.MembershipArn,
	}, nil
}

func deleteMembership(c *call, in *identitystore.DeleteGroupMembershipInput) (*identitystore.DeleteGroupMembershipOutput, error) {
	c.cloud.mu.Lock()
	defer c.cloud.mu.Unlock()
	s, err := c.identityStore(in.IdentityStoreId)
	if err != nil {
		return nil, err
	}
	m, err := s.membership(*in.MembershipId)
	if err != nil {
		return nil, err
	}
	s.dropMembership(m)
	return &identitystore.DeleteGroupMembershipOutput{}, nil
}

func listMemberships(c *call, in *identitystore.ListGroupMembershipsInput) (*identitystore.ListGroupMembershipsOutput, error) {
	c.cloud.mu.Lock()
	defer c.cloud.mu.Unlock()
	s, err := c.identityStore(in.IdentityStoreId)
	if err != nil {
		return nil, err
	}
	g, err := s.group(*in.GroupId)
	if err != nil {
		return nil, err
	}
	size, after, err := identityPage(in.MaxResults, in.NextToken, "members", s.id, *g.GroupId)
	if err != nil {
		return nil, err
	}
	page, next := pageOf(s.byGroup[*g.GroupId], after, size, nil)
	return &identitystore.ListGroupMembershipsOutput{
		GroupMemberships: copies(page), NextToken: pageToken(next, "members", s.id, *g.GroupId),
	}, nil
}

func listMembershipsForMember(c *call, in *identitystore.ListGroupMembershipsForMemberInput) (*identitystore.ListGroupMembershipsForMemberOutput, error) {
	c.cloud.mu.Lock()
	defer c.cloud.mu.Unlock()
	s, err := c.identityStore(in.IdentityStoreId)
	if err != nil {
		return nil, err
	}
	u, err := s.memberUser(in.MemberId)
	if err != nil {
		return nil, err
	}
	size, after, err := identityPage(in.MaxResults, in.NextToken, "memberOf", s.id, *u.UserId)
	if err != nil {
		return nil, err
	}
	page, next := pageOf(s.byUser[*u.UserId], after, size, nil)
	return &identitystore.ListGroupMembershipsForMemberOutput{
		GroupMemberships: copies(page), NextToken: pageToken(next, "memberOf", s.id, *u.UserId),
	}, nil
}

func copies[T any](from []*T) []T {
	values := make([]T, 0, len(from))
	for _, v := range from {
		values = append(values, *v)
	}
	return values
}

// existence is the output of IsMemberInGroups. The SDK's own leaves MembershipExists out when it is false;
// AWS sends it always.
type existence struct {
	member  types.MemberIdMemberUserId
	results []types.GroupMembershipExistenceResult
}

// Serialize writes the output.
func (e *existence) Serialize(s smithy.ShapeSerializer) {
	s.WriteStruct(schemas.IsMemberInGroupsResponse)
	s.WriteList(schemas.IsMemberInGroupsResponse_Results)
	for _, r := range e.results {
		s.WriteStruct(schemas.GroupMembershipExistenceResult)
		s.WriteString(schemas.GroupMembershipExistenceResult_GroupId, *r.GroupId)
		s.WriteUnion(schemas.GroupMembershipExistenceResult_MemberId, schemas.MemberId_UserId)
		e.member.Serialize(s)
		s.CloseUnion()
		s.WriteBool(schemas.GroupMembershipExistenceResult_MembershipExists, r.MembershipExists)
		s.CloseStruct()
	}
	s.CloseList()
	s.CloseStruct()
}

func isMemberInGroups(c *call, in *identitystore.IsMemberInGroupsInput) (*existence, error) {
	c.cloud.mu.Lock()
	defer c.cloud.mu.Unlock()
	s, err := c.identityStore(in.IdentityStoreId)
	if err != nil {
		return nil, err
	}
	var v constraints
	v.size("groupIds", len(in.GroupIds), 1, 100)
	if err := v.verdict(); err != nil {
		return nil, err
	}
	u, err := s.memberUser(in.MemberId)
	if err != nil {
		return nil, err
	}
	out := &existence{member: types.MemberIdMemberUserId{Value: *u.UserId}}
	for _, value := range in.GroupIds {
		g, err := s.group(value)
		if err != nil {
			return nil, err
		}
		out.results = append(out.results, types.GroupMembershipExistenceResult{
			GroupId: g.GroupId, MembershipExists: s.pairs[[2]string{*g.GroupId, *u.UserId}] != "",
		})
	}
	return out, nil
}
