package localcloud

import (
	"bytes"
	"encoding/json"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/identitystore/types"
)

// The schemas of what SCIM carries.
const (
	scimUserSchema       = "urn:ietf:params:scim:schemas:core:2.0:User"
	scimGroupSchema      = "urn:ietf:params:scim:schemas:core:2.0:Group"
	scimEnterpriseSchema = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"
	scimPatchSchema      = "urn:ietf:params:scim:api:messages:2.0:PatchOp"
	scimListSchema       = "urn:ietf:params:scim:api:messages:2.0:ListResponse"
)

// scimMeta is what the endpoint itself says of a user or group.
type scimMeta struct {
	ResourceType string `json:"resourceType"`
	Created      string `json:"created"`
	LastModified string `json:"lastModified"`
}

// scimUser is a user as SCIM has it, with the attributes that Identity Center supports: what it lacks is an
// error. Where the Identity Store API has a member, it has its name.
type scimUser struct {
	Schemas           []string        `json:"schemas,omitempty"`
	ID                *string         `json:"id,omitempty"`
	ExternalID        *string         `json:"externalId,omitempty"`
	Meta              *scimMeta       `json:"meta,omitempty"`
	UserName          *string         `json:"userName,omitempty"`
	Name              *scimName       `json:"name,omitempty"`
	DisplayName       *string         `json:"displayName,omitempty"`
	NickName          *string         `json:"nickName,omitempty"`
	ProfileUrl        *string         `json:"profileUrl,omitempty"`
	Title             *string         `json:"title,omitempty"`
	UserType          *string         `json:"userType,omitempty"`
	PreferredLanguage *string         `json:"preferredLanguage,omitempty"`
	Locale            *string         `json:"locale,omitempty"`
	Timezone          *string         `json:"timezone,omitempty"`
	Active            *bool           `json:"active,omitempty"`
	Emails            []scimValue     `json:"emails,omitempty"`
	PhoneNumbers      []scimValue     `json:"phoneNumbers,omitempty"`
	Roles             []scimValue     `json:"roles,omitempty"`
	Addresses         []scimAddress   `json:"addresses,omitempty"`
	Enterprise        *scimEnterprise `json:"urn:ietf:params:scim:schemas:extension:enterprise:2.0:User,omitempty"`
}

type scimName struct {
	Formatted       *string `json:"formatted,omitempty"`
	FamilyName      *string `json:"familyName,omitempty"`
	GivenName       *string `json:"givenName,omitempty"`
	MiddleName      *string `json:"middleName,omitempty"`
	HonorificPrefix *string `json:"honorificPrefix,omitempty"`
	HonorificSuffix *string `json:"honorificSuffix,omitempty"`
}

type scimValue struct {
	Value   *string `json:"value,omitempty"`
	Type    *string `json:"type,omitempty"`
	Primary bool    `json:"primary,omitempty"`
}

type scimAddress struct {
	Formatted     *string `json:"formatted,omitempty"`
	StreetAddress *string `json:"streetAddress,omitempty"`
	Locality      *string `json:"locality,omitempty"`
	Region        *string `json:"region,omitempty"`
	PostalCode    *string `json:"postalCode,omitempty"`
	Country       *string `json:"country,omitempty"`
	Type          *string `json:"type,omitempty"`
	Primary       bool    `json:"primary,omitempty"`
}

type scimEnterprise struct {
	EmployeeNumber *string      `json:"employeeNumber,omitempty"`
	CostCenter     *string      `json:"costCenter,omitempty"`
	Organization   *string      `json:"organization,omitempty"`
	Division       *string      `json:"division,omitempty"`
	Department     *string      `json:"department,omitempty"`
	Manager        *scimManager `json:"manager,omitempty"`
}

type scimManager struct {
	Value *string `json:"value,omitempty"`
	Ref   *string `json:"$ref,omitempty"`
}

// scimGroup is a group as SCIM has it. What is answered never shows members.
type scimGroup struct {
	Schemas     []string     `json:"schemas,omitempty"`
	ID          *string      `json:"id,omitempty"`
	ExternalID  *string      `json:"externalId,omitempty"`
	Meta        *scimMeta    `json:"meta,omitempty"`
	DisplayName *string      `json:"displayName,omitempty"`
	Members     []scimMember `json:"members"`
}

type scimMember struct {
	Value   string `json:"value"`
	Ref     string `json:"$ref,omitempty"`
	Type    string `json:"type,omitempty"`
	Display string `json:"display,omitempty"` // of some identity providers; passed over
}

// scimSpelling are the names of all attributes and members of messages by their lower case.
var scimSpelling = spellings(
	"schemas", "id", "externalId", "meta", "resourceType", "created", "lastModified", "userName", "name", "formatted", "familyName", "givenName",
	"middleName", "honorificPrefix", "honorificSuffix", "displayName", "nickName", "profileUrl", "title", "userType", "preferredLanguage",
	"locale", "timezone", "active", "emails", "phoneNumbers", "roles", "addresses", "value", "type", "primary", "streetAddress", "locality",
	"region", "postalCode", "country", scimEnterpriseSchema, "employeeNumber", "costCenter", "organization", "division", "department",
	"manager", "$ref", "members", "display", "Operations", "op", "path",
)

func spellings(names ...string) map[string]string {
	all := make(map[string]string, len(names))
	for _, name := range names {
		all[strings.ToLower(name)] = name
	}
	return all
}

// scimNames spells the attribute names in a value as the schema does; a name that is none stays as it is.
func scimNames(value any, depth int) (any, error) {
	const deepest = 20
	if depth > deepest {
		return nil, validation("Invalid JSON from RequestBody")
	}
	switch v := value.(type) {
	case map[string]any:
		to := make(map[string]any, len(v))
		for name, inner := range v {
			if canonical, known := scimSpelling[strings.ToLower(name)]; known {
				name = canonical
			}
			if _, twice := to[name]; twice {
				return nil, validation("The attribute %s is given more than once", name)
			}
			canonical, err := scimNames(inner, depth+1)
			if err != nil {
				return nil, err
			}
			to[name] = canonical
		}
		return to, nil
	case []any:
		to := make([]any, len(v))
		for i := range v {
			canonical, err := scimNames(v[i], depth+1)
			if err != nil {
				return nil, err
			}
			to[i] = canonical
		}
		return to, nil
	}
	return value, nil
}

// fromSCIM fills a scimUser or scimGroup from an object; what the schema does not have is an error.
func fromSCIM(object map[string]any, to any) error {
	encoded, err := json.Marshal(object)
	if err != nil {
		return validation("%v", err)
	}
	read := json.NewDecoder(bytes.NewReader(encoded))
	read.DisallowUnknownFields()
	if err := read.Decode(to); err != nil {
		return validation("%s", strings.TrimPrefix(err.Error(), "json: "))
	}
	return nil
}

// scimTree is a scimUser or scimGroup as an object.
func scimTree(from any) (map[string]any, error) {
	encoded, err := json.Marshal(from)
	if err != nil {
		return nil, err
	}
	var object map[string]any
	return object, json.Unmarshal(encoded, &object)
}

func scimMetaOf(kind string, created, modified *time.Time) *scimMeta {
	at := func(t *time.Time) string { return t.UTC().Format(time.RFC3339) }
	return &scimMeta{ResourceType: kind, Created: at(created), LastModified: at(modified)}
}

// checkSchemas refuses a body that names other schemas than those it may be of; naming none is allowed.
func checkSchemas(given []string, known ...string) error {
	for _, schema := range given {
		if !slices.ContainsFunc(known, func(k string) bool { return strings.EqualFold(k, schema) }) {
			return validation("Unknown schema %s", schema)
		}
	}
	return nil
}

// enterpriseExtension is what the Identity Store API calls the enterprise schema.
const enterpriseExtension = "aws:identitystore:enterprise"

// userToSCIM shows a user of the identity store.
func (s *identityStore) userToSCIM(u *types.User) (*scimUser, error) {
	active := u.UserStatus != types.UserStatusDisabled
	shown := &scimUser{
		Schemas: []string{scimUserSchema}, ID: u.UserId, ExternalID: s.externalID(u.ExternalIds),
		Meta: scimMetaOf("User", u.CreatedAt, u.UpdatedAt), Active: &active,
	}
	copyMembers(shown, u)
	if u.Name != nil {
		shown.Name = &scimName{}
		copyMembers(shown.Name, u.Name)
	}
	shown.Emails, shown.PhoneNumbers = each[scimValue](u.Emails), each[scimValue](u.PhoneNumbers)
	shown.Roles, shown.Addresses = each[scimValue](u.Roles), each[scimAddress](u.Addresses)
	extension, err := attributeValue(u.Extensions[enterpriseExtension])
	if object, is := extension.(map[string]any); is && err == nil {
		shown.Schemas = append(shown.Schemas, scimEnterpriseSchema)
		shown.Enterprise = &scimEnterprise{}
		err = fromSCIM(object, shown.Enterprise)
	}
	return shown, err
}

// each copies the members of every element into another type.
func each[To, From any](from []From) []To {
	var to []To
	for i := range from {
		var one To
		copyMembers(&one, &from[i])
		to = append(to, one)
	}
	return to
}
