package localcloud

import (
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
)

// update is a parsed UpdateExpression.
type update struct {
	actions []action
}

// action changes one path: SET, REMOVE, ADD or DELETE.
type action struct {
	section string
	path    path
	set     setValue
	lit     types.AttributeValue // of ADD and DELETE
}

// setValue works a new value out from the item as it was before the update.
type setValue func(old attributes) (types.AttributeValue, error)

// update parses text; no text is no change, given as nil.
func (x *expressions) update(text *string) (*update, error) {
	if text == nil {
		return nil, nil
	}
	p := x.parser("UpdateExpression", *text)
	u := &update{}
	seen := map[string]bool{}
	for p.err == nil && p.at < len(p.tokens) {
		section := strings.ToUpper(p.peek())
		if !slices.Contains([]string{"SET", "REMOVE", "ADD", "DELETE"}, section) {
			p.syntax()
			break
		}
		p.at++
		if seen[section] {
			p.fail("The %q section can only be used once in an update expression;", section)
		}
		seen[section] = true
		p.section(u, section)
	}
	p.checkOverlap(u.paths())
	if p.err != nil {
		return nil, p.err
	}
	return u, nil
}

func (u *update) paths() []path {
	var out []path
	for _, a := range u.actions {
		out = append(out, a.path)
	}
	return out
}

func (p *parser) checkOverlap(paths []path) {
	for i, a := range paths {
		for _, b := range paths[i+1:] {
			if a.overlaps(b) {
				p.fail("Two document paths overlap with each other; must remove or rewrite one of these paths; path one: %v, path two: %v", a, b)
			}
		}
	}
}

func (p *parser) section(u *update, section string) {
	for {
		a := action{section: section, path: p.path()}
		switch section {
		case "SET":
			p.expect("=")
			a.set = p.sum()
		case "ADD":
			a.lit = p.value()
			p.checkLiteral(section, operand{lit: a.lit}, "N", "SS", "NS", "BS")
		case "DELETE":
			a.lit = p.value()
			p.checkLiteral(section, operand{lit: a.lit}, "SS", "NS", "BS")
		}
		u.actions = append(u.actions, a)
		if !p.accept(",") {
			return
		}
	}
}

// sum reads the right-hand side of SET: one operand, or two with + or - between them.
func (p *parser) sum() setValue {
	left := p.setOperand()
	for _, op := range []string{"+", "-"} {
		if p.accept(op) {
			return arithmetic(left, p.setOperand(), op)
		}
	}
	return left
}

func arithmetic(left, right setValue, op string) setValue {
	return func(old attributes) (types.AttributeValue, error) {
		a, b, err := both(left, right, old)
		if err != nil {
			return nil, err
		}
		x, ok := a.(*types.AttributeValueMemberN)
		y, also := b.(*types.AttributeValueMemberN)
		if !ok || !also {
			return nil, invalidf("An operand in the update expression has an incorrect data type")
		}
		return addNumbers(x, y, op == "-")
	}
}

func both(left, right setValue, old attributes) (a, b types.AttributeValue, err error) {
	if a, err = left(old); err != nil {
		return nil, nil, err
	}
	b, err = right(old)
	return a, b, err
}

func (p *parser) setOperand() setValue {
	switch t := p.peek(); {
	case t[0] == ':':
		v := p.value()
		return func(attributes) (types.AttributeValue, error) { return v, nil }
	case t == "(":
		p.at++
		v := p.sum()
		p.expect(")")
		return v
	case p.isCall():
		return p.setCall()
	}
	at := p.path()
	return func(old attributes) (types.AttributeValue, error) {
		v := at.lookup(old)
		if v == nil {
			return nil, invalidf("The provided expression refers to an attribute that does not exist in the item")
		}
		return v, nil
	}
}

func (p *parser) setCall() setValue {
	name := p.next()
	p.at++
	switch name {
	case "if_not_exists":
		at := p.path()
		p.expect(",")
		other := p.setOperand()
		p.expect(")")
		return func(old attributes) (types.AttributeValue, error) {
			if v := at.lookup(old); v != nil {
				return v, nil
			}
			return other(old)
		}
	case "list_append":
		left := p.setOperand()
		p.expect(",")
		right := p.setOperand()
		p.expect(")")
		return appendLists(left, right)
	}
	p.fail("Invalid function name; function: %s", name)
	return nil
}

func appendLists(left, right setValue) setValue {
	return func(old attributes) (types.AttributeValue, error) {
		a, b, err := both(left, right, old)
		if err != nil {
			return nil, err
		}
		x, ok := a.(*types.AttributeValueMemberL)
		y, also := b.(*types.AttributeValueMemberL)
		if !ok || !also {
			return nil, invalidf("An operand in the update expression has an incorrect data type")
		}
		return &types.AttributeValueMemberL{Value: slices.Concat(x.Value, y.Value)}, nil
	}
}
