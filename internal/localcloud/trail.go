package localcloud

import (
	"encoding/json"
	"strings"
	"time"

	"github.com/aws/smithy-go"
	"github.com/aws/smithy-go/traits"
	"github.com/google/uuid"
)

// keptRecords bounds the event history.
const keptRecords = 10_000

// hidden stands in CloudTrail records where AWS leaves a name out.
const hidden = "HIDDEN_DUE_TO_SECURITY_REASONS"

// Record is one CloudTrail record, marshalled as CloudTrail writes it.
type Record struct {
	EventVersion       string         `json:"eventVersion"`
	UserIdentity       UserIdentity   `json:"userIdentity"`
	EventTime          string         `json:"eventTime"` // RFC 3339, whole seconds, UTC
	EventSource        string         `json:"eventSource"`
	EventName          string         `json:"eventName"`
	AWSRegion          string         `json:"awsRegion"`
	SourceIPAddress    string         `json:"sourceIPAddress"`
	UserAgent          string         `json:"userAgent"`
	ErrorCode          string         `json:"errorCode,omitempty"`
	ErrorMessage       string         `json:"errorMessage,omitempty"`
	RequestParameters  map[string]any `json:"requestParameters"`
	ResponseElements   map[string]any `json:"responseElements"`
	RequestID          string         `json:"requestID"`
	EventID            string         `json:"eventID"`
	ReadOnly           bool           `json:"readOnly"`
	EventType          string         `json:"eventType"`
	ManagementEvent    bool           `json:"managementEvent"`
	RecipientAccountID string         `json:"recipientAccountId"`
	EventCategory      string         `json:"eventCategory"`
}

// UserIdentity says in a Record who called.
type UserIdentity struct {
	Type           string          `json:"type"` // IAMUser, AssumedRole, AWSService, WebIdentityUser, Unknown
	PrincipalID    string          `json:"principalId,omitempty"`
	ARN            string          `json:"arn,omitempty"`
	AccountID      string          `json:"accountId"`
	AccessKeyID    string          `json:"accessKeyId,omitempty"`
	UserName       string          `json:"userName,omitempty"`
	InvokedBy      string          `json:"invokedBy,omitempty"`      // the AWS service that acted by itself
	SessionContext *SessionContext `json:"sessionContext,omitempty"` // of an assumed role
}

// SessionContext says in a Record which role was assumed, and when.
type SessionContext struct {
	SessionIssuer SessionIssuer     `json:"sessionIssuer"`
	Attributes    SessionAttributes `json:"attributes"`
}

// SessionIssuer is the role behind a session.
type SessionIssuer struct {
	Type        string `json:"type"` // Role
	PrincipalID string `json:"principalId"`
	ARN         string `json:"arn"` // with the role's path, which the session's own ARN lacks
	AccountID   string `json:"accountId"`
	UserName    string `json:"userName"` // the role's name
}

// SessionAttributes tell when a session began and that nobody proved anything for it.
type SessionAttributes struct {
	CreationDate     string `json:"creationDate"`     // RFC 3339, whole seconds, UTC
	MFAAuthenticated string `json:"mfaAuthenticated"` // false
}

// trailState is guarded by Cloud.mu.
type trailState struct {
	records []placedRecord
}

type placedRecord struct {
	account, region string
	record          Record
}

// recordCall writes the record of a call that changes something, whether it succeeded or not.
func (c *Cloud) recordCall(in *incoming, output []byte, failure *apiError) {
	if in.service == nil || in.service.source == "" || in.op == nil || in.call.account == "" || readOnly(in.call.operation) {
		return
	}
	r := newRecord(in.call.now, in.service.source, in.call.operation)
	r.UserIdentity = in.call.identity()
	r.AWSRegion, r.RecipientAccountID = in.call.region, in.call.account
	r.SourceIPAddress, r.UserAgent, r.RequestID = in.call.sourceIP, in.call.userAgent, in.call.requestID
	var elements map[string]any
	if p, ok := in.proto.(*scimProtocol); ok {
		r.UserIdentity, r.RequestParameters, elements = p.trail(in.call, output, failure)
	} else if in.service.schema == nil {
		r.RequestParameters, elements = plainTrail(in.body, in.op.newInput()), plainTrail(output, in.op.newOutput())
	} else {
		r.RequestParameters, elements = trailMembers(in.body, in.op.input), trailMembers(output, in.op.output)
	}
	if failure != nil {
		r.ErrorCode, r.ErrorMessage = failure.Code, failure.Message
	} else if len(elements) > 0 {
		r.ResponseElements = elements
	}
	c.record(in.call.account, in.call.region, r)
}

func newRecord(at time.Time, source, name string) Record {
	return Record{
		EventVersion: "1.11", EventTime: at.UTC().Format(time.RFC3339), EventSource: source, EventName: name,
		EventID: uuid.NewString(), EventType: "AwsApiCall", ManagementEvent: true, EventCategory: "Management",
	}
}

func (made *call) identity() UserIdentity {
	id := UserIdentity{
		Type: "IAMUser", PrincipalID: made.principalID, ARN: made.principal,
		AccountID: made.account, AccessKeyID: made.accessKey,
	}
	if made.session != nil {
		id.Type, id.SessionContext = "AssumedRole", made.session
		return id
	}
	_, id.UserName, _ = strings.Cut(made.principal, ":user/")
	return id
}

// record keeps a record in the event history and hands it to the event bus of its account and Region.
func (c *Cloud) record(account, region string, r Record) {
	c.mu.Lock()
	if len(c.trail.records) >= keptRecords {
		c.trail.records = append(c.trail.records[:0], c.trail.records[keptRecords/2:]...)
	}
	c.trail.records = append(c.trail.records, placedRecord{account: account, region: region, record: r})
	c.mu.Unlock()
	c.deliver(account, region, r)
}

// Records is the event history of an account and Region, oldest first. At least the last 5,000 are kept.
func (c *Cloud) Records(account, region string) []Record {
	c.mu.Lock()
	defer c.mu.Unlock()
	var found []Record
	for _, p := range c.trail.records {
		if p.account == account && p.region == region {
			found = append(found, p.record)
		}
	}
	return found
}

// trailMembers writes a request or response as CloudTrail does: member names begin in lower case, what the
// model calls sensitive and free-form values are hidden, null and what the model does not know stay out.
func trailMembers(body []byte, schema *smithy.Schema) map[string]any {
	if schema == nil {
		return nil
	}
	tree, err := parseJSON(body)
	if err != nil {
		return nil
	}
	members, ok := trailValue(tree, schema).(map[string]any)
	if !ok {
		return nil
	}
	return members
}

func trailValue(value any, schema *smithy.Schema) any {
	if schema == nil {
		return nil
	}
	if _, sensitive := smithy.SchemaTrait[*traits.Sensitive](schema); sensitive || schema.Type() == smithy.ShapeTypeDocument {
		return hidden
	}
	switch v := value.(type) {
	case map[string]any:
		return trailObject(v, schema)
	case []any:
		items := make([]any, 0, len(v))
		for _, item := range v {
			items = append(items, trailValue(item, schema.ListMember()))
		}
		return items
	case json.Number:
		return json.RawMessage(v)
	default:
		return value
	}
}

func trailObject(object map[string]any, schema *smithy.Schema) any {
	to := make(map[string]any, len(object))
	for name, value := range object {
		switch {
		case value == nil:
		case schema.Type() == smithy.ShapeTypeMap:
			to[name] = trailValue(value, schema.MapValue())
		case schema.Member(name) != nil:
			to[lowerFirst(name)] = trailValue(value, schema.Member(name))
		}
	}
	return to
}
