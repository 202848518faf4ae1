package localcloud

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"math"
	"math/big"
	"net/http"
	"reflect"
	"strconv"
	"strings"
	"time"
	"unicode"

	"github.com/aws/smithy-go"
)

// parseJSON reads a request body; numbers keep all their digits. An empty body is an empty object.
func parseJSON(body []byte) (map[string]any, error) {
	if len(bytes.TrimSpace(body)) == 0 {
		return map[string]any{}, nil
	}
	d := json.NewDecoder(bytes.NewReader(body))
	d.UseNumber()
	var tree any
	if err := d.Decode(&tree); err != nil {
		return nil, serializationError("the request body is no JSON: %v", err)
	}
	if _, err := d.Token(); err != io.EOF {
		return nil, serializationError("the request body goes on after its JSON value")
	}
	object, ok := tree.(map[string]any)
	if !ok {
		return nil, serializationError("the request body is no JSON object")
	}
	return object, nil
}

func serializationError(format string, args ...any) *apiError {
	return errf(http.StatusBadRequest, "SerializationException", format, args...)
}

// decodeInput makes an operation's input of a JSON object. Members the model does not know are ignored, as
// AWS ignores them; a wrong type is a SerializationException naming the member; missing required members
// and values outside an enumeration are a ValidationException naming all of them.
func decodeInput(s *service, op *operation, object map[string]any) (any, error) {
	d := decoder{service: s}
	for _, name := range op.required {
		if object[name] == nil {
			d.violate("Value at '%s' failed to satisfy constraint: Member must not be null", lowerFirst(name))
		}
	}
	input := op.newInput()
	if err := d.structure(reflect.ValueOf(input).Elem(), op.input, object, ""); err != nil {
		return nil, err
	}
	if err := d.verdict(); err != nil {
		return nil, err
	}
	return input, nil
}

// decoder fills SDK structures from a JSON tree, led by their schemas.
type decoder struct {
	service *service
	constraints
}

func (d *decoder) structure(to reflect.Value, schema *smithy.Schema, object map[string]any, path string) error {
	for name, value := range object {
		member := schema.Member(name)
		if member == nil || value == nil {
			continue
		}
		field := to.FieldByName(upperFirst(name))
		if !field.IsValid() {
			continue
		}
		if err := d.value(field, member, value, path+lowerFirst(name)); err != nil {
			return err
		}
	}
	return nil
}

func (d *decoder) value(to reflect.Value, schema *smithy.Schema, value any, path string) error {
	if to.Kind() == reflect.Pointer {
		to.Set(reflect.New(to.Type().Elem()))
		return d.value(to.Elem(), schema, value, path)
	}
	switch schema.Type() {
	case smithy.ShapeTypeStructure:
		if object, ok := value.(map[string]any); ok {
			return d.structure(to, schema, object, path+".")
		}
		return mismatch(path, "an object", value)
	case smithy.ShapeTypeUnion:
		return d.union(to, schema, value, path)
	case smithy.ShapeTypeList, smithy.ShapeTypeSet:
		return d.list(to, schema, value, path)
	case smithy.ShapeTypeMap:
		return d.mapping(to, schema, value, path)
	case smithy.ShapeTypeDocument:
		return d.documentValue(to, value, path)
	default:
		return d.scalar(to, schema, value, path)
	}
}

func (d *decoder) list(to reflect.Value, schema *smithy.Schema, value any, path string) error {
	items, ok := value.([]any)
	if !ok {
		return mismatch(path, "a list", value)
	}
	to.Set(reflect.MakeSlice(to.Type(), len(items), len(items)))
	for i, item := range items {
		at := fmt.Sprintf("%s.%d.member", path, i+1)
		if item == nil {
			return mismatch(at, "a value", item)
		}
		if err := d.value(to.Index(i), schema.ListMember(), item, at); err != nil {
			return err
		}
	}
	return nil
}

func (d *decoder) mapping(to reflect.Value, schema *smithy.Schema, value any, path string) error {
	object, ok := value.(map[string]any)
	if !ok {
		return mismatch(path, "an object", value)
	}
	to.Set(reflect.MakeMapWithSize(to.Type(), len(object)))
	for key, item := range object {
		if item == nil {
			continue
		}
		element := reflect.New(to.Type().Elem()).Elem()
		if err := d.value(element, schema.MapValue(), item, path+"."+key+".member"); err != nil {
			return err
		}
		to.SetMapIndex(reflect.ValueOf(key).Convert(to.Type().Key()), element)
	}
	return nil
}

// union finds the Go type of the one member that is set; the SDK names it <union>Member<member>.
func (d *decoder) union(to reflect.Value, schema *smithy.Schema, value any, path string) error {
	object, ok := value.(map[string]any)
	if !ok {
		return mismatch(path, "an object", value)
	}
	set := ""
	for name, item := range object {
		if item == nil || schema.Member(name) == nil {
			continue
		}
		if set != "" {
			return serializationError("%s has more than one member: exactly one of its members must be set", path)
		}
		set = name
	}
	if set == "" {
		return serializationError("%s has no member that is known: exactly one of its members must be set", path)
	}
	wanted := to.Type().Name() + "Member" + upperFirst(set)
	for _, variant := range d.service.unions {
		t := reflect.TypeOf(variant).Elem()
		if t.Name() != wanted || !reflect.PointerTo(t).Implements(to.Type()) {
			continue
		}
		made := reflect.New(t)
		to.Set(made)
		return d.value(made.Elem().FieldByName("Value"), schema.Member(set), object[set], path+"."+lowerFirst(set))
	}
	return serializationError("the local cloud cannot read %s.%s", path, set)
}

func (d *decoder) documentValue(to reflect.Value, value any, path string) error {
	if d.service.document == nil {
		return serializationError("the local cloud cannot read %s", path)
	}
	to.Set(reflect.ValueOf(d.service.document(value)))
	return nil
}

func (d *decoder) scalar(to reflect.Value, schema *smithy.Schema, value any, path string) error {
	if schema.Type() == smithy.ShapeTypeTimestamp {
		return setTime(to, value, path)
	}
	switch v := value.(type) {
	case string:
		return d.text(to, schema, v, path)
	case bool:
		if to.Kind() == reflect.Bool {
			to.SetBool(v)
			return nil
		}
	case json.Number:
		return setNumber(to, v, path)
	}
	return mismatch(path, to.Kind().String(), value)
}

func (d *decoder) text(to reflect.Value, schema *smithy.Schema, v, path string) error {
	switch {
	case schema.Type() == smithy.ShapeTypeBlob:
		blob, err := base64.StdEncoding.DecodeString(v)
		if err != nil {
			return mismatch(path, "base64", v)
		}
		to.SetBytes(blob)
	case to.Kind() == reflect.String:
		to.SetString(v)
		d.enumeration(to, v, path)
	default:
		return mismatch(path, to.Kind().String(), v)
	}
	return nil
}

// setNumber sets integers and floats. Integers never pass through a float; 5.0 is taken for 5, 5.5 is not.
func setNumber(to reflect.Value, n json.Number, path string) error {
	switch {
	case to.CanInt():
		whole, ok := new(big.Rat).SetString(boundedExponent(n))
		if !ok || !whole.IsInt() || !whole.Num().IsInt64() || to.OverflowInt(whole.Num().Int64()) {
			return mismatch(path, to.Kind().String(), n)
		}
		to.SetInt(whole.Num().Int64())
	case to.CanFloat():
		f, err := strconv.ParseFloat(string(n), to.Type().Bits())
		if err != nil {
			return mismatch(path, to.Kind().String(), n)
		}
		to.SetFloat(f)
	default:
		return mismatch(path, to.Kind().String(), n)
	}
	return nil
}

// boundedExponent keeps numbers such as 1e999999999 from being worked out.
func boundedExponent(n json.Number) string {
	if len(n) > 40 {
		return ""
	}
	if at := strings.IndexAny(string(n), "eE"); at >= 0 {
		if exponent, err := strconv.Atoi(string(n[at+1:])); err != nil || exponent > 30 || exponent < -30 {
			return ""
		}
	}
	return string(n)
}

// setTime reads epoch seconds, with a fraction or not.
func setTime(to reflect.Value, value any, path string) error {
	n, ok := value.(json.Number)
	if !ok {
		return mismatch(path, "a timestamp in epoch seconds", value)
	}
	seconds, err := n.Float64()
	if err != nil || math.Abs(seconds) > 253402300799 {
		return mismatch(path, "a timestamp in epoch seconds", value)
	}
	to.Set(reflect.ValueOf(time.UnixMilli(int64(math.Round(seconds * 1000))).UTC()))
	return nil
}

func mismatch(path, want string, value any) *apiError {
	return serializationError("%s: expected %s, found %s", path, want, kindOf(value))
}

func kindOf(value any) string {
	switch v := value.(type) {
	case map[string]any:
		return "an object"
	case []any:
		return "a list"
	case nil:
		return "null"
	case json.Number:
		return "the number " + v.String()
	case bool:
		return strconv.FormatBool(v)
	default:
		return "a string"
	}
}

func upperFirst(s string) string { return changeFirst(s, unicode.ToUpper) }
func lowerFirst(s string) string { return changeFirst(s, unicode.ToLower) }

func changeFirst(s string, change func(rune) rune) string {
	if s == "" {
		return s
	}
	first := change(rune(s[0]))
	if first == rune(s[0]) {
		return s
	}
	return string(first) + s[1:]
}
