package localcloud

import (
	"crypto/rand"
	"encoding/hex"
	"errors"
	"net/http"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/identitystore"
	"github.com/aws/aws-sdk-go-v2/service/identitystore/document"
	"github.com/aws/aws-sdk-go-v2/service/identitystore/schemas"
	"github.com/aws/aws-sdk-go-v2/service/identitystore/types"
	"github.com/google/uuid"
)

var (
	identityStoreIDPattern = whole(`d-[0-9a-f]{10}|[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}`)
	identityIDPattern      = whole(`([0-9a-f]{10}-|)[A-Fa-f0-9]{8}-[A-Fa-f0-9]{4}-[A-Fa-f0-9]{4}-[A-Fa-f0-9]{4}-[A-Fa-f0-9]{12}`)
)

// identityStoreState is every identity store by its id; guarded by Cloud.mu.
type identityStoreState struct {
	byID map[string]*identityStore
}

// identityStore is the directory of one IAM Identity Center instance.
type identityStore struct {
	id, account, region string

	users       roster[types.User]
	groups      roster[types.Group]
	memberships roster[types.GroupMembership]
	center      identityCenter
	source      IdentitySource
	scim        scimTenant

	userNames  map[string]string // UserName to id
	emails     map[string]string // address, lower case, to user id
	groupNames map[string]string // DisplayName to id
	externals  map[string]string // see externalKey
	byGroup    map[string]*membershipList
	byUser     map[string]*membershipList
	pairs      map[[2]string]string // group and user id to membership id
}

// membershipList is memberships in the order in which they were made.
type membershipList = ordered[uint64, *types.GroupMembership]

func newIdentityStore(id, account, region string) *identityStore {
	return &identityStore{
		id: id, account: account, region: region,
		userNames: map[string]string{}, emails: map[string]string{}, groupNames: map[string]string{}, externals: map[string]string{},
		pairs: map[[2]string]string{}, scim: scimTenant{id: newTenantID(), tokens: map[string]time.Time{}},
	}
}

// CreateIdentityStore makes an organisation's Identity Center instance with its identity store, which in AWS
// enabling Identity Center does. Account is the management or delegated administrator account; member
// accounts' Studio domains in that Region use the same store. An id that exists already is an error.
func (c *Cloud) CreateIdentityStore(account, region, storeID string) error {
	if !identityStoreIDPattern.MatchString(storeID) {
		return errors.New("creating identity store " + storeID + ": an id looks like d-906716eb24")
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.stores.byID == nil {
		c.stores.byID = map[string]*identityStore{}
	}
	if c.stores.byID[storeID] != nil {
		return errors.New("creating identity store " + storeID + ": it exists already")
	}
	s := newIdentityStore(storeID, account, region)
	s.center.created = c.nowLocked()
	c.stores.byID[storeID] = s
	return nil
}

// storeIn finds the identity store that Studio domains of an account and Region use: the account's own, or
// else its organisation's. Cloud.mu is held.
func (c *Cloud) storeIn(account, region string) *identityStore {
	var found *identityStore
	for _, s := range c.stores.byID {
		if s.region != region {
			continue
		}
		if s.account == account {
			return s
		}
		if found == nil || s.id < found.id {
			found = s
		}
	}
	return found
}

func identityStoreService(*Cloud) service {
	return service{
		name: "identitystore", target: "AWSIdentityStore", version: "1.1", source: "identitystore.amazonaws.com",
		schema: schemas.AWSIdentityStore, errors: identitystore.TypeRegistry,
		unions: []any{
			(*types.MemberIdMemberUserId)(nil),
			(*types.AlternateIdentifierMemberExternalId)(nil), (*types.AlternateIdentifierMemberUniqueAttribute)(nil),
		},
		document: func(value any) any { return document.NewLazyDocument(value) },
		ops:      identityStoreOperations(),
	}
}

func identityStoreOperations() map[string]operation {
	return map[string]operation{
		"CreateUser":              handle(schemas.CreateUserRequest, schemas.CreateUserResponse, createUser, "IdentityStoreId"),
		"DescribeUser":            handle(schemas.DescribeUserRequest, schemas.DescribeUserResponse, describeUser, "IdentityStoreId", "UserId"),
		"UpdateUser":              handle(schemas.UpdateUserRequest, schemas.UpdateUserResponse, updateUser, "IdentityStoreId", "UserId", "Operations"),
		"DeleteUser":              handle(schemas.DeleteUserRequest, schemas.DeleteUserResponse, deleteUser, "IdentityStoreId", "UserId"),
		"ListUsers":               handle(schemas.ListUsersRequest, schemas.ListUsersResponse, listUsers, "IdentityStoreId"),
		"GetUserId":               handle(schemas.GetUserIdRequest, schemas.GetUserIdResponse, getUserID, "IdentityStoreId", "AlternateIdentifier"),
		"CreateGroup":             handle(schemas.CreateGroupRequest, schemas.CreateGroupResponse, createGroup, "IdentityStoreId"),
		"DescribeGroup":           handle(schemas.DescribeGroupRequest, schemas.DescribeGroupResponse, describeGroup, "IdentityStoreId", "GroupId"),
		"UpdateGroup":             handle(schemas.UpdateGroupRequest, schemas.UpdateGroupResponse, updateGroup, "IdentityStoreId", "GroupId", "Operations"),
		"DeleteGroup":             handle(schemas.DeleteGroupRequest, schemas.DeleteGroupResponse, deleteGroup, "IdentityStoreId", "GroupId"),
		"ListGroups":              handle(schemas.ListGroupsRequest, schemas.ListGroupsResponse, listGroups, "IdentityStoreId"),
		"GetGroupId":              handle(schemas.GetGroupIdRequest, schemas.GetGroupIdResponse, getGroupID, "IdentityStoreId", "AlternateIdentifier"),
		"CreateGroupMembership":   handle(schemas.CreateGroupMembershipRequest, schemas.CreateGroupMembershipResponse, createMembership, "IdentityStoreId", "GroupId", "MemberId"),
		"DescribeGroupMembership": handle(schemas.DescribeGroupMembershipRequest, schemas.DescribeGroupMembershipResponse, describeMembership, "IdentityStoreId", "MembershipId"),
		"GetGroupMembershipId":    handle(schemas.GetGroupMembershipIdRequest, schemas.GetGroupMembershipIdResponse, getMembershipID, "IdentityStoreId", "GroupId", "MemberId"),
		"DeleteGroupMembership":   handle(schemas.DeleteGroupMembershipRequest, schemas.DeleteGroupMembershipResponse, deleteMembership, "IdentityStoreId", "MembershipId"),
		"ListGroupMemberships":    handle(schemas.ListGroupMembershipsRequest, schemas.ListGroupMembershipsResponse, listMemberships, "IdentityStoreId", "GroupId"),
		"IsMemberInGroups":        handle(schemas.IsMemberInGroupsRequest, schemas.IsMemberInGroupsResponse, isMemberInGroups, "IdentityStoreId", "MemberId", "GroupIds"),
		"ListGroupMembershipsForMember": handle(schemas.ListGroupMembershipsForMemberRequest, schemas.ListGroupMembershipsForMemberResponse,
			listMembershipsForMember, "IdentityStoreId", "MemberId"),
	}
}

// identityStore finds the store a call names; stores of another account or Region are not found. Cloud.mu
// is held.
func (c *call) identityStore(id *string) (*identityStore, error) {
	var v constraints
	v.length("identityStoreId", id, 1, 36)
	v.pattern("identityStoreId", id, identityStoreIDPattern)
	if err := v.verdict(); err != nil {
		return nil, err
	}
	s := c.cloud.stores.byID[*id]
	if s == nil || s.account != c.account || s.region != c.region {
		return nil, notFound(types.ResourceTypeIdentityStore, *id)
	}
	return s, nil
}

func notFound(kind types.ResourceType, id string) *apiError {
	return errf(http.StatusNotFound, "ResourceNotFoundException", "%s not found.", kind).
		with("ResourceType", string(kind)).with("ResourceId", id)
}

func duplicate(message string) *apiError {
	return errf(http.StatusConflict, "ConflictException", "%s", message).
		with("Reason", string(types.ConflictExceptionReasonUniquenessConstraintViolation))
}

// identityID takes an id or the ARN of a user, group or membership, and gives the id.
func identityID(path, kind, value string) (string, error) {
	id := strings.TrimPrefix(value, "arn:aws:identitystore:::"+kind+"/")
	var v constraints
	v.length(path, &id, 1, 47)
	v.pattern(path, &id, identityIDPattern)
	return id, v.verdict()
}

// newIdentityID makes an id as Identity Center does: ten hexadecimal digits and a UUID.
func newIdentityID() string {
	head := make([]byte, 5)
	_, _ = rand.Read(head) // never fails
	return hex.EncodeToString(head) + "-" + uuid.NewString()
}

// maker is who changes a directory, and when.
type maker struct {
	by string
	at time.Time
}

func (c *call) maker() maker { return maker{by: c.principal, at: c.now} }

// identityPage reads MaxResults and NextToken of a list; pages hold 1 to 100.
func identityPage(most *int32, token *string, query ...string) (size int, after uint64, err error) {
	var v constraints
	v.between("maxResults", most, 1, 100)
	if err := v.verdict(); err != nil {
		return 0, 0, err
	}
	after, ok := pageStart(token, query...)
	if !ok {
		return 0, 0, validation("Invalid NextToken.")
	}
	if most == nil {
		return 100, after, nil
	}
	return int(*most), after, nil
}
