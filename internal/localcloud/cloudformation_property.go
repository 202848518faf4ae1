package localcloud

import (
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
)

// property says what a property of a resource may be.
type property struct {
	kind     propertyKind
	item     *property // of a list
	members  shape     // of an object
	required bool
	fixed    bool // a change needs another resource in its place
}

type propertyKind int

const (
	textKind propertyKind = iota
	numberKind
	doubleKind
	truthKind
	documentKind // any JSON
	listKind
	objectKind
)

// shape is the properties of a resource type or of an object in it.
type shape map[string]property

func aText() property            { return property{kind: textKind} }
func aNumber() property          { return property{kind: numberKind} }
func aDouble() property          { return property{kind: doubleKind} }
func aTruth() property           { return property{kind: truthKind} }
func aDocument() property        { return property{kind: documentKind} }
func aList(of property) property { return property{kind: listKind, item: &of} }
func anObject(s shape) property  { return property{kind: objectKind, members: s} }

// must makes a property required, unchanging makes one that cannot change in place.
func (p property) must() property       { p.required = true; return p }
func (p property) unchanging() property { p.fixed = true; return p }

// tagList is the Tags of most types.
func tagList() property {
	return aList(anObject(shape{"Key": aText().must(), "Value": aText().must()}))
}

// take checks an object's members and gives each the type it has to have: CloudFormation takes "5" for 5
// and true for "true".
func (s shape) take(object map[string]any, at string) (map[string]any, error) {
	taken := make(map[string]any, len(object))
	for _, name := range sortedKeys(object) {
		p, known := s[name]
		if !known {
			return nil, fmt.Errorf("Encountered unsupported property %s%s", at, name)
		}
		value, err := p.take(object[name], at+name)
		if err != nil {
			return nil, err
		}
		taken[name] = value
	}
	for _, name := range sortedKeys(s) {
		if _, there := taken[name]; s[name].required && !there {
			return nil, fmt.Errorf("Property %s%s cannot be empty.", at, name)
		}
	}
	return taken, nil
}

func (p property) take(value any, at string) (any, error) {
	switch p.kind {
	case documentKind:
		return value, nil
	case listKind:
		return p.takeList(value, at)
	case objectKind:
		object, ok := value.(map[string]any)
		if !ok {
			return nil, wrongKind(at, "an object", value)
		}
		return p.members.take(object, at+".")
	}
	text, err := scalarText(value)
	if err != nil {
		return nil, wrongKind(at, "a scalar", value)
	}
	switch p.kind {
	case numberKind:
		if _, err := strconv.ParseInt(text, 10, 64); err != nil {
			return nil, wrongKind(at, "an Integer", value)
		}
		return json.Number(text), nil
	case doubleKind:
		if _, err := strconv.ParseFloat(text, 64); err != nil || !json.Valid([]byte(text)) {
			return nil, wrongKind(at, "a Double", value)
		}
		return json.Number(text), nil
	case truthKind:
		if text != "true" && text != "false" {
			return nil, wrongKind(at, "a Boolean", value)
		}
		return text == "true", nil
	}
	return text, nil
}

func (p property) takeList(value any, at string) (any, error) {
	list, ok := value.([]any)
	if !ok {
		return nil, fmt.Errorf("Value of property %s must be of type List, it is %s", at, kindOf(value))
	}
	taken := make([]any, len(list))
	for i, item := range list {
		value, err := p.item.take(item, fmt.Sprintf("%s.%d", at, i))
		if err != nil {
			return nil, err
		}
		taken[i] = value
	}
	return taken, nil
}

func wrongKind(at, want string, value any) error {
	return fmt.Errorf("Value of property %s must be %s, it is %s", at, want, kindOf(value))
}

// pick is the members of an object that have one of the names.
func pickMembers(object map[string]any, names ...string) map[string]any {
	picked := map[string]any{}
	for name, value := range object {
		if slices.Contains(names, name) {
			picked[name] = value
		}
	}
	return picked
}

// documentText is a policy or another document as the API takes it: JSON text.
func documentText(value any) string {
	if text, ok := value.(string); ok {
		return text
	}
	encoded, err := json.Marshal(value)
	if err != nil {
		return ""
	}
	return string(encoded)
}
