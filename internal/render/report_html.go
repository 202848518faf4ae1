package render

import (
	"crypto/sha256"
	_ "embed" // for what the page is made of
	"encoding/base64"
	"html/template"
	"io"
	"strconv"
	"strings"
	"time"

	"studiokeeper/internal/plan"
)

//go:embed page/report.html
var reportPage string

//go:embed page/report.css
var reportStyle string

//go:embed page/report.js
var reportScript string

// firstProblems is how many problems of a kind are shown before the rest is
// folded away.
const firstProblems = 12

// reportView is what the page's template is given.
type reportView struct {
	Report   plan.AccessReport
	Policy   template.HTMLAttr
	CSS      template.CSS
	Script   template.JS
	Sections []problemSection
	Tiles    []standingTile
	Counts   []roleLine
	Legend   []standingText
}

type problemSection struct {
	Title                 string
	Severity              plan.Severity
	Problems, First, More []plan.AccessProblem
}

type standingTile struct {
	Standing plan.AccessStanding
	People   int
}

type roleLine struct {
	plan.RoleCount
	By []int // in the order of the tiles
}

type standingText struct {
	Standing plan.AccessStanding
	Text     string
}

// ReportHTML writes a report as one page that needs nothing else: no network, no
// other file. The lines are in the page as the rows of a table, rather than as
// JSON for a script: so it can be read, printed and searched where scripts are
// off, and what an auditor keeps is what was shown. The script only sorts and
// filters. Nothing but this style and this script is let in by the page's own
// content security policy.
func ReportHTML(w io.Writer, r plan.AccessReport) error {
	page, err := template.New("report").Funcs(template.FuncMap{
		"minute": minute, "day": day, "clock": func(t time.Time) string { return moment(t, "15:04") }, "rfc3339": func(t time.Time) string { return moment(t, time.RFC3339) },
		"narrowed": narrowed, "shortRole": shortRole, "account": accountOf, "status": userStatus, "number": number,
	}).Parse(reportPage)
	if err != nil {
		return err
	}
	v := reportView{
		Report: r, CSS: template.CSS(reportStyle), Script: template.JS(reportScript), Sections: sections(r.Problems),
		Policy: contentPolicy(), Legend: legend(),
	}
	v.count()
	var b strings.Builder
	if err := page.Execute(&b, v); err != nil {
		return err
	}
	_, err = turning.WriteString(w, b.String())
	return err
}

// turning replaces the signs that turn text around, with which a name can pass
// for another: what is written from right to left needs none of them.
var turning = strings.NewReplacer(
	"\u202a", "\ufffd", "\u202b", "\ufffd", "\u202c", "\ufffd", "\u202d", "\ufffd", "\u202e", "\ufffd",
	"\u2066", "\ufffd", "\u2067", "\ufffd", "\u2068", "\ufffd", "\u2069", "\ufffd",
)

// contentPolicy is an attribute of fixed text.
func contentPolicy() template.HTMLAttr {
	return template.HTMLAttr("content=\"default-src 'none'; style-src " + digestSource(reportStyle) + "; script-src " + digestSource(reportScript) +
		"; base-uri 'none'; form-action 'none'\"")
}

// digestSource lets in one style or script by what it says.
func digestSource(text string) string {
	sum := sha256.Sum256([]byte(text))
	return "'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) + "'"
}

// count fills in the numbers at the top.
func (v *reportView) count() {
	n := v.Report.Count()
	for _, s := range plan.AccessStandings() {
		if n[s] > 0 {
			v.Tiles = append(v.Tiles, standingTile{s, n[s]})
		}
	}
	for _, c := range v.Report.Roles() {
		line := roleLine{RoleCount: c}
		for _, t := range v.Tiles {
			line.By = append(line.By, c.ByStanding[t.Standing])
		}
		v.Counts = append(v.Counts, line)
	}
}

func sections(problems []plan.AccessProblem) []problemSection {
	var out []problemSection
	for _, s := range []problemSection{
		{Title: "Could not be read", Severity: plan.Unread},
		{Title: "For a person to decide", Severity: plan.Decide},
		{Title: "Worth knowing", Severity: plan.Note},
	} {
		for _, p := range problems {
			if p.Severity == s.Severity {
				s.Problems = append(s.Problems, p)
			}
		}
		first := min(firstProblems, len(s.Problems))
		s.First, s.More = s.Problems[:first], s.Problems[first:]
		if len(s.Problems) > 0 {
			out = append(out, s)
		}
	}
	return out
}

func legend() []standingText {
	return []standingText{
		{plan.AccessEntitled, "a row of the mapping gives it"},
		{plan.AccessLeaving, "nothing gives it any more: access ends or has ended, and the profile is deleted after the grace period"},
		{plan.AccessHeld, "nothing gives it any more, and the removal waits for a person, or was rejected"},
		{plan.AccessTied, "groups of the same priority give different roles: none is given"},
		{plan.AccessConflict, "a person has to decide; the remark says what"},
		{plan.AccessUnreadable, "not known, as something could not be read: nothing is changed"},
		{plan.AccessForeign, "the profile belongs to another deployment"},
		{plan.AccessUnmanaged, "the profile belongs to no deployment"},
	}
}

// accountOf is the account in a role's ARN.
func accountOf(arn string) string {
	if fields := strings.Split(arn, ":"); len(fields) > 5 {
		return fields[4]
	}
	return ""
}

// userStatus is what is to be said of a user who is not simply there.
func userStatus(a plan.Access) string {
	switch a.UserStatus {
	case "", "ENABLED":
		return ""
	case "ABSENT":
		return "not in the identity store"
	default:
		return strings.ToLower(a.UserStatus)
	}
}

// number is a count with its thousands apart.
func number(n int) string {
	text := strconv.Itoa(n)
	for at := len(text) - 3; at > 0; at -= 3 {
		text = text[:at] + "," + text[at:]
	}
	return text
}
