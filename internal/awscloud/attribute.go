package awscloud

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"slices"

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
