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

// epochSeconds is a time as AWS JSON has it.
type epochSeconds time.Time

// MarshalJSON writes seconds since 1970, with milliseconds.
func (t epochSeconds) MarshalJSON() ([]byte, error) {
	return json.Marshal(float64(time.Time(t).UnixMilli()) / 1000)
}
