package config

import "strings"

// LDAP is an Active Directory to read.
type LDAP struct {
	// URLs of domain controllers of one domain, ldaps://host[:port]; with
	// ldap:// the connection is encrypted by StartTLS. Tried in order. Required.
	URLs []string
	// CAFile is a PEM file with the issuer of their certificates; the
	// system's issuers by default.
	CAFile string
	// Plain leaves connections to ldap:// URLs without encryption, where
	// everybody on the way can read the password and change the answers. false
	// by default.
	Plain bool
	// BaseDN is where the search starts: the domain, or an organizational unit
	// that holds everything. Required.
	BaseDN string
	// BindDN is who searches: a DN or a user principal name. Required.
	BindDN string
	// Password refers to BindDN's: ${NAME}, file:PATH or secretsmanager:ARN.
	// Required.
	Password Secret
	// UserOUs are the DNs below BaseDN that users are taken from; all by
	// default. Who is moved out of them counts as a leaver. Groups are read
	// everywhere below BaseDN, so that none within another is missed.
	UserOUs []string
	// Filter is an LDAP filter that users must match too, such as
	// (employeeType=staff). Who no longer does counts as a leaver.
	Filter string
	// OtherDomains are the domains that a search of BaseDN refers to, such as
	// child domains, and that are left out on purpose. A reference to any other
	// is an error.
	OtherDomains []string
	// Attributes say where names and addresses are.
	Attributes Attributes
	// PageSize is how many objects are asked for at a time; 1000 by default,
	// which is as many as Active Directory gives.
	PageSize int
}

// Attributes are names of attributes, of which each holds one value.
type Attributes struct {
	// UserName is the one with the name to sign in with; userPrincipalName by
	// default.
	UserName string
	// Email is the one with the e-mail address; mail by default.
	Email string
	// DisplayName is the one with the full name; displayName by default.
	DisplayName string
	// GivenName is the one with the first name; givenName by default.
	GivenName string
	// FamilyName is the one with the last name; sn by default.
	FamilyName string
	// GroupName is the one with a group's name; cn by default.
	GroupName string
}

var (
	ldapForm = spelled(`^ldaps?://[A-Za-z0-9.-]+(:[0-9]{1,5})?/?$|^ldaps?://\[[0-9a-fA-F:.]+\](:[0-9]{1,5})?/?$`,
		"ldaps://host or ldaps://host:port")
	dnForm        = spelled(`^[A-Za-z][A-Za-z0-9-]*=.`, "a DN such as OU=People,DC=corp,DC=example")
	filterForm    = spelled(`^\(.+\)$`, "an LDAP filter in parentheses, such as (employeeType=staff)")
	attributeForm = spelled(`^[A-Za-z][A-Za-z0-9-]{0,255}$`, "an attribute's LDAP name, such as mail")
	dnsForm       = spelled(`^[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)*$`, "a domain's DNS name, such as emea.corp.example")
)

func ldap(n node) LDAP {
	f := n.object()
	defer f.end()
	urls, plain, filter := f.need("urls", "the domain controllers: [ldaps://dc1.corp.example]"), f.get("plain"), f.get("filter")
	l := LDAP{
		URLs:         urls.matches(ldapForm),
		CAFile:       f.get("caFile").match(anyForm),
		Plain:        plain.truth(),
		BaseDN:       f.need("baseDN", "where the search starts, such as DC=corp,DC=example").match(dnForm),
		BindDN:       f.need("bindDN", "the account that searches").match(anyForm),
		Password:     f.need("password", "refer to it with ${NAME}, file:PATH or secretsmanager:ARN").secret(),
		UserOUs:      f.get("userOUs").matches(dnForm),
		Filter:       filter.match(filterForm),
		OtherDomains: f.get("otherDomains").matches(dnsForm),
		Attributes:   attributes(f.get("attributes")),
		PageSize:     f.get("pageSize").whole(1000, 1, 1000),
	}
	if urls.given() && urls.tree.kind == list && len(urls.tree.items) == 0 {
		urls.wrong("lists no domain controller (add one: ldaps://dc1.corp.example)")
	}
	if l.Filter != "" && !balanced(l.Filter) {
		filter.wrong("its parentheses do not match (one within a value is written \\28 or \\29)")
	}
	l.checkPlain(plain)
	return l
}

// checkPlain notes that passwords will be readable, or that the key is idle.
func (l LDAP) checkPlain(plain node) {
	if !l.Plain || len(l.URLs) == 0 {
		return
	}
	for _, url := range l.URLs {
		if strings.HasPrefix(url, "ldap://") {
			plain.warn("the password of %s crosses the network for everybody to read (remove it: ldap:// then takes StartTLS)", l.BindDN)
			return
		}
	}
	plain.wrong("no URL is ldap://, so nothing is sent in plain (remove it)")
}

// balanced reports whether every parenthesis has its other half.
func balanced(filter string) bool {
	open := 0
	for i, c := range filter {
		switch c {
		case '(':
			open++
		case ')':
			open--
		}
		if open < 0 || open == 0 && i < len(filter)-1 {
			return false
		}
	}
	return open == 0
}

func attributes(n node) Attributes {
	f := n.object()
	defer f.end()
	name := func(key, def string) string {
		if given := f.get(key).match(attributeForm); given != "" {
			return given
		}
		return def
	}
	return Attributes{
		UserName:    name("userName", "userPrincipalName"),
		Email:       name("email", "mail"),
		DisplayName: name("displayName", "displayName"),
		GivenName:   name("givenName", "givenName"),
		FamilyName:  name("familyName", "sn"),
		GroupName:   name("groupName", "cn"),
	}
}
