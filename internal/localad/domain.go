// Package localad is an Active Directory domain in one process, as far as users
// and groups need it: a Domain holds them as Go values, and each of its
// Controllers answers LDAP for it on the loopback address. It is as strict as
// Windows where that matters: no anonymous search, 1,000 entries an answer,
// 1,500 values of an attribute a part, members without those whose primary group
// it is. It knows Active Directory and nothing of the program that is tried out
// on it.
package localad

import (
	"crypto/rand"
	"encoding/binary"
	"fmt"
	"slices"
	"strings"
	"sync"

	"github.com/google/uuid"
)

// Domain is what its controllers serve. All methods may be called from several
// goroutines, while controllers serve.
//
// Where a method takes the name of an object, that is its sAMAccountName or its
// distinguished name.
type Domain struct {
	name string // corp.example
	sid  []byte
	ca   *authority

	mu       sync.Mutex
	root     *object
	byGUID   map[uuid.UUID]*object
	byName   map[string]*object // by sAMAccountName in small letters
	children []string           // DNS names of domains below this one
	rid      uint32             // of the next object with a SID
	usn      uint64
}

// The relative identifiers that every domain has.
const (
	ridAdmins    = 512
	ridUsers     = 513
	ridComputers = 515
	ridFirst     = 1103
)

// New makes a domain of that DNS name, with the containers and groups that every
// domain has and no people.
func New(name string) (*Domain, error) {
	ca, err := newAuthority(name)
	if err != nil {
		return nil, fmt.Errorf("making an issuer of certificates for %s: %w", name, err)
	}
	d := &Domain{
		name: strings.ToLower(name), ca: ca, sid: domainSID(), rid: ridFirst,
		byGUID: map[uuid.UUID]*object{}, byName: map[string]*object{},
	}
	d.root = d.place(&object{class: domainClass, name: d.name}, nil)
	for _, container := range []string{"Users", "Computers", "ForeignSecurityPrincipals"} {
		d.place(&object{class: containerClass, name: container}, d.root)
	}
	for rid, group := range map[uint32]string{ridAdmins: "Domain Admins", ridUsers: "Domain Users", ridComputers: "Domain Computers"} {
		o := &object{class: groupClass, name: group, sid: d.sidOf(rid)}
		o.set("sAMAccountName", group)
		o.set("groupType", globalGroup)
		d.byName[strings.ToLower(group)] = d.place(o, d.root.children[fold("CN", "Users")])
	}
	return d, nil
}

// BaseDN is the domain's distinguished name.
func (d *Domain) BaseDN() string { return domainDN(d.name) }

// CA is the PEM text of the certificate that issued the controllers' own.
func (d *Domain) CA() []byte { return d.ca.pem }

// AddChildDomain tells of a domain below this one, such as emea for
// emea.corp.example: a search of the whole domain then refers to it.
func (d *Domain) AddChildDomain(name string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.children = append(d.children, strings.ToLower(name)+"."+d.name)
}

// AddOU makes an organizational unit and those above it that are missing, and
// gives its distinguished name. path is relative to the domain: OU=Ops,OU=Staff.
func (d *Domain) AddOU(path string) (string, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	ou, err := d.container(path)
	if err != nil {
		return "", err
	}
	return ou.dn(), nil
}

// GUID is an object's objectGUID in its string form, "" when there is no such object.
func (d *Domain) GUID(name string) string {
	d.mu.Lock()
	defer d.mu.Unlock()
	if o := d.find(name); o != nil {
		return o.guid.String()
	}
	return ""
}

// DN is an object's distinguished name, "" when there is no such object.
func (d *Domain) DN(name string) string {
	d.mu.Lock()
	defer d.mu.Unlock()
	if o := d.find(name); o != nil {
		return o.dn()
	}
	return ""
}

// container is the object at a path below the domain, whose missing units are made.
func (d *Domain) container(path string) (*object, error) {
	parts, err := splitDN(path)
	if err != nil {
		return nil, fmt.Errorf("finding the container %q: %w", path, err)
	}
	at := d.root
	for _, part := range slices.Backward(parts) {
		next := at.children[fold(part.attribute, part.value)]
		if next == nil {
			if !strings.EqualFold(part.attribute, "OU") {
				return nil, fmt.Errorf("finding the container %q: there is no %s=%s below %s", path, part.attribute, part.value, at.dn())
			}
			next = d.place(&object{class: unitClass, name: part.value}, at)
		}
		at = next
	}
	return at, nil
}

// place puts a new object below another and numbers it.
func (d *Domain) place(o, parent *object) *object {
	o.guid, o.parent, o.children = uuid.New(), parent, map[string]*object{}
	d.byGUID[o.guid] = o
	if parent != nil {
		parent.children[o.key()] = o
	}
	d.touch(o)
	return o
}

// touch gives the object the next update sequence number.
func (d *Domain) touch(o *object) {
	d.usn++
	o.usn = d.usn
}

// find is the object of that account name or distinguished name, or nil.
func (d *Domain) find(name string) *object {
	if o := d.byName[strings.ToLower(name)]; o != nil {
		return o
	}
	o, _ := d.at(name)
	return o
}

// at is the object of a distinguished name and the nearest above it that there
// is; both are nil for what is no name in this domain.
func (d *Domain) at(dn string) (found, nearest *object) {
	parts, err := splitDN(dn)
	domain, _ := splitDN(d.BaseDN())
	if err != nil || len(parts) < len(domain) {
		return nil, nil
	}
	own, below := parts[len(parts)-len(domain):], parts[:len(parts)-len(domain)]
	if !slices.EqualFunc(own, domain, rdn.same) {
		return nil, nil
	}
	nearest = d.root
	for _, part := range slices.Backward(below) {
		next := nearest.children[fold(part.attribute, part.value)]
		if next == nil {
			return nil, nearest
		}
		nearest = next
	}
	return nearest, nearest
}

func (d *Domain) sidOf(rid uint32) []byte {
	return binary.LittleEndian.AppendUint32(slices.Concat([]byte{1, 5}, d.sid[2:]), rid)
}

// domainSID is S-1-5-21 and three numbers that no other domain has.
func domainSID() []byte {
	sid := []byte{1, 4, 0, 0, 0, 0, 0, 5, 21, 0, 0, 0}
	own := make([]byte, 12)
	rand.Read(own)
	return append(sid, own...)
}
