package event

import (
	"bytes"
	"encoding/json"
	"fmt"
)

// messageVersion is raised whenever an older function would misread a newer message.
const messageVersion = 1

// message is the value of "studiokeeper" in a message of our own.
type message struct {
	Version int `json:"version"`
	Look
}

// Message gives l as a message for our own queue: {"studiokeeper":{"version":1,"scope":"user",…}}.
// Parse gives l back, its trigger's time in UTC and without a year that JSON cannot hold, and never the
// word of a message that it came from a person.
func (l Look) Message() []byte {
	l.Trigger.Time, l.RowsAfter = inUTC(l.Trigger.Time), inUTC(l.RowsAfter)
	// Nothing but the time could refuse to be encoded.
	body, _ := json.Marshal(map[string]message{"studiokeeper": {messageVersion, l}})
	return body
}

// fromMessage reads our own message. It is strict, because a person writes the constant input of a
// schedule by hand: a misspelt field must not turn into a look at something else.
func fromMessage(raw json.RawMessage) ([]Look, error) {
	var head struct {
		Version int `json:"version"`
	}
	if err := json.Unmarshal(raw, &head); err != nil {
		return nil, fmt.Errorf("studiokeeper message: %.200s", err)
	}
	if head.Version != messageVersion {
		return nil, fmt.Errorf("studiokeeper message: version is %d, but this program reads version %d only: "+
			"it comes from another release, redrive it once the releases agree", head.Version, messageVersion)
	}
	var m message
	d := json.NewDecoder(bytes.NewReader(raw))
	d.DisallowUnknownFields()
	if err := d.Decode(&m); err != nil {
		return nil, fmt.Errorf("studiokeeper message: %.200s", err) // it quotes what it refuses, at any length
	}
	if err := m.check(); err != nil {
		return nil, fmt.Errorf("studiokeeper message: %w", err)
	}
	m.Trigger.Time, m.RowsAfter = inUTC(m.Trigger.Time), inUTC(m.RowsAfter)
	if m.Trigger.Source == SourcePerson {
		m.Trigger.Source = "" // it may be so, but a message is no proof of it
	}
	return []Look{m.Look}, nil
}
