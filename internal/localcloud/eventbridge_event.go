package localcloud

import (
	"bytes"
	"encoding/json"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge/schemas"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge/types"
	"github.com/google/uuid"
)

// Limits of PutEvents: entries, and their size together in bytes.
const (
	maxEntries   = 10
	maxEventSize = 256 << 10
)

// envelope is an event as EventBridge delivers it.
type envelope struct {
	Version    string          `json:"version"`
	ID         string          `json:"id"`
	DetailType string          `json:"detail-type"`
	Source     string          `json:"source"`
	Account    string          `json:"account"`
	Time       string          `json:"time"`
	Region     string          `json:"region"`
	Resources  []string        `json:"resources"`
	Detail     json.RawMessage `json:"detail"`
}

func newEnvelope(at place, source, detailType string, when time.Time) envelope {
	return envelope{
		Version: "0", ID: uuid.NewString(), DetailType: detailType, Source: source, Account: at.account,
		Time: when.UTC().Format(time.RFC3339), Region: at.region, Resources: []string{},
	}
}

// deliver puts a CloudTrail record on the default bus of an account and Region, as EventBridge wraps it.
// What the rules match reaches its targets later, in other goroutines.
func (c *Cloud) deliver(account, region string, r Record) {
	detail, err := json.Marshal(r)
	if err != nil {
		return
	}
	service, _, _ := strings.Cut(r.EventSource, ".")
	at := place{account, region}
	e := newEnvelope(at, "aws."+service, "AWS API Call via CloudTrail", c.Now())
	if when, err := time.Parse(time.RFC3339, r.EventTime); err == nil {
		e.Time = when.UTC().Format(time.RFC3339)
	}
	e.Detail = detail
	c.publish(at, defaultBus, e)
}

func (s *eventsState) putEvents(c *call, in *eventbridge.PutEventsInput) (*padded, error) {
	if n := len(in.Entries); n < 1 || n > maxEntries {
		return nil, invalidf("1 validation error detected: Value at 'entries' failed to satisfy constraint: Member must have length between 1 and %d", maxEntries)
	}
	size := 0
	for _, e := range in.Entries {
		size += len(aws.ToString(e.Detail)) + len(aws.ToString(e.Source)) + len(aws.ToString(e.DetailType)) + len(strings.Join(e.Resources, ""))
	}
	if size > maxEventSize {
		return nil, invalidf("Total size of the entries in the request is over the limit.")
	}
	out := &eventbridge.PutEventsOutput{}
	for _, e := range in.Entries {
		result := s.putEvent(c, e)
		if result.ErrorCode != nil {
			out.FailedEntryCount++
		}
		out.Entries = append(out.Entries, result)
	}
	return pad(schemas.PutEventsResponse, out, zeroCount(schemas.PutEventsResponse_FailedEntryCount, out.FailedEntryCount)), nil
}

func (s *eventsState) putEvent(c *call, e types.PutEventsRequestEntry) types.PutEventsResultEntry {
	if code, message := refuseEntry(e); code != "" {
		return types.PutEventsResultEntry{ErrorCode: &code, ErrorMessage: &message}
	}
	s.mu.Lock()
	b, err := s.bus(c.place(), e.EventBusName)
	s.mu.Unlock()
	if err != nil {
		refused := asAPIError(err)
		return types.PutEventsResultEntry{ErrorCode: &refused.Code, ErrorMessage: &refused.Message}
	}
	event := newEnvelope(c.place(), *e.Source, *e.DetailType, aws.ToTime(e.Time))
	if e.Time == nil {
		event.Time = c.now.UTC().Format(time.RFC3339)
	}
	if e.Resources != nil {
		event.Resources = e.Resources
	}
	event.Detail = json.RawMessage(*e.Detail)
	home, name, _ := busARN(b.arn)
	c.cloud.publish(home, name, event)
	return types.PutEventsResultEntry{EventId: &event.ID}
}

// refuseEntry gives the code and message EventBridge answers for one bad entry.
func refuseEntry(e types.PutEventsRequestEntry) (code, message string) {
	for _, required := range []struct {
		name  string
		value *string
	}{{"Source", e.Source}, {"DetailType", e.DetailType}, {"Detail", e.Detail}} {
		if aws.ToString(required.value) == "" {
			return "InvalidArgument", "Parameter " + required.name + " is not valid. Reason: " + required.name + " is a required argument."
		}
	}
	if strings.HasPrefix(*e.Source, "aws.") {
		return "NotAuthorizedForSourceException", "Not authorized for the source."
	}
	var detail map[string]any
	if err := json.Unmarshal([]byte(*e.Detail), &detail); err != nil || detail == nil {
		return "MalformedDetail", "Detail is malformed."
	}
	return "", ""
}

// inputFor is what a target gets of an event: the constant it asks for, a part of the event, or all of it.
func inputFor(t types.Target, event []byte) []byte {
	switch {
	case t.Input != nil:
		return []byte(*t.Input)
	case t.InputPath == nil:
		return event
	}
	part := json.RawMessage(event)
	for _, name := range strings.Split(*t.InputPath, ".")[1:] {
		var object map[string]json.RawMessage
		if err := json.Unmarshal(part, &object); err != nil || object[name] == nil {
			return []byte("null")
		}
		part = object[name]
	}
	return bytes.TrimSpace(part)
}
