package cli

import (
	"errors"
	"strings"
	"unicode/utf8"

	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/lexer"
	"github.com/goccy/go-yaml/parser"
	"github.com/goccy/go-yaml/token"
)

// parseYAMLTree reads one YAML document with its positions. It notes what is wrong and
// answers nil when the text cannot be read on.
func parseYAMLTree(f *mappingFile, text []byte) *fileTree {
	p := &yamlParser{mappingFile: f, lines: strings.Split(string(text), "\n")}
	tokens := lexer.Tokenize(string(text))
	if deep := tooManyBrackets(tokens); deep != nil {
		p.wrong(p.place(deep), "more than %d brackets inside each other", maxTreeDepth)
		return nil
	}
	file, err := parser.Parse(tokens, 0, parser.AllowDuplicateMapKey())
	if err != nil {
		p.syntax(err)
		return nil
	}
	return p.document(file)
}

type yamlParser struct {
	*mappingFile
	lines []string
}

// tooManyBrackets finds the bracket that opens too many; the parser itself has no limit.
func tooManyBrackets(tokens token.Tokens) *token.Token {
	depth := 0
	for _, t := range tokens {
		switch t.Type {
		case token.SequenceStartType, token.MappingStartType:
			depth++
		case token.SequenceEndType, token.MappingEndType:
			depth--
		}
		if depth > maxTreeDepth {
			return t
		}
	}
	return nil
}

func (p *yamlParser) syntax(err error) {
	var syntax interface {
		GetToken() *token.Token
		GetMessage() string
	}
	if !errors.As(err, &syntax) {
		p.wrong(place{1, 1}, "not valid YAML")
		return
	}
	at, hint := p.place(syntax.GetToken()), ""
	if strings.HasPrefix(strings.TrimLeft(p.lines[at.line-1], " "), "\t") {
		hint = " (indent with spaces, not tabs)"
	}
	p.wrong(at, "not valid YAML: %s%s", syntax.GetMessage(), hint)
}

// place keeps the parser's positions inside the file: the first line of a block scalar,
// for one, is reported at column 0.
func (p *yamlParser) place(t *token.Token) place {
	if t == nil || t.Position == nil {
		return place{1, 1}
	}
	line := min(max(t.Position.Line, 1), len(p.lines))
	return place{line, min(max(t.Position.Column, 1), utf8.RuneCountInString(p.lines[line-1])+1)}
}

func (p *yamlParser) document(file *ast.File) *fileTree {
	var root *fileTree
	for _, doc := range file.Docs {
		if _, directive := doc.Body.(*ast.DirectiveNode); directive || doc.Body == nil {
			continue
		}
		t := p.build(doc.Body, 0)
		if root != nil {
			p.wrong(t.at, "a second document starts here (keep one, without ---)")
			return nil
		}
		root = t
	}
	if root == nil {
		return &fileTree{kind: emptyKind, at: place{1, 1}}
	}
	return root
}

// build turns a syntax node into a tree. What it cannot use is noted and becomes
// a value of no kind, about which nothing more is said.
func (p *yamlParser) build(n ast.Node, depth int) *fileTree {
	if depth > maxTreeDepth {
		return p.refuse(n, "nested more than %d deep", maxTreeDepth)
	}
	t := &fileTree{at: p.at(n)}
	switch n := n.(type) {
	case *ast.MappingNode:
		p.object(t, n, depth)
	case *ast.SequenceNode:
		t.kind = listKind
		for _, item := range n.Values {
			t.items = append(t.items, p.build(item, depth+1))
		}
	case *ast.StringNode:
		t.kind, t.scalar = textKind, n.Value
	case *ast.LiteralNode:
		t.kind, t.scalar = textKind, n.Value.Value
	case *ast.IntegerNode, *ast.FloatNode, *ast.InfinityNode, *ast.NanNode:
		t.kind, t.scalar = numberKind, n.GetToken().Value
	case *ast.BoolNode:
		t.kind, t.scalar = truthKind, strings.ToLower(n.GetToken().Value)
	case *ast.NullNode:
		t.kind = emptyKind
	default:
		return p.refuse(n, "anchors, aliases and tags are not understood in a mapping file (write the value out)")
	}
	return t
}

func (p *yamlParser) object(t *fileTree, n *ast.MappingNode, depth int) {
	t.kind = objectKind
	if !n.IsFlowStyle && len(n.Values) > 0 {
		t.at = p.place(n.Values[0].Key.GetToken())
	}
	for _, v := range n.Values {
		at := p.place(v.Key.GetToken())
		switch v.Key.(type) {
		case *ast.StringNode, *ast.IntegerNode, *ast.BoolNode, *ast.NullNode, *ast.FloatNode:
		default:
			p.wrong(at, "a key is a plain word")
			continue
		}
		if err := t.add(treeField{v.Key.GetToken().Value, at, p.build(v.Value, depth+1)}); err != nil {
			p.wrong(at, "%v", err)
		}
	}
}

func (p *yamlParser) at(n ast.Node) place {
	if n == nil {
		return place{1, 1}
	}
	return p.place(n.GetToken())
}

func (p *yamlParser) refuse(n ast.Node, format string, args ...any) *fileTree {
	t := &fileTree{at: p.at(n)}
	p.wrong(t.at, format, args...)
	return t
}
