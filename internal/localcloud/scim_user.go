package localcloud

import (
	"net/http"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/identitystore/document"
	"github.com/aws/aws-sdk-go-v2/service/identitystore/types"
)

// scimStore is the identity store that the token opened. Cloud.mu is held.
func (c *call) scimStore(in *scimRequest) (*identityStore, error) {
	s := c.cloud.stores.byID[in.storeID]
	if s == nil {
		return nil, notFound(types.ResourceTypeIdentityStore, in.storeID)
	}
	return s, nil
}

// fill gives a user of the identity store the attributes of a SCIM user, and no others.
func (u *scimUser) fill(s *identityStore, to *types.User) error {
	if err := u.check(to); err != nil {
		return err
	}
	kept := types.User{
		UserId: to.UserId, UserArn: to.UserArn, IdentityStoreId: to.IdentityStoreId, CreatedAt: to.CreatedAt, CreatedBy: to.CreatedBy,
		UserStatus: to.UserStatus, Revision: to.Revision, ExternalIds: s.withExternalID(to.ExternalIds, u.ExternalID),
		Birthdate: to.Birthdate, Photos: to.Photos, Website: to.Website,
	}
	copyMembers(&kept, u)
	if u.Name != nil {
		kept.Name = &types.Name{}
		copyMembers(kept.Name, u.Name)
	}
	kept.Emails, kept.PhoneNumbers = each[types.Email](u.Emails), each[types.PhoneNumber](u.PhoneNumbers)
	kept.Roles, kept.Addresses = each[types.Role](u.Roles), each[types.Address](u.Addresses)
	if u.Active != nil {
		kept.UserStatus = map[bool]types.UserStatus{true: types.UserStatusEnabled, false: types.UserStatusDisabled}[*u.Active]
	}
	var err error
	kept.Extensions, err = u.extensions(to.Extensions)
	*to = kept
	return err
}

// extensions replaces the enterprise extension among those that a user has.
func (u *scimUser) extensions(had map[string]documentValue) (map[string]documentValue, error) {
	has := map[string]documentValue{}
	for name, value := range had {
		if name != enterpriseExtension {
			has[name] = value
		}
	}
	if u.Enterprise != nil {
		tree, err := scimTree(u.Enterprise)
		if err != nil {
			return nil, err
		}
		has[enterpriseExtension] = document.NewLazyDocument(tree)
	}
	return has, nil
}

// check refuses what SCIM refuses beyond the rules of the identity store.
func (u *scimUser) check(to *types.User) error {
	if err := checkSchemas(u.Schemas, scimUserSchema, scimEnterpriseSchema); err != nil {
		return err
	}
	if u.ID != nil && to.UserId != nil && *u.ID != *to.UserId {
		return validation("The id in the body is not the one in the path")
	}
	for name, n := range map[string]int{
		"emails": len(u.Emails), "phoneNumbers": len(u.PhoneNumbers), "roles": len(u.Roles), "addresses": len(u.Addresses),
	} {
		if n > 1 {
			return validation("List attribute %s exceeds allowed limit of 1", name)
		}
	}
	for _, e := range u.Emails {
		if !e.Primary || aws.ToString(e.Value) == "" {
			return validation("An email must have a value and be marked as primary")
		}
	}
	return nil
}

func scimCreateUser(c *call, in *scimRequest) (*scimAnswer, error) {
	c.cloud.mu.Lock()
	defer c.cloud.mu.Unlock()
	s, err := c.scimStore(in)
	if err != nil {
		return nil, err
	}
	var given scimUser
	if err := fromSCIM(in.body, &given); err != nil {
		return nil, err
	}
	u := &types.User{UserStatus: types.UserStatusEnabled}
	if err := given.fill(s, u); err != nil {
		return nil, err
	}
	status := u.UserStatus
	if err := s.addUser(u, newIdentityID(), c.maker()); err != nil {
		return nil, err
	}
	u.UserStatus = status
	return s.answerUser(http.StatusCreated, u)
}

// answerUser shows a user.
func (s *identityStore) answerUser(status int, u *types.User) (*scimAnswer, error) {
	shown, err := s.userToSCIM(u)
	if err != nil {
		return nil, err
	}
	return &scimAnswer{status: status, body: shown}, nil
}

// changedUser answers a request about one user with what change made of a copy.
func (c *call) changedUser(in *scimRequest, change func(*identityStore, *types.User) error) (*scimAnswer, error) {
	c.cloud.mu.Lock()
	defer c.cloud.mu.Unlock()
	s, err := c.scimStore(in)
	if err != nil {
		return nil, err
	}
	u, err := s.user(in.id)
	if err != nil {
		return nil, err
	}
	changed := *u
	if err := change(s, &changed); err != nil {
		return nil, err
	}
	if err := s.replaceUser(u, changed, c.maker()); err != nil {
		return nil, err
	}
	u.Extensions = changed.Extensions
	return s.answerUser(http.StatusOK, u)
}

func scimPutUser(c *call, in *scimRequest) (*scimAnswer, error) {
	return c.changedUser(in, func(s *identityStore, u *types.User) error {
		var given scimUser
		if err := fromSCIM(in.body, &given); err != nil {
			return err
		}
		return given.fill(s, u)
	})
}

func scimPatchUser(c *call, in *scimRequest) (*scimAnswer, error) {
	return c.changedUser(in, func(s *identityStore, u *types.User) error {
		shown, err := s.userToSCIM(u)
		if err != nil {
			return err
		}
		tree, err := scimTree(shown)
		if err != nil {
			return err
		}
		if err := patchUser(tree, in.body); err != nil {
			return err
		}
		var patched scimUser
		if err := fromSCIM(tree, &patched); err != nil {
			return err
		}
		return patched.fill(s, u)
	})
}

func scimGetUser(c *call, in *scimRequest) (*scimAnswer, error) {
	c.cloud.mu.Lock()
	defer c.cloud.mu.Unlock()
	s, err := c.scimStore(in)
	if err != nil {
		return nil, err
	}
	u, err := s.user(in.id)
	if err != nil {
		return nil, err
	}
	return s.answerUser(http.StatusOK, u)
}

func scimDeleteUser(c *call, in *scimRequest) (*scimAnswer, error) {
	c.cloud.mu.Lock()
	defer c.cloud.mu.Unlock()
	s, err := c.scimStore(in)
	if err != nil {
		return nil, err
	}
	return &scimAnswer{status: http.StatusNoContent}, s.removeUser(in.id)
}
