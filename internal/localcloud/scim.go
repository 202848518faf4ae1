package localcloud

import (
	"crypto/rand"
	"encoding/base64"
	"fmt"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/identitystore/types"
	"github.com/google/uuid"
)

// IdentitySource says where an identity store's users and groups come from.
type IdentitySource string

// The identity sources. The Identity Store API writes whichever it is: AWS only advises caution, since
// nothing goes back to the source.
const (
	BuiltInDirectory         IdentitySource = "" // Identity Center's own
	ExternalIdentityProvider IdentitySource = "external"
	ActiveDirectory          IdentitySource = "activeDirectory" // AWS brings users and groups by itself; SCIM is refused
)

// What Identity Center allows of access tokens.
const (
	scimTokens   = 2
	scimTokenAge = 365 * 24 * time.Hour
)

// scimTenant is the SCIM side of an identity store; guarded by Cloud.mu.
type scimTenant struct {
	id     string
	tokens map[string]time.Time // access tokens to when they expire; none until automatic provisioning is enabled
}

// scimService is Identity Center's endpoint for automatic provisioning.
func scimService(*Cloud) service {
	return service{
		name: "scim", source: "identitystore-scim.amazonaws.com",
		ops: map[string]operation{
			"CreateUser":            handle(nil, nil, scimCreateUser),
			"GetUser":               handle(nil, nil, scimGetUser),
			"ListUsers":             handle(nil, nil, scimListUsers),
			"PatchUser":             handle(nil, nil, scimPatchUser),
			"PutUser":               handle(nil, nil, scimPutUser),
			"DeleteUser":            handle(nil, nil, scimDeleteUser),
			"CreateGroup":           handle(nil, nil, scimCreateGroup),
			"GetGroup":              handle(nil, nil, scimGetGroup),
			"ListGroups":            handle(nil, nil, scimListGroups),
			"PatchGroup":            handle(nil, nil, scimPatchGroup),
			"DeleteGroup":           handle(nil, nil, scimDeleteGroup),
			"ServiceProviderConfig": handle(nil, nil, scimServiceProviderConfig),
			"ListResourceTypes":     handle(nil, nil, scimListResourceTypes),
			"ListSchemas":           handle(nil, nil, scimListSchemas),
			"GetSchema":             handle(nil, nil, scimGetSchema),
		},
	}
}

// EnableSCIM enables automatic provisioning for an identity store, which makes an external identity provider
// its source, and makes an access token. The endpoint is /<tenant>/scim/v2/. Called again it makes another
// token for the same tenant: two are allowed, and each lives for a year. A store whose source is Active
// Directory is refused.
func (c *Cloud) EnableSCIM(account, region, storeID string) (tenant, token string, err error) {
	err = c.Console(account, region, storeID).locked(func(s *identityStore, m maker) error {
		if s.source == ActiveDirectory {
			return validation("its identity source is Active Directory")
		}
		s.scim.expire(m.at)
		if len(s.scim.tokens) >= scimTokens {
			return validation("it has %d access tokens already: delete one", scimTokens)
		}
		s.source = ExternalIdentityProvider
		tenant, token = s.scim.id, s.scim.issue(m.at)
		return nil
	})
	if err != nil {
		return "", "", fmt.Errorf("enabling automatic provisioning for identity store %s: %w", storeID, err)
	}
	return tenant, token, nil
}

// RevokeSCIM deletes an access token.
func (c *Cloud) RevokeSCIM(account, region, storeID, token string) error {
	err := c.Console(account, region, storeID).locked(func(s *identityStore, _ maker) error {
		if _, known := s.scim.tokens[token]; !known {
			return validation("it has no such access token")
		}
		delete(s.scim.tokens, token)
		return nil
	})
	if err != nil {
		return fmt.Errorf("deleting an access token of identity store %s: %w", storeID, err)
	}
	return nil
}

// SetIdentitySource changes an identity store's source. Users, groups and access tokens stay.
func (c *Cloud) SetIdentitySource(account, region, storeID string, source IdentitySource) error {
	err := c.Console(account, region, storeID).locked(func(s *identityStore, _ maker) error {
		switch source {
		case BuiltInDirectory, ExternalIdentityProvider, ActiveDirectory:
			s.source = source
			return nil
		}
		return validation("%q is no identity source: want external, activeDirectory or nothing for the built-in directory", source)
	})
	if err != nil {
		return fmt.Errorf("changing the identity source of identity store %s: %w", storeID, err)
	}
	return nil
}

func (t *scimTenant) expire(now time.Time) {
	for token, over := range t.tokens {
		if !now.Before(over) {
			delete(t.tokens, token)
		}
	}
}

func (t *scimTenant) issue(now time.Time) string {
	secret := make([]byte, 96)
	_, _ = rand.Read(secret) // never fails
	token := uuid.NewString() + ":" + uuid.NewString() + ":" + base64.StdEncoding.EncodeToString(secret)
	t.tokens[token] = now.Add(scimTokenAge)
	return token
}

// newTenantID makes an id as SCIM endpoints have it: a UUID with three digits more at its start.
func newTenantID() string {
	head := uuid.NewString()
	return head[:3] + uuid.NewString()
}

// scimIssuer is who issued the external ids that came over SCIM, as the Identity Store API shows it.
func (s *identityStore) scimIssuer() string { return "https://scim.aws.com/" + s.scim.id }

// externalID is what SCIM calls the externalId; nil when there is none.
func (s *identityStore) externalID(ids []types.ExternalId) *string {
	for _, e := range ids {
		if aws.ToString(e.Issuer) == s.scimIssuer() {
			return e.Id
		}
	}
	return nil
}

// withExternalID replaces SCIM's external id among others; nil removes it.
func (s *identityStore) withExternalID(ids []types.ExternalId, id *string) []types.ExternalId {
	var kept []types.ExternalId
	for _, e := range ids {
		if aws.ToString(e.Issuer) != s.scimIssuer() {
			kept = append(kept, e)
		}
	}
	if id != nil {
		kept = append(kept, types.ExternalId{Issuer: aws.String(s.scimIssuer()), Id: id})
	}
	return kept
}

// externalKey is an external id's place in the index of a store; kind is user or group.
func externalKey(kind string, e types.ExternalId) string {
	return strings.Join([]string{kind, aws.ToString(e.Issuer), aws.ToString(e.Id)}, "\x00")
}

// checkExternal refuses external ids that Identity Center would refuse, or that another has.
func (s *identityStore) checkExternal(kind string, ids []types.ExternalId, self string) error {
	var v constraints
	for _, e := range ids {
		v.length("externalId", e.Id, 1, 256)
		v.pattern("externalId", e.Id, userNamePattern)
		if owner, taken := s.externals[externalKey(kind, e)]; taken && owner != self {
			return duplicate("Duplicate ExternalId")
		}
	}
	return v.verdict()
}
