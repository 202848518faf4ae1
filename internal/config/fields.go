package config

import (
	"slices"
	"strings"

	"studiokeeper/internal/studio"
)

// fields reads an object key by key and remembers which keys were asked for:
// what was written beyond them is unknown.
type fields struct {
	node
	known []string
}

// object reads the value as an object. A key that is not written reads as an
// object without keys, so that every default applies.
func (n node) object() *fields {
	n.is(object)
	return &fields{node: n}
}

// get is the value of a key that may be left out.
func (f *fields) get(key string) node {
	if !slices.Contains(f.known, key) {
		f.known = append(f.known, key)
	}
	child := node{reader: f.reader, path: join(f.path, key)}
	if f.tree == nil {
		return child
	}
	for _, e := range f.tree.entries {
		if e.key == key {
			child.tree = e.value
		}
	}
	return child
}

// need is the value of a key that must be written, once its object is.
func (f *fields) need(key, what string) node {
	n := f.get(key)
	if n.tree == nil && f.tree != nil && f.tree.kind == object {
		f.note(f.tree.line, f.tree.column, n.path, "is missing (%s)", what)
	}
	return n
}

// end notes every key that was not asked for.
func (f *fields) end() {
	if f.tree == nil {
		return
	}
	for _, e := range f.tree.entries {
		if slices.Contains(f.known, e.key) {
			continue
		}
		hint := didYouMean(e.key, f.known)
		if hint == "" {
			hint = " (known here: " + strings.Join(f.known, ", ") + ")"
		}
		f.note(e.line, e.column, join(f.path, e.key), "there is no such key%s", hint)
	}
}

// didYouMean is a hint at the word that was probably meant, or "".
func didYouMean(got string, words []string) string {
	if nearest := studio.Nearest(got, words); nearest != "" {
		return " (did you mean " + nearest + "?)"
	}
	return ""
}

// orList is "a, b or c".
func orList(words []string) string {
	last := len(words) - 1
	if last == 0 {
		return words[0]
	}
	return strings.Join(words[:last], ", ") + " or " + words[last]
}
