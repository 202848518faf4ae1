package event

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"
	"unicode/utf8"
)

// object is a JSON object whose members are decoded only when asked for: a field nobody needs may have
// any type, and names are matched exactly, which encoding/json does not do for structs.
type object map[string]json.RawMessage

// errNotUTF8 is told apart from other JSON errors because encoding/json would silently replace the bytes.
var errNotUTF8 = errors.New("it holds bytes that are not UTF-8")

// decode reads one JSON object and refuses invalid UTF-8.
func decode(body []byte) (object, error) {
	if !utf8.Valid(body) {
		return nil, errNotUTF8
	}
	return decodeLoose(body)
}

// decodeLoose reads one JSON object; invalid UTF-8 is left to whoever decodes its members.
func decodeLoose(body []byte) (object, error) {
	body = bytes.TrimSpace(body)
	if len(body) == 0 {
		return nil, errors.New("it is empty")
	}
	var o object
	if err := json.Unmarshal(body, &o); err != nil {
		return nil, notObject(body, err)
	}
	if o == nil {
		return nil, errors.New("it is null, want a JSON object")
	}
	return o, nil
}

func notObject(body []byte, err error) error {
	var wrong *json.UnmarshalTypeError
	if errors.As(err, &wrong) {
		return fmt.Errorf("it is %s, want a JSON object", kindOf(body))
	}
	return fmt.Errorf("it is not JSON (%d bytes): %w", len(body), err)
}

// typeError says that a value has another JSON type than the one needed.
type typeError struct {
	path, want string
	raw        json.RawMessage
}

func (e *typeError) Error() string {
	return fmt.Sprintf("%s is %s, want %s", e.path, kindOf(e.raw), e.want)
}

// text returns the string at a dotted path; "" when it, or anything on the way, is absent or null.
func (o object) text(path string) (string, error) {
	names := strings.Split(path, ".")
	for i, name := range names[:len(names)-1] {
		raw := o[name]
		if absent(raw) {
			return "", nil
		}
		o = nil
		if json.Unmarshal(raw, &o) != nil {
			return "", &typeError{strings.Join(names[:i+1], "."), "an object", raw}
		}
	}
	raw := o[names[len(names)-1]]
	if absent(raw) {
		return "", nil
	}
	var s string
	if json.Unmarshal(raw, &s) != nil {
		return "", &typeError{path, "a string", raw}
	}
	return s, nil
}

// label returns the string at path when it is fit for a journal line, "" otherwise.
func (o object) label(path string) string {
	s, err := o.text(path)
	if err != nil || checkLabel(path, s) != nil {
		return ""
	}
	return s
}

// moment returns the RFC 3339 time at path, the zero time when there is none.
func (o object) moment(path string) time.Time {
	s, _ := o.text(path)
	t, err := time.Parse(time.RFC3339, s)
	if err != nil {
		return time.Time{}
	}
	return inUTC(t)
}

// inUTC gives t as it can be written to JSON and read back the same; the zero time when it cannot.
func inUTC(t time.Time) time.Time {
	t = t.Round(0).UTC()
	if t.Year() < 1 || t.Year() > 9999 {
		return time.Time{}
	}
	return t
}

func absent(raw json.RawMessage) bool {
	return len(raw) == 0 || string(raw) == "null"
}

// kindOf names the JSON type of raw, as error messages put it.
func kindOf(raw []byte) string {
	if len(raw) == 0 {
		return "absent"
	}
	switch raw[0] {
	case '{':
		return "an object"
	case '[':
		return "an array"
	case '"':
		return "a string"
	case 't', 'f':
		return "a boolean"
	case 'n':
		return "null"
	case '-', '0', '1', '2', '3', '4', '5', '6', '7', '8', '9':
		return "a number"
	}
	return "not JSON"
}
