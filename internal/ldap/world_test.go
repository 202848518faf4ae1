package ldap_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"studiokeeper/internal/config"
	"studiokeeper/internal/directory"
	"studiokeeper/internal/ldap"
	"studiokeeper/internal/localad"
	"studiokeeper/internal/provision"
)

var _ provision.Active = (*ldap.Reader)(nil)

const password = "Sync-Passw0rd!7"

// world is a domain with its controllers and a configuration that reads it.
type world struct {
	testing.TB
	*localad.Domain
	controllers []*localad.Controller
	config      config.LDAP
}

// newWorld is a domain with one controller and the account that reads.
func newWorld(t testing.TB, o ...localad.Options) *world {
	t.Helper()
	d, err := localad.New("corp.example")
	if err != nil {
		t.Fatal(err)
	}
	w := &world{TB: t, Domain: d}
	w.must(d.AddUser(localad.User{Account: "svc", Name: "svc", OU: "OU=Service", Password: password}))
	file := filepath.Join(t.TempDir(), "ca.pem")
	w.must(os.WriteFile(file, d.CA(), 0o600))
	w.config = config.LDAP{
		CAFile: file, BaseDN: d.BaseDN(), BindDN: "svc@corp.example", PageSize: 1000,
		Attributes: config.Attributes{UserName: "userPrincipalName", Email: "mail", DisplayName: "displayName", GivenName: "givenName", FamilyName: "sn", GroupName: "cn"},
	}
	if len(o) == 0 {
		o = []localad.Options{{}}
	}
	for _, options := range o {
		c, err := d.Serve(options)
		w.must(err)
		t.Cleanup(func() { w.must(c.Close()) })
		w.controllers = append(w.controllers, c)
		w.config.URLs = append(w.config.URLs, c.SecureURL())
	}
	return w
}

func (w *world) must(err error) {
	w.Helper()
	if err != nil {
		w.Fatal(err)
	}
}

// user adds people by account name.
func (w *world) user(accounts ...string) {
	w.Helper()
	for _, a := range accounts {
		w.must(w.AddUser(localad.User{Account: a, OU: "OU=Staff", Mail: a + "@corp.example", DisplayName: strings.ToUpper(a), GivenName: "G", Surname: "S"}))
	}
}

// group adds a group of members that are there.
func (w *world) group(account string, members ...string) {
	w.Helper()
	w.must(w.AddGroup(localad.Group{Account: account, OU: "OU=Groups"}))
	for _, m := range members {
		w.must(w.AddMember(account, m))
	}
}

func secret(_ context.Context, _ config.Secret) (string, error) { return password, nil }

func (w *world) reader() *ldap.Reader { return ldap.New(w.config, secret) }

func (w *world) read() directory.Source {
	w.Helper()
	s, err := w.reader().Read(w.Context())
	if err != nil {
		w.Fatal(err)
	}
	return s
}

// refused reads, and wants an error that says all of these; what it holds is
// never half a reading.
func (w *world) refused(says ...string) string {
	w.Helper()
	s, err := w.reader().Read(w.Context())
	if err == nil {
		w.Fatalf("it was read: %d users and %d groups", len(s.Users), len(s.Groups))
	}
	if len(s.Users) > 0 || len(s.Groups) > 0 {
		w.Errorf("beside the error there are %d users and %d groups", len(s.Users), len(s.Groups))
	}
	for _, want := range says {
		if !strings.Contains(err.Error(), want) {
			w.Errorf("want %q in the error:\n%v", want, err)
		}
	}
	return err.Error()
}

// account is a user that was read, by user name.
func (w *world) account(s directory.Source, userName string) directory.Account {
	w.Helper()
	i := slices.IndexFunc(s.Users, func(a directory.Account) bool { return a.UserName == userName })
	if i < 0 {
		w.Fatalf("no user %s was read", userName)
	}
	return s.Users[i]
}

// members are the GUIDs in a group that was read, sorted.
func (w *world) members(s directory.Source, group string) []string {
	w.Helper()
	i := slices.IndexFunc(s.Groups, func(g directory.SourceGroup) bool { return g.Name == group })
	if i < 0 {
		w.Fatalf("no group %s was read", group)
	}
	var all []string
	for _, m := range s.Groups[i].Members {
		all = append(all, m.GUID)
	}
	slices.Sort(all)
	return all
}

// guids are those of objects, sorted.
func (w *world) guids(names ...string) []string {
	var all []string
	for _, n := range names {
		all = append(all, w.GUID(n))
	}
	slices.Sort(all)
	return all
}

var errVault = errors.New("the vault is closed")
