package localcloud_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"unicode"

	"pgregory.net/rapid"

	"studiokeeper/internal/localcloud"
)

// obviously matches as EventBridge does, by trying everything. It is written to be
// read, and holds the real one, which is written to be quick, to the same answers.
type obviously struct {
	fields []found
	tries  int
}

// found is a leaf of an event. Its way has a step for every name, and a number for
// every array.
type found struct {
	way   []any
	value any
}

// asked is what a pattern asks of one path.
type asked struct {
	path string
	any  []any
}

// errSlow says that trying everything would take too long.
var errSlow = errors.New("too many ways to try")

func obvious(pattern, event map[string]any) (matches bool, err error) {
	o := obviously{}
	o.walk(nil, event)
	for _, all := range withoutOr(pattern, "") {
		slices.SortStableFunc(all, func(a, b asked) int { return strings.Compare(a.path, b.path) })
		if o.canMeet(all, nil) {
			return true, nil
		}
		if o.tries > 50_000 {
			return false, errSlow
		}
	}
	return false, nil
}

func (o *obviously) walk(way []any, v any) {
	switch v := v.(type) {
	case map[string]any:
		for name, inner := range v {
			o.walk(append(slices.Clone(way), name), inner)
		}
	case []any:
		for i, inner := range v {
			o.walk(append(slices.Clone(way), i), inner)
		}
	default:
		o.fields = append(o.fields, found{way, v})
	}
}

// path is a way without the elements of arrays.
func (f found) path() string {
	var names []string
	for _, step := range f.way {
		if name, ok := step.(string); ok {
			names = append(names, name)
		}
	}
	return strings.Join(names, ".")
}

// together is false of ways that part inside an array.
func (f found) together(g found) bool {
	for i := range min(len(f.way), len(g.way)) {
		if f.way[i] != g.way[i] {
			_, one := f.way[i].(int)
			_, other := g.way[i].(int)
			return !one || !other
		}
	}
	return true
}

// withoutOr gives every list of paths of which all have to be met.
func withoutOr(pattern map[string]any, at string) [][]asked {
	ways := [][]asked{nil}
	for name, v := range pattern {
		var more [][]asked
		list, _ := v.([]any)
		switch inner, ok := v.(map[string]any); {
		case ok:
			more = withoutOr(inner, at+name+".")
		case name == "$or":
			for _, one := range list {
				more = append(more, withoutOr(one.(map[string]any), at)...)
			}
		default:
			more = [][]asked{{{at + name, list}}}
		}
		var longer [][]asked
		for _, a := range ways {
			for _, b := range more {
				longer = append(longer, slices.Concat(a, b))
			}
		}
		ways = longer
	}
	return ways
}

// canMeet looks for a field for every path, all of which lie together with those chosen.
// A field may be missing where none lies together with them.
func (o *obviously) canMeet(all []asked, chosen []found) bool {
	if o.tries++; len(all) == 0 || o.tries > 50_000 {
		return len(all) == 0
	}
	there := false
	for _, f := range o.fields {
		if f.path() != all[0].path || slices.ContainsFunc(chosen, func(c found) bool { return !c.together(f) }) {
			continue
		}
		there = true
		if slices.ContainsFunc(all[0].any, func(want any) bool { return holds(want, f.value) }) && o.canMeet(all[1:], append(slices.Clone(chosen), f)) {
			return true
		}
	}
	missing := slices.ContainsFunc(all[0].any, func(want any) bool { return fmt.Sprint(want) == "map[exists:false]" })
	return missing && !there && o.canMeet(all[1:], chosen)
}

// holds compares one leaf with one alternative.
func holds(want, got any) bool {
	operator, ok := want.(map[string]any)
	if !ok {
		return fmt.Sprintf("%T %v", want, want) == fmt.Sprintf("%T %v", got, got)
	}
	for name, operand := range operator {
		text, isText := got.(string)
		switch name {
		case "exists":
			return operand == true
		case "anything-but":
			return !slices.ContainsFunc(excluded(operand), func(not any) bool { return holds(not, got) })
		case "numeric":
			return inRange(operand.([]any), got)
		case "cidr":
			panic("left out")
		default:
			return isText && textHolds(name, operand, text)
		}
	}
	return false
}

// excluded are the alternatives that anything-but leaves out.
func excluded(operand any) []any {
	switch v := operand.(type) {
	case []any:
		return v
	case map[string]any:
		var all []any
		for name, inner := range v {
			list, ok := inner.([]any)
			if !ok {
				list = []any{inner}
			}
			for _, one := range list {
				all = append(all, map[string]any{name: one})
			}
		}
		return all
	}
	return []any{operand}
}

func inRange(bounds []any, got any) bool {
	n, ok := got.(json.Number)
	value, err := n.Float64()
	if !ok || err != nil || value < -5e9 || value > 5e9 {
		return false
	}
	for pair := range slices.Chunk(bounds, 2) {
		limit, _ := pair[1].(json.Number).Float64()
		if !map[string]bool{"=": value == limit, "<": value < limit, "<=": value <= limit, ">": value > limit, ">=": value >= limit}[pair[0].(string)] {
			return false
		}
	}
	return true
}

func textHolds(name string, operand any, text string) bool {
	if inner, ok := operand.(map[string]any); ok {
		operand, text = lower(inner["equals-ignore-case"].(string)), lower(text)
	}
	want := operand.(string)
	switch name {
	case "prefix":
		return len(text) >= len(want) && text[:len(want)] == want
	case "suffix":
		return len(text) >= len(want) && text[len(text)-len(want):] == want
	case "equals-ignore-case":
		return lower(text) == lower(want)
	}
	return wild(want, text)
}

// lower gives all spellings of a letter the same one.
func lower(s string) string {
	return strings.Map(func(r rune) rune {
		least := r
		for next := unicode.SimpleFold(r); next != r; next = unicode.SimpleFold(next) {
			least = min(least, next)
		}
		return least
	}, s)
}

func wild(want, text string) bool {
	switch {
	case want == "":
		return text == ""
	case want[0] == '*':
		return wild(want[1:], text) || text != "" && wild(want, text[1:])
	case want[0] == '\\':
		want = want[1:]
	}
	return text != "" && want[0] == text[0] && wild(want[1:], text[1:])
}

func decoded(text []byte) (object map[string]any) {
	d := json.NewDecoder(strings.NewReader(string(text)))
	d.UseNumber()
	_ = d.Decode(&object) // what is no object stays nil
	return object
}

// agree fails unless both ways to match give the same answer.
func agree(t interface{ Errorf(string, ...any) }, p *localcloud.Pattern, pattern, event []byte) {
	want, err := obvious(decoded(pattern), decoded(event))
	if got := p.Match(event); err == nil && got != want {
		t.Errorf("%s against %s: it says %v, and trying everything says %v", pattern, event, got, want)
	}
}

// Few names and values, so that patterns and events often meet.
var (
	someName  = rapid.SampledFrom([]string{"a", "b", "c"})
	someText  = rapid.SampledFrom([]string{"", "x", "X", "xy", "yx", "xyx", "x*y", `\`, "ü", "Ü", "s", "ſ"})
	someValue = rapid.OneOf(rapid.Map(someText, func(s string) any { return s }), rapid.SampledFrom([]any{nil, true, false, 0, 1, -1, json.Number("1.0"), 2.5, json.Number("6e9")}))
)

// anEvent draws an object, an array or a leaf.
func anEvent(t *rapid.T, depth int) any {
	switch rapid.IntRange(0, 3).Draw(t, "kind") {
	case 0, 1:
		if depth > 0 {
			return anEventObject(t, depth)
		}
	case 2:
		if depth > 0 {
			list := []any{}
			for range rapid.IntRange(0, 3).Draw(t, "elements") {
				list = append(list, anEvent(t, depth-1))
			}
			return list
		}
	}
	return someValue.Draw(t, "value")
}

func anEventObject(t *rapid.T, depth int) map[string]any {
	object := map[string]any{}
	for range rapid.IntRange(0, 3).Draw(t, "fields") {
		object[someName.Draw(t, "name")] = anEvent(t, depth-1)
	}
	return object
}

// aPattern draws an object of a pattern that EventBridge takes.
func aPattern(t *rapid.T, depth int) map[string]any {
	object := map[string]any{}
	for range rapid.IntRange(1, 3).Draw(t, "fields") {
		switch kind := rapid.IntRange(0, 5).Draw(t, "kind"); {
		case kind == 0 && depth > 0:
			object["$or"] = []any{aPattern(t, depth-1), aPattern(t, depth-1)}
		case kind < 3 && depth > 0:
			object[someName.Draw(t, "name")] = aPattern(t, depth-1)
		default:
			list := []any{}
			for range rapid.IntRange(1, 3).Draw(t, "alternatives") {
				list = append(list, anAlternative(t))
			}
			object[someName.Draw(t, "name")] = list
		}
	}
	return object
}

func anAlternative(t *rapid.T) any {
	text := someText.Draw(t, "text")
	full := someText.Filter(func(s string) bool { return s != "" }).Draw(t, "full")
	wildcard := rapid.SampledFrom([]string{"*", "x*", "*x", "x*x", "*y*", `x\**`, `\\`, "*x*y*"}).Draw(t, "wildcard")
	either := map[string]any{"equals-ignore-case": text}
	return rapid.SampledFrom([]any{
		someValue.Draw(t, "literal"), map[string]any{"exists": true}, map[string]any{"exists": false},
		map[string]any{"prefix": text}, map[string]any{"suffix": text}, map[string]any{"prefix": either}, map[string]any{"suffix": either},
		either, map[string]any{"wildcard": wildcard},
		map[string]any{"numeric": []any{rapid.SampledFrom([]string{"=", "<", "<=", ">", ">="}).Draw(t, "operator"), 1}},
		map[string]any{"numeric": []any{">=", 0, "<", 2.5}},
		map[string]any{"anything-but": text}, map[string]any{"anything-but": []any{text, "x"}}, map[string]any{"anything-but": []any{0, 1}},
		map[string]any{"anything-but": map[string]any{"prefix": full}}, map[string]any{"anything-but": map[string]any{"suffix": []any{full, "y"}}},
		map[string]any{"anything-but": map[string]any{"equals-ignore-case": []any{full, "y"}}}, map[string]any{"anything-but": map[string]any{"wildcard": wildcard}},
	}).Draw(t, "alternative")
}

// drawnAgree draws a pattern that has to be taken and an event.
func drawnAgree(t *rapid.T) {
	pattern, _ := json.Marshal(aPattern(t, 2))
	event, _ := json.Marshal(anEventObject(t, 4))
	p, err := localcloud.CompilePattern(pattern)
	if err != nil {
		t.Fatalf("%s: %v", pattern, err)
	}
	agree(t, p, pattern, event)
}

func TestMatchingAgreesWithTryingEverything(t *testing.T) { rapid.Check(t, drawnAgree) }

// FuzzMatching: whatever pattern and event are drawn, matching agrees with trying everything.
func FuzzMatching(f *testing.F) {
	f.Add([]byte{0, 1, 2, 3, 4, 5, 6, 7, 8, 9})
	f.Fuzz(rapid.MakeFuzz(drawnAgree))
}

// FuzzPattern: a pattern that is refused is so with a reason, and one that is taken
// agrees with trying everything about whatever event.
func FuzzPattern(f *testing.F) {
	f.Add([]byte(`{"a":[{"anything-but":{"wildcard":"*x"}}]}`), []byte(`{"a":["x",{"a":1}]}`))
	f.Add([]byte(`{"$or":[{"a":[1]},{"b":{"c":[{"exists":false}]}}]}`), []byte(`{"b":[{"c":null},{}]}`))
	f.Add([]byte(`{"a":{"b":["x"],"c":[{"numeric":[">",0,"<=",5]}]}}`), []byte(`{"a":[{"b":"x"},{"b":["x"],"c":[[5]]}]}`))
	f.Add([]byte(`{"a":{"b":["x"],"c":["y"]}}`), []byte(`{"a":[{"b":"x","c":"q"},{"b":"q","c":"y"}]}`))
	f.Add([]byte(`{"a":[{"prefix":{"equals-ignore-case":"Xy"}},{"suffix":"z"},{"anything-but":["x",""]},null]}`), []byte(`{"a":"xYz"}`))
	f.Add([]byte(`{"a":[{"suffix":{"equals-ignore-case":"ΟΔΟΣ"}}]}`), []byte(`{"a":"οδος"}`))
	f.Fuzz(func(t *testing.T, pattern, event []byte) {
		p, err := localcloud.CompilePattern(pattern)
		if refused := (*localcloud.PatternError)(nil); err != nil && (!errors.As(err, &refused) || refused.Reason == "") {
			t.Fatalf("refused without a reason: %v", err)
		}
		var e any
		if err != nil || json.Unmarshal(event, &e) != nil || decoded(event) == nil {
			if err == nil && p.Match(event) {
				t.Errorf("%q, which is no object, matches", event)
			}
			return
		}
		if len(pattern)+len(event) > 1000 || strings.Contains(string(pattern), "cidr") || dotted(decoded(pattern)) || dotted(decoded(event)) {
			t.Skip("trying everything would take long, or is not written for this")
		}
		agree(t, p, pattern, event)
	})
}

// dotted tells whether a name holds a dot, with which paths are ambiguous.
func dotted(v any) bool {
	switch v := v.(type) {
	case map[string]any:
		for name, inner := range v {
			if strings.Contains(name, ".") || dotted(inner) {
				return true
			}
		}
	case []any:
		return slices.ContainsFunc(v, dotted)
	}
	return false
}
