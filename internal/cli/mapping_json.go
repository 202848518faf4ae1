package cli

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"unicode/utf8"
)

// quoteJSON is a string as JSON, without escaping what only HTML needs.
func quoteJSON(s string) string {
	var b strings.Builder
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	_ = e.Encode(s) // text always marshals
	return strings.TrimSuffix(b.String(), "\n")
}

// parseJSONTree reads one JSON value with its positions. It notes what is wrong and
// answers nil when the text cannot be read on.
func parseJSONTree(f *mappingFile, text []byte) *fileTree {
	d := json.NewDecoder(bytes.NewReader(text))
	d.UseNumber()
	p := &jsonParser{mappingFile: f, text: text, decoder: d}
	t, err := p.value(0)
	if err != nil {
		f.wrong(p.now(), "%v", err)
		return nil
	}
	end := p.now()
	if _, after := d.Token(); !errors.Is(after, io.EOF) {
		f.wrong(end, "more text follows the JSON value")
		return nil
	}
	return t
}

type jsonParser struct {
	*mappingFile
	text    []byte
	decoder *json.Decoder
}

// now is where the next token begins, or where reading stopped.
func (p *jsonParser) now() place {
	at := int(min(p.decoder.InputOffset(), int64(len(p.text))))
	rest := p.text[at:]
	at += len(rest) - len(bytes.TrimLeft(rest, " \t\r\n,:"))
	before := p.text[:at]
	return place{
		line:   bytes.Count(before, []byte("\n")) + 1,
		column: utf8.RuneCount(before[bytes.LastIndexByte(before, '\n')+1:]) + 1,
	}
}

func (p *jsonParser) value(depth int) (*fileTree, error) {
	t := &fileTree{at: p.now()}
	token, err := p.decoder.Token()
	if err != nil {
		return nil, notJSON(err)
	}
	if depth > maxTreeDepth {
		return nil, fmt.Errorf("nested more than %d deep", maxTreeDepth)
	}
	switch v := token.(type) {
	case json.Delim:
		return t, p.inside(t, v, depth)
	case string:
		t.kind, t.scalar = textKind, v
	case json.Number:
		t.kind, t.scalar = numberKind, v.String()
	case bool:
		t.kind, t.scalar = truthKind, fmt.Sprint(v)
	default:
		t.kind = emptyKind
	}
	return t, nil
}

// inside reads what a bracket opened, and the bracket that closes it.
func (p *jsonParser) inside(t *fileTree, open json.Delim, depth int) error {
	t.kind = listKind
	if open == '{' {
		t.kind = objectKind
	}
	for p.decoder.More() {
		if err := p.element(t, depth); err != nil {
			return err
		}
	}
	_, err := p.decoder.Token()
	return notJSON(err)
}

func (p *jsonParser) element(t *fileTree, depth int) error {
	if t.kind == listKind {
		item, err := p.value(depth + 1)
		t.items = append(t.items, item)
		return err
	}
	at := p.now()
	key, err := p.decoder.Token()
	if err != nil {
		return notJSON(err)
	}
	value, err := p.value(depth + 1)
	if err != nil {
		return err
	}
	name, _ := key.(string) // the decoder yields nothing else here
	if err := t.add(treeField{name, at, value}); err != nil {
		p.wrong(at, "%v", err)
	}
	return nil
}

func notJSON(err error) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return errors.New("not valid JSON: it ends too early")
	}
	return fmt.Errorf("not valid JSON: %w", err)
}
