package event

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
)

// Parse reads one event: an EventBridge event that carries a CloudTrail record or comes from a schedule, a
// bare CloudTrail record, or one of our own messages. Events that say nothing about users, groups or
// profiles, failed calls and read-only calls are nil, nil. An error means that the bytes are malformed and
// will be next time too; it names the event and the field.
func Parse(body []byte) ([]Look, error) {
	o, err := decode(body)
	if err != nil {
		return nil, fmt.Errorf("event: %w", err)
	}
	switch {
	case o["studiokeeper"] != nil:
		return fromMessage(o["studiokeeper"])
	case o["detail-type"] != nil:
		return fromEnvelope(o)
	case o["eventSource"] != nil || o["eventName"] != nil:
		return fromRecord(o)
	}
	return nil, errors.New("event: it has no detail-type, eventSource or studiokeeper: " +
		"neither an EventBridge event nor a CloudTrail record nor a message of studiokeeper")
}

// fromEnvelope reads an EventBridge event. The envelope's source is not looked at for CloudTrail records:
// SCIM's is not documented, and detail.eventSource says the same.
func fromEnvelope(o object) ([]Look, error) {
	kind, err := o.required("detail-type")
	if err != nil {
		return nil, fmt.Errorf("EventBridge event %s: %w", o.label("id"), err)
	}
	t := Trigger{ID: o.label("id"), Name: kind, Source: o.label("source"), Time: o.moment("time")}
	var looks []Look
	switch {
	case slices.Contains(DetailTypes(), kind):
		return fromDetail(o["detail"], t)
	case kind == "Scheduled Event" && (t.Source == "aws.events" || t.Source == "aws.scheduler"):
		looks, err = fromSchedule(o["detail"], t)
	}
	if err != nil {
		return nil, fmt.Errorf("event %s: %w", t, err)
	}
	return looks, nil
}

func fromDetail(raw json.RawMessage, t Trigger) ([]Look, error) {
	var record object
	if json.Unmarshal(raw, &record) != nil || record == nil {
		return nil, fmt.Errorf("event %s: detail is %s, want a CloudTrail record", t, kindOf(raw))
	}
	return fromRecord(record)
}

// fromSchedule reads a tick of an EventBridge rule (aws.events, detail is an object) or of EventBridge
// Scheduler (aws.scheduler, detail is a string that holds one). The detail may ask for a deep look.
func fromSchedule(raw json.RawMessage, t Trigger) ([]Look, error) {
	var quoted string
	if json.Unmarshal(raw, &quoted) == nil {
		raw = json.RawMessage(strings.TrimSpace(quoted))
	}
	detail := object{}
	if !absent(raw) && json.Unmarshal(raw, &detail) != nil {
		return nil, &typeError{"detail", "an object", raw}
	}
	look := Look{Scope: Everybody, Trigger: t}
	if deep := detail["deep"]; !absent(deep) && json.Unmarshal(deep, &look.Deep) != nil {
		return nil, &typeError{"detail.deep", "a boolean", deep}
	}
	return []Look{look}, nil
}
