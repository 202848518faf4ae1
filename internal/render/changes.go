// Package render shows plans to people: what every command prints of a change
// is written here, once. JSON is the change's own encoding.
package render

import (
	"encoding/json"
	"fmt"
	"io"
	"strings"

	"studiokeeper/internal/plan"
)

// Style says how text may look.
type Style struct {
	Colour bool // ANSI colours; only ever for a terminal
}

type colour string

const (
	green  colour = "32"
	yellow colour = "33"
	red    colour = "31"
	dim    colour = "2"
	bold   colour = "1"
)

func (s Style) paint(c colour, text string) string {
	if !s.Colour || text == "" {
		return text
	}
	return "\x1b[" + string(c) + "m" + text + "\x1b[0m"
}

// Bold, Dim, Good and Bad dress text for a terminal, or leave it as it is.
func (s Style) Bold(text string) string { return s.paint(bold, text) }

// Dim is for what is said in passing.
func (s Style) Dim(text string) string { return s.paint(dim, text) }

// Good is for what is as it should be.
func (s Style) Good(text string) string { return s.paint(green, text) }

// Bad is for what is not.
func (s Style) Bad(text string) string { return s.paint(red, text) }

// sign is the mark before a change, as people know it from plans.
func sign(k plan.Kind) (string, colour) {
	switch k {
	case plan.Create:
		return "+", green
	case plan.Revoke, plan.Delete, plan.Quarantine:
		return "-", red
	case plan.Conflict, plan.Unreadable:
		return "!", red
	case plan.Wait:
		return "…", dim
	default:
		return "~", yellow
	}
}

// Changes writes changes for people: a line with what is done to which profile
// of whom, then the role, before and after, and every reason.
func Changes(w io.Writer, s Style, changes []plan.Change) error {
	var b strings.Builder
	for _, c := range changes {
		mark, tint := sign(c.Kind)
		who := c.UserName
		if who == "" {
			who = c.UserID
		}
		fmt.Fprintf(&b, "  %s %s  %s in %s", s.paint(tint, mark), s.Bold(string(c.Kind)), who, c.Domain)
		if c.Profile != "" {
			fmt.Fprintf(&b, ", profile %s", c.Profile)
		}
		b.WriteByte('\n')
		if line := roles(c); line != "" {
			fmt.Fprintf(&b, "      role     %s\n", line)
		}
		if c.After != nil && c.After.Settings != "" {
			fmt.Fprintf(&b, "      settings %s\n", c.After.Settings)
		}
		for _, r := range c.Reasons {
			fmt.Fprintf(&b, "      because  %s\n", s.Dim(r.Text))
		}
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// roles is "before → after", or the one there is.
func roles(c plan.Change) string {
	if c.After == nil || c.After.Role == "" || c.Kind == plan.Revoke {
		return ""
	}
	if c.Before == nil || c.Before.Role == c.After.Role {
		return c.After.Role
	}
	before := c.Before.Role
	if before == "" {
		before = "the domain's default"
	}
	return before + " → " + c.After.Role
}

// JSON writes v for scripts, indented, and without escaping what only HTML needs.
func JSON(w io.Writer, v any) error {
	e := json.NewEncoder(w)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	return e.Encode(v)
}

// Reasons are the sentences of reasons in one line.
func Reasons(reasons []plan.Reason) string {
	texts := make([]string, len(reasons))
	for i, r := range reasons {
		texts[i] = r.Text
	}
	return strings.Join(texts, "; ")
}
