package localcloud

import (
	"net/http"
	"slices"

	"github.com/aws/aws-sdk-go-v2/service/identitystore/types"
)

// maxMemberChanges is how many memberships one request may make or change.
const maxMemberChanges = 100

// groupToSCIM shows a group, as SCIM does without its members.
func (s *identityStore) groupToSCIM(g *types.Group) *scimGroup {
	return &scimGroup{
		Schemas: []string{scimGroupSchema}, ID: g.GroupId, ExternalID: s.externalID(g.ExternalIds), DisplayName: g.DisplayName,
		Meta: scimMetaOf("Group", g.CreatedAt, g.UpdatedAt), Members: []scimMember{},
	}
}

func scimCreateGroup(c *call, in *scimRequest) (*scimAnswer, error) {
	c.cloud.mu.Lock()
	defer c.cloud.mu.Unlock()
	s, err := c.scimStore(in)
	if err != nil {
		return nil, err
	}
	var given scimGroup
	if err := fromSCIM(in.body, &given); err != nil {
		return nil, err
	}
	if err := checkSchemas(given.Schemas, scimGroupSchema); err != nil {
		return nil, err
	}
	members, err := s.scimMembers(given.Members)
	if err != nil {
		return nil, err
	}
	g := &types.Group{DisplayName: given.DisplayName, ExternalIds: s.withExternalID(nil, given.ExternalID)}
	if err := s.addGroup(g, newIdentityID(), c.maker()); err != nil {
		return nil, err
	}
	if err := s.addMembers(*g.GroupId, members, c.maker()); err != nil {
		return nil, err
	}
	return &scimAnswer{status: http.StatusCreated, body: s.groupToSCIM(g)}, nil
}

// scimMembers checks that every member is a user who is there, and gives their ids.
func (s *identityStore) scimMembers(given []scimMember) (ids []string, err error) {
	if len(given) > maxMemberChanges {
		return nil, validation("A maximum of %d membership changes are allowed in a single request", maxMemberChanges)
	}
	for _, m := range given {
		if m.Type != "" && m.Type != "User" {
			return nil, validation("A member must be a User")
		}
		u, err := s.user(m.Value)
		if err != nil {
			return nil, err
		}
		ids = append(ids, *u.UserId)
	}
	return ids, nil
}

// addMembers puts users into a group; those who are in it stay.
func (s *identityStore) addMembers(group string, users []string, by maker) error {
	for _, user := range users {
		if s.pairs[[2]string{group, user}] != "" {
			continue
		}
		if _, err := s.addMember(group, user, by); err != nil {
			return err
		}
	}
	return nil
}

// removeMembers takes users out of a group; those who are not in it are no error.
func (s *identityStore) removeMembers(group string, users []string) {
	for _, user := range users {
		if m := s.memberships.get(s.pairs[[2]string{group, user}]); m != nil {
			s.dropMembership(m)
		}
	}
}

func scimGetGroup(c *call, in *scimRequest) (*scimAnswer, error) {
	c.cloud.mu.Lock()
	defer c.cloud.mu.Unlock()
	s, err := c.scimStore(in)
	if err != nil {
		return nil, err
	}
	g, err := s.group(in.id)
	if err != nil {
		return nil, err
	}
	return &scimAnswer{status: http.StatusOK, body: s.groupToSCIM(g)}, nil
}

func scimDeleteGroup(c *call, in *scimRequest) (*scimAnswer, error) {
	c.cloud.mu.Lock()
	defer c.cloud.mu.Unlock()
	s, err := c.scimStore(in)
	if err != nil {
		return nil, err
	}
	return &scimAnswer{status: http.StatusNoContent}, s.removeGroup(in.id)
}

// scimGroupChange is what a PATCH request does to a group, all of it or nothing.
type scimGroupChange struct {
	group types.Group // with its new attributes
	steps []scimMemberStep
	count int // of membership changes
}

type scimMemberStep struct {
	remove bool
	users  []string
}

func scimPatchGroup(c *call, in *scimRequest) (*scimAnswer, error) {
	c.cloud.mu.Lock()
	defer c.cloud.mu.Unlock()
	s, err := c.scimStore(in)
	if err != nil {
		return nil, err
	}
	g, err := s.group(in.id)
	if err != nil {
		return nil, err
	}
	patches, err := scimPatches(in.body)
	if err != nil {
		return nil, err
	}
	change := scimGroupChange{group: *g}
	for _, p := range patches {
		if err := change.take(s, p); err != nil {
			return nil, err
		}
	}
	if err := s.replaceGroup(g, change.group, c.maker()); err != nil {
		return nil, err
	}
	for _, step := range change.steps {
		if step.remove {
			s.removeMembers(*g.GroupId, step.users)
		} else if err := s.addMembers(*g.GroupId, step.users, c.maker()); err != nil {
			return nil, err
		}
	}
	return &scimAnswer{status: http.StatusNoContent}, nil
}

// take adds one operation to a change. Every one needs a path: displayName, externalId or members.
func (c *scimGroupChange) take(s *identityStore, p scimPatch) error {
	text, isText := p.value.(string)
	switch path := spelled(p.path); {
	case path == "":
		return validation("Missing path in PATCH request")
	case path == "members":
		return c.takeMembers(s, p)
	case path == "externalId" && p.op == "remove":
		c.group.ExternalIds = s.withExternalID(c.group.ExternalIds, nil)
	case path != "displayName" && path != "externalId":
		return validation("Only displayName, members and externalId can be changed, not %s", p.path)
	case p.op == "remove" || !isText:
		return validation("%s needs a value, which is a string", path)
	case path == "displayName":
		c.group.DisplayName = &text
	default:
		c.group.ExternalIds = s.withExternalID(c.group.ExternalIds, &text)
	}
	return nil
}

func (c *scimGroupChange) takeMembers(s *identityStore, p scimPatch) error {
	if p.op == "replace" {
		return validation("Replacing all members of a group is not supported")
	}
	if len(asList(p.value)) == 0 {
		return validation("Adding or removing members needs a list of them as the value")
	}
	var given struct {
		Value []scimMember `json:"value"`
	}
	if err := fromSCIM(map[string]any{"value": p.value}, &given); err != nil {
		return err
	}
	if c.count += len(given.Value); c.count > maxMemberChanges {
		return validation("A maximum of %d membership changes are allowed in a single request", maxMemberChanges)
	}
	users, err := s.scimMembers(given.Value)
	if err != nil {
		return err
	}
	c.steps = append(c.steps, scimMemberStep{remove: p.op == "remove", users: slices.Compact(users)})
	return nil
}
