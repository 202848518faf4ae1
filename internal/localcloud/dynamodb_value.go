package localcloud

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"sort"
	"strings"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
)

// attributes are an item, a key, or a map inside one. Stored attributes are never changed in place.
type attributes = map[string]types.AttributeValue

// maxDepth is how deep DynamoDB lets lists and maps lie in each other.
const maxDepth = 32

// typeOf names a value's type as DynamoDB writes it: S, N, B, SS, NS, BS, L, M, BOOL, NULL.
func typeOf(v types.AttributeValue) string {
	switch v.(type) {
	case *types.AttributeValueMemberS:
		return "S"
	case *types.AttributeValueMemberN:
		return "N"
	case *types.AttributeValueMemberB:
		return "B"
	case *types.AttributeValueMemberSS:
		return "SS"
	case *types.AttributeValueMemberNS:
		return "NS"
	case *types.AttributeValueMemberBS:
		return "BS"
	case *types.AttributeValueMemberL:
		return "L"
	case *types.AttributeValueMemberM:
		return "M"
	case *types.AttributeValueMemberBOOL:
		return "BOOL"
	case *types.AttributeValueMemberNULL:
		return "NULL"
	}
	return ""
}

// canonical checks attributes that came with a request and copies them with every number in its one form.
func canonical(in attributes) (attributes, error) {
	out := make(attributes, len(in))
	for name, v := range in {
		c, err := canonicalValue(v, 1)
		if err != nil {
			return nil, err
		}
		out[name] = c
	}
	return out, nil
}

func canonicalValue(v types.AttributeValue, depth int) (types.AttributeValue, error) {
	if depth > maxDepth {
		return nil, errors.New("Nesting Levels have exceeded supported limits: attributes in the item have nested levels beyond supported limit")
	}
	switch v := v.(type) {
	case *types.AttributeValueMemberN:
		d, err := parseDecimal(v.Value)
		return &types.AttributeValueMemberN{Value: d.String()}, err
	case *types.AttributeValueMemberNS:
		set, err := canonicalNumbers(v.Value)
		if err == nil {
			err = checkSet("number", set)
		}
		return &types.AttributeValueMemberNS{Value: set}, err
	case *types.AttributeValueMemberSS:
		return v, checkSet("string", v.Value)
	case *types.AttributeValueMemberBS:
		return v, checkSet("binary", setStrings(v))
	case *types.AttributeValueMemberNULL:
		if !v.Value {
			return nil, errors.New("One or more parameter values were invalid: Null attribute value types must have the value of true")
		}
		return v, nil
	case *types.AttributeValueMemberL:
		return canonicalList(v, depth)
	case *types.AttributeValueMemberM:
		return canonicalMap(v, depth)
	}
	if typeOf(v) == "" {
		return nil, errors.New("Supplied AttributeValue is empty, must contain exactly one of the supported datatypes")
	}
	return v, nil
}

func canonicalList(v *types.AttributeValueMemberL, depth int) (types.AttributeValue, error) {
	out := make([]types.AttributeValue, len(v.Value))
	for i, e := range v.Value {
		c, err := canonicalValue(e, depth+1)
		if err != nil {
			return nil, err
		}
		out[i] = c
	}
	return &types.AttributeValueMemberL{Value: out}, nil
}

func canonicalMap(v *types.AttributeValueMemberM, depth int) (types.AttributeValue, error) {
	out := make(attributes, len(v.Value))
	for name, e := range v.Value {
		c, err := canonicalValue(e, depth+1)
		if err != nil {
			return nil, err
		}
		out[name] = c
	}
	return &types.AttributeValueMemberM{Value: out}, nil
}

func canonicalNumbers(in []string) ([]string, error) {
	out := make([]string, len(in))
	for i, s := range in {
		d, err := parseDecimal(s)
		if err != nil {
			return nil, err
		}
		out[i] = d.String()
	}
	return out, nil
}

func checkSet(kind string, set []string) error {
	if len(set) == 0 {
		return fmt.Errorf("One or more parameter values were invalid: An %s set  may not be empty", kind)
	}
	sorted := slices.Sorted(slices.Values(set))
	if len(slices.Compact(sorted)) != len(set) {
		return fmt.Errorf("One or more parameter values were invalid: Input collection [%s] contains duplicates.", strings.Join(set, ", "))
	}
	return nil
}

// setStrings gives a set's elements as strings, those of a binary set byte by byte; nil for what is no set.
func setStrings(v types.AttributeValue) []string {
	switch v := v.(type) {
	case *types.AttributeValueMemberSS:
		return v.Value
	case *types.AttributeValueMemberNS:
		return v.Value
	case *types.AttributeValueMemberBS:
		out := make([]string, len(v.Value))
		for i, b := range v.Value {
			out[i] = string(b)
		}
		return out
	}
	return nil
}

// equalValues compares canonical values; sets have no order.
func equalValues(a, b types.AttributeValue) bool {
	if a == nil || b == nil || typeOf(a) != typeOf(b) {
		return false
	}
	switch a := a.(type) {
	case *types.AttributeValueMemberBOOL:
		return a.Value == b.(*types.AttributeValueMemberBOOL).Value
	case *types.AttributeValueMemberNULL:
		return true
	case *types.AttributeValueMemberL:
		return slices.EqualFunc(a.Value, b.(*types.AttributeValueMemberL).Value, equalValues)
	case *types.AttributeValueMemberM:
		return equalMaps(a.Value, b.(*types.AttributeValueMemberM).Value)
	}
	if x := setStrings(a); x != nil {
		y := slices.Clone(setStrings(b))
		x = slices.Clone(x)
		sort.Strings(x)
		sort.Strings(y)
		return slices.Equal(x, y)
	}
	c, _ := compareValues(a, b)
	return c == 0
}

func equalMaps(a, b attributes) bool {
	if len(a) != len(b) {
		return false
	}
	for k, v := range a {
		if !equalValues(v, b[k]) {
			return false
		}
	}
	return true
}

// compareValues orders two canonical strings, numbers or binaries; other values and mixed types have no order.
func compareValues(a, b types.AttributeValue) (c int, ordered bool) {
	switch a := a.(type) {
	case *types.AttributeValueMemberS:
		if b, ok := b.(*types.AttributeValueMemberS); ok {
			return strings.Compare(a.Value, b.Value), true
		}
	case *types.AttributeValueMemberB:
		if b, ok := b.(*types.AttributeValueMemberB); ok {
			return bytes.Compare(a.Value, b.Value), true
		}
	case *types.AttributeValueMemberN:
		if b, ok := b.(*types.AttributeValueMemberN); ok {
			x, _ := parseDecimal(a.Value)
			y, _ := parseDecimal(b.Value)
			return x.compare(y), true
		}
	}
	return 0, false
}
