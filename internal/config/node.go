package config

import (
	"fmt"
	"math"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/goccy/go-yaml/token"
)

// reader collects what is wrong while a configuration is read: reading goes
// on after a problem, so that one run shows them all.
type reader struct {
	file     string
	lines    []string
	env      func(string) (string, bool)
	problems Errors
	warnings []string
}

func (r *reader) note(line, column int, path, format string, args ...any) {
	r.problems = append(r.problems, r.problem(line, column, path, format, args...))
}

func (r *reader) noteAt(t *token.Token, path, format string, args ...any) {
	line, column := r.place(t)
	r.note(line, column, path, format, args...)
}

func (r *reader) problem(line, column int, path, format string, args ...any) Problem {
	return Problem{File: r.file, Line: line, Column: column, Path: path, Text: fmt.Sprintf(format, args...)}
}

// place keeps the parser's positions inside the file: the first line of a
// block scalar, for one, is reported at column 0.
func (r *reader) place(t *token.Token) (line, column int) {
	if t == nil || t.Position == nil {
		return 1, 1
	}
	line = min(max(t.Position.Line, 1), len(r.lines))
	end := utf8.RuneCountInString(r.lines[line-1]) + 1
	return line, min(max(t.Position.Column, 1), end)
}

// node is a value on its way into the Config: a tree at a path. The typed
// accessors note what is wrong with the value and answer the default.
type node struct {
	*reader
	path string
	tree *tree // nil: the key is not written
}

func (n node) given() bool { return n.tree != nil }

// wrong notes a problem at the value.
func (n node) wrong(format string, args ...any) {
	n.note(n.tree.line, n.tree.column, n.path, format, args...)
}

// warn notes a recommendation at the value.
func (n node) warn(format string, args ...any) {
	p := n.problem(n.tree.line, n.tree.column, n.path, format, args...)
	n.warnings = append(n.warnings, p.String())
}

// where is the value's position, for texts about two places.
func (n node) where() string {
	return fmt.Sprintf("line %d", n.tree.line)
}

// source is the value's place and path, for people who look for a row.
func (n node) source() string {
	return fmt.Sprintf("%s:%d:%d (%s)", n.file, n.tree.line, n.tree.column, n.path)
}

// holds reports whether something other than an empty list is written.
func (n node) holds() bool {
	return n.given() && (n.tree.kind != list || len(n.tree.items) > 0)
}

// is reports whether the value is written and of the wanted kind, and notes
// when it is another.
func (n node) is(want kind) bool {
	switch {
	case n.tree == nil || n.tree.kind == "":
		return false
	case n.tree.kind == want:
		return true
	case n.tree.kind == empty:
		n.wrong("has no value (give %s, or leave the key out)", want)
	case want == text && (n.tree.kind == number || n.tree.kind == truth):
		n.wrong(`want text, found %s, which YAML reads as %s (put it in quotes: "%s")`, n.tree.scalar, n.tree.kind, n.tree.scalar)
	default:
		n.wrong("want %s, found %s%s", want, n.tree.kind, howTo(want))
	}
	return false
}

// howTo is how a kind of value is written.
func howTo(want kind) string {
	switch want {
	case number:
		return " (write digits, without quotes)"
	case list:
		return " (write [a, b], or each value on its own line after a dash)"
	case object:
		return " (write keys with their values below it, or {key: value})"
	}
	return ""
}

// items are the values of a list.
func (n node) items() []node {
	if !n.is(list) {
		return nil
	}
	nodes := make([]node, len(n.tree.items))
	for i, t := range n.tree.items {
		nodes[i] = node{n.reader, index(n.path, i), t}
	}
	return nodes
}

// text is the interpolated text, not empty and on one line; ok tells whether
// there is one.
func (n node) text() (s string, ok bool) {
	if !n.is(text) {
		return "", false
	}
	s, ok = n.interpolated()
	switch {
	case !ok:
	case strings.TrimSpace(s) == "":
		n.wrong("is empty (give text, or leave the key out)")
		return "", false
	case strings.ContainsFunc(s, unicode.IsControl):
		n.wrong("holds a line break or another control character (write it on one line)")
		return "", false
	}
	return s, ok
}

// form is a spelling that a value must have.
type form struct {
	pattern func() *regexp.Regexp
	looks   string // completes "want …"
	most    int    // characters; 0 where the pattern bounds them
}

// lazily compiles a pattern when it is first used: a function that is starting
// compiles none.
func lazily(pattern string) func() *regexp.Regexp {
	return sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(pattern) })
}

func spelled(pattern, looks string) form {
	return form{pattern: lazily(pattern), looks: looks}
}

func (f form) atMost(characters int) form {
	f.most = characters
	return f
}

// match is the text when it has the form.
func (n node) match(f form) string {
	s, ok := n.text()
	switch length := utf8.RuneCountInString(s); {
	case !ok:
	case !f.pattern().MatchString(s):
		n.wrong("want %s, found %q", f.looks, s)
	case f.most > 0 && length > f.most:
		n.wrong("want at most %d characters, found %d", f.most, length)
	default:
		return s
	}
	return ""
}

// matches are the texts of a list that have the form, each once; more checks
// may note what else is wrong with one.
func (n node) matches(f form, checks ...func(item node, s string)) []string {
	var out []string
	for _, item := range n.items() {
		s := item.match(f)
		if s == "" {
			continue
		}
		if slices.Contains(out, s) {
			item.wrong("%q is listed twice (keep one)", s)
			continue
		}
		for _, check := range checks {
			check(item, s)
		}
		out = append(out, s)
	}
	return out
}

// oneOf is a word out of a few; the first is the default.
func oneOf[T ~string](n node, words ...T) T {
	s, ok := n.text()
	if !ok {
		return words[0]
	}
	if !slices.Contains(words, T(s)) {
		texts := make([]string, len(words))
		for i, w := range words {
			texts[i] = string(w)
		}
		n.wrong("want %s, found %q%s", orList(texts), s, didYouMean(s, texts))
		return words[0]
	}
	return T(s)
}

var decimal = lazily(`^-?(0|[1-9][0-9]*)$`)

// whole is a whole number between low and high. A reference may stand for one.
func (n node) whole(def, low, high int) int {
	if !n.given() {
		return def
	}
	s := n.tree.scalar
	if n.tree.kind == text && strings.Contains(s, "${") {
		var ok bool
		if s, ok = n.interpolated(); !ok {
			return def
		}
	} else if !n.is(number) {
		return def
	}
	i, err := strconv.Atoi(s)
	switch {
	case !decimal().MatchString(s):
		n.wrong("want a whole number in plain decimal, found %q", s)
	case err != nil || i < low || i > high:
		n.wrong("want %s, found %s", bounds(low, high), s)
	default:
		return i
	}
	return def
}

func bounds(low, high int) string {
	if high == math.MaxInt32 {
		return fmt.Sprintf("a whole number of at least %d", low)
	}
	return fmt.Sprintf("a whole number from %d to %d", low, high)
}

// truth is true or false; false where nothing is written.
func (n node) truth() bool { return n.is(truth) && n.tree.scalar == "true" }

// duration is a time in Go's spelling.
func (n node) duration(def time.Duration, allowZero bool) time.Duration {
	const looks = "a duration such as 90s, 60m or 168h (a day is 24h)"
	if n.given() && n.tree.kind == number {
		n.wrong("want %s, found the number %s without a unit", looks, n.tree.scalar)
		return def
	}
	s, ok := n.text()
	if !ok {
		return def
	}
	d, err := time.ParseDuration(s)
	switch {
	case err != nil:
		n.wrong("want %s, found %q", looks, s)
	case d < 0:
		n.wrong("a duration cannot be negative, found %q", s)
	case d == 0 && !allowZero:
		n.wrong("want a duration longer than 0s")
	default:
		return d
	}
	return def
}
