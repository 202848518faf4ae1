package cli

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"unicode/utf8"

	"studiokeeper/internal/studio"
)

// maxMappingFile bounds a file in bytes; a transaction of DynamoDB takes 4 MB.
// https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_TransactWriteItems.html
const maxMappingFile = 4 << 20

// fileFormat is a spelling of mapping rows.
type fileFormat string

const (
	csvFormat  fileFormat = "csv"
	yamlFormat fileFormat = "yaml"
	jsonFormat fileFormat = "json"
)

// columns are the attributes of a row, in the order of an exported file. In YAML
// and JSON groupId may stand for group, as in the configuration.
func columns() []string {
	return []string{"group", "domain", "role", "priority", "settings", "note"}
}

// mappingFile is a file of mapping rows: those it holds, and everything that is wrong.
type mappingFile struct {
	name     string
	rows     []fileRow
	problems []fileProblem
}

// fileRow is a row and where it begins.
type fileRow struct {
	entry
	at place
}

type fileProblem struct {
	at   place
	text string
}

func (f *mappingFile) wrong(at place, format string, args ...any) {
	f.problems = append(f.problems, fileProblem{at, fmt.Sprintf(format, args...)})
}

// err is nil, or every problem in the order of the file.
func (f *mappingFile) err() error {
	if len(f.problems) == 0 {
		return nil
	}
	slices.SortStableFunc(f.problems, func(a, b fileProblem) int {
		return cmp.Or(cmp.Compare(a.at.line, b.at.line), cmp.Compare(a.at.column, b.at.column), cmp.Compare(a.text, b.text))
	})
	lines := []string{f.name + " cannot be imported; nothing was changed:"}
	for _, p := range slices.Compact(f.problems) {
		lines = append(lines, fmt.Sprintf("%s:%d:%d: %s", f.name, p.at.line, p.at.column, p.text))
	}
	return codeError{exitUsage, errors.New(strings.Join(lines, "\n"))}
}

// readMappingFile reads a file, or stdin for "-", which needs a format. The rows are
// what the table could hold; whether they make sense here is judged later.
func readMappingFile(path string, format fileFormat, stdin io.Reader) (*mappingFile, error) {
	format, err := formatOf(path, format)
	if err != nil {
		return nil, err
	}
	text, err := readAll(path, stdin)
	if err != nil {
		return nil, fmt.Errorf("read the mapping file: %w", err)
	}
	f := parseMappingFile(path, format, text)
	return f, f.err()
}

func formatOf(path string, format fileFormat) (fileFormat, error) {
	if format == "" {
		format = fileFormat(strings.TrimPrefix(strings.ToLower(filepath.Ext(path)), "."))
	}
	switch format {
	case csvFormat, yamlFormat, jsonFormat:
		return format, nil
	case "yml":
		return yamlFormat, nil
	}
	return "", usage("%s: say with --format whether it is csv, yaml or json", path)
}

func readAll(path string, stdin io.Reader) ([]byte, error) {
	if path == "-" {
		return io.ReadAll(io.LimitReader(stdin, maxMappingFile+1))
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	text, err := io.ReadAll(io.LimitReader(f, maxMappingFile+1))
	return text, errors.Join(err, f.Close())
}

// parseMappingFile reads rows from text, and notes every problem there is.
func parseMappingFile(name string, format fileFormat, text []byte) *mappingFile {
	f := &mappingFile{name: name}
	text = bytes.TrimPrefix(text, []byte("\ufeff"))
	if len(text) > maxMappingFile {
		f.wrong(place{1, 1}, "the file is larger than %d MiB (split it)", maxMappingFile>>20)
		return f
	}
	if at, ok := unreadableAt(string(text)); !ok {
		f.wrong(at, "the text is not UTF-8, or holds a control character (save the file as UTF-8 text)")
		return f
	}
	switch format {
	case csvFormat:
		f.readCSV(text)
	case jsonFormat:
		f.readTree(parseJSONTree(f, text))
	default:
		f.readTree(parseYAMLTree(f, text))
	}
	f.onlyOnce()
	return f
}

// unreadableAt finds the first place that no text file holds.
func unreadableAt(text string) (at place, ok bool) {
	at = place{1, 1}
	for i, c := range text {
		switch {
		case c == '\n':
			at = place{at.line + 1, 1}
			continue
		case c == utf8.RuneError && !strings.HasPrefix(text[i:], "\ufffd"), c < ' ' && c != '\t' && c != '\r', c == 0x7f:
			return at, false
		}
		at.column++
	}
	return place{}, true
}

// readTree reads a list of objects.
func (f *mappingFile) readTree(root *fileTree) {
	switch {
	case root == nil || root.kind == "":
		return
	case root.kind == emptyKind:
		f.wrong(root.at, "the file is empty (write [] for no rows at all)")
		return
	case root.kind != listKind:
		f.wrong(root.at, "want a list of rows, each with group, domain and role, found %s", root.kind)
		return
	}
	for _, item := range root.items {
		f.readObject(item)
	}
}

func (f *mappingFile) readObject(t *fileTree) {
	if t.kind == "" {
		return
	}
	if t.kind != objectKind {
		f.wrong(t.at, "want a row with group, domain and role, found %s", t.kind)
		return
	}
	d := draft{at: t.at, cells: map[string]cell{}}
	known := append(columns(), "groupId")
	broken := false
	for _, field := range t.fields {
		if !slices.Contains(known, field.key) {
			f.wrong(field.at, "a row has no %q%s", field.key, suggestion(field.key, known))
			continue
		}
		c, ok := f.cellOf(field)
		d.cells[field.key] = c
		broken = broken || !ok
	}
	if !broken {
		f.finish(d)
	}
}

func suggestion(got string, known []string) string {
	if meant := studio.Nearest(got, known); meant != "" {
		return fmt.Sprintf(" (did you mean %s?)", meant)
	}
	return fmt.Sprintf(" (it has %s)", strings.Join(known, ", "))
}

// cellOf is a field's value as CSV would write it.
func (f *mappingFile) cellOf(field treeField) (cell, bool) {
	want := textKind
	switch field.key {
	case "priority":
		want = numberKind
	case "settings":
		want = objectKind
	}
	v := field.value
	c := cell{v.scalar, v.at}
	switch {
	case v.kind == "":
		return c, false // it was noted
	case v.kind == want && want == objectKind:
		c.text = v.json()
		return c, f.fitsJSON(v)
	case v.kind == want:
		return c, true
	case v.kind == emptyKind:
		f.wrong(v.at, "%s has no value (give %s, or leave the key out)", field.key, want)
	case want == textKind && v.scalar != "":
		f.wrong(v.at, "%s: want text, found %s (put it in quotes)", field.key, v.scalar)
	default:
		f.wrong(v.at, "%s: want %s, found %s", field.key, want, v.kind)
	}
	return c, false
}

// fitsJSON notes numbers that only YAML knows.
func (f *mappingFile) fitsJSON(t *fileTree) bool {
	if t.kind == "" || t.kind == numberKind && !json.Valid([]byte(t.scalar)) {
		if t.kind != "" {
			f.wrong(t.at, "settings: %s is not a number in JSON (write it in plain decimal, or in quotes to make it text)", t.scalar)
		}
		return false
	}
	fits := true
	for _, item := range t.items {
		fits = f.fitsJSON(item) && fits
	}
	for _, field := range t.fields {
		fits = f.fitsJSON(field.value) && fits
	}
	return fits
}
