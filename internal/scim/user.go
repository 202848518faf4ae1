package scim

import (
	"context"
	"errors"
	"fmt"
	"net/http"

	"studiokeeper/internal/directory"
	"studiokeeper/internal/provision"
)

const (
	userSchema  = "urn:ietf:params:scim:schemas:core:2.0:User"
	groupSchema = "urn:ietf:params:scim:schemas:core:2.0:Group"
	patchSchema = "urn:ietf:params:scim:api:messages:2.0:PatchOp"
)

// user is a user as we make it.
type user struct {
	Schemas     []string `json:"schemas"`
	ExternalID  string   `json:"externalId,omitempty"`
	UserName    string   `json:"userName"`
	Name        name     `json:"name"`
	DisplayName string   `json:"displayName"`
	Active      bool     `json:"active"`
	Emails      []email  `json:"emails,omitempty"`
}

type name struct {
	GivenName  string `json:"givenName"`
	FamilyName string `json:"familyName"`
}

type email struct {
	Value   string `json:"value"`
	Type    string `json:"type"`
	Primary bool   `json:"primary"`
}

// emails are those of a user: Identity Center has one for each, the primary one.
func emails(address string) []email {
	if address == "" {
		return nil
	}
	return []email{{Value: address, Type: "work", Primary: true}}
}

// patch is a PATCH request's body.
type patch struct {
	Schemas    []string `json:"schemas"`
	Operations []change `json:"Operations"`
}

type change struct {
	Op    string `json:"op"`
	Path  string `json:"path"`
	Value any    `json:"value,omitempty"`
}

// Sees implements provision.Writer.
func (c *Client) Sees(ctx context.Context, userID string) error {
	_, err := c.do(ctx, request{what: "reading user " + userID, api: "GetUser", method: http.MethodGet, path: []string{"Users", userID}}, nil)
	return err
}

// CreateUser implements provision.Writer.
func (c *Client) CreateUser(ctx context.Context, p directory.Person) (id string, err error) {
	return c.create(ctx, request{
		what: fmt.Sprintf("creating user %q", p.UserName), api: "CreateUser", method: http.MethodPost, path: []string{"Users"},
		body: user{
			Schemas: []string{userSchema}, ExternalID: p.ExternalID, UserName: p.UserName, DisplayName: p.DisplayName, Active: !p.Disabled,
			Name: name{GivenName: p.GivenName, FamilyName: p.FamilyName}, Emails: emails(p.Email),
		},
	}, "ListUsers", p.ExternalID)
}

// UpdateUser implements provision.Writer. The user is the one that before names;
// nothing is sent when nothing differs.
func (c *Client) UpdateUser(ctx context.Context, before, after directory.Person) error {
	changes := differences(before, after)
	if len(changes) == 0 {
		return nil
	}
	_, err := c.do(ctx, request{
		what: fmt.Sprintf("updating user %q (%s)", before.UserName, before.ID), api: "PatchUser", method: http.MethodPatch,
		path: []string{"Users", before.ID}, body: patch{Schemas: []string{patchSchema}, Operations: changes},
	}, nil)
	return err
}

// differences are the changes that make before what after is.
func differences(before, after directory.Person) (changes []change) {
	replace := func(path string, had, has, value any) {
		if had != has {
			changes = append(changes, change{Op: "replace", Path: path, Value: value})
		}
	}
	orRemove := func(path, had, has string, value any) {
		if had != "" && has == "" {
			changes = append(changes, change{Op: "remove", Path: path})
			return
		}
		replace(path, had, has, value)
	}
	replace("active", before.Disabled, after.Disabled, !after.Disabled)
	replace("userName", before.UserName, after.UserName, after.UserName)
	replace("name.givenName", before.GivenName, after.GivenName, after.GivenName)
	replace("name.familyName", before.FamilyName, after.FamilyName, after.FamilyName)
	replace("displayName", before.DisplayName, after.DisplayName, after.DisplayName)
	orRemove("emails", before.Email, after.Email, emails(after.Email))
	orRemove("externalId", before.ExternalID, after.ExternalID, after.ExternalID)
	return changes
}

// DeleteUser implements provision.Writer.
func (c *Client) DeleteUser(ctx context.Context, userID string) error {
	_, err := c.do(ctx, request{
		what: "deleting user " + userID, api: "DeleteUser", method: http.MethodDelete, path: []string{"Users", userID},
	}, nil)
	if errors.Is(err, provision.ErrGone) {
		return nil
	}
	return err
}
