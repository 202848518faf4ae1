package localcloud

import (
	"slices"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
)

func addNumbers(x, y *types.AttributeValueMemberN, minus bool) (types.AttributeValue, error) {
	d, _ := parseDecimal(x.Value)
	e, _ := parseDecimal(y.Value)
	sum, err := d.add(e, minus)
	if err != nil {
		return nil, invalidf("%v", err)
	}
	return &types.AttributeValueMemberN{Value: sum.String()}, nil
}

// apply gives the item after the update. Old stays as it is.
func (u *update) apply(old attributes) (attributes, error) {
	item := cloneValue(&types.AttributeValueMemberM{Value: old}).(*types.AttributeValueMemberM)
	if u == nil {
		return item.Value, nil
	}
	values := make([]types.AttributeValue, len(u.actions))
	for i, a := range u.actions {
		v, err := a.value(old)
		if err != nil {
			return nil, err
		}
		values[i] = v
	}
	for i, a := range u.actions {
		if values[i] != nil {
			if err := assign(item, a.path, cloneValue(values[i])); err != nil {
				return nil, err
			}
		}
	}
	return item.Value, u.remove(item, values)
}

// remove takes out what REMOVE names and what DELETE emptied, the last list elements first.
func (u *update) remove(item *types.AttributeValueMemberM, values []types.AttributeValue) error {
	var gone []path
	for i, a := range u.actions {
		if values[i] == nil {
			gone = append(gone, a.path)
		}
	}
	slices.SortFunc(gone, func(a, b path) int { return b[len(b)-1].index - a[len(a)-1].index })
	for _, at := range gone {
		if err := unassign(item, at); err != nil {
			return err
		}
	}
	return nil
}

// value is the attribute's new value; nil means that it goes.
func (a action) value(old attributes) (types.AttributeValue, error) {
	current := a.path.lookup(old)
	switch {
	case a.section == "REMOVE":
		return nil, nil
	case a.section == "SET":
		return a.set(old)
	case current == nil && a.section == "ADD":
		return a.lit, nil
	case current == nil:
		return nil, nil
	case typeOf(current) != typeOf(a.lit):
		return nil, invalidf("An operand in the update expression has an incorrect data type")
	}
	if n, ok := a.lit.(*types.AttributeValueMemberN); ok {
		return addNumbers(current.(*types.AttributeValueMemberN), n, false)
	}
	return combineSets(current, a.lit, a.section == "ADD"), nil
}

// combineSets is the union of two sets of one type, or their difference; an empty set is nil.
func combineSets(set, other types.AttributeValue, union bool) types.AttributeValue {
	out := slices.Clone(setStrings(set))
	given := setStrings(other)
	if union {
		for _, s := range given {
			if !slices.Contains(out, s) {
				out = append(out, s)
			}
		}
	} else {
		out = slices.DeleteFunc(out, func(s string) bool { return slices.Contains(given, s) })
	}
	if len(out) == 0 {
		return nil
	}
	switch set.(type) {
	case *types.AttributeValueMemberSS:
		return &types.AttributeValueMemberSS{Value: out}
	case *types.AttributeValueMemberNS:
		return &types.AttributeValueMemberNS{Value: out}
	}
	bs := make([][]byte, len(out))
	for i, s := range out {
		bs[i] = []byte(s)
	}
	return &types.AttributeValueMemberBS{Value: bs}
}
