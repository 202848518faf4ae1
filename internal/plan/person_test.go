package plan_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"studiokeeper/internal/plan"
	"studiokeeper/internal/studio"
)

const (
	store      = "d-906716eb24"
	account    = "arn:aws:iam::111122223333:role/"
	quarantine = account + "quarantine"
	roleA      = account + "studio/a"
	roleB      = account + "studio/b"
)

var (
	noon  = time.Date(2026, 3, 2, 12, 0, 0, 0, time.UTC)
	alice = studio.User{ID: "u-alice", UserName: "alice@example.com", Status: studio.Enabled}
)

func policy(edits ...func(*plan.Policy)) plan.Policy {
	p := plan.Policy{
		Deployment: "prod", Formerly: []string{"pilot"}, StoreID: store, Quarantine: quarantine, Grace: 168 * time.Hour, Now: noon,
		Domain: studio.Domain{Name: "research", ID: "d-abcdefghijkl", Adopt: studio.AdoptUnset},
	}
	for _, edit := range edits {
		edit(&p)
	}
	return p
}

func row(group, role string, priority int) *studio.Row {
	return &studio.Row{
		Group: studio.GroupRef{Name: group}, GroupID: "g-" + group, Domain: "research", Role: role, Priority: priority,
		Source: "row of " + group,
	}
}

func in(rows ...*studio.Row) []plan.Match {
	var out []plan.Match
	for _, r := range rows {
		out = append(out, plan.Match{Row: r})
	}
	return out
}

// profile is alice's, managed, as a winning row a would leave it.
func profile(edits ...func(*studio.Profile)) studio.Profile {
	p := studio.Profile{
		Name: studio.ProfileName(store, alice), Status: studio.InService, SSOUser: alice.UserName, Role: roleA,
		Tags: map[string]string{
			studio.TagDeployment: "prod", studio.TagUserID: alice.ID, studio.TagGroup: "g-a", studio.TagApplied: studio.Digest(roleA, ""),
		},
	}
	for _, edit := range edits {
		edit(&p)
	}
	return p
}

// powerless is a profile as a finished quarantine leaves it.
func powerless(p *studio.Profile) {
	p.Role = quarantine
	p.Tags[studio.TagApplied] = studio.Digest(quarantine, "")
}

func tag(key, value string) func(*studio.Profile) {
	return func(p *studio.Profile) { p.Tags[key] = value }
}

func untagged(p *studio.Profile) { p.Tags = nil }

func status(s studio.ProfileStatus) func(*studio.Profile) {
	return func(p *studio.Profile) { p.Status = s }
}

func role(arn string) func(*studio.Profile) {
	return func(p *studio.Profile) { p.Role = arn }
}

func configured(s studio.Settings) func(*studio.Profile) {
	return func(p *studio.Profile) { p.Settings = s }
}

func madeFor(userName string) func(*studio.Profile) {
	return func(p *studio.Profile) { p.SSOUser = userName }
}

func named(name string) func(*studio.Profile) {
	return func(p *studio.Profile) { p.Name = name }
}

// steps shows changes as "kind profile → role", with the code of a report's
// last reason.
func steps(changes []plan.Change) []string {
	var out []string
	for _, c := range changes {
		s := string(c.Kind)
		if c.Profile != "" && c.Profile != studio.ProfileName(store, alice) {
			s += " " + c.Profile
		}
		if c.After != nil && c.After.Role != "" && c.Kind != plan.Revoke {
			s += " → " + strings.TrimPrefix(c.After.Role, account)
		}
		if c.Kind.Reports() {
			s += ": " + c.Reasons[len(c.Reasons)-1].Code
		}
		out = append(out, s)
	}
	return out
}

func TestPlanForOnePerson(t *testing.T) {
	a, b := row("a", roleA, 100), row("b", roleB, 50)
	tied := row("c", roleB, 100)
	broken := row("x", roleB, 100)
	broken.Unreadable = "role has no ARN"
	disabled, absent := alice, studio.User{ID: alice.ID, Status: studio.Absent}
	disabled.Status = studio.Disabled
	odd := alice
	odd.Status = "SUSPENDED"
	withSettings := row("a", roleA, 100)
	withSettings.Settings = `{"SecurityGroups":["sg-1"]}`
	adopt := func(a studio.Adopt) func(*plan.Policy) { return func(p *plan.Policy) { p.Domain.Adopt = a } }

	for _, c := range []struct {
		name   string
		policy plan.Policy
		person plan.Person
		want   []string
	}{
		{"joins a mapped group: the profile is made", policy(), plan.Person{User: alice, Matches: in(a)}, []string{"create → studio/a"}},
		{"in two groups: the higher priority wins", policy(), plan.Person{User: alice, Matches: in(b, a)}, []string{"create → studio/a"}},
		{"in no group: nothing", policy(), plan.Person{User: alice}, nil},
		{"all as it should be: nothing", policy(), plan.Person{User: alice, Matches: in(a), Profiles: []studio.Profile{profile()}}, nil},
		{"the tags of others are left alone", policy(), plan.Person{User: alice, Matches: in(a), Profiles: []studio.Profile{profile(tag("team", "ml"))}}, nil},
		{"the role was changed by hand: put back", policy(), plan.Person{User: alice, Matches: in(a), Profiles: []studio.Profile{profile(role(roleB))}}, []string{"update → studio/a"}},
		{"left the winning group: the next role", policy(), plan.Person{User: alice, Matches: in(b), Profiles: []studio.Profile{profile()}}, []string{"update → studio/b"}},
		{"settings differ", policy(), plan.Person{User: alice, Matches: in(withSettings), Profiles: []studio.Profile{profile()}}, []string{"update → studio/a"}},
		{"another group gives the same role: only tags", policy(), plan.Person{User: alice, Matches: in(row("z", roleA, 1)), Profiles: []studio.Profile{profile()}}, []string{"tag → studio/a"}},
		{"an update that failed is tried again", policy(), plan.Person{User: alice, Matches: in(a), Profiles: []studio.Profile{profile(status(studio.UpdateFailed))}}, []string{"update → studio/a"}},
		{"still being made: wait", policy(), plan.Person{User: alice, Matches: in(a), Profiles: []studio.Profile{profile(status(studio.Pending))}}, []string{"wait: busy"}},
		{"still being deleted: wait, and make it again then", policy(), plan.Person{User: alice, Matches: in(a), Profiles: []studio.Profile{profile(status(studio.Deleting))}}, []string{"wait: busy"}},
		{"SageMaker failed to make it", policy(), plan.Person{User: alice, Matches: in(a), Profiles: []studio.Profile{profile(status(studio.Failed))}}, []string{"conflict: profile-failed"}},
		{"back during offboarding: the role first, the mark last", policy(), plan.Person{User: alice, Matches: in(a), Profiles: []studio.Profile{profile(role(quarantine), tag(studio.TagLeaving, "2026-03-01T00:00:00Z"))}}, []string{"update → studio/a", "return → studio/a"}},

		{"made at first sign-in: adopted and given the role", policy(), plan.Person{User: alice, Matches: in(a), Profiles: []studio.Profile{profile(untagged, role(""), named("alice-471"))}}, []string{"adopt alice-471", "update alice-471 → studio/a"}},
		{"made by hand with a role: not taken over", policy(), plan.Person{User: alice, Matches: in(a), Profiles: []studio.Profile{profile(untagged, role(roleB), named("by-hand"))}}, []string{"conflict by-hand: has-role"}},
		{"made by hand, adopt all", policy(adopt(studio.AdoptAll)), plan.Person{User: alice, Matches: in(a), Profiles: []studio.Profile{profile(untagged, role(roleB), named("by-hand"))}}, []string{"adopt by-hand → studio/b", "update by-hand → studio/a"}},
		{"made by hand with the right role, adopt all: only tags", policy(adopt(studio.AdoptAll)), plan.Person{User: alice, Matches: in(a), Profiles: []studio.Profile{profile(untagged, named("by-hand"))}}, []string{"adopt by-hand → studio/a"}},
		{"made at first sign-in, adopt none", policy(adopt(studio.AdoptNone)), plan.Person{User: alice, Matches: in(a), Profiles: []studio.Profile{profile(untagged, role(""), named("alice-471"))}}, []string{"conflict alice-471: not-adopted"}},
		{"of a former deployment: taken over", policy(), plan.Person{User: alice, Matches: in(a), Profiles: []studio.Profile{profile(tag(studio.TagDeployment, "pilot"))}}, []string{"adopt → studio/a"}},
		{"of a former deployment with another role: ours first, then changed", policy(), plan.Person{User: alice, Matches: in(b), Profiles: []studio.Profile{profile(tag(studio.TagDeployment, "pilot"))}}, []string{"adopt → studio/a", "update → studio/b"}},
		{"leaving, and may still sign in", policy(), plan.Person{User: alice, Assigned: true, Profiles: []studio.Profile{profile(powerless, tag(studio.TagLeaving, "2026-03-01T12:00:00Z"))}}, []string{"unassign"}},
		{"leaving, a role came back, grace over: powerless first", policy(), plan.Person{User: alice, Profiles: []studio.Profile{profile(tag(studio.TagLeaving, "2026-02-01T12:00:00Z"))}}, []string{"quarantine → quarantine", "delete"}},
		{"of another deployment: a conflict", policy(), plan.Person{User: alice, Matches: in(a), Profiles: []studio.Profile{profile(tag(studio.TagDeployment, "test"))}}, []string{"conflict: foreign"}},
		{"users sign in one by one: assigned after the profile", policy(), plan.Person{User: alice, Matches: in(a), SignIn: true}, []string{"create → studio/a", "assign"}},
		{"the profile is there, the assignment is not", policy(), plan.Person{User: alice, Matches: in(a), SignIn: true, Profiles: []studio.Profile{profile()}}, []string{"assign"}},
		{"nobody is assigned while the profile is in conflict", policy(), plan.Person{User: alice, Matches: in(a), SignIn: true, Profiles: []studio.Profile{profile(tag(studio.TagDeployment, "test"))}}, []string{"conflict: foreign"}},
		{"what an earlier group left is emptied", policy(), plan.Person{User: alice, Matches: in(b), Profiles: []studio.Profile{profile(role(roleB), configured(`{"SecurityGroups":["sg-1"]}`))}}, []string{"update → studio/b"}},
		{"what somebody set by hand is left alone", policy(), plan.Person{User: alice, Matches: in(a), Profiles: []studio.Profile{profile(configured(`{"SecurityGroups":["sg-1"]}`))}}, nil},
		{"unmanaged and in no group: not touched", policy(), plan.Person{User: alice, Profiles: []studio.Profile{profile(untagged)}}, nil},
		{"another deployment's and in no group: not touched", policy(), plan.Person{User: alice, Profiles: []studio.Profile{profile(tag(studio.TagDeployment, "test"))}}, nil},
		{"somebody else's has our name: a conflict", policy(), plan.Person{User: alice, Matches: in(a), Profiles: []studio.Profile{profile(untagged, madeFor("bob@example.com"))}}, []string{"conflict: name-taken"}},
		{"our tag without a user id: a conflict", policy(), plan.Person{User: alice, Matches: in(a), Profiles: []studio.Profile{profile(tag(studio.TagUserID, ""))}}, []string{"conflict: no-user-id"}},
		{"UserName reused: never handed over", policy(), plan.Person{User: alice, Matches: in(a), Profiles: []studio.Profile{profile(tag(studio.TagUserID, "u-old"), named("old-1"))}}, []string{"conflict old-1: name-reused"}},
		{"renamed: the role is kept in step", policy(), plan.Person{User: alice, Matches: in(b), Profiles: []studio.Profile{profile(madeFor("alice.old@example.com"))}}, []string{"update → studio/b"}},
		{"renamed, and somebody else has the old name: quarantine", policy(), plan.Person{User: alice, Matches: in(a), SSOOwners: map[string]string{"alice.old@example.com": "u-new"}, Profiles: []studio.Profile{profile(madeFor("alice.old@example.com"))}}, []string{"conflict: name-reused", "quarantine → quarantine"}},
		{"two profiles with her id: the one made for her name is kept in step", policy(), plan.Person{User: alice, Matches: in(a), Profiles: []studio.Profile{profile(madeFor("old"), named("aaa")), profile(role(roleB))}}, []string{"update → studio/a", "conflict aaa: two-profiles"}},

		{"a tie: nothing is made", policy(), plan.Person{User: alice, Matches: in(a, tied)}, []string{"conflict: tie"}},
		{"a tie: a tied role is kept", policy(), plan.Person{User: alice, Matches: in(a, tied), Profiles: []studio.Profile{profile()}}, []string{"conflict: tie"}},
		{"a tie: any other role goes", policy(), plan.Person{User: alice, Matches: in(a, tied), Profiles: []studio.Profile{profile(role(account + "studio/z"))}}, []string{"conflict: tie", "quarantine → quarantine"}},
		{"a tie below the winner does not matter", policy(), plan.Person{User: alice, Matches: in(row("w", roleA, 200), a, tied)}, []string{"create → studio/a"}},
		{"the same rights twice are no tie", policy(), plan.Person{User: alice, Matches: in(a, row("z", roleA, 100))}, []string{"create → studio/a"}},

		{"an unreadable row of the same priority: nothing", policy(), plan.Person{User: alice, Matches: in(a, broken)}, []string{"unreadable: held"}},
		{"an unreadable group alone removes nobody", policy(), plan.Person{User: alice, Matches: []plan.Match{{Row: b, Doubt: "access denied"}}, Profiles: []studio.Profile{profile()}}, []string{"unreadable: held"}},
		{"an unreadable row that could not win does not matter", policy(), plan.Person{User: alice, Matches: []plan.Match{{Row: a}, {Row: b, Doubt: "access denied"}}}, []string{"create → studio/a"}},
		{"a status nobody knows: nothing", policy(), plan.Person{User: odd, Matches: in(a), Profiles: []studio.Profile{profile()}}, []string{"unreadable: held"}},

		{"left the last group: access is revoked", policy(), plan.Person{User: alice, Profiles: []studio.Profile{profile()}}, []string{"revoke", "quarantine → quarantine"}},
		{"disabled: a tie does not protect", policy(), plan.Person{User: disabled, Matches: in(a, tied), Profiles: []studio.Profile{profile()}}, []string{"revoke", "quarantine → quarantine"}},
		{"deleted: an unreadable group does not protect", policy(), plan.Person{User: absent, Matches: in(broken), Profiles: []studio.Profile{profile()}}, []string{"revoke", "quarantine → quarantine"}},
		{"leaving, in grace: nothing", policy(), plan.Person{User: alice, Profiles: []studio.Profile{profile(powerless, tag(studio.TagLeaving, "2026-03-01T12:00:00Z"))}}, nil},
		{"leaving, and somebody gave a role back: quarantined", policy(), plan.Person{User: alice, Profiles: []studio.Profile{profile(tag(studio.TagLeaving, "2026-03-01T12:00:00Z"))}}, []string{"quarantine → quarantine"}},
		{"leaving, grace over: deleted", policy(), plan.Person{User: alice, Profiles: []studio.Profile{profile(powerless, tag(studio.TagLeaving, "2026-02-23T12:00:00Z"))}}, []string{"delete"}},
		{"leaving, and something may still run with the old role", policy(), plan.Person{User: alice, Profiles: []studio.Profile{profile(role(quarantine), tag(studio.TagLeaving, "2026-03-01T12:00:00Z"))}}, []string{"tag → quarantine"}},
		{"leaving without a grace period: deleted at once", policy(func(p *plan.Policy) { p.Grace, p.Quarantine = 0, "" }), plan.Person{User: alice, Profiles: []studio.Profile{profile()}}, []string{"revoke", "delete"}},
		{"leaving while SageMaker is at work: the mark at once, the role soon", policy(), plan.Person{User: alice, Profiles: []studio.Profile{profile(status(studio.Updating))}}, []string{"revoke", "wait: busy"}},
		{"being deleted: wait", policy(), plan.Person{User: alice, Profiles: []studio.Profile{profile(status(studio.Deleting))}}, []string{"wait: busy"}},
		{"SageMaker could not delete it: again", policy(), plan.Person{User: alice, Profiles: []studio.Profile{profile(powerless, status(studio.DeleteFailed), tag(studio.TagLeaving, "2026-02-01T12:00:00Z"))}}, []string{"delete"}},
		{"leaving, and the tags are gone: left alone, and told", policy(), plan.Person{User: alice, Remembered: "by-hand", Profiles: []studio.Profile{profile(untagged, named("by-hand"))}}, []string{"conflict by-hand: tags-removed"}},
		{"leaving, and the tags are gone: the sign-in that was given goes", policy(), plan.Person{User: alice, Assigned: true, Remembered: "by-hand", Profiles: []studio.Profile{profile(untagged, named("by-hand"))}}, []string{"unassign by-hand", "conflict by-hand: tags-removed"}},
		{"leaving, and the profile was deleted: the sign-in that was given goes", policy(), plan.Person{User: alice, Assigned: true, Remembered: "by-hand"}, []string{"unassign by-hand"}},
		{"leaving, and another deployment has the profile now: the sign-in is to that", policy(), plan.Person{User: alice, Assigned: true, Profiles: []studio.Profile{profile(tag(studio.TagDeployment, "other"))}}, nil},
		{"leaving and protected, and the profile was deleted: the sign-in stays", policy(func(p *plan.Policy) { p.Protected = []string{"alice@example.com"} }), plan.Person{User: alice, Assigned: true, Remembered: "by-hand"}, nil},
		{"a protected person is never offboarded", policy(func(p *plan.Policy) { p.Protected = []string{"alice@example.com"} }), plan.Person{User: disabled, Profiles: []studio.Profile{profile()}}, []string{"conflict: protected"}},
		{"a protected person who was deleted is known by the profile", policy(func(p *plan.Policy) { p.Protected = []string{"alice@example.com"} }), plan.Person{User: absent, Profiles: []studio.Profile{profile()}}, []string{"conflict: protected"}},
		{"leaving since nobody knows when: kept", policy(), plan.Person{User: alice, Profiles: []studio.Profile{profile(powerless, tag(studio.TagLeaving, "yesterday"))}}, nil},
		{"the domain is retired: everybody leaves", policy(func(p *plan.Policy) { p.Domain.State = studio.Retire }), plan.Person{User: alice, Matches: in(a), Profiles: []studio.Profile{profile()}}, []string{"revoke", "quarantine → quarantine"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, _ := c.policy.Plan(c.person)
			if d := cmp.Diff(c.want, steps(got)); d != "" {
				t.Error(d)
			}
		})
	}
}

func TestCreatedProfileCarriesItsTags(t *testing.T) {
	r := row("a", roleA, 100)
	r.Settings = `{"SecurityGroups":["sg-1"]}`
	changes, _ := policy().Plan(plan.Person{User: alice, Matches: in(r)})
	want := &plan.State{Role: roleA, Settings: r.Settings, Tags: map[string]string{
		studio.TagDeployment: "prod", studio.TagUserID: alice.ID, studio.TagGroup: "g-a", studio.TagApplied: studio.Digest(roleA, r.Settings),
	}}
	if d := cmp.Diff(want, changes[0].After); d != "" {
		t.Error(d)
	}
	if c := changes[0]; c.Group != "g-a" || c.Row != "row of a" || c.UserName != alice.UserName || len(c.Reasons) == 0 {
		t.Errorf("the change does not say whose, why and from where: %+v", c)
	}
}

func TestReturningTakesOnlyTheMarkAway(t *testing.T) {
	p := profile(tag(studio.TagLeaving, "2026-03-01T00:00:00Z"), tag("team", "ml"))
	changes, _ := policy().Plan(plan.Person{User: alice, Matches: in(row("a", roleA, 100)), Profiles: []studio.Profile{p}})
	if len(changes) != 1 || changes[0].Kind != plan.Return {
		t.Fatalf("planned %v", steps(changes))
	}
	delete(p.Tags, studio.TagLeaving)
	if d := cmp.Diff(p.Tags, changes[0].After.Tags); d != "" {
		t.Error(d)
	}
}

func TestVanishedGroupIsNamed(t *testing.T) {
	gone := plan.Match{Row: row("a", roleA, 100), Doubt: "the group no longer exists"}
	changes, _ := policy().Plan(plan.Person{User: alice, Matches: []plan.Match{gone}, Profiles: []studio.Profile{profile()}, VanishedGroups: []string{"g-a"}})
	if got := fmt.Sprint(changes[0].Reasons); !strings.Contains(got, "group-vanished") {
		t.Errorf("reasons are %s", got)
	}
}

func TestReasonsNameTheRowsThatTie(t *testing.T) {
	_, v := policy().Plan(plan.Person{User: alice, Matches: in(row("a", roleA, 100), row("b", roleB, 100))})
	text := fmt.Sprint(v.Reasons)
	if v.Standing != plan.Tied || !strings.Contains(text, "row of a") || !strings.Contains(text, "row of b") {
		t.Errorf("%s because of %s", v.Standing, text)
	}
}
