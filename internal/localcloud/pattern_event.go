package localcloud

import (
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
)

// An eventField is one leaf of an event: its dotted path, its value, and which element of each
// array on the way it lies in.
type eventField struct {
	path  string
	value any // string, json.Number, bool or nil
	in    map[string]int
}

// Match says whether the pattern accepts the event, which is JSON. What is not a JSON object matches nothing.
//
// An array in the event is accepted when any of its elements is; several tests inside one array
// of objects must be met by the same element.
func (p *Pattern) Match(event []byte) bool {
	fields, ok := eventFields(event)
	return ok && p.matchFields(fields)
}

func (p *Pattern) matchFields(fields map[string][]eventField) bool {
	for _, rule := range p.rules {
		if matchRule(rule, fields) {
			return true
		}
	}
	return false
}

// eventFields lists the leaves of an event by path. Empty objects and arrays have none.
func eventFields(event []byte) (map[string][]eventField, bool) {
	v, err := decodePattern(event)
	if err != nil {
		return nil, false
	}
	o, ok := v.(map[string]any)
	if !ok {
		return nil, false
	}
	fields := map[string][]eventField{}
	for name, v := range o {
		collect(fields, name, v, nil)
	}
	return fields, true
}

func collect(fields map[string][]eventField, path string, v any, in map[string]int) {
	switch v := v.(type) {
	case map[string]any:
		for name, v := range v {
			collect(fields, join(path, name), v, in)
		}
	case []any:
		id := arrayID(path, in)
		for i, v := range v {
			collect(fields, path, v, with(in, id, i))
		}
	default:
		fields[path] = append(fields[path], eventField{path: path, value: v, in: in})
	}
}

// arrayID names an array of the event; depth tells arrays inside arrays on one path apart.
func arrayID(path string, in map[string]int) string {
	return path + "#" + strconv.Itoa(len(in))
}

func with(in map[string]int, id string, i int) map[string]int {
	out := make(map[string]int, len(in)+1)
	for k, v := range in {
		out[k] = v
	}
	out[id] = i
	return out
}

// search is the matching of one rule: what has been found not to work is not tried again.
type search struct {
	fields map[string][]eventField
	failed map[string]bool
}

func matchRule(tests []fieldTest, fields map[string][]eventField) bool {
	return search{fields, map[string]bool{}}.meets(tests, nil)
}

// meets looks for a field for every test, in the array elements chosen so far, and goes back when a choice
// does not work out.
func (s search) meets(tests []fieldTest, in map[string]int) bool {
	if len(tests) == 0 {
		return true
	}
	key := fmt.Sprint(len(tests), in)
	if s.failed[key] {
		return false
	}
	test, rest, found := tests[0], tests[1:], false
	for _, f := range s.fields[test.path] {
		if !consistent(in, f.in) {
			continue
		}
		found = true
		if test.accepts(f.value) && s.meets(rest, relevant(in, f.in, rest)) {
			return true
		}
	}
	if test.absent && !found && s.meets(rest, in) {
		return true
	}
	s.failed[key] = true
	return false
}

// relevant gives the array elements chosen so far, without the arrays on no path of the tests to come.
// Only the others decide whether those can be met, so large arrays cost no more than their size.
func relevant(chosen, more map[string]int, rest []fieldTest) map[string]int {
	out := map[string]int{}
	for _, in := range []map[string]int{chosen, more} {
		for id, i := range in {
			array := id[:strings.LastIndexByte(id, '#')]
			for _, t := range rest {
				if t.path == array || strings.HasPrefix(t.path, array+".") {
					out[id] = i
					break
				}
			}
		}
	}
	return out
}

func (t fieldTest) accepts(v any) bool {
	for _, m := range t.matchers {
		if m(v) {
			return true
		}
	}
	return false
}

// consistent reports whether two places do not lie in different elements of one array.
func consistent(a, b map[string]int) bool {
	for id, i := range b {
		if at, ok := a[id]; ok && at != i {
			return false
		}
	}
	return true
}

// jsonNumber gives a JSON number within EventBridge's range for numeric matching, ±5.0e9.
func jsonNumber(v any) (float64, bool) {
	n, ok := v.(json.Number)
	if !ok {
		return 0, false
	}
	f, err := n.Float64()
	return f, err == nil && f >= -5e9 && f <= 5e9
}
