package config

import (
	"encoding/json"
	"strings"

	"studiokeeper/internal/studio"
)

// maxSettings bounds one row's settings in bytes; aliases could otherwise
// unfold to any size.
const maxSettings = 64 << 10

// settings reads UserSettings as YAML says them: text stays text and numbers
// stay numbers. The schema is SageMaker's and is checked where its types are.
func (m *mapping) settings(n node) studio.Settings {
	if !n.is(object) {
		return ""
	}
	w := &jsonWriter{mapping: m}
	if !w.value(n) {
		return ""
	}
	s, err := studio.ParseSettings([]byte(w.String()))
	if err != nil {
		n.wrong("%s", strings.TrimPrefix(err.Error(), "settings: "))
	}
	return s
}

// jsonWriter writes a node as JSON.
type jsonWriter struct {
	strings.Builder
	mapping *mapping
	full    bool
}

// value writes the node; false means that something is wrong and noted.
func (w *jsonWriter) value(n node) bool {
	if w.full {
		return false
	}
	if w.Len() > maxSettings {
		w.full = true
		n.wrong("the settings are larger than %d KiB", maxSettings>>10)
		return false
	}
	switch n.tree.kind {
	case object:
		return w.object(n)
	case list:
		return w.list(n)
	case text:
		s, ok := n.interpolated()
		w.mapping.checkInside(n, s)
		w.marshal(s)
		return ok
	case number:
		return w.number(n)
	case truth:
		w.WriteString(strings.ToLower(n.tree.scalar))
		return true
	case empty:
		n.wrong("has no value (leave the key out, or write [] to reset a list)")
	}
	return false
}

func (w *jsonWriter) object(n node) bool {
	ok := true
	w.WriteByte('{')
	for i, e := range n.tree.entries {
		if i > 0 {
			w.WriteByte(',')
		}
		w.marshal(e.key)
		w.WriteByte(':')
		ok = w.value(node{n.reader, join(n.path, e.key), e.value}) && ok
	}
	w.WriteByte('}')
	return ok
}

func (w *jsonWriter) list(n node) bool {
	ok := true
	w.WriteByte('[')
	for i, item := range n.items() {
		if i > 0 {
			w.WriteByte(',')
		}
		ok = w.value(item) && ok
	}
	w.WriteByte(']')
	return ok
}

func (w *jsonWriter) number(n node) bool {
	if !json.Valid([]byte(n.tree.scalar)) {
		n.wrong("%s is not a number in JSON (write it in plain decimal, or in quotes to make it text)", n.tree.scalar)
		return false
	}
	w.WriteString(n.tree.scalar)
	return true
}

func (w *jsonWriter) marshal(s string) {
	quoted, _ := json.Marshal(s) // text always marshals
	w.Write(quoted)
}

// checkInside holds roles within settings to the same fence as the rows'
// own: Canvas, EMR and others take role ARNs. While mapping.roles is
// left to its default the check waits until every rule is read.
func (m *mapping) checkInside(n node, s string) {
	if !strings.Contains(s, ":iam::") || !strings.Contains(s, ":role/") {
		return
	}
	m.inside = append(m.inside, insideRole{n, strings.TrimSpace(s)})
}

// insideRole is a role ARN found within settings.
type insideRole struct {
	node node
	arn  string
}

// fence judges the roles within settings, unless mapping.roles is broken
// itself.
func (m *mapping) fence() {
	if m.roles.given() && !m.fenced || !m.roles.given() && !m.whole {
		return
	}
	for _, r := range m.inside {
		if !m.allows(r.arn) {
			r.node.wrong("the role %s within settings is not within mapping.roles (add it there, or take it out)", r.arn)
		}
	}
}
