package ldap_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"studiokeeper/internal/config"
	"studiokeeper/internal/directory"
	"studiokeeper/internal/ldap"
	"studiokeeper/internal/localad"
)

func TestAUserIsReadWithEveryAttribute(t *testing.T) {
	w := newWorld(t)
	expires := time.Date(2031, 5, 1, 12, 30, 0, 700, time.UTC)
	w.must(w.AddUser(localad.User{Account: "alice", Name: "Alice Anders", OU: "OU=Staff", Mail: "alice@corp.example", DisplayName: "Alice Anders",
		GivenName: "Alice", Surname: "Anders", Disabled: true, Expires: expires}))
	w.group("studio-ml", "alice")
	got := w.account(w.read(), "alice@corp.example")
	if !strings.HasPrefix(got.SID, "S-1-5-21-") {
		t.Errorf("the SID is %s", got.SID)
	}
	want := directory.Account{GUID: w.GUID("alice"), DN: "CN=Alice Anders,OU=Staff,DC=corp,DC=example", SID: got.SID, PrimaryGroup: 513, UserName: "alice@corp.example",
		Email: "alice@corp.example", DisplayName: "Alice Anders", GivenName: "Alice", FamilyName: "Anders", Disabled: true, Expires: expires}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("want -, got +:\n%s", diff)
	}
}

func TestEveryPageIsReadOnceAndTwice(t *testing.T) {
	w := newWorld(t)
	for i := range 2500 {
		w.user(fmt.Sprintf("u%04d", i))
	}
	w.group("studio-ml", "u0000")
	w.config.PageSize = 500
	reader := w.reader()
	for range 2 {
		s, err := reader.Read(t.Context())
		w.must(err)
		seen := map[string]bool{}
		for _, a := range s.Users {
			seen[a.GUID] = true
		}
		if len(seen) != 2501 || len(s.Users) != 2501 { // and the account that reads
			t.Errorf("%d users were read, %d different, want 2501", len(s.Users), len(seen))
		}
	}
	if got := w.controllers[0].Searches(); got != 2*(1+6) {
		t.Errorf("%d searches were made, want 14: two readings of one page of groups and six of users", got)
	}
}

func TestPrimaryGroupsAreNoWrittenMembers(t *testing.T) {
	w := newWorld(t)
	w.user("alice", "bob")
	w.group("studio-ml", "alice", "bob")
	w.must(w.SetPrimaryGroup("alice", "studio-ml"))
	s := w.read()
	if diff := cmp.Diff(w.guids("bob"), w.members(s, "studio-ml")); diff != "" {
		t.Errorf("written members: want -, got +:\n%s", diff)
	}
	i := slices.IndexFunc(s.Groups, func(g directory.SourceGroup) bool { return g.Name == "studio-ml" })
	sid, rid := s.Groups[i].SID, w.account(s, "alice@corp.example").PrimaryGroup
	if !strings.HasSuffix(sid, fmt.Sprintf("-%d", rid)) {
		t.Errorf("the group's SID is %s, and alice's primary group %d", sid, rid)
	}
}

func TestNestedGroupsAndCyclesAreReadAsTheyAre(t *testing.T) {
	w := newWorld(t)
	w.user("alice")
	w.group("a", "alice")
	w.group("b", "a")
	w.group("c", "b")
	w.must(w.AddMember("a", "c"))
	s := w.read()
	for group, members := range map[string][]string{"a": {"alice", "c"}, "b": {"a"}, "c": {"b"}} {
		if diff := cmp.Diff(w.guids(members...), w.members(s, group)); diff != "" {
			t.Errorf("%s: want -, got +:\n%s", group, diff)
		}
	}
}

func TestARenameKeepsTheGUIDAndARemadeUserHasAnother(t *testing.T) {
	w := newWorld(t)
	w.user("alice", "bob")
	w.group("studio-ml", "alice", "bob")
	before := w.read()
	alice, bob := w.GUID("alice"), w.GUID("bob")
	w.must(w.Rename("alice", "Alice Berg"))
	w.must(w.Move("alice", "OU=Leads,OU=Staff"))
	w.must(w.Set("alice", "userPrincipalName", "alice.berg@corp.example"))
	w.must(w.Delete("bob"))
	w.user("bob")
	after := w.read()
	if got := w.account(after, "alice.berg@corp.example"); got.GUID != alice || got.DN != "CN=Alice Berg,OU=Leads,OU=Staff,DC=corp,DC=example" {
		t.Errorf("renamed: got %s %s, want GUID %s", got.GUID, got.DN, alice)
	}
	if got := w.account(after, "bob@corp.example").GUID; got == bob || got == w.account(before, "alice@corp.example").GUID {
		t.Errorf("made again: the GUID is still %s", got)
	}
	if diff := cmp.Diff([]string{alice}, w.members(after, "studio-ml")); diff != "" {
		t.Errorf("members: want -, got +:\n%s", diff)
	}
}

func TestDisabledAndExpiredAreSeparate(t *testing.T) {
	w := newWorld(t)
	w.user("on", "off", "zero", "largest", "over", "without")
	w.group("studio-ml", "off")
	w.must(w.Disable("off", true))
	w.must(w.Set("on", "userAccountControl", "-2147483136")) // the highest bit makes it negative
	w.must(w.Set("zero", "accountExpires", "0"))
	w.must(w.Set("largest", "accountExpires", "9223372036854775807"))
	w.must(w.Set("without", "accountExpires"))
	over := time.Date(2020, 2, 29, 0, 0, 0, 0, time.UTC)
	w.must(w.Expire("over", over))
	s := w.read()
	for name, want := range map[string]directory.Account{"on": {}, "off": {Disabled: true}, "zero": {}, "largest": {}, "without": {}, "over": {Expires: over}} {
		got := w.account(s, name+"@corp.example")
		if got.Disabled != want.Disabled || !got.Expires.Equal(want.Expires) {
			t.Errorf("%s: disabled %v, expires %v", name, got.Disabled, got.Expires)
		}
	}
	if diff := cmp.Diff(w.guids("off"), w.members(s, "studio-ml")); diff != "" {
		t.Errorf("a disabled user stays in its groups: want -, got +:\n%s", diff)
	}
}

func TestWhatIsNoUserIsAMemberAllTheSame(t *testing.T) {
	w := newWorld(t)
	w.user("alice")
	foreign, err := w.AddForeign("S-1-5-21-1111111111-2222222222-3333333333-1104")
	w.must(err)
	contact, err := w.AddContact("Supplier", "supplier@elsewhere.example")
	w.must(err)
	w.must(w.AddComputer("build-1"))
	w.group("studio-ml", "alice", foreign, contact, "build-1$")
	s := w.read()
	if diff := cmp.Diff(w.guids("alice", foreign, contact, "build-1$"), w.members(s, "studio-ml")); diff != "" {
		t.Errorf("want -, got +:\n%s", diff)
	}
	for _, a := range s.Users {
		if slices.Contains(w.guids(foreign, contact, "build-1$"), a.GUID) {
			t.Errorf("%s was read as a user", a.DN)
		}
	}
}

func TestGroupsLargerThanOneAnswer(t *testing.T) {
	for _, size := range []int{1500, 1501, 2999, 3100} {
		t.Run(fmt.Sprint(size), func(t *testing.T) {
			w := newWorld(t)
			w.AddGroup(localad.Group{Account: "studio-all"})
			var want []string
			for i := range size {
				account := fmt.Sprintf("u%04d", i)
				w.user(account)
				w.must(w.AddMember("studio-all", account))
				want = append(want, w.GUID(account))
			}
			slices.Sort(want)
			if got := w.members(w.read(), "studio-all"); !slices.Equal(got, want) {
				t.Errorf("%d members were read, want the %d that there are", len(got), size)
			}
		})
	}
}

var oddNames = []string{"Smith, Jane", `back\slash`, `quo"te`, "plus+minus", "a;b", "<angle>", "#hash", " space ", "(par) *star*", "O'Brien", "a=b", "slash/slash",
	"Łukasz Żółw", "山田 太郎", "Zoë\u0301", "new\nline", "tab\tulator", "per%cent", "back\\,comma", "Ünder_score ß", "x\x01y"}

func TestOddNames(t *testing.T) {
	w := newWorld(t)
	var accounts []string
	for i, name := range oddNames {
		account := fmt.Sprintf("odd%d", i)
		w.must(w.AddUser(localad.User{Account: account, Name: name, OU: `OU=R\, D`, DisplayName: name}))
		w.must(w.AddGroup(localad.Group{Account: "g" + account, Name: "group " + name}))
		w.must(w.AddMember("g"+account, account))
		accounts = append(accounts, account)
	}
	w.config.UserOUs = []string{`ou=r\, d,dc=CORP,dc=Example`}
	s := w.read()
	if len(s.Users) != len(oddNames) {
		t.Errorf("%d users were read, want %d", len(s.Users), len(oddNames))
	}
	for i, account := range accounts {
		got := w.account(s, account+"@corp.example")
		if got.DisplayName != oddNames[i] || got.GUID != w.GUID(account) || got.DN != w.DN(account) {
			t.Errorf("%q was read as %+v", oddNames[i], got)
		}
		if diff := cmp.Diff(w.guids(account), w.members(s, "group "+oddNames[i])); diff != "" {
			t.Errorf("group %q: want -, got +:\n%s", oddNames[i], diff)
		}
	}
}

// A controller that gives names without GUIDs has them looked up, by names that
// are compared as names.
func TestMembersByNameAloneAreLookedUp(t *testing.T) {
	w := newWorld(t)
	foreign, err := w.AddForeign("S-1-5-21-1-2-3-1104")
	w.must(err)
	var members []string
	for i, name := range oddNames {
		account := fmt.Sprintf("odd%d", i)
		w.must(w.AddUser(localad.User{Account: account, Name: name}))
		members = append(members, account)
	}
	w.group("studio-ml", append(members, foreign)...)
	w.controllers[0].Fail(localad.Fault{Op: localad.Search, Bare: true})
	if diff := cmp.Diff(w.guids(append(members, foreign)...), w.members(w.read(), "studio-ml")); diff != "" {
		t.Errorf("want -, got +:\n%s", diff)
	}
}

func TestUsersAreTakenByUnitAndFilter(t *testing.T) {
	w := newWorld(t)
	w.user("alice", "bob")
	w.must(w.AddUser(localad.User{Account: "guest", OU: "OU=Guests"}))
	w.must(w.Set("bob", "title", "Visitor (guest)*"))
	w.group("studio-ml", "alice", "bob", "guest")
	w.config.UserOUs = []string{"OU=Staff,DC=corp,DC=example", "ou=Nobody, dc=corp, dc=example"}
	w.config.Filter = `(!(title=Visitor \28guest\29\2a))`
	s := w.read()
	if len(s.Users) != 1 || s.Users[0].GUID != w.GUID("alice") {
		t.Errorf("got %+v, want alice alone", s.Users)
	}
	if diff := cmp.Diff(w.guids("alice", "bob", "guest"), w.members(s, "studio-ml")); diff != "" {
		t.Errorf("members stay as they are written: want -, got +:\n%s", diff)
	}
}

func TestOtherAttributesAndWhatIsMissing(t *testing.T) {
	w := newWorld(t)
	w.must(w.AddUser(localad.User{Account: "plain"}))
	w.must(w.Set("plain", "userPrincipalName"))
	w.must(w.AddGroup(localad.Group{Account: "ml", Name: "Machine Learning"}))
	w.config.Attributes.UserName, w.config.Attributes.GroupName = "SAMACCOUNTNAME", "sAMAccountName"
	s := w.read()
	if got := w.account(s, "plain"); got.Email != "" || got.GivenName != "" || got.FamilyName != "" {
		t.Errorf("got %+v, want no more than the name", got)
	}
	w.members(s, "ml")
	w.config.Attributes.UserName = "userPrincipalName"
	if got := w.account(w.read(), ""); got.GUID != w.GUID("plain") {
		t.Errorf("without a user name: got %+v", got)
	}
}

func TestEveryWayIn(t *testing.T) {
	w := newWorld(t)
	w.user("alice")
	c := w.controllers[0]
	for name, url := range map[string]string{"LDAPS": c.SecureURL(), "StartTLS": c.URL(), "a host name": strings.Replace(c.URL(), "127.0.0.1", "localhost", 1)} {
		w.config.URLs = []string{url}
		for _, as := range []string{"svc@corp.example", "CN=svc,OU=Service,DC=corp,DC=example", `CORP\svc`} {
			w.config.BindDN = as
			if s := w.read(); len(s.Users) != 2 {
				t.Errorf("%s as %s: %d users were read, want 2", name, as, len(s.Users))
			}
		}
	}
	w.config.URLs, w.config.Plain, w.config.CAFile = []string{c.URL()}, true, ""
	w.read()
}

func TestPlainIsOnlyForThoseWhoSaySo(t *testing.T) {
	w := newWorld(t, localad.Options{NoTLS: true})
	w.user("alice")
	w.config.URLs = []string{w.controllers[0].URL()}
	w.refused("StartTLS", "give the controller a certificate for LDAP, or use ldaps://")
	w.config.Plain = true
	if s := w.read(); len(s.Users) != 2 {
		t.Errorf("%d users were read, want 2", len(s.Users))
	}
}

func TestThePasswordComesFromItsReference(t *testing.T) {
	w := newWorld(t)
	reader := ldap.New(w.config, func(context.Context, config.Secret) (string, error) { return "", errVault })
	if _, err := reader.Read(t.Context()); !errors.Is(err, errVault) {
		t.Errorf("got %v, want the vault's error", err)
	}
}
