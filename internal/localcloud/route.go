package localcloud

import (
	"bytes"
	"context"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/google/uuid"
)

// maxBody is the largest request taken, in bytes; SQS and DynamoDB stay below it.
const maxBody = 20 << 20

// call is one API request, authenticated and routed.
type call struct {
	ctx         context.Context
	cloud       *Cloud
	account     string // 12 digits
	region      string
	accessKey   string
	principal   string          // the caller's ARN
	principalID string          // its unique id, as GetCallerIdentity shows it
	session     *SessionContext // of an assumed role; nil: a user calls
	service     string          // signing name
	operation   string
	requestID   string
	userAgent   string
	sourceIP    string
	host        string    // as the client addressed the cloud: host:port
	body        []byte    // as it came, for what an SDK input cannot tell: an absent member from a zero
	now         time.Time // by the cloud's clock
	began       time.Time // by the wall clock
	failing     string    // why the work that the call starts will fail; "": it will not
	enforced    bool      // IAM knew the session's role when it began
	actions     []string  // what the caller's policies were asked for
	denied      string    // the action among them that was refused
	counts      int       // for how many calls it counts under its rate, where that is more than one
}

// incoming is a request on its way through the cloud.
type incoming struct {
	call    *call
	service *service
	op      *operation
	body    []byte
	proto   protocol
	refused *apiError // why it cannot be served at all
}

func newRequestID() string { return uuid.NewString() }

func readBody(w http.ResponseWriter, r *http.Request) ([]byte, error) {
	var body bytes.Buffer
	body.Grow(int(min(max(r.ContentLength, 0), maxBody)) + bytes.MinRead)
	if _, err := body.ReadFrom(http.MaxBytesReader(w, r.Body, maxBody)); err != nil {
		return nil, fmt.Errorf("reading the request: %w", err)
	}
	return body.Bytes(), nil
}

// route finds caller, service and operation of a request. What stands in the way is kept in refused.
func (c *Cloud) route(r *http.Request, body []byte) *incoming {
	in := &incoming{body: body, call: &call{
		ctx: r.Context(), cloud: c, now: c.Now(), began: time.Now(), requestID: newRequestID(),
		userAgent: r.UserAgent(), sourceIP: clientAddress(r), host: r.Host, body: body,
	}}
	in.proto = protocolOf(r, body)
	in.refused = c.routeOperation(in, r)
	if auth := in.authenticate(r); auth != nil {
		in.refused = auth
	}
	return in
}

// authenticate finds out who calls: a signature tells, or SCIM's bearer token.
func (in *incoming) authenticate(r *http.Request) *apiError {
	if p, ok := in.proto.(*scimProtocol); ok {
		return p.authenticate(in.call)
	}
	return in.call.cloud.authenticate(in.call, r)
}

func clientAddress(r *http.Request) string {
	host, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil {
		return r.RemoteAddr
	}
	return host
}

func (c *Cloud) routeOperation(in *incoming, r *http.Request) *apiError {
	target, operation := in.proto.target(r)
	in.call.operation = operation
	for _, s := range c.table {
		if !in.proto.serves(s, target) {
			continue
		}
		in.service, in.call.service = s, s.name
		op, known := s.ops[operation]
		if !known {
			return in.proto.unknownOperation(fmt.Sprintf("the local cloud's %s has no operation %q", s.name, operation))
		}
		in.op = &op
		return nil
	}
	return in.proto.unknownOperation(fmt.Sprintf("the local cloud serves no %q (%s %s); it serves %s",
		target+"."+operation, r.Method, r.URL.Path, c.served()))
}

// served names every service, for messages.
func (c *Cloud) served() string {
	names := make([]string, 0, len(c.table))
	for _, s := range c.table {
		names = append(names, s.name)
	}
	return strings.Join(names, ", ")
}

// formOf is the query protocol's parameters: those of the URL and, in a POST, of the body.
func formOf(r *http.Request, body []byte) url.Values {
	form := r.URL.Query()
	if strings.HasPrefix(r.Header.Get("Content-Type"), "application/x-www-form-urlencoded") {
		if posted, err := url.ParseQuery(string(body)); err == nil {
			for k, v := range posted {
				form[k] = v
			}
		}
	}
	return form
}
