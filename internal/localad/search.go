package localad

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	ber "github.com/go-asn1-ber/asn1-ber"
	"github.com/google/uuid"
)

// maxEntries is how many entries Windows gives at once, paged or not.
const maxEntries = 1000

// query is a search that was asked for.
type query struct {
	base       string
	scope      int64
	filter     filter
	attributes []string
	size       int
	paged      bool
	cookie     string
	spell      func(*object) string // how names are written
	refer      bool                 // references to other domains are wanted
}

// The scopes of a search.
const (
	baseScope = iota
	oneScope
	treeScope
)

// listing is a paged search that goes on, and what is left of it.
type listing struct {
	objects    []*object
	references []string
}

func (s *session) search(r request) bool {
	q, bad := s.controller.domain.query(r)
	f := s.controller.fault(q.ops()...)
	if bad.code == success && s.bound == nil && (q.base != "" || q.scope != baseScope) {
		bad = result{code: operationsError, message: "000004DC: LdapErr: DSID-0C090A5C, comment: In order to perform this operation a successful bind must be completed on the connection., data 0, v3839"}
	}
	if bad.code != success {
		return s.send(message(r.id, searchDone, bad.bytes()))
	}
	page, done, cookie := s.page(q)
	if !s.send(page.bytes(r.id, f)) {
		return false
	}
	if ended, goOn := s.wrong(f, r, searchDone); ended {
		return goOn
	}
	return s.send(message(r.id, searchDone, done.bytes(), paging(q, cookie)...))
}

// ops are the operations that a search is, for faults.
func (q query) ops() []Op {
	if strings.Contains(strings.ToLower(strings.Join(q.attributes, " ")), ";range=") {
		return []Op{Search, Part}
	}
	return []Op{Search}
}

// bytes are the page's entries and references, as a fault leaves them.
func (p page) bytes(id int64, f *Fault) []byte {
	if f != nil && (f.Drop || f.Hang || f.Code != 0) {
		p.entries, p.references = p.entries[:min(f.Entries, len(p.entries))], nil
	} else if f != nil {
		p.references = append(slices.Clip(p.references), f.Refer...)
	}
	var out []byte
	for i, a := range p.entries {
		out = append(out, message(id, searchEntry, entryBytes(p.names[i], f.spoil(a)))...)
	}
	for _, url := range p.references {
		out = append(out, message(id, searchReference, octetString(url))...)
	}
	return out
}

// paging is the answer's control, in a paged search.
func paging(q query, cookie string) [][]byte {
	if !q.paged {
		return nil
	}
	value := tlv(sequenceTag, number(integerTag, 0), octetString(cookie))
	return [][]byte{tlv(sequenceTag, octetString(pagingOID), tlv(octetsTag, value))}
}

// query reads a search request.
func (d *Domain) query(r request) (query, result) {
	parts := r.op.Children
	if len(parts) != 8 {
		return query{}, result{code: protocolError, message: "a search has eight parts"}
	}
	q := query{base: string(octets(parts[0])), scope: whole(parts[1]), size: maxEntries, spell: (*object).dn, refer: true}
	if limit := int(whole(parts[3])); limit > 0 {
		q.size = min(q.size, limit)
	}
	var err error
	if q.filter, err = d.compile(parts[6]); err != nil {
		return q, result{code: protocolError, message: err.Error()}
	}
	for _, a := range parts[7].Children {
		q.attributes = append(q.attributes, string(octets(a)))
	}
	return q, q.extend(r.controls)
}

// extend takes what controls ask for.
func (q *query) extend(controls map[string]control) result {
	for oid, c := range controls {
		value := ber.DecodePacket(c.value)
		switch {
		case oid == pagingOID && value != nil && len(value.Children) == 2:
			q.paged, q.cookie = true, string(octets(value.Children[1]))
			q.size = min(q.size, int(whole(value.Children[0])))
		case oid == extendedOID && value != nil && len(value.Children) == 1 && whole(value.Children[0]) == 1:
			q.spell = (*object).extended
		case oid == domainScope:
			q.refer = false
		case c.critical:
			return result{code: unknownCritical, message: "00002040: SvcErr: the control " + oid + " is not known, or its value is not"}
		}
	}
	return result{}
}

// page is one answer's part of a search.
type page struct {
	names      []string
	entries    [][]attribute
	references []string
}

// page gives the next entries of a search, how it ends, and the cookie to go on with.
func (s *session) page(q query) (page, result, string) {
	d := s.controller.domain
	d.mu.Lock()
	defer d.mu.Unlock()
	if q.base == "" && q.scope == baseScope {
		return page{names: []string{""}, entries: [][]attribute{d.rootDSE()}}, result{}, ""
	}
	list, bad := s.listing(q)
	if bad.code != success {
		return page{}, bad, ""
	}
	var p page
	if q.paged && q.size == 0 {
		return p, result{}, "" // the client wants no more of it
	}
	for len(list.objects) > 0 && (len(p.entries) < q.size || !q.paged) {
		o := list.objects[0]
		if o.gone || !q.filter(o) {
			list.objects = list.objects[1:]
			continue
		}
		if len(p.entries) == q.size {
			return p, result{code: sizeLimitExceeded, message: "size limit exceeded"}, ""
		}
		list.objects = list.objects[1:]
		p.names, p.entries = append(p.names, q.spell(o)), append(p.entries, selected(o, q))
	}
	if len(list.objects) > 0 {
		s.cookies++
		cookie := "page " + strconv.Itoa(s.cookies)
		s.listings[cookie] = list
		return p, result{}, cookie
	}
	p.references = list.references
	return p, result{}, ""
}

// listing is what a search goes over: a new one, or the one that its cookie
// stands for, which only works on the connection that it was given to.
func (s *session) listing(q query) (*listing, result) {
	if q.cookie != "" {
		list := s.listings[q.cookie]
		if list == nil {
			return nil, result{code: unwilling, message: "00000057: LdapErr: DSID-0C090B0E, comment: Error processing control, data 0, v3839"}
		}
		delete(s.listings, q.cookie)
		return list, result{}
	}
	d := s.controller.domain
	base, bad := d.base(q.base)
	if bad.code != success {
		return nil, bad
	}
	list := &listing{objects: below(base, q.scope)}
	if base == d.root && q.scope == treeScope && q.refer {
		list.references = d.references()
	}
	return list, result{}
}

// base is the object that a search starts at. Other domains' names are referred
// to where they would be.
func (d *Domain) base(name string) (*object, result) {
	if id, ok := strings.CutPrefix(strings.ToUpper(name), "<GUID="); ok {
		guid, err := uuid.Parse(strings.TrimSuffix(id, ">"))
		if o := d.byGUID[guid]; err == nil && o != nil {
			return o, result{}
		}
		return nil, result{code: noSuchObject, message: "0000208D: NameErr: DSID-0310028C, problem 2001 (NO_OBJECT), data 0"}
	}
	parts, err := splitDN(name)
	if err != nil {
		return nil, result{code: invalidDN, message: err.Error()}
	}
	found, nearest := d.at(name)
	if nearest == nil {
		other := domainOf(parts)
		return nil, result{code: referral, message: "0000202B: RefErr: DSID-0310084A, data 0, 1 access points\n\tref 1: '" + other + "'\n",
			refer: []string{"ldap://" + other + "/" + name}}
	}
	if found == nil {
		return nil, result{code: noSuchObject, matched: nearest.dn(), message: "0000208D: NameErr: DSID-0310028C, problem 2001 (NO_OBJECT), data 0, best match of:\n\t'" + nearest.dn() + "'\n"}
	}
	return found, result{}
}

// references are those that Windows gives of a whole domain: to partitions that
// hold no people, and to the domains below.
func (d *Domain) references() []string {
	urls := []string{
		"ldap://ForestDnsZones." + d.name + "/DC=ForestDnsZones," + d.BaseDN(),
		"ldap://DomainDnsZones." + d.name + "/DC=DomainDnsZones," + d.BaseDN(),
		"ldap://" + d.name + "/CN=Configuration," + d.BaseDN(),
	}
	for _, child := range d.children {
		urls = append(urls, "ldap://"+child+"/"+domainDN(child))
	}
	return urls
}

func (d *Domain) rootDSE() []attribute {
	return []attribute{
		{"defaultNamingContext", []string{d.BaseDN()}}, {"rootDomainNamingContext", []string{d.BaseDN()}}, {"namingContexts", []string{d.BaseDN()}},
		{"dnsHostName", []string{"localhost"}}, {"supportedLDAPVersion", []string{"3"}},
		{"supportedControl", []string{pagingOID, extendedOID, domainScope}}, {"supportedExtension", []string{startTLSName}},
	}
}

// below are the objects in scope, in the order in which their names sort.
func below(base *object, scope int64) []*object {
	if scope == baseScope {
		return []*object{base}
	}
	var all []*object
	if scope == treeScope {
		all = append(all, base)
	}
	for _, key := range slices.Sorted(maps.Keys(base.children)) {
		if scope == oneScope {
			all = append(all, base.children[key])
		} else {
			all = append(all, below(base.children[key], scope)...)
		}
	}
	return all
}

// selected are the attributes of an entry that were asked for.
func selected(o *object, q query) []attribute {
	if len(q.attributes) == 0 || len(q.attributes) == 1 && q.attributes[0] == "*" {
		return parts(o.attributes(q.spell))
	}
	var all []attribute
	for _, asked := range q.attributes {
		name, option, _ := strings.Cut(asked, ";")
		a := o.attribute(name, q.spell)
		if len(a.values) == 0 {
			continue
		}
		if option == "" {
			all = append(all, parts([]attribute{a})...)
		} else if part, ok := ranged(a, option); ok {
			all = append(all, part)
		}
	}
	return all
}

// maxValues is how many values of an attribute Windows gives at once.
const maxValues = 1500

// parts gives attributes of too many values in their first part; the attribute
// itself then comes without values.
func parts(list []attribute) []attribute {
	var all []attribute
	for _, a := range list {
		if len(a.values) <= maxValues {
			all = append(all, a)
			continue
		}
		first, _ := ranged(a, "range=0-*")
		all = append(all, attribute{name: a.name}, first)
	}
	return all
}

// ranged is a part of an attribute, by an option such as range=1500-*.
func ranged(a attribute, option string) (attribute, bool) {
	var from, to int
	bounds, ok := strings.CutPrefix(strings.ToLower(option), "range=")
	if n, _ := fmt.Sscanf(bounds, "%d-%d", &from, &to); !ok || n == 0 || from >= len(a.values) {
		return attribute{}, false
	} else if n == 1 {
		to = len(a.values) - 1
	}
	to = min(to, from+maxValues-1)
	if to >= len(a.values)-1 {
		return attribute{fmt.Sprintf("%s;range=%d-*", a.name, from), a.values[from:]}, true
	}
	return attribute{fmt.Sprintf("%s;range=%d-%d", a.name, from, to), a.values[from : to+1]}, true
}

// spoil is an entry as a fault has it.
func (f *Fault) spoil(entry []attribute) []attribute {
	if f == nil {
		return entry
	}
	var out []attribute
	for _, a := range entry {
		name, option, part := strings.Cut(a.name, ";")
		if slices.Contains(f.Hides, name) {
			continue
		}
		if part && f.Option != "" {
			option = "range=" + f.Option
		}
		if part {
			from := min(f.Moved, len(a.values))
			a = attribute{name + ";" + option, a.values[from:max(from, len(a.values)-f.Lacks)]}
		}
		if f.Bare && strings.EqualFold(name, "member") {
			a.values = bare(a.values)
		}
		out = append(out, a)
	}
	return out
}

// bare are names without the identifiers before them.
func bare(names []string) []string {
	out := make([]string, len(names))
	for i, n := range names {
		parts := strings.Split(n, ">;")
		out[i] = parts[len(parts)-1]
	}
	return out
}
