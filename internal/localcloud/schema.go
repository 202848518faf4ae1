package localcloud

import (
	"encoding/json"
	"fmt"
	"reflect"
	"strings"

	"github.com/aws/smithy-go"
)

// copyMembers copies every field of from that to has too, with the same type. Inputs of the SDK and what the
// same service describes later share most of their members.
func copyMembers(to, from any) {
	target, source := reflect.ValueOf(to).Elem(), reflect.ValueOf(from).Elem()
	for i := range source.NumField() {
		field := source.Type().Field(i)
		if !field.IsExported() || field.Name == "ResultMetadata" {
			continue
		}
		if place := target.FieldByName(field.Name); place.IsValid() && place.Type() == field.Type {
			place.Set(source.Field(i))
		}
	}
}

// copyPresentMembers is copyMembers for updates: members that the request left out stay as they are.
func copyPresentMembers(to, from any) {
	target, source := reflect.ValueOf(to).Elem(), reflect.ValueOf(from).Elem()
	for i := range source.NumField() {
		field := source.Type().Field(i)
		if !field.IsExported() || field.Name == "ResultMetadata" || source.Field(i).IsZero() {
			continue
		}
		if place := target.FieldByName(field.Name); place.IsValid() && place.Type() == field.Type {
			place.Set(source.Field(i))
		}
	}
}

// treeOf is an SDK structure as the JSON tree it has on the wire.
func treeOf(s *service, schema *smithy.Schema, value smithy.Serializable) (map[string]any, error) {
	encoded, err := encodeOutput(s, &operation{output: schema}, value)
	if err != nil {
		return nil, err
	}
	return parseJSON(encoded)
}

// fromTree fills an SDK structure from its JSON tree.
func fromTree(s *service, schema *smithy.Schema, tree map[string]any, to any) error {
	d := decoder{service: s}
	if err := d.structure(reflect.ValueOf(to).Elem(), schema, tree, ""); err != nil {
		return err
	}
	return d.verdict()
}

// mergeTrees lays an update over a tree: objects are merged member by member, everything else is replaced.
func mergeTrees(under, over map[string]any) map[string]any {
	merged := make(map[string]any, len(under)+len(over))
	for k, v := range under {
		merged[k] = v
	}
	for k, v := range over {
		below, isObject := merged[k].(map[string]any)
		above, alsoObject := v.(map[string]any)
		if isObject && alsoObject {
			v = mergeTrees(below, above)
		}
		merged[k] = v
	}
	return merged
}

// setPath sets the member at a dotted path such as name.givenName, spelled as the model spells it; a nil
// value removes it. A path that the schema does not have is an error.
func setPath(tree map[string]any, schema *smithy.Schema, path string, value any) error {
	first, rest, deeper := strings.Cut(path, ".")
	name := upperFirst(first)
	member := schema.Member(name)
	if member == nil {
		return fmt.Errorf("there is no attribute %q", path)
	}
	if !deeper {
		delete(tree, name)
		if value != nil {
			tree[name] = modelNames(value, member)
		}
		return nil
	}
	if member.Type() != smithy.ShapeTypeStructure {
		return fmt.Errorf("there is no attribute %q", path)
	}
	below, ok := tree[name].(map[string]any)
	if !ok {
		below = map[string]any{}
		tree[name] = below
	}
	return setPath(below, member, rest, value)
}

// modelNames spells the members of a free-form document as the model does: callers may begin them in
// lower case.
func modelNames(value any, schema *smithy.Schema) any {
	switch v := value.(type) {
	case map[string]any:
		named := make(map[string]any, len(v))
		for k, item := range v {
			named[upperFirst(k)] = modelNames(item, schema)
		}
		return named
	case []any:
		items := make([]any, len(v))
		for i, item := range v {
			items[i] = modelNames(item, schema)
		}
		return items
	}
	return value
}

// plainJSON is a document value as a JSON tree.
func plainJSON(encoded []byte) (any, error) {
	var value any
	if err := json.Unmarshal(encoded, &value); err != nil {
		return nil, fmt.Errorf("reading an attribute value: %w", err)
	}
	return value, nil
}
