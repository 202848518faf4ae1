package directory_test

import (
	"strings"
	"testing"

	"studiokeeper/internal/directory"
)

// person is a user who is there as ann would be made, but for edits.
func person(id string, edits ...func(*directory.Person)) directory.Person {
	p := directory.Person{ID: id, UserName: "ann@corp.example", Email: "ann@mail.example", DisplayName: "ann Doe", GivenName: "ann", FamilyName: "Doe"}
	for _, edit := range edits {
		edit(&p)
	}
	return p
}

func external(id string) personEdit     { return func(p *directory.Person) { p.ExternalID = id } }
func called(name string) personEdit     { return func(p *directory.Person) { p.UserName = name } }
func mailed(address string) personEdit  { return func(p *directory.Person) { p.Email = address } }
func off(p *directory.Person)           { p.Disabled = true }
func recorded(id string) userRecordEdit { return func(r *directory.Record) { r.ID = id } }

type (
	personEdit     = func(*directory.Person)
	userRecordEdit = func(*directory.Record)
)

// userRecord is that of an object we made, without its id.
func userRecord(guid string, edits ...userRecordEdit) directory.Record {
	r := directory.Record{Kind: directory.UserObject, GUID: guid, Name: guid + "@corp.example"}
	for _, edit := range edits {
		edit(&r)
	}
	r.Made = r.ID != ""
	return r
}

func TestWhoIsWho(t *testing.T) {
	s := source(account("ann"), adGroup("studio-a", "ann"))
	create := []string{"createUser ann (member)", "addMember ann studio-a (member)"}
	join := []string{"addMember ann studio-a (member)"}
	for _, c := range []struct {
		name   string
		world  *world
		policy directory.Policy
		want   []string
	}{
		{"on record, whatever the name and the external id", newWorld().user(person("1", called("x"), external("another"))).record(userRecord("ann", recorded("1"))), policy(),
			[]string{"updateUser ann (user-name)", join[0]}},
		{"made by a run that was cut off", newWorld().user(person("1", external("ANN"))).record(userRecord("ann")), policy(), join},
		{"made by a run that was cut off, where no external ids can be given", newWorld().user(person("1")).record(userRecord("ann")), policy(), join},
		{"on record as about to be made, but not as we make them", newWorld().user(person("1", mailed("x"))).record(userRecord("ann")), policy(), []string{"conflict ann (user-name-taken)"}},
		{"about to be made, and not there", newWorld().record(userRecord("ann")), policy(), create},
		{"deleted by somebody", newWorld().record(userRecord("ann", recorded("1"))), policy(), []string{"createUser ann (member, deleted)", join[0]}},
		{"our external id, but no record", newWorld().user(person("1", external("ann"))), policy(), []string{"conflict ann (not-on-record)"}},
		{"our external id, but no record, adopted", newWorld().user(person("1", external("ann"))), policy(adopting(directory.AdoptUserName)), []string{"adoptUser ann (external-id)", join[0]}},
		{"same user name", newWorld().user(person("1")), policy(), []string{"conflict ann (user-name-taken)"}},
		{"same user name, adopted", newWorld().user(person("1", called("ANN@corp.example"))), policy(adopting(directory.AdoptUserName)), []string{"adoptUser ann (same-user-name)", join[0]}},
		{"same user name, adopted, disabled", newWorld().user(person("1", off)), policy(adopting(directory.AdoptUserName)), []string{"adoptUser ann (same-user-name)", "enableUser ann (enabled)", join[0]}},
		{"same e-mail address", newWorld().user(person("1", called("x"))), policy(adopting(directory.AdoptUserName)), []string{"conflict ann (email-taken)"}},
		{"same e-mail address, adopted", newWorld().user(person("1", called("x"), mailed("Ann@mail.example"))), policy(adopting(directory.AdoptEmail)), []string{"adoptUser ann (same-email)", "updateUser ann (user-name)", join[0]}},
		{"user name before e-mail address", newWorld().user(person("1", mailed(""))).user(person("2", called("x"))), policy(adopting(directory.AdoptEmail)), []string{"adoptUser ann (same-user-name)", join[0], "conflict ann (email-taken)"}},
		{"an e-mail address that two have", newWorld().user(person("1", called("x"))).user(person("2", called("y"))), policy(adopting(directory.AdoptEmail)), []string{"conflict ann (email-taken)"}},
		{"the external id of another source", newWorld().user(person("1", external("0b5d"))), policy(adopting(directory.AdoptEmail)), []string{"conflict ann (user-name-taken)"}},
		{"on record for another account", newWorld().user(person("1", off)).record(userRecord("bob", recorded("1"))), policy(adopting(directory.AdoptEmail)), []string{"conflict ann (user-name-taken)"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := c.world.group("g", "studio-a").record(directory.Record{Kind: directory.GroupObject, GUID: "g-studio-a", ID: "g", Made: true, Name: "studio-a"})
			expect(t, directory.Compare(s, w.target(), c.policy), c.want...)
			w.sync(t, s, c.policy)
		})
	}
}

func TestARunThatWasCutOffIsRemembered(t *testing.T) {
	s := source(account("ann"), adGroup("studio-a", "ann"))
	w := newWorld().user(person("1", external("ann"))).group("2", "studio-a").record(userRecord("ann")).record(directory.Record{Kind: directory.GroupObject, GUID: "g-studio-a", Name: "studio-a"})
	w.sync(t, s, policy())
	if r := w.records["user ann"]; r.ID != "1" || !r.Made {
		t.Errorf("the user's record is %+v", r)
	}
	if r := w.records["group g-studio-a"]; r.ID != "2" || !r.Made || !w.members["2"]["1"] {
		t.Errorf("the group's record is %+v, its members %v", r, w.members["2"])
	}
}

func TestWhatIsGoneOnBothSidesIsForgotten(t *testing.T) {
	w := newWorld().record(userRecord("ann", recorded("1"))).record(userRecord("bob")).record(directory.Record{Kind: directory.GroupObject, GUID: "g", ID: "2", Name: "studio-z"})
	s := source(account("cy"), adGroup("studio-a"))
	got := directory.Compare(s, w.target(), policy())
	expect(t, got, "createGroup studio-a (new)")
	if len(got.Forget) != 3 {
		t.Errorf("forgotten: %+v", got.Forget)
	}
}

func TestAUserWhomTwoAccountsMatchIsNobodys(t *testing.T) {
	s := source(account("ann"), account("bob", email("ann@mail.example")), adGroup("studio-a", "ann"), adGroup("studio-b", "bob"))
	s.Users[0].Email = ""
	byName := newWorld().user(person("1"))
	twice := []string{"createGroup studio-a (new)", "createGroup studio-b (new)", "conflict ann (matched-twice)", "conflict bob (matched-twice)"}
	expect(t, directory.Compare(s, byName.target(), policy(adopting(directory.AdoptEmail))), twice...)

	onRecord := newWorld().user(person("1", external("bob"))).record(userRecord("ann", recorded("1")))
	expect(t, directory.Compare(s, onRecord.target(), policy()), twice...)

	s.Users[0].Disabled = true
	got := directory.Compare(s, onRecord.target(), policy())
	expect(t, got, twice...)
	if len(got.Records) > 0 {
		t.Errorf("stored: %+v", got.Records)
	}
}

func TestAConflictSaysHowToAdopt(t *testing.T) {
	s := source(account("ann"), adGroup("studio-a", "ann"))
	for want, there := range map[string]directory.Person{
		"set directory.adopt to userName": person("1"),
		"set directory.adopt to email":    person("1", called("x")),
		"directory.adopt to userName":     person("1", external("ann")),
		"another identity source made":    person("1", external("okta")),
	} {
		got := directory.Compare(s, newWorld().user(there).target(), policy())
		if text := got.Changes[len(got.Changes)-1].Text(); !strings.Contains(text, want) {
			t.Errorf("%q does not say %q", text, want)
		}
	}
}

func TestNamesThatCannotBeGiven(t *testing.T) {
	for _, c := range []struct{ name, want string }{
		{"", "no-user-name"},
		{"ann doe", "user-name"}, {"ann\u00a0doe", "user-name"}, {"ann\u200b", "user-name"},
		{"Administrator", "user-name"}, {"awsadministrators", "user-name"},
		{strings.Repeat("ä", 129), "user-name"},
		{strings.Repeat("ä", 128), ""}, {"o'neil(ext),*\\+#@corp", ""}, {"山田", ""},
	} {
		s := source(account("ann", userName(c.name)), adGroup("studio-a", "ann"))
		want := []string{"createGroup studio-a (new)", "conflict ann (" + c.want + ")"}
		if c.want == "" {
			want = []string{"createUser ann (member)", "createGroup studio-a (new)", "addMember ann studio-a (member)"}
		}
		expect(t, directory.Compare(s, directory.Target{}, policy()), want...)
	}
}

// Both are in studio-a and studio-b, and then one takes what the other has. What
// is wrong with names protects nobody: whoever could give an account the address
// of another would keep both in groups that they have left.
func TestTwoAccountsWithTheSameNameLoseWhatTheyLeaveAndGetNothing(t *testing.T) {
	begin := source(account("ann"), account("bob"), account("cy"), adGroup("studio-a", "ann", "bob"), adGroup("studio-b", "ann", "bob"))
	groups := []any{adGroup("studio-a", "ann", "bob", "cy"), adGroup("studio-b", "cy")}
	with := func(accounts ...any) directory.Source { return source(append(accounts, groups...)...) }
	cy := []string{"createUser cy (member)", "addMember cy studio-a (member)", "addMember cy studio-b (member)"}
	gone := []string{"removeMember ann studio-b (not-member)", "removeMember bob studio-b (not-member)"}
	for _, c := range []struct {
		name string
		now  directory.Source
		want []string
	}{
		{"same user name", with(account("ann"), account("bob", userName("ANN@corp.example")), account("cy")),
			append(gone[:2:2], append(cy[:3:3], "conflict ann (same-user-name)", "conflict bob (same-user-name)")...)},
		{"same e-mail address", with(account("ann"), account("bob", email("Ann@mail.example")), account("cy")),
			append(gone[:2:2], append(cy[:3:3], "conflict ann (same-email)", "conflict bob (same-email)")...)},
		{"one of them disabled", with(account("ann", disabled), account("bob", userName("ann@corp.example")), account("cy")),
			[]string{"removeMember ann studio-a (disabled)", "removeMember ann studio-b (disabled)", "removeMember bob studio-b (not-member)", "disableUser ann (disabled)", cy[0], cy[1], cy[2], "conflict bob (user-name-taken)"}},
		{"no user name", with(account("ann", userName("")), account("bob"), account("cy")),
			append(gone[:2:2], append(cy[:3:3], "conflict ann (no-user-name)")...)},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := synced(t, begin)
			expect(t, directory.Compare(c.now, w.target(), policy()), c.want...)
			w.sync(t, c.now, policy())
		})
	}
}

func TestARecordDoesNotSettleWhomTwoAccountsMatch(t *testing.T) {
	s := source(account("ann"), account("bob"), adGroup("studio-a", "ann", "bob"))
	w := newWorld().user(person("1", external("ann"))).record(userRecord("ann")).record(userRecord("bob", recorded("1")))
	got := directory.Compare(s, w.target(), policy())
	expect(t, got, "createGroup studio-a (new)", "conflict ann (matched-twice)", "conflict bob (matched-twice)")
	if len(got.Records) > 0 {
		t.Errorf("stored: %+v", got.Records)
	}
}

func TestWhoeverIsTakenOverLosesNothingBeforeTheyAreOnRecord(t *testing.T) {
	s := source(account("ann"), adGroup("studio-a"), adGroup("studio-b", "ann"))
	w := synced(t, source(account("bob"), adGroup("studio-a", "bob"), adGroup("studio-b")))
	w.user(person("1")).members["made-002"]["1"] = true
	s.Users, s.Groups[0].Members = append(s.Users, account("bob")), []directory.SourceMember{{GUID: "bob"}}
	plans := w.sync(t, s, policy(adopting(directory.AdoptUserName)))
	expect(t, plans[0], "adoptUser ann (same-user-name)", "addMember ann studio-b (member)")
	expect(t, plans[1], "removeMember ann studio-a (not-member)")
}

func TestAnAddressThatAnotherHasTooIsKept(t *testing.T) {
	w := synced(t, source(account("ann"), adGroup("studio-a", "ann"))).user(person("x", called("x")))
	got := directory.Compare(source(account("ann", userName("roe")), adGroup("studio-a", "ann")), w.target(), policy())
	expect(t, got, "updateUser ann (user-name)")
}

func TestPeopleWhoAreThereAreCounted(t *testing.T) {
	w := synced(t, source(account("ann"), account("bob"), adGroup("studio-a", "ann", "bob")))
	delete(w.users, "made-001")
	if got := directory.Compare(source(account("ann"), account("bob"), adGroup("studio-a", "ann", "bob")), w.target(), policy()); got.Carried != 1 {
		t.Errorf("%d are carried, want bob alone", got.Carried)
	}
}

func TestOfSomebodyElsesMembersThereIsANote(t *testing.T) {
	s := source(account("ann"), adGroup("studio-a", "ann"))
	w := synced(t, s).user(person("x", called("root"), mailed("")))
	for id := range w.groups {
		w.members[id]["x"] = true
	}
	got := directory.Compare(s, w.target(), policy())
	expect(t, got, "note unknown-members")
	if want := "1 member (root)"; !strings.Contains(got.Notes[0].Text, want) {
		t.Errorf("%q does not name %q", got.Notes[0].Text, want)
	}
}
