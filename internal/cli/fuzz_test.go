package cli

import (
	"bytes"
	"io"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

// FuzzParseMappingFile: every problem lies inside the text and says what is wrong, and
// a file without one holds rows that come back from an export of any form as they are.
func FuzzParseMappingFile(f *testing.F) {
	for _, text := range []string{"", "group,domain,role\ng,d,r\n", "group;domain;role;priority\n\"g\n\";d;r;1\n", "- {group: g, domain: d, role: r, settings: {A: [1, 0x1]}}\n",
		"- groupId: a\n  domain: d\n  role: r\n  note: |\n    x\n", `[{"group":"g","domain":"d","role":"r","priority":1e3}]`, "\ufeff[]", "- &a [*a]\n", "? [a]\n: b\n", "[[[", "\r\n", "\"", "- <<: {a: b}\n",
		`[{"groupId":"14f83478-a061-708f-8de4-a3a2b99e9d89","domain":" d","role":"r\u2028","priority":-7,"note":"'","settings":{"A":1.50,"B":["\u00e9"]}}]`,
		"group,domain,role,note\n\" =g\",d,r,\"a,\"\"b\"\"\"\n", "- {group: 'it''s', domain: \"\\u00e9\", role: r, note: '# no', settings: {\"a: b\": [~x, {}]}}\n"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		if len(text) > 8<<10 {
			t.Skip("long texts only slow the search down")
		}
		for _, format := range []fileFormat{csvFormat, yamlFormat, jsonFormat} {
			file := parseMappingFile("f", format, []byte(text))
			for _, p := range file.problems {
				if !insideFile(text, p.at) || p.text == "" {
					t.Errorf("%s: %d:%d: %q lies outside of the text", format, p.at.line, p.at.column, p.text)
				}
			}
			if len(file.problems) == 0 {
				comesBack(t, format, file.rows)
			}
		}
	})
}

// insideFile reports whether a place lies in a text, or right behind one of its lines.
func insideFile(text string, at place) bool {
	lines := strings.Split(strings.TrimPrefix(text, "\ufeff"), "\n")
	return at.line >= 1 && at.line <= len(lines) && at.column >= 1 && at.column <= utf8.RuneCountInString(lines[at.line-1])+1
}

// comesBack fails unless rows are complete, each key is there once, and an export of
// any form holds them.
func comesBack(t *testing.T, from fileFormat, rows []fileRow) {
	t.Helper()
	want, seen := []entry{}, map[rowKey]bool{}
	for _, r := range rows {
		if r.Group.Key() == "" || r.Domain == "" || r.Role == "" || seen[keyOf(r.entry)] {
			t.Errorf("%s: accepted %+v", from, r)
		}
		want, seen[keyOf(r.entry)] = append(want, r.entry), true
	}
	for _, format := range []fileFormat{csvFormat, yamlFormat, jsonFormat} {
		var out bytes.Buffer
		if err := exportRows(Environment{Stdout: &out, Stderr: io.Discard}, format, want); err != nil {
			t.Fatal(err)
		}
		got, problems := read(format, out.String())
		if diff := cmp.Diff(want, got, cmpopts.EquateEmpty()); diff != "" || problems != nil {
			t.Errorf("from %s to %s: %v\n%s\n%s", from, format, problems, diff, &out)
		}
	}
}
