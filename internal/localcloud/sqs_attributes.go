package localcloud

import (
	"encoding/json"
	"fmt"
	"maps"
	"strconv"
	"strings"
	"time"
)

// maxMessage is the largest message, with its attributes, in bytes, and the largest batch.
const maxMessage = 1 << 20

// numberAttribute is an attribute of a queue that is a whole number.
type numberAttribute struct{ least, most, standard int }

// numberAttributeOf gives the limits SQS sets, in seconds or bytes.
func numberAttributeOf(name string) (numberAttribute, bool) {
	switch name {
	case "VisibilityTimeout":
		return numberAttribute{0, 43200, 30}, true
	case "DelaySeconds":
		return numberAttribute{0, 900, 0}, true
	case "MessageRetentionPeriod":
		return numberAttribute{60, 1209600, 345600}, true
	case "ReceiveMessageWaitTimeSeconds":
		return numberAttribute{0, 20, 0}, true
	case "MaximumMessageSize":
		return numberAttribute{1024, maxMessage, maxMessage}, true
	}
	return numberAttribute{}, false
}

func numberAttributeNames() []string {
	return []string{"VisibilityTimeout", "DelaySeconds", "MessageRetentionPeriod", "ReceiveMessageWaitTimeSeconds", "MaximumMessageSize"}
}

// number is the value of an attribute in force.
func (q *queue) number(name string) int {
	if n, err := strconv.Atoi(q.attributes[name]); err == nil {
		return n
	}
	a, _ := numberAttributeOf(name)
	return a.standard
}

func (q *queue) seconds(name string) time.Duration {
	return time.Duration(q.number(name)) * time.Second
}

// redrivePolicy is the RedrivePolicy of a queue. AWS takes the count as a number or as a string.
type redrivePolicy struct {
	DeadLetterTargetARN string
	MaxReceiveCount     int
}

func (q *queue) redrive() *redrivePolicy {
	p, err := parseRedrive(q.attributes["RedrivePolicy"])
	if err != nil {
		return nil
	}
	return p
}

func parseRedrive(s string) (*redrivePolicy, error) {
	var raw struct {
		Target string          `json:"deadLetterTargetArn"`
		Count  json.RawMessage `json:"maxReceiveCount"`
	}
	if err := json.Unmarshal([]byte(s), &raw); err != nil {
		return nil, fmt.Errorf("it is not JSON: %w", err)
	}
	n, err := strconv.Atoi(strings.Trim(string(raw.Count), `"`))
	if raw.Target == "" || err != nil || n < 1 || n > 1000 {
		return nil, fmt.Errorf("it needs a deadLetterTargetArn and a maxReceiveCount from 1 to 1000")
	}
	return &redrivePolicy{raw.Target, n}, nil
}

// checkAttributes refuses what SQS refuses of CreateQueue and SetQueueAttributes. The caller holds s.mu.
func (s *sqsState) checkAttributes(home place, set map[string]string) error {
	for _, name := range sortedKeys(set) {
		value := set[name]
		if a, ok := numberAttributeOf(name); ok {
			if n, err := strconv.Atoi(value); err != nil || n < a.least || n > a.most {
				return sqsError("InvalidAttributeValue", "InvalidAttributeValue", "Invalid value for the parameter %s.", name)
			}
			continue
		}
		switch name {
		case "RedrivePolicy":
			if err := s.checkRedrive(home, value); err != nil {
				return err
			}
		case "Policy":
			if _, err := readQueuePolicy(value); err != nil {
				return sqsError("InvalidAttributeValue", "InvalidAttributeValue", "Invalid value for the parameter Policy: %v", err)
			}
		case "RedriveAllowPolicy":
			if value != "" && !json.Valid([]byte(value)) {
				return sqsError("InvalidAttributeValue", "InvalidAttributeValue", "Invalid value for the parameter %s.", name)
			}
		case "KmsMasterKeyId", "KmsDataKeyReusePeriodSeconds", "SqsManagedSseEnabled":
		case "FifoQueue", "ContentBasedDeduplication", "DeduplicationScope", "FifoThroughputLimit":
			return sqsError("InvalidAttributeName", "InvalidAttributeName", "%s: the local cloud has standard queues only.", name)
		default:
			return sqsError("InvalidAttributeName", "InvalidAttributeName", "Unknown Attribute %s.", name)
		}
	}
	return nil
}

func (s *sqsState) checkRedrive(home place, value string) error {
	if value == "" {
		return nil
	}
	p, err := parseRedrive(value)
	if err != nil {
		return sqsError("InvalidParameterValueException", "InvalidParameterValue", "Value %s for parameter RedrivePolicy is invalid. Reason: %v.", value, err)
	}
	dead := s.byARN(p.DeadLetterTargetARN)
	if dead == nil || dead.home != home {
		return sqsError("InvalidParameterValueException", "InvalidParameterValue", "Value %s for parameter RedrivePolicy is invalid. Reason: Dead letter target does not exist.", value)
	}
	return nil
}

// setAttributes takes checked attributes; an empty value removes one.
func (q *queue) setAttributes(set map[string]string, now time.Time) {
	q.attributes = maps.Clone(q.attributes)
	if q.attributes == nil {
		q.attributes = map[string]string{}
	}
	for name, value := range set {
		if value == "" {
			delete(q.attributes, name)
		} else {
			q.attributes[name] = value
		}
	}
	q.policy, _ = readQueuePolicy(q.attributes["Policy"])
	q.modified = now
	q.changed.fire()
}

// readQueuePolicy parses a queue's policy; no text is no policy.
func readQueuePolicy(text string) (*policy, error) {
	if text == "" {
		return nil, nil
	}
	return parsePolicy(text, resourcePolicy)
}

// describe gives every attribute of the queue.
func (q *queue) describe(now time.Time) map[string]string {
	out := maps.Clone(q.attributes)
	if out == nil {
		out = map[string]string{}
	}
	for _, name := range numberAttributeNames() {
		out[name] = strconv.Itoa(q.number(name))
	}
	if out["SqsManagedSseEnabled"] == "" {
		out["SqsManagedSseEnabled"] = "true"
	}
	visible, inFlight, delayed := q.counts(now)
	out["ApproximateNumberOfMessages"] = strconv.Itoa(visible)
	out["ApproximateNumberOfMessagesNotVisible"] = strconv.Itoa(inFlight)
	out["ApproximateNumberOfMessagesDelayed"] = strconv.Itoa(delayed)
	out["CreatedTimestamp"] = strconv.FormatInt(q.created.Unix(), 10)
	out["LastModifiedTimestamp"] = strconv.FormatInt(q.modified.Unix(), 10)
	out["QueueArn"] = q.arn
	return out
}
