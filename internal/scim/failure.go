package scim

import (
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	"studiokeeper/internal/provision"
)

// failure is an attempt that came to nothing: an answer that is no success, or no
// answer at all.
type failure struct {
	status    int
	detail    string // the endpoint's words
	requestID string
	after     time.Duration // as asked for with Retry-After
	cause     error         // why there is no answer
}

// lost tells whether the request may have been carried out all the same.
func (f *failure) lost() bool { return f.status == 0 || f.status >= http.StatusInternalServerError }

// passing tells whether another attempt may fare better.
func (f *failure) passing() bool {
	if f.status != 0 {
		return f.status == http.StatusTooManyRequests || f.status >= http.StatusInternalServerError
	}
	_, distrusted := errors.AsType[*tls.CertificateVerificationError](f.cause)
	return !distrusted
}

// Unwrap is what a provision.Writer says of it. Only Identity Center can say that
// something is taken or gone: its answers have a request id, and a proxy's do not.
func (f *failure) Unwrap() error {
	switch {
	case f.status == http.StatusConflict && f.requestID != "":
		return provision.ErrTaken
	case f.status == http.StatusNotFound && f.requestID != "":
		return provision.ErrGone
	}
	return f.cause
}

// Error says what came back and what to do about it.
func (f *failure) Error() string {
	said := f.said()
	switch {
	case f.cause != nil:
		return fmt.Sprintf("no answer: %v; is directory.scim.endpoint right, and can it be reached from here?", f.cause)
	case f.status == http.StatusUnauthorized:
		return said + ": the access token is over (it lives for a year at most), was deleted, or belongs to another endpoint; make a new one in IAM Identity Center under Settings, Automatic provisioning, and put it where directory.scim.token refers to"
	case f.status == http.StatusForbidden:
		return said + ": the endpoint does not permit it; the identity source has to be an external identity provider, with automatic provisioning enabled"
	case f.status == http.StatusTooManyRequests:
		return said + ": other requests use up Identity Center's rate; run it again later, it goes on from here"
	case f.status >= http.StatusInternalServerError:
		return said + ": Identity Center failed; run it again later, it goes on from here"
	case f.status >= http.StatusMultipleChoices && f.status < http.StatusBadRequest:
		return said + ": a redirect, which is not followed; directory.scim.endpoint has to be Identity Center's own"
	case f.requestID == "":
		return said + ", and not Identity Center's: is directory.scim.endpoint right, and is there a proxy in between?"
	case f.status == http.StatusConflict:
		return said + ": the name, the e-mail address or the external id is somebody's already"
	case f.status == http.StatusNotFound:
		return said + ": the identity store has no such user or group"
	}
	return said + ": errorMessage of that request's CloudTrail record (eventSource identitystore-scim.amazonaws.com) says which attribute is wrong"
}

// said quotes the answer.
func (f *failure) said() string {
	text := fmt.Sprintf("the answer was %d", f.status)
	if f.detail != "" {
		text += fmt.Sprintf(" %q", f.detail)
	}
	if f.requestID != "" {
		text += fmt.Sprintf(" (request %q)", f.requestID)
	}
	return text
}

// failureOf reads an answer that is no success. The token never leaves with it,
// should the endpoint repeat it.
func (c *Client) failureOf(reply *http.Response, body []byte) *failure {
	var told struct{ Detail, ExceptionRequestID string }
	_ = json.Unmarshal(body, &told) // what is no SCIM has no detail
	if told.ExceptionRequestID == "" {
		told.ExceptionRequestID = reply.Header.Get("X-Amzn-Requestid")
	}
	clean := func(text string) string {
		text = strings.ReplaceAll(text, c.token(), "[token]")
		return string([]rune(text)[:min(300, len([]rune(text)))])
	}
	return &failure{
		status: reply.StatusCode, detail: clean(told.Detail), requestID: clean(told.ExceptionRequestID),
		after: retryAfter(reply.Header.Get("Retry-After")),
	}
}

// retryAfter reads seconds or a date; 0 is anything else.
func retryAfter(value string) time.Duration {
	if seconds, err := strconv.Atoi(value); err == nil && seconds > 0 {
		return time.Duration(min(seconds, int(longestAsked/time.Second))) * time.Second
	}
	if at, err := http.ParseTime(value); err == nil {
		return max(0, time.Until(at))
	}
	return 0
}
