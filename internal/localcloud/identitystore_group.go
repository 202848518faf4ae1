package localcloud

import (
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/identitystore"
	"github.com/aws/aws-sdk-go-v2/service/identitystore/schemas"
	"github.com/aws/aws-sdk-go-v2/service/identitystore/types"
)

func createGroup(c *call, in *identitystore.CreateGroupInput) (*identitystore.CreateGroupOutput, error) {
	c.cloud.mu.Lock()
	defer c.cloud.mu.Unlock()
	s, err := c.identityStore(in.IdentityStoreId)
	if err != nil {
		return nil, err
	}
	var g types.Group
	copyMembers(&g, in)
	if err := s.addGroup(&g, newIdentityID(), c.maker()); err != nil {
		return nil, err
	}
	return &identitystore.CreateGroupOutput{IdentityStoreId: &s.id, GroupId: g.GroupId, GroupArn: g.GroupArn, Revision: g.Revision}, nil
}

// addGroup enters a group under an id.
func (s *identityStore) addGroup(g *types.Group, id string, m maker) error {
	if err := s.checkGroup(g, ""); err != nil {
		return err
	}
	if s.groups.get(id) != nil {
		return duplicate("Duplicate GroupId")
	}
	g.GroupId, g.GroupArn, g.IdentityStoreId = &id, aws.String("arn:aws:identitystore:::group/"+id), &s.id
	g.CreatedAt, g.CreatedBy, g.UpdatedAt, g.UpdatedBy, g.Revision = &m.at, &m.by, &m.at, &m.by, aws.String("1")
	s.groups.add(id, g)
	s.indexGroup(g)
	return nil
}

func (s *identityStore) indexGroup(g *types.Group) {
	s.groupNames[*g.DisplayName] = *g.GroupId
	for _, e := range g.ExternalIds {
		s.externals[externalKey("group", e)] = *g.GroupId
	}
}

func (s *identityStore) unindexGroup(g *types.Group) {
	delete(s.groupNames, *g.DisplayName)
	for _, e := range g.ExternalIds {
		delete(s.externals, externalKey("group", e))
	}
}

func (s *identityStore) checkGroup(g *types.Group, self string) error {
	var v constraints
	v.length("displayName", g.DisplayName, 1, 1024)
	v.pattern("displayName", g.DisplayName, plainTextPattern)
	v.length("description", g.Description, 1, 1024)
	v.pattern("description", g.Description, plainTextPattern)
	if err := v.verdict(); err != nil {
		return err
	}
	switch {
	case g.DisplayName == nil:
		return validation("displayName is a required attribute")
	case reservedName(*g.DisplayName):
		return validation("The group name %s is reserved", *g.DisplayName)
	}
	if owner, taken := s.groupNames[*g.DisplayName]; taken && owner != self {
		return duplicate("Duplicate GroupDisplayName")
	}
	return s.checkExternal("group", g.ExternalIds, self)
}

// group finds a group by id or ARN.
func (s *identityStore) group(value string) (*types.Group, error) {
	id, err := identityID("groupId", "group", value)
	if err != nil {
		return nil, err
	}
	g := s.groups.get(id)
	if g == nil {
		return nil, notFound(types.ResourceTypeGroup, id)
	}
	return g, nil
}

// describeGroup answers with types.Group, which has the members of DescribeGroupOutput.
func describeGroup(c *call, in *identitystore.DescribeGroupInput) (*types.Group, error) {
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
	shown := *g
	return &shown, nil
}

func updateGroup(c *call, in *identitystore.UpdateGroupInput) (*identitystore.UpdateGroupOutput, error) {
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
	if err := sameRevision(in.Revision, g.Revision); err != nil {
		return nil, err
	}
	var changed types.Group
	may := func(name string) bool { return name == "DisplayName" || name == "Description" }
	if err := changedAttributes(schemas.Group, g, in.Operations, may, &changed); err != nil {
		return nil, err
	}
	if err := s.replaceGroup(g, changed, c.maker()); err != nil {
		return nil, err
	}
	return &identitystore.UpdateGroupOutput{IdentityStoreId: &s.id, GroupId: g.GroupId, GroupArn: g.GroupArn, Revision: g.Revision}, nil
}

// replaceGroup gives a group other attributes.
func (s *identityStore) replaceGroup(g *types.Group, changed types.Group, m maker) error {
	if err := s.checkGroup(&changed, *g.GroupId); err != nil {
		return err
	}
	s.unindexGroup(g)
	*g = changed
	g.UpdatedAt, g.UpdatedBy, g.Revision = &m.at, &m.by, nextRevision(g.Revision)
	s.indexGroup(g)
	return nil
}

func deleteGroup(c *call, in *identitystore.DeleteGroupInput) (*identitystore.DeleteGroupOutput, error) {
	c.cloud.mu.Lock()
	defer c.cloud.mu.Unlock()
	s, err := c.identityStore(in.IdentityStoreId)
	if err != nil {
		return nil, err
	}
	return &identitystore.DeleteGroupOutput{}, s.removeGroup(*in.GroupId)
}

// removeGroup deletes a group and its memberships.
func (s *identityStore) removeGroup(id string) error {
	g, err := s.group(id)
	if err != nil {
		return err
	}
	for _, m := range values(s.byGroup[*g.GroupId]) {
		s.dropMembership(m)
	}
	s.unindexGroup(g)
	s.groups.remove(*g.GroupId)
	return nil
}

func listGroups(c *call, in *identitystore.ListGroupsInput) (*identitystore.ListGroupsOutput, error) {
	c.cloud.mu.Lock()
	defer c.cloud.mu.Unlock()
	s, err := c.identityStore(in.IdentityStoreId)
	if err != nil {
		return nil, err
	}
	name, err := nameFilter(in.Filters, "DisplayName")
	if err != nil {
		return nil, err
	}
	size, after, err := identityPage(in.MaxResults, in.NextToken, "groups", s.id, aws.ToString(name))
	if err != nil {
		return nil, err
	}
	page, next := s.groups.named(s.groupNames, name, after, size)
	out := &identitystore.ListGroupsOutput{Groups: []types.Group{}, NextToken: pageToken(next, "groups", s.id, aws.ToString(name))}
	for _, g := range page {
		out.Groups = append(out.Groups, *g)
	}
	return out, nil
}

func getGroupID(c *call, in *identitystore.GetGroupIdInput) (*identitystore.GetGroupIdOutput, error) {
	c.cloud.mu.Lock()
	defer c.cloud.mu.Unlock()
	s, err := c.identityStore(in.IdentityStoreId)
	if err != nil {
		return nil, err
	}
	id, err := s.findGroup(in.AlternateIdentifier)
	if err != nil {
		return nil, err
	}
	if id == "" {
		return nil, notFound(types.ResourceTypeGroup, "")
	}
	return &identitystore.GetGroupIdOutput{IdentityStoreId: &s.id, GroupId: &id, GroupArn: s.groups.get(id).GroupArn}, nil
}

func (s *identityStore) findGroup(by types.AlternateIdentifier) (string, error) {
	external, path, value, err := alternate(by)
	if err != nil {
		return "", err
	}
	if external != nil {
		return s.externals[externalKey("group", *external)], nil
	}
	if !strings.EqualFold(path, "displayName") {
		return "", validation("The attribute path %s cannot identify a group: displayName can", path)
	}
	return s.groupNames[value], nil
}
