package localcloud

import (
	"strings"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
)

// itemSize is what DynamoDB counts towards its limits, in bytes.
func itemSize(item attributes) int {
	n := 0
	for name, v := range item {
		n += len(name) + valueSize(v)
	}
	return n
}

func valueSize(v types.AttributeValue) int {
	switch v := v.(type) {
	case *types.AttributeValueMemberS:
		return len(v.Value)
	case *types.AttributeValueMemberB:
		return len(v.Value)
	case *types.AttributeValueMemberN:
		return numberSize(v.Value)
	case *types.AttributeValueMemberL:
		n := 3
		for _, e := range v.Value {
			n += 1 + valueSize(e)
		}
		return n
	case *types.AttributeValueMemberM:
		return 3 + len(v.Value) + itemSize(v.Value)
	case *types.AttributeValueMemberNS:
		n := 0
		for _, s := range v.Value {
			n += numberSize(s)
		}
		return n
	case *types.AttributeValueMemberSS, *types.AttributeValueMemberBS:
		return len(strings.Join(setStrings(v), ""))
	}
	return 1
}

// numberSize is one byte and another for every two digits.
func numberSize(s string) int { return (len(strings.Trim(s, "-0."))+1)/2 + 1 }

// wireValue spells attributes as AWS JSON does, for the members of errors.
func wireValue(v types.AttributeValue) map[string]any {
	var content any
	switch v := v.(type) {
	case *types.AttributeValueMemberS:
		content = v.Value
	case *types.AttributeValueMemberN:
		content = v.Value
	case *types.AttributeValueMemberB:
		content = v.Value
	case *types.AttributeValueMemberSS:
		content = v.Value
	case *types.AttributeValueMemberNS:
		content = v.Value
	case *types.AttributeValueMemberBS:
		content = v.Value
	case *types.AttributeValueMemberBOOL:
		content = v.Value
	case *types.AttributeValueMemberNULL:
		content = v.Value
	case *types.AttributeValueMemberM:
		content = wireItem(v.Value)
	case *types.AttributeValueMemberL:
		list := make([]any, len(v.Value))
		for i, e := range v.Value {
			list[i] = wireValue(e)
		}
		content = list
	}
	return map[string]any{typeOf(v): content}
}

func wireItem(item attributes) map[string]any {
	out := make(map[string]any, len(item))
	for name, v := range item {
		out[name] = wireValue(v)
	}
	return out
}
