package config

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// sound has no problem; each row below changes one place of it.
const sound = `deployment: prod
identityCenter:
  region: us-east-1
domains:
  - name: research
    id: d-abcdefghijkl
    region: us-east-1
    account: "111122223333"
mapping:
  roles: ["arn:aws:iam::111122223333:role/studio/*"]
  rules:
    - group: ad-group-1
      domain: research
      role: arn:aws:iam::111122223333:role/studio/a
      priority: 100
      settings: {}
offboarding:
  quarantineRole: "arn:aws:iam::{account}:role/quarantine"
`

// problems parses text and lists what is wrong, without the file's name.
func problems(t *testing.T, text string, env ...string) []string {
	t.Helper()
	_, err := Parse("f", []byte(text), vars(env...))
	if err == nil {
		return nil
	}
	if !errors.Is(err, ErrInvalid) {
		t.Errorf("%v is not ErrInvalid", err)
	}
	var out []string
	for line := range strings.Lines(err.Error()) {
		out = append(out, strings.TrimPrefix(strings.TrimSuffix(line, "\n"), "f:"))
	}
	return out
}

func TestEveryProblemHasItsPlace(t *testing.T) {
	if got := problems(t, sound); got != nil {
		t.Fatalf("the sound text has problems: %q", got)
	}
	for _, c := range badInputs {
		t.Run(c.name, func(t *testing.T) {
			if !strings.Contains(sound, c.instead) {
				t.Fatalf("%q is not in the sound text", c.instead)
			}
			got := problems(t, strings.Replace(sound, c.instead, c.write, 1))
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Errorf("want -, got +:\n%s", diff)
			}
		})
	}
}
