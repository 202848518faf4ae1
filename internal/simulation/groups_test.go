package simulation

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"time"

	"studiokeeper/internal/event"
	"studiokeeper/internal/plan"
	"studiokeeper/internal/reconcile"
	"studiokeeper/internal/studio"
)

// Groups are deleted, renamed and renamed back, and others made under their names. A
// name means the group that it meant first: nobody gets anything through another one,
// and whoever had something through a group that is gone keeps it while its row stands.

// withGroups makes a story one of such groups, and of administrators who reject
// what is held.
func (s story) withGroups(r *rand.Rand) story {
	for range 2 + r.IntN(3) {
		clock := 8*time.Minute + time.Duration(r.Int64N(int64(length-15*time.Minute))).Round(time.Second)
		for n := range 1 + r.IntN(4) {
			a := s.draw(r, clock+time.Duration(r.IntN(1+20*n))*time.Second)
			a.Do = []string{"dropgroup", "regroup", "regroup", "samename", "reject", "join", "leave", "droprow"}[r.IntN(8)]
			s.Actions = append(s.Actions, a)
		}
	}
	return s
}

func otherID(g int) string { return fmt.Sprintf("00000000-0000-4000-8000-2000000000%02d", g) }

// dropGroup deletes a group, and with it its memberships.
func (w *world) dropGroup(g int) {
	if w.console.DeleteGroup(groupID(g)) != nil {
		return // it is gone already
	}
	w.truth.change(time.Now(), func(d directory) {
		d.gone[g] = true
		delete(d.members, g)
	})
}

// regroup renames a group, or gives it back its name where nobody else has that.
func (w *world) regroup(g int) {
	back := w.truth.now().gone[g]
	name := map[bool]string{false: "was-" + groupName(g), true: groupName(g)}[back]
	if w.console.UpdateGroup(groupID(g), name) == nil {
		w.truth.change(time.Now(), func(d directory) { d.gone[g] = !back })
	}
}

// sameName makes another group of a name that has meant one, and somebody its member.
func (w *world) sameName(g int, id string) {
	if !w.meant(g) || w.console.SeedGroup(otherID(g), groupName(g)) != nil || id == "" {
		return
	}
	w.must(w.console.AddMemberToGroup(otherID(g), id))
}

// meant tells whether the name of a group has ever been found: a row that never found
// its group has given nobody anything.
func (w *world) meant(g int) bool {
	var known struct{ Item object }
	w.must(w.aws("dynamodb", "GetItem", object{"TableName": "state", "Key": object{"pk": object{"S": "rows"}, "sk": object{"S": "pin#name#" + groupName(g)}}}, &known))
	return known.Item != nil
}

// shielded tells whether what somebody has may be taken from them on no ground but that
// they are disabled or deleted: the group they had it through is gone, or is one that
// they are in and that has another name, and its row still stands.
func (w *world) shielded(who, which directory, id string, domain int, through string) bool {
	return who.people[id].enabled && slices.ContainsFunc(doubted(who, which, id, domain), func(g int) bool {
		return groupID(g) == through || who.members[g][id] && w.meant(g)
	})
}

// maybeShielded is like shielded, and true as well where a row may never have found its
// group, which could be any group that no other row has, and where no tags tell.
func maybeShielded(who, which directory, id string, domain int, through string) bool {
	if !who.people[id].enabled || len(doubted(who, which, id, domain)) == 0 {
		return false
	}
	for key := range which.rows {
		if key.domain == domain && !who.gone[key.group] && groupID(key.group) == through {
			return false
		}
	}
	return true
}

// doubted are the groups that are gone, and whose rows rank no lower than what somebody has for certain.
func doubted(who, which directory, id string, domain int) (groups []int) {
	best := should(who, which, id, domain).priority
	for key, r := range which.rows {
		if key.domain == domain && who.gone[key.group] && r.priority >= best {
			groups = append(groups, key.group)
		}
	}
	return groups
}

// through is the group that a profile was given its role for.
func (p profile) through() string { return p.Tags[studio.TagGroup] }

// reject says no to everything that the guard holds.
func (w *world) reject() {
	ctx, r, err := w.admin()
	if err != nil {
		return // the weather is bad
	}
	for d, site := range w.domains {
		held, _ := r.Decided(ctx, site.name)
		for _, was := range held {
			if was.Decision != reconcile.Held {
				continue
			}
			now := was
			now.Decision, now.Reason, now.At = reconcile.Rejected, "not now", r.Now().UTC()
			now.Until = now.At.Add(r.RejectFor)
			if r.Decide(ctx, was, now, plan.Trigger{Kind: event.SourcePerson, ID: "admin"}) == nil && was.What() == plan.Removals && was.GroupOf() == "" {
				w.mu.Lock()
				w.rejected[who{d, was.UserID}] = time.Now()
				w.mu.Unlock()
			}
		}
	}
}

// exceptions are what was rejected and stands.
func (w *world) exceptions() (all []reconcile.Removal) {
	if !slices.ContainsFunc(w.story.Actions, func(a action) bool { return a.Do == "reject" }) {
		return nil
	}
	ctx, r, err := w.admin()
	w.must(err)
	for _, d := range w.domains {
		decided, err := r.Decided(ctx, d.name)
		w.must(err)
		all = append(all, slices.DeleteFunc(decided, func(one reconcile.Removal) bool { return one.Decision != reconcile.Rejected })...)
	}
	return all
}

// excepted finds what was rejected about somebody, or about a group.
func (w *world) excepted(d int, ok func(reconcile.Removal) bool) bool {
	return slices.ContainsFunc(w.kept, func(one reconcile.Removal) bool { return one.Domain == w.domains[d].name && ok(one) })
}

// maybeKept tells whether somebody may be in a group that is gone, have a profile through
// one, or be remembered with one.
func (w *world) maybeKept(d int, id string) bool {
	now := w.truth.now()
	was := func(g int) bool {
		return slices.ContainsFunc(w.truth, func(m moment) bool { return m.members[g][id] })
	}
	return now.people[id].enabled && slices.ContainsFunc(doubted(now, now, id, d), was) || slices.ContainsFunc(w.profiles(d), func(p profile) bool {
		return (p.owner() == id || !p.ours() && p.SSOUser == now.people[id].name) && maybeShielded(now, now, id, d, p.through())
	})
}
