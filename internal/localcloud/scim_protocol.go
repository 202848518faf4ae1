package localcloud

import (
	"bytes"
	"crypto/subtle"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// scimProtocol is REST with JSON and a bearer token: method and path name the operation.
type scimProtocol struct {
	r       *http.Request
	tenant  string
	storeID string // once the token was found to be of the tenant
	path    []string
	body    map[string]any // with attribute names as the schema spells them
	broken  error          // why the body cannot be read
	sent    *scimAnswer    // what encode was given
}

// scimRequest is one request with what its path, query and body say.
type scimRequest struct {
	storeID string
	id      string // of the user, group or schema that the path names
	base    string // the endpoint's URL, without a slash at the end
	query   url.Values
	body    map[string]any
}

// scimAnswer is an answer that is no error.
type scimAnswer struct {
	status int
	body   any // nil: none
}

const scimMedia = "application/scim+json"

// scimOf recognises a request to a SCIM endpoint by its path, /<tenant>/scim/v2/…; nil is anything else.
func scimOf(r *http.Request, body []byte) *scimProtocol {
	parts := strings.Split(strings.TrimSuffix(strings.TrimPrefix(r.URL.Path, "/"), "/"), "/")
	if len(parts) < 3 || parts[1] != "scim" || parts[2] != "v2" {
		return nil
	}
	p := &scimProtocol{r: r, tenant: parts[0], path: parts[3:]}
	if r.Method == http.MethodPost || r.Method == http.MethodPut || r.Method == http.MethodPatch {
		p.body, p.broken = scimBody(body)
	}
	return p
}

// scimBody reads a request's object. Attribute names are not case sensitive: they come back as the schema has
// them.
func scimBody(body []byte) (map[string]any, error) {
	read := json.NewDecoder(bytes.NewReader(body))
	var object map[string]any
	if err := read.Decode(&object); err != nil || object == nil || read.More() {
		return nil, validation("Invalid JSON from RequestBody")
	}
	canonical, err := scimNames(object, 0)
	if err != nil {
		return nil, err
	}
	return canonical.(map[string]any), nil
}

// scimRoutes are the operations by method and path, in which {} stands for an id.
var scimRoutes = map[string]string{
	"POST Users": "CreateUser", "GET Users": "ListUsers", "GET Users/{}": "GetUser", "PATCH Users/{}": "PatchUser",
	"PUT Users/{}": "PutUser", "DELETE Users/{}": "DeleteUser",
	"POST Groups": "CreateGroup", "GET Groups": "ListGroups", "GET Groups/{}": "GetGroup", "PATCH Groups/{}": "PatchGroup",
	"DELETE Groups/{}":          "DeleteGroup",
	"GET ServiceProviderConfig": "ServiceProviderConfig", "GET ResourceTypes": "ListResourceTypes",
	"GET Schemas": "ListSchemas", "GET Schemas/{}": "GetSchema",
}

func (p *scimProtocol) target(*http.Request) (service, operation string) {
	steps := append([]string{}, p.path...)
	if len(steps) == 2 {
		steps[1] = "{}"
	}
	asked := p.r.Method + " " + strings.Join(steps, "/")
	if operation, known := scimRoutes[asked]; known {
		return "scim", operation
	}
	return "scim", asked
}

func (*scimProtocol) serves(s *service, target string) bool { return s.name == target }

func (*scimProtocol) unknownOperation(message string) *apiError { return validation("%s", message) }

// authenticate finds the identity store of the tenant and compares the token with those it issued.
func (p *scimProtocol) authenticate(made *call) *apiError {
	made.counts = p.counts()
	token, bearer := strings.CutPrefix(p.r.Header.Get("Authorization"), "Bearer ")
	c := made.cloud
	c.mu.Lock()
	defer c.mu.Unlock()
	s := c.stores.ofTenant(p.tenant)
	if !bearer || s == nil || !s.scim.accepts(token, made.now) || !regionOf(p.r.Host, s.region) {
		return errf(http.StatusUnauthorized, "UnauthorizedException", "Authorization header is invalid or missing, or the tenant id is incorrect.")
	}
	made.account, made.region, made.accessKey, made.principal = s.account, s.region, p.tenant, p.tenant
	if s.source != ExternalIdentityProvider {
		return errf(http.StatusForbidden, "AccessDeniedException", "Automatic provisioning needs an external identity provider as the identity source.")
	}
	p.storeID = s.id
	return nil
}

func (i *identityStoreState) ofTenant(id string) *identityStore {
	for _, s := range i.byID {
		if s.scim.id == id {
			return s
		}
	}
	return nil
}

func (t *scimTenant) accepts(token string, now time.Time) bool {
	for known, over := range t.tokens {
		if subtle.ConstantTimeCompare([]byte(known), []byte(token)) == 1 {
			return now.Before(over)
		}
	}
	return false
}

// regionOf reports whether a host may serve a Region: scim.<region>.amazonaws.com serves its own.
func regionOf(host, region string) bool {
	if plain, _, err := net.SplitHostPort(host); err == nil {
		host = plain
	}
	named, isScim := strings.CutPrefix(host, "scim.")
	return !isScim || strings.HasPrefix(named, region+".")
}

// counts is for how many calls a request counts: every membership that it changes is one.
func (p *scimProtocol) counts() int {
	n := len(asList(p.body["members"]))
	for _, op := range asList(p.body["Operations"]) {
		if change, ok := op.(map[string]any); ok && change["path"] == "members" {
			n += len(asList(change["value"]))
		}
	}
	return max(1, min(n, maxMemberChanges))
}

func asList(value any) []any {
	list, _ := value.([]any)
	return list
}

func (p *scimProtocol) decode(*incoming) (any, error) {
	if p.broken != nil {
		return nil, p.broken
	}
	scheme := "https"
	if p.r.TLS == nil {
		scheme = "http"
	}
	req := &scimRequest{
		storeID: p.storeID, base: scheme + "://" + p.r.Host + "/" + p.tenant + "/scim/v2", query: p.r.URL.Query(), body: p.body,
	}
	if len(p.path) == 2 {
		req.id = p.path[1]
	}
	return req, nil
}

func (p *scimProtocol) encode(_ *incoming, output any) ([]byte, error) {
	p.sent = output.(*scimAnswer)
	if p.sent.body == nil {
		return nil, nil
	}
	return json.Marshal(p.sent.body)
}

func (p *scimProtocol) outputAnswer(in *incoming, encoded []byte) answer {
	a := answer{status: http.StatusOK, body: encoded, header: map[string]string{
		"Content-Type": scimMedia, "x-amzn-RequestId": in.call.requestID,
	}}
	if p.sent != nil {
		a.status = p.sent.status
	}
	return a
}

// scimDetails are the texts of SCIM's errors, which tell no more: what was wrong stands in the CloudTrail record.
var scimDetails = map[int]string{
	http.StatusBadRequest:      "Request is unparsable, syntactically incorrect, or violates schema.",
	http.StatusUnauthorized:    "Request is unauthorized.",
	http.StatusForbidden:       "Operation is not permitted based on the supplied authorization.",
	http.StatusNotFound:        "Specified resource does not exist.",
	http.StatusConflict:        "Refused to create a new, duplicate resource.",
	http.StatusTooManyRequests: "Too many requests exceeded the limits.",
}

// scimStatus are the HTTP statuses of errors that do not say their own; others are 400.
var scimStatus = map[string]int{
	"UnauthorizedException": http.StatusUnauthorized, "AccessDeniedException": http.StatusForbidden,
	"ResourceNotFoundException": http.StatusNotFound, "ConflictException": http.StatusConflict,
	"ThrottlingException": http.StatusTooManyRequests, "InternalServerException": http.StatusInternalServerError,
}

func (p *scimProtocol) errorAnswer(_ *service, e *apiError, requestID string) answer {
	status := e.Status
	if status == 0 {
		status = max(http.StatusBadRequest, scimStatus[e.Code])
	}
	detail := scimDetails[status]
	if detail == "" {
		detail = "Service failed to process the request."
	}
	schemas := []string{"urn:ietf:params:scim:api:messages:2.0:Error"}
	body, _ := json.Marshal(map[string]any{
		"schema": schemas, "schemas": schemas, "detail": detail, "status": fmt.Sprint(status),
		"exceptionRequestId": requestID, "timeStamp": time.Now().UTC().Format("2006-01-02 15:04:05.000"),
	})
	return answer{status: status, body: body, header: map[string]string{"Content-Type": scimMedia, "x-amzn-RequestId": requestID}}
}
