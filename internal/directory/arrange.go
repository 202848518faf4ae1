package directory

import "slices"

// holders knows who holds what only one may hold: user names and e-mail
// addresses, or group names. Keys are folded: upper and lower case are the same.
type holders map[string][]string

func (h holders) add(key, id string) {
	if key != "" {
		h[key] = append(h[key], id)
	}
}

// move is somebody who gives up some keys and takes others, place by place: groups
// have one only. An empty key is none.
type move struct {
	id       string
	from, to [2]string
	refused  [2]string // by place: who holds the key and keeps it; "" where it can be had
}

// keeps is true if the mover holds the key when all is done.
func (m *move) keeps(key string) bool { return key == m.to[0] || key == m.to[1] }

// settle finds the keys that cannot be had, because their holders keep them.
// Who is refused one keeps what they have, so that others may be refused it. The
// movers come back by their ids.
func (h holders) settle(moves []*move) map[string]*move {
	by := make(map[string]*move, len(moves))
	for _, m := range moves {
		by[m.id] = m
	}
	for again := true; again; {
		again = false
		for _, m := range moves {
			for i, key := range m.to {
				if holder := h.keeper(by, key, m.id); key != m.from[i] && holder != "" {
					m.to[i], m.refused[i], again = m.from[i], holder, true
				}
			}
		}
	}
	return by
}

// keeper is who holds a key and will not give it up, or "".
func (h holders) keeper(by map[string]*move, key, except string) string {
	for _, id := range h[key] {
		if m := by[id]; id != except && (m == nil || m.keeps(key)) {
			return id
		}
	}
	return ""
}

// step is a turn of one mover.
type step struct {
	move *move
	// interim is the place whose key is given up for a name that nobody else
	// has, because others wait for it; -1: the mover takes what it is to have.
	interim int
}

// arrange puts movers in an order in which every key is free when it is taken.
// Those who wait for each other in a circle need interim names.
func (h holders) arrange(moves []*move, by map[string]*move) []step {
	a := arrangement{holders: h, by: by, visited: map[*move]visit{}}
	for _, m := range moves {
		if a.visited[m] != gone {
			a.visit(m)
		}
	}
	return a.steps
}

type visit int

const (
	waiting visit = iota + 1 // for others who have to go first
	gone
)

type arrangement struct {
	holders holders
	by      map[string]*move
	visited map[*move]visit
	steps   []step
}

func (a *arrangement) visit(m *move) {
	a.visited[m] = waiting
	for i, key := range m.to {
		if key == m.from[i] {
			continue
		}
		for _, id := range a.holders[key] {
			if id != m.id {
				a.free(a.by[id], key)
			}
		}
	}
	a.visited[m] = gone
	a.steps = append(a.steps, step{move: m, interim: -1})
}

// free sees to it that a holder has given up the key, once: nobody else wants it.
func (a *arrangement) free(holder *move, key string) {
	switch a.visited[holder] {
	case gone:
	case waiting:
		a.steps = append(a.steps, step{move: holder, interim: slices.Index(holder.from[:], key)})
	default:
		a.visit(holder)
	}
}
