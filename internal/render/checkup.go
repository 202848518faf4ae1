package render

import (
	"fmt"
	"io"
	"strings"

	"studiokeeper/internal/plan"
)

// Checkup writes checks for people: a line each, the remedy below, and how many
// ended how.
func Checkup(w io.Writer, s Style, c plan.Checkup) error {
	var b strings.Builder
	for _, one := range c.Checks {
		name := one.Name
		if one.Subject != "" {
			name += " " + one.Subject
		}
		fmt.Fprintf(&b, "%s  %s: %s\n", s.verdict(one.Status), s.Bold(printable(name)), printable(one.Found))
		if one.Remedy != "" {
			fmt.Fprintf(&b, "      %s\n", printable(one.Remedy))
		}
	}
	fmt.Fprintf(&b, "\n%d OK, %d SKIP, %d FAIL\n", c.Count(plan.CheckOK), c.Count(plan.CheckSkip), c.Count(plan.CheckFail))
	_, err := io.WriteString(w, b.String())
	return err
}

func (s Style) verdict(status plan.CheckStatus) string {
	text := fmt.Sprintf("%-4s", status)
	switch status {
	case plan.CheckOK:
		return s.Good(text)
	case plan.CheckFail:
		return s.Bad(text)
	default:
		return s.Dim(text)
	}
}
