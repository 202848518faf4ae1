package localcloud

import (
	"fmt"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/identitystore/types"
	"github.com/google/uuid"
)

// Console is the AWS console's door to an identity store: the same changes as the Identity Store API, but
// their CloudTrail records come from sso-directory.amazonaws.com. The Seed methods change the store and
// leave no record.
type Console struct {
	cloud           *Cloud
	account, region string
	storeID         string
}

// Console opens the console on an identity store of an account and Region. That the store is there is
// checked with every change.
func (c *Cloud) Console(account, region, storeID string) *Console {
	return &Console{cloud: c, account: account, region: region, storeID: storeID}
}

// Person is a user to be created. Names that are left empty are taken from UserName.
type Person struct {
	UserName, DisplayName, GivenName, FamilyName string
	Email                                        string // empty: none
	ExternalID                                   string // as if it had come over SCIM; empty: none
	Disabled                                     bool
}

func (p Person) user() *types.User {
	or := func(value string) *string {
		if value == "" {
			return aws.String(p.UserName)
		}
		return aws.String(value)
	}
	u := &types.User{
		UserName: aws.String(p.UserName), DisplayName: or(p.DisplayName),
		Name: &types.Name{GivenName: or(p.GivenName), FamilyName: or(p.FamilyName)},
	}
	if p.Email != "" {
		u.Emails = []types.Email{{Value: aws.String(p.Email), Type: aws.String("work"), Primary: true}}
	}
	return u
}

// addPerson enters a user under an id.
func (s *identityStore) addPerson(p Person, id string, m maker) error {
	u := p.user()
	if p.ExternalID != "" {
		u.ExternalIds = s.withExternalID(nil, &p.ExternalID)
	}
	if err := s.addUser(u, id, m); err != nil {
		return err
	}
	if p.Disabled {
		u.UserStatus = types.UserStatusDisabled
	}
	return nil
}

// SeedUser enters a user under a given id, without a CloudTrail record.
func (o *Console) SeedUser(id string, p Person) error {
	return o.change("seeding user "+p.UserName, nil, func(s *identityStore, m maker) error { return s.addPerson(p, id, m) })
}

// SeedGroup enters a group under a given id, without a CloudTrail record.
func (o *Console) SeedGroup(id, displayName string) error {
	return o.change("seeding group "+displayName, nil, func(s *identityStore, m maker) error {
		return s.addGroup(&types.Group{DisplayName: &displayName}, id, m)
	})
}

// SeedMember puts a user into a group, without a CloudTrail record.
func (o *Console) SeedMember(groupID, userID string) error {
	return o.change("seeding a member of group "+groupID, nil, func(s *identityStore, m maker) error {
		_, err := s.addMember(groupID, userID, m)
		return err
	})
}

// CreateUser enters a user and returns its id.
func (o *Console) CreateUser(p Person) (id string, err error) {
	id = newIdentityID()
	r := o.record("CreateUser", "userName", hidden, "displayName", hidden)
	r.ResponseElements = map[string]any{"user": map[string]any{"userId": id, "userName": hidden, "displayName": hidden}}
	return id, o.change("creating user "+p.UserName, r, func(s *identityStore, m maker) error { return s.addPerson(p, id, m) })
}

// CreateGroup enters a group and returns its id.
func (o *Console) CreateGroup(displayName string) (id string, err error) {
	id = newIdentityID()
	r := o.record("CreateGroup", "displayName", hidden)
	r.ResponseElements = map[string]any{"group": map[string]any{"groupId": id, "displayName": hidden}}
	return id, o.change("creating group "+displayName, r, func(s *identityStore, m maker) error {
		return s.addGroup(&types.Group{DisplayName: &displayName}, id, m)
	})
}

// AddMemberToGroup puts a user into a group.
func (o *Console) AddMemberToGroup(groupID, userID string) error {
	r := o.record("AddMemberToGroup", "groupId", groupID, "member", map[string]any{"memberId": userID})
	return o.change("adding "+userID+" to group "+groupID, r, func(s *identityStore, m maker) error {
		_, err := s.addMember(groupID, userID, m)
		return err
	})
}

// RemoveMemberFromGroup takes a user out of a group.
func (o *Console) RemoveMemberFromGroup(groupID, userID string) error {
	r := o.record("RemoveMemberFromGroup", "groupId", groupID, "member", map[string]any{"memberId": userID})
	return o.change("removing "+userID+" from group "+groupID, r, func(s *identityStore, _ maker) error {
		m := s.memberships.get(s.pairs[[2]string{groupID, userID}])
		if m == nil {
			return notFound(types.ResourceTypeGroupMembership, "")
		}
		s.dropMembership(m)
		return nil
	})
}

// DisableUser disables a user, who stays a member of every group.
func (o *Console) DisableUser(userID string) error {
	return o.setStatus("DisableUser", userID, types.UserStatusDisabled)
}

// EnableUser enables a user.
func (o *Console) EnableUser(userID string) error {
	return o.setStatus("EnableUser", userID, types.UserStatusEnabled)
}

func (o *Console) setStatus(event, userID string, status types.UserStatus) error {
	return o.change(event+" "+userID, o.record(event, "userId", userID), func(s *identityStore, m maker) error {
		u, err := s.user(userID)
		if err != nil {
			return err
		}
		u.UserStatus, u.UpdatedAt, u.UpdatedBy, u.Revision = status, &m.at, &m.by, nextRevision(u.Revision)
		return nil
	})
}

// UpdateUser gives a user the names and the e-mail address of p.
func (o *Console) UpdateUser(userID string, p Person) error {
	return o.change("updating user "+userID, o.record("UpdateUser", "userId", userID), func(s *identityStore, m maker) error {
		u, err := s.user(userID)
		if err != nil {
			return err
		}
		changed, given := *u, p.user()
		changed.UserName, changed.DisplayName, changed.Name, changed.Emails = given.UserName, given.DisplayName, given.Name, given.Emails
		return s.replaceUser(u, changed, m)
	})
}

// UpdateGroup renames a group.
func (o *Console) UpdateGroup(groupID, displayName string) error {
	r := o.record("UpdateGroup", "groupId", groupID, "displayName", hidden)
	return o.change("renaming group "+groupID, r, func(s *identityStore, m maker) error {
		g, err := s.group(groupID)
		if err != nil {
			return err
		}
		changed := *g
		changed.DisplayName = &displayName
		return s.replaceGroup(g, changed, m)
	})
}

// DeleteUser deletes a user and its memberships.
func (o *Console) DeleteUser(userID string) error {
	return o.change("deleting user "+userID, o.record("DeleteUser", "userId", userID),
		func(s *identityStore, _ maker) error { return s.removeUser(userID) })
}

// DeleteGroup deletes a group and its memberships.
func (o *Console) DeleteGroup(groupID string) error {
	return o.change("deleting group "+groupID, o.record("DeleteGroup", "groupId", groupID),
		func(s *identityStore, _ maker) error { return s.removeGroup(groupID) })
}

// record prepares the record of a change; parameters are names and values in turn.
func (o *Console) record(event string, parameters ...any) *Record {
	r := newRecord(o.cloud.Now(), "sso-directory.amazonaws.com", event)
	r.UserIdentity = UserIdentity{Type: "Unknown", AccountID: o.account}
	r.AWSRegion, r.RecipientAccountID, r.RequestID = o.region, o.account, uuid.NewString()
	r.SourceIPAddress, r.UserAgent = "127.0.0.1", "local cloud console"
	r.RequestParameters = map[string]any{"identityStoreId": o.storeID}
	for i := 0; i+1 < len(parameters); i += 2 {
		r.RequestParameters[parameters[i].(string)] = parameters[i+1]
	}
	return &r
}

// change does one thing to the store and writes its record, with the error if it is refused.
func (o *Console) change(what string, r *Record, do func(*identityStore, maker) error) error {
	failure := asAPIError(o.locked(do))
	if r != nil {
		if failure != nil {
			r.ErrorCode, r.ErrorMessage, r.ResponseElements = failure.Code, failure.Message, nil
		}
		o.cloud.record(o.account, o.region, *r)
	}
	if failure != nil {
		return fmt.Errorf("%s in identity store %s: %w", what, o.storeID, failure)
	}
	return nil
}

func (o *Console) locked(do func(*identityStore, maker) error) error {
	o.cloud.mu.Lock()
	defer o.cloud.mu.Unlock()
	s := o.cloud.stores.byID[o.storeID]
	if s == nil || s.account != o.account || s.region != o.region {
		return notFound(types.ResourceTypeIdentityStore, o.storeID)
	}
	return do(s, maker{by: "console", at: o.cloud.nowLocked()})
}
