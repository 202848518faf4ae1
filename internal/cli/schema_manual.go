package cli

import (
	"go/ast"
	"go/parser"
	"go/token"
	"strings"
)

// manual is what the comments on the configuration's fields say, by
// "type.field"; a key that has its own line in a field's comment stands under
// "type.field.key". Names are in small letters.
type manual map[string]string

// readManual reads the comments of Go sources.
func readManual(sources []string) (manual, error) {
	m := manual{}
	for _, source := range sources {
		file, err := parser.ParseFile(token.NewFileSet(), "", source, parser.ParseComments)
		if err != nil {
			return nil, err
		}
		ast.Inspect(file, func(n ast.Node) bool {
			if d, ok := n.(*ast.GenDecl); ok && d.Tok == token.TYPE {
				m.readType(d)
			}
			return true
		})
	}
	return m, nil
}

func (m manual) readType(d *ast.GenDecl) {
	spec := d.Specs[0].(*ast.TypeSpec) // as the first of every type declaration is
	m.add(spec.Name.Name, d.Doc.Text())
	fields, ok := spec.Type.(*ast.StructType)
	if !ok {
		return
	}
	for _, f := range fields.Fields.List {
		for _, name := range f.Names {
			m.add(spec.Name.Name+"."+name.Name, f.Doc.Text())
		}
	}
}

// add takes a comment's indented lines, "key  what it is", for themselves.
func (m manual) add(name, comment string) {
	var prose []string
	for line := range strings.Lines(comment) {
		key, text, table := strings.Cut(strings.TrimPrefix(line, "\t"), " ")
		if !strings.HasPrefix(line, "\t") || !table {
			prose = append(prose, strings.Fields(line)...)
			continue
		}
		m[strings.ToLower(name+"."+key)] = strings.TrimSpace(text)
	}
	whole := strings.Replace(strings.Join(prose, " "), " Each is", "", 1)
	m[strings.ToLower(name)] = strings.TrimSuffix(whole, ":")
}

// of is what the manual says of a key, in the first place where it says anything.
func (m manual) of(key string, places ...string) string {
	for _, place := range places {
		if text := m[strings.ToLower(place+"."+key)]; text != "" {
			return text
		}
	}
	return ""
}
