package awscloud

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
)

// jsonOf writes a DynamoDB value as JSON. Numbers keep their digits, string sets become lists; binary data
// has no place in UserSettings.
func jsonOf(v types.AttributeValue) ([]byte, error) {
	switch v := v.(type) {
	case *types.AttributeValueMemberS:
		return json.Marshal(v.Value)
	case *types.AttributeValueMemberN:
		return json.Marshal(json.Number(v.Value))
	case *types.AttributeValueMemberBOOL:
		return json.Marshal(v.Value)
	case *types.AttributeValueMemberNULL:
		return []byte("null"), nil
	case *types.AttributeValueMemberSS:
		return json.Marshal(v.Value)
	case *types.AttributeValueMemberL:
		return jsonList(v.Value)
	case *types.AttributeValueMemberM:
		return jsonObject(v.Value)
	}
	return nil, fmt.Errorf("%s cannot be part of UserSettings", kindOf(v))
}

func jsonList(values []types.AttributeValue) ([]byte, error) {
	var out bytes.Buffer
	for i, v := range values {
		text, err := jsonOf(v)
		if err != nil {
			return nil, fmt.Errorf("[%d]: %w", i, err)
		}
		out.WriteString(separator(i))
		out.Write(text)
	}
	return fmt.Appendf(nil, "[%s]", out.Bytes()), nil
}

func jsonObject(values item) ([]byte, error) {
	var out bytes.Buffer
	for i, name := range slices.Sorted(maps.Keys(values)) {
		text, err := jsonOf(values[name])
		if err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		key, err := json.Marshal(name)
		if err != nil {
			return nil, err
		}
		out.WriteString(separator(i))
		out.Write(key)
		out.WriteByte(':')
		out.Write(text)
	}
	return fmt.Appendf(nil, "{%s}", out.Bytes()), nil
}

func separator(i int) string {
	if i == 0 {
		return ""
	}
	return ","
}

// attributeOf is the inverse of jsonOf for a value that encoding/json decoded, numbers as json.Number.
func attributeOf(v any) types.AttributeValue {
	switch v := v.(type) {
	case string:
		return text(v)
	case json.Number:
		return &types.AttributeValueMemberN{Value: v.String()}
	case bool:
		return &types.AttributeValueMemberBOOL{Value: v}
	case []any:
		values := make([]types.AttributeValue, len(v))
		for i, element := range v {
			values[i] = attributeOf(element)
		}
		return &types.AttributeValueMemberL{Value: values}
	case map[string]any:
		fields := item{}
		for name, member := range v {
			fields[name] = attributeOf(member)
		}
		return &types.AttributeValueMemberM{Value: fields}
	}
	return &types.AttributeValueMemberNULL{Value: true}
}

// kindOf describes an attribute's type as the console and the wire call it.
func kindOf(v types.AttributeValue) string {
	switch v.(type) {
	case *types.AttributeValueMemberS:
		return "a string (S)"
	case *types.AttributeValueMemberN:
		return "a number (N)"
	case *types.AttributeValueMemberBOOL:
		return "a boolean (BOOL)"
	case *types.AttributeValueMemberNULL:
		return "null (NULL)"
	case *types.AttributeValueMemberM:
		return "a map (M)"
	case *types.AttributeValueMemberL:
		return "a list (L)"
	case *types.AttributeValueMemberB:
		return "binary data (B)"
	case *types.AttributeValueMemberSS, *types.AttributeValueMemberNS, *types.AttributeValueMemberBS:
		return "a set"
	}
	return cmp.Or(strings.TrimPrefix(fmt.Sprintf("%T", v), "*types."), "nothing")
}
