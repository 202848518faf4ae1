package config

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"studiokeeper/internal/studio"
)

func TestAllProblemsAreShownAtOnce(t *testing.T) {
	got := problems(t, `deployment: Prod
moed: observe
identityCenter: {region: us-east-1}
domains:
  - {name: research, id: d-abcdefghijkl, region: us-east-1, account: 111122223333}
  - {name: sandbox, id: d-sandbox00001, region: us-east-1, account: "444455556666"}
mapping:
  rules:
    - {group: a, domain: sandbox, role: "arn:aws:iam::444455556666:role/a", priority: x}
    - {group: a, domain: sandbox, role: "arn:aws:iam::444455556666:role/b"}
    - {group: c, domain: sandbux, role: "arn:aws:iam::444455556666:role/${NONE}"}
offboarding: {grace: 1w}
limits: {held: never}
`)
	want := []string{
		`1:13: deployment: want 1 to 32 of a-z, 0-9 and -, found "Prod"`,
		`2:1: moed: there is no such key (did you mean mode?)`,
		`5:70: domains[0].account: want text, found 111122223333, which YAML reads as a number (put it in quotes: "111122223333")`,
		`9:87: mapping.rules[0].priority: want a number, found text (write digits, without quotes)`,
		`10:7: mapping.rules[1]: mapping.rules[0] in line 9 has the same group and domain, with other rights (keep one of the two)`,
		`11:26: mapping.rules[2].domain: no domain is named "sandbux" (did you mean sandbox?)`,
		`11:41: mapping.rules[2].role: the environment variable NONE is not set (set it, or write $${ for a literal ${)`,
		`12:14: offboarding.quarantineRole: is missing (leavers' profiles get it until grace has passed; required unless grace is 0s)`,
		`12:22: offboarding.grace: want a duration such as 90s, 60m or 168h (a day is 24h), found "1w"`,
		`13:16: limits.held: want keep or signIn, found "never"`,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("want -, got +:\n%s", diff)
	}
}

func TestEmptyAndStrangeTexts(t *testing.T) {
	for text, want := range map[string]string{
		"":              "1:1: the configuration is empty (the README shows a first one)",
		"# only this\n": "1:1: the configuration is empty (the README shows a first one)",
		"---\n":         "1:1: the configuration is empty (the README shows a first one)",
		"- a\n- b\n":    "1:1: want keys and values such as `deployment: prod`, found a list",
		"hello":         "1:1: want keys and values such as `deployment: prod`, found text",
	} {
		if diff := cmp.Diff([]string{want}, problems(t, text)); diff != "" {
			t.Errorf("%q: want -, got +:\n%s", text, diff)
		}
	}
}

func TestHostileNestingIsRefusedQuickly(t *testing.T) {
	for name, text := range map[string]string{
		"brackets": strings.Repeat("[", maxText-1),
		"braces":   strings.Repeat("{a: ", maxText/5),
		"dashes":   strings.Repeat("- ", 5000),
		"aliases": strings.Replace(sound, "settings: {}", `settings:
        A: &a [xxxxxxxx, xxxxxxxx, xxxxxxxx, xxxxxxxx, xxxxxxxx, xxxxxxxx, xxxxxxxx, xxxxxxxx]
        B: &b [*a, *a, *a, *a, *a, *a, *a, *a, *a, *a, *a, *a, *a, *a, *a, *a, *a, *a, *a, *a]
        C: &c [*b, *b, *b, *b, *b, *b, *b, *b, *b, *b, *b, *b, *b, *b, *b, *b, *b, *b, *b, *b]
        D: &d [*c, *c, *c, *c, *c, *c, *c, *c, *c, *c, *c, *c, *c, *c, *c, *c, *c, *c, *c, *c]
        E: [*d, *d, *d, *d, *d, *d, *d, *d, *d, *d, *d, *d, *d, *d, *d, *d, *d, *d, *d, *d]`, 1),
	} {
		if got := problems(t, text); len(got) == 0 || len(got) > 2 {
			t.Errorf("%s: got %d problems, want one or two: %.200q", name, len(got), got)
		}
	}
}

func TestReferencesTakeEnvironmentVariables(t *testing.T) {
	text := strings.NewReplacer(
		"d-abcdefghijkl", "${ID}",
		`"111122223333"`, "${ACCOUNT}",
		"group: ad-group-1", `group: "R&D $${x} ${GROUP}"`,
		"priority: 100", "priority: ${PRIORITY}",
		"settings: {}", `settings: {SecurityGroups: ["sg-${SG}"], DefaultLandingUri: "${NUMBER}"}`,
	).Replace(sound)
	c := parse(t, text, "ID", "d-fromenv", "ACCOUNT", "111122223333", "GROUP", "${ID}: [x", "PRIORITY", "7", "SG", "1", "NUMBER", "5")
	row := c.Mapping.Rules[0]
	want := studio.Row{Group: studio.GroupRef{Name: "R&D ${x} ${ID}: [x"}, Domain: "research", Role: "arn:aws:iam::111122223333:role/studio/a",
		Priority: 7, Settings: `{"DefaultLandingUri":"5","SecurityGroups":["sg-1"]}`, Source: "studiokeeper.yaml:12:7 (mapping.rules[0])"}
	if diff := cmp.Diff(want, row); diff != "" {
		t.Errorf("want -, got +:\n%s", diff)
	}
	if d := c.Domains[0]; d.ID != "d-fromenv" || d.Account != "111122223333" {
		t.Errorf("the domain is %+v", d)
	}
}

func TestWhatAVariableHoldsNeverBecomesYAML(t *testing.T) {
	text := strings.Replace(sound, "deployment: prod", "deployment: ${NAME}", 1)
	want := []string{"1:13: deployment: holds a line break or another control character (write it on one line)"}
	if diff := cmp.Diff(want, problems(t, text, "NAME", "prod\nmode: observe")); diff != "" {
		t.Errorf("want -, got +:\n%s", diff)
	}
	want = []string{`1:13: deployment: want 1 to 32 of a-z, 0-9 and -, found "{a: b}"`}
	if diff := cmp.Diff(want, problems(t, text, "NAME", "{a: b}")); diff != "" {
		t.Errorf("want -, got +:\n%s", diff)
	}
}

func TestReferencesThatCannotBeFilled(t *testing.T) {
	for write, want := range map[string]string{
		"${NOT_SET}":  "1:13: deployment: the environment variable NOT_SET is not set (set it, or write $${ for a literal ${)",
		"a-${my var}": "1:13: deployment: a reference is written ${NAME}, with letters, digits and _ (a literal ${ is written $${)",
		"${}":         "1:13: deployment: a reference is written ${NAME}, with letters, digits and _ (a literal ${ is written $${)",
		"${EMPTY}":    "1:13: deployment: is empty (give text, or leave the key out)",
	} {
		text := strings.Replace(sound, "deployment: prod", "deployment: "+write, 1)
		if diff := cmp.Diff([]string{want}, problems(t, text, "EMPTY", "")); diff != "" {
			t.Errorf("%s: want -, got +:\n%s", write, diff)
		}
	}
}

const withDirectory = sound + `directory:
  ldap: {urls: ["ldaps://dc1.corp.example"], baseDN: "DC=corp,DC=example", bindDN: svc@corp.example, password: PASSWORD}
`

func TestSecretsAreReferences(t *testing.T) {
	arn := "arn:aws:secretsmanager:us-east-1:111122223333:secret:ad-AbCdEf"
	for write, want := range map[string]Secret{
		`"${AD_PASSWORD}"`:               {SecretInEnvironment, "AD_PASSWORD"}, // not set while loading: the function needs no AD
		"file:/run/secrets/ad":           {SecretInFile, "/run/secrets/ad"},
		`"file:${HOME}/ad"`:              {SecretInFile, "/home/alice/ad"},
		"secretsmanager:" + arn:          {SecretInManager, arn},
		`"secretsmanager:${SECRET_ARN}"`: {SecretInManager, arn},
	} {
		c := parse(t, strings.Replace(withDirectory, "PASSWORD}", write+"}", 1), "HOME", "/home/alice", "SECRET_ARN", arn)
		if got := c.Directory.LDAP.Password; got != want {
			store, name := got.Reference()
			t.Errorf("%s: got %s %s", write, store, name)
		}
	}
}

func TestAWrittenSecretIsRefusedAndNeverShown(t *testing.T) {
	for _, write := range []string{"hunter2", `"hunter2"`, "[hunter2]", "{hunter2: 1}", "20072007", `"${hunter2"`, `"x${A}hunter2"`,
		"secretsmanager:hunter2", "&a hunter2", "!!binary hunter2", "|hunter2"} {
		got := strings.Join(problems(t, strings.Replace(withDirectory, "PASSWORD}", write+"}", 1)), "\n")
		if got == "" {
			t.Errorf("%s was accepted", write)
		}
		if strings.Contains(got, "hunter2") || strings.Contains(got, "20072007") {
			t.Errorf("%s is shown: %s", write, got)
		}
	}
}

func TestSecretsMaskThemselves(t *testing.T) {
	c := parse(t, strings.Replace(withDirectory, "PASSWORD}", "file:/run/secrets/ad}", 1))
	var log bytes.Buffer
	slog.New(slog.NewJSONHandler(&log, nil)).Info("x", "ldap", c.Directory.LDAP, "password", c.Directory.LDAP.Password)
	slog.New(slog.NewTextHandler(&log, nil)).Info("x", "ldap", c.Directory.LDAP, "password", c.Directory.LDAP.Password)
	text, err := json.Marshal(c)
	if err != nil {
		t.Fatal(err)
	}
	ldap, password := c.Directory.LDAP, c.Directory.LDAP.Password
	for how, shown := range map[string]string{
		"json": string(text), "slog": log.String(), "%v": fmt.Sprintf("%v", ldap), "%+v": fmt.Sprintf("%+v", ldap), "%#v": fmt.Sprintf("%#v", ldap),
		"%s": fmt.Sprintf("%s", password), "%q": fmt.Sprintf("%q", password), "pointer": fmt.Sprintf("%+v", c.Directory),
	} {
		if strings.Contains(shown, "/run/secrets") || !strings.Contains(shown, masked) {
			t.Errorf("%s: %s", how, shown)
		}
	}
}

func TestNamingRulesMakeRows(t *testing.T) {
	c := load(t, "testdata/full.yaml")
	cases := []struct {
		name, group string
		want        []studio.Row
	}{
		{"a glob", "studio-nlp", []studio.Row{{Domain: "research", Role: "arn:aws:iam::111122223333:role/studio/studio-nlp", Priority: 100,
			Rule: "studio-*", Source: "testdata/full.yaml:60:7 (mapping.naming[0])"}}},
		{"captures", "ml-ops-search", []studio.Row{{Domain: "sandbox", Role: "arn:aws:iam::444455556666:role/studio/sandbox-search-ops", Priority: 50,
			Rule: "/^ml-(dev|ops)-(.+)$/", Source: "testdata/full.yaml:63:7 (mapping.naming[1])"}}},
		{"another name", "finance", nil},
		{"a match of a part only", "my-studio-nlp", nil},
		{"another case", "Studio-nlp", nil},
		{"a name that would choose a path", "studio-x/admin", []studio.Row{{Domain: "research", Priority: 100, Rule: "studio-*", Source: "testdata/full.yaml:60:7 (mapping.naming[0])",
			Unreadable: `"studio-x/admin" cannot be part of a role's name (letters, digits and _+=,.@- can)`}}},
		{"a placeholder in a name", "studio-{account}", []studio.Row{{Domain: "research", Priority: 100, Rule: "studio-*", Source: "testdata/full.yaml:60:7 (mapping.naming[0])",
			Unreadable: `"studio-{account}" cannot be part of a role's name (letters, digits and _+=,.@- can)`}}},
	}
	for _, tc := range cases {
		t.Run(tc.name, func(t *testing.T) {
			for i := range tc.want {
				tc.want[i].Group.Name = tc.group
			}
			if diff := cmp.Diff(tc.want, c.NamedRows(tc.group)); diff != "" {
				t.Errorf("want -, got +:\n%s", diff)
			}
		})
	}
}

func TestNamedRowsOutsideTheFenceAndInDisagreementAreUnreadable(t *testing.T) {
	naming := func(role, second string) *Config {
		return parse(t, strings.Replace(sound, "  rules:\n", `  naming:
    - {group: "s-*", domain: research, role: "`+role+`"}
    - {group: "s-x*", domain: research, role: "`+second+`", priority: 300}
  rules:
`, 1))
	}
	c := naming("arn:aws:iam::{account}:role/{1}/y", "arn:aws:iam::{account}:role/{1}/y")
	rows := c.NamedRows("s-other")
	if len(rows) != 1 || rows[0].Unreadable != "arn:aws:iam::111122223333:role/other/y is not within mapping.roles" {
		t.Errorf("outside the fence: got %+v", rows)
	}
	c = naming("arn:aws:iam::{account}:role/studio/{1}", "arn:aws:iam::{account}:role/studio/other")
	rows = c.NamedRows("s-xy")
	want := "two naming rules disagree about it: studiokeeper.yaml:12:7 (mapping.naming[0]) and studiokeeper.yaml:13:7 (mapping.naming[1])"
	if len(rows) != 1 || rows[0].Unreadable != want || rows[0].Priority != 300 {
		t.Errorf("in disagreement: got %+v", rows)
	}
}

func TestRecommendationsAreNotErrors(t *testing.T) {
	c := parse(t, strings.Replace(sound, "role/quarantine", "role/studio/quarantine", 1))
	want := []string{
		"studiokeeper.yaml:12:14: mapping.rules[0].group: this rule names its group by display name, which another group can take over (write groupId, which none can)",
		"studiokeeper.yaml:18:19: offboarding.quarantineRole: mapping.roles admits the quarantine role arn:aws:iam::111122223333:role/studio/quarantine, " +
			"so a row could give it (keep it under another path)",
	}
	if diff := cmp.Diff(want, c.Warnings); diff != "" {
		t.Errorf("want -, got +:\n%s", diff)
	}
	if c := parse(t, minimal); len(c.Warnings) > 0 {
		t.Errorf("nothing to recommend, got %q", c.Warnings)
	}
}

func TestSettingsKeepWhatYAMLSays(t *testing.T) {
	for write, want := range map[string]studio.Settings{
		`{CustomPosixUserConfig: {Uid: 10000, Gid: 1001}, DefaultLandingUri: "60", StudioWebPortal: ENABLED}`:                    `{"CustomPosixUserConfig":{"Gid":1001,"Uid":10000},"DefaultLandingUri":"60","StudioWebPortal":"ENABLED"}`,
		`{SecurityGroups: [], SharingSettings: {}}`:                                                                              `{"SecurityGroups":[],"SharingSettings":{}}`,
		`{SecurityGroups: [yes, 2020-01-01, "true"], DefaultLandingUri: 12:30}`:                                                  `{"DefaultLandingUri":"12:30","SecurityGroups":["yes","2020-01-01","true"]}`,
		"\n        DefaultLandingUri: >-\n          one\n          two\n        SecurityGroups:\n          - |\n            x\n": `{"DefaultLandingUri":"one two","SecurityGroups":["x\n"]}`,
	} {
		c := parse(t, strings.Replace(sound, "settings: {}", "settings: "+write, 1))
		if got := c.Mapping.Rules[0].Settings; got != want {
			t.Errorf("%s: got %s, want %s", write, got, want)
		}
	}
}

func TestSettingsUnderOddKeysAreStillHeldToTheFence(t *testing.T) {
	got := problems(t, strings.Replace(sound, "settings: {}",
		`settings: {"": {B: "arn:aws:iam::111122223333:role/admin"}, "A.B[0]": [["arn:aws:iam::111122223333:role/admin"]]}`, 1))
	want := []string{
		"16:17: mapping.rules[0].settings: the role arn:aws:iam::111122223333:role/admin within settings is not",
		"16:18: mapping.rules[0].settings.: UserSettings has no such field",
		"16:67: mapping.rules[0].settings.A.B[0]: UserSettings has no such field",
		"16:79: mapping.rules[0].settings.A.B[0][0][0]: the role arn:aws:iam::111122223333:role/admin within settings is not",
	}
	if len(got) != len(want) {
		t.Fatalf("got %q", got)
	}
	for i := range want {
		if !strings.HasPrefix(got[i], want[i]) {
			t.Errorf("got %s, want %s", got[i], want[i])
		}
	}
}

func TestTheFullExampleHasEveryKey(t *testing.T) {
	source, err := os.ReadFile("testdata/full.yaml")
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{"identityCenter", "assumeRole", "externalId", "signIn", "adopt", "onRoleChange", "state", "roles", "rules", "groupId",
		"priority", "settings", "table", "naming", "cache", "grace", "quarantineRole", "sharedSpaces", "removals", "changes", "held", "rejectFor", "notices",
		"log", "protected", "caFile", "baseDN", "bindDN", "password", "groups", "scim", "endpoint", "token"} {
		if !strings.Contains(string(source), path+":") {
			t.Errorf("testdata/full.yaml does not show %s", path)
		}
	}
}
