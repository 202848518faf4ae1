package localcloud

import (
	"errors"
	"fmt"
	"math/big"
	"strconv"
	"strings"
	"time"
)

// contextKeys are the condition keys of a request, by name in lower case. A key that is not there is absent,
// which conditions tell from an empty value.
type contextKeys map[string][]string

// keyCondition is one key of one operator of a Condition element.
type keyCondition struct {
	operator conditionOperator
	set      string // "", ForAllValues or ForAnyValue
	ifExists bool
	key      string // in lower case
	name     string // as the policy spells it
	values   []textPattern
}

// conditionOperator is how one value of a request is compared with one of the policy.
type conditionOperator struct {
	negated   bool // matches what none of the policy's values match
	null      bool // asks whether the key is there
	wild      bool // * and ? are wildcards
	fold      bool // case does not count
	variables bool // policy variables may stand in the policy's values
	valid     func(value string) bool
	compare   func(p textPattern, value string, keys contextKeys) bool
}

// conditionOperators are those that the local cloud evaluates. The others, such as IpAddress, are refused.
var conditionOperators = map[string]conditionOperator{
	"StringEquals":              {variables: true, compare: compareText},
	"StringNotEquals":           {variables: true, compare: compareText, negated: true},
	"StringEqualsIgnoreCase":    {variables: true, compare: compareText, fold: true},
	"StringNotEqualsIgnoreCase": {variables: true, compare: compareText, fold: true, negated: true},
	"StringLike":                {variables: true, compare: compareText, wild: true},
	"StringNotLike":             {variables: true, compare: compareText, wild: true, negated: true},
	"ArnEquals":                 {variables: true, compare: compareARN, wild: true},
	"ArnNotEquals":              {variables: true, compare: compareARN, wild: true, negated: true},
	"ArnLike":                   {variables: true, compare: compareARN, wild: true},
	"ArnNotLike":                {variables: true, compare: compareARN, wild: true, negated: true},
	"Bool":                      {valid: isTruth, compare: compareText, fold: true},
	"Null":                      {valid: isTruth, null: true},
	"NumericEquals":             numeric(false, func(order int) bool { return order == 0 }),
	"NumericNotEquals":          numeric(true, func(order int) bool { return order == 0 }),
	"NumericLessThan":           numeric(false, func(order int) bool { return order < 0 }),
	"NumericLessThanEquals":     numeric(false, func(order int) bool { return order <= 0 }),
	"NumericGreaterThan":        numeric(false, func(order int) bool { return order > 0 }),
	"NumericGreaterThanEquals":  numeric(false, func(order int) bool { return order >= 0 }),
	"DateEquals":                dated(false, func(order int) bool { return order == 0 }),
	"DateNotEquals":             dated(true, func(order int) bool { return order == 0 }),
	"DateLessThan":              dated(false, func(order int) bool { return order < 0 }),
	"DateLessThanEquals":        dated(false, func(order int) bool { return order <= 0 }),
	"DateGreaterThan":           dated(false, func(order int) bool { return order > 0 }),
	"DateGreaterThanEquals":     dated(false, func(order int) bool { return order >= 0 }),
}

func isTruth(value string) bool { return value == "true" || value == "false" }

func compareText(p textPattern, value string, keys contextKeys) bool { return p.matches(value, keys) }

// compareARN compares the six parts of two ARNs one by one, so that no wildcard reaches into another part.
func compareARN(p textPattern, value string, keys contextKeys) bool {
	wanted, ok := p.expanded(keys)
	parts, have := strings.SplitN(string(wanted), ":", 6), strings.SplitN(value, ":", 6)
	if !ok || len(parts) != 6 || len(have) != 6 {
		return false
	}
	for i := range parts {
		if !glob([]rune(parts[i]), []rune(have[i])) {
			return false
		}
	}
	return true
}

func numeric(negated bool, holds func(order int) bool) conditionOperator {
	read := func(s string) (*big.Rat, bool) {
		if len(s) > 40 || strings.ContainsAny(s, "eE/_xX") {
			return nil, false
		}
		return new(big.Rat).SetString(s)
	}
	return conditionOperator{
		negated: negated,
		valid:   func(value string) bool { _, ok := read(value); return ok },
		compare: func(p textPattern, value string, _ contextKeys) bool {
			limit, _ := read(p.raw)
			n, ok := read(value)
			return ok && holds(n.Cmp(limit))
		},
	}
}

func dated(negated bool, holds func(order int) bool) conditionOperator {
	return conditionOperator{
		negated: negated,
		valid:   func(value string) bool { _, ok := readDate(value); return ok },
		compare: func(p textPattern, value string, _ contextKeys) bool {
			limit, _ := readDate(p.raw)
			at, ok := readDate(value)
			return ok && holds(at.Compare(limit))
		},
	}
}

// readDate reads the ISO 8601 forms that IAM takes, and epoch seconds.
func readDate(s string) (time.Time, bool) {
	for _, layout := range []string{time.RFC3339, "2006-01-02T15:04Z07:00", time.DateOnly} {
		if at, err := time.Parse(layout, s); err == nil {
			return at, true
		}
	}
	seconds, err := strconv.ParseInt(s, 10, 64)
	return time.Unix(seconds, 0), err == nil
}

// readConditions reads a Condition element: operator, key, values.
func readConditions(tree any) ([]keyCondition, error) {
	if tree == nil {
		return nil, nil
	}
	operators, ok := tree.(map[string]any)
	if !ok {
		return nil, errors.New("Syntax errors in policy: Condition is no JSON object.")
	}
	var all []keyCondition
	for _, name := range sortedKeys(operators) {
		blank, err := readOperator(name)
		if err != nil {
			return nil, err
		}
		keys, ok := operators[name].(map[string]any)
		if !ok || len(keys) == 0 {
			return nil, fmt.Errorf("Syntax errors in policy: %s in a Condition needs keys.", name)
		}
		for _, key := range sortedKeys(keys) {
			read, err := blank.with(key, keys[key])
			if err != nil {
				return nil, fmt.Errorf("%s: %w", name, err)
			}
			all = append(all, read)
		}
	}
	return all, nil
}

// readOperator takes a name such as ForAllValues:StringLikeIfExists apart.
func readOperator(name string) (keyCondition, error) {
	var c keyCondition
	plain := name
	if set, rest, found := strings.Cut(name, ":"); found {
		if set != "ForAllValues" && set != "ForAnyValue" {
			return c, fmt.Errorf("Invalid Condition type : %s.", name)
		}
		c.set, plain = set, rest
	}
	plain, c.ifExists = strings.CutSuffix(plain, "IfExists")
	operator, known := conditionOperators[plain]
	if !known {
		return c, fmt.Errorf("Invalid Condition type : %s. The local cloud has no such operator.", name)
	}
	if operator.null && (c.ifExists || c.set != "") {
		return c, fmt.Errorf("Invalid Condition type : %s.", name)
	}
	c.operator = operator
	return c, nil
}

func (c keyCondition) with(key string, value any) (keyCondition, error) {
	if !conditionKey.MatchString(key) {
		return c, fmt.Errorf("Actions/Conditions must be prefaced by a vendor, e.g., iam, sdb, ec2, etc., which %q is not.", key)
	}
	list, err := texts(value)
	if err != nil || len(list) == 0 {
		return c, fmt.Errorf("%s needs a value or a list of values.", key)
	}
	c.key, c.name = strings.ToLower(key), key
	c.values = nil
	for _, text := range list {
		if valid := c.operator.valid; valid != nil && !valid(text) {
			return c, fmt.Errorf("%q is no value that %s can be compared with.", text, key)
		}
		c.values = append(c.values, newTextPattern(text, c.operator.wild, c.operator.fold, false))
	}
	return c, nil
}

// holds reports whether a request meets the condition.
func (c *keyCondition) holds(keys contextKeys) bool {
	values, there := keys[c.key]
	switch {
	case c.operator.null:
		return c.values[0].raw == strconv.FormatBool(!there)
	case !there && c.ifExists:
		return true
	case c.set == "ForAllValues", c.set == "" && c.operator.negated:
		for _, value := range values {
			if !c.accepts(value, keys) {
				return false
			}
		}
		return true
	}
	for _, value := range values {
		if c.accepts(value, keys) {
			return true
		}
	}
	return false
}

// accepts compares one value of the request with all of the policy.
func (c *keyCondition) accepts(value string, keys contextKeys) bool {
	for _, p := range c.values {
		if c.operator.compare(p, value, keys) {
			return !c.operator.negated
		}
	}
	return c.operator.negated
}
