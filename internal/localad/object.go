package localad

import (
	"encoding/binary"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/google/uuid"
)

// class is a kind of object: its object classes, its category and what its
// relative name starts with.
type class struct {
	rdn      string
	classes  []string
	category string
}

var (
	domainClass    = class{"DC", []string{"top", "domain", "domainDNS"}, "domainDNS"}
	containerClass = class{"CN", []string{"top", "container"}, "container"}
	unitClass      = class{"OU", []string{"top", "organizationalUnit"}, "organizationalUnit"}
	userClass      = class{"CN", []string{"top", "person", "organizationalPerson", "user"}, "person"}
	groupClass     = class{"CN", []string{"top", "group"}, "group"}
	computerClass  = class{"CN", []string{"top", "person", "organizationalPerson", "user", "computer"}, "computer"}
	contactClass   = class{"CN", []string{"top", "person", "organizationalPerson", "contact"}, "person"}
	foreignClass   = class{"CN", []string{"top", "foreignSecurityPrincipal"}, "foreignSecurityPrincipal"}
)

// object is an entry of the directory.
type object struct {
	class    class
	name     string // its relative name; the domain's is its DNS name
	guid     uuid.UUID
	sid      []byte // nil for what has none
	parent   *object
	children map[string]*object // by fold
	stored   []attribute
	members  []*object
	memberOf []*object
	usn      uint64
	password string
	admin    bool
	gone     bool
}

// attribute is one with its values, as an answer holds it.
type attribute struct {
	name   string
	values []string
}

// set stores an attribute; without values it goes.
func (o *object) set(name string, values ...string) {
	o.stored = slices.DeleteFunc(o.stored, func(a attribute) bool { return strings.EqualFold(a.name, name) })
	if len(values) > 0 {
		o.stored = append(o.stored, attribute{name, values})
	}
}

// get is the one value of a stored attribute, or "".
func (o *object) get(name string) string {
	for _, a := range o.stored {
		if strings.EqualFold(a.name, name) {
			return a.values[0]
		}
	}
	return ""
}

func (o *object) key() string { return fold(o.class.rdn, o.name) }

// dn is the object's distinguished name.
func (o *object) dn() string {
	if o.parent == nil {
		return domainDN(o.name)
	}
	return o.class.rdn + "=" + escape(o.name) + "," + o.parent.dn()
}

// extended is the name with the object's identifiers before it.
func (o *object) extended() string {
	sid := ""
	if o.sid != nil {
		sid = "<SID=" + sidText(o.sid) + ">;"
	}
	return "<GUID=" + o.guid.String() + ">;" + sid + o.dn()
}

// inherent are the attributes that every object has without storing them.
var inherent = []string{"objectClass", "objectCategory", "objectGUID", "objectSid", "distinguishedName", "name", "uSNChanged", "member", "memberOf"}

// attributes are all of the object's that have values. Names within them are
// spelled by spell.
func (o *object) attributes(spell func(*object) string) []attribute {
	all := []attribute{{strings.ToLower(o.class.rdn), []string{o.name}}}
	for _, name := range inherent {
		all = append(all, o.attribute(name, spell))
	}
	all = append(all, o.stored...)
	return slices.DeleteFunc(all, func(a attribute) bool { return len(a.values) == 0 })
}

// attribute is one of the object's, without values when it has none.
func (o *object) attribute(name string, spell func(*object) string) attribute {
	for _, known := range inherent {
		if strings.EqualFold(name, known) {
			return attribute{known, o.inherent(known, spell)}
		}
	}
	if strings.EqualFold(name, o.class.rdn) {
		return attribute{name, []string{o.name}}
	}
	for _, a := range o.stored {
		if strings.EqualFold(a.name, name) {
			return a
		}
	}
	return attribute{name: name}
}

func (o *object) inherent(name string, spell func(*object) string) []string {
	switch name {
	case "objectClass":
		return o.class.classes
	case "objectCategory":
		return []string{o.category()}
	case "objectGUID":
		return []string{o.guidBytes()}
	case "distinguishedName":
		return []string{spell(o)}
	case "name":
		return []string{o.name}
	case "uSNChanged":
		return []string{strconv.FormatUint(o.usn, 10)}
	case "member":
		return names(o.members, spell)
	case "memberOf":
		return names(o.memberOf, spell)
	case "objectSid":
		if o.sid != nil {
			return []string{string(o.sid)}
		}
	}
	return nil
}

func names(objects []*object, spell func(*object) string) []string {
	all := make([]string, len(objects))
	for i, o := range objects {
		all[i] = spell(o)
	}
	return all
}

func (o *object) category() string {
	root := o
	for root.parent != nil {
		root = root.parent
	}
	return "CN=" + strings.ToUpper(o.class.category[:1]) + o.class.category[1:] + ",CN=Schema,CN=Configuration," + root.dn()
}

// guidBytes is the GUID as it is stored: its first three groups are little-endian.
func (o *object) guidBytes() string {
	b := slices.Clone(o.guid[:])
	slices.Reverse(b[0:4])
	slices.Reverse(b[4:6])
	slices.Reverse(b[6:8])
	return string(b)
}

// sidText is a SID as people write it.
func sidText(sid []byte) string {
	authority := uint64(0)
	for _, b := range sid[2:8] {
		authority = authority<<8 | uint64(b)
	}
	text := fmt.Sprintf("S-%d-%d", sid[0], authority)
	for rest := sid[8:]; len(rest) >= 4; rest = rest[4:] {
		text += fmt.Sprintf("-%d", binary.LittleEndian.Uint32(rest))
	}
	return text
}

// readSID is the SID of its text.
func readSID(text string) ([]byte, error) {
	parts := strings.Split(text, "-")
	if len(parts) < 4 || parts[0] != "S" || parts[1] != "1" {
		return nil, fmt.Errorf("%q is no SID (want S-1-5-…)", text)
	}
	var numbers []uint64
	for _, p := range parts[2:] {
		n, err := strconv.ParseUint(p, 10, 32)
		if err != nil {
			return nil, fmt.Errorf("%q is no SID: %w", text, err)
		}
		numbers = append(numbers, n)
	}
	sid := []byte{1, byte(len(numbers) - 1), 0, 0}
	sid = binary.BigEndian.AppendUint32(sid, uint32(numbers[0]))
	for _, n := range numbers[1:] {
		sid = binary.LittleEndian.AppendUint32(sid, uint32(n))
	}
	return sid, nil
}
