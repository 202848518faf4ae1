package localcloud

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"sort"
	"strings"
)

// maxPatternRules is how many combinations "$or" may make of one pattern before EventBridge refuses it.
const maxPatternRules = 1000

// A Pattern is a compiled EventBridge event pattern. It is immutable and safe for concurrent use.
//
// It holds the pattern as EventBridge does: without "$or", as a list of rules, each a list of
// (path, alternatives) sorted by path. An event matches when one rule has an acceptable field on
// every path, all of them consistent about which element of each array they lie in.
type Pattern struct {
	rules [][]fieldTest
}

// A fieldTest asks that one of several matchers accept a field at path.
type fieldTest struct {
	path     string
	matchers []matcher
	absent   bool // {"exists": false} is among the alternatives
}

// A PatternError says which path of an event pattern EventBridge would refuse, and why.
// EventBridge answers InvalidEventPatternException with its text.
type PatternError struct {
	Path   string // dotted, empty for the pattern as a whole
	Reason string
}

// Error gives the text EventBridge's exception carries.
func (e *PatternError) Error() string {
	if e.Path == "" {
		return "Event pattern is not valid. Reason: " + e.Reason
	}
	return fmt.Sprintf("Event pattern is not valid. Reason: %q: %s", e.Path, e.Reason)
}

// CompilePattern parses and checks an event pattern as PutRule does. Every error is a *PatternError.
func CompilePattern(b []byte) (*Pattern, error) {
	v, err := decodePattern(b)
	if err != nil {
		return nil, &PatternError{Reason: err.Error()}
	}
	o, ok := v.(map[string]any)
	if !ok {
		return nil, &PatternError{Reason: "Filter is not an object"}
	}
	if len(o) == 0 {
		return nil, &PatternError{Reason: "Empty objects are not allowed"}
	}
	rules, err := compileObject(o, "")
	if err != nil {
		return nil, err
	}
	for _, r := range rules {
		sort.SliceStable(r, func(i, j int) bool { return r[i].path < r[j].path })
	}
	return &Pattern{rules: rules}, nil
}

func decodePattern(b []byte) (any, error) {
	dec := json.NewDecoder(bytes.NewReader(b))
	dec.UseNumber()
	var v any
	if err := dec.Decode(&v); err != nil {
		return nil, fmt.Errorf("JSON cannot be read: %w", err)
	}
	if _, err := dec.Token(); !errors.Is(err, io.EOF) {
		return nil, errors.New("JSON cannot be read: text after the pattern")
	}
	return v, nil
}

// compileObject returns the rules of an object: the product of its fields' rules.
func compileObject(o map[string]any, at string) ([][]fieldTest, error) {
	rules := [][]fieldTest{nil}
	for _, name := range sortedKeys(o) {
		more, err := compileField(name, o[name], at)
		if err != nil {
			return nil, err
		}
		if len(rules)*len(more) > maxPatternRules {
			return nil, &PatternError{Path: join(at, name), Reason: fmt.Sprintf("Rule is too complex: more than %d combinations of $or", maxPatternRules)}
		}
		rules = product(rules, more)
	}
	return rules, nil
}

func compileField(name string, v any, at string) ([][]fieldTest, error) {
	path := join(at, name)
	switch v := v.(type) {
	case map[string]any:
		if len(v) == 0 {
			return nil, &PatternError{Path: path, Reason: "Empty objects are not allowed"}
		}
		return compileObject(v, path)
	case []any:
		if name == "$or" {
			return compileOr(v, at)
		}
		t, err := compileLeaf(v, path)
		if err != nil {
			return nil, err
		}
		return [][]fieldTest{{t}}, nil
	default:
		return nil, &PatternError{Path: path, Reason: "must be an object or an array"}
	}
}

func compileOr(list []any, at string) ([][]fieldTest, error) {
	path := join(at, "$or")
	if len(list) < 2 {
		return nil, &PatternError{Path: path, Reason: "must be an array of at least two objects"}
	}
	var rules [][]fieldTest
	for _, v := range list {
		o, ok := v.(map[string]any)
		if !ok || len(o) == 0 {
			return nil, &PatternError{Path: path, Reason: "must be an array of non-empty objects"}
		}
		more, err := compileObject(o, at)
		if err != nil {
			return nil, err
		}
		rules = append(rules, more...)
	}
	return rules, nil
}

func compileLeaf(list []any, path string) (fieldTest, error) {
	t := fieldTest{path: path}
	if len(list) == 0 {
		return t, &PatternError{Path: path, Reason: "Empty arrays are not allowed"}
	}
	for _, v := range list {
		if absent(v) {
			t.absent = true
			continue
		}
		m, err := compileMatcher(v)
		if err != nil {
			return t, &PatternError{Path: path, Reason: err.Error()}
		}
		t.matchers = append(t.matchers, m)
	}
	return t, nil
}

func absent(v any) bool {
	o, ok := v.(map[string]any)
	return ok && len(o) == 1 && o["exists"] == false
}

func product(a, b [][]fieldTest) [][]fieldTest {
	out := make([][]fieldTest, 0, len(a)*len(b))
	for _, x := range a {
		for _, y := range b {
			out = append(out, slices.Concat(x, y))
		}
	}
	return out
}

func join(at, name string) string {
	if at == "" {
		return name
	}
	return strings.Join([]string{at, name}, ".")
}

func sortedKeys[V any](m map[string]V) []string {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	sort.Strings(keys)
	return keys
}
