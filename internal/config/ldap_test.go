package config

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestADirectoryIsReadAsActiveDirectoryNamesThings(t *testing.T) {
	c := parse(t, strings.Replace(withDirectory, "PASSWORD}", "file:pw}", 1)).Directory.LDAP
	want := LDAP{
		URLs: []string{"ldaps://dc1.corp.example"}, BaseDN: "DC=corp,DC=example", BindDN: "svc@corp.example", Password: Secret{SecretInFile, "pw"}, PageSize: 1000,
		Attributes: Attributes{UserName: "userPrincipalName", Email: "mail", DisplayName: "displayName", GivenName: "givenName", FamilyName: "sn", GroupName: "cn"},
	}
	if diff := cmp.Diff(want, c, cmp.AllowUnexported(Secret{})); diff != "" {
		t.Errorf("want -, got +:\n%s", diff)
	}
}

func TestPlainLDAPIsWarnedOf(t *testing.T) {
	text := strings.Replace(withDirectory, "PASSWORD}", "file:pw, plain: true}", 1)
	c := parse(t, strings.Replace(text, `["ldaps://dc1.corp.example"]`, `["ldaps://dc1.corp.example", "ldap://dc2.corp.example"]`, 1))
	found := false
	for _, w := range c.Warnings {
		found = found || strings.Contains(w, "directory.ldap.plain: the password of svc@corp.example crosses the network for everybody to read")
	}
	if !found || !c.Directory.LDAP.Plain {
		t.Errorf("plain is %v, the warnings are %q", c.Directory.LDAP.Plain, c.Warnings)
	}
}
