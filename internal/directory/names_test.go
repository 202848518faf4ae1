package directory_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"studiokeeper/internal/directory"
)

func TestNamesThatAreMissingAreMadeUp(t *testing.T) {
	for _, c := range []struct{ display, given, family, want string }{
		{"Ann Doe", "Ann", "Doe", "Ann Doe|Ann|Doe"},
		{"", "Ann", "Doe", "Ann Doe|Ann|Doe"},
		{"", "Ann", "", "Ann|Ann|-"},
		{"", "", "Doe", "Doe|-|Doe"},
		{"", "", "", "ann|ann|-"},
		{"Ann Maria Doe", "", "", "Ann Maria Doe|Ann|Maria Doe"},
		{"Ann Maria Doe", "", "Doe", "Ann Maria Doe|Ann Maria|Doe"},
		{"Doe, Ann", "", "Doe", "Doe, Ann|Ann|Doe"},
		{"Ann Doe", "Ann", "", "Ann Doe|Ann|Doe"},
		{"Help desk", "", "IT", "Help desk|-|IT"},
		{"  Ann \t\u00a0 Doe\u200e\n", "\x00Ann ", " Doe", "Ann Doe|Ann|Doe"},
		{strings.Repeat("ä", 1025), "Ann", "Doe", strings.Repeat("ä", 1024) + "|Ann|Doe"},
		{`O'Neil (ext), <b>"*"`, "山", "田", `O'Neil (ext), <b>"*"|山|田`},
	} {
		a := account("ann")
		a.DisplayName, a.GivenName, a.FamilyName = c.display, c.given, c.family
		got := directory.Compare(source(a, adGroup("studio-a", "ann")), directory.Target{}, policy()).Changes[0].After
		if names := fmt.Sprintf("%s|%s|%s", got.DisplayName, got.GivenName, got.FamilyName); names != c.want {
			t.Errorf("%q, %q, %q: got %s, want %s", c.display, c.given, c.family, names, c.want)
		}
	}
}

func TestWhatTheSourceHasNotIsLeftAlone(t *testing.T) {
	begin := source(account("ann"), adGroup("studio-a", "ann"))
	bare := account("ann")
	bare.Email, bare.DisplayName, bare.GivenName, bare.FamilyName = "", " ", "", ""
	for name, now := range map[string]directory.Account{
		"no names and no e-mail address": bare,
		"another case":                   account("ann", userName("ANN@Corp.example"), email("Ann@mail.example")),
		"another place in the directory": account("ann", func(a *directory.Account) { a.DN = `CN=Doe\, Ann,OU=Elsewhere,DC=corp` }),
	} {
		t.Run(name, func(t *testing.T) {
			expect(t, directory.Compare(source(now, begin.Groups[0]), synced(t, begin).target(), policy()))
		})
	}
}

func TestARenameIsOneUpdate(t *testing.T) {
	w := synced(t, source(account("ann"), adGroup("studio-a", "ann")))
	married := account("ann", userName("ann.roe@corp.example"), email("ann.roe@mail.example"))
	married.DN, married.DisplayName, married.FamilyName = "CN=Ann Roe,OU=Sales,DC=corp,DC=example", "Ann Roe", "Roe"
	got := directory.Compare(source(married, adGroup("studio-a", "ann")), w.target(), policy())
	expect(t, got, "updateUser ann (user-name, email, display-name, family-name)")
	want := directory.Person{ID: "made-001", ExternalID: "ann", UserName: "ann.roe@corp.example", Email: "ann.roe@mail.example", DisplayName: "Ann Roe", GivenName: "ann", FamilyName: "Roe"}
	if d := cmp.Diff(want, *got.Changes[0].After); d != "" {
		t.Errorf("after (-want +got):\n%s", d)
	}
}

func TestANameThatIsTakenLeavesTheOneTheyHave(t *testing.T) {
	w := synced(t, source(account("ann"), adGroup("studio-a", "ann"))).user(person("x", called("root"), mailed("root@x")))
	now := account("ann", userName("Root"), email("Root@x"))
	now.FamilyName = "Roe"
	got := directory.Compare(source(now, adGroup("studio-a", "ann")), w.target(), policy(adopting(directory.AdoptEmail)))
	expect(t, got, "updateUser ann (family-name)", "conflict ann (user-name-taken, email-taken)")
}
