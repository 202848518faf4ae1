package localcloud

import (
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/identitystore"
	"github.com/aws/aws-sdk-go-v2/service/identitystore/schemas"
	"github.com/aws/aws-sdk-go-v2/service/identitystore/types"
)

var (
	userNamePattern  = whole(`[\p{L}\p{M}\p{S}\p{N}\p{P}]+`)
	plainTextPattern = whole(`[\p{L}\p{M}\p{S}\p{N}\p{P}\t\n\r  ]+`)
)

// reservedName reports whether Identity Center keeps the name of a user or group for itself.
func reservedName(name string) bool {
	return strings.EqualFold(name, "Administrator") || strings.EqualFold(name, "AWSAdministrators")
}

func createUser(c *call, in *identitystore.CreateUserInput) (*identitystore.CreateUserOutput, error) {
	c.cloud.mu.Lock()
	defer c.cloud.mu.Unlock()
	s, err := c.identityStore(in.IdentityStoreId)
	if err != nil {
		return nil, err
	}
	var u types.User
	copyMembers(&u, in)
	if err := s.addUser(&u, newIdentityID(), c.maker()); err != nil {
		return nil, err
	}
	return &identitystore.CreateUserOutput{IdentityStoreId: &s.id, UserId: u.UserId, UserArn: u.UserArn, Revision: u.Revision}, nil
}

// addUser enters a user, enabled, under an id.
func (s *identityStore) addUser(u *types.User, id string, m maker) error {
	if err := s.checkUser(u, ""); err != nil {
		return err
	}
	if s.users.get(id) != nil {
		return duplicate("Duplicate UserId")
	}
	u.UserId, u.UserArn, u.IdentityStoreId = &id, aws.String("arn:aws:identitystore:::user/"+id), &s.id
	u.UserStatus = types.UserStatusEnabled
	u.CreatedAt, u.CreatedBy, u.UpdatedAt, u.UpdatedBy, u.Revision = &m.at, &m.by, &m.at, &m.by, aws.String("1")
	s.users.add(id, u)
	s.indexUser(u)
	return nil
}

func (s *identityStore) indexUser(u *types.User) {
	s.userNames[*u.UserName] = *u.UserId
	for _, e := range u.Emails {
		s.emails[strings.ToLower(aws.ToString(e.Value))] = *u.UserId
	}
	for _, e := range u.ExternalIds {
		s.externals[externalKey("user", e)] = *u.UserId
	}
}

func (s *identityStore) unindexUser(u *types.User) {
	delete(s.userNames, *u.UserName)
	for _, e := range u.Emails {
		delete(s.emails, strings.ToLower(aws.ToString(e.Value)))
	}
	for _, e := range u.ExternalIds {
		delete(s.externals, externalKey("user", e))
	}
}

// checkUser refuses attributes Identity Center would refuse; self is the id of the user being changed.
func (s *identityStore) checkUser(u *types.User, self string) error {
	var v constraints
	v.length("userName", u.UserName, 1, 128)
	v.pattern("userName", u.UserName, userNamePattern)
	v.length("displayName", u.DisplayName, 1, 1024)
	v.pattern("displayName", u.DisplayName, plainTextPattern)
	if u.Name != nil {
		v.length("name.givenName", u.Name.GivenName, 1, 1024)
		v.length("name.familyName", u.Name.FamilyName, 1, 1024)
	}
	if u.Emails != nil {
		v.size("emails", len(u.Emails), 1, 1)
	}
	if err := v.verdict(); err != nil {
		return err
	}
	// Identity Center needs these although the model does not.
	switch {
	case u.UserName == nil:
		return validation("userName is a required attribute")
	case u.DisplayName == nil:
		return validation("displayName is a required attribute")
	case u.Name == nil || u.Name.GivenName == nil || u.Name.FamilyName == nil:
		return validation("name.givenName and name.familyName are required attributes")
	case reservedName(*u.UserName):
		return validation("The user name %s is reserved", *u.UserName)
	}
	if owner, taken := s.userNames[*u.UserName]; taken && owner != self {
		return duplicate("Duplicate UserName")
	}
	for _, e := range u.Emails {
		if owner, taken := s.emails[strings.ToLower(aws.ToString(e.Value))]; taken && owner != self {
			return duplicate("Duplicate Email")
		}
	}
	return s.checkExternal("user", u.ExternalIds, self)
}

// user finds a user by id or ARN.
func (s *identityStore) user(value string) (*types.User, error) {
	id, err := identityID("userId", "user", value)
	if err != nil {
		return nil, err
	}
	u := s.users.get(id)
	if u == nil {
		return nil, notFound(types.ResourceTypeUser, id)
	}
	return u, nil
}

// describeUser answers with types.User, which has the members of DescribeUserOutput.
func describeUser(c *call, in *identitystore.DescribeUserInput) (*types.User, error) {
	c.cloud.mu.Lock()
	defer c.cloud.mu.Unlock()
	s, err := c.identityStore(in.IdentityStoreId)
	if err != nil {
		return nil, err
	}
	u, err := s.user(*in.UserId)
	if err != nil {
		return nil, err
	}
	return shownUser(u, in.Extensions), nil
}

// shownUser is a copy with only the extensions that were asked for.
func shownUser(u *types.User, extensions []string) *types.User {
	shown := *u
	shown.Extensions = nil
	for name, value := range u.Extensions {
		if slices.Contains(extensions, name) {
			if shown.Extensions == nil {
				shown.Extensions = map[string]documentValue{}
			}
			shown.Extensions[name] = value
		}
	}
	return &shown
}

func updateUser(c *call, in *identitystore.UpdateUserInput) (*identitystore.UpdateUserOutput, error) {
	c.cloud.mu.Lock()
	defer c.cloud.mu.Unlock()
	s, err := c.identityStore(in.IdentityStoreId)
	if err != nil {
		return nil, err
	}
	u, err := s.user(*in.UserId)
	if err != nil {
		return nil, err
	}
	if err := sameRevision(in.Revision, u.Revision); err != nil {
		return nil, err
	}
	var changed types.User
	if err := changedAttributes(schemas.User, u, in.Operations, userAttribute, &changed); err != nil {
		return nil, err
	}
	if err := s.replaceUser(u, changed, c.maker()); err != nil {
		return nil, err
	}
	return &identitystore.UpdateUserOutput{IdentityStoreId: &s.id, UserId: u.UserId, UserArn: u.UserArn, Revision: u.Revision}, nil
}

// userAttribute reports whether UpdateUser may change an attribute: ids, dates and UserStatus it may not.
// Only the console enables and disables.
func userAttribute(name string) bool {
	switch name {
	case "UserName", "DisplayName", "Name", "NickName", "ProfileUrl", "Emails", "Addresses", "PhoneNumbers", "UserType", "Title",
		"PreferredLanguage", "Locale", "Timezone", "Photos", "Website", "Birthdate", "Roles":
		return true
	}
	return false
}

// replaceUser gives a user other attributes.
func (s *identityStore) replaceUser(u *types.User, changed types.User, m maker) error {
	if err := s.checkUser(&changed, *u.UserId); err != nil {
		return err
	}
	s.unindexUser(u)
	extensions := u.Extensions
	*u = changed
	u.Extensions = extensions
	u.UpdatedAt, u.UpdatedBy, u.Revision = &m.at, &m.by, nextRevision(u.Revision)
	s.indexUser(u)
	return nil
}

func nextRevision(r *string) *string {
	n, _ := strconv.Atoi(aws.ToString(r))
	return aws.String(strconv.Itoa(n + 1))
}

func sameRevision(wanted, is *string) error {
	if wanted == nil || *wanted == aws.ToString(is) {
		return nil
	}
	return errf(http.StatusConflict, "ConflictException", "The resource was changed in the meantime").
		with("Reason", string(types.ConflictExceptionReasonConcurrentModification))
}

func deleteUser(c *call, in *identitystore.DeleteUserInput) (*identitystore.DeleteUserOutput, error) {
	c.cloud.mu.Lock()
	defer c.cloud.mu.Unlock()
	s, err := c.identityStore(in.IdentityStoreId)
	if err != nil {
		return nil, err
	}
	return &identitystore.DeleteUserOutput{}, s.removeUser(*in.UserId)
}

// removeUser deletes a user and its memberships.
func (s *identityStore) removeUser(id string) error {
	u, err := s.user(id)
	if err != nil {
		return err
	}
	for _, m := range values(s.byUser[*u.UserId]) {
		s.dropMembership(m)
	}
	s.unindexUser(u)
	s.users.remove(*u.UserId)
	return nil
}

func listUsers(c *call, in *identitystore.ListUsersInput) (*identitystore.ListUsersOutput, error) {
	c.cloud.mu.Lock()
	defer c.cloud.mu.Unlock()
	s, err := c.identityStore(in.IdentityStoreId)
	if err != nil {
		return nil, err
	}
	name, err := nameFilter(in.Filters, "UserName")
	if err != nil {
		return nil, err
	}
	size, after, err := identityPage(in.MaxResults, in.NextToken, "users", s.id, aws.ToString(name))
	if err != nil {
		return nil, err
	}
	page, next := s.users.named(s.userNames, name, after, size)
	out := &identitystore.ListUsersOutput{Users: []types.User{}, NextToken: pageToken(next, "users", s.id, aws.ToString(name))}
	for _, u := range page {
		out.Users = append(out.Users, *shownUser(u, in.Extensions))
	}
	return out, nil
}

// nameFilter reads the one filter that a list takes.
func nameFilter(filters []types.Filter, attribute string) (*string, error) {
	switch {
	case len(filters) == 0:
		return nil, nil
	case len(filters) > 1:
		return nil, validation("1 validation error detected: Value at 'filters' failed to satisfy constraint: Member must have length less than or equal to 1")
	case aws.ToString(filters[0].AttributePath) != attribute || filters[0].AttributeValue == nil:
		return nil, validation("The filter must have the AttributePath %s and an AttributeValue", attribute)
	}
	return filters[0].AttributeValue, nil
}

func getUserID(c *call, in *identitystore.GetUserIdInput) (*identitystore.GetUserIdOutput, error) {
	c.cloud.mu.Lock()
	defer c.cloud.mu.Unlock()
	s, err := c.identityStore(in.IdentityStoreId)
	if err != nil {
		return nil, err
	}
	id, err := s.findUser(in.AlternateIdentifier)
	if err != nil {
		return nil, err
	}
	if id == "" {
		return nil, notFound(types.ResourceTypeUser, "")
	}
	return &identitystore.GetUserIdOutput{IdentityStoreId: &s.id, UserId: &id, UserArn: s.users.get(id).UserArn}, nil
}

func (s *identityStore) findUser(by types.AlternateIdentifier) (string, error) {
	external, path, value, err := alternate(by)
	if err != nil {
		return "", err
	}
	if external != nil {
		return s.externals[externalKey("user", *external)], nil
	}
	switch strings.ToLower(path) {
	case "username":
		return s.userNames[value], nil
	case "emails.value":
		return s.emails[strings.ToLower(value)], nil
	}
	return "", validation("The attribute path %s cannot identify a user: userName and emails.value can", path)
}
