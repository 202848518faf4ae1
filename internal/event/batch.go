package event

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
)

// Kind says how a Lambda payload arrived, and with it how the function has to answer.
type Kind string

// The kinds of payload.
const (
	SQS    Kind = "sqs"    // answer with the message ids that failed
	Stream Kind = "stream" // a DynamoDB stream: answer with the sequence numbers that failed
	Direct Kind = "direct" // one event, or a CloudTrail log file's records: answer with a status
)

// Batch is one invocation's payload, read.
type Batch struct {
	Kind    Kind
	Records []Record
}

// Record is one record of a Batch. Err says why it is malformed, and then Looks is empty; both are empty
// for an event that concerns nobody.
type Record struct {
	// ID is what a failure is reported by: messageId, sequence number, "" for a direct event. A record of a
	// queue or stream that lacks it has Err, and only the whole batch can be reported as failed.
	ID       string
	Body     []byte // what Parse read; of a stream the whole record
	Looks    []Look
	Err      error
	Received int // ApproximateReceiveCount of a queue's message, 1 the first time; 0 when not known
}

// ParseBatch reads the payload of one invocation. Each record is read alone: a malformed one has Err and
// never stops its neighbours, and a record that occurs twice is there twice. An error means that the
// payload as a whole cannot be read.
func ParseBatch(payload []byte) (Batch, error) {
	o, err := decodeLoose(payload)
	if err != nil {
		return Batch{}, fmt.Errorf("payload: %w", err)
	}
	if o["Records"] == nil {
		return Batch{Kind: Direct, Records: []Record{directRecord(payload)}}, nil
	}
	var raws []json.RawMessage
	if json.Unmarshal(o["Records"], &raws) != nil {
		return Batch{}, fmt.Errorf("payload: %w", &typeError{"Records", "an array", o["Records"]})
	}
	kind, err := kindOfBatch(raws)
	if err != nil {
		return Batch{}, err
	}
	read := map[Kind]func([]byte) Record{SQS: sqsRecord, Stream: streamRecord, Direct: directRecord}[kind]
	b := Batch{Kind: kind}
	for _, raw := range raws {
		b.Records = append(b.Records, read(raw))
	}
	return b, nil
}

// kindOfBatch goes by the first record that says where it comes from: Lambda never mixes sources. An
// empty batch counts as a queue's, which needs no answer but an empty list.
func kindOfBatch(raws []json.RawMessage) (Kind, error) {
	if len(raws) == 0 {
		return SQS, nil
	}
	for _, raw := range raws {
		o, err := decodeLoose(raw)
		if err != nil {
			continue
		}
		switch source, _ := o.text("eventSource"); {
		case source == "aws:sqs":
			return SQS, nil
		case source == "aws:dynamodb":
			return Stream, nil
		case strings.HasSuffix(source, ".amazonaws.com"):
			return Direct, nil
		}
	}
	return "", errors.New("payload: no record has an eventSource of aws:sqs, aws:dynamodb or a CloudTrail record: " +
		"check what invokes the function")
}

func directRecord(body []byte) Record {
	looks, err := Parse(body)
	return Record{Body: body, Looks: looks, Err: err}
}

// sqsRecord reads one message. Its body is a string that holds an event.
func sqsRecord(raw []byte) Record {
	o, err := decodeLoose(raw)
	if err != nil {
		return Record{Body: raw, Err: fmt.Errorf("SQS record: %w", err)}
	}
	r := Record{ID: o.label("messageId"), Received: o.received()}
	if r.ID == "" {
		r.Err = fmt.Errorf("SQS record: %w", missing("messageId"))
		return r
	}
	body, err := o.required("body")
	if err == nil && !utf8.Valid(raw) {
		err = errNotUTF8
	}
	if err != nil {
		r.Err = fmt.Errorf("SQS record %s: %w", r.ID, err)
		return r
	}
	r.Body = []byte(body)
	r.Looks, r.Err = Parse(r.Body)
	return r
}

func (o object) received() int {
	s, _ := o.text("attributes.ApproximateReceiveCount")
	n, err := strconv.Atoi(s)
	if err != nil || n < 0 {
		return 0
	}
	return n
}

// streamRecord reads one change of the mapping table. Whatever happened to the row, the answer is to look
// at its group in its domain: the row's old and new contents are read from the table, never from here.
func streamRecord(raw []byte) Record {
	r := Record{Body: raw}
	o, err := decode(raw)
	if err != nil {
		r.Err = fmt.Errorf("stream record: %w", err)
		return r
	}
	r.ID = o.label("dynamodb.SequenceNumber")
	look, err := rowLook(o)
	if err == nil && r.ID == "" {
		err = missing("dynamodb.SequenceNumber")
	}
	if err != nil {
		r.Err = fmt.Errorf("stream record %s: %w", cmp.Or(r.ID, "without a sequence number"), err)
		return r
	}
	r.Looks = []Look{look}
	return r
}

// rowLook names the group by the hash key of the mapping table, and the domain by its range key.
func rowLook(o object) (Look, error) {
	group, err := o.required("dynamodb.Keys.group.S")
	if err != nil {
		return Look{}, err
	}
	domain, err := o.required("dynamodb.Keys.domain.S")
	if err != nil {
		return Look{}, err
	}
	l := Look{Scope: Group, GroupName: group, Domain: domain, Trigger: Trigger{
		ID: o.label("eventID"), Name: o.label("eventName"), Source: o.label("eventSource"), Time: o.rowTime(),
	}}
	return l, l.check()
}

// rowTime reads ApproximateCreationDateTime, in seconds since 1970, which may be written with an exponent.
func (o object) rowTime() time.Time {
	const lastSecond = 253402300799 // of the year 9999
	var change struct {
		Seconds float64 `json:"ApproximateCreationDateTime"`
	}
	if json.Unmarshal(o["dynamodb"], &change) != nil || change.Seconds <= 0 || change.Seconds > lastSecond {
		return time.Time{}
	}
	return inUTC(time.Unix(int64(change.Seconds), 0))
}
