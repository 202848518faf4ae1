package config

import (
	"errors"
	"os"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

// FuzzParse: no text makes Parse panic, every problem lies inside the text,
// the same text gives the same answer, and what is accepted keeps the promises
// that others build on.
func FuzzParse(f *testing.F) {
	full, err := os.ReadFile("testdata/full.yaml")
	if err != nil {
		f.Fatal(err)
	}
	f.Add(string(full))
	f.Add(minimal)
	for _, c := range badInputs {
		f.Add(strings.Replace(sound, c.instead, c.write, 1))
	}
	env := vars("SANDBOX_ID", "d-sandbox00001", "A", "x: [", "B", "\nmode: observe")
	f.Fuzz(func(t *testing.T, text string) {
		if len(text) > 16<<10 {
			t.Skip("long texts only slow the search down")
		}
		c, err := Parse("f", []byte(text), env)
		again, errAgain := Parse("f", []byte(text), env)
		same := []cmp.Option{cmpopts.IgnoreUnexported(NamingRule{}), cmp.AllowUnexported(Secret{})}
		if diff := cmp.Diff(c, again, same...) + cmp.Diff(message(err), message(errAgain)); diff != "" {
			t.Fatalf("two readings differ:\n%s", diff)
		}
		if err != nil {
			insideText(t, text, err)
			return
		}
		for _, row := range c.Mapping.Rules {
			d, known := c.Domain(row.Domain)
			if !known || !c.RoleAllowed(row.Role) || !strings.Contains(row.Role, ":"+d.Account+":") || row.Group.Key() == "" {
				t.Errorf("accepted the row %+v", row)
			}
		}
		for _, d := range c.Domains {
			if c.Offboarding.Grace > 0 && c.QuarantineRole(d) == "" {
				t.Errorf("no quarantine role in %s", d.Name)
			}
		}
		c.NamedRows("studio-fuzz")
	})
}

func message(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}

func insideText(t *testing.T, text string, err error) {
	t.Helper()
	var all Errors
	if !errors.As(err, &all) || len(all) == 0 || !errors.Is(err, ErrInvalid) {
		t.Fatalf("got %v, want Errors", err)
	}
	lines := strings.Split(strings.TrimPrefix(text, "\ufeff"), "\n")
	for _, p := range all {
		if p.Line < 1 || p.Line > len(lines) || p.Column < 1 || p.Column > utf8.RuneCountInString(lines[p.Line-1])+1 || p.Text == "" {
			t.Errorf("not inside the text: %v", p)
		}
	}
}
