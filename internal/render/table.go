package render

import (
	"slices"
	"strings"
	"unicode"
)

// table is aligned text. Fitted to a terminal, it leaves out the columns that
// can be spared, and then cuts the widest.
type table struct {
	columns []column
	lines   []tableLine
}

type column struct {
	title string
	least int  // how far it may be cut; 0: not at all
	drop  int  // in which order it is left out when space is short; 0: never
	right bool // aligned so
}

type tableLine struct {
	cells []string
	below string // what is said of the line, indented below it
	tint  colour // of the last cell
}

// gap is between columns.
const gap = 2

func (t *table) add(cells []string, below string, tint colour) {
	for i := range cells {
		cells[i] = printable(cells[i])
	}
	t.lines = append(t.lines, tableLine{cells, printable(below), tint})
}

func (t *table) write(b *strings.Builder, s Style, width int) {
	widths := t.fit(width)
	titles := make([]string, len(t.columns))
	for i, c := range t.columns {
		titles[i] = c.title
	}
	b.WriteString(s.Bold(t.line(titles, widths)) + "\n")
	last := len(t.columns) - 1
	for _, l := range t.lines {
		text := t.line(l.cells, widths)
		if cell := cut(l.cells[last], widths[last]); l.tint != "" {
			text = strings.TrimSuffix(text, cell) + s.paint(l.tint, cell)
		}
		b.WriteString(text + "\n")
		for _, part := range wrapped(l.below, width-6) {
			b.WriteString("    " + s.Dim(part) + "\n")
		}
	}
}

// line is one line, as wide as the widths say; a column of width 0 is left out.
func (t *table) line(cells []string, widths []int) string {
	var parts []string
	for i, c := range cells {
		if widths[i] == 0 {
			continue
		}
		c = cut(c, widths[i])
		pad := strings.Repeat(" ", widths[i]-columnsOf(c))
		if t.columns[i].right {
			parts = append(parts, pad+c)
		} else {
			parts = append(parts, c+pad)
		}
	}
	return strings.TrimRight(strings.Join(parts, strings.Repeat(" ", gap)), " ")
}

// fit finds the columns' widths; 0 leaves one out.
func (t *table) fit(width int) []int {
	widths := make([]int, len(t.columns))
	for i, c := range t.columns {
		widths[i] = columnsOf(c.title)
		for _, l := range t.lines {
			widths[i] = max(widths[i], columnsOf(l.cells[i]))
		}
	}
	if width <= 0 {
		return widths
	}
	for n := 1; total(t.smallest(widths)) > width && n <= len(t.columns); n++ {
		if at := slices.IndexFunc(t.columns, func(c column) bool { return c.drop == n }); at >= 0 {
			widths[at] = 0
		}
	}
	for total(widths) > width {
		widest := -1
		for i, c := range t.columns {
			if c.least > 0 && widths[i] > c.least && (widest < 0 || widths[i] > widths[widest]) {
				widest = i
			}
		}
		if widest < 0 {
			break // narrower than anything is readable in
		}
		widths[widest]--
	}
	return widths
}

// smallest are the widths when all is cut that may be, to two thirds: a
// column is rather left out than the others made unreadable.
func (t *table) smallest(widths []int) []int {
	small := slices.Clone(widths)
	for i, c := range t.columns {
		if c.least > 0 && widths[i] > c.least {
			small[i] = max(c.least, widths[i]*2/3)
		}
	}
	return small
}

func total(widths []int) int {
	sum := -gap
	for _, w := range widths {
		if w > 0 {
			sum += w + gap
		}
	}
	return sum
}

// cut shortens text to a width, and shows that it did.
func cut(text string, width int) string {
	if columnsOf(text) <= width {
		return text
	}
	have := 0
	for i, r := range text {
		if have += runeColumns(r); have >= width {
			return text[:i] + "…"
		}
	}
	return text
}

// wrapped breaks text at spaces into lines of a width; a width too small for
// that breaks nothing.
func wrapped(text string, width int) []string {
	if text == "" {
		return nil
	}
	if width < 20 {
		return []string{text}
	}
	var lines []string
	at := ""
	for word := range strings.FieldsSeq(text) {
		switch {
		case at == "":
			at = word
		case columnsOf(at)+1+columnsOf(word) > width:
			lines, at = append(lines, at), word
		default:
			at += " " + word
		}
	}
	return append(lines, at)
}

// columnsOf is how many columns of a terminal text takes.
func columnsOf(text string) int {
	n := 0
	for _, r := range text {
		n += runeColumns(r)
	}
	return n
}

// runeColumns knows marks that take none, and the scripts whose signs take two.
func runeColumns(r rune) int {
	switch {
	case unicode.In(r, unicode.Mn, unicode.Me):
		return 0
	case unicode.In(r, unicode.Han, unicode.Hangul, unicode.Hiragana, unicode.Katakana), r >= 0x1F300 && r <= 0x1FAFF, r >= 0xFF01 && r <= 0xFF60:
		return 2
	default:
		return 1
	}
}
