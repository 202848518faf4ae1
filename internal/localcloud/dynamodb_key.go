package localcloud

import (
	"slices"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
)

// bounds turns a key condition into the run of stored keys it selects, low <= key < high. DynamoDB takes
// equality on the partition key and at most one further condition, on the sort key.
func (t *table) bounds(c *condition) (low, high string, err error) {
	parts := conjuncts(c)
	if len(parts) > 2 {
		return "", "", invalidf("Invalid KeyConditionExpression: The expression has too many conditions: %d", len(parts))
	}
	var hash, sort *condition
	for _, part := range parts {
		name, err := keyOperand(part)
		switch {
		case err != nil:
			return "", "", err
		case name == t.hash.name && hash == nil:
			hash = part
		case name == t.sort.name && sort == nil:
			sort = part
		case name == t.hash.name || name == t.sort.name:
			return "", "", invalidf("KeyConditionExpressions must only contain one condition per key")
		}
	}
	switch {
	case hash == nil:
		return "", "", invalidf("Query condition missed key schema element: %s", t.hash.name)
	case hash.op != "=":
		return "", "", invalidf("Query key condition not supported")
	case len(parts) == 2 && sort == nil:
		return "", "", invalidf("Query condition missed key schema element: %s", t.sort.name)
	}
	if err := checkKeyOperands(t.hash, hash, true); err != nil {
		return "", "", err
	}
	prefix := partitionKey(hash.operands[1].lit)
	if sort == nil {
		return prefix, after(prefix), nil
	}
	if err := checkKeyOperands(t.sort, sort, false); err != nil {
		return "", "", err
	}
	return sortBounds(prefix, sort)
}

func conjuncts(c *condition) []*condition {
	if c.op == "AND" {
		return append(conjuncts(c.kids[0]), conjuncts(c.kids[1])...)
	}
	return []*condition{c}
}

// keyOperand gives the attribute a key condition is about: a plain name, compared with plain values.
func keyOperand(c *condition) (string, error) {
	switch {
	case !slices.Contains([]string{"=", "<", "<=", ">", ">=", "BETWEEN", "begins_with"}, c.op):
		return "", invalidf("Invalid operator used in KeyConditionExpression: %s", c.op)
	case len(c.operands[0].path) != 1 || c.operands[0].size:
		return "", invalidf("Invalid KeyConditionExpression: KeyConditionExpressions must have an attribute name as the first operand")
	}
	for _, o := range c.operands[1:] {
		if o.lit == nil {
			return "", invalidf("Invalid condition in KeyConditionExpression: Multiple attribute names used in one condition")
		}
	}
	return c.operands[0].path[0].name, nil
}

func checkKeyOperands(k keyAttribute, c *condition, hash bool) error {
	for _, o := range c.operands[1:] {
		if typeOf(o.lit) != k.kind {
			return invalidf("One or more parameter values were invalid: Condition parameter type does not match schema type")
		}
		if err := checkKeyValue(k.name, o.lit, hash); err != nil {
			return err
		}
	}
	return nil
}

func sortBounds(prefix string, c *condition) (low, high string, err error) {
	value := func(i int) string { return prefix + sortable(c.operands[i].lit) }
	switch c.op {
	case "=":
		return value(1), value(1) + "\x00", nil
	case "<":
		return prefix, value(1), nil
	case "<=":
		return prefix, value(1) + "\x00", nil
	case ">":
		return value(1) + "\x00", after(prefix), nil
	case ">=":
		return value(1), after(prefix), nil
	case "BETWEEN":
		return value(1), value(2) + "\x00", nil
	}
	if _, ok := c.operands[1].lit.(*types.AttributeValueMemberN); ok {
		return "", "", invalidf("Invalid KeyConditionExpression: Incorrect operand type for operator or function; operator or function: begins_with, operand type: N")
	}
	return value(1), after(value(1)), nil
}
