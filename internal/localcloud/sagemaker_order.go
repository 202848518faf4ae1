package localcloud

import "time"

// stamps orders what Studio lists by counters, which the times follow, so that a page can go on after a
// thing exactly.
type stamps struct {
	created uint64 // follows CreationTime
	changed uint64 // follows LastModifiedTime; 0: not listed by it
}

func (s stamps) marks() stamps { return s }

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

// agenda is what is to be looked at when its time has come, in nanoseconds since 1970.
type agenda = ordered[int64, []func(now time.Time)]

// await has something looked at by the first call after a time. What happens meanwhile may have made the
// look pointless, so a look checks what it finds.
func (p *studioPlace) await(at time.Time, look func(now time.Time)) {
	looks, _ := p.agenda.get(at.UnixNano())
	p.agenda.set(at.UnixNano(), append(looks, look))
}

// reap ends all states whose time is over and removes what is then gone.
func (p *studioPlace) reap(now time.Time) {
	for p.agenda.count > 0 {
		first := p.agenda.blocks[0][0]
		if first.key > now.UnixNano() {
			return
		}
		p.agenda.remove(first.key)
		for _, look := range first.value {
			look(now)
		}
	}
}
