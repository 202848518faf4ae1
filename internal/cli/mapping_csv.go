package cli

import (
	"bytes"
	"encoding/csv"
	"errors"
	"io"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"studiokeeper/internal/studio"
)

// readCSV reads lines below a header that names the columns, in any order. An
// empty cell of a column that may be left out is one that is not written.
func (f *mappingFile) readCSV(text []byte) {
	r := csv.NewReader(bytes.NewReader(text))
	r.Comma = comma(text)
	r.FieldsPerRecord = -1
	lines := strings.Split(string(text), "\n")
	header, err := r.Read()
	switch {
	case errors.Is(err, io.EOF):
		f.wrong(place{1, 1}, "the file is empty (the first line names the columns: %s)", strings.Join(columns(), ","))
		return
	case err != nil:
		f.broken(err, lines)
		return
	}
	if !f.header(header, func(i int) place { return csvPlace(r, lines, i) }) {
		return
	}
	for {
		record, err := r.Read()
		if errors.Is(err, io.EOF) {
			return
		}
		if err != nil {
			f.broken(err, lines)
			return
		}
		f.record(header, record, func(i int) place { return csvPlace(r, lines, i) })
	}
}

// comma is a semicolon where the header has it and no comma: so spreadsheets write
// CSV in countries whose decimals have a comma.
func comma(text []byte) rune {
	header, _, _ := bytes.Cut(text, []byte("\n"))
	if !bytes.Contains(header, []byte(",")) && bytes.Contains(header, []byte(";")) {
		return ';'
	}
	return ','
}

func csvPlace(r *csv.Reader, lines []string, field int) place {
	line, column := r.FieldPos(field)
	return charPlace(lines, line, column)
}

// charPlace counts characters where CSV counts bytes, and ends with the line: CSV
// counts its break, too.
func charPlace(lines []string, line, column int) place {
	before := lines[line-1]
	return place{line, utf8.RuneCountInString(before[:min(max(column-1, 0), len(before))]) + 1}
}

func (f *mappingFile) broken(err error, lines []string) {
	at := place{1, 1}
	if p, ok := errors.AsType[*csv.ParseError](err); ok {
		at, err = charPlace(lines, min(p.Line, len(lines)), p.Column), p.Err
	}
	f.wrong(at, "not valid CSV: %v", err)
}

// header notes columns that are unknown, missing or there twice.
func (f *mappingFile) header(names []string, at func(int) place) bool {
	before := len(f.problems)
	for i, name := range names {
		switch {
		case !slices.Contains(columns(), name):
			f.wrong(at(i), "no column is called %q%s", name, suggestion(name, columns()))
		case slices.Contains(names[:i], name):
			f.wrong(at(i), "the column %s is there twice", name)
		}
	}
	for _, name := range columns()[:3] {
		if !slices.Contains(names, name) {
			f.wrong(place{1, 1}, "the column %s is missing (the first line names the columns: %s)", name, strings.Join(columns(), ","))
		}
	}
	return len(f.problems) == before
}

func (f *mappingFile) record(header, record []string, at func(int) place) {
	d := draft{at: at(0), cells: map[string]cell{}}
	if len(record) != len(header) {
		f.wrong(d.at, "want %d cells as in the first line, found %d", len(header), len(record))
		return
	}
	for i, text := range record {
		if text != "" || slices.Contains(columns()[:3], header[i]) {
			d.cells[header[i]] = cell{text, at(i)}
		}
	}
	f.finish(d)
}

// writeCSV writes rows exactly as they are. It answers how many cells a spreadsheet
// would take for a formula.
func writeCSV(w io.Writer, rows []entry) (formulas int, err error) {
	out := csv.NewWriter(w)
	_ = out.Write(columns()) // its errors show in Error
	for _, e := range rows {
		cells := []string{e.Group.Key(), e.Domain, e.Role, "", string(e.Settings), e.Note}
		if e.Priority != studio.DefaultPriority {
			cells[3] = strconv.Itoa(e.Priority)
		}
		for i, text := range cells {
			if i != 3 && text != "" && strings.Contains("=+-@", text[:1]) {
				formulas++
			}
		}
		_ = out.Write(cells)
	}
	out.Flush()
	return formulas, out.Error()
}
