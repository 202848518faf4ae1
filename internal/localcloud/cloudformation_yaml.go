package localcloud

import (
	"encoding/json"
	"fmt"
	"strings"
	"unicode"

	"github.com/goccy/go-yaml/ast"
	yaml "github.com/goccy/go-yaml/parser"
)

// readYAML makes the tree of a template in YAML. Short tags such as !Sub become the long form.
func readYAML(text string) (any, error) {
	file, err := yaml.ParseBytes([]byte(hideColons(text)), 0)
	if err != nil {
		return nil, fmt.Errorf("Template format error: YAML not well-formed: %s", showColons(err.Error()))
	}
	if len(file.Docs) != 1 || file.Docs[0].Body == nil {
		return nil, fmt.Errorf("Template format error: a template is one document, this one has %d", len(file.Docs))
	}
	return yamlTree(file.Docs[0].Body)
}

// hiddenColon stands for a colon inside a plain scalar: the parser takes AWS::Region between braces or brackets
// for a key and its value, which only a colon before a space or after a quoted key tells apart.
const hiddenColon = '\uFDD0'

func hideColons(text string) string {
	runes := []rune(text)
	for i := 1; i < len(runes)-1; i++ {
		if runes[i] == ':' && insideScalar(runes[i-1]) && insideScalar(runes[i+1]) {
			runes[i] = hiddenColon
		}
	}
	return string(runes)
}

func insideScalar(r rune) bool { return !unicode.IsSpace(r) && !strings.ContainsRune(`[]{},"'`, r) }

func showColons(text string) string { return strings.ReplaceAll(text, string(hiddenColon), ":") }

func yamlTree(n ast.Node) (any, error) {
	switch n := n.(type) {
	case *ast.MappingNode:
		return yamlObject(n.Values)
	case *ast.MappingValueNode:
		return yamlObject([]*ast.MappingValueNode{n})
	case *ast.SequenceNode:
		return yamlList(n.Values)
	case *ast.TagNode:
		return yamlTagged(n)
	case *ast.StringNode:
		return showColons(n.Value), nil
	case *ast.LiteralNode:
		return showColons(n.Value.Value), nil
	case *ast.BoolNode:
		return n.Value, nil
	case *ast.NullNode:
		return nil, nil
	case *ast.IntegerNode, *ast.FloatNode:
		return yamlNumber(n.GetToken().Value), nil
	}
	return nil, fmt.Errorf("Template format error: a template holds no %s (line %d)", n.Type(), n.GetToken().Position.Line)
}

// yamlNumber keeps what JSON does not call a number as text: 0x10, 007.
func yamlNumber(text string) any {
	if json.Valid([]byte(text)) {
		return json.Number(text)
	}
	return text
}

func yamlObject(values []*ast.MappingValueNode) (any, error) {
	object := make(map[string]any, len(values))
	for _, v := range values {
		key, err := yamlTree(v.Key)
		if err != nil {
			return nil, err
		}
		name := fmt.Sprint(key)
		if _, twice := object[name]; twice {
			return nil, fmt.Errorf("Template format error: the key %s stands twice (line %d)", name, v.Key.GetToken().Position.Line)
		}
		if object[name], err = yamlTree(v.Value); err != nil {
			return nil, err
		}
	}
	return object, nil
}

func yamlList(values []ast.Node) (any, error) {
	list := make([]any, len(values))
	for i, v := range values {
		item, err := yamlTree(v)
		if err != nil {
			return nil, err
		}
		list[i] = item
	}
	return list, nil
}

// yamlTagged writes a short tag in its long form.
func yamlTagged(n *ast.TagNode) (any, error) {
	value, err := yamlTree(n.Value)
	if err != nil {
		return nil, err
	}
	name := strings.TrimPrefix(n.Start.Value, "!")
	switch name {
	case "Ref", "Condition":
		return map[string]any{name: value}, nil
	case "GetAtt":
		if path, ok := value.(string); ok {
			resource, attribute, _ := strings.Cut(path, ".")
			value = []any{resource, attribute}
		}
	case "Sub", "Join", "If", "Equals", "Not", "And", "Or", "Select", "Split":
	default:
		return nil, fmt.Errorf("Template format error: the local cloud does not know the tag %s (line %d)", n.Start.Value, n.Start.Position.Line)
	}
	return map[string]any{"Fn::" + name: value}, nil
}
