package render

import (
	"encoding/csv"
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"time"
	"unicode"

	"studiokeeper/internal/plan"
)

// Journal writes entries for people: a line with when, what, how it ended, whose
// and where, then role, reasons, error and what made us look.
func Journal(w io.Writer, s Style, entries []plan.Entry) error {
	var b strings.Builder
	for _, e := range entries {
		c := e.Change
		mark, tint := sign(c.Kind)
		who := c.UserName
		if who == "" {
			who = c.UserID
		}
		fmt.Fprintf(&b, "%s %s %s %s  %s in %s", s.Dim(e.Time.UTC().Format("2006-01-02 15:04:05Z")), s.paint(tint, mark), s.Bold(string(c.Kind)), s.outcome(e.Outcome), printable(who), printable(c.Domain))
		if c.Profile != "" {
			fmt.Fprintf(&b, ", profile %s", printable(c.Profile))
		}
		b.WriteByte('\n')
		line := func(name, text string) {
			if text != "" {
				fmt.Fprintf(&b, "      %-8s %s\n", name, text)
			}
		}
		line("role", printable(roles(c)))
		line("because", s.Dim(printable(Reasons(c.Reasons))))
		line("error", s.Bad(printable(e.Error)))
		line("by", s.Dim(printable(cause(e.Trigger))))
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// outcome is good, bad, or neither.
func (s Style) outcome(o plan.Outcome) string {
	switch o {
	case plan.Done:
		return s.Good(string(o))
	case plan.Refused, plan.FailedAt, plan.HeldBack:
		return s.Bad(string(o))
	default:
		return string(o)
	}
}

func cause(t plan.Trigger) string {
	return strings.Join(strings.Fields(t.Kind+" "+t.Name+" "+t.ID), " ")
}

// JournalColumns are the columns of JournalCSV.
func JournalColumns() []string {
	return []string{"time", "userId", "userName", "domain", "profile", "kind", "outcome", "roleBefore", "roleAfter", "group", "row", "reasons", "error",
		"triggerKind", "triggerId", "triggerName", "before", "after", "seq", "digest"}
}

// JournalCSV writes entries as RFC 4180 wants it, with a header. A cell that a
// spreadsheet would take for a formula begins with an apostrophe.
func JournalCSV(w io.Writer, entries []plan.Entry) error {
	out := csv.NewWriter(w)
	out.UseCRLF = true
	_ = out.Write(JournalColumns()) // its errors show in Error
	for _, e := range entries {
		cells, err := cellsOf(e)
		if err != nil {
			return err
		}
		for i := range cells {
			cells[i] = harmless(cells[i])
		}
		_ = out.Write(cells)
	}
	out.Flush()
	return out.Error()
}

func cellsOf(e plan.Entry) ([]string, error) {
	c := e.Change
	before, err := stateCell(c.Before)
	if err != nil {
		return nil, err
	}
	after, err := stateCell(c.After)
	if err != nil {
		return nil, err
	}
	return []string{e.Time.UTC().Format(time.RFC3339Nano), c.UserID, c.UserName, c.Domain, c.Profile, string(c.Kind), string(e.Outcome), roleOf(c.Before), roleOf(c.After),
		c.Group, c.Row, Reasons(c.Reasons), e.Error, e.Trigger.Kind, e.Trigger.ID, e.Trigger.Name, before, after, fmt.Sprint(e.Seq), e.Digest}, nil
}

func roleOf(s *plan.State) string {
	if s == nil {
		return ""
	}
	return s.Role
}

// stateCell is one side of a change as JSON; "" when there is none.
func stateCell(s *plan.State) (string, error) {
	if s == nil {
		return "", nil
	}
	text, err := json.Marshal(s)
	return string(text), err
}

// harmless keeps a spreadsheet from taking text for a formula.
// https://owasp.org/www-community/attacks/CSV_Injection
func harmless(cell string) string {
	cell = printable(cell)
	if start := strings.TrimLeft(cell, " "); start != "" && strings.ContainsRune("=+-@＝＋－＠", []rune(start)[0]) {
		return "'" + cell
	}
	return cell
}

// printable replaces what could steer a terminal, or break a line.
func printable(s string) string {
	return strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) {
			return '\ufffd'
		}
		return r
	}, s)
}

// Problems writes what is wrong with a journal for people, a line each.
func Problems(w io.Writer, s Style, problems []plan.Problem) error {
	var b strings.Builder
	for _, p := range problems {
		whose, when := p.UserID, ""
		if whose == "" {
			whose = "nobody known"
		}
		if p.Seq != 0 {
			whose += fmt.Sprintf(" entry %d", p.Seq)
		}
		if !p.Time.IsZero() {
			when = " of " + p.Time.UTC().Format("2006-01-02 15:04:05Z")
		}
		fmt.Fprintf(&b, "%s %s  %s%s: %s\n", s.Bad("!"), s.Bold(string(p.What)), printable(whose), when, printable(p.Text))
	}
	_, err := io.WriteString(w, b.String())
	return err
}
