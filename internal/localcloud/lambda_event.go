package localcloud

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
)

// batchEvent is the payload of an invocation by a queue.
func batchEvent(batch []message, queueARN, region string) ([]byte, error) {
	records := make([]queueRecord, len(batch))
	for i, m := range batch {
		records[i] = queueRecord{
			MessageID: m.id, ReceiptHandle: m.handle, Body: m.body, Attributes: m.system(),
			MessageAttributes: map[string]queueAttribute{}, MD5OfBody: *md5Text(m.body),
			EventSource: "aws:sqs", EventSourceARN: queueARN, AWSRegion: region,
		}
		for name, a := range m.attributes {
			records[i].MessageAttributes[name] = queueAttribute{
				StringValue: a.StringValue, BinaryValue: a.BinaryValue, DataType: *a.DataType,
				StringListValues: []string{}, BinaryListValues: [][]byte{},
			}
		}
		if sum := md5Attributes(m.attributes); sum != nil {
			records[i].MD5OfMessageAttributes = *sum
		}
	}
	payload, err := json.Marshal(map[string]any{"Records": records})
	if err != nil {
		return nil, fmt.Errorf("writing an event of %d messages: %w", len(batch), err)
	}
	return payload, nil
}

// queueRecord is one message as Lambda shows it to a function.
type queueRecord struct {
	MessageID              string                    `json:"messageId"`
	ReceiptHandle          string                    `json:"receiptHandle"`
	Body                   string                    `json:"body"`
	Attributes             map[string]string         `json:"attributes"`
	MessageAttributes      map[string]queueAttribute `json:"messageAttributes"`
	MD5OfMessageAttributes string                    `json:"md5OfMessageAttributes,omitempty"`
	MD5OfBody              string                    `json:"md5OfBody"`
	EventSource            string                    `json:"eventSource"`
	EventSourceARN         string                    `json:"eventSourceARN"`
	AWSRegion              string                    `json:"awsRegion"`
}

type queueAttribute struct {
	StringValue      *string  `json:"stringValue,omitempty"`
	BinaryValue      []byte   `json:"binaryValue,omitempty"`
	StringListValues []string `json:"stringListValues"`
	BinaryListValues [][]byte `json:"binaryListValues"`
	DataType         string   `json:"dataType"`
}

// failures reads which of a batch's ids a function reports as failed. Lambda takes an empty answer, null, an
// object without batchItemFailures and a null list for full success; it holds the whole batch for failed,
// here an error, when the answer is malformed or names an id that the batch does not have.
func failures(answer []byte, ids []string) (map[string]bool, error) {
	answer = bytes.TrimSpace(answer)
	if len(answer) == 0 {
		return nil, nil
	}
	var report map[string]json.RawMessage
	if err := json.Unmarshal(answer, &report); err != nil {
		return nil, fmt.Errorf("the function's answer is no batch response: %w", err)
	}
	var items []map[string]json.RawMessage
	if list, ok := report["batchItemFailures"]; ok {
		if err := json.Unmarshal(list, &items); err != nil {
			return nil, fmt.Errorf("batchItemFailures is no list of objects: %w", err)
		}
	}
	known := map[string]bool{}
	for _, id := range ids {
		known[id] = true
	}
	failed := map[string]bool{}
	for _, item := range items {
		var id string
		if err := json.Unmarshal(item["itemIdentifier"], &id); err != nil || !known[id] {
			return nil, errors.New("a batchItemFailures entry names nothing of the batch")
		}
		failed[id] = true
	}
	return failed, nil
}
