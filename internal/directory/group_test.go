package directory_test

import (
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"studiokeeper/internal/directory"
)

func renamed(g directory.SourceGroup, name string) directory.SourceGroup {
	g.Name = name
	return g
}

// Ann is in studio-a and studio-b, bob in studio-a only; then studio-a is gone.
func TestAGroupThatIsGoneKeepsItsMembers(t *testing.T) {
	begin := source(account("ann"), account("bob"), adGroup("studio-a", "ann", "bob"), adGroup("studio-b", "ann"))
	b := adGroup("studio-b", "ann")
	for _, c := range []struct {
		name   string
		now    directory.Source
		policy directory.Policy
		want   []string
	}{
		{"deleted", source(account("ann"), account("bob"), b), policy(), []string{"conflict studio-a (group-gone)"}},
		{"carried no more", source(account("ann"), account("bob"), renamed(adGroup("studio-a"), "others"), b), policy(), []string{"conflict others (group-not-carried)"}},
		{"its members' names are kept in step", source(account("ann"), account("bob", userName("rob")), b), policy(), []string{"updateUser bob (user-name)", "conflict studio-a (group-gone)"}},
		{"a member who is disabled loses it", source(account("ann", disabled), account("bob"), b), policy(),
			[]string{"removeMember ann studio-a (disabled)", "removeMember ann studio-b (disabled)", "disableUser ann (disabled)", "conflict studio-a (group-gone)"}},
		{"made again: another group", source(account("ann"), account("bob"), b, directory.SourceGroup{GUID: "again", Name: "studio-a"}), policy(),
			[]string{"conflict studio-a (group-name-taken)", "conflict studio-a (group-gone)"}},
		{"accepted", source(account("ann"), account("bob"), b), policy(accepted),
			[]string{"removeMember ann studio-a (group-gone)", "removeMember bob studio-a (no-group)", "disableUser bob (no-group)"}},
		{"accepted, and back", begin, policy(accepted), nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := synced(t, begin)
			expect(t, directory.Compare(c.now, w.target(), c.policy), c.want...)
			w.sync(t, c.now, c.policy)
		})
	}
}

func TestAGroupThatWasGivenUpIsForgottenOnceItIsEmpty(t *testing.T) {
	w := synced(t, source(account("ann"), adGroup("studio-a", "ann"), adGroup("studio-b", "ann")))
	s := source(account("ann"), adGroup("studio-b", "ann"))
	plans := w.sync(t, s, policy(accepted))
	if len(plans[0].Forget) > 0 || len(plans[1].Forget) != 1 {
		t.Errorf("forgotten first: %v, then: %v", plans[0].Forget, plans[1].Forget)
	}
	if len(w.groups) != 2 {
		t.Errorf("the group itself went: %v", w.groups)
	}
	expect(t, directory.Compare(s, w.target(), policy()))
}

func TestAGroupThatWasGivenUpWaitsForItsConflicts(t *testing.T) {
	w := synced(t, source(account("ann"), account("bob"), adGroup("studio-a", "ann"), adGroup("studio-b", "ann", "bob")))
	b := adGroup("studio-b", "ann", "bob")
	twice := w.clone()
	twice.record(userRecord("bob", recorded("made-001"))).user(person("made-001", external("ann")))
	got := directory.Compare(source(account("ann"), account("bob"), b), twice.target(), policy(accepted))
	expect(t, got, "conflict ann (matched-twice)", "conflict bob (matched-twice)", "note unknown-members")
	if len(got.Forget) > 0 {
		t.Errorf("forgotten: %+v", got.Forget)
	}
	expect(t, directory.Compare(source(account("ann"), account("bob"), b), w.target(), policy(accepted)), "removeMember ann studio-a (group-gone)")
}

func TestAGroupThatFilledInTheMeantimeIsNotTheOneThatWasBegun(t *testing.T) {
	s := source(account("ann"), adGroup("studio-a"))
	w := newWorld().record(directory.Record{Kind: directory.GroupObject, GUID: "g-studio-a", Name: "studio-a"})
	expect(t, directory.Compare(s, w.group("1", "studio-a", "someone").target(), policy()), "conflict studio-a (group-name-taken)")
	expect(t, directory.Compare(s, w.group("1", "studio-a").target(), policy()))
}

func TestGroupNames(t *testing.T) {
	begin := source(account("ann"), adGroup("studio-a", "ann"), adGroup("studio-b", "ann"))
	taken := func(w *world) { w.group("x", "Studio-C", "someone") }
	for _, c := range []struct {
		name   string
		now    directory.Source
		before func(*world)
		want   []string
	}{
		{"renamed", source(account("ann"), renamed(adGroup("studio-a", "ann"), "studio-c"), adGroup("studio-b", "ann")), nil, []string{"renameGroup studio-c (renamed)"}},
		{"renamed to a name that is taken; the members are kept in step", source(account("ann"), renamed(adGroup("studio-a"), "studio-c"), adGroup("studio-b", "ann")), taken,
			[]string{"removeMember ann studio-c (not-member)", "conflict studio-c (group-name-taken)"}},
		{"a new one's name is taken", source(account("ann"), adGroup("studio-a", "ann"), adGroup("studio-b", "ann"), adGroup("studio-c", "ann")), taken, []string{"conflict studio-c (group-name-taken)"}},
		{"two with the same name", source(account("ann"), adGroup("studio-a", "ann"), renamed(adGroup("studio-b"), "studio-A"), adGroup("studio-c", "ann")), nil,
			[]string{"removeMember ann studio-A (not-member)", "createGroup studio-c (new)", "addMember ann studio-c (member)", "conflict studio-A (same-group-name)", "conflict studio-a (same-group-name)"}},
		{"in a circle", source(account("ann"), renamed(adGroup("studio-a", "ann"), "studio-b"), renamed(adGroup("studio-b", "ann"), "studio-a")), nil,
			[]string{"renameGroup studiokeeper-g-studio-a (interim)", "renameGroup studio-a (renamed)", "renameGroup studio-b (renamed)"}},
		{"deleted by somebody", begin, func(w *world) { delete(w.groups, "made-002"); delete(w.members, "made-002") }, []string{"createGroup studio-a (deleted)", "addMember ann studio-a (member)"}},
		{"on record for two", begin, func(w *world) { r := w.records["group g-studio-b"]; r.ID = "made-002"; w.record(r) },
			[]string{"conflict studio-a (matched-twice)", "conflict studio-b (matched-twice)"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := synced(t, begin)
			if c.before != nil {
				c.before(w)
			}
			expect(t, directory.Compare(c.now, w.target(), policy()), c.want...)
			w.sync(t, c.now, policy())
		})
	}
}

func TestAGroupNameThatCannotBeGiven(t *testing.T) {
	for _, name := range []string{" ", "Administrator", "studio-\u200b"} {
		s := source(account("ann"), renamed(adGroup("x", "ann"), name), adGroup("studio-a"))
		got := directory.Compare(s, directory.Target{}, policy(func(p *directory.Policy) { p.Groups = func(string) bool { return true } }))
		if !slices.Contains(lines(got), "conflict "+trimmed(name)+"(group-name)") {
			t.Errorf("%q: %q", name, lines(got))
		}
	}
}

func trimmed(name string) string {
	if name == " " {
		return ""
	}
	return name + " "
}

// renames gives the user names and e-mail addresses in the order of the updates.
func renames(p directory.Plan) []string {
	var all []string
	for _, c := range p.Changes {
		if c.Kind == directory.UpdateUser {
			all = append(all, c.UserGUID+": "+c.Before.UserName+" "+c.Before.Email+" → "+c.After.UserName+" "+c.After.Email)
		}
	}
	return all
}

func TestAUserNameIsFreeWhenItIsTaken(t *testing.T) {
	group := adGroup("studio-a", "a", "b", "c")
	start := func(guid string) directory.Account { return account(guid, userName(guid), email(guid+"@x")) }
	with := func(guid, name, address string) directory.Account {
		return account(guid, userName(name), email(address))
	}
	for _, c := range []struct {
		name string
		now  directory.Source
		want []string
	}{
		{"one after the other", source(with("a", "b", "a@x"), with("b", "c", "b@x"), with("c", "new", "c@x"), group),
			[]string{"c: c c@x → new c@x", "b: b b@x → c b@x", "a: a a@x → b a@x"}},
		{"swapped", source(with("a", "B", "a@x"), with("b", "a", "b@x"), start("c"), group),
			[]string{"a: a a@x → studiokeeper-a a@x", "b: b b@x → a b@x", "a: studiokeeper-a a@x → B a@x"}},
		{"both swapped", source(with("a", "b", "b@x"), with("b", "a", "a@x"), start("c"), group),
			[]string{"a: a a@x → studiokeeper-a a@x", "a: studiokeeper-a a@x → studiokeeper-a studiokeeper-a@studiokeeper.invalid", "b: b b@x → a a@x", "a: studiokeeper-a studiokeeper-a@studiokeeper.invalid → b b@x"}},
		{"in a circle of three", source(with("a", "b", "a@x"), with("b", "c", "b@x"), with("c", "a", "c@x"), group),
			[]string{"a: a a@x → studiokeeper-a a@x", "c: c c@x → a c@x", "b: b b@x → c b@x", "a: studiokeeper-a a@x → b a@x"}},
		{"crossed: one wants the name, the other the address", source(with("a", "b", "new@x"), with("b", "new", "a@x"), start("c"), group),
			[]string{"a: a a@x → a studiokeeper-a@studiokeeper.invalid", "b: b b@x → new a@x", "a: a studiokeeper-a@studiokeeper.invalid → b new@x"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := synced(t, source(start("a"), start("b"), start("c"), group))
			if d := cmp.Diff(c.want, renames(directory.Compare(c.now, w.target(), policy()))); d != "" {
				t.Errorf("updates (-want +got):\n%s", d)
			}
			w.sync(t, c.now, policy())
		})
	}
}

// Where two controllers made an object of one name, Active Directory renames one
// of them: its name is none that anybody gave, and matches patterns all the same.
func TestAGroupThatLostAReplicationConflictIsNotCarried(t *testing.T) {
	conflict := func(g directory.SourceGroup) directory.SourceGroup {
		g.DN = "CN=" + g.Name + `\0ACNF:6f9619ff-8b86-d011-b42d-00c04fc964ff,OU=Groups,DC=corp,DC=example`
		g.Name += "\nCNF:6f9619ff-8b86-d011-b42d-00c04fc964ff"
		return g
	}
	begin := source(account("ann"), adGroup("studio-a", "ann"))
	lost := adGroup("studio-a", "ann")
	lost.GUID = "g-lost"
	w := synced(t, begin)
	got := directory.Compare(source(account("ann"), adGroup("studio-a", "ann"), conflict(lost)), w.target(), policy())
	expect(t, got, "note replication-conflict")
	got = directory.Compare(source(account("ann"), conflict(adGroup("studio-a")), lost), w.target(), policy())
	expect(t, got, "conflict studio-a (group-name-taken)", "conflict studio-a CNF:6f9619ff-8b86-d011-b42d-00c04fc964ff (group-not-carried)", "note replication-conflict")
}
