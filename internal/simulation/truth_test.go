package simulation

import (
	"maps"
	"slices"
	"time"
)

// object is a JSON object.
type object = map[string]any

// human is a person in the identity store.
type human struct {
	name    string
	enabled bool
}

// row is one of the mapping table.
type row struct {
	role     string
	priority int
}

type rowKey struct{ group, domain int }

// directory is the identity store at a moment.
type directory struct {
	people  map[string]human        // by id; whoever is missing was deleted
	members map[int]map[string]bool // group → ids; those of deleted groups are missing
	gone    map[int]bool            // groups that their rows' names do not mean: deleted, or renamed
	rows    map[rowKey]row          // the mapping
}

func (d directory) clone() directory {
	c := directory{maps.Clone(d.people), map[int]map[string]bool{}, maps.Clone(d.gone), maps.Clone(d.rows)}
	for g, m := range d.members {
		c.members[g] = maps.Clone(m)
	}
	return c
}

// owner is the id of whoever has a UserName; "" when nobody does.
func (d directory) owner(name string) string {
	for id, p := range d.people {
		if p.name == name {
			return id
		}
	}
	return ""
}

// moment is what was true from a time on.
type moment struct {
	from time.Time
	directory
}

// truth is what was ever true, oldest first.
type truth []moment

func (t truth) now() directory { return t[len(t)-1].directory }

// change adds a moment.
func (t *truth) change(at time.Time, do func(directory)) {
	next := t.now().clone()
	do(next)
	*t = append(*t, moment{at, next})
}

// between are the moments of which a part lies between two times.
func (t truth) between(from, to time.Time) []directory {
	var out []directory
	for i, m := range t {
		if m.from.After(to) || i+1 < len(t) && t[i+1].from.Before(from) {
			continue
		}
		out = append(out, m.directory)
	}
	return out
}

// verdict is what somebody should have in a domain: nothing, one role, or, tied,
// one of those that they had.
type verdict struct {
	roles    []string
	priority int
}

func (v verdict) nothing() bool { return len(v.roles) == 0 }
func (v verdict) one() bool     { return len(v.roles) == 1 }

// should is the oracle: who is what is read from who, the rows from which.
func should(who, which directory, id string, domain int) verdict {
	if !who.people[id].enabled {
		return verdict{}
	}
	best, roles := 0, []string(nil)
	for key, r := range which.rows {
		if key.domain != domain || who.gone[key.group] || !who.members[key.group][id] {
			continue
		}
		if len(roles) == 0 || r.priority > best {
			best, roles = r.priority, []string{r.role}
		} else if r.priority == best && !slices.Contains(roles, r.role) {
			roles = append(roles, r.role)
		}
	}
	slices.Sort(roles)
	return verdict{roles, best}
}

// could reports whether reading the directory at one moment and the rows at
// another, both between two times, can have shown what ok takes.
func (t truth) could(from, to time.Time, ok func(who, which directory) bool) bool {
	moments := t.between(from, to)
	for _, who := range moments {
		for _, which := range moments {
			if ok(who, which) {
				return true
			}
		}
	}
	return false
}
