package localcloud

import (
	"maps"
	"slices"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
)

// cloneValue copies lists and maps, so that the copy may be changed in place; other values are never changed.
func cloneValue(v types.AttributeValue) types.AttributeValue {
	switch v := v.(type) {
	case *types.AttributeValueMemberM:
		out := make(attributes, len(v.Value))
		for name, e := range v.Value {
			out[name] = cloneValue(e)
		}
		return &types.AttributeValueMemberM{Value: out}
	case *types.AttributeValueMemberL:
		out := make([]types.AttributeValue, len(v.Value))
		for i, e := range v.Value {
			out[i] = cloneValue(e)
		}
		return &types.AttributeValueMemberL{Value: out}
	}
	return v
}

// assign puts a value at a path whose parent must exist; an index past a list's end appends.
func assign(item *types.AttributeValueMemberM, at path, v types.AttributeValue) error {
	last := at[len(at)-1]
	switch in := parent(item, at).(type) {
	case *types.AttributeValueMemberM:
		if last.name != "" {
			in.Value[last.name] = v
			return nil
		}
	case *types.AttributeValueMemberL:
		if last.name == "" {
			if last.index < len(in.Value) {
				in.Value[last.index] = v
			} else {
				in.Value = append(in.Value, v)
			}
			return nil
		}
	}
	return invalidf("The document path provided in the update expression is invalid for update")
}

// unassign takes out what is at a path; its parent must exist, it need not.
func unassign(item *types.AttributeValueMemberM, at path) error {
	last := at[len(at)-1]
	switch in := parent(item, at).(type) {
	case *types.AttributeValueMemberM:
		if last.name != "" {
			delete(in.Value, last.name)
			return nil
		}
	case *types.AttributeValueMemberL:
		if last.name == "" {
			if last.index < len(in.Value) {
				in.Value = slices.Delete(in.Value, last.index, last.index+1)
			}
			return nil
		}
	}
	return invalidf("The document path provided in the update expression is invalid for update")
}

func parent(item *types.AttributeValueMemberM, at path) types.AttributeValue {
	if len(at) == 1 {
		return item
	}
	return at[:len(at)-1].lookup(item.Value)
}

// projection parses a ProjectionExpression; no text is the whole item, given as nil.
func (x *expressions) projection(text *string) ([]path, error) {
	if text == nil {
		return nil, nil
	}
	p := x.parser("ProjectionExpression", *text)
	paths := []path{p.path()}
	for p.accept(",") {
		paths = append(paths, p.path())
	}
	p.checkOverlap(paths)
	return paths, p.end()
}

// project gives what of the item lies on the paths, in the item's own shape; list elements close up.
func project(item attributes, paths []path) attributes {
	if paths == nil || item == nil {
		return item
	}
	out, _ := pick(&types.AttributeValueMemberM{Value: item}, paths).(*types.AttributeValueMemberM)
	if out == nil {
		return attributes{}
	}
	return out.Value
}

// pick gives the parts of v that the paths lead to, or nil. An empty path takes all of it.
func pick(v types.AttributeValue, paths []path) types.AttributeValue {
	if len(paths) > 0 && len(paths[0]) == 0 {
		return v
	}
	below := map[step][]path{}
	for _, at := range paths {
		below[at[0]] = append(below[at[0]], at[1:])
	}
	switch v := v.(type) {
	case *types.AttributeValueMemberM:
		out := attributes{}
		for s, rest := range below {
			if e := v.Value[s.name]; s.name != "" && e != nil {
				if e = pick(e, rest); e != nil {
					out[s.name] = e
				}
			}
		}
		if len(out) > 0 {
			return &types.AttributeValueMemberM{Value: out}
		}
	case *types.AttributeValueMemberL:
		var out []types.AttributeValue
		for _, i := range slices.Sorted(maps.Keys(indexes(below))) {
			if i < len(v.Value) {
				if e := pick(v.Value[i], below[step{index: i}]); e != nil {
					out = append(out, e)
				}
			}
		}
		if out != nil {
			return &types.AttributeValueMemberL{Value: out}
		}
	}
	return nil
}

func indexes(below map[step][]path) map[int]bool {
	out := map[int]bool{}
	for s := range below {
		if s.name == "" {
			out[s.index] = true
		}
	}
	return out
}
