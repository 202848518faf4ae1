package localcloud

import (
	"encoding/json"
	"net/http"
	"reflect"
	"time"
)

// Services of which a few reads are wanted speak AWS JSON through Go structures of their own, whose members
// are spelled as in the API: no SDK package is linked for them.

// decodePlain reads a request into such a structure. Members that it does not have are passed over.
func decodePlain(in *incoming) (any, error) {
	input := in.op.newInput()
	if err := json.Unmarshal(in.body, input); err != nil {
		return nil, errf(http.StatusBadRequest, "SerializationException", "%v", err)
	}
	var missing constraints
	for _, name := range in.op.required {
		if reflect.ValueOf(input).Elem().FieldByName(name).IsZero() {
			missing.violate("Value null at '%s' failed to satisfy constraint: Member must not be null", lowerFirst(name))
		}
	}
	return input, missing.verdict()
}

// sensitive is a text that CloudTrail's records do not show.
type sensitive string

// plainTrail writes a request or response as CloudTrail does, by the structure that it was read into or
// written from: what that does not have stays out.
func plainTrail(body []byte, structure any) map[string]any {
	tree, err := parseJSON(body)
	if err != nil {
		return nil
	}
	members, _ := plainTrailValue(tree, reflect.TypeOf(structure)).(map[string]any)
	return members
}

func plainTrailValue(value any, of reflect.Type) any {
	if of.Kind() == reflect.Pointer {
		of = of.Elem()
	}
	if of == reflect.TypeFor[sensitive]() {
		return hidden
	}
	object, isObject := value.(map[string]any)
	items, isList := value.([]any)
	number, isNumber := value.(json.Number)
	switch {
	case isObject && of.Kind() == reflect.Struct:
		return plainTrailObject(object, of)
	case isList && of.Kind() == reflect.Slice:
		shown := make([]any, len(items))
		for i, item := range items {
			shown[i] = plainTrailValue(item, of.Elem())
		}
		return shown
	case isObject, isList:
		return nil
	case isNumber:
		return json.RawMessage(number)
	}
	return value
}

func plainTrailObject(object map[string]any, of reflect.Type) map[string]any {
	to := make(map[string]any, len(object))
	for name, value := range object {
		if member, ok := of.FieldByName(name); ok && value != nil {
			to[lowerFirst(name)] = plainTrailValue(value, member.Type)
		}
	}
	return to
}

// epochSeconds is a time as AWS JSON has it.
type epochSeconds time.Time

// MarshalJSON writes seconds since 1970, with milliseconds.
func (t epochSeconds) MarshalJSON() ([]byte, error) {
	return json.Marshal(float64(time.Time(t).UnixMilli()) / 1000)
}
