package plan_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"studiokeeper/internal/plan"
	"studiokeeper/internal/studio"
)

// testWorld is a world whose one domain has profiles that can be changed.
type testWorld struct {
	plan.World
	profiles []studio.Profile
}

func (w testWorld) plan() []plan.Change {
	v := w.World
	v.Domains = slices.Clone(w.Domains)
	v.Domains[0].Profiles = glances(w.profiles...)
	return v.Plan()
}

func glances(profiles ...studio.Profile) []studio.Glance {
	var out []studio.Glance
	for _, p := range profiles {
		out = append(out, studio.GlanceOf(p))
	}
	return out
}

// drawWorld makes a small world in which names, roles and tags collide often.
func drawWorld(t *rapid.T) testWorld {
	w := testWorld{World: plan.World{Members: map[string][]string{}, Unread: map[string]string{}}}
	for i := range rapid.IntRange(1, 5).Draw(t, "users") {
		w.Users = append(w.Users, studio.User{
			ID: fmt.Sprintf("u-%d", i), UserName: fmt.Sprintf("user%d@example.com", i),
			Status: rapid.SampledFrom([]studio.UserStatus{studio.Enabled, studio.Enabled, studio.Enabled, studio.Disabled}).Draw(t, "status"),
		})
	}
	view := plan.DomainView{Policy: policy(func(p *plan.Policy) {
		p.Domain.Adopt = rapid.SampledFrom([]studio.Adopt{studio.AdoptUnset, studio.AdoptAll, studio.AdoptNone}).Draw(t, "adopt")
	})}
	for _, name := range []string{"a", "b", "c"} {
		r := row(name, account+"studio/"+rapid.SampledFrom([]string{"x", "y"}).Draw(t, "role"), rapid.IntRange(1, 3).Draw(t, "priority"))
		if rapid.IntRange(0, 9).Draw(t, "broken") == 0 {
			r.Unreadable = "broken"
		}
		view.Rows = append(view.Rows, *r)
		for _, u := range w.Users {
			if rapid.Bool().Draw(t, "member") {
				w.Members[r.GroupID] = append(w.Members[r.GroupID], u.ID)
			}
		}
		if rapid.IntRange(0, 9).Draw(t, "unread") == 0 {
			w.Unread[r.GroupID] = "access denied"
		}
	}
	w.profiles = drawProfiles(t, w.World)
	w.Domains = []plan.DomainView{view}
	return w
}

// drawProfiles keeps SageMaker's own rule: one profile per SSO user.
func drawProfiles(t *rapid.T, w plan.World) []studio.Profile {
	var out []studio.Profile
	for i, u := range w.Users {
		if rapid.Bool().Draw(t, "has none") {
			continue
		}
		p := studio.Profile{
			Name:    rapid.SampledFrom([]string{studio.ProfileName(store, u), fmt.Sprintf("made-%d", i)}).Draw(t, "name"),
			Status:  rapid.SampledFrom([]studio.ProfileStatus{studio.InService, studio.InService, studio.InService, studio.UpdateFailed}).Draw(t, "state"),
			SSOUser: u.UserName,
			Role:    rapid.SampledFrom([]string{"", account + "studio/x", account + "studio/y", quarantine}).Draw(t, "has role"),
			Tags:    map[string]string{},
		}
		if owner := rapid.SampledFrom([]string{"", "prod", "prod", "pilot", "test"}).Draw(t, "owner"); owner != "" {
			p.Tags[studio.TagDeployment] = owner
			p.Tags[studio.TagUserID] = rapid.SampledFrom([]string{u.ID, u.ID, "u-0", "u-gone"}).Draw(t, "tagged user")
		}
		if rapid.IntRange(0, 4).Draw(t, "leaving") == 0 {
			p.Tags[studio.TagLeaving] = rapid.SampledFrom([]string{"2026-03-01T00:00:00Z", "2026-01-01T00:00:00Z"}).Draw(t, "since")
		}
		out = append(out, p)
	}
	return out
}

// carryOut does what the changes say, as an executor without failures would.
func carryOut(t *rapid.T, w *testWorld, changes []plan.Change) {
	for _, c := range changes {
		at := slices.IndexFunc(w.profiles, func(p studio.Profile) bool { return p.Name == c.Profile })
		switch c.Kind {
		case plan.Create:
			if at >= 0 {
				t.Fatalf("%s is made although it exists", c.Profile)
			}
			w.profiles = append(w.profiles, studio.Profile{
				Name: c.Profile, Status: studio.InService, SSOUser: c.UserName, Role: c.After.Role, Settings: c.After.Settings, Tags: c.After.Tags,
			})
		case plan.Adopt, plan.Tag, plan.Return:
			w.profiles[at].Tags = c.After.Tags
		case plan.Update:
			p := &w.profiles[at]
			p.Role, p.Settings, p.Tags, p.Status = c.After.Role, c.After.Settings, c.After.Tags, studio.InService
		case plan.Quarantine:
			p := &w.profiles[at]
			p.Role, p.Tags, p.Status = c.After.Role, c.After.Tags, studio.InService
		case plan.Revoke:
			w.profiles[at].Tags = c.After.Tags
		case plan.Delete:
			w.profiles = slices.Delete(w.profiles, at, at+1)
		}
	}
}

func TestPlanningAgainAfterApplyingGivesNothing(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		w := drawWorld(t)
		// What was in the way of a step may be gone after the first plan, for
		// example a profile that was deleted: then the second plan goes on.
		for range 3 {
			carryOut(t, &w, w.plan())
		}
		for _, c := range w.plan() {
			if !c.Kind.Reports() {
				t.Errorf("still wants to %s %s", c.Kind, c.Profile)
			}
		}
	})
}

func TestOrderOfInputNeverMatters(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		w := drawWorld(t)
		want := w.plan()
		v := w
		v.Users = rapid.Permutation(w.Users).Draw(t, "users' order")
		v.Domains = slices.Clone(w.Domains)
		v.Domains[0].Rows = rapid.Permutation(w.Domains[0].Rows).Draw(t, "rows' order")
		v.profiles = rapid.Permutation(w.profiles).Draw(t, "profiles' order")
		v.Members = map[string][]string{}
		for id, members := range w.Members {
			v.Members[id] = rapid.Permutation(members).Draw(t, "members' order")
		}
		if d := cmp.Diff(want, v.plan()); d != "" {
			t.Error(d)
		}
	})
}

func TestPlanNeverTouchesWhatWeDoNotOwn(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		w := drawWorld(t)
		for _, c := range w.plan() {
			if c.Kind.Reports() {
				continue
			}
			for _, p := range w.profiles {
				if p.Name != c.Profile {
					continue
				}
				owner := p.Owner("prod", []string{"pilot"})
				if owner == studio.Foreign {
					t.Errorf("wants to %s %s, which belongs to another deployment", c.Kind, p.Name)
				}
				if owner == studio.Nobody && (c.Kind.Removes() || w.Domains[0].Policy.Domain.Adopt == studio.AdoptNone) {
					t.Errorf("wants to %s %s, which nobody manages", c.Kind, p.Name)
				}
			}
		}
	})
}

func TestNobodyIsGivenARoleWithoutTheirOwnReadableRow(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		w := drawWorld(t)
		for _, c := range w.plan() {
			if c.After == nil || c.Kind.Removes() || c.Before != nil && c.Before.Role == c.After.Role || c.After.Role == quarantine {
				continue
			}
			gives := slices.ContainsFunc(w.Domains[0].Rows, func(r studio.Row) bool {
				return r.Role == c.After.Role && r.Unreadable == "" && w.Unread[r.GroupID] == "" && slices.Contains(w.Members[r.GroupID], c.UserID)
			})
			if !gives {
				t.Errorf("%s gives %s to %s, whom no row gives it", c.Kind, c.After.Role, c.UserID)
			}
		}
	})
}

func TestEmptyStoreRemovesNobody(t *testing.T) {
	w := plan.World{Domains: []plan.DomainView{{Policy: policy(), Profiles: glances(profile())}}}
	if got := steps(w.Plan()); len(got) != 1 || got[0] != "unreadable: empty-store" {
		t.Errorf("planned %v", got)
	}
}

func TestLostGroupHoldsThoseWhoHadARoleThroughIt(t *testing.T) {
	for what, edit := range map[string]func(*studio.Row){
		"gone":        func(r *studio.Row) { r.Vanished = true },
		"never found": func(r *studio.Row) { r.GroupID = "" },
	} {
		t.Run(what, func(t *testing.T) {
			lost := row("a", roleA, 100)
			edit(lost)
			lost.Unreadable = "the group is not there"
			w := plan.World{
				Users:   []studio.User{alice, {ID: "u-bob", UserName: "bob@example.com", Status: studio.Enabled}},
				Members: map[string][]string{"g-low": {"u-bob"}},
				Domains: []plan.DomainView{{Policy: policy(), Rows: []studio.Row{*lost, *row("low", roleB, 1)}, Profiles: glances(profile())}},
			}
			got := strings.Join(steps(w.Plan()), "; ")
			if !strings.HasPrefix(got, "unreadable: held; create bob-example-com-") {
				t.Errorf("planned %s", got)
			}
		})
	}
}

// A group that got another name is still read: whoever is in it is not given what ranks lower meanwhile, as a
// look at them alone would not.
func TestMembersOfARenamedGroupWaitForItsRow(t *testing.T) {
	renamed := row("a", roleA, 100)
	renamed.Vanished, renamed.Unreadable = true, "the identity store has no group with this display name any more"
	w := plan.World{
		Users:   []studio.User{alice},
		Members: map[string][]string{"g-a": {alice.ID}, "g-low": {alice.ID}},
		Domains: []plan.DomainView{{Policy: policy(), Rows: []studio.Row{*renamed, *row("low", roleB, 1)}}},
	}
	if got := strings.Join(steps(w.Plan()), "; "); got != "unreadable: held" {
		t.Errorf("planned %s", got)
	}
}

// BenchmarkPlan decides about 100,000 users with 1,000,000 memberships.
func BenchmarkPlan(b *testing.B) {
	const users, groups, each = 100_000, 200, 10
	w := plan.World{Members: map[string][]string{}}
	view := plan.DomainView{Policy: policy()}
	for g := range groups {
		view.Rows = append(view.Rows, *row(fmt.Sprintf("group-%d", g), roleA, g))
	}
	for u := range users {
		id := fmt.Sprintf("u-%06d", u)
		w.Users = append(w.Users, studio.User{ID: id, UserName: fmt.Sprintf("user%d@example.com", u), Status: studio.Enabled})
		for m := range each {
			g := view.Rows[(u*7+m*19)%groups].GroupID
			w.Members[g] = append(w.Members[g], id)
		}
	}
	w.Domains = []plan.DomainView{view}
	b.ReportAllocs()
	for b.Loop() {
		if n := len(w.Plan()); n != users {
			b.Fatalf("%d changes", n)
		}
	}
	b.ReportMetric(users*each, "memberships")
}
