package directory_test

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"studiokeeper/internal/directory"
)

// world is an identity store with the records kept of it, as simple as can be. It
// refuses what Identity Center refuses: a name twice, a member that is not there.
type world struct {
	users   map[string]directory.Person
	groups  map[string]directory.TargetGroup // their members apart
	members map[string]map[string]bool       // group id → user ids
	records map[string]directory.Record      // by kind and GUID
	// external: users and groups can be given external ids.
	external bool
	trusting bool // names are not compared: there are too many
	made     int  // how many things were made, for their ids
	steps    int  // how many writes are let through before the run is cut off
}

func newWorld() *world {
	return &world{users: map[string]directory.Person{}, groups: map[string]directory.TargetGroup{}, members: map[string]map[string]bool{}, records: map[string]directory.Record{}, external: true, steps: -1}
}

func (w *world) clone() *world {
	c := *w
	c.users, c.groups, c.records, c.members = maps.Clone(w.users), maps.Clone(w.groups), maps.Clone(w.records), map[string]map[string]bool{}
	for id, in := range w.members {
		c.members[id] = maps.Clone(in)
	}
	return &c
}

// target is the world as it is read: the order is that of the ids.
func (w *world) target() directory.Target {
	var t directory.Target
	for _, id := range slices.Sorted(maps.Keys(w.users)) {
		t.Users = append(t.Users, w.users[id])
	}
	for _, id := range slices.Sorted(maps.Keys(w.groups)) {
		g := w.groups[id]
		for _, user := range slices.Sorted(maps.Keys(w.members[id])) {
			g.Members = append(g.Members, directory.TargetMember{UserID: user, Membership: id + "/" + user})
		}
		t.Groups = append(t.Groups, g)
	}
	for _, key := range slices.Sorted(maps.Keys(w.records)) {
		t.Records = append(t.Records, w.records[key])
	}
	return t
}

func (w *world) user(p directory.Person) *world {
	w.users[p.ID] = p
	return w
}

func (w *world) group(id, name string, users ...string) *world {
	w.groups[id], w.members[id] = directory.TargetGroup{ID: id, Name: name}, map[string]bool{}
	for _, u := range users {
		w.members[id][u] = true
	}
	return w
}

func (w *world) record(r directory.Record) *world {
	w.records[string(r.Kind)+" "+r.GUID] = r
	return w
}

// write lets a write through, or tells that the run is cut off.
func (w *world) write(do func() error) error {
	if w.steps == 0 {
		return errCut
	}
	w.steps--
	return do()
}

var errCut = fmt.Errorf("cut off")

// apply carries a plan out, up to where the run is cut off.
func (w *world) apply(p directory.Plan) error {
	for _, r := range p.Records {
		if err := w.write(func() error { w.record(r); return nil }); err != nil {
			return err
		}
	}
	for _, r := range p.Forget {
		if err := w.write(func() error { delete(w.records, string(r.Kind)+" "+r.GUID); return nil }); err != nil {
			return err
		}
	}
	for _, c := range p.Changes {
		if err := w.change(c); err != nil {
			return fmt.Errorf("%s: %w", c.Text(), err)
		}
	}
	return nil
}

func (w *world) change(c directory.Change) error {
	switch c.Kind {
	case directory.Conflict:
		return nil
	case directory.CreateUser, directory.CreateGroup:
		return w.create(c)
	case directory.AdoptUser:
		if err := w.write(func() error { return w.update(c) }); err != nil {
			return err
		}
		return w.write(func() error {
			w.record(directory.Record{Kind: directory.UserObject, GUID: c.UserGUID, ID: c.UserID, Name: c.UserName})
			return nil
		})
	case directory.UpdateUser, directory.EnableUser, directory.DisableUser:
		return w.write(func() error { return w.update(c) })
	case directory.RenameGroup:
		return w.write(func() error { return w.renameGroup(c.GroupID, c.Group) })
	case directory.DeleteUser:
		return w.write(func() error { return w.deleteUser(c.UserID) })
	}
	return w.write(func() error { return w.member(c) })
}

// create puts the thing on record, makes it and notes its id: three writes.
func (w *world) create(c directory.Change) error {
	r := directory.Record{Kind: directory.GroupObject, GUID: c.GroupGUID, Name: c.Group}
	if c.Kind == directory.CreateUser {
		r = directory.Record{Kind: directory.UserObject, GUID: c.UserGUID, Name: c.After.UserName}
	}
	if err := w.write(func() error { w.record(r); return nil }); err != nil {
		return err
	}
	w.made++
	r.ID, r.Made = fmt.Sprintf("made-%03d", w.made), true
	if err := w.write(func() error { return w.makeIt(c, r.ID) }); err != nil {
		return err
	}
	return w.write(func() error { w.record(r); return nil })
}

func (w *world) makeIt(c directory.Change, id string) error {
	if c.Kind == directory.CreateGroup {
		if err := w.renameGroup("", c.Group); err != nil {
			return err
		}
		w.group(id, c.Group)
		if g := w.groups[id]; w.external {
			g.ExternalID = c.GroupGUID
			w.groups[id] = g
		}
		return nil
	}
	p := *c.After
	p.ID = id
	if !w.external {
		p.ExternalID = ""
	}
	return w.put(p)
}

// put stores a user whose names nobody else has.
func (w *world) put(p directory.Person) error {
	for id, other := range w.users {
		if w.trusting {
			break
		}
		if id != p.ID && (strings.EqualFold(other.UserName, p.UserName) || p.Email != "" && strings.EqualFold(other.Email, p.Email)) {
			return fmt.Errorf("%s has the user name %s or the e-mail address %s", id, p.UserName, p.Email)
		}
	}
	w.users[p.ID] = p
	return nil
}

// update changes what differs between before and after, and nothing else.
func (w *world) update(c directory.Change) error {
	p, found := w.users[c.UserID]
	if !found {
		return fmt.Errorf("there is no user %s", c.UserID)
	}
	if found := *c.Before; c.Kind != directory.AdoptUser && w.external && found != p {
		return fmt.Errorf("before is %+v, but the user is %+v", found, p)
	}
	set := func(to *string, before, after string) {
		if before != after {
			*to = after
		}
	}
	set(&p.UserName, c.Before.UserName, c.After.UserName)
	set(&p.Email, c.Before.Email, c.After.Email)
	set(&p.DisplayName, c.Before.DisplayName, c.After.DisplayName)
	set(&p.GivenName, c.Before.GivenName, c.After.GivenName)
	set(&p.FamilyName, c.Before.FamilyName, c.After.FamilyName)
	if w.external {
		set(&p.ExternalID, c.Before.ExternalID, c.After.ExternalID)
	}
	if c.Before.Disabled != c.After.Disabled {
		p.Disabled = c.After.Disabled
	}
	return w.put(p)
}

func (w *world) renameGroup(id, name string) error {
	for other, g := range w.groups {
		if other != id && strings.EqualFold(g.Name, name) {
			return fmt.Errorf("%s has the name %s", other, name)
		}
	}
	if g, found := w.groups[id]; found {
		g.Name = name
		w.groups[id] = g
	}
	return nil
}

func (w *world) deleteUser(id string) error {
	delete(w.users, id)
	for _, in := range w.members {
		delete(in, id)
	}
	return nil
}

func (w *world) member(c directory.Change) error {
	user := cmp.Or(c.UserID, w.records["user "+c.UserGUID].ID)
	group := cmp.Or(c.GroupID, w.records["group "+c.GroupGUID].ID)
	if _, found := w.users[user]; !found || w.members[group] == nil {
		return fmt.Errorf("there is no user %q or no group %q", user, group)
	}
	if c.Kind == directory.RemoveMember {
		if c.Membership != group+"/"+user {
			return fmt.Errorf("%q is no membership of %s in %s", c.Membership, user, group)
		}
		delete(w.members[group], user)
		return nil
	}
	w.members[group][user] = true
	return nil
}

type fataler interface {
	Helper()
	Fatal(args ...any)
}

// sync compares and applies until nothing is to be done, and tells what was.
func (w *world) sync(t fataler, s directory.Source, p directory.Policy) []directory.Plan {
	t.Helper()
	var plans []directory.Plan
	for range 6 {
		plan := directory.Compare(s, w.target(), p)
		plans = append(plans, plan)
		if !plan.Pending() && len(plan.Records) == 0 && len(plan.Forget) == 0 {
			return plans
		}
		if err := w.apply(plan); err != nil {
			t.Fatal(err)
		}
	}
	t.Fatal("there is always something to be done")
	return nil
}

var noon = time.Date(2026, 3, 2, 12, 0, 0, 0, time.UTC)

func policy(edits ...func(*directory.Policy)) directory.Policy {
	p := directory.Policy{
		Groups: func(name string) bool { return strings.HasPrefix(name, "studio-") },
		Adopt:  directory.AdoptNone, Disable: true, Grace: 168 * time.Hour, Now: noon,
	}
	for _, edit := range edits {
		edit(&p)
	}
	return p
}
