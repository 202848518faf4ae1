package localcloud

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
)

// maxExpression is the longest expression DynamoDB takes, in bytes; it bounds the parsers' recursion, too.
const maxExpression = 4096

// expressions are the placeholders of one request, and which of them its expressions have used so far.
type expressions struct {
	names  map[string]string
	values attributes
	used   map[string]bool
}

// newExpressions checks the placeholders of a request. present says whether it has any expression at all.
func newExpressions(names map[string]string, values attributes, present bool) (*expressions, error) {
	if !present {
		switch {
		case names != nil:
			return nil, invalidf("ExpressionAttributeNames can only be specified when using expressions")
		case values != nil:
			return nil, invalidf("ExpressionAttributeValues can only be specified when using expressions")
		}
	}
	for name, attribute := range names {
		if attribute == "" {
			return nil, invalidf("ExpressionAttributeNames contains invalid value: an attribute name must not be empty; key: %s", name)
		}
		if !placeholder.MatchString(name) || name[0] != '#' {
			return nil, invalidf("ExpressionAttributeNames contains invalid key: Syntax error; key: %q", name)
		}
	}
	for name := range values {
		if !placeholder.MatchString(name) || name[0] != ':' {
			return nil, invalidf("ExpressionAttributeValues contains invalid key: Syntax error; key: %q", name)
		}
	}
	canon, err := canonical(values)
	if err != nil {
		return nil, invalidf("ExpressionAttributeValues contains invalid value: %v", err)
	}
	return &expressions{names: names, values: canon, used: map[string]bool{}}, nil
}

var placeholder = whole(`[#:][A-Za-z0-9_]+`)

// unused is the error for placeholders that no expression has used.
func (x *expressions) unused() error {
	for kind, keys := range map[string][]string{"Names": sortedKeys(x.names), "Values": sortedKeys(x.values)} {
		keys = slices.DeleteFunc(keys, func(k string) bool { return x.used[k] })
		if len(keys) > 0 {
			return invalidf("Value provided in ExpressionAttribute%s unused in expressions: keys: {%s}", kind, strings.Join(keys, ", "))
		}
	}
	return nil
}

// parser reads one expression. The first error is kept; from then on there are no more tokens.
type parser struct {
	*expressions
	kind   string // such as "ConditionExpression", for messages
	text   string
	tokens []string
	at     int
	err    error
}

// token is a placeholder, a word, a number, or an operator.
var token = regexp.MustCompile(`^(?:[#:][A-Za-z0-9_]+|[A-Za-z_][A-Za-z0-9_]*|[0-9]+|<>|<=|>=|[-+=<>(),.\[\]])`)

func (x *expressions) parser(kind, text string) *parser {
	p := &parser{expressions: x, kind: kind, text: text}
	if strings.TrimSpace(text) == "" {
		p.fail("The expression can not be empty;")
	}
	if len(text) > maxExpression {
		p.fail("Expression size has exceeded the maximum allowed size; expression size: %d", len(text))
	}
	for rest := text; p.err == nil; {
		rest = strings.TrimLeft(rest, " \t\r\n")
		if rest == "" {
			break
		}
		t := token.FindString(rest)
		if t == "" {
			p.fail("Syntax error; token: %q, near: %q", rest[:1], near(rest))
		}
		p.tokens, rest = append(p.tokens, t), rest[len(t):]
	}
	return p
}

func near(s string) string { return s[:min(len(s), 20)] }

func (p *parser) fail(format string, args ...any) {
	if p.err == nil {
		p.err = invalidf("Invalid %s: %s", p.kind, fmt.Sprintf(format, args...))
	}
}

func (p *parser) syntax() {
	if p.err != nil {
		return
	}
	from := min(max(p.at-1, 0), len(p.tokens))
	p.fail("Syntax error; token: %q, near: %q", p.peek(), near(strings.Join(p.tokens[from:], " ")))
}

// peek gives the next token, or "<EOF>".
func (p *parser) peek() string {
	if p.err != nil || p.at >= len(p.tokens) {
		return "<EOF>"
	}
	return p.tokens[p.at]
}

func (p *parser) next() string {
	t := p.peek()
	if t != "<EOF>" {
		p.at++
	}
	return t
}

// accept takes the next token if it is t; words are keywords and may be written in any case.
func (p *parser) accept(t string) bool {
	if strings.EqualFold(p.peek(), t) {
		p.at++
		return true
	}
	return false
}

func (p *parser) expect(t string) {
	if !p.accept(t) {
		p.syntax()
	}
}

func (p *parser) end() error {
	if p.err == nil && p.at < len(p.tokens) {
		p.syntax()
	}
	return p.err
}

// A path leads to an attribute: names of map members and indexes of list elements.
type path []step

type step struct {
	name  string
	index int // when name is empty
}

func (s path) String() string {
	parts := make([]string, len(s))
	for i, e := range s {
		parts[i] = e.name
		if e.name == "" {
			parts[i] = "[" + strconv.Itoa(e.index) + "]"
		}
	}
	return "[" + strings.Join(parts, ", ") + "]"
}

// overlaps reports whether one path leads to, or through, what the other leads to.
func (s path) overlaps(t path) bool {
	n := min(len(s), len(t))
	return slices.Equal(s[:n], t[:n])
}

// lookup gives the value at the path, or nil.
func (s path) lookup(item attributes) types.AttributeValue {
	var v types.AttributeValue = &types.AttributeValueMemberM{Value: item}
	for _, e := range s {
		switch in := v.(type) {
		case *types.AttributeValueMemberM:
			if e.name == "" || in.Value[e.name] == nil {
				return nil
			}
			v = in.Value[e.name]
		case *types.AttributeValueMemberL:
			if e.name != "" || e.index >= len(in.Value) {
				return nil
			}
			v = in.Value[e.index]
		default:
			return nil
		}
	}
	return v
}

func (p *parser) path() path {
	out := path{{name: p.name()}}
	for p.err == nil {
		switch {
		case p.accept("."):
			out = append(out, step{name: p.name()})
		case p.accept("["):
			n, err := strconv.Atoi(p.next())
			if err != nil {
				p.syntax()
			}
			out = append(out, step{index: n})
			p.expect("]")
		default:
			return out
		}
	}
	return out
}

func (p *parser) name() string {
	t := p.peek()
	switch {
	case t[0] == '#':
		p.at++
		p.used[t] = true
		name, ok := p.names[t]
		if !ok {
			p.fail("An expression attribute name used in the document path is not defined; attribute name: %s", t)
		}
		return name
	case !word(t):
		p.syntax()
	case reserved(t):
		p.fail("Attribute name is a reserved keyword; reserved keyword: %s", t)
	}
	p.at++
	return t
}

func word(t string) bool { return t[0] == '_' || t[0]|0x20 >= 'a' && t[0]|0x20 <= 'z' }

// value reads a :placeholder.
func (p *parser) value() types.AttributeValue {
	t := p.peek()
	if t[0] != ':' {
		p.syntax()
		return nil
	}
	p.at++
	p.used[t] = true
	v, ok := p.values[t]
	if !ok {
		p.fail("An expression attribute value used in expression is not defined; attribute value: %s", t)
	}
	return v
}

// isCall reports whether a function call comes next.
func (p *parser) isCall() bool {
	return p.err == nil && p.at+1 < len(p.tokens) && word(p.tokens[p.at]) && p.tokens[p.at+1] == "("
}
