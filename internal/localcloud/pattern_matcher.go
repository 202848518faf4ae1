package localcloud

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"unicode/utf8"
)

// A matcher accepts or refuses one leaf of an event: a string, json.Number, bool or nil.
type matcher func(v any) bool

// compileMatcher compiles one alternative of a leaf: a literal, or an object with one operator.
// Numbers are compared as they are written: EventBridge holds 300, 300.0 and 3.0e2 for three values.
func compileMatcher(v any) (matcher, error) {
	switch v := v.(type) {
	case map[string]any:
		return compileOperator(v)
	case []any:
		return nil, errors.New("match value must be String, number, true, false, or null, not an array")
	default:
		return func(got any) bool { return got == v }, nil
	}
}

func compileOperator(o map[string]any) (matcher, error) {
	if len(o) != 1 {
		return nil, errors.New("Only one key allowed in match expression")
	}
	name := sortedKeys(o)[0]
	switch name {
	case "exists":
		if o[name] != true {
			return nil, errors.New("exists match pattern must be either true or false")
		}
		return func(any) bool { return true }, nil
	case "numeric":
		return compileNumeric(o[name])
	case "anything-but":
		return compileAnythingBut(o[name])
	case "cidr":
		return compileCIDR(o[name])
	case "prefix", "suffix":
		return compileAffix(name, o[name])
	case "equals-ignore-case", "wildcard":
		return compileText(name, o[name])
	default:
		return nil, fmt.Errorf("Unrecognized match type %s", name)
	}
}

// compileAffix compiles prefix and suffix, either of which takes a string or {"equals-ignore-case": string}.
func compileAffix(name string, v any) (matcher, error) {
	o, ok := v.(map[string]any)
	if !ok {
		return compileText(name, v)
	}
	s, ok := o["equals-ignore-case"].(string)
	if !ok || len(o) != 1 {
		return nil, fmt.Errorf("%s match pattern must be a string or an equals-ignore-case expression", name)
	}
	return foldedMatcher(name, s), nil
}

func compileText(name string, v any) (matcher, error) {
	s, ok := v.(string)
	if !ok {
		return nil, fmt.Errorf("%s match pattern must be a string", name)
	}
	switch name {
	case "equals-ignore-case":
		return func(v any) bool { t, ok := v.(string); return ok && strings.EqualFold(s, t) }, nil
	case "wildcard":
		parts, err := wildcardParts(s)
		if err != nil {
			return nil, err
		}
		return func(v any) bool { t, ok := v.(string); return ok && wildcardMatch(parts, t) }, nil
	default:
		return affixMatcher(name, s), nil
	}
}

func affixMatcher(name, s string) matcher {
	has := strings.HasPrefix
	if name == "suffix" {
		has = strings.HasSuffix
	}
	return func(v any) bool { t, ok := v.(string); return ok && has(t, s) }
}

// foldedMatcher takes as many characters of a text as s has: a letter may be longer in one case than in the other.
func foldedMatcher(name, s string) matcher {
	n := utf8.RuneCountInString(s)
	return func(v any) bool {
		t, ok := v.(string)
		letters := []rune(t)
		if !ok || len(letters) < n {
			return false
		}
		if name == "suffix" {
			return strings.EqualFold(s, string(letters[len(letters)-n:]))
		}
		return strings.EqualFold(s, string(letters[:n]))
	}
}

// wildcardParts splits a wildcard at its asterisks; \* and \\ stand for themselves.
func wildcardParts(s string) ([]string, error) {
	var parts []string
	var part strings.Builder
	for i := 0; i < len(s); i++ {
		switch {
		case s[i] == '\\':
			if i+1 == len(s) || (s[i+1] != '*' && s[i+1] != '\\') {
				return nil, errors.New(`wildcard match pattern has an invalid escape character: only \* and \\ are allowed`)
			}
			i++
			part.WriteByte(s[i])
		case s[i] == '*' && i > 0 && s[i-1] == '*' && part.Len() == 0:
			return nil, errors.New("Consecutive wildcard characters are not allowed")
		case s[i] == '*':
			parts = append(parts, part.String())
			part.Reset()
		default:
			part.WriteByte(s[i])
		}
	}
	return append(parts, part.String()), nil
}

func wildcardMatch(parts []string, s string) bool {
	if len(parts) == 1 {
		return s == parts[0]
	}
	first, last := parts[0], parts[len(parts)-1]
	if len(s) < len(first)+len(last) || !strings.HasPrefix(s, first) || !strings.HasSuffix(s, last) {
		return false
	}
	s = s[len(first) : len(s)-len(last)]
	for _, p := range parts[1 : len(parts)-1] {
		i := strings.Index(s, p)
		if i < 0 {
			return false
		}
		s = s[i+len(p):]
	}
	return true
}

// compileNumeric compiles one comparison, or a lower bound followed by an upper one.
func compileNumeric(v any) (matcher, error) {
	list, _ := v.([]any)
	if len(list) != 2 && len(list) != 4 {
		return nil, errors.New("numeric match pattern must be an array of an operator and a number, or a range")
	}
	low, err := compileComparison(list[0], list[1])
	if err != nil || len(list) == 2 {
		return low, err
	}
	high, err := compileComparison(list[2], list[3])
	if err != nil {
		return nil, err
	}
	from, _ := jsonNumber(list[1])
	to, _ := jsonNumber(list[3])
	ops := fmt.Sprint(list[0], list[2])
	if !slices.Contains([]string{"> <", "> <=", ">= <", ">= <="}, fmt.Sprint(list[0], " ", list[2])) {
		return nil, fmt.Errorf("Bad numeric range operators: %s; a range is > or >= followed by < or <=", ops)
	}
	if from >= to {
		return nil, errors.New("Bottom must be less than top")
	}
	return func(v any) bool { return low(v) && high(v) }, nil
}

func compileComparison(op, bound any) (matcher, error) {
	want, ok := jsonNumber(bound)
	if !ok {
		return nil, errors.New("numeric match value must be a number between -5.0e9 and 5.0e9")
	}
	var holds func(got float64) bool
	switch op {
	case "=":
		holds = func(got float64) bool { return got == want }
	case "<":
		holds = func(got float64) bool { return got < want }
	case "<=":
		holds = func(got float64) bool { return got <= want }
	case ">":
		holds = func(got float64) bool { return got > want }
	case ">=":
		holds = func(got float64) bool { return got >= want }
	default:
		return nil, fmt.Errorf("Unrecognized numeric range operator: %v", op)
	}
	return func(v any) bool { got, ok := jsonNumber(v); return ok && holds(got) }, nil
}

// compileAnythingBut negates a value, a list of strings or of numbers, or one operator over one or several strings.
func compileAnythingBut(v any) (matcher, error) {
	var alternatives []matcher
	if o, ok := v.(map[string]any); ok {
		if len(o) != 1 {
			return nil, errors.New("Only one key allowed in match expression")
		}
		name := sortedKeys(o)[0]
		for _, v := range listOf(o[name]) {
			m, err := compileButOperator(name, v)
			if err != nil {
				return nil, err
			}
			alternatives = append(alternatives, m)
		}
	} else {
		list := listOf(v)
		if err := oneKind(list); err != nil {
			return nil, err
		}
		alternatives = append(alternatives, func(got any) bool { return slices.Contains(list, got) })
	}
	if len(alternatives) == 0 {
		return nil, errors.New("anything-but list must not be empty")
	}
	return func(v any) bool { return !fieldTest{matchers: alternatives}.accepts(v) }, nil
}

func compileButOperator(name string, v any) (matcher, error) {
	switch name {
	case "prefix", "suffix", "equals-ignore-case", "wildcard":
	default:
		return nil, fmt.Errorf("Unsupported anything-but pattern: %s", name)
	}
	if v == "" {
		return nil, fmt.Errorf("Null %s not allowed in anything-but", name)
	}
	if name == "prefix" || name == "suffix" {
		return compileAffix(name, v)
	}
	return compileText(name, v)
}

func listOf(v any) []any {
	if list, ok := v.([]any); ok {
		return list
	}
	return []any{v}
}

func oneKind(list []any) error {
	var strs, nums int
	for _, v := range list {
		switch v.(type) {
		case string:
			strs++
		case json.Number:
			nums++
		}
	}
	if len(list) == 0 || (strs != len(list) && nums != len(list)) {
		return errors.New("Inside anything but list, either all values are number or string, mixed type is not supported")
	}
	return nil
}

func compileCIDR(v any) (matcher, error) {
	s, _ := v.(string)
	prefix, err := netip.ParsePrefix(s)
	if err != nil {
		return nil, fmt.Errorf("Malformed CIDR, one '/' required: %q", s)
	}
	prefix = prefix.Masked()
	return func(v any) bool {
		s, _ := v.(string)
		addr, err := netip.ParseAddr(s)
		return err == nil && prefix.Contains(addr)
	}, nil
}
