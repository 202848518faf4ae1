package render_test

import (
	"bytes"
	"flag"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"studiokeeper/internal/plan"
	"studiokeeper/internal/render"
	"studiokeeper/internal/studio"
)

var update = flag.Bool("update", false, "write the golden files anew")

func golden(t *testing.T, name string, got []byte) {
	t.Helper()
	file := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(file, got, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(string(want), string(got)); d != "" {
		t.Errorf("%s (-want +got):\n%s", file, d)
	}
}

const account = "arn:aws:iam::111122223333:role/"

var (
	alice  = studio.User{ID: "04c8e458-a021-702e-f9d1-7f430ff2c752", UserName: "alice@example.com", Status: studio.Enabled}
	domain = studio.Domain{Name: "research", ID: "d-abcdefghijkl", OnRoleChange: studio.StopApps}
	policy = plan.Policy{
		Deployment: "prod", StoreID: "d-906716eb24", Domain: domain, Quarantine: account + "quarantine", Grace: 168 * time.Hour,
		Now: time.Date(2026, 3, 2, 12, 0, 0, 0, time.UTC),
	}
)

func row(group, role string, priority int) *studio.Row {
	return &studio.Row{
		Group: studio.GroupRef{Name: group}, GroupID: "g-" + group, Domain: "research", Role: account + role, Priority: priority,
		Source: `table studiokeeper-mapping: group "` + group + `", domain "research"`,
	}
}

// explanations are one of each: a move, a tie, something unreadable, a person
// who leaves, a profile that nobody manages, and a domain that cannot be read.
func explanations() []render.Explanation {
	managed := studio.Profile{
		Name: "alice-example-com-ftcax6h4s2", Status: studio.InService, SSOUser: alice.UserName, Role: account + "studio/b",
		Tags: map[string]string{studio.TagDeployment: "prod", studio.TagUserID: alice.ID, studio.TagGroup: "g-b", studio.TagApplied: studio.Digest(account+"studio/b", "")},
	}
	made := studio.Profile{Name: "alice-471", Status: studio.InService, SSOUser: alice.UserName}
	broken := row("broken", "studio/x", 300)
	broken.Unreadable = "role " + broken.Role + " is outside mapping.roles"
	var out []render.Explanation
	for _, p := range []plan.Person{
		{User: alice, Matches: []plan.Match{{Row: row("a", "studio/a", 200)}, {Row: row("b", "studio/b", 100)}}, Profiles: []studio.Profile{managed}},
		{User: alice, Matches: []plan.Match{{Row: row("a", "studio/a", 100)}, {Row: row("b", "studio/b", 100)}}, Profiles: []studio.Profile{managed}},
		{User: alice, Matches: []plan.Match{{Row: row("a", "studio/a", 200)}, {Row: broken}}},
		{User: alice, Profiles: []studio.Profile{managed}},
		{User: alice, Matches: []plan.Match{{Row: row("a", "studio/a", 100)}}, Profiles: []studio.Profile{made}},
	} {
		changes, v := policy.Plan(p)
		out = append(out, render.NewExplanation(domain, v, p.Profiles, changes, "prod"))
	}
	return append(out, render.Explanation{
		Domain: "lab", DomainID: "d-lab", Error: "access denied", Rows: []render.MatchedRow{}, Profiles: []render.HasProfile{}, Changes: []plan.Change{},
	})
}

func TestExplainForPeople(t *testing.T) {
	var b bytes.Buffer
	if err := render.Explain(&b, render.Style{}, alice, explanations()); err != nil {
		t.Fatal(err)
	}
	golden(t, "explain.txt", b.Bytes())
}

func TestExplainForScripts(t *testing.T) {
	var b bytes.Buffer
	if err := render.JSON(&b, explanations()); err != nil {
		t.Fatal(err)
	}
	golden(t, "explain.json", b.Bytes())
}

func TestColourIsOnlyForTerminals(t *testing.T) {
	var plain, coloured bytes.Buffer
	changes := explanations()[0].Changes
	if err := render.Changes(&plain, render.Style{}, changes); err != nil {
		t.Fatal(err)
	}
	if err := render.Changes(&coloured, render.Style{Colour: true}, changes); err != nil {
		t.Fatal(err)
	}
	if bytes.Contains(plain.Bytes(), []byte("\x1b")) || !bytes.Contains(coloured.Bytes(), []byte("\x1b[33m")) {
		t.Errorf("plain:\n%q\ncoloured:\n%q", plain.String(), coloured.String())
	}
}
