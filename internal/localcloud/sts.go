package localcloud

import (
	"crypto/rand"
	"encoding/base32"
	"net/http"
	"regexp"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/aws/aws-sdk-go-v2/service/sts/types"
)

// issuedPrefix begins the access key ids of temporary credentials.
const issuedPrefix = "ASIA"

var (
	rolePattern        = whole(`arn:aws[a-z-]*:iam::\d{12}:role/[\w+=,.@/-]{1,512}`)
	sessionNamePattern = whole(`[\w+=,.@-]*`)
	externalIDPattern  = whole(`[\w+=,.@:\/-]*`)
	roleParts          = regexp.MustCompile(`::(\d{12}):role/(?:.*/)?([^/]+)$`)
)

func stsService(*Cloud) service {
	return service{
		name: "sts", version: "2011-06-15",
		ops: map[string]operation{
			"GetCallerIdentity": handle(nil, nil, getCallerIdentity),
			"AssumeRole":        handle(nil, nil, assumeRole, "RoleArn", "RoleSessionName"),
		},
	}
}

func getCallerIdentity(c *call, _ *sts.GetCallerIdentityInput) (*sts.GetCallerIdentityOutput, error) {
	return &sts.GetCallerIdentityOutput{Account: &c.account, Arn: &c.principal, UserId: &c.principalID}, nil
}

// assumeRole issues credentials for a role of any account, to whom the role trusts.
func assumeRole(c *call, in *sts.AssumeRoleInput) (*sts.AssumeRoleOutput, error) {
	var v constraints
	v.length("roleArn", in.RoleArn, 20, 2048)
	v.length("roleSessionName", in.RoleSessionName, 2, 64)
	v.pattern("roleSessionName", in.RoleSessionName, sessionNamePattern)
	v.length("externalId", in.ExternalId, 2, 1224)
	v.pattern("externalId", in.ExternalId, externalIDPattern)
	v.between("durationSeconds", in.DurationSeconds, 900, 43200)
	if err := v.verdict(); err != nil {
		return nil, asQueryValidation(err)
	}
	if !rolePattern.MatchString(*in.RoleArn) {
		return nil, errf(http.StatusBadRequest, "ValidationError", "%s is invalid", *in.RoleArn)
	}
	enforced, err := c.mayAssume(in)
	if err != nil {
		return nil, err
	}
	lasts := time.Hour
	if in.DurationSeconds != nil {
		lasts = time.Duration(*in.DurationSeconds) * time.Second
	}
	key, made := newCredential(*in.RoleArn, *in.RoleSessionName, c.now, lasts)
	made.enforced = enforced
	c.cloud.issue(key, made)
	return &sts.AssumeRoleOutput{
		AssumedRoleUser: &types.AssumedRoleUser{Arn: &made.arn, AssumedRoleId: &made.id},
		Credentials: &types.Credentials{
			AccessKeyId: &key, SecretAccessKey: &made.secret, SessionToken: &made.token, Expiration: &made.expires,
		},
	}, nil
}

// mayAssume refuses callers whom the role does not trust, or whose own policies do not let them. known tells
// that IAM knows the role; one that it does not know trusts everybody, unless TrustRole demands an external id.
func (c *call) mayAssume(in *sts.AssumeRoleInput) (known bool, err error) {
	c.cloud.access.mu.Lock()
	role := c.cloud.access.roleByARN(*in.RoleArn)
	c.cloud.access.mu.Unlock()
	if role == nil {
		c.cloud.mu.Lock()
		defer c.cloud.mu.Unlock()
		if wanted, ok := c.cloud.credentials.trusted[*in.RoleArn]; ok && wanted != aws.ToString(in.ExternalId) {
			return false, c.accessDenied(assumeRoleAction, *in.RoleArn, "")
		}
	}
	return role != nil, c.authorizeAssume(role, in)
}

// issue makes a credential known.
func (c *Cloud) issue(key string, made credential) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.credentials.issued == nil {
		c.credentials.issued = map[string]credential{}
	}
	c.credentials.issued[key] = made
}

// asQueryValidation gives a validation error the code of the query protocol.
func asQueryValidation(err error) error {
	e := *asAPIError(err)
	e.Code = "ValidationError"
	return &e
}

func newCredential(role, session string, now time.Time, lasts time.Duration) (string, credential) {
	parts := roleParts.FindStringSubmatch(role)
	account, name := parts[1], parts[2]
	id := "AROA" + randomKey(17)
	return issuedPrefix + randomKey(16), credential{
		account: account,
		arn:     "arn:aws:sts::" + account + ":assumed-role/" + name + "/" + session,
		id:      id + ":" + session,
		secret:  randomKey(40), token: randomKey(80),
		expires: now.Add(lasts),
		session: &SessionContext{
			SessionIssuer: SessionIssuer{Type: "Role", PrincipalID: id, ARN: role, AccountID: account, UserName: name},
			Attributes:    SessionAttributes{CreationDate: now.UTC().Format(time.RFC3339), MFAAuthenticated: "false"},
		},
	}
}

// randomKey is n characters of the alphabet of access key ids.
func randomKey(n int) string {
	raw := make([]byte, n)
	_, _ = rand.Read(raw) // never fails
	return strings.ToUpper(base32.StdEncoding.EncodeToString(raw))[:n]
}
