package localcloud

import (
	"iter"
	"strings"
)

// shelf keeps one kind of Studio's things by id, and in every order and selection that Studio lists them in,
// so that a page costs no more than a page.
type shelf[T any, P shelved[T]] struct {
	byID    map[string]P
	all     shelfOrder[P]
	domains map[string]*shelfOrder[P]
	owners  map[string]*ordered[uint64, P]  // by creation
	parts   map[[3]byte]*ordered[uint64, P] // by creation, under every three letters of a name
}

// shelfOrder is things by creation and by their last change; those that are not listed by change, apps, have
// no place in the latter.
type shelfOrder[P any] struct {
	created, changed ordered[uint64, P]
}

// shelved is a pointer to something on a shelf.
type shelved[T any] interface {
	*T
	marks() stamps
	// label tells what a thing is found by: its domain, whom it belongs to, and its name in lower case. The
	// latter two may be empty.
	label() (domain, owner, name string)
}

func (s *shelf[T, P]) len() int { return s.all.created.count }

func (s *shelf[T, P]) get(id string) P { return s.byID[id] }

// add puts a thing on the shelf. Its label must not change any more.
func (s *shelf[T, P]) add(id string, thing P) {
	if s.byID == nil {
		s.byID, s.domains = map[string]P{}, map[string]*shelfOrder[P]{}
	}
	s.byID[id] = thing
	domain, owner, name := thing.label()
	if s.domains[domain] == nil {
		s.domains[domain] = &shelfOrder[P]{}
	}
	at := thing.marks()
	for _, order := range []*shelfOrder[P]{&s.all, s.domains[domain]} {
		order.created.set(at.created, thing)
		order.change(thing, 0, at.changed)
	}
	if owner != "" {
		list(&s.owners, owner).set(at.created, thing)
	}
	for i := range max(0, len(name)-2) {
		list(&s.parts, [3]byte([]byte(name[i:i+3]))).set(at.created, thing)
	}
}

// remove takes a thing off the shelf.
func (s *shelf[T, P]) remove(id string) {
	thing := s.byID[id]
	if thing == nil {
		return
	}
	delete(s.byID, id)
	domain, owner, name := thing.label()
	at := thing.marks()
	for _, order := range []*shelfOrder[P]{&s.all, s.domains[domain]} {
		order.created.remove(at.created)
		order.change(thing, at.changed, 0)
	}
	unlist(s.owners, owner, at.created)
	for i := range max(0, len(name)-2) {
		unlist(s.parts, [3]byte([]byte(name[i:i+3])), at.created)
	}
}

// changed moves a thing to the end of what is ordered by change; was is its mark before. A thing that is not
// yet on the shelf stays off.
func (s *shelf[T, P]) changed(thing P, was uint64) {
	if was == 0 {
		return
	}
	domain, _, _ := thing.label()
	s.all.change(thing, was, thing.marks().changed)
	s.domains[domain].change(thing, was, thing.marks().changed)
}

func (o *shelfOrder[P]) change(thing P, was, is uint64) {
	if was != 0 {
		o.changed.remove(was)
	}
	if is != 0 {
		o.changed.set(is, thing)
	}
}

// in is how many things a domain has.
func (s *shelf[T, P]) in(domain string) int {
	if s.domains[domain] == nil {
		return 0
	}
	return s.domains[domain].created.count
}

// of runs over the things in a domain that belong to an owner.
func (s *shelf[T, P]) of(domain, owner string) iter.Seq[P] {
	return func(yield func(P) bool) {
		for _, thing := range values(s.owners[owner]) {
			if at, _, _ := thing.label(); at == domain && !yield(thing) {
				return
			}
		}
	}
}

// shelfQuery is what a list asks for; what is empty asks for everything.
type shelfQuery struct {
	domain   *string
	owners   []string // whose things; nil: everybody's
	part     string   // of the name, in lower case
	order    studioOrder
	position uint64 // where to go on after; 0 is the beginning
	size     int
}

// page lists up to size things, and the position to go on after: 0 when there is nothing more.
func (s *shelf[T, P]) page(q shelfQuery) (page []P, next uint64) {
	for _, thing := range s.run(q) {
		if !q.wants(thing.label()) {
			continue
		}
		if len(page) == q.size {
			return page, q.order.key(page[q.size-1].marks())
		}
		page = append(page, thing)
	}
	return page, 0
}

func (q shelfQuery) wants(domain, owner, name string) bool {
	if q.domain != nil && domain != *q.domain || !strings.Contains(name, q.part) {
		return false
	}
	for _, o := range q.owners {
		if o == owner {
			return true
		}
	}
	return q.owners == nil
}

// run goes over the things that a list may want, from its position on.
func (s *shelf[T, P]) run(q shelfQuery) iter.Seq2[uint64, P] {
	whole := &s.all
	if q.domain != nil {
		if whole = s.domains[*q.domain]; whole == nil {
			whole = &shelfOrder[P]{}
		}
	}
	rows := s.shortest(q, &whole.created)
	if q.order.modified {
		if rows == &whole.created {
			rows = &whole.changed
		} else {
			rows = byChange(q, rows)
		}
	}
	if q.order.descending {
		return rows.back(1, q.position)
	}
	return rows.from(q.position+1, 0)
}

// shortest is the shortest of the lists that hold everything a query wants.
func (s *shelf[T, P]) shortest(q shelfQuery, whole *ordered[uint64, P]) *ordered[uint64, P] {
	shortest := whole
	consider := func(l *ordered[uint64, P]) {
		if l == nil {
			l = &ordered[uint64, P]{}
		}
		if l.count < shortest.count {
			shortest = l
		}
	}
	if len(q.owners) == 1 {
		consider(s.owners[q.owners[0]])
	}
	for i := range max(0, len(q.part)-2) {
		consider(s.parts[[3]byte([]byte(q.part[i:i+3]))])
	}
	return shortest
}

// byChange orders what a query wants of a list by the last change.
func byChange[T any, P shelved[T]](q shelfQuery, rows *ordered[uint64, P]) *ordered[uint64, P] {
	sorted := &ordered[uint64, P]{}
	for _, thing := range rows.from(0, 0) {
		if q.wants(thing.label()) {
			sorted.set(thing.marks().changed, thing)
		}
	}
	return sorted
}
