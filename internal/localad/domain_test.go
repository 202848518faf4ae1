package localad_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/go-ldap/ldap/v3"

	"studiokeeper/internal/localad"
)

const password = "Passw0rd!"

// client is a domain, a controller of it, and a connection that is signed in.
type client struct {
	*testing.T
	*localad.Domain
	controller *localad.Controller
	*ldap.Conn
}

func signedIn(t *testing.T, account string) *client {
	t.Helper()
	d, err := localad.New("corp.example")
	if err != nil {
		t.Fatal(err)
	}
	c := &client{T: t, Domain: d}
	c.must(d.AddUser(localad.User{Account: "admin", Password: password, Admin: true}))
	c.must(d.AddUser(localad.User{Account: "svc", Password: password}))
	c.controller, err = d.Serve(localad.Options{})
	c.must(err)
	t.Cleanup(func() { c.must(c.controller.Close()) })
	c.Conn = c.dial()
	if account != "" {
		c.must(c.Bind(account+"@corp.example", password))
	}
	return c
}

func (c *client) dial() *ldap.Conn {
	c.Helper()
	conn, err := ldap.DialURL(c.controller.URL())
	c.must(err)
	c.Cleanup(func() { conn.Close() })
	return conn
}

func (c *client) must(err error) {
	c.Helper()
	if err != nil {
		c.Fatal(err)
	}
}

func (c *client) people(n int) {
	c.Helper()
	for i := range n {
		c.must(c.AddUser(localad.User{Account: fmt.Sprintf("u%04d", i), OU: "OU=Staff"}))
	}
}

// find searches the staff.
func (c *client) find(filter string, attributes []string, controls ...ldap.Control) (*ldap.SearchResult, error) {
	c.Helper()
	return c.Search(ldap.NewSearchRequest("OU=Staff,DC=corp,DC=example", ldap.ScopeWholeSubtree, ldap.NeverDerefAliases, 0, 0, false, filter, attributes, controls))
}

// wantCode wants an LDAP result.
func wantCode(t *testing.T, what string, err error, code uint16) {
	t.Helper()
	if !ldap.IsErrorWithCode(err, code) {
		t.Errorf("%s: got %v, want the result %d", what, err, code)
	}
}

func TestNobodySearchesWithoutSigningIn(t *testing.T) {
	c := signedIn(t, "")
	_, err := c.find("(objectClass=*)", nil)
	wantCode(t, "anonymous", err, ldap.LDAPResultOperationsError)
	c.must(c.UnauthenticatedBind("svc@corp.example"))
	_, err = c.find("(objectClass=*)", nil)
	wantCode(t, "without a password", err, ldap.LDAPResultOperationsError)
	wantCode(t, "a wrong password", c.Bind("svc@corp.example", "wrong"), ldap.LDAPResultInvalidCredentials)
	root, err := c.Search(ldap.NewSearchRequest("", ldap.ScopeBaseObject, ldap.NeverDerefAliases, 0, 0, false, "(objectClass=*)", nil, nil))
	c.must(err)
	if got := root.Entries[0].GetAttributeValue("defaultNamingContext"); got != "DC=corp,DC=example" {
		t.Errorf("everybody may ask for the domain's name: got %q", got)
	}
}

func TestAThousandEntriesAnAnswer(t *testing.T) {
	c := signedIn(t, "svc")
	c.people(1001)
	got, err := c.find("(objectClass=user)", nil)
	wantCode(t, "unpaged", err, ldap.LDAPResultSizeLimitExceeded)
	if len(got.Entries) != 1000 {
		t.Errorf("unpaged: %d entries, want 1000", len(got.Entries))
	}
	got, err = c.find("(objectClass=user)", nil, ldap.NewControlPaging(5000))
	c.must(err)
	if len(got.Entries) != 1000 {
		t.Errorf("a page of 5000 has %d entries, want 1000", len(got.Entries))
	}
	cookie := ldap.NewControlPaging(1000)
	cookie.SetCookie(ldap.FindControl(got.Controls, ldap.ControlTypePaging).(*ldap.ControlPaging).Cookie)
	elsewhere := c.dial()
	c.must(elsewhere.Bind("svc@corp.example", password))
	_, err = elsewhere.Search(ldap.NewSearchRequest(c.BaseDN(), ldap.ScopeWholeSubtree, 0, 0, 0, false, "(objectClass=user)", nil, []ldap.Control{cookie}))
	wantCode(t, "the cookie on another connection", err, ldap.LDAPResultUnwillingToPerform)
	got, err = c.find("(objectClass=user)", nil, cookie)
	c.must(err)
	if len(got.Entries) != 1 {
		t.Errorf("the last page has %d entries, want 1", len(got.Entries))
	}
}

func TestMembersComeInPartsOf1500(t *testing.T) {
	c := signedIn(t, "svc")
	c.people(3200)
	c.must(c.AddGroup(localad.Group{Account: "all", OU: "OU=Staff"}))
	for i := range 3200 {
		c.must(c.AddMember("all", fmt.Sprintf("u%04d", i)))
	}
	for asked, want := range map[string]string{
		"member": "member;range=0-1499 1500", "member;range=0-*": "member;range=0-1499 1500", "member;range=1500-*": "member;range=1500-2999 1500",
		"member;range=3000-*": "member;range=3000-* 200", "member;range=10-19": "member;range=10-19 10", "member;range=3200-*": "",
	} {
		found, err := c.find("(sAMAccountName=all)", []string{asked})
		c.must(err)
		got := ""
		for _, a := range found.Entries[0].Attributes {
			if len(a.Values) > 0 {
				got += fmt.Sprintf("%s %d", a.Name, len(a.Values))
			}
		}
		if got != want {
			t.Errorf("%s: got %q, want %q", asked, got, want)
		}
	}
}

func TestMembersAndMemberOfLackThePrimaryGroup(t *testing.T) {
	c := signedIn(t, "svc")
	c.people(1)
	for _, group := range []string{"a", "b"} {
		c.must(c.AddGroup(localad.Group{Account: group, OU: "OU=Staff"}))
		c.must(c.AddMember(group, "u0000"))
	}
	c.must(c.SetPrimaryGroup("u0000", "a"))
	found, err := c.find("(sAMAccountName=u0000)", []string{"memberOf", "primaryGroupID"})
	c.must(err)
	got := found.Entries[0].GetAttributeValues("memberOf")
	slices.Sort(got)
	if want := []string{"CN=Domain Users,CN=Users,DC=corp,DC=example", "CN=b,OU=Staff,DC=corp,DC=example"}; !slices.Equal(got, want) {
		t.Errorf("memberOf is %q, want %q", got, want)
	}
	if c.RemoveMember("a", "u0000") == nil || c.SetPrimaryGroup("u0000", "Domain Admins") == nil {
		t.Error("a primary group was left, or a strange one taken")
	}
}

func TestFilters(t *testing.T) {
	c := signedIn(t, "svc")
	for i, name := range []string{"Anders (x)", "Berg*", "Cem"} {
		c.must(c.AddUser(localad.User{Account: fmt.Sprintf("u%d", i), Name: name, OU: "OU=Staff", Disabled: i == 2}))
	}
	c.must(c.Set("u0", "employeeNumber", "41"))
	c.must(c.AddGroup(localad.Group{Account: "g", OU: "OU=Staff"}))
	for filter, want := range map[string]string{
		"(cn=anders \\28X\\29)": "u0", "(cn=*erg\\2a)": "u1", "(cn=a*e*s*)": "u0", "(cn=*zz*)": "", "(!(cn=*))": "u", // the unit itself
		"(&(objectCategory=person)(|(sAMAccountName=u1)(sAMAccountName=g)))": "u1", "(objectCategory=group)": "g",
		"(userAccountControl:1.2.840.113556.1.4.803:=2)": "u2", "(employeeNumber>=41)": "u0", "(employeeNumber<=40)": "",
	} {
		found, err := c.find(filter, []string{"sAMAccountName"})
		c.must(err)
		var got []string
		for _, e := range found.Entries {
			if account := e.GetAttributeValue("sAMAccountName"); account != "" {
				got = append(got, account)
			} else {
				got = append(got, "u")
			}
		}
		if strings.Join(got, " ") != want {
			t.Errorf("%s: got %q, want %q", filter, got, want)
		}
	}
}

func TestControlsThatAreNotKnown(t *testing.T) {
	c := signedIn(t, "svc")
	c.people(1)
	_, err := c.find("(objectClass=*)", nil, ldap.NewControlString("1.2.3", true, ""))
	wantCode(t, "critical", err, ldap.LDAPResultUnavailableCriticalExtension)
	_, err = c.find("(objectClass=*)", nil, ldap.NewControlString("1.2.3", false, ""))
	c.must(err)
}

func TestMembersAreChangedOverLDAPByThoseWhoMay(t *testing.T) {
	c := signedIn(t, "svc")
	c.people(1)
	c.must(c.AddGroup(localad.Group{Account: "g", OU: "OU=Staff"}))
	add := ldap.NewModifyRequest(c.DN("g"), nil)
	add.Add("member", []string{c.DN("u0000")})
	wantCode(t, "as an ordinary user", c.Modify(add), ldap.LDAPResultInsufficientAccessRights)
	c.must(c.Bind("admin@corp.example", password))
	c.must(c.Modify(add))
	wantCode(t, "a second time", c.Modify(add), ldap.LDAPResultAttributeOrValueExists)
	members := func() int {
		found, err := c.find("(sAMAccountName=g)", []string{"member"})
		c.must(err)
		return len(found.Entries[0].GetAttributeValues("member"))
	}
	if members() != 1 {
		t.Errorf("%d members, want 1", members())
	}
	remove := ldap.NewModifyRequest(c.DN("g"), nil)
	remove.Delete("member", []string{c.DN("u0000")})
	c.must(c.Modify(remove))
	if members() != 0 {
		t.Errorf("%d members are left", members())
	}
	wantCode(t, "no member", c.Modify(remove), ldap.LDAPResultUnwillingToPerform)
	mail := ldap.NewModifyRequest(c.DN("u0000"), nil)
	mail.Replace("mail", []string{"new@corp.example"})
	c.must(c.Modify(mail))
	if found, err := c.find("(mail=new@corp.example)", nil); err != nil || len(found.Entries) != 1 {
		t.Errorf("the address was not changed: %v", err)
	}
}

func TestNamesAreUniqueAndDeletionsLeaveGroupsUntouched(t *testing.T) {
	c := signedIn(t, "svc")
	c.people(2)
	if c.AddUser(localad.User{Account: "U0000"}) == nil || c.Rename("u0001", "U0000") == nil || c.Set("u0001", "sAMAccountName", "u0000") == nil {
		t.Error("a name was given twice")
	}
	c.must(c.AddGroup(localad.Group{Account: "g", OU: "OU=Staff"}))
	c.must(c.AddMember("g", "u0000"))
	usn := func() string {
		found, err := c.find("(sAMAccountName=g)", []string{"uSNChanged", "member"})
		c.must(err)
		return found.Entries[0].GetAttributeValue("uSNChanged") + strings.Repeat(" member", len(found.Entries[0].GetAttributeValues("member")))
	}
	before := usn()
	c.must(c.Delete("u0000"))
	if got := usn(); got+" member" != before {
		t.Errorf("the group was %q and is %q, want only the member gone", before, got)
	}
}
