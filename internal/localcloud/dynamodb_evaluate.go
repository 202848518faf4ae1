package localcloud

import (
	"bytes"
	"slices"
	"strconv"
	"strings"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
)

// value evaluates the operand; nil is a missing attribute.
func (o operand) value(item attributes) types.AttributeValue {
	if o.lit != nil {
		return o.lit
	}
	v := o.path.lookup(item)
	if !o.size {
		return v
	}
	n, ok := sizeOf(v)
	if !ok {
		return nil
	}
	return &types.AttributeValueMemberN{Value: strconv.Itoa(n)}
}

func sizeOf(v types.AttributeValue) (int, bool) {
	switch v := v.(type) {
	case *types.AttributeValueMemberS:
		return len(v.Value), true
	case *types.AttributeValueMemberB:
		return len(v.Value), true
	case *types.AttributeValueMemberL:
		return len(v.Value), true
	case *types.AttributeValueMemberM:
		return len(v.Value), true
	}
	set := setStrings(v)
	return len(set), set != nil
}

// holds evaluates the condition on an item; a missing item is an empty one. Nil always holds.
func (c *condition) holds(item attributes) bool {
	if c == nil {
		return true
	}
	switch c.op {
	case "AND":
		return c.kids[0].holds(item) && c.kids[1].holds(item)
	case "OR":
		return c.kids[0].holds(item) || c.kids[1].holds(item)
	case "NOT":
		return !c.kids[0].holds(item)
	}
	values := make([]types.AttributeValue, len(c.operands))
	for i, o := range c.operands {
		values[i] = o.value(item)
	}
	return c.test(values)
}

func (c *condition) test(v []types.AttributeValue) bool {
	switch c.op {
	case "attribute_exists":
		return v[0] != nil
	case "attribute_not_exists":
		return v[0] == nil
	case "attribute_type":
		return typeOf(v[0]) == v[1].(*types.AttributeValueMemberS).Value
	case "begins_with":
		return beginsWith(v[0], v[1])
	case "contains":
		return containsValue(v[0], v[1])
	case "IN":
		return slices.ContainsFunc(v[1:], func(e types.AttributeValue) bool { return equalValues(v[0], e) })
	case "BETWEEN":
		return inOrder(">=", v[0], v[1]) && inOrder("<=", v[0], v[2])
	case "=":
		return equalValues(v[0], v[1])
	case "<>":
		return !equalValues(v[0], v[1])
	default:
		return inOrder(c.op, v[0], v[1])
	}
}

func inOrder(op string, a, b types.AttributeValue) bool {
	c, ok := compareValues(a, b)
	if !ok {
		return false
	}
	switch op {
	case "<":
		return c < 0
	case "<=":
		return c <= 0
	case ">":
		return c > 0
	default:
		return c >= 0
	}
}

func beginsWith(v, prefix types.AttributeValue) bool {
	switch v := v.(type) {
	case *types.AttributeValueMemberS:
		p, ok := prefix.(*types.AttributeValueMemberS)
		return ok && strings.HasPrefix(v.Value, p.Value)
	case *types.AttributeValueMemberB:
		p, ok := prefix.(*types.AttributeValueMemberB)
		return ok && bytes.HasPrefix(v.Value, p.Value)
	}
	return false
}

// containsValue finds a substring in a string or binary, and an element in a set or list.
func containsValue(v, e types.AttributeValue) bool {
	switch v := v.(type) {
	case *types.AttributeValueMemberS:
		s, ok := e.(*types.AttributeValueMemberS)
		return ok && strings.Contains(v.Value, s.Value)
	case *types.AttributeValueMemberB:
		b, ok := e.(*types.AttributeValueMemberB)
		return ok && bytes.Contains(v.Value, b.Value)
	case *types.AttributeValueMemberL:
		return slices.ContainsFunc(v.Value, func(x types.AttributeValue) bool { return equalValues(x, e) })
	case *types.AttributeValueMemberSS:
		s, ok := e.(*types.AttributeValueMemberS)
		return ok && slices.Contains(v.Value, s.Value)
	case *types.AttributeValueMemberNS:
		n, ok := e.(*types.AttributeValueMemberN)
		return ok && slices.Contains(v.Value, n.Value)
	case *types.AttributeValueMemberBS:
		b, ok := e.(*types.AttributeValueMemberB)
		return ok && slices.ContainsFunc(v.Value, func(x []byte) bool { return bytes.Equal(x, b.Value) })
	}
	return false
}
