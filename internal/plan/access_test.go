package plan_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"studiokeeper/internal/plan"
	"studiokeeper/internal/studio"
)

// source is a world with alice in group a, and her profile as it should be.
func source(edits ...func(*plan.AccessSource)) plan.AccessSource {
	s := plan.AccessSource{
		Deployment: "prod", StoreID: store, Made: noon,
		World: plan.World{
			Users:   []studio.User{alice},
			Members: map[string][]string{"g-a": {alice.ID}}, Unread: map[string]string{},
			Domains: []plan.DomainView{{Policy: policy(), Rows: []studio.Row{*row("a", roleA, 100)}, Profiles: glances(profile())}},
		},
		Groups:   map[string]string{"g-a": "a", "g-b": "b"},
		Verified: map[string]map[string]time.Time{"research": {studio.ProfileName(store, alice): noon.Add(-time.Hour)}},
		Defaults: map[string]string{"research": account + "default"},
		Known:    map[string]map[string]plan.KnownRole{"research": {alice.ID: {Role: roleA, Since: noon.Add(-48 * time.Hour)}}},
		Holds:    map[string]map[string]plan.Hold{},
	}
	for _, edit := range edits {
		edit(&s)
	}
	return s
}

func profiles(all ...studio.Profile) func(*plan.AccessSource) {
	return func(s *plan.AccessSource) { s.World.Domains[0].Profiles = glances(all...) }
}

func nobodyIn(s *plan.AccessSource) { s.World.Members = nil }

func rows(all ...*studio.Row) func(*plan.AccessSource) {
	return func(s *plan.AccessSource) {
		s.World.Domains[0].Rows = nil
		for _, r := range all {
			s.World.Domains[0].Rows = append(s.World.Domains[0].Rows, *r)
			s.World.Members[r.GroupID] = []string{alice.ID}
		}
	}
}

func TestAccessOfAPersonAsItShouldBe(t *testing.T) {
	got := source().Report()
	want := []plan.Access{{
		Domain: "research", DomainID: "d-abcdefghijkl", UserID: alice.ID, UserName: alice.UserName, UserStatus: "ENABLED",
		Profile: studio.ProfileName(store, alice), ProfileStatus: "InService", SSOUser: alice.UserName,
		Role: roleA, MappedRole: roleA, Group: "a", GroupID: "g-a", Row: "row of a",
		Since: noon.Add(-48 * time.Hour), Verified: noon.Add(-time.Hour), Standing: plan.AccessEntitled,
		Reasons: []plan.Reason{{Code: "row", Text: "group a gives it at priority 100 (row of a)"}},
	}}
	if d := cmp.Diff(want, got.Access); d != "" {
		t.Errorf("access (-want +got):\n%s", d)
	}
	if !got.Complete || len(got.Problems) > 0 || got.Domains[0].Profiles != 1 {
		t.Errorf("complete %v, problems %v, domains %v", got.Complete, got.Problems, got.Domains)
	}
}

// Each case has one line, which ends in "standing | role now | remark".
func TestStandings(t *testing.T) {
	hand := studio.Profile{Name: "alice-471", Status: studio.InService, SSOUser: alice.UserName}
	held := func(h plan.Hold) func(*plan.AccessSource) {
		return func(s *plan.AccessSource) {
			s.Holds["research"] = map[string]plan.Hold{alice.ID: h}
		}
	}
	since := tag(studio.TagLeaving, "2026-03-01T12:00:00Z")
	powerless := func(p *studio.Profile) {
		p.Role, p.Tags[studio.TagApplied] = quarantine, studio.Digest(quarantine, "")
	}
	for _, c := range []struct {
		what    string
		edits   []func(*plan.AccessSource)
		want    string
		problem string // severity and code; "" for none
	}{
		{"no profile yet", edits(profiles()), "entitled |  | there is no profile yet", ""},
		{"another role", edits(profiles(profile(role(roleB)))), "entitled | studio/b | it is to get the role " + roleA, ""},
		{"to be adopted", edits(profiles(hand)), "unmanaged | default | somebody else made it, and no deployment manages it; it is to be taken over; it is to get the role " + roleA, "note unmanaged"},
		{"not to be adopted", edits(profiles(studio.Profile{Name: "alice-471", Status: studio.InService, SSOUser: alice.UserName, Role: roleB})),
			"conflict | studio/b | alice-471 was made by somebody else with the role " + roleB + "; adopt: all would take it over", "decide has-role"},
		{"nobody's, of nobody entitled", edits(profiles(hand), nobodyIn), "unmanaged | default | somebody else made it, and no deployment manages it", "note unmanaged"},
		{"another deployment's", edits(profiles(profile(tag(studio.TagDeployment, "test"))), nobodyIn), `foreign | studio/a | it belongs to the deployment "test"`, "note foreign"},
		{"another deployment's, in the way", edits(profiles(profile(tag(studio.TagDeployment, "test")))),
			`foreign | studio/a | ` + studio.ProfileName(store, alice) + ` belongs to the deployment "test"; list it under formerly to take it over`, "note foreign"},
		{"about to leave", edits(nobodyIn), "leaving | studio/a | alice@example.com is in no group that has a row for research; the offboarding has not begun yet; the role is still to be taken away", ""},
		{"on the way out", edits(nobodyIn, profiles(profile(since, powerless))), "leaving since 2026-03-01 until 2026-03-08 | quarantine | alice@example.com is in no group that has a row for research", ""},
		{"held", edits(nobodyIn, held(plan.Hold{At: noon, Reason: "over the limit"})),
			"held | studio/a | alice@example.com is in no group that has a row for research; the removal is held since 2026-03-02T12:00:00Z: over the limit", "note held"},
		{"rejected", edits(nobodyIn, held(plan.Hold{At: noon, Rejected: true, Until: noon.Add(720 * time.Hour), Reason: "on leave"})),
			"held until 2026-04-01 | studio/a | alice@example.com is in no group that has a row for research; a person rejected the removal until 2026-04-01T12:00:00Z: on leave", "note held"},
		{"held long ago, and entitled again", edits(held(plan.Hold{At: noon})), "entitled | studio/a | ", ""},
		{"tied", edits(rows(row("a", roleA, 100), row("b", roleB, 100))),
			"tied | studio/a | group a gives " + roleA + " at priority 100 (row of a); group b gives " + roleB + " at priority 100 (row of b); no role is given while groups of the same priority disagree; give one row a higher priority", "decide tie"},
		{"a row that cannot be relied on", edits(rows(row("a", roleA, 100), unreadable(row("b", roleB, 200)))),
			"unreadable | studio/a | group b (row of b): broken; nothing is changed until it can be read", "unread unreadable-row"},
		{"a group that cannot be listed is told where it was tried", edits(func(s *plan.AccessSource) { s.World.Unread["g-a"] = "access denied" }),
			"unreadable | studio/a | group a (row of a): access denied; nothing is changed until it can be read", ""},
		{"not described", edits(profiles(profile(status("")))), "unreadable |  | group a gives it at priority 100 (row of a); " + studio.ProfileName(store, alice) + " was not described yet; a look at its user does", ""},
		{"its tags were removed", edits(nobodyIn, profiles(profile(untagged)), func(s *plan.AccessSource) {
			s.World.Domains[0].Remembered = map[string]string{alice.ID: studio.ProfileName(store, alice)}
		}), "conflict | studio/a | " + studio.ProfileName(store, alice) + " was managed, and its tags were removed; it keeps the role " + roleA + " until somebody tags or deletes it", "decide tags-removed"},
		{"its tags were removed, and the user is gone", edits(func(s *plan.AccessSource) {
			s.World.Users = []studio.User{{ID: "u-bob", UserName: "bob@example.com", Status: studio.Enabled}}
			s.World.Domains[0].Remembered = map[string]string{alice.ID: studio.ProfileName(store, alice)}
		}, profiles(profile(untagged))), "conflict | studio/a | " + studio.ProfileName(store, alice) + " was managed, and its tags were removed; it keeps the role " + roleA + " until somebody tags or deletes it", "decide tags-removed"},
		{"protected", edits(nobodyIn, func(s *plan.AccessSource) { s.World.Domains[0].Policy.Protected = []string{alice.ID} }),
			"conflict | studio/a | alice@example.com is protected, and is not offboarded", "decide protected"},
		{"renamed", edits(profiles(profile(func(p *studio.Profile) { p.SSOUser = "al@example.com" }))), "entitled | studio/a | it was made for the UserName al@example.com: only deleting and making it again changes that, and its files would be left without an owner", ""},
		{"of a user whom the store does not have", edits(nobodyIn, profiles(studio.Profile{Name: "x", Status: studio.InService, SSOUser: "gone@example.com", Role: roleB})),
			"unmanaged | studio/b | somebody else made it, and no deployment manages it; the identity store has no gone@example.com, whom it was made for", "note unmanaged"},
		{"ours, and nobody's", edits(nobodyIn, profiles(studio.Profile{Name: "x", Status: studio.InService, Tags: map[string]string{studio.TagDeployment: "prod"}})),
			"conflict | default | x carries our deployment tag without studiokeeper:user-id; set the tag or delete the profile", "decide no-user-id"},
		{"at work", edits(profiles(profile(status(studio.Updating)))), "entitled | studio/a | SageMaker has the profile in Updating", ""},
		{"a store that lists nobody", edits(func(s *plan.AccessSource) { s.World.Users = nil }),
			"unreadable | studio/a | the identity store lists no users at all, which is taken for a failed read", "unread empty-store"},
	} {
		t.Run(c.what, func(t *testing.T) {
			r := source(c.edits...).Report()
			if len(r.Access) != 1 {
				t.Fatalf("%d lines: %v", len(r.Access), r.Access)
			}
			if got := inShort(r.Access[0]); got != c.want {
				t.Errorf("got  %s\nwant %s", got, c.want)
			}
			var problems []string
			for _, p := range r.Problems {
				problems = append(problems, string(p.Severity)+" "+p.Code)
			}
			if got := strings.Join(problems, ", "); got != c.problem {
				t.Errorf("problems %q, want %q", got, c.problem)
			}
		})
	}
}

func edits(all ...func(*plan.AccessSource)) []func(*plan.AccessSource) { return all }

func unreadable(r *studio.Row) *studio.Row {
	r.Unreadable = "broken"
	return r
}

func inShort(a plan.Access) string {
	standing := string(a.Standing)
	if !a.LeavingSince.IsZero() {
		standing += " since " + a.LeavingSince.Format(time.DateOnly)
	}
	if !a.Until.IsZero() {
		standing += " until " + a.Until.Format(time.DateOnly)
	}
	return standing + " | " + strings.TrimPrefix(a.Role, account) + " | " + a.Remark
}

// Since is not said of a role that is not the one remembered.
func TestSinceIsOfTheRoleThatIsThere(t *testing.T) {
	r := source(func(s *plan.AccessSource) { s.Known["research"][alice.ID] = plan.KnownRole{Role: roleB, Since: noon} }).Report()
	if !r.Access[0].Since.IsZero() {
		t.Errorf("since %v", r.Access[0].Since)
	}
}

// Who leaves is shown with the group that gave the role, and with no row.
func TestLeaverIsShownWithTheGroupThatGaveTheRole(t *testing.T) {
	a := source(nobodyIn).Report().Access[0]
	if a.Group != "a" || a.GroupID != "g-a" || a.Row != "" || a.MappedRole != "" {
		t.Errorf("group %q (%s), row %q, mapped role %q", a.Group, a.GroupID, a.Row, a.MappedRole)
	}
}

func TestReportNarrowed(t *testing.T) {
	bob := studio.User{ID: "u-bob", UserName: "bob@example.com", Status: studio.Enabled}
	two := func(s *plan.AccessSource) {
		s.World.Users = append(s.World.Users, bob)
		s.World.Domains[0].Rows = append(s.World.Domains[0].Rows, *row("b", roleB, 100))
		s.World.Members["g-b"] = []string{bob.ID}
		s.World.Domains[0].Profiles = append(s.World.Domains[0].Profiles, studio.Glance{Name: "hand", Status: studio.InService, SSOUser: "x@example.com", Role: account + "hand"})
	}
	for what, c := range map[string]struct {
		only plan.AccessFilter
		want []string
	}{
		"not at all":          {plan.AccessFilter{}, []string{"alice@example.com", "bob@example.com", "x@example.com"}},
		"to a UserName":       {plan.AccessFilter{User: "bob@example.com"}, []string{"bob@example.com"}},
		"to an id":            {plan.AccessFilter{User: "u-alice"}, []string{"alice@example.com"}},
		"to an SSO user":      {plan.AccessFilter{User: "x@example.com"}, []string{"x@example.com"}},
		"to a role":           {plan.AccessFilter{Role: roleA}, []string{"alice@example.com"}},
		"to a role by name":   {plan.AccessFilter{Role: "hand"}, []string{"x@example.com"}},
		"to a role to be got": {plan.AccessFilter{Role: "studio/b"}, []string{"bob@example.com"}},
		"to half a name":      {plan.AccessFilter{Role: "and"}, nil},
	} {
		r := source(two, func(s *plan.AccessSource) { s.Only = c.only }).Report()
		var got []string
		for _, a := range r.Access {
			got = append(got, a.Label())
		}
		if d := cmp.Diff(c.want, got); d != "" {
			t.Errorf("narrowed %s (-want +got):\n%s", what, d)
		}
		if r.Domains[0].Profiles != 2 {
			t.Errorf("narrowed %s: the domain has %d profiles", what, r.Domains[0].Profiles)
		}
	}
}

func TestRolesAreCountedByDomain(t *testing.T) {
	r := plan.AccessReport{Access: []plan.Access{
		{Domain: "b", Role: "x", Standing: plan.AccessEntitled}, {Domain: "a", Role: "x", Standing: plan.AccessEntitled},
		{Domain: "a", Role: "y", Standing: plan.AccessEntitled}, {Domain: "a", Role: "y", Standing: plan.AccessHeld},
	}}
	var got []string
	for _, c := range r.Roles() {
		got = append(got, fmt.Sprint(c.Domain, c.Role, c.People, c.ByStanding))
	}
	want := []string{"ay2 map[entitled:1 held:1]", "ax1 map[entitled:1]", "bx1 map[entitled:1]"}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
}

// Whatever collides: every profile has exactly one line, everybody entitled has
// one, and the order of what was read has no influence.
func TestEveryProfileHasOneLine(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		w := drawWorld(t)
		s := plan.AccessSource{Deployment: "prod", StoreID: store, Made: noon, World: w.World, Defaults: map[string]string{"research": account + "default"}}
		s.World.Domains[0].Profiles = glances(w.profiles...)
		r := s.Report()
		lines := map[string]int{}
		entitled := map[string]bool{}
		for _, a := range r.Access {
			if a.Profile != "" {
				lines[a.Profile]++
			}
			entitled[a.UserID] = entitled[a.UserID] || a.MappedRole != ""
		}
		names := map[string]bool{}
		for _, p := range s.World.Domains[0].Profiles {
			names[p.Name] = true
			if lines[p.Name] != 1 {
				t.Errorf("profile %s has %d lines", p.Name, lines[p.Name])
			}
		}
		for _, one := range s.World.Decide() {
			if one.Verdict.Standing == plan.Entitled && !entitled[one.Person.User.ID] {
				t.Errorf("%s is entitled, and has no line that says so", one.Person.User.ID)
			}
		}
		slices.Reverse(s.World.Domains[0].Profiles)
		slices.Reverse(s.World.Domains[0].Rows)
		if d := cmp.Diff(r, s.Report()); d != "" {
			t.Errorf("in another order (-want +got):\n%s", d)
		}
	})
}
