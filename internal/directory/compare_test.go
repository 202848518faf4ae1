package directory_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"studiokeeper/internal/directory"
)

// account is somebody in Active Directory; guid is short for an objectGUID.
func account(guid string, edits ...func(*directory.Account)) directory.Account {
	a := directory.Account{
		GUID: guid, DN: "CN=" + guid + ",OU=People,DC=corp,DC=example", SID: "S-1-5-21-1-2-3-9000", PrimaryGroup: 513,
		UserName: guid + "@corp.example", Email: guid + "@mail.example",
		DisplayName: guid + " Doe", GivenName: guid, FamilyName: "Doe",
	}
	for _, edit := range edits {
		edit(&a)
	}
	return a
}

func disabled(a *directory.Account)      { a.Disabled = true }
func userName(name string) accountEdit   { return func(a *directory.Account) { a.UserName = name } }
func email(address string) accountEdit   { return func(a *directory.Account) { a.Email = address } }
func expires(when time.Time) accountEdit { return func(a *directory.Account) { a.Expires = when } }
func primary(group uint32) accountEdit   { return func(a *directory.Account) { a.PrimaryGroup = group } }

type accountEdit = func(*directory.Account)

// adGroup is a group whose GUID is "g-" and its name, with members by GUID.
func adGroup(name string, members ...string) directory.SourceGroup {
	g := directory.SourceGroup{GUID: "g-" + name, DN: "CN=" + name + ",OU=Groups,DC=corp,DC=example", SID: "S-1-5-21-1-2-3-1", Name: name}
	for _, guid := range members {
		g.Members = append(g.Members, directory.SourceMember{GUID: guid, DN: "CN=" + guid + ",OU=People,DC=corp,DC=example"})
	}
	return g
}

// source takes accounts and groups.
func source(things ...any) directory.Source {
	var s directory.Source
	for _, thing := range things {
		switch thing := thing.(type) {
		case directory.Account:
			s.Users = append(s.Users, thing)
		case directory.SourceGroup:
			s.Groups = append(s.Groups, thing)
		}
	}
	return s
}

// synced is what a first run makes of a source.
func synced(t *testing.T, s directory.Source) *world {
	t.Helper()
	w := newWorld()
	w.sync(t, s, policy())
	return w
}

// lines tell what a plan does: one line a change, with the codes of its reasons.
func lines(p directory.Plan) []string {
	var all []string
	for _, r := range p.Stop {
		all = append(all, "stop "+r.Code)
	}
	for _, c := range p.Changes {
		codes := make([]string, len(c.Reasons))
		for i, r := range c.Reasons {
			codes[i] = r.Code
		}
		all = append(all, strings.Join(strings.Fields(fmt.Sprintf("%s %s %s (%s)", c.Kind, c.UserGUID, c.Group, strings.Join(codes, ", "))), " "))
	}
	for _, r := range p.Notes {
		all = append(all, "note "+r.Code)
	}
	return all
}

func expect(t *testing.T, got directory.Plan, want ...string) {
	t.Helper()
	if d := cmp.Diff(want, lines(got)); d != "" {
		t.Errorf("plan (-want +got):\n%s", d)
	}
}

func adopting(how directory.Adoption) func(*directory.Policy) {
	return func(p *directory.Policy) { p.Adopt = how }
}

func after(d time.Duration) func(*directory.Policy) {
	return func(p *directory.Policy) { p.Now = noon.Add(d) }
}

func withoutDisabling(p *directory.Policy) { p.Disable = false }

func accepted(p *directory.Policy) {
	p.Gone = func(g directory.Record) bool { return g.Name == "studio-a" }
}

func TestFirstRun(t *testing.T) {
	s := source(account("ann"), account("bob"), account("cy"), adGroup("studio-a", "ann", "bob"), adGroup("others", "cy"))
	w := newWorld()
	got := directory.Compare(s, w.target(), policy())
	expect(t, got, "createUser ann (member)", "createUser bob (member)", "createGroup studio-a (new)", "addMember ann studio-a (member)", "addMember bob studio-a (member)")
	want := directory.Person{ExternalID: "ann", UserName: "ann@corp.example", Email: "ann@mail.example", DisplayName: "ann Doe", GivenName: "ann", FamilyName: "Doe"}
	if d := cmp.Diff(want, *got.Changes[0].After); d != "" {
		t.Errorf("ann (-want +got):\n%s", d)
	}
	w.sync(t, s, policy())
	expect(t, directory.Compare(s, w.target(), policy()))
}

func TestPrimaryGroupsAndNestingAreFlattened(t *testing.T) {
	outer, middle, inner := adGroup("studio-a", "g-middle"), adGroup("middle", "g-inner", "g-studio-a", "bob"), adGroup("inner", "ann")
	inner.SID = "S-1-5-21-1-2-3-1104"
	elsewhere := account("dee", primary(1104))
	elsewhere.SID = "S-1-5-21-9-9-9-9000"
	s := source(account("ann"), account("bob"), account("cy", primary(1104)), elsewhere, outer, middle, inner)
	expect(t, directory.Compare(s, directory.Target{}, policy()),
		"createUser ann (member)", "createUser bob (member)", "createUser cy (member)", "createGroup studio-a (new)",
		"addMember ann studio-a (member)", "addMember bob studio-a (member)", "addMember cy studio-a (member)")
}

func TestMembersThatAreNoUsersAreNoted(t *testing.T) {
	a, nested := adGroup("studio-a", "ann", "g-nested"), adGroup("nested")
	for _, dn := range []string{
		`CN=S-1-5-21-9-9-9-1,CN=ForeignSecurityPrincipals,DC=corp,DC=example`, `cn=S-1-5-21-9-9-9-2, cn=foreignsecurityprincipals,DC=corp,DC=example`,
		`CN=Doe\, Jane \28x\29,CN=Users,DC=corp`, `CN=pc-4,CN=Computers,DC=corp`, `CN=pc-2,CN=Computers,DC=corp`, `CN=pc\2C3,OU=CN\=ForeignSecurityPrincipals,DC=corp`,
	} {
		nested.Members = append(nested.Members, directory.SourceMember{GUID: dn, DN: dn})
	}
	got := directory.Compare(source(account("ann"), a, adGroup("studio-b", "g-nested"), nested), directory.Target{}, policy())
	var texts []string
	for _, n := range got.Notes {
		texts = append(texts, n.Code+": "+n.Text)
	}
	want := []string{
		"foreign: group nested has 2 members (S-1-5-21-9-9-9-1, S-1-5-21-9-9-9-2) of another forest or domain: they are not carried over",
		"outside: group nested has 4 members (Doe, Jane (x), pc,3, pc-2, …) besides the users and groups that are read: they are not carried over",
	}
	if d := cmp.Diff(want, texts); d != "" {
		t.Errorf("notes (-want +got):\n%s", d)
	}
}

// Everybody is in studio-a, made by us, and bob stays.
func TestWhoLeft(t *testing.T) {
	begin := source(account("ann"), account("bob"), adGroup("studio-a", "ann", "bob"))
	adopted := func(w *world) {
		r := w.records["user ann"]
		r.Made = false
		w.record(r)
	}
	for _, c := range []struct {
		name   string
		now    directory.Source
		before func(*world)
		policy directory.Policy
		want   []string
	}{
		{"disabled, and still a member", source(account("ann", disabled), account("bob"), adGroup("studio-a", "ann", "bob")), nil, policy(),
			[]string{"removeMember ann studio-a (disabled)", "disableUser ann (disabled)"}},
		{"expired this moment", source(account("ann", expires(noon)), account("bob"), adGroup("studio-a", "ann", "bob")), nil, policy(),
			[]string{"removeMember ann studio-a (expired)", "disableUser ann (expired)"}},
		{"expires later", source(account("ann", expires(noon.Add(1))), account("bob"), adGroup("studio-a", "ann", "bob")), nil, policy(), nil},
		{"gone, and with it the membership", source(account("bob"), adGroup("studio-a", "bob")), nil, policy(),
			[]string{"removeMember ann studio-a (absent)", "disableUser ann (absent)"}},
		{"gone, and the group was not touched", source(account("bob"), adGroup("studio-a", "ann", "bob")), nil, policy(),
			[]string{"removeMember ann studio-a (absent)", "disableUser ann (absent)", "note outside"}},
		{"in no group", source(account("ann"), account("bob"), adGroup("studio-a", "bob")), nil, policy(),
			[]string{"removeMember ann studio-a (no-group)", "disableUser ann (no-group)"}},
		{"in no group, but adopted", source(account("ann"), account("bob"), adGroup("studio-a", "bob")), adopted, policy(),
			[]string{"removeMember ann studio-a (no-group)"}},
		{"adopted and disabled", source(account("ann", disabled), account("bob"), adGroup("studio-a", "bob")), adopted, policy(),
			[]string{"removeMember ann studio-a (disabled)", "disableUser ann (disabled)"}},
		{"in another group", source(account("ann"), account("bob"), adGroup("studio-a", "bob"), adGroup("studio-b", "ann")), nil, policy(),
			[]string{"removeMember ann studio-a (not-member)", "createGroup studio-b (new)", "addMember ann studio-b (member)"}},
		{"no way to disable", source(account("ann", disabled), account("bob"), adGroup("studio-a", "bob")), nil, policy(withoutDisabling),
			[]string{"removeMember ann studio-a (disabled)"}},
		{"deleted and made again: somebody else", source(account("ann2", userName("ann@corp.example")), account("bob"), adGroup("studio-a", "ann2", "bob")), nil, policy(adopting(directory.AdoptEmail)),
			[]string{"removeMember ann studio-a (absent)", "disableUser ann (absent)", "conflict ann2 (user-name-taken)"}},
		{"disabled and renamed, to make room for another", source(account("ann", disabled, userName("old-ann"), email("old")), account("ann2", userName("ann@corp.example")), account("bob"), adGroup("studio-a", "ann2", "bob")), nil, policy(),
			[]string{"removeMember ann studio-a (disabled)", "disableUser ann (disabled)", "updateUser ann (user-name, email)", "createUser ann2 (member)", "addMember ann2 studio-a (member)"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := synced(t, begin)
			if c.before != nil {
				c.before(w)
			}
			got := directory.Compare(c.now, w.target(), c.policy)
			expect(t, got, c.want...)
			if want := min(1, strings.Count(strings.Join(c.want, " "), "removeMember")); got.Leavers != want || got.Carried != 2 {
				t.Errorf("%d leavers of %d, want %d of 2", got.Leavers, got.Carried, want)
			}
			w.sync(t, c.now, c.policy)
		})
	}
}

func TestWhoLeftIsDeletedLate(t *testing.T) {
	here := source(account("ann"), account("bob"), adGroup("studio-a", "ann", "bob"))
	gone := source(account("bob"), adGroup("studio-a", "bob"))
	w := synced(t, here)
	w.sync(t, gone, policy())
	if r := w.records["user ann"]; !r.Left.Equal(noon) {
		t.Fatalf("the record is %+v", r)
	}
	late := policy(after(168 * time.Hour))
	set := func(edit func(*world)) directory.Target {
		c := w.clone()
		edit(c)
		return c.target()
	}
	expect(t, directory.Compare(gone, w.target(), policy(after(168*time.Hour-1))))
	expect(t, directory.Compare(gone, w.target(), late), "deleteUser ann (absent, grace-over)")
	expect(t, directory.Compare(gone, set(func(w *world) { r := w.records["user ann"]; r.Made = false; w.record(r) }), late))
	enabledByHand := set(func(w *world) { p := w.users["made-001"]; p.Disabled = false; w.user(p) })
	expect(t, directory.Compare(gone, enabledByHand, late), "disableUser ann (absent)")
	expect(t, directory.Compare(gone, enabledByHand, policy(after(168*time.Hour), withoutDisabling)), "deleteUser ann (absent, grace-over)")
	member := set(func(w *world) { w.members["made-003"]["made-001"] = true })
	expect(t, directory.Compare(gone, member, late), "removeMember ann studio-a (absent)")
	w.sync(t, gone, late)
	if _, found := w.records["user ann"]; found || len(w.users) != 1 {
		t.Errorf("left over: %v, %v", w.users, w.records)
	}
}

func TestWhoComesBackHasEverythingAgain(t *testing.T) {
	here := source(account("ann"), account("bob"), adGroup("studio-a", "ann", "bob"))
	w := synced(t, here)
	w.sync(t, source(account("ann", disabled), account("bob"), adGroup("studio-a", "ann", "bob")), policy())
	back := policy(after(999 * time.Hour))
	got := directory.Compare(here, w.target(), back)
	expect(t, got, "enableUser ann (back)", "addMember ann studio-a (member)")
	if len(got.Records) != 1 || !got.Records[0].Left.IsZero() || got.Records[0].ID != "made-001" || got.Carried != 1 {
		t.Errorf("records %+v, %d carried", got.Records, got.Carried)
	}
	expect(t, directory.Compare(here, w.target(), policy(withoutDisabling)), "addMember ann studio-a (member)", "conflict ann (cannot-enable)")
	w.sync(t, here, back)

	p := w.users["made-001"]
	p.Disabled = true
	expect(t, directory.Compare(here, w.user(p).target(), back), "enableUser ann (enabled)")
}

func TestSomebodyAdoptedIsEnabledAgainInNoGroup(t *testing.T) {
	ann := directory.Person{ID: "1", ExternalID: "ann", UserName: "ann@corp.example", Disabled: true}
	w := newWorld().user(ann).record(directory.Record{Kind: directory.UserObject, GUID: "ann", ID: "1", Name: ann.UserName, Left: noon})
	s := source(account("ann"), adGroup("studio-a"))
	expect(t, directory.Compare(s, w.target(), policy()), "enableUser ann (back)", "createGroup studio-a (new)")
	w.sync(t, s, policy())
	if r := w.records["user ann"]; !r.Left.IsZero() || w.users["1"].Disabled {
		t.Errorf("%+v, %+v", r, w.users["1"])
	}
}

func TestAnEmptySourceStopsEverything(t *testing.T) {
	full := source(account("ann"), adGroup("studio-a", "ann"))
	target := synced(t, full).target()
	for _, c := range []struct {
		name string
		s    directory.Source
		want []string
	}{
		{"nothing", source(), []string{"stop no-users", "stop no-groups"}},
		{"no users", source(adGroup("studio-a", "ann")), []string{"stop no-users"}},
		{"no groups", source(account("ann")), []string{"stop no-groups"}},
		{"no carried group", source(account("ann"), adGroup("others", "ann")), []string{"stop no-carried-group"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			got := directory.Compare(c.s, target, policy(after(999*time.Hour), accepted))
			expect(t, got, c.want...)
			if len(got.Changes)+len(got.Records)+len(got.Forget) > 0 || got.Carried != 1 {
				t.Errorf("%+v", got)
			}
		})
	}
}
