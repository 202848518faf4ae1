package render

import (
	"cmp"
	"fmt"
	"io"
	"strings"
	"time"

	"studiokeeper/internal/plan"
)

// Report writes a report for people: what is wrong first, then a table with a
// line a person and domain, then how many have which role. Width is the
// terminal's, to which the table is fitted; 0 means that there is none, and
// nothing is cut.
func Report(w io.Writer, s Style, r plan.AccessReport, width int) error {
	var b strings.Builder
	fmt.Fprintf(&b, "%s\n%s\n", s.Bold("Who can do what: "+r.Deployment), s.Dim(madeWhen(r)))
	if only := narrowed(r.Only); only != "" {
		fmt.Fprintf(&b, "only %s\n", only)
	}
	reportProblems(&b, s, r)
	b.WriteByte('\n')
	if len(r.Access) == 0 {
		b.WriteString("Nobody has anything here.\n")
	} else {
		reportTable(r).write(&b, s, width)
		b.WriteByte('\n')
		roleCounts(&b, s, r)
	}
	_, err := io.WriteString(w, b.String())
	return err
}

func madeWhen(r plan.AccessReport) string {
	text := "made " + minute(r.Made) + " UTC"
	if r.By != "" {
		text += " by " + printable(r.By)
	}
	if r.Deep {
		text += ", every profile described"
	}
	return text
}

// narrowed says what a report was narrowed to.
func narrowed(f plan.AccessFilter) string {
	var said []string
	for _, one := range [][2]string{{"domain", f.Domain}, {"user", f.User}, {"role", f.Role}} {
		if one[1] != "" {
			said = append(said, one[0]+" "+printable(one[1]))
		}
	}
	return strings.Join(said, ", ")
}

func reportProblems(b *strings.Builder, s Style, r plan.AccessReport) {
	if len(r.Problems) > 0 {
		b.WriteByte('\n')
	}
	for _, p := range r.Problems {
		mark := s.Bad("!")
		if p.Severity == plan.Note {
			mark = s.Dim("·")
		}
		fmt.Fprintf(b, "%s %s\n", mark, ReportProblem(p))
	}
}

// ReportProblem is a problem in a sentence that says whom and where.
func ReportProblem(p plan.AccessProblem) string {
	where := p.Domain
	if p.UserName != "" {
		where = p.UserName + " in " + p.Domain
	}
	text := p.Text
	if where != "" {
		text = where + ": " + text
	}
	if p.Lines > 1 && p.Severity == plan.Unread {
		text += fmt.Sprintf(" (%d lines)", p.Lines)
	}
	return printable(text)
}

// roleCounts says how many have which role.
func roleCounts(b *strings.Builder, s Style, r plan.AccessReport) {
	t := table{columns: []column{{title: "DOMAIN"}, {title: "ROLE"}, {title: "PEOPLE", right: true}, {title: "STANDING"}}}
	for _, c := range r.Roles() {
		t.add([]string{c.Domain, cmp.Or(shortRole(c.Role), "none"), fmt.Sprint(c.People), standings(c.ByStanding)}, "", "")
	}
	t.write(b, s, 0)
}

func standings(n map[plan.AccessStanding]int) string {
	var said []string
	for _, one := range plan.AccessStandings() {
		if n[one] > 0 {
			said = append(said, fmt.Sprintf("%d %s", n[one], one))
		}
	}
	return strings.Join(said, ", ")
}

func reportTable(r plan.AccessReport) *table {
	t := &table{columns: []column{
		{title: "USER", least: 16}, {title: "DOMAIN", least: 8}, {title: "ROLE", least: 14}, {title: "GROUP", least: 10},
		{title: "PROFILE", least: 14, drop: 2}, {title: "SINCE", drop: 3}, {title: "VERIFIED", drop: 1}, {title: "STANDING", least: 10},
	}}
	for _, a := range r.Access {
		tint := red
		switch a.Standing {
		case plan.AccessEntitled:
			tint = green
		case plan.AccessLeaving, plan.AccessHeld:
			tint = yellow
		case plan.AccessUnmanaged, plan.AccessForeign:
			tint = dim
		}
		t.add([]string{
			a.Label(), a.Domain, roleNow(a), cmp.Or(a.Group, a.GroupID), a.Profile, day(a.Since), minute(a.Verified), standing(a),
		}, a.Remark, tint)
	}
	return t
}

// standing is a line's standing, with the day that goes with it.
func standing(a plan.Access) string {
	text := string(a.Standing)
	if !a.LeavingSince.IsZero() {
		text += " since " + day(a.LeavingSince)
	}
	if a.Standing == plan.AccessHeld && !a.Until.IsZero() {
		text += " until " + day(a.Until)
	}
	return text
}

// roleNow is the role that a line's profile has, without what all roles share.
func roleNow(a plan.Access) string {
	switch {
	case a.DefaultRole && a.Role == "":
		return "(default)"
	case a.DefaultRole:
		return shortRole(a.Role) + " (default)"
	default:
		return shortRole(a.Role)
	}
}

// shortRole is a role's path and name.
func shortRole(arn string) string {
	if _, after, found := strings.Cut(arn, ":role/"); found {
		return after
	}
	return arn
}

func day(t time.Time) string { return moment(t, time.DateOnly) }

func minute(t time.Time) string { return moment(t, "2006-01-02 15:04") }

// moment is a time in UTC; "" when it is not known.
func moment(t time.Time, layout string) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format(layout)
}
