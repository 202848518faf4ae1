package localcloud

import (
	"net/http"
	"strconv"

	"github.com/aws/aws-sdk-go-v2/service/identitystore/types"
)

var scimCursorPattern = whole(`[-a-zA-Z0-9+=/:_]*`)

// scimPage is which part of a list is asked for. Identity Center passes over startIndex, attributes and
// excludedAttributes.
type scimPage struct {
	size    int
	after   uint64
	cursors bool // the answer leads on with a cursor, instead of counting everything
}

func scimPageOf(in *scimRequest, kind string) (scimPage, error) {
	p := scimPage{size: 100, cursors: in.query.Has("cursor")}
	if in.query.Has("count") {
		n, err := strconv.Atoi(in.query.Get("count"))
		if err != nil || n < 1 || n > 100 {
			return p, validation("1 validation error detected: Value at 'count' failed to satisfy constraint: Member must be between 1 and 100")
		}
		p.size = n
	}
	cursor := in.query.Get("cursor")
	if cursor == "" {
		return p, nil
	}
	var v constraints
	v.pattern("cursor", &cursor, scimCursorPattern)
	if err := v.verdict(); err != nil {
		return p, err
	}
	after, ok := pageStart(&cursor, kind, in.storeID)
	if !ok {
		return p, validation("Invalid cursor")
	}
	p.after = after
	return p, nil
}

// answer writes a list: resources is the page, total how many there are altogether.
func (p scimPage) answer(in *scimRequest, kind string, resources []any, total int, next uint64) *scimAnswer {
	body := map[string]any{"schemas": []string{scimListSchema}, "itemsPerPage": len(resources), "Resources": resources}
	if !p.cursors {
		body["totalResults"], body["startIndex"] = total, 1
	} else if token := pageToken(next, kind, in.storeID); token != nil {
		body["nextCursor"] = *token
	}
	return &scimAnswer{status: http.StatusOK, body: body}
}

func scimListUsers(c *call, in *scimRequest) (*scimAnswer, error) {
	c.cloud.mu.Lock()
	defer c.cloud.mu.Unlock()
	s, err := c.scimStore(in)
	if err != nil {
		return nil, err
	}
	filter, err := scimFilterOf(in, []string{"userName"}, []string{"externalId"}, []string{"id"}, []string{"id", "manager"})
	if err != nil {
		return nil, err
	}
	page, err := scimPageOf(in, "scimUsers")
	if err != nil {
		return nil, err
	}
	found, total, next := []*types.User(nil), s.users.rows.count, uint64(0)
	if filter == nil {
		found, next = s.users.page(page.after, page.size, nil)
	} else if u := s.filteredUser(filter); u != nil {
		found = []*types.User{u}
	}
	if filter != nil {
		total = len(found)
	}
	resources := make([]any, 0, len(found))
	for _, u := range found {
		shown, err := s.userToSCIM(u)
		if err != nil {
			return nil, err
		}
		resources = append(resources, shown)
	}
	return page.answer(in, "scimUsers", resources, total, next), nil
}

// filteredUser is the one user whom a filter can find.
func (s *identityStore) filteredUser(filter map[string]string) *types.User {
	if name, by := filter["userName"]; by {
		return s.users.get(s.userNames[name])
	}
	if id, by := filter["externalId"]; by {
		return s.users.get(s.externals[externalKey("user", types.ExternalId{Issuer: ref(s.scimIssuer()), Id: &id})])
	}
	u := s.users.get(filter["id"])
	if manager, by := filter["manager"]; by && u != nil {
		shown, err := s.userToSCIM(u)
		if err != nil || shown.Enterprise == nil || shown.Enterprise.Manager == nil || shown.Enterprise.Manager.Value == nil ||
			*shown.Enterprise.Manager.Value != manager {
			return nil
		}
	}
	return u
}

func ref[T any](value T) *T { return &value }

func scimListGroups(c *call, in *scimRequest) (*scimAnswer, error) {
	c.cloud.mu.Lock()
	defer c.cloud.mu.Unlock()
	s, err := c.scimStore(in)
	if err != nil {
		return nil, err
	}
	filter, err := scimFilterOf(in, []string{"displayName"}, []string{"externalId"}, []string{"id"}, []string{"id", "members"})
	if err != nil {
		return nil, err
	}
	page, err := scimPageOf(in, "scimGroups")
	if err != nil {
		return nil, err
	}
	found, total, next := []*types.Group(nil), s.groups.rows.count, uint64(0)
	if filter == nil {
		found, next = s.groups.page(page.after, page.size, nil)
	} else if g := s.filteredGroup(filter); g != nil {
		found = []*types.Group{g}
	}
	if filter != nil {
		total = len(found)
	}
	resources := make([]any, 0, len(found))
	for _, g := range found {
		resources = append(resources, s.groupToSCIM(g))
	}
	return page.answer(in, "scimGroups", resources, total, next), nil
}

// filteredGroup is the one group that a filter can find.
func (s *identityStore) filteredGroup(filter map[string]string) *types.Group {
	if name, by := filter["displayName"]; by {
		return s.groups.get(s.groupNames[name])
	}
	if id, by := filter["externalId"]; by {
		return s.groups.get(s.externals[externalKey("group", types.ExternalId{Issuer: ref(s.scimIssuer()), Id: &id})])
	}
	if user, by := filter["members"]; by && s.pairs[[2]string{filter["id"], user}] == "" {
		return nil
	}
	return s.groups.get(filter["id"])
}
