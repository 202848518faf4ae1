package studio_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"studiokeeper/internal/studio"
)

func settings(t *testing.T, text string) studio.Settings {
	t.Helper()
	s, err := studio.ParseSettings([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestSettingsAreCanonical(t *testing.T) {
	a := settings(t, `{"SecurityGroups": ["sg-1"], "JupyterLabAppSettings": {"IdleSettings": {"X": 60.0}}}`)
	b := settings(t, ` {"JupyterLabAppSettings":{"IdleSettings":{"X":60.0}},"SecurityGroups":["sg-1"]} `)
	if a != b {
		t.Errorf("%s\nis not\n%s", a, b)
	}
	if s := settings(t, `{}`); s != "" {
		t.Errorf("no settings are %q", s)
	}
}

func TestSettingsRefuse(t *testing.T) {
	for text, want := range map[string]string{
		`{"ExecutionRole": "arn:aws:iam::111122223333:role/x"}`: "ExecutionRole is given by the row's role",
		`{"A": 1, "A": 2}`:        "A is written twice",
		`{"A": {"B": [1, null]}}`: "A.B[1]: null says nothing",
		`[]`:                      "want a JSON object",
		`"text"`:                  "want a JSON object",
		`{} {}`:                   "more text follows",
		`{"A"`:                    "not valid JSON",
		``:                        "not valid JSON",
	} {
		_, err := studio.ParseSettings([]byte(text))
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("ParseSettings(%s) = %v, want %q", text, err, want)
		}
	}
}

func TestOnlyConfiguredSettingsAreCompared(t *testing.T) {
	for _, c := range []struct {
		name, want, have string
		paths            []string
	}{
		{"nothing configured", `{}`, `{"SecurityGroups":["sg-1"]}`, nil},
		{"equal beside others", `{"A":{"B":1}}`, `{"A":{"B":1,"C":2},"D":3}`, nil},
		{"security groups in another order", `{"SecurityGroups":["sg-1","sg-2"]}`, `{"SecurityGroups":["sg-2","sg-1"]}`, nil},
		{"an empty list is met by none", `{"J":{"LifecycleConfigArns":[]}}`, `{}`, nil},
		{"an empty list wants a full one gone", `{"J":{"LifecycleConfigArns":[]}}`, `{"J":{"LifecycleConfigArns":["a"]}}`, []string{"J.LifecycleConfigArns"}},
		{"absent", `{"A":{"B":"x"},"C":true}`, `{}`, []string{"A.B", "C"}},
		{"another number", `{"A":60}`, `{"A":90}`, []string{"A"}},
		{"a list of objects keeps its order", `{"L":[{"a":1},{"b":2}]}`, `{"L":[{"b":2},{"a":1}]}`, []string{"L"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			got := settings(t, c.want).Differences(settings(t, c.have))
			if d := cmp.Diff(c.paths, got); d != "" {
				t.Error(d)
			}
		})
	}
}

func TestRoleGoesInAndOutOfUserSettings(t *testing.T) {
	const role = "arn:aws:iam::111122223333:role/studio/a"
	s := settings(t, `{"SecurityGroups":["sg-1"],"Big":12345678901234567890}`)
	gotRole, got, err := studio.SplitSettings(s.WithRole(role))
	if err != nil || gotRole != role || got != s {
		t.Errorf("got %s, %s, %v", gotRole, got, err)
	}
	if text := studio.Settings("").WithRole(""); !json.Valid(text) || string(text) != "{}" {
		t.Errorf("empty settings are sent as %s", text)
	}
	if _, _, err := studio.SplitSettings([]byte(`[`)); err == nil {
		t.Error("broken UserSettings were taken for none")
	}
}

func TestDigestTellsRolesAndSettingsApart(t *testing.T) {
	seen := map[string]bool{}
	for _, d := range []string{studio.Digest("a", ""), studio.Digest("b", ""), studio.Digest("a", `{"A":1}`), studio.Digest("", "a")} {
		if seen[d] {
			t.Errorf("digest %s occurs twice", d)
		}
		seen[d] = true
	}
}

func TestDigestTellsAChangeOfRole(t *testing.T) {
	d := studio.Digest("a", `{"A":1}`)
	if !studio.SameRole(d, "a") || studio.SameRole(d, "b") || studio.SameRole("", "a") {
		t.Errorf("the role of %s is not told", d)
	}
}

func TestWhatAnEarlierGroupLeftIsReset(t *testing.T) {
	for _, c := range []struct{ what, want, have, sent string }{
		{"nothing there", `{}`, `{}`, ``},
		{"security groups and start-up code", `{}`, `{"SecurityGroups":["sg-1"],"JupyterLabAppSettings":{"LifecycleConfigArns":["a"],"CustomImages":[]}}`,
			`{"JupyterLabAppSettings":{"LifecycleConfigArns":[]},"SecurityGroups":[]}`},
		{"what the row sets stays", `{"SecurityGroups":["sg-2"],"JupyterLabAppSettings":{"IdleSettings":{}}}`,
			`{"SecurityGroups":["sg-1"],"JupyterLabAppSettings":{"LifecycleConfigArns":["a"]}}`,
			`{"JupyterLabAppSettings":{"IdleSettings":{},"LifecycleConfigArns":[]},"SecurityGroups":["sg-2"]}`},
		{"other settings are left alone", `{}`, `{"StudioWebPortal":"ENABLED","CodeEditorAppSettings":{"LifecycleConfigArns":[]}}`, ``},
	} {
		t.Run(c.what, func(t *testing.T) {
			got := settings(t, c.want).Resetting(settings(t, c.have))
			if string(got) != c.sent {
				t.Errorf("sends %s, want %s", got, c.sent)
			}
			if d := got.Differences(settings(t, c.have)); c.sent == "" && len(d) > 0 {
				t.Errorf("differs at %v", d)
			}
		})
	}
}
