package localcloud

import (
	"net/http"
	"strings"
	"time"
)

// credential is what AssumeRole issued.
type credential struct {
	account, arn, id string
	secret, token    string
	expires          time.Time
	session          *SessionContext
	enforced         bool // IAM knew the role when it issued them
	lasting          bool // of a function, for which Lambda renews them: they do not expire
}

// credentialState is guarded by Cloud.mu.
type credentialState struct {
	issued  map[string]credential // by access key id
	trusted map[string]string     // role ARN to the external id it demands
}

// scope is the credential scope of a signature: <key>/<date>/<region>/<service>/aws4_request.
type scope struct {
	accessKey, region, service string
}

var accountPattern = whole(`\d{12}`)

// scopeOf reads the credential scope of a signed request, in its header or its query.
func scopeOf(r *http.Request) scope {
	found, ok := readScope(r.Header.Get("Authorization"))
	if !ok {
		found, _ = readScope("Credential=" + r.URL.Query().Get("X-Amz-Credential"))
	}
	return found
}

// readScope finds the first whole scope in a text. Every request is asked for its own more than once: a
// regular expression would take as long as many an operation.
func readScope(text string) (scope, bool) {
	for {
		_, rest, found := strings.Cut(text, "Credential=")
		if !found {
			return scope{}, false
		}
		parts := strings.SplitN(rest, "/", 5)
		if len(parts) == 5 && strings.HasPrefix(parts[4], "aws4_request") && parts[0] != "" && !strings.ContainsAny(parts[0], ", \t\n\f\r") &&
			len(parts[1]) == 8 && only(parts[1], "0123456789") && only(parts[2], scopeLetters) && only(parts[3], scopeLetters) {
			return scope{accessKey: parts[0], region: parts[2], service: parts[3]}, true
		}
		text = rest
	}
}

const scopeLetters = "abcdefghijklmnopqrstuvwxyz0123456789-"

// only reports whether a text has letters, and no others than those.
func only(text, letters string) bool { return text != "" && strings.TrimLeft(text, letters) == "" }

// authenticate finds out who calls, from where. The signature is not verified.
func (c *Cloud) authenticate(to *call, r *http.Request) *apiError {
	s := scopeOf(r)
	if s.accessKey == "" {
		if r.Header.Get("Authorization") != "" {
			return errf(http.StatusBadRequest, "IncompleteSignatureException",
				"The Authorization header has no Credential=<key>/<date>/<region>/<service>/aws4_request")
		}
		return errf(http.StatusForbidden, "MissingAuthenticationTokenException", "Missing Authentication Token")
	}
	// Copies: the log, which remembers them, would hold on to whole headers.
	to.accessKey, to.region = strings.Clone(s.accessKey), strings.Clone(s.region)
	c.mu.Lock()
	defer c.mu.Unlock()
	if known, ok := c.credentials.issued[s.accessKey]; ok {
		if !known.lasting && !to.now.Before(known.expires) {
			return errf(http.StatusForbidden, "ExpiredTokenException", "The security token included in the request is expired")
		}
		to.account, to.principal, to.principalID, to.session = known.account, known.arn, known.id, known.session
		to.enforced = known.enforced
		return nil
	}
	if strings.HasPrefix(s.accessKey, issuedPrefix) {
		return errf(http.StatusForbidden, "UnrecognizedClientException", "The security token included in the request is invalid")
	}
	to.account = c.accountOf(s.accessKey)
	to.principal = "arn:aws:iam::" + to.account + ":user/" + s.accessKey
	to.principalID = s.accessKey
	return nil
}

// accountOf is the account of a long-lived access key: a key of 12 digits is the account's own, every
// other key belongs to the default account.
func (c *Cloud) accountOf(accessKey string) string {
	if accountPattern.MatchString(accessKey) {
		return accessKey
	}
	return c.defaultAccount()
}

func (c *Cloud) defaultAccount() string {
	if c.Account != "" {
		return c.Account
	}
	return DefaultAccount
}

// TrustRole makes AssumeRole of the role demand an external id. Roles that were never registered may be
// assumed by everybody.
func (c *Cloud) TrustRole(arn, externalID string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.credentials.trusted == nil {
		c.credentials.trusted = map[string]string{}
	}
	c.credentials.trusted[arn] = externalID
}
