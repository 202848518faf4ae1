package ldap

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"regexp"
	"sync"

	goldap "github.com/go-ldap/ldap/v3"
)

// final is what every domain controller would say: the next is not asked.
type final struct{ error }

func (f final) Unwrap() error { return f.error }

// explain adds to a controller's error what to do about it.
func (s session) explain(err error) error {
	failure, ok := errors.AsType[*goldap.Error](err)
	if !ok || failure.ResultCode == goldap.ErrorNetwork {
		return fmt.Errorf("the connection ended, or the answer did not come in %s; nothing of it is used: %w (run it again, and look at the controller's load)", s.timeout, err)
	}
	switch failure.ResultCode {
	case goldap.LDAPResultNoSuchObject:
		return final{fmt.Errorf("directory.ldap.baseDN %s is not there: %w (correct it; %s must be able to see it)", s.BaseDN, err, s.BindDN)}
	case goldap.LDAPResultReferral:
		return final{s.elsewhere(failure)}
	case goldap.LDAPResultInvalidDNSyntax:
		return final{fmt.Errorf("%w (correct directory.ldap.baseDN)", err)}
	case goldap.LDAPResultStrongAuthRequired, goldap.LDAPResultConfidentialityRequired:
		return fmt.Errorf("%w (the controller takes no password on a plain connection: use ldaps://, or leave out directory.ldap.plain)", err)
	case goldap.LDAPResultSizeLimitExceeded, goldap.LDAPResultAdminLimitExceeded, goldap.LDAPResultTimeLimitExceeded:
		return fmt.Errorf("%w (the controller gives less at a time: lower directory.ldap.pageSize)", err)
	case goldap.LDAPResultUnavailableCriticalExtension:
		return fmt.Errorf("%w (is it an Active Directory domain controller?)", err)
	case goldap.LDAPResultBusy, goldap.LDAPResultUnavailable, goldap.LDAPResultUnwillingToPerform:
		return fmt.Errorf("%w (the controller cannot answer now: run it again, or list another in directory.ldap.urls)", err)
	case goldap.LDAPResultInsufficientAccessRights:
		return fmt.Errorf("%w (let %s read what lies below %s)", err, s.BindDN, s.BaseDN)
	}
	return err
}

// elsewhere says in which domain the base lies.
func (s session) elsewhere(failure *goldap.Error) error {
	domain := "another domain"
	for _, part := range failure.Packet.Children[1].Children {
		const referral = 3
		if part.Tag == referral && len(part.Children) > 0 {
			url, _ := part.Children[0].Value.(string)
			if url == "" {
				url = part.Children[0].Data.String()
			}
			name, _ := referredDomain(url)
			domain = "the domain " + name
		}
	}
	return fmt.Errorf("directory.ldap.baseDN %s lies in %s, to which the controller refers (correct it, or list that domain's controllers in directory.ldap.urls): %w",
		s.BaseDN, domain, failure)
}

// certificateRemedy is what helps against a failed handshake.
func (j job) certificateRemedy(err error) string {
	issuer := "the system's issuers"
	if j.CAFile != "" {
		issuer = "directory.ldap.caFile " + j.CAFile
	}
	if _, ok := errors.AsType[x509.UnknownAuthorityError](err); ok {
		return "the controller's certificate is not issued by " + issuer + ": name the file with its issuer's certificate"
	}
	if _, ok := errors.AsType[x509.HostnameError](err); ok {
		return "use the name in the certificate in directory.ldap.urls, or give the controller a certificate with that name as subject alternative name"
	}
	if invalid, ok := errors.AsType[x509.CertificateInvalidError](err); ok && invalid.Reason == x509.Expired {
		return "renew the controller's certificate, and compare the clocks"
	}
	if _, ok := errors.AsType[tls.RecordHeaderError](err); ok {
		return "the port speaks no TLS: ldaps:// is usually port 636"
	}
	return "has the controller a certificate for LDAP, issued by " + issuer + "?"
}

// windowsCode is where a failed bind says why.
var windowsCode = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`data ([0-9a-f]+), `) })

// signInRemedy is what helps against a refused password.
func signInRemedy(err error) string {
	remedies := map[string]string{
		"525": "there is no such account: correct directory.ldap.bindDN",
		"52e": "the password is wrong, or there is no such account: correct directory.ldap.bindDN and what directory.ldap.password refers to",
		"530": "the account may not sign in at this time: change its logon hours",
		"531": "the account may not sign in from this machine: change its workstations",
		"532": "its password has expired: set a new one",
		"533": "the account is disabled: enable it",
		"701": "the account has expired: change its date",
		"773": "the password must be changed first: set one that need not be",
		"775": "the account is locked: unlock it, and find out who tries wrong passwords",
	}
	if m := windowsCode().FindStringSubmatch(err.Error()); m != nil && remedies[m[1]] != "" {
		return remedies[m[1]]
	}
	return remedies["52e"]
}
