package localcloud

import (
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
)

// condition is a parsed condition, filter or key condition: an operator over conditions (AND, OR, NOT) or
// over operands (comparators, BETWEEN, IN, functions).
type condition struct {
	op       string
	kids     []*condition
	operands []operand
	parens   bool
}

// operand is a path, a value from the request, or the size of a path's value.
type operand struct {
	path path
	lit  types.AttributeValue
	size bool
}

// condition parses text; empty text is a condition that always holds, given as nil.
func (x *expressions) condition(kind string, text *string) (*condition, error) {
	if text == nil {
		return nil, nil
	}
	p := x.parser(kind, *text)
	c := p.or()
	if err := p.end(); err != nil {
		return nil, err
	}
	return c, nil
}

func (p *parser) or() *condition {
	c := p.and()
	for p.accept("OR") {
		c = &condition{op: "OR", kids: []*condition{c, p.and()}}
	}
	return c
}

func (p *parser) and() *condition {
	c := p.not()
	for p.accept("AND") {
		c = &condition{op: "AND", kids: []*condition{c, p.not()}}
	}
	return c
}

func (p *parser) not() *condition {
	if p.accept("NOT") {
		return &condition{op: "NOT", kids: []*condition{p.not()}}
	}
	if p.accept("(") {
		c := p.or()
		p.expect(")")
		if c.parens {
			p.fail("The expression has redundant parentheses;")
		}
		c.parens = true
		return c
	}
	if p.isCall() && p.peek() != "size" {
		return p.call()
	}
	return p.comparison()
}

func (p *parser) comparison() *condition {
	c := &condition{operands: []operand{p.operand()}}
	c.op = strings.ToUpper(p.peek())
	switch c.op {
	case "=", "<>", "<", "<=", ">", ">=", "BETWEEN", "IN":
		p.at++
	}
	switch c.op {
	case "=", "<>", "<", "<=", ">", ">=":
		c.operands = append(c.operands, p.operand())
	case "BETWEEN":
		low := p.operand()
		p.expect("AND")
		c.operands = append(c.operands, low, p.operand())
	case "IN":
		p.expect("(")
		c.operands = append(c.operands, p.operand())
		for p.accept(",") {
			c.operands = append(c.operands, p.operand())
		}
		p.expect(")")
	default:
		p.syntax()
	}
	p.checkOperands(c)
	return c
}

// checkOperands refuses what DynamoDB refuses before it looks at any item.
func (p *parser) checkOperands(c *condition) {
	if p.err != nil {
		return
	}
	first := c.operands[0]
	for _, o := range c.operands[1:] {
		if first.path != nil && o.path != nil && first.size == o.size && slices.Equal(first.path, o.path) {
			p.fail("The first operand must be distinct from the remaining operands for this operator or function; operator: %s, first operand: %v", c.op, first.path)
		}
	}
	if slices.Contains([]string{"<", "<=", ">", ">=", "BETWEEN"}, c.op) {
		for _, o := range c.operands {
			p.checkLiteral(c.op, o, "S", "N", "B")
		}
	}
	if c.op == "IN" && len(c.operands) > 101 {
		p.fail("Incorrect number of operands for operator or function; operator or function: IN, number of operands: %d", len(c.operands))
	}
	if c.op == "BETWEEN" && c.operands[1].lit != nil && c.operands[2].lit != nil {
		order, ok := compareValues(c.operands[1].lit, c.operands[2].lit)
		switch {
		case !ok:
			p.fail("The BETWEEN operator requires same data type for lower and upper bounds")
		case order > 0:
			p.fail("The BETWEEN operator requires upper bound to be greater than or equal to lower bound")
		}
	}
}

func (p *parser) checkLiteral(op string, o operand, allowed ...string) {
	if o.lit != nil && !slices.Contains(allowed, typeOf(o.lit)) {
		p.fail("Incorrect operand type for operator or function; operator or function: %s, operand type: %s", op, typeOf(o.lit))
	}
}

func (p *parser) operand() operand {
	switch t := p.peek(); {
	case t[0] == ':':
		return operand{lit: p.value()}
	case p.isCall() && t == "size":
		p.at += 2
		o := operand{size: true, path: p.path()}
		p.expect(")")
		return o
	case p.isCall():
		p.fail("The function is not allowed to be used this way in an expression; function: %s", t)
	}
	return operand{path: p.path()}
}

func (p *parser) call() *condition {
	c := &condition{op: p.next()}
	p.at++
	args := map[string]int{"attribute_exists": 1, "attribute_not_exists": 1, "attribute_type": 2, "begins_with": 2, "contains": 2}[c.op]
	if args == 0 {
		p.fail("Invalid function name; function: %s", c.op)
		return c
	}
	c.operands = append(c.operands, p.operand())
	for p.accept(",") {
		c.operands = append(c.operands, p.operand())
	}
	p.expect(")")
	if len(c.operands) != args {
		p.fail("Incorrect number of operands for operator or function; operator or function: %s, number of operands: %d", c.op, len(c.operands))
	}
	p.checkCall(c)
	return c
}

func (p *parser) checkCall(c *condition) {
	if p.err != nil {
		return
	}
	first, last := c.operands[0], c.operands[len(c.operands)-1]
	switch c.op {
	case "attribute_exists", "attribute_not_exists":
		if first.path == nil || first.size {
			p.fail("Operator or function requires a document path; operator or function: %s", c.op)
		}
	case "begins_with":
		p.checkLiteral(c.op, first, "S", "B")
		p.checkLiteral(c.op, last, "S", "B")
	case "contains":
		p.checkLiteral(c.op, first, "S", "SS", "NS", "BS", "L")
	case "attribute_type":
		s, ok := last.lit.(*types.AttributeValueMemberS)
		switch {
		case !ok:
			p.checkLiteral(c.op, last, "S")
			p.fail("Incorrect operand type for operator or function; operator or function: attribute_type")
		case !slices.Contains([]string{"S", "N", "B", "SS", "NS", "BS", "L", "M", "BOOL", "NULL"}, s.Value):
			p.fail("Invalid attribute type name found; type: %s, valid types: {B,NULL,SS,BOOL,L,BS,N,NS,S,M}", s.Value)
		}
	}
}
