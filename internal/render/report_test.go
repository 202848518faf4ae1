package render_test

import (
	"bytes"
	"encoding/csv"
	"fmt"
	"os"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"studiokeeper/internal/plan"
	"studiokeeper/internal/render"
)

var noon = time.Date(2026, 3, 2, 12, 0, 0, 0, time.UTC)

// access is one line, as somebody entitled has it.
func access(n int, userName, group string, edits ...func(*plan.Access)) plan.Access {
	a := plan.Access{
		Domain: "research", DomainID: "d-abcdefghijkl", UserID: fmt.Sprintf("04c8e458-a021-702e-f9d1-7f430ff2c7%02d", n), UserName: userName, UserStatus: "ENABLED",
		Profile: fmt.Sprintf("profile-%02d-ftcax6h4s2", n), ProfileStatus: "InService", SSOUser: userName,
		Role: account + "studio/" + group, MappedRole: account + "studio/" + group, Group: group, GroupID: "14f83478-a061-708f-8de4-" + group,
		Row:   `table studiokeeper-mapping: group "` + group + `", domain "research"`,
		Since: noon.AddDate(0, -n, 0), Verified: noon.Add(-time.Duration(n) * time.Minute), Standing: plan.AccessEntitled,
		Reasons: []plan.Reason{{Code: "row", Text: "group " + group + " gives it at priority 100"}},
	}
	for _, edit := range edits {
		edit(&a)
	}
	return a
}

func stands(s plan.AccessStanding, remark string) func(*plan.Access) {
	return func(a *plan.Access) {
		a.Standing, a.Remark, a.MappedRole, a.Row = s, remark, "", ""
		a.Reasons = []plan.Reason{{Code: "no-group", Text: remark}}
	}
}

// report has one line of each kind, and names that are out for trouble.
func report() plan.AccessReport {
	r := plan.AccessReport{
		Version: plan.AccessVersion, Deployment: "prod", IdentityStore: "d-906716eb24", Made: noon, By: "arn:aws:sts::111122223333:assumed-role/auditor/alice",
		Domains: []plan.AccessDomain{
			{Name: "lab", ID: "d-zyxwvutsrqpo", Account: "444455556666", Region: "eu-central-1", Configured: true, Mode: "enforce", State: "managed", Error: "access denied"},
			{Name: "research", ID: "d-abcdefghijkl", Account: "111122223333", Region: "us-east-1", Configured: true, Mode: "enforce", State: "managed", DefaultRole: account + "default", Profiles: 11},
		},
		Access: []plan.Access{
			access(1, "alice@example.com", "science"),
			access(2, "bob@example.com", "science", func(a *plan.Access) {
				a.Role, a.Remark = account+"studio/admin", "it is to get the role "+account+"studio/science"
			}),
			access(3, "carol@example.com", "finance", stands(plan.AccessLeaving, "carol@example.com is in no group that has a row for research"), func(a *plan.Access) {
				a.Role, a.LeavingSince, a.Until = account+"quarantine", noon.AddDate(0, 0, -2), noon.AddDate(0, 0, 5)
			}),
			access(4, "dave@example.com", "finance", stands(plan.AccessHeld, "dave@example.com is disabled; the removal is held since 2026-03-02T11:00:00Z: over the limit"), func(a *plan.Access) { a.UserStatus = "DISABLED" }),
			access(5, "erin@example.com", "science", stands(plan.AccessTied, "no role is given while groups of the same priority disagree; give one row a higher priority")),
			access(6, "", "science", stands(plan.AccessUnreadable, "group science: access denied"), func(a *plan.Access) { a.UserStatus, a.SSOUser, a.Since = "ABSENT", "", time.Time{} }),
			access(7, `<img src=x onerror=alert(1)>`, "science", stands(plan.AccessConflict, `profile-07 was managed, and its tags were removed`), func(a *plan.Access) { a.Group, a.GroupID = "", "" }),
			access(8, `</script><script>alert(2)</script>`, `"><u>`, stands(plan.AccessForeign, `it belongs to the deployment "test"`), func(a *plan.Access) { a.Deployment = "test" }),
			access(9, "=HYPERLINK(\"http://evil.example\")", "@SUM(1)", stands(plan.AccessUnmanaged, "somebody else made it, and no deployment manages it"), func(a *plan.Access) {
				a.UserID, a.DefaultRole, a.Role, a.Group, a.GroupID = "", true, account+"default", "", ""
			}),
			access(10, "שרה@example.com", "מדע", func(a *plan.Access) { a.Remark = "+1 \u202eevil" }),
			access(11, "山田太郎@example.com", "science", func(a *plan.Access) {
				a.Profile, a.ProfileStatus, a.SSOUser, a.Role, a.Since, a.Verified, a.Remark = "", "", "", "", time.Time{}, time.Time{}, "there is no profile yet"
			}),
		},
		Problems: []plan.AccessProblem{
			{Severity: plan.Unread, Code: "domain-unread", Domain: "lab", Text: "access denied"},
			{Severity: plan.Unread, Code: "unreadable-row", Domain: "research", Text: "group science: broken", Lines: 3},
			{Severity: plan.Decide, Code: "tags-removed", Domain: "research", UserID: "u-7", UserName: `<img src=x onerror=alert(1)>`, Profile: "profile-07-ftcax6h4s2", Text: "profile-07 was managed, and its tags were removed"},
			{Severity: plan.Note, Code: "foreign", Domain: "research", Text: "profiles of another deployment, never touched by this one: 1", Lines: 1},
		},
	}
	return r
}

func rendered(t *testing.T, write func(*bytes.Buffer) error) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := write(&b); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func TestReportForPeople(t *testing.T) {
	for name, width := range map[string]int{"report.txt": 0, "report-100.txt": 100} {
		golden(t, name, rendered(t, func(b *bytes.Buffer) error { return render.Report(b, render.Style{}, report(), width) }))
	}
}

func TestReportFitsTheTerminal(t *testing.T) {
	for _, width := range []int{80, 100, 132, 200} {
		text := string(rendered(t, func(b *bytes.Buffer) error { return render.Report(b, render.Style{}, report(), width) }))
		table, _, _ := strings.Cut(text[strings.Index(text, "USER"):], "\n\n")
		for line := range strings.Lines(table) {
			if n := len([]rune(strings.TrimRight(line, "\n"))); n > width {
				t.Errorf("%d columns on %d: %q", n, width, line)
			}
		}
	}
}

func TestReportOfNobody(t *testing.T) {
	r := plan.AccessReport{Deployment: "prod", Made: noon, Only: plan.AccessFilter{User: "alice@example.com"}}
	text := string(rendered(t, func(b *bytes.Buffer) error { return render.Report(b, render.Style{}, r, 0) }))
	if !strings.Contains(text, "Nobody has anything here.") || !strings.Contains(text, "only user alice@example.com") {
		t.Errorf("got\n%s", text)
	}
}

func TestReportIsColouredOnTerminalsOnly(t *testing.T) {
	plain := rendered(t, func(b *bytes.Buffer) error { return render.Report(b, render.Style{}, report(), 0) })
	coloured := rendered(t, func(b *bytes.Buffer) error { return render.Report(b, render.Style{Colour: true}, report(), 0) })
	if bytes.Contains(plain, []byte("\x1b")) || !bytes.Contains(coloured, []byte("\x1b[32mentitled\x1b[0m")) {
		t.Errorf("plain:\n%q\ncoloured:\n%q", plain, coloured)
	}
}

func TestReportForScripts(t *testing.T) {
	golden(t, "report.json", rendered(t, func(b *bytes.Buffer) error { return render.JSON(b, report()) }))
}

func TestReportForSpreadsheets(t *testing.T) {
	text := rendered(t, func(b *bytes.Buffer) error { return render.ReportCSV(b, report()) })
	golden(t, "report.csv", text)
	all, err := csv.NewReader(bytes.NewReader(text)).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	if len(all) != 12 || !slices.Equal(all[0], render.ReportColumns()) {
		t.Errorf("%d records, the first %q", len(all), all[0])
	}
	for _, record := range all[1:] {
		for _, cell := range record {
			if strings.ContainsAny(cell[:min(1, len(cell))], "=+-@\t\r") {
				t.Errorf("a spreadsheet takes %q for a formula", cell)
			}
		}
	}
}

func TestReportAsAPage(t *testing.T) {
	page := rendered(t, func(b *bytes.Buffer) error { return render.ReportHTML(b, report()) })
	golden(t, "report.html", page)
	text := string(page)
	for _, never := range []string{"<img src=x", "<script>alert", `"><u>`, "ZgotmplZ", "\u202e"} {
		if strings.Contains(text, never) {
			t.Errorf("the page holds %s", never)
		}
	}
	for _, outside := range []string{"http://", "https://", "url(", "@import", "fetch(", "XMLHttpRequest"} {
		if strings.Contains(strings.ReplaceAll(text, "http://evil.example", ""), outside) {
			t.Errorf("the page speaks of something outside: %s", outside)
		}
	}
}

// What people script against is all described, and the two forms have the same
// fields of a line.
func TestReportFormatsAreDocumented(t *testing.T) {
	text, err := os.ReadFile("../../docs/report.md")
	if err != nil {
		t.Fatal(err)
	}
	var fields []string
	for _, v := range []any{plan.AccessReport{}, plan.AccessFilter{}, plan.AccessDomain{}, plan.AccessProblem{}, plan.Access{}} {
		of := reflect.TypeOf(v)
		for i := range of.NumField() {
			name, _, _ := strings.Cut(of.Field(i).Tag.Get("json"), ",")
			fields = append(fields, name)
			if of == reflect.TypeFor[plan.Access]() && name != "reasons" && !slices.Contains(render.ReportColumns(), name) {
				t.Errorf("a line's field %s is no column", name)
			}
		}
	}
	for _, s := range plan.AccessStandings() {
		fields = append(fields, string(s))
	}
	for _, name := range slices.Concat(fields, render.ReportColumns()) {
		if !bytes.Contains(text, []byte("`"+name+"`")) && !bytes.Contains(text, []byte("`"+name+"[]`")) {
			t.Errorf("docs/report.md does not say what %s is", name)
		}
	}
}
