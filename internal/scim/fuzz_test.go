package scim_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"studiokeeper/internal/config"
	"studiokeeper/internal/directory"
	"studiokeeper/internal/provision"
	"studiokeeper/internal/scim"
)

// fixed answers every request with the same.
type fixed struct {
	status    int
	body      []byte
	requestID string
	after     string
	asked     int
}

// RoundTrip answers a request.
func (f *fixed) RoundTrip(r *http.Request) (*http.Response, error) {
	f.asked++
	header := http.Header{"X-Amzn-Requestid": {f.requestID}, "Retry-After": {f.after}, "Location": {"https://elsewhere.example/"}}
	return &http.Response{StatusCode: f.status, Header: header, Body: io.NopCloser(bytes.NewReader(f.body)), Request: r}, nil
}

const fuzzToken = "0b7e1d5c-secret"

// FuzzAnswer: whatever an endpoint answers, each call ends before long, an id is one
// that the answer gives, failure is never taken for success nor the words of a
// stranger for Identity Center's, and the token stays with us.
func FuzzAnswer(f *testing.F) {
	for _, body := range []string{``, `{}`, `null`, `[]`, `"x"`, `{"id":""}`, `{"id":7}`, `{"id":"u-1","externalId":"g-1"}`, `{"ID":"u-2"}`, `{"Resources":[{"id":"u-1","externalId":"g-1"}]}`, `{"Resources":{}}`,
		`{"detail":"` + fuzzToken + `","exceptionRequestId":"r"}`, `{"detail":7}`, `{"schemas":["urn:ietf:params:scim:api:messages:2.0:Error"],"status":"409","exceptionRequestId":"r"}`, "<html>", "{\"id\":\"\xff\"}"} {
		for _, status := range []int{200, 201, 204, 301, 400, 401, 404, 409, 429, 503} {
			f.Add(status, []byte(body), "", "7")
		}
		f.Add(409, []byte(body), "r-1", "Wed, 21 Oct 9999 07:28:00 GMT")
		f.Add(500, []byte(body), "\x00", "99999999999999999999")
	}
	f.Fuzz(func(t *testing.T, status int, body []byte, requestID, after string) {
		if status < 100 || status > 999 {
			t.Skip("no status of HTTP")
		}
		synctest.Test(t, func(t *testing.T) {
			answeredWith(t, &fixed{status: status, body: body, requestID: requestID, after: after})
		})
	})
}

func answeredWith(t *testing.T, answer *fixed) {
	began := time.Now()
	c := scim.New(config.SCIM{Endpoint: "https://scim.us-east-1.amazonaws.com/t/scim/v2/"}, fuzzToken, &http.Client{Transport: answer})
	id, err := c.CreateUser(context.Background(), directory.Person{UserName: "alice", ExternalID: "g-1"})
	if (err == nil) != (id != "") || err == nil && !gives(answer.body, id) {
		t.Errorf("%d %q makes the user %q, %v", answer.status, answer.body, id, err)
	}
	renamed := c.RenameGroup(context.Background(), "g", "n")
	deleted := c.DeleteUser(context.Background(), "u")
	for _, err := range []error{err, renamed, deleted} {
		answer.judge(t, err)
	}
	if success := answer.status >= 200 && answer.status < 300; (renamed == nil) != success && len(answer.body) <= 1<<20 {
		t.Errorf("%d: renaming says %v", answer.status, renamed)
	}
	if took := time.Since(began); took > 3*8*6*time.Minute || answer.asked > 3*8+8 {
		t.Errorf("%d requests, in %v", answer.asked, took)
	}
}

// judge fails when an error says what the answer does not.
func (f *fixed) judge(t *testing.T, err error) {
	t.Helper()
	if err == nil {
		return
	}
	if strings.Contains(err.Error(), fuzzToken) {
		t.Errorf("the token stands in %v", err)
	}
	if !strings.Contains(err.Error(), " over SCIM") {
		t.Errorf("%v does not say what was attempted", err)
	}
	if !f.identified() && (errors.Is(err, provision.ErrGone) || errors.Is(err, provision.ErrTaken)) {
		t.Errorf("%d %q without a request id is taken for Identity Center's: %v", f.status, f.body, err)
	}
}

// identified reports whether the answer has a request id, as Identity Center's have.
func (f *fixed) identified() bool {
	var object map[string]any
	_ = json.Unmarshal(f.body, &object) // what is no object has none
	for name := range object {
		if strings.EqualFold(name, "exceptionRequestId") {
			return true
		}
	}
	return f.requestID != ""
}

// gives reports whether an answer holds a text anywhere as a value.
func gives(body []byte, text string) bool {
	d := json.NewDecoder(bytes.NewReader(body))
	for {
		switch token, err := d.Token(); {
		case err != nil:
			return false
		case token == text:
			return true
		}
	}
}
