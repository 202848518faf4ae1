package localad

import (
	"fmt"
	"strings"

	"github.com/go-ldap/ldap/v3"
)

// rdn is one part of a distinguished name.
type rdn struct{ attribute, value string }

func (r rdn) same(other rdn) bool {
	return fold(r.attribute, r.value) == fold(other.attribute, other.value)
}

// fold is a relative name in the form in which names are compared.
func fold(attribute, value string) string {
	return strings.ToLower(attribute) + "=" + strings.ToLower(value)
}

// splitDN takes a distinguished name apart, the object's own part first.
func splitDN(dn string) ([]rdn, error) {
	parsed, err := ldap.ParseDN(dn)
	if err != nil {
		return nil, fmt.Errorf("%q is no distinguished name: %w", dn, err)
	}
	var parts []rdn
	for _, r := range parsed.RDNs {
		if len(r.Attributes) != 1 {
			return nil, fmt.Errorf("%q has a part of several attributes, which Active Directory has not", dn)
		}
		parts = append(parts, rdn{r.Attributes[0].Type, r.Attributes[0].Value})
	}
	return parts, nil
}

func domainDN(name string) string {
	return "DC=" + strings.ReplaceAll(name, ".", ",DC=")
}

// domainOf is the DNS name of the domain that a distinguished name lies in.
func domainOf(parts []rdn) string {
	var labels []string
	for _, p := range parts {
		if strings.EqualFold(p.attribute, "DC") {
			labels = append(labels, p.value)
		}
	}
	return strings.ToLower(strings.Join(labels, "."))
}

// escape writes a value as it stands in a distinguished name.
func escape(value string) string {
	var b strings.Builder
	for i, c := range value {
		edge := c == ' ' && (i == 0 || i == len(value)-1) || c == '#' && i == 0
		switch {
		case c < ' ':
			fmt.Fprintf(&b, `\%02X`, c)
			continue
		case edge, strings.ContainsRune(`,+"\<>;=`, c):
			b.WriteByte('\\')
		}
		b.WriteRune(c)
	}
	return b.String()
}
