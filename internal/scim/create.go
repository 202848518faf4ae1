package scim

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"

	"studiokeeper/internal/provision"
)

// object is what we read of a user or group.
type object struct {
	ID         string `json:"id"`
	ExternalID string `json:"externalId"`
}

// create makes a user or group and gives its id. Where the answer of an attempt
// was lost and a later one is told that the name is taken, the taker may be what
// the lost one made: then its external id is ours.
func (c *Client) create(ctx context.Context, r request, list, externalID string) (string, error) {
	var made object
	lost, err := c.do(ctx, r, &made)
	switch {
	case err == nil && made.ID != "":
		return made.ID, nil
	case err == nil:
		return "", fmt.Errorf("%s over SCIM: an answer without an id: is directory.scim.endpoint Identity Center's own?", r.what)
	case !lost || externalID == "" || !errors.Is(err, provision.ErrTaken):
		return "", err
	}
	id, looked := c.find(ctx, list, r.path[0], externalID)
	if looked != nil {
		return "", fmt.Errorf("%w; whether an attempt before made it could not be found out: %w", err, looked)
	}
	if id == "" {
		return "", err
	}
	return id, nil
}

// find gives the id of whatever has an external id; "" is nothing.
func (c *Client) find(ctx context.Context, list, kind, externalID string) (string, error) {
	quoted, err := json.Marshal(externalID)
	if err != nil {
		return "", err
	}
	var found struct {
		Resources []object `json:"Resources"`
	}
	_, err = c.do(ctx, request{
		what: "looking for external id " + externalID, api: list, method: http.MethodGet, path: []string{kind},
		query: url.Values{"filter": {"externalId eq " + string(quoted)}},
	}, &found)
	for _, o := range found.Resources {
		if o.ExternalID == externalID {
			return o.ID, err
		}
	}
	return "", err
}
