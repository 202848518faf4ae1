package localcloud

import (
	"cmp"
	"slices"
)

// stamps orders what Studio lists by counters, which the times follow, so that a page can go on after a
// thing exactly.
type stamps struct {
	created uint64 // follows CreationTime
	changed uint64 // follows LastModifiedTime
}

func (s stamps) marks() stamps { return s }

// stamped is a pointer to something that stamps order.
type stamped[T any] interface {
	*T
	marks() stamps
}

// studioOrder is how a list of Studio sorts.
type studioOrder struct {
	modified, descending bool
}

func (o studioOrder) key(s stamps) uint64 {
	if o.modified {
		return s.changed
	}
	return s.created
}

// after reports whether something comes after the position; 0 is the beginning.
func (o studioOrder) after(s stamps, position uint64) bool {
	switch {
	case position == 0:
		return true
	case o.descending:
		return o.key(s) < position
	}
	return o.key(s) > position
}

func (o studioOrder) compare(a, b stamps) int {
	if o.descending {
		a, b = b, a
	}
	return cmp.Compare(o.key(a), o.key(b))
}

// orderedPage lists up to size things after a position that keep wants, and the position to go on after: 0
// when there is nothing more.
func orderedPage[T any, P stamped[T]](all *roster[T], order studioOrder, position uint64, size int, keep func(P) bool) (page []P, next uint64) {
	var found []P
	for _, row := range all.rows {
		if thing := P(row.value); order.after(thing.marks(), position) && keep(thing) {
			found = append(found, thing)
		}
	}
	if order.modified || order.descending {
		slices.SortFunc(found, func(a, b P) int { return order.compare(a.marks(), b.marks()) })
	}
	if len(found) <= size {
		return found, 0
	}
	return found[:size], order.key(found[size-1].marks())
}
