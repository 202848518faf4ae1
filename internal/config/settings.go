package config

import (
	"encoding/json"
	"strconv"
	"strings"

	"studiokeeper/internal/studio"
)

// maxSettings bounds one row's settings in bytes; aliases could otherwise
// unfold to any size.
const maxSettings = 64 << 10

// settings reads UserSettings as YAML says them, text staying text and numbers
// staying numbers, and holds them to SageMaker's schema.
func (m *mapping) settings(n node) studio.Settings {
	if !n.is(object) {
		return ""
	}
	w := &jsonWriter{what: "the settings"}
	if !w.value(n) {
		return ""
	}
	written := studio.Settings(w.String()) // not canonical yet, which the checks do not ask for
	problems := studio.CheckSettings(written)
	for _, p := range problems {
		at := n.locate(p.Path)
		n.note(at.keyLine, at.keyColumn, at.path, "%s", p.Text)
	}
	for _, r := range written.Roles() {
		m.inside = append(m.inside, insideRole{n.locate(r.Path).node, r.ARN})
	}
	s, err := studio.ParseSettings([]byte(written))
	if err != nil && len(problems) == 0 {
		n.wrong("%s", strings.TrimPrefix(err.Error(), "settings: "))
	}
	return s
}

// located is a value found inside another.
type located struct {
	node
	keyLine, keyColumn int // of its key; of the value itself in a list
}

// locate finds what the path, spelled as join and index do, leads to; the
// value itself when an odd key leads nowhere.
func (n node) locate(path string) located {
	if found := n.find(path); found.given() {
		return found
	}
	return located{n, n.tree.line, n.tree.column}
}

// find tries every key that the path may begin with: a key may hold dots and
// brackets itself.
func (n node) find(path string) located {
	for _, e := range n.tree.entries {
		rest, ok := strings.CutPrefix(path, e.key)
		if !ok {
			continue
		}
		child := located{node{n.reader, join(n.path, e.key), e.value}, e.line, e.column}
		if found := child.below(rest); found.given() {
			return found
		}
	}
	digits, rest, _ := strings.Cut(strings.TrimPrefix(path, "["), "]")
	i, err := strconv.Atoi(digits)
	if err != nil || i < 0 || i >= len(n.tree.items) || !strings.HasPrefix(path, "[") {
		return located{}
	}
	item := n.tree.items[i]
	return located{node{n.reader, index(n.path, i), item}, item.line, item.column}.below(rest)
}

// below is what the rest of a path leads to: the value itself at its end.
func (l located) below(rest string) located {
	switch {
	case rest == "":
		return l
	case rest[0] == '.' || rest[0] == '[':
		return l.find(strings.TrimPrefix(rest, "."))
	}
	return located{}
}

// jsonWriter writes a node as JSON.
type jsonWriter struct {
	strings.Builder
	what string
	full bool
}

// value writes the node; false means that something is wrong and noted.
func (w *jsonWriter) value(n node) bool {
	if w.full {
		return false
	}
	if w.Len() > maxSettings {
		w.full = true
		n.wrong("what %s says is larger than %d KiB", w.what, maxSettings>>10)
		return false
	}
	switch n.tree.kind {
	case object:
		return w.object(n)
	case list:
		return w.list(n)
	case text:
		s, ok := n.interpolated()
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

// insideRole is a role ARN found within settings.
type insideRole struct {
	node node
	arn  string
}

// fence holds the roles within settings to what the rows' own are held to:
// Canvas, EMR and others take role ARNs. It waits until every rule is read,
// whose roles are the fence when mapping.roles is not written, and judges
// nothing when those are broken.
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
