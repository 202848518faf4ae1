package ldap_test

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	goldap "github.com/go-ldap/ldap/v3"
	"github.com/google/go-cmp/cmp"

	"studiokeeper/internal/directory"
	"studiokeeper/internal/localad"
)

func issuersOf(file string) (*tls.Config, error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(text) {
		return nil, errors.New("no certificate in " + file)
	}
	return &tls.Config{RootCAs: pool, MinVersion: tls.VersionTLS12}, nil
}

// A domain controller that others wrote is read like the one in this program.
func TestSamba(t *testing.T) {
	const users = 10_000
	s := startSamba(t, users)
	w := s.world()
	var first directory.Source
	for _, step := range []struct {
		name string
		test func()
	}{
		{"everybody is read", func() { first = s.everybody(w, users) }},
		{"both ways in, and the ways that are refused", s.waysIn},
		{"renamed, disabled and deleted", func() { s.movements(w, first) }},
		{"it agrees with the local domain", func() { s.agreement(w) }},
	} {
		t.Run(step.name, func(t *testing.T) {
			s.T, w.TB = t, t
			step.test()
		})
	}
}

func (s *samba) everybody(w *world, users int) directory.Source {
	s.Helper()
	start := time.Now()
	source := w.read()
	s.Logf("%d users and %d groups were read in %s", len(source.Users), len(source.Groups), time.Since(start).Round(time.Millisecond))
	guids := map[string]string{} // by user name
	for _, a := range source.Users {
		guids[a.UserName] = a.GUID
	}
	if len(guids) < users+1 || len(w.members(source, "half")) != users/2 {
		s.Fatalf("%d users by name and %d members of half were read, want more than %d and %d", len(guids), len(w.members(source, "half")), users, users/2)
	}
	var half []string
	for i := range users / 2 {
		half = append(half, guids[fmt.Sprintf("u%05d@corp.test", i)])
	}
	slices.Sort(half)
	if !slices.Equal(half, w.members(source, "half")) {
		s.Error("half does not hold the first half of the users")
	}
	for depth, inner := range map[string]string{"nested1": "nested2", "nested4": "nested5"} {
		i := slices.IndexFunc(source.Groups, func(g directory.SourceGroup) bool { return g.Name == inner })
		if got := w.members(source, depth); len(got) != 1 || got[0] != source.Groups[i].GUID {
			s.Errorf("%s holds %q, want %s", depth, got, inner)
		}
	}
	if got := w.members(source, "nested5"); len(got) != 2 || !slices.Contains(got, guids["u00000@corp.test"]) {
		s.Errorf("nested5 holds %q, want u00000 and, in a cycle, nested1", got)
	}
	return source
}

func (s *samba) waysIn() {
	s.Helper()
	w := s.world()
	w.config.URLs, w.config.PageSize = []string{"ldap://" + s.ip}, 500
	w.config.Filter, w.config.UserOUs = "(sn=S1*)", []string{"ou=people,dc=corp,dc=test"}
	for _, as := range []string{"svc@corp.test", "CN=svc,CN=Users," + sambaBase} {
		w.config.BindDN = as
		if got := len(w.read().Users); got != 1111 {
			s.Errorf("%d users have a name that begins with S1, want 1111", got)
		}
	}
	w.config.BindDN = "nobody@corp.test"
	w.refused("signing in as nobody@corp.test", "correct directory.ldap.bindDN")
	w = s.world()
	w.config.BaseDN = "OU=Nowhere," + sambaBase
	w.refused("directory.ldap.baseDN OU=Nowhere,DC=corp,DC=test is not there")
	w.config.BaseDN = "DC=other,DC=test"
	w.refused("directory.ldap.baseDN DC=other,DC=test")
	w = s.world()
	w.config.CAFile = ""
	w.refused("is not issued by the system's issuers")
	w = s.world()
	w.config.URLs, w.config.Plain = []string{"ldap://" + s.ip}, true
	w.refused("takes no password on a plain connection")
}

// movements are those of an ordinary day. The account that reads sees no tombstones.
func (s *samba) movements(w *world, before directory.Source) {
	s.Helper()
	s.must(s.admin.ModifyDN(goldap.NewModifyDNWithControlsRequest("CN=u00001,OU=People,"+sambaBase, "CN=Berg\\, Anna", true, "CN=Users,"+sambaBase, nil)))
	s.change("CN=Berg\\, Anna,CN=Users,"+sambaBase, "replace", "userPrincipalName", "anna.berg@corp.test")
	s.change("CN=u00002,OU=People,"+sambaBase, "replace", "userAccountControl", "546")
	s.must(s.admin.Del(goldap.NewDelRequest("CN=u00003,OU=People,"+sambaBase, nil)))
	s.change("CN=half,OU=Groups,"+sambaBase, "delete", "member", "CN=u00004,OU=People,"+sambaBase)
	after := w.read()
	if was, is := w.account(before, "u00001@corp.test"), w.account(after, "anna.berg@corp.test"); was.GUID != is.GUID || was.SID != is.SID || is.DN != "CN=Berg\\, Anna,CN=Users,"+sambaBase {
		s.Errorf("renamed: %+v became %+v", was, is)
	}
	if !w.account(after, "u00002@corp.test").Disabled || w.account(before, "u00002@corp.test").Disabled {
		s.Error("u00002 was not disabled in between")
	}
	gone := w.account(before, "u00003@corp.test").GUID
	for _, a := range after.Users {
		if a.GUID == gone {
			s.Errorf("the deleted user is read as %s", a.DN)
		}
	}
	var left []string
	for _, m := range w.members(before, "half") {
		if m != gone && m != w.account(before, "u00004@corp.test").GUID {
			left = append(left, m)
		}
	}
	if !slices.Equal(left, w.members(after, "half")) {
		s.Errorf("%d members are left, want the %d before without the two who went", len(w.members(after, "half")), len(left)+2)
	}
}

// agreement makes the same people and groups here and there: both read the same.
func (s *samba) agreement(samba *world) {
	local := newWorld(s.T)
	add := func(account, name string, more ...string) {
		s.Helper()
		local.must(local.AddUser(localad.User{Account: account, Name: name, OU: "OU=Odd", PrincipalName: account + "@corp.test"}))
		s.add("CN="+escaped(name)+",OU=Odd,"+sambaBase, append([]string{"objectClass", "user", "sAMAccountName", account, "userPrincipalName", account + "@corp.test"}, more...)...)
		for i := 0; i < len(more); i += 2 {
			local.must(local.Set(account, more[i], more[i+1]))
		}
	}
	join := func(group, member string) {
		s.Helper()
		local.must(local.AddMember(group, member))
		s.change(s.dn(group), "add", "member", s.dn(member))
	}
	s.add("OU=Odd,"+sambaBase, "objectClass", "organizationalUnit")
	for i, name := range oddNames {
		add(fmt.Sprintf("odd%d", i), name, "displayName", name, "userAccountControl", "544")
	}
	add("off", "off", "userAccountControl", "546")
	add("over", "over", "userAccountControl", "544", "accountExpires", "132000000000000000")
	add("first", "first", "userAccountControl", "544", "mail", "first@corp.test", "givenName", "First", "sn", "O'Last")
	for i, group := range []string{"outer", "inner", "primary"} {
		local.must(local.AddGroup(localad.Group{Account: group, Name: group + " (" + oddNames[i] + ")", OU: "OU=Odd"}))
		s.add("CN="+escaped(group+" ("+oddNames[i]+")")+",OU=Odd,"+sambaBase, "objectClass", "group", "sAMAccountName", group, "groupType", "-2147483646")
	}
	for _, account := range []string{"inner", "odd0", "off"} {
		join("outer", account)
	}
	join("inner", "outer")
	join("primary", "first")
	join("primary", "over")
	local.must(local.SetPrimaryGroup("first", "primary"))
	s.change(s.dn("first"), "replace", "primaryGroupID", fmt.Sprint(s.rid("primary")))
	foreign, err := local.AddForeign("S-1-5-21-11-22-33-1104")
	local.must(err)
	local.must(local.AddMember("inner", foreign))
	s.change(s.dn("inner"), "add", "member", "<SID=S-1-5-21-11-22-33-1104>")
	local.config.BaseDN, samba.config.BaseDN = "OU=Odd,"+local.BaseDN(), "OU=Odd,"+sambaBase
	here, there := comparable(local.read()), comparable(samba.read())
	if diff := cmp.Diff(there, here); diff != "" || len(here) < len(oddNames)+6 {
		s.Errorf("Samba -, local +:\n%s", diff)
	}
}

// escaped is a value as Active Directory wants it in a name.
func escaped(value string) string { return strings.ReplaceAll(goldap.EscapeDN(value), "=", `\=`) }

// comparable is what was read, without what differs from domain
// to domain: GUIDs, SIDs and the base.
func comparable(source directory.Source) []string {
	base := func(dn string) string {
		parsed, err := goldap.ParseDN(dn)
		if err != nil {
			return err.Error()
		}
		// Each server escapes more than it must, in its own way: this is one for both.
		return strings.NewReplacer("dc=corp,dc=test", "…", "dc=corp,dc=example", "…").Replace(parsed.String())
	}
	rid := func(sid string) string { return sid[strings.LastIndex(sid, "-")+1:] }
	groups := map[string]string{"513": "Domain Users"}
	for _, g := range source.Groups {
		groups[rid(g.SID)] = g.Name
	}
	var all []string
	for _, a := range source.Users {
		a.DN, a.GUID, a.SID = base(a.DN), "", ""
		primary := groups[fmt.Sprint(a.PrimaryGroup)]
		a.PrimaryGroup = 0
		all = append(all, fmt.Sprintf("%+v primary %s", a, primary))
	}
	for _, g := range source.Groups {
		var members []string
		for _, m := range g.Members {
			members = append(members, base(m.DN))
		}
		slices.Sort(members)
		all = append(all, fmt.Sprintf("%s %s %q", base(g.DN), g.Name, members))
	}
	slices.Sort(all)
	return all
}

// find is the object with that account name.
func (s *samba) find(account string) *goldap.Entry {
	s.Helper()
	found, err := s.admin.Search(goldap.NewSearchRequest(sambaBase, goldap.ScopeWholeSubtree, 0, 0, 0, false,
		"(sAMAccountName="+goldap.EscapeFilter(account)+")", []string{"objectSid"}, nil))
	s.must(err)
	if len(found.Entries) != 1 {
		s.Fatalf("%d objects are called %s", len(found.Entries), account)
	}
	return found.Entries[0]
}

func (s *samba) dn(account string) string { return s.find(account).DN }

// rid is the last part of a SID.
func (s *samba) rid(account string) uint32 {
	sid := s.find(account).GetRawAttributeValue("objectSid")
	last := sid[len(sid)-4:]
	return uint32(last[0]) | uint32(last[1])<<8 | uint32(last[2])<<16 | uint32(last[3])<<24
}
