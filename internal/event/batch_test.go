package event_test

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"studiokeeper/internal/event"
)

// outcome is what a function needs of a record to answer.
type outcome struct {
	ID       string
	Looks    []event.Look
	Err      string
	Received int
}

func outcomes(b event.Batch) []outcome {
	var all []outcome
	for _, r := range b.Records {
		o := outcome{ID: r.ID, Looks: withoutTrigger(r.Looks), Received: r.Received}
		if r.Err != nil {
			o.Err = r.Err.Error()
		}
		all = append(all, o)
	}
	return all
}

func TestABatchIsReadRecordByRecord(t *testing.T) {
	row := func(group string) []event.Look {
		return []event.Look{{Scope: event.Group, GroupName: group, Domain: "research"}}
	}
	ours := []event.Look{{Scope: event.Group, GroupID: groupID, Domain: "research", Sequence: 7}}
	for file, want := range map[string]struct {
		kind    event.Kind
		records []outcome
	}{
		"batch-sqs": {event.SQS, []outcome{
			{ID: "059f36b4-87a3-44ab-83d2-661975830a7d", Looks: userExpecting(userID, true), Received: 1},
			{ID: "2e1424d4-f796-459a-8184-9c92662be6da", Looks: ours, Received: 3},
		}},
		"batch-stream": {event.Stream, []outcome{
			{ID: "1405400000000002063282832", Looks: row("ad-group-1")},
			{ID: "1405400000000002063282833", Looks: row("groupId:" + groupID)},
		}},
		"okta-add-member": {event.Direct, []outcome{{Looks: userExpecting(userID, true)}}},
		"schedule-rule":   {event.Direct, []outcome{{Looks: everybody("")}}},
		"trail-file":      {event.Direct, []outcome{{Looks: userExpecting(userID, true)}, {}}},
	} {
		t.Run(file, func(t *testing.T) {
			got, err := event.ParseBatch(read(t, file))
			if err != nil {
				t.Fatal(err)
			}
			if got.Kind != want.kind {
				t.Errorf("kind is %s, want %s", got.Kind, want.kind)
			}
			if diff := cmp.Diff(want.records, outcomes(got)); diff != "" {
				t.Errorf("records (-want +got):\n%s", diff)
			}
		})
	}
}

func TestAStreamRecordIsDated(t *testing.T) {
	b, err := event.ParseBatch(read(t, "batch-stream"))
	if err != nil {
		t.Fatal(err)
	}
	want := event.Trigger{ID: "000000000000000000000000000450d1", Name: "REMOVE", Source: "aws:dynamodb",
		Time: time.Unix(1772442931, 0).UTC()}
	got := b.Records[1].Looks[0].Trigger
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("trigger (-want +got):\n%s", diff)
	}
}

// sqsRecord writes a record around a body, as SQS does.
func sqsRecord(id, body string) string {
	quoted, _ := json.Marshal(body)
	return `{"eventSource":"aws:sqs","messageId":"` + id + `","body":` + string(quoted) + `,"attributes":{"ApproximateReceiveCount":"2"}}`
}

func TestAMalformedMessageNeverStopsItsNeighbours(t *testing.T) {
	good := record("sso-directory", "UpdateUser", `{"userId":"u1"}`)
	ok := outcome{ID: "good", Looks: user("", "u1"), Received: 2}
	for name, row := range map[string]struct {
		bad  string
		want outcome
	}{
		"a truncated body":  {sqsRecord("m1", good[:40]), outcome{"m1", nil, "event: it is not JSON (40 bytes): unexpected end of JSON input", 2}},
		"a megabyte":        {sqsRecord("m1", strings.Repeat("x", 1<<20)), outcome{"m1", nil, "event: it is not JSON (1048576 bytes): invalid character 'x' looking for beginning of value", 2}},
		"an empty body":     {sqsRecord("m1", ""), outcome{"m1", nil, "SQS record m1: body is missing", 2}},
		"a body too deep":   {sqsRecord("m1", strings.Repeat("[", 20000)), outcome{"m1", nil, "event: it is not JSON (20000 bytes): invalid character '[' exceeded max depth", 2}},
		"a body as object":  {`{"eventSource":"aws:sqs","messageId":"m1","body":{}}`, outcome{"m1", nil, "SQS record m1: body is an object, want a string", 0}},
		"no message id":     {`{"eventSource":"aws:sqs","body":"{}"}`, outcome{"", nil, "SQS record: messageId is missing", 0}},
		"a record as text":  {`"hello"`, outcome{"", nil, "SQS record: it is a string, want a JSON object", 0}},
		"a null record":     {`null`, outcome{"", nil, "SQS record: it is null, want a JSON object", 0}},
		"invalid UTF-8":     {strings.Replace(sqsRecord("m1", `{"eventSource":"?"}`), "?", "\xff", 1), outcome{"m1", nil, "SQS record m1: it holds bytes that are not UTF-8", 2}},
		"a count in digits": {`{"messageId":"m1","body":"{","attributes":{"ApproximateReceiveCount":3}}`, outcome{"m1", nil, "event: it is not JSON (1 bytes): unexpected end of JSON input", 0}},
		"a doubled message": {sqsRecord("good", good), ok},
	} {
		t.Run(name, func(t *testing.T) {
			payload := `{"Records":[` + row.bad + `,` + sqsRecord("good", good) + `]}`
			b, err := event.ParseBatch([]byte(payload))
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff([]outcome{row.want, ok}, outcomes(b)); diff != "" {
				t.Errorf("records (-want +got):\n%s", diff)
			}
		})
	}
}

func streamRecord(sequence, keys string) string {
	return `{"eventSource":"aws:dynamodb","eventName":"MODIFY","dynamodb":{"SequenceNumber":"` + sequence + `","Keys":` + keys + `}}`
}

func TestAMalformedRowNeverStopsItsNeighbours(t *testing.T) {
	good := streamRecord("2", `{"group":{"S":"R&D (ML)"},"domain":{"S":"research"}}`)
	for name, row := range map[string]struct {
		bad  string
		want outcome
	}{
		"another table":        {streamRecord("1", `{"pk":{"S":"x"},"sk":{"S":"y"}}`), outcome{ID: "1", Err: "stream record 1: dynamodb.Keys.group.S is missing"}},
		"no domain":            {streamRecord("1", `{"group":{"S":"x"}}`), outcome{ID: "1", Err: "stream record 1: dynamodb.Keys.domain.S is missing"}},
		"a number as key":      {streamRecord("1", `{"group":{"N":"1"},"domain":{"S":"x"}}`), outcome{ID: "1", Err: "stream record 1: dynamodb.Keys.group.S is missing"}},
		"keys of another type": {streamRecord("1", `[]`), outcome{ID: "1", Err: "stream record 1: dynamodb.Keys is an array, want an object"}},
		"an escape sequence":   {streamRecord("1", `{"group":{"S":"\u001b]0;x"},"domain":{"S":"x"}}`), outcome{ID: "1", Err: "stream record 1: groupName holds a control character"}},
		"a record as number":   {`7`, outcome{Err: "stream record: it is a number, want a JSON object"}},
		"no sequence number": {`{"dynamodb":{"Keys":{"group":{"S":"x"},"domain":{"S":"y"}}}}`,
			outcome{Err: "stream record without a sequence number: dynamodb.SequenceNumber is missing"}},
	} {
		t.Run(name, func(t *testing.T) {
			b, err := event.ParseBatch([]byte(`{"Records":[` + row.bad + `,` + good + `]}`))
			if err != nil {
				t.Fatal(err)
			}
			ok := outcome{ID: "2", Looks: []event.Look{{Scope: event.Group, GroupName: "R&D (ML)", Domain: "research"}}}
			if diff := cmp.Diff([]outcome{row.want, ok}, outcomes(b)); diff != "" {
				t.Errorf("records (-want +got):\n%s", diff)
			}
		})
	}
}

func TestAMalformedDirectEventIsOneBadRecord(t *testing.T) {
	b, err := event.ParseBatch([]byte(`{"hello":"world"}`))
	if err != nil {
		t.Fatal(err)
	}
	if b.Kind != event.Direct || len(b.Records) != 1 || b.Records[0].Err == nil {
		t.Errorf("got %+v, want one direct record with an error", b)
	}
}

func TestAnEmptyBatchIsNoError(t *testing.T) {
	b, err := event.ParseBatch([]byte(`{"Records":[]}`))
	if err != nil || b.Kind != event.SQS || len(b.Records) != 0 {
		t.Errorf("got %+v, %v; want an empty batch of SQS", b, err)
	}
}

func TestPayloadsThatCannotBeRead(t *testing.T) {
	const source = "payload: no record has an eventSource of aws:sqs, aws:dynamodb or a CloudTrail record: check what invokes the function"
	for name, row := range map[string]struct{ payload, want string }{
		"nothing":                 {"", "payload: it is empty"},
		"an array":                {"[]", "payload: it is an array, want a JSON object"},
		"truncated":               {`{"Records":[`, "payload: it is not JSON (12 bytes): unexpected end of JSON input"},
		"records that are a text": {`{"Records":"x"}`, "payload: Records is a string, want an array"},
		"records of S3":           {`{"Records":[{"eventSource":"aws:s3"}]}`, source},
		"records of nobody":       {`{"Records":[1,{"eventSource":2},null]}`, source},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := event.ParseBatch([]byte(row.payload))
			if err == nil {
				t.Fatal("no error")
			}
			if diff := cmp.Diff(row.want, err.Error()); diff != "" {
				t.Errorf("error (-want +got):\n%s", diff)
			}
		})
	}
}
