package ldap

import (
	"bytes"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"

	goldap "github.com/go-ldap/ldap/v3"
)

// session is a connection to one domain controller.
type session struct {
	job
	conn *goldap.Conn
	byDN map[string]string // GUIDs, by DN in the form of key
}

// extendedNames asks that names come with GUID and SID: they then mean the same
// object whatever is renamed meanwhile. The value is the sequence of the integer
// 1, which stands for text.
var extendedNames = goldap.NewControlString("1.2.840.113556.1.4.529", true, "\x30\x03\x02\x01\x01")

// search gives every object below the base that the filter matches; what says
// what they are. It is complete, or an error.
func (s session) search(what, filter string, attributes ...string) ([]*goldap.Entry, error) {
	var all []*goldap.Entry
	for cookie := []byte(nil); ; {
		found, next, err := s.page(filter, attributes, cookie)
		if err != nil {
			return nil, fmt.Errorf("searching %s for %s, after %d of them: %w", s.BaseDN, what, len(all), err)
		}
		if len(found) == 0 && len(next) > 0 && bytes.Equal(next, cookie) {
			return nil, fmt.Errorf("searching %s for %s: the controller gives the same empty page again and again", s.BaseDN, what)
		}
		all, cookie = append(all, found...), next
		if len(cookie) == 0 {
			break
		}
	}
	if len(all) == 0 {
		return nil, final{fmt.Errorf("searching %s: there are no %s that match %s and may be seen (look at directory.ldap.baseDN and filter, and at what %s may read)",
			s.BaseDN, what, filter, s.BindDN)}
	}
	return all, nil
}

// page is the part of a search that a cookie stands for, and the next cookie,
// empty after the last.
func (s session) page(filter string, attributes []string, cookie []byte) ([]*goldap.Entry, []byte, error) {
	paging := goldap.NewControlPaging(uint32(s.PageSize))
	paging.SetCookie(cookie)
	found, err := s.conn.Search(goldap.NewSearchRequest(s.BaseDN, goldap.ScopeWholeSubtree, goldap.NeverDerefAliases, 0, 0, false,
		filter, attributes, []goldap.Control{paging, extendedNames}))
	if err != nil {
		return nil, nil, s.explain(err)
	}
	if err := s.referred(found.Referrals); err != nil {
		return nil, nil, err
	}
	answer, ok := goldap.FindControl(found.Controls, goldap.ControlTypePaging).(*goldap.ControlPaging)
	if !ok {
		return nil, nil, errors.New("the controller does not say whether there is more (is it an Active Directory domain controller?)")
	}
	return found.Entries, answer.Cookie, nil
}

// object reads attributes of one object; the base is its DN, or <GUID=…>.
func (s session) object(base string, attributes ...string) (*goldap.Entry, error) {
	found, err := s.conn.Search(goldap.NewSearchRequest(base, goldap.ScopeBaseObject, goldap.NeverDerefAliases, 0, 0, false,
		"(objectClass=*)", attributes, []goldap.Control{extendedNames}))
	switch {
	case goldap.IsErrorWithCode(err, goldap.LDAPResultNoSuchObject):
		return nil, fmt.Errorf("reading %s: it is not there any more (run it again)", base)
	case goldap.IsErrorWithCode(err, goldap.LDAPResultReferral):
		return nil, fmt.Errorf("reading %s: it lies in another domain: %w", base, err)
	case err != nil:
		return nil, fmt.Errorf("reading %s: %w", base, s.explain(err))
	case len(found.Entries) != 1:
		return nil, fmt.Errorf("reading %s: want one object, got %d", base, len(found.Entries))
	}
	return found.Entries[0], nil
}

// referred is an error when a search was referred to a domain that is not left
// out on purpose: what it holds was not read.
func (s session) referred(urls []string) error {
	for _, u := range urls {
		domain, people := referredDomain(u)
		left := slices.ContainsFunc(s.OtherDomains, func(d string) bool { return strings.EqualFold(d, domain) })
		if people && !left {
			return final{fmt.Errorf("what lies below %s is in part in the domain %s, to which the controller refers (%s): "+
				"name it in directory.ldap.otherDomains to leave it out, or choose a narrower baseDN", s.BaseDN, domain, u)}
		}
	}
	return nil
}

// referredDomain is the DNS name of the domain that a referral leads to. people
// is false for the partitions to which every search of a whole domain is
// referred: they hold the zones of DNS and the forest's configuration.
func referredDomain(referral string) (domain string, people bool) {
	u, err := url.Parse(referral)
	if err != nil {
		return referral, true
	}
	dn, err := goldap.ParseDN(strings.TrimPrefix(u.Path, "/"))
	if err != nil || len(dn.RDNs) == 0 {
		return u.Hostname(), true
	}
	var labels []string
	for _, r := range dn.RDNs {
		if part := r.Attributes[0]; strings.EqualFold(part.Type, "DC") {
			labels = append(labels, part.Value)
		}
	}
	first := dn.RDNs[0].Attributes[0]
	switch strings.ToLower(first.Type + "=" + first.Value) {
	case "dc=forestdnszones", "dc=domaindnszones", "cn=configuration":
		return strings.Join(labels, "."), false
	}
	return strings.Join(labels, "."), true
}
