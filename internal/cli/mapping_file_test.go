package cli

import (
	"bytes"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"studiokeeper/internal/awscloud"
	"studiokeeper/internal/render"
	"studiokeeper/internal/studio"
)

const someRole = "arn:aws:iam::111122223333:role/studio/ad-group-1"

// read is what a file holds, or what is wrong with it, by place.
func read(format fileFormat, text string) (rows []entry, problems []string) {
	f := parseMappingFile("f", format, []byte(text))
	for _, r := range f.rows {
		rows = append(rows, r.entry)
	}
	_ = f.err() // sorts
	for _, p := range f.problems {
		problems = append(problems, fmt.Sprintf("%d:%d: %s", p.at.line, p.at.column, p.text))
	}
	return rows, problems
}

func TestFilesOfAllFormatsSayTheSame(t *testing.T) {
	want := []entry{
		{Group: studio.GroupRef{Name: "ad-group-1"}, Domain: "research", Role: someRole, Priority: 100},
		{Group: studio.GroupRef{ID: "14f83478-a061-708f-8de4-a3a2b99e9d89"}, Domain: "research", Role: someRole, Priority: -7,
			Settings: `{"SecurityGroups":["sg-1"]}`, Note: "for the lab, since May"},
	}
	for name, c := range map[string]struct {
		format fileFormat
		text   string
	}{
		"CSV": {csvFormat, "group,domain,role,priority,settings,note\nad-group-1,research," + someRole + ",,,\n" +
			"groupId:14f83478-a061-708f-8de4-a3a2b99e9d89,research," + someRole + `,-7,"{""SecurityGroups"":[""sg-1""]}","for the lab, since May"` + "\n"},
		"CSV with other columns first, a mark at its beginning and Windows' line ends": {csvFormat, "\ufeffnote,role,domain,group,priority,settings\r\n," + someRole + ",research,ad-group-1,100,{}\r\n" +
			`"for the lab, since May",` + someRole + `,research,groupId:14f83478-a061-708f-8de4-a3a2b99e9d89,-7,"{""SecurityGroups"": [""sg-1""]}"` + "\r\n"},
		"CSV with semicolons": {csvFormat, "group;domain;role;priority;settings;note\nad-group-1;research;" + someRole + ";;;\n" +
			"groupId:14f83478-a061-708f-8de4-a3a2b99e9d89;research;" + someRole + `;-7;"{""SecurityGroups"":[""sg-1""]}";for the lab, since May` + "\n"},
		"YAML": {yamlFormat, "# rows\n- group: ad-group-1\n  domain: research\n  role: " + someRole + "\n- groupId: 14f83478-a061-708f-8de4-a3a2b99e9d89\n  domain: research\n  role: " + someRole +
			"\n  priority: -7\n  settings:\n    SecurityGroups: [sg-1]\n  note: for the lab, since May\n"},
		"JSON": {jsonFormat, `[{"group":"ad-group-1","domain":"research","role":"` + someRole + `"},
			{"group":"groupId:14f83478-a061-708f-8de4-a3a2b99e9d89","domain":"research","role":"` + someRole + `","priority":-7,"settings":{"SecurityGroups":["sg-1"]},"note":"for the lab, since May"}]`},
	} {
		rows, problems := read(c.format, c.text)
		if diff := cmp.Diff(want, rows); diff != "" || problems != nil {
			t.Errorf("%s: %v\n%s", name, problems, diff)
		}
	}
}

func TestFilesThatCannotBeImported(t *testing.T) {
	const header = "group,domain,role,priority,settings,note\n"
	row := "g,research," + someRole
	list := `{"group":"g","domain":"research","role":"` + someRole + `"`
	for _, c := range []struct {
		name   string
		format fileFormat
		text   string
		want   []string
	}{
		{"CSV with nothing in it", csvFormat, "", []string{"1:1: the file is empty (the first line names the columns: group,domain,role,priority,settings,note)"}},
		{"CSV without a header", csvFormat, "ad-group-1,research," + someRole + "\n", []string{
			"1:1: no column is called \"ad-group-1\" (it has group, domain, role, priority, settings, note)",
			"1:1: the column domain is missing (the first line names the columns: group,domain,role,priority,settings,note)",
			"1:1: the column group is missing (the first line names the columns: group,domain,role,priority,settings,note)",
			"1:1: the column role is missing (the first line names the columns: group,domain,role,priority,settings,note)",
			"1:12: no column is called \"research\" (it has group, domain, role, priority, settings, note)",
			"1:21: no column is called \"" + someRole + "\" (it has group, domain, role, priority, settings, note)"}},
		{"a misspelt and a doubled column", csvFormat, "group,domain,role,prioritiy,role\n", []string{
			`1:19: no column is called "prioritiy" (did you mean priority?)`, "1:29: the column role is there twice"}},
		{"every bad line of a CSV", csvFormat, header + row + ",x,,\n" + row + ",007,,\n" + row + ",,[],\n ,research," + someRole + ",,,\ng,,,,,\nh,research," + someRole + "\ngroupId:,research," + someRole + ",,,\ngroupId:14f83478,research," + someRole + ",,,\n", []string{
			"2:" + fmt.Sprint(len(row)+2) + `: priority: want a whole number in plain digits, of 32 bits, found "x"`,
			"3:" + fmt.Sprint(len(row)+2) + `: priority: want a whole number in plain digits, of 32 bits, found "007"`,
			"4:" + fmt.Sprint(len(row)+3) + ": settings: want a JSON object of UserSettings",
			"5:1: group is empty (a display name, or groupId:<id>)",
			"6:3: domain is empty", "6:4: role is empty",
			"7:1: want 6 cells as in the first line, found 3",
			`8:1: groupId: want a group's id, as Identity Center shows it, found ""`,
			`9:1: groupId: want a group's id, as Identity Center shows it, found "14f83478"`}},
		{"a quote that is not closed", csvFormat, header + "g,research,\"" + someRole + "\n", []string{`2:61: not valid CSV: extraneous or missing " in quoted-field`}},
		{"a quote in the middle, behind letters of two bytes", csvFormat, header + "gü\",research,r,,,\n", []string{`2:3: not valid CSV: bare " in non-quoted-field`}},
		{"the same row twice", csvFormat, header + row + ",,,\nh,research," + someRole + ",,,\n" + row + ",5,,\n", []string{
			`4:1: group "g" in domain "research" is written twice, first in line 2 (keep one)`}},
		{"a note of two lines", csvFormat, header + row + ",,,\"a\nb\"\n", []string{
			"2:" + fmt.Sprint(len(row)+4) + ": note holds a line break or another control character (write it on one line)"}},
		{"text that is not UTF-8", csvFormat, "group,domain,role\nJ\xfcrgen,", []string{"2:2: the text is not UTF-8, or holds a control character (save the file as UTF-8 text)"}},
		{"a terminal's escape", yamlFormat, "- group: \"a\x1b[2J\"", []string{"1:12: the text is not UTF-8, or holds a control character (save the file as UTF-8 text)"}},

		{"YAML with nothing in it", yamlFormat, "# only a comment\n", []string{"1:1: the file is empty (write [] for no rows at all)"}},
		{"a whole configuration", yamlFormat, "mapping:\n  rules: []\n", []string{"1:1: want a list of rows, each with group, domain and role, found an object"}},
		{"YAML that is none", yamlFormat, "- group: [a\n", []string{"1:10: not valid YAML: sequence end token ']' not found"}},
		{"every bad row of YAML", yamlFormat, "- group: 12\n  domain: yes\n  role: null\n- research\n- groupId: a\n  group: b\n  domain: research\n  role: r\n  prioritiy: 5\n- {domain: research, role: r, priority: \"5\", settings: []}\n", []string{
			"1:10: group: want text, found 12 (put it in quotes)",
			"3:9: role has no value (give text, or leave the key out)",
			"4:3: want a row with group, domain and role, found text",
			"5:12: group is written too (keep groupId, which nobody can take over)",
			`9:3: a row has no "prioritiy" (did you mean priority?)`,
			"10:41: priority: want a number, found text",
			"10:56: settings: want an object, found a list"}},
		{"settings that only YAML knows", yamlFormat, "- group: g\n  domain: d\n  role: r\n  settings: {A: 0x10, B: [.inf], C: null, ExecutionRole: x}\n", []string{
			"4:17: settings: 0x10 is not a number in JSON (write it in plain decimal, or in quotes to make it text)",
			"4:27: settings: .inf is not a number in JSON (write it in plain decimal, or in quotes to make it text)"}},
		{"settings with null", yamlFormat, "- {group: g, domain: d, role: r, settings: {C: null}}\n", []string{
			"1:44: settings.C: null says nothing; leave the field out, or give an empty list to reset one"}},
		{"settings with a role", yamlFormat, "- {group: g, domain: d, role: r, settings: {ExecutionRole: x}}\n", []string{
			"1:44: settings: ExecutionRole is given by the row's role, not here"}},
		{"a key twice", yamlFormat, "- group: g\n  domain: d\n  role: r\n  group: h\n", []string{`4:3: "group" is written twice, first in line 1`}},
		{"an alias", yamlFormat, "- &a {group: g, domain: d, role: r}\n- *a\n", []string{
			"1:3: anchors, aliases and tags are not understood in a mapping file (write the value out)",
			"2:3: anchors, aliases and tags are not understood in a mapping file (write the value out)"}},
		{"two documents", yamlFormat, "[]\n---\n[]\n", []string{"3:1: a second document starts here (keep one, without ---)"}},

		{"JSON with nothing in it", jsonFormat, "", []string{"1:1: not valid JSON: it ends too early"}},
		{"JSON that ends too early", jsonFormat, "[" + list, []string{fmt.Sprintf("1:%d: not valid JSON: it ends too early", len(list)+2)}},
		{"JSON lines", jsonFormat, list + "}\n" + list + "}\n", []string{"2:1: more text follows the JSON value"}},
		{"a key twice in JSON", jsonFormat, "[\n" + list + `, "role": "x"}]`, []string{fmt.Sprintf(`2:%d: "role" is written twice, first in line 2`, len(list)+3)}},
		{"text for a number in JSON", jsonFormat, "[" + list + `,"priority":"5"}, 7]`, []string{
			fmt.Sprintf("1:%d: priority: want a number, found text", len(list)+14), fmt.Sprintf("1:%d: want a row with group, domain and role, found a number", len(list)+20)}},
		{"brackets without end", jsonFormat, strings.Repeat("[", 100), []string{"1:67: nested more than 64 deep"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			if _, problems := read(c.format, c.text); cmp.Diff(c.want, problems) != "" {
				t.Error(cmp.Diff(c.want, problems))
			}
		})
	}
}

// entries draws rows as a table may hold them: any text on one line.
func entries(t *rapid.T) []entry {
	line := rapid.StringMatching(`[^\x00-\x1f\x7f-\x{9f}]{0,20}`)
	full := rapid.OneOf(rapid.StringMatching(`[^\x00-\x20\x7f-\x{9f}][^\x00-\x1f\x7f-\x{9f}]{0,20}`).Filter(func(s string) bool { return strings.TrimSpace(s) != "" }),
		rapid.SampledFrom([]string{"true", "null", "12", "1e3", "- a", "a: b", "a #b", "'", `"`, "~", "*", "&a", "!x", "@x", "=1+1", "|", "a,b;c", "on", "2026-01-01", "{}", "0x1"}))
	keys := map[rowKey]bool{}
	var out []entry
	for range rapid.IntRange(0, 5).Draw(t, "rows") {
		e := entry{Domain: full.Draw(t, "domain"), Role: full.Draw(t, "role"), Note: line.Draw(t, "note"), Priority: rapid.IntRange(-2, 200).Draw(t, "priority")}
		e.Group = studio.GroupRef{Name: full.Filter(func(s string) bool { return !strings.HasPrefix(s, "groupId:") }).Draw(t, "group")}
		if rapid.Bool().Draw(t, "by id") {
			e.Group = studio.GroupRef{ID: rapid.StringMatching(`([0-9a-f]{10}-)?[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}`).Draw(t, "id")}
		}
		key := rapid.StringMatching(`[A-Za-z: "#,\[]{1,8}`).Filter(func(s string) bool { return s != "ExecutionRole" }).Draw(t, "key")
		settings := `{` + quoteJSON(key) + `:[` + quoteJSON(line.Draw(t, "value")) + `,12.50,{"A":true}]}`
		if rapid.Bool().Draw(t, "settings") {
			e.Settings, _ = studio.ParseSettings([]byte(settings))
		}
		if !keys[keyOf(e)] {
			keys[keyOf(e)] = true
			out = append(out, e)
		}
	}
	return out
}

func TestWhatIsExportedIsImportedAsItWas(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		want := entries(t)
		for _, format := range []fileFormat{csvFormat, yamlFormat, jsonFormat} {
			var out, messages bytes.Buffer
			if err := exportRows(Environment{Stdout: &out, Stderr: &messages}, format, want); err != nil {
				t.Fatal(err)
			}
			got, problems := read(format, out.String())
			if diff := cmp.Diff(want, got); diff != "" || problems != nil {
				t.Fatalf("%s: %v\n%s\n%s", format, problems, diff, out.String())
			}
		}
	})
}

func TestAnExportTellsWhatASpreadsheetWouldRun(t *testing.T) {
	var out, messages bytes.Buffer
	rows := []entry{
		{Group: studio.GroupRef{Name: "=HYPERLINK(1)"}, Domain: "research", Role: "r", Priority: -5, Note: "@all"},
		{Group: studio.GroupRef{Name: "ad\r1"}, Domain: "research", Role: "r", Priority: 100},
	}
	if err := exportRows(Environment{Stdout: &out, Stderr: &messages}, csvFormat, rows); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"2 cells begin with =, +, - or @", `group "ad\r1" in research holds a carriage return`} {
		if !strings.Contains(messages.String(), want) {
			t.Errorf("%q is missing in:\n%s", want, &messages)
		}
	}
	if want := "=HYPERLINK(1),research,r,-5,,@all\n"; !strings.Contains(out.String(), want) {
		t.Errorf("want %s in:\n%s", want, &out)
	}
}

func TestTheDifferenceToTheTable(t *testing.T) {
	e := func(group, role string) entry {
		return entry{Group: studio.GroupRef{Name: group}, Domain: "research", Role: role, Priority: 100}
	}
	stored := storedRows(e("same", "r"), e("other-role", "r"), e("not-in-file", "r"), e("broken", "r"))
	stored[3].Wrong = "role is missing"
	file := []fileRow{{entry: e("new", "r")}, {entry: e("broken", "r")}, {entry: e("same", "r")}, {entry: e("other-role", "q")}}
	for prune, want := range map[bool][]string{
		false: {"add new", "change broken", "change other-role"},
		true:  {"add new", "change broken", "change other-role", "remove not-in-file"},
	} {
		var got []string
		for _, c := range showable(difference(stored, file, prune)) {
			got = append(got, c.Kind+" "+c.Group)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("prune %v: %s", prune, diff)
		}
	}
}

func TestWhatATableHoldsCannotSteerTheTerminal(t *testing.T) {
	n := 100
	var out bytes.Buffer
	rows := []listedRow{{Group: "a\x1b[2Jb", Domain: "research", Role: "r\n", Priority: &n, From: fromTable, Note: "\u202eevil", Problem: "x\x07"}}
	if err := writeList(&out, render.Style{}, rows); err != nil {
		t.Fatal(err)
	}
	if strings.ContainsAny(out.String(), "\x1b\x07\u202e") || strings.Count(out.String(), "\n") != 3 {
		t.Errorf("%q", out.String())
	}
}

func storedRows(entries ...entry) []awscloud.Stored {
	var out []awscloud.Stored
	for _, e := range entries {
		out = append(out, awscloud.Stored{Entry: e})
	}
	return out
}
