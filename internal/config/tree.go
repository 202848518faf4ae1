package config

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/lexer"
	"github.com/goccy/go-yaml/parser"
	"github.com/goccy/go-yaml/token"
)

const (
	maxText    = 512 << 10 // bytes of a configuration; more rows than that belong into the mapping table
	maxNesting = 64        // of [ and {, and of anything else; UserSettings need about ten
)

// kind is what a YAML value is.
type kind string

const (
	text   kind = "text"
	number kind = "a number"
	truth  kind = "true or false"
	empty  kind = "nothing"
	list   kind = "a list"
	object kind = "an object"
)

// tree is a YAML value with its position: what remains of the file when
// anchors, quotes and folding are resolved. Text is not interpolated yet.
type tree struct {
	kind         kind
	line, column int
	scalar       string
	items        []*tree
	entries      []entry
}

// entry is one key of an object.
type entry struct {
	key          string
	line, column int
	value        *tree
}

// builder makes the tree and collects what the YAML itself has wrong.
type builder struct {
	*reader
	anchors map[string]*tree
}

// parseTree reads the text as one YAML document that is an object. It answers
// nil after noting why the text cannot be read on.
func parseTree(r *reader, source []byte) *tree {
	source = bytes.TrimPrefix(source, []byte("\ufeff"))
	r.lines = strings.Split(string(source), "\n")
	if len(source) > maxText {
		r.note(1, 1, "", "the text has %d bytes, and %d are the limit (keep the rows in mapping.table)", len(source), maxText)
		return nil
	}
	if line, column, ok := readable(r.lines); !ok {
		r.note(line, column, "", "the text is not UTF-8, or holds a control character (save the file as UTF-8 text)")
		return nil
	}
	tokens := lexer.Tokenize(string(source))
	if deep := tooDeep(tokens); deep != nil {
		r.noteAt(deep, "", "more than %d brackets inside each other", maxNesting)
		return nil
	}
	file, err := parser.Parse(tokens, 0, parser.AllowDuplicateMapKey())
	if err != nil {
		r.noteSyntax(err)
		return nil
	}
	b := &builder{reader: r, anchors: map[string]*tree{}}
	return b.document(file)
}

// readable finds the first place that no YAML text may hold.
func readable(lines []string) (line, column int, ok bool) {
	for i, s := range lines {
		at := 0
		for _, c := range s {
			at++
			control := c < ' ' && c != '\t' && c != '\r' || c == 0x7f
			if c == utf8.RuneError || control {
				return i + 1, at, false
			}
		}
	}
	return 0, 0, true
}

func tooDeep(tokens token.Tokens) *token.Token {
	depth := 0
	for _, t := range tokens {
		switch t.Type {
		case token.SequenceStartType, token.MappingStartType:
			depth++
		case token.SequenceEndType, token.MappingEndType:
			depth--
		}
		if depth > maxNesting {
			return t
		}
	}
	return nil
}

// quoted is what the parser repeats of the source.
var quoted = lazily(`"(\\.|[^"])*"`)

// noteSyntax takes over the parser's finding. What it quotes of the source is
// left out: the mistake may be in a secret.
func (r *reader) noteSyntax(err error) {
	var syntax interface {
		GetToken() *token.Token
		GetMessage() string
	}
	if !errors.As(err, &syntax) {
		r.note(1, 1, "", "not valid YAML")
		return
	}
	line, column := r.place(syntax.GetToken())
	hint := ""
	switch source := r.lines[line-1]; {
	case strings.HasPrefix(strings.TrimLeft(source, " "), "\t"):
		hint = " (indent with spaces, not tabs)"
	case strings.Contains(source, "${") && strings.ContainsAny(source, "[{"):
		hint = ` (between brackets a reference is put in quotes: "${NAME}")`
	}
	r.note(line, column, "", "not valid YAML: %s%s", quoted().ReplaceAllString(syntax.GetMessage(), "…"), hint)
}

func (b *builder) document(file *ast.File) *tree {
	var root *tree
	for _, doc := range file.Docs {
		if _, directive := doc.Body.(*ast.DirectiveNode); directive || doc.Body == nil {
			continue
		}
		t := b.build(doc.Body, "", 0)
		if root != nil {
			b.note(t.line, t.column, "", "a second document starts here (keep one, without ---)")
			break
		}
		root = t
	}
	switch {
	case root == nil:
		b.note(1, 1, "", "the configuration is empty (the README shows a first one)")
	case root.kind != object:
		b.note(root.line, root.column, "", "want keys and values such as `deployment: prod`, found %s", root.kind)
		return nil
	}
	return root
}

// build turns one syntax node into a tree. What it cannot use is noted and
// becomes a value of kind "", about which nothing more is said.
func (b *builder) build(n ast.Node, path string, depth int) *tree {
	if depth > maxNesting {
		return b.refuse(n, path, "nested more than %d deep", maxNesting)
	}
	switch n := n.(type) {
	case *ast.MappingNode:
		return b.object(n, path, depth)
	case *ast.SequenceNode:
		t := b.at(n, list)
		for i, item := range n.Values {
			t.items = append(t.items, b.build(item, index(path, i), depth+1))
		}
		return t
	case *ast.AnchorNode:
		t := b.build(n.Value, path, depth)
		b.anchors[name(n.Name)] = t
		return t
	case *ast.AliasNode:
		if t := b.anchors[name(n.Value)]; t != nil {
			return t
		}
		return b.refuse(n, path, "nothing above is anchored as &%s", name(n.Value))
	case *ast.TagNode:
		return b.refuse(n, path, "YAML tags such as %s are not understood here (put text in quotes)", n.Start.Value)
	}
	return b.scalar(n, path)
}

func (b *builder) scalar(n ast.Node, path string) *tree {
	var t *tree
	switch n := n.(type) {
	case *ast.StringNode:
		t = b.at(n, text)
		t.scalar = n.Value
		return t
	case *ast.LiteralNode:
		t = b.at(n, text)
		t.scalar = n.Value.Value
		return t
	case *ast.IntegerNode, *ast.FloatNode, *ast.InfinityNode, *ast.NanNode:
		t = b.at(n, number)
	case *ast.BoolNode:
		t = b.at(n, truth)
	case *ast.NullNode:
		return b.at(n, empty)
	default:
		return b.refuse(n, path, "this kind of YAML is not understood here")
	}
	t.scalar = n.GetToken().Value
	return t
}

func (b *builder) object(n *ast.MappingNode, path string, depth int) *tree {
	t := b.at(n, object)
	if !n.IsFlowStyle && len(n.Values) > 0 {
		t.line, t.column = b.place(n.Values[0].Key.GetToken())
	}
	seen := map[string]entry{}
	for _, v := range n.Values {
		key, ok := b.key(v.Key, path)
		if !ok {
			continue
		}
		if first, twice := seen[key.key]; twice {
			b.note(key.line, key.column, join(path, key.key), "the key is written twice, first in line %d (keep one)", first.line)
			continue
		}
		seen[key.key] = key
		key.value = b.build(v.Value, join(path, key.key), depth+1)
		t.entries = append(t.entries, key)
	}
	return t
}

func (b *builder) key(n ast.MapKeyNode, path string) (entry, bool) {
	line, column := b.place(n.GetToken())
	if n.IsMergeKey() {
		b.note(line, column, path, "merge keys (<<) are not understood here (repeat the keys, or use an alias for the whole value)")
		return entry{}, false
	}
	switch n.(type) {
	case *ast.StringNode, *ast.IntegerNode, *ast.BoolNode, *ast.NullNode, *ast.FloatNode:
		return entry{key: n.GetToken().Value, line: line, column: column}, true
	}
	b.note(line, column, path, "a key is a plain word")
	return entry{}, false
}

func (b *builder) at(n ast.Node, k kind) *tree {
	line, column := 1, 1
	if n != nil {
		line, column = b.place(n.GetToken())
	}
	return &tree{kind: k, line: line, column: column}
}

func (b *builder) refuse(n ast.Node, path, format string, args ...any) *tree {
	t := b.at(n, "")
	b.note(t.line, t.column, path, format, args...)
	return t
}

// name is an anchor's or alias's.
func name(n ast.Node) string {
	if n == nil || n.GetToken() == nil {
		return ""
	}
	return n.GetToken().Value
}

func join(path, key string) string {
	if path == "" {
		return key
	}
	return path + "." + key
}

func index(path string, i int) string { return fmt.Sprintf("%s[%d]", path, i) }
