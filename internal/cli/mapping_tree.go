package cli

import (
	"fmt"
	"strings"
)

// place is a position in a file, both from 1; columns are counted in characters.
type place struct{ line, column int }

// treeKind is what a value of a YAML or JSON file is, in words.
type treeKind string

const (
	textKind   treeKind = "text"
	numberKind treeKind = "a number"
	truthKind  treeKind = "true or false"
	emptyKind  treeKind = "nothing"
	listKind   treeKind = "a list"
	objectKind treeKind = "an object"
)

// maxTreeDepth bounds nesting; UserSettings need about ten.
const maxTreeDepth = 64

// fileTree is a value of a file with its position: what YAML and JSON have in common.
type fileTree struct {
	kind   treeKind
	at     place
	scalar string // of text, number and truth
	items  []*fileTree
	fields []treeField
}

type treeField struct {
	key   string
	at    place
	value *fileTree
}

// field finds a key; nil when it is not written.
func (t *fileTree) field(key string) *fileTree {
	for _, f := range t.fields {
		if f.key == key {
			return f.value
		}
	}
	return nil
}

// add puts a field into an object, unless its key is there already.
func (t *fileTree) add(f treeField) error {
	for _, other := range t.fields {
		if other.key == f.key {
			return fmt.Errorf("%q is written twice, first in line %d", f.key, other.at.line)
		}
	}
	t.fields = append(t.fields, f)
	return nil
}

// json writes the value as JSON; numbers stay as they are written.
func (t *fileTree) json() string {
	var b strings.Builder
	t.writeJSON(&b)
	return b.String()
}

func (t *fileTree) writeJSON(b *strings.Builder) {
	switch t.kind {
	case objectKind:
		for i, f := range t.fields {
			b.WriteString(separator(i, "{"))
			b.WriteString(quoteJSON(f.key) + ":")
			f.value.writeJSON(b)
		}
		b.WriteString(ending(len(t.fields), "{", "}"))
	case listKind:
		for i, item := range t.items {
			b.WriteString(separator(i, "["))
			item.writeJSON(b)
		}
		b.WriteString(ending(len(t.items), "[", "]"))
	case textKind:
		b.WriteString(quoteJSON(t.scalar))
	case numberKind, truthKind:
		b.WriteString(t.scalar)
	default:
		b.WriteString("null")
	}
}

func separator(i int, open string) string {
	if i == 0 {
		return open
	}
	return ","
}

func ending(n int, open, end string) string {
	if n == 0 {
		return open + end
	}
	return end
}
