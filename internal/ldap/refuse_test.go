package ldap_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"studiokeeper/internal/config"
	"studiokeeper/internal/ldap"
	"studiokeeper/internal/localad"
)

// staffed is a world with more people than a page, and a group larger than an answer.
func staffed(t *testing.T, o ...localad.Options) *world {
	t.Helper()
	w := newWorld(t, o...)
	w.group("studio-all")
	for i := range 1700 {
		account := fmt.Sprintf("u%04d", i)
		w.user(account)
		w.must(w.AddMember("studio-all", account))
	}
	w.config.PageSize = 500
	return w
}

func TestRefusedCertificates(t *testing.T) {
	for _, starting := range []string{"ldaps", "ldap"} {
		at := func(w *world) *world {
			if starting == "ldap" {
				w.config.URLs = []string{w.controllers[0].URL()}
			}
			return w
		}
		at(newWorld(t, localad.Options{Expires: time.Now().Add(-time.Hour)})).refused("TLS: ", "expired", "renew the controller's certificate, and compare the clocks")
		at(newWorld(t, localad.Options{Names: []string{"dc1.corp.example"}})).refused("TLS: ", "use the name in the certificate")
		other := at(newWorld(t))
		other.config.CAFile = newWorld(t).config.CAFile
		other.refused("TLS: ", "is not issued by directory.ldap.caFile "+other.config.CAFile+": name the file with its issuer's certificate")
		other.config.CAFile = ""
		other.refused("TLS: ", "is not issued by the system's issuers")
	}
	w := newWorld(t)
	w.config.URLs = []string{strings.Replace(w.controllers[0].URL(), "ldap:", "ldaps:", 1)}
	w.refused("TLS: ")
	w.config.URLs = []string{strings.Replace(w.controllers[0].SecureURL(), "ldaps:", "ldap:", 1)}
	w.refused("StartTLS: ")
}

func TestRefusedIssuerFiles(t *testing.T) {
	w := newWorld(t)
	w.config.CAFile = filepath.Join(t.TempDir(), "none.pem")
	w.refused("reading directory.ldap.caFile", "no such file")
	w.must(os.WriteFile(w.config.CAFile, []byte("\x30\x82 in binary"), 0o600))
	w.refused("holds no certificate in PEM form")
}

func TestRefusedSignIns(t *testing.T) {
	w := newWorld(t)
	w.user("alice")
	for name, c := range map[string]struct {
		change func()
		says   string
	}{
		"a wrong password": {func() {
			w.must(w.AddUser(localad.User{Account: "svc2", Password: "another"}))
			w.config.BindDN = "svc2@corp.example"
		}, "the password is wrong"},
		"nobody": {func() { w.config.BindDN = "CN=nobody,DC=corp,DC=example" }, "there is no such account: correct directory.ldap.bindDN"},
		"a disabled account": {func() {
			w.must(w.AddUser(localad.User{Account: "svc3", Password: password, Disabled: true}))
			w.config.BindDN = "svc3@corp.example"
		}, "the account is disabled: enable it"},
		"an expired account": {func() {
			w.must(w.AddUser(localad.User{Account: "svc4", Password: password, Expires: time.Now().Add(-time.Minute)}))
			w.config.BindDN = "svc4@corp.example"
		}, "the account has expired: change its date"},
	} {
		c.change()
		if text := w.refused("signing in as "+w.config.BindDN, c.says); strings.Contains(text, password) {
			t.Errorf("%s: the password is shown: %s", name, text)
		}
	}
}

func TestAnEmptyPasswordIsNotSent(t *testing.T) {
	w := newWorld(t)
	r := ldap.New(w.config, func(context.Context, config.Secret) (string, error) { return "", nil })
	_, err := r.Read(t.Context())
	if want := "the password of svc@corp.example is empty"; err == nil || !strings.Contains(err.Error(), want) {
		t.Errorf("got %v, want %q", err, want)
	}
}

// Each further wrong password brings the account nearer to being locked.
func TestAWrongPasswordIsTriedOnOneControllerOnly(t *testing.T) {
	w := newWorld(t, localad.Options{}, localad.Options{})
	w.must(w.AddUser(localad.User{Account: "svc2", Password: "another"}))
	w.config.BindDN = "svc2@corp.example"
	if text := w.refused("the password is wrong"); strings.Contains(text, w.config.URLs[1]) {
		t.Errorf("the second controller was asked too: %s", text)
	}
}

func TestSigningIsDemandedWherePlain(t *testing.T) {
	w := newWorld(t, localad.Options{Signing: true})
	w.config.URLs, w.config.Plain = []string{w.controllers[0].URL()}, true
	w.refused("takes no password on a plain connection: use ldaps://, or leave out directory.ldap.plain")
	w.config.Plain = false
	w.read()
}

func TestRefusedConfigurations(t *testing.T) {
	for name, c := range map[string]struct {
		change func(*config.LDAP)
		says   []string
	}{
		"a base that is not there": {func(c *config.LDAP) { c.BaseDN = "OU=Nowhere,DC=corp,DC=example" },
			[]string{"directory.ldap.baseDN OU=Nowhere,DC=corp,DC=example is not there", "correct it"}},
		"a base in another domain": {func(c *config.LDAP) { c.BaseDN = "OU=Staff,DC=emea,DC=other,DC=example" },
			[]string{"lies in the domain emea.other.example, to which the controller refers", "list that domain's controllers"}},
		"a base that is no DN":    {func(c *config.LDAP) { c.BaseDN = "OU=Staff,nonsense" }, []string{"directory.ldap.baseDN", "is no DN"}},
		"a unit that is no DN":    {func(c *config.LDAP) { c.UserOUs = []string{"OU=Staff,nonsense"} }, []string{"directory.ldap.userOUs is no DN"}},
		"a unit outside the base": {func(c *config.LDAP) { c.UserOUs = []string{"OU=Staff,DC=other,DC=example"} }, []string{"is not below directory.ldap.baseDN"}},
		"a unit without users":    {func(c *config.LDAP) { c.UserOUs = []string{"OU=Groups,DC=corp,DC=example"} }, []string{"none of 2 users below DC=corp,DC=example lies in directory.ldap.userOUs"}},
		"a filter that is none":   {func(c *config.LDAP) { c.Filter = "(mail=)(" }, []string{"directory.ldap.filter (mail=)( is no LDAP filter"}},
		"a filter for nobody":     {func(c *config.LDAP) { c.Filter = "(mail=nobody@corp.example)" }, []string{"there are no users that match", "(mail=nobody@corp.example)"}},
		"a base without groups":   {func(c *config.LDAP) { c.BaseDN = "OU=Staff,DC=corp,DC=example" }, []string{"searching OU=Staff,DC=corp,DC=example: there are no groups that match"}},
		"a base with groups alone": {func(c *config.LDAP) { c.BaseDN = "OU=Groups,DC=corp,DC=example" },
			[]string{"searching OU=Groups,DC=corp,DC=example: there are no users that match"}},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, localad.Options{}, localad.Options{})
			w.user("alice")
			w.group("studio-ml", "alice")
			c.change(&w.config)
			if text := w.refused(c.says...); strings.Contains(text, w.config.URLs[1]) {
				t.Errorf("the second controller was asked too: %s", text)
			}
		})
	}
}

// What may not be read must not pass for what is not there.
func TestAttributesThatMayNotBeRead(t *testing.T) {
	w := newWorld(t)
	w.user("alice")
	w.group("studio-ml", "alice")
	for skip, kind := range []string{"group", "user"} { // groups are asked for first
		for _, hidden := range []string{"objectGUID", "objectSid", "primaryGroupID", "userAccountControl"} {
			if kind == "group" && !strings.HasPrefix(hidden, "object") {
				continue
			}
			w.controllers[0].Fail(localad.Fault{Op: localad.Search, Skip: skip, Times: 1, Hides: []string{hidden}})
			w.refused("reading the "+kind+" CN=", hidden, "may svc@corp.example read it?")
			w.controllers[0].Heal()
		}
	}
	w.must(w.Set("alice", "accountExpires", "soon"))
	w.refused("reading the user CN=alice", `accountExpires is "soon"`)
}

func TestReferencesToOtherDomains(t *testing.T) {
	w := newWorld(t)
	w.user("alice")
	w.read() // the whole domain, whose references to zones and configuration lead to nobody
	w.AddChildDomain("emea")
	w.AddChildDomain("apac")
	w.config.OtherDomains = []string{"EMEA.corp.example"}
	w.refused("in the domain apac.corp.example, to which the controller refers", "name it in directory.ldap.otherDomains to leave it out, or choose a narrower baseDN")
	w.config.OtherDomains = append(w.config.OtherDomains, "apac.corp.example")
	w.read()
	w.controllers[0].Fail(localad.Fault{Op: localad.Search, Refer: []string{"ldap://dc9.legacy.example/"}})
	w.refused("in the domain dc9.legacy.example")
}

// Whatever ends a reading in the middle, what was read until then is not used.
func TestAFaultInTheMiddleIsAnError(t *testing.T) {
	w := staffed(t)
	for name, c := range map[string]struct {
		fault localad.Fault
		says  string
	}{
		"the connection ends within a page":           {localad.Fault{Op: localad.Search, Skip: 2, Entries: 100, Drop: true}, "nothing of it is used"},
		"the connection ends between pages":           {localad.Fault{Op: localad.Search, Skip: 3, Drop: true}, "after 1000 of them"},
		"the answer stops":                            {localad.Fault{Op: localad.Search, Skip: 2, Entries: 100, Hang: true}, "the answer did not come in"},
		"the controller is busy":                      {localad.Fault{Op: localad.Search, Skip: 2, Code: 51, Message: "busy"}, "run it again, or list another in directory.ldap.urls"},
		"the controller shuts down":                   {localad.Fault{Op: localad.Search, Skip: 2, Entries: 3, Code: 52}, "the controller cannot answer now"},
		"a page is larger than allowed":               {localad.Fault{Op: localad.Search, Skip: 1, Entries: 500, Code: 4}, "lower directory.ldap.pageSize"},
		"a cookie is not taken":                       {localad.Fault{Op: localad.Search, Skip: 2, Code: 53}, "the controller cannot answer now"},
		"rights are missing":                          {localad.Fault{Op: localad.Search, Skip: 1, Code: 50}, "let svc@corp.example read what lies below DC=corp,DC=example"},
		"the base goes":                               {localad.Fault{Op: localad.Search, Skip: 1, Code: 32}, "is not there"},
		"a referral in place of a page":               {localad.Fault{Op: localad.Search, Skip: 2, Code: 10, Refer: []string{"ldap://emea.corp.example/DC=emea,DC=corp,DC=example"}}, "the domain emea.corp.example"},
		"no sign-in":                                  {localad.Fault{Op: localad.Bind, Drop: true}, "signing in as svc@corp.example"},
		"half a part":                                 {localad.Fault{Op: localad.Search, Times: 1, Lacks: 800}, "with 700 values: half a range"},
		"half a further part":                         {localad.Fault{Op: localad.Part, Option: "1499-1700", Lacks: 10}, "half a range"},
		"the same part again":                         {localad.Fault{Op: localad.Part, Option: "0-200"}, "leads nowhere"},
		"a part further on":                           {localad.Fault{Op: localad.Part, Option: "1500-*"}, "leads nowhere"},
		"a part that is none":                         {localad.Fault{Op: localad.Part, Option: "most"}, "which is no range of them"},
		"a part without values":                       {localad.Fault{Op: localad.Part, Lacks: 1500}, "which is no range of them"},
		"a first part from the middle":                {localad.Fault{Op: localad.Search, Times: 1, Option: "10-1509"}, "want from 0"},
		"the group goes between its parts":            {localad.Fault{Op: localad.Part, Code: 32}, "it is not there any more"},
		"the connection ends between a group's parts": {localad.Fault{Op: localad.Part, Drop: true}, "reading the group CN=studio-all,OU=Groups,DC=corp,DC=example"},
	} {
		t.Run(name, func(t *testing.T) {
			w.controllers[0].Fail(c.fault)
			r := w.reader()
			if c.fault.Hang {
				r.Timeout = 300 * time.Millisecond
			}
			s, err := r.Read(t.Context())
			if err == nil || !strings.Contains(err.Error(), c.says) {
				t.Fatalf("want %q, got %v", c.says, err)
			}
			if len(s.Users)+len(s.Groups) > 0 {
				t.Errorf("beside the error there are %d users and %d groups", len(s.Users), len(s.Groups))
			}
		})
		w.controllers[0].Heal()
	}
	if s := w.read(); len(s.Users) != 1701 || len(w.members(s, "studio-all")) != 1700 {
		t.Errorf("afterwards %d users were read, want 1701", len(s.Users))
	}
}

func TestMembersThatChangeBetweenPartsAreReadAgain(t *testing.T) {
	w := staffed(t)
	w.controllers[0].Fail(localad.Fault{Op: localad.Part, Times: 2, Moved: 1})
	if got := len(w.members(w.read(), "studio-all")); got != 1700 {
		t.Errorf("%d members were read, want 1700", got)
	}
	w.controllers[0].Fail(localad.Fault{Op: localad.Part, Moved: 1})
	w.refused("reading the group CN=studio-all", "its members changed while they were read, 5 times in a row")
}

func TestTheNextControllerIsAskedFromTheBeginning(t *testing.T) {
	w := staffed(t, localad.Options{}, localad.Options{})
	for name, fault := range map[string]localad.Fault{
		"it ends in the middle of a page": {Op: localad.Search, Skip: 3, Entries: 10, Drop: true},
		"it is busy":                      {Op: localad.Search, Code: 51},
		"it lets nobody in":               {Op: localad.Bind, Code: 52},
		"half a range":                    {Op: localad.Part, Lacks: 10, Option: "1499-1600"},
	} {
		t.Run(name, func(t *testing.T) {
			before := w.controllers[1].Searches()
			w.controllers[0].Heal()
			w.controllers[0].Fail(fault)
			var log bytes.Buffer
			r := w.reader()
			r.Log = slog.New(slog.NewTextHandler(&log, nil))
			s, err := r.Read(t.Context())
			w.must(err)
			if len(s.Users) != 1701 || len(w.members(s, "studio-all")) != 1700 {
				t.Errorf("%d users were read, want 1701", len(s.Users))
			}
			if got := w.controllers[1].Searches() - before; got != 1+4+1 {
				t.Errorf("the second controller was asked %d times, want 6: groups, four pages of users, a further part", got)
			}
			if !strings.Contains(log.String(), w.config.URLs[0]) {
				t.Errorf("the log does not name the controller that failed: %s", log.String())
			}
		})
	}
}

func TestEveryControllerThatFailedIsNamed(t *testing.T) {
	w := newWorld(t, localad.Options{}, localad.Options{Expires: time.Now().Add(-time.Hour)}, localad.Options{})
	closed, err := net.Listen("tcp", "127.0.0.1:0")
	w.must(err)
	gone := "ldaps://" + closed.Addr().String()
	w.must(closed.Close())
	w.config.URLs = append([]string{gone}, w.config.URLs...)
	w.controllers[0].Fail(localad.Fault{Op: localad.Bind, Code: 52})
	w.controllers[2].Fail(localad.Fault{Op: localad.Search, Code: 51})
	says := []string{"is the controller up", "renew the controller's certificate"}
	for _, url := range w.config.URLs {
		says = append(says, "from "+url)
	}
	w.refused(says...)
	w.controllers[2].Heal()
	w.read()
}

func TestAReadingCanBeStopped(t *testing.T) {
	w := newWorld(t, localad.Options{}, localad.Options{})
	w.controllers[0].Fail(localad.Fault{Op: localad.Search, Hang: true})
	ctx, stop := context.WithCancelCause(t.Context())
	over := errors.New("the time is over")
	time.AfterFunc(50*time.Millisecond, func() { stop(over) })
	_, err := w.reader().Read(ctx)
	if !errors.Is(err, over) || w.controllers[1].Searches() > 0 {
		t.Errorf("got %v, and %d searches on the second controller", err, w.controllers[1].Searches())
	}
}

// A controller that takes the connection and says nothing does not hold anybody up.
func TestASilentControllerIsPassedOver(t *testing.T) {
	w := newWorld(t)
	silent, err := net.Listen("tcp", "127.0.0.1:0")
	w.must(err)
	defer silent.Close()
	for _, scheme := range []string{"ldaps://", "ldap://"} {
		w.config.URLs = []string{scheme + silent.Addr().String(), w.controllers[0].SecureURL()}
		r := w.reader()
		r.Timeout = 200 * time.Millisecond
		_, err := r.Read(t.Context())
		w.must(err)
	}
}
