package config

import (
	_ "embed" // for the manual
	"fmt"
	"unicode/utf8"
)

// The sources whose comments are the manual. Whoever does not ask for them
// does not link them.
var (
	//go:embed config.go
	configSource string
	//go:embed naming.go
	namingSource string
	//go:embed grouproles.go
	groupRolesSource string
	//go:embed ldap.go
	ldapSource string
)

// Manual is the Go source whose field comments are the manual of the
// configuration, file by file.
func Manual() []string { return []string{configSource, namingSource, groupRolesSource, ldapSource} }

// Spelling is how a text in the configuration is written.
type Spelling struct {
	Pattern string // a regular expression
	Looks   string // says what matches it, and completes "want …"
	Most    int    // characters; 0 where the pattern bounds them
}

// Check says what is wrong with a text; nil when it is written so.
func (s Spelling) Check(text string) error {
	length := utf8.RuneCountInString(text)
	switch {
	case !lazily(s.Pattern)().MatchString(text):
		return fmt.Errorf("want %s, found %q", s.Looks, text)
	case s.Most > 0 && length > s.Most:
		return fmt.Errorf("want at most %d characters, found %d", s.Most, length)
	}
	return nil
}

// Spellings are those of the values that have one, by path; [] is any place in
// a list.
func Spellings() map[string]Spelling {
	all := map[string]Spelling{}
	for path, f := range map[string]form{
		"deployment": deploymentForm, "formerly[]": deploymentForm,
		"identityCenter.region": regionForm, "identityCenter.identityStoreId": storeForm, "identityCenter.assumeRole.externalId": externalIDForm,
		"domains[].name": domainNameForm, "domains[].id": domainIDForm, "domains[].region": regionForm, "domains[].account": accountForm,
		"domains[].assumeRole.externalId": externalIDForm,
		"mapping.rules[].group":           groupForm, "mapping.rules[].groupId": groupIDForm, "mapping.table": tableForm,
		"groupRoles[].managedPolicies[]": managedPolicyForm,
		"state.table":                    tableForm, "notices.bus": busForm,
		"directory.ldap.urls[]": ldapForm, "directory.ldap.baseDN": dnForm, "directory.ldap.userOUs[]": dnForm, "directory.ldap.filter": filterForm,
		"directory.ldap.otherDomains[]": dnsForm, "directory.ldap.attributes": attributeForm,
		"directory.scim.endpoint": scimForm,
	} {
		all[path] = Spelling{Pattern: f.pattern().String(), Looks: f.looks, Most: f.most}
	}
	return all
}
