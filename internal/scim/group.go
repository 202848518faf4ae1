package scim

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"

	"studiokeeper/internal/directory"
	"studiokeeper/internal/provision"
)

// group is a group as we make it.
type group struct {
	Schemas     []string `json:"schemas"`
	ExternalID  string   `json:"externalId,omitempty"`
	DisplayName string   `json:"displayName"`
}

type member struct {
	Value string `json:"value"`
}

// CreateGroup implements provision.Writer.
func (c *Client) CreateGroup(ctx context.Context, g directory.TargetGroup) (id string, err error) {
	return c.create(ctx, request{
		what: fmt.Sprintf("creating group %q", g.Name), api: "CreateGroup", method: http.MethodPost, path: []string{"Groups"},
		body: group{Schemas: []string{groupSchema}, ExternalID: g.ExternalID, DisplayName: g.Name},
	}, "ListGroups", g.ExternalID)
}

// RenameGroup implements provision.Writer.
func (c *Client) RenameGroup(ctx context.Context, groupID, name string) error {
	what := fmt.Sprintf("renaming group %s to %q", groupID, name)
	return c.patchGroup(ctx, what, groupID, 1, change{Op: "replace", Path: "displayName", Value: name})
}

func (c *Client) patchGroup(ctx context.Context, what, groupID string, counts int, one change) error {
	_, err := c.do(ctx, request{
		what: what, api: "PatchGroup", method: http.MethodPatch, path: []string{"Groups", groupID}, counts: counts,
		body: patch{Schemas: []string{patchSchema}, Operations: []change{one}},
	}, nil)
	return err
}

// AddMembers implements provision.Writer. Where a user is gone the others are
// added all the same, and the error names who is gone.
func (c *Client) AddMembers(ctx context.Context, groupID string, userIDs []string) error {
	gone, err := c.changeMembers(ctx, "add", groupID, userIDs)
	if err != nil {
		return err
	}
	return gone
}

// RemoveMembers implements provision.Writer. Who is gone is in no group any more,
// and a group that is gone has no members.
func (c *Client) RemoveMembers(ctx context.Context, groupID string, members []directory.TargetMember) error {
	userIDs := make([]string, 0, len(members))
	for _, m := range members {
		userIDs = append(userIDs, m.UserID)
	}
	_, err := c.changeMembers(ctx, "remove", groupID, userIDs)
	return err
}

// changeMembers adds or removes any number of members, but for those it finds
// gone. It ends at the first failure, err.
func (c *Client) changeMembers(ctx context.Context, op, groupID string, userIDs []string) (gone, err error) {
	for some := range slices.Chunk(userIDs, maxMembers) {
		err := c.changeSome(ctx, op, groupID, some)
		if len(some) > 1 && errors.Is(err, provision.ErrGone) {
			var failed error
			if err, failed = c.changeEach(ctx, op, groupID, some); failed != nil {
				return gone, failed
			}
		}
		if err != nil && !errors.Is(err, provision.ErrGone) {
			return gone, err
		}
		gone = errors.Join(gone, err)
	}
	return gone, nil
}

func (c *Client) changeSome(ctx context.Context, op, groupID string, userIDs []string) error {
	members := make([]member, 0, len(userIDs))
	for _, id := range userIDs {
		members = append(members, member{Value: id})
	}
	who := "member " + userIDs[0]
	if len(userIDs) > 1 {
		who = fmt.Sprintf("%d members, the first %s,", len(userIDs), userIDs[0])
	}
	what := map[string]string{"add": "adding " + who + " to group ", "remove": "removing " + who + " from group "}[op]
	return c.patchGroup(ctx, what+groupID, groupID, len(userIDs), change{Op: op, Path: "members", Value: members})
}

// changeEach goes one by one, after a request for several found somebody gone:
// a request is carried out as a whole or not at all, and does not say who.
func (c *Client) changeEach(ctx context.Context, op, groupID string, userIDs []string) (gone, err error) {
	if _, err := c.do(ctx, request{
		what: "reading group " + groupID, api: "GetGroup", method: http.MethodGet, path: []string{"Groups", groupID},
	}, nil); errors.Is(err, provision.ErrGone) {
		return err, nil
	} else if err != nil {
		return nil, err
	}
	for _, id := range userIDs {
		err := c.changeSome(ctx, op, groupID, []string{id})
		if err != nil && !errors.Is(err, provision.ErrGone) {
			return gone, err
		}
		gone = errors.Join(gone, err)
	}
	return gone, nil
}
