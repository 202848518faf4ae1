package event_test

import (
	"bytes"
	"strings"
	"testing"

	"studiokeeper/internal/event"
)

func TestBodiesThatAreNoEvents(t *testing.T) {
	const unknown = "event: it has no detail-type, eventSource or studiokeeper: " +
		"neither an EventBridge event nor a CloudTrail record nor a message of studiokeeper"
	for name, row := range map[string]struct{ body, want string }{
		"nothing":              {"", "event: it is empty"},
		"only spaces":          {" \n\t", "event: it is empty"},
		"null":                 {"null", "event: it is null, want a JSON object"},
		"an array":             {"[{}]", "event: it is an array, want a JSON object"},
		"a string":             {`"{}"`, "event: it is a string, want a JSON object"},
		"a number":             {"-1e9", "event: it is a number, want a JSON object"},
		"an empty object":      {"{}", unknown},
		"names in other cases": {`{"EventSource":"sso-directory.amazonaws.com","EVENTNAME":"AddMemberToGroup"}`, unknown},
		"invalid UTF-8":        {"{\"eventSource\":\"\xff\xfe\"}", "event: it holds bytes that are not UTF-8"},
		"truncated":            {`{"eventSource":"sso-dir`, "event: it is not JSON (23 bytes): unexpected end of JSON input"},
		"two events":           {`{"eventSource":"a"}{}`, "event: it is not JSON (21 bytes): invalid character '{' after top-level value"},
		"an envelope without detail": {`{"detail-type":"AWS API Call via CloudTrail","id":"e1","source":"aws.sso-directory"}`,
			"event e1 AWS API Call via CloudTrail (aws.sso-directory): detail is absent, want a CloudTrail record"},
		"an envelope with another detail": {`{"detail-type":"AWS API Call via CloudTrail","id":"e1","source":"aws.sso-directory","detail":"x"}`,
			"event e1 AWS API Call via CloudTrail (aws.sso-directory): detail is a string, want a CloudTrail record"},
		"an envelope with an empty detail": {`{"detail-type":"AWS API Call via CloudTrail","detail":{}}`,
			"CloudTrail record: eventSource is missing"},
		"a detail-type of the wrong type": {`{"detail-type":3,"id":"e1"}`, "EventBridge event e1: detail-type is a number, want a string"},
		"a schedule whose detail is a list": {`{"detail-type":"Scheduled Event","source":"aws.events","id":"e1","detail":[1]}`,
			"event e1 Scheduled Event (aws.events): detail is an array, want an object"},
		"a schedule whose detail is prose": {`{"detail-type":"Scheduled Event","source":"aws.scheduler","id":"e1","detail":"soon"}`,
			"event e1 Scheduled Event (aws.scheduler): detail is not JSON, want an object"},
		"a schedule that is deep in words": {`{"detail-type":"Scheduled Event","source":"aws.events","id":"e1","detail":{"deep":"yes"}}`,
			"event e1 Scheduled Event (aws.events): detail.deep is a string, want a boolean"},
	} {
		t.Run(name, func(t *testing.T) { wantError(t, row.body, row.want) })
	}
}

func TestAScheduleMayHaveNoDetail(t *testing.T) {
	for name, detail := range map[string]string{
		"null": `null`, "an empty string": `""`, "a null deep": `{"deep":null}`, "something else": `{"other":1}`,
	} {
		t.Run(name, func(t *testing.T) {
			looks, err := event.Parse([]byte(`{"detail-type":"Scheduled Event","source":"aws.events","detail":` + detail + `}`))
			if err != nil || len(looks) != 1 || looks[0].Scope != event.Everybody || looks[0].Deep {
				t.Errorf("got %v, %v; want everybody, not deep", looks, err)
			}
		})
	}
}

func TestAScheduleOfSomebodyElseIsIgnored(t *testing.T) {
	looks, err := event.Parse([]byte(`{"detail-type":"Scheduled Event","source":"my.own","detail":{}}`))
	if err != nil || len(looks) != 0 {
		t.Errorf("got %v, %v; want nothing", looks, err)
	}
}

// An error goes to logs and to the dead letters' reader, so it must stay short whatever came in.
func TestHugeNonsenseIsAShortError(t *testing.T) {
	const size = 1 << 20
	for name, body := range map[string][]byte{
		"letters":                  bytes.Repeat([]byte("x"), size),
		"zero bytes":               make([]byte, size),
		"open brackets":            bytes.Repeat([]byte("["), size),
		"objects in objects":       bytes.Repeat([]byte(`{"detail":`), size/10),
		"a source without an end":  []byte(`{"eventSource":"` + strings.Repeat("a", size)),
		"a source without a name":  []byte(`{"eventSource":"` + strings.Repeat("a", size) + `"}`),
		"a huge id":                []byte(record("sso-directory", "EnableUser", `{"userId":"`+strings.Repeat("a", size)+`"}`)),
		"a huge envelope id":       []byte(`{"detail-type":7,"id":"` + strings.Repeat("a", size) + `"}`),
		"a huge scope":             []byte(`{"studiokeeper":{"version":1,"scope":"` + strings.Repeat("a", size) + `"}}`),
		"a huge field of our own":  []byte(`{"studiokeeper":{"version":1,"` + strings.Repeat("a", size) + `":1}}`),
		"a huge time of our own":   []byte(`{"studiokeeper":{"version":1,"scope":"everybody","trigger":{"time":"` + strings.Repeat("a", size) + `"}}}`),
		"a huge trigger":           []byte(`{"studiokeeper":{"version":1,"scope":"everybody","trigger":{"id":"` + strings.Repeat("a", size) + `"}}}`),
		"a huge group name":        []byte(`{"studiokeeper":{"version":1,"scope":"group","groupName":"` + strings.Repeat("a", size) + `"}}`),
		"a deep nest in our own":   []byte(`{"studiokeeper":` + strings.Repeat("[", 9000) + strings.Repeat("]", 9000) + `}`),
		"a deep nest as parameter": []byte(record("sso-directory", "EnableUser", strings.Repeat("[", 9000)+strings.Repeat("]", 9000))),
	} {
		t.Run(name, func(t *testing.T) {
			looks, err := event.Parse(body)
			if err == nil || len(looks) != 0 {
				t.Fatalf("got %d looks, %v; want an error alone", len(looks), err)
			}
			if len(err.Error()) > 400 {
				t.Errorf("the error has %d bytes: %.200s", len(err.Error()), err)
			}
		})
	}
}
