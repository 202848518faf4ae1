package directory_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"studiokeeper/internal/directory"
)

// anySource draws a source with few names, so that they collide and are swapped.
func anySource(t *rapid.T) directory.Source {
	var s directory.Source
	pick := func(label string, from ...string) string { return rapid.SampledFrom(from).Draw(t, label) }
	for i := range 6 {
		if rapid.IntRange(0, 5).Draw(t, "absent") == 0 {
			continue
		}
		s.Users = append(s.Users, directory.Account{
			GUID: fmt.Sprintf("user-%d", i), DN: fmt.Sprintf("CN=user %d,DC=corp", i), SID: fmt.Sprintf("S-1-5-21-7-%d", 2000+i),
			PrimaryGroup: uint32(rapid.SampledFrom([]int{513, 1000, 1001, 1002, 1003}).Draw(t, "primary group")),
			UserName:     pick("user name", "ann", "Bob", "cy", "dee", "eve", "fay", "gus", "hal", "ida", "a b", ""),
			Email:        pick("e-mail", "", "", "ann@x", "bob@x", "Cy@x", "dee@x", "eve@x", "fay@x"),
			GivenName:    pick("given name", "", "Ann", "Bob"), DisplayName: pick("display name", "", "Ann A", "Bob"),
			Disabled: rapid.IntRange(0, 5).Draw(t, "disabled") == 0,
		})
	}
	for i := range 4 {
		g := directory.SourceGroup{GUID: fmt.Sprintf("group-%d", i), DN: fmt.Sprintf("CN=group %d,DC=corp", i), SID: fmt.Sprintf("S-1-5-21-7-%d", 1000+i), Name: pick("group name", "studio-a", "studio-b", "studio-c", "studio-d", "studio-e", "studio-f", "studio-g", "other")}
		for range rapid.IntRange(0, 5).Draw(t, "members") {
			g.Members = append(g.Members, directory.SourceMember{GUID: pick("member", "user-0", "user-1", "user-2", "user-3", "user-4", "user-5", "group-0", "group-1", "group-2", "group-3", "contact"), DN: "CN=x,DC=corp"})
		}
		if rapid.IntRange(0, 7).Draw(t, "gone") > 0 {
			s.Groups = append(s.Groups, g)
		}
	}
	return s
}

func anyPolicy(t *rapid.T) directory.Policy {
	return policy(func(p *directory.Policy) {
		p.Adopt = rapid.SampledFrom([]directory.Adoption{directory.AdoptNone, directory.AdoptUserName, directory.AdoptEmail}).Draw(t, "adopt")
		p.Disable = rapid.Bool().Draw(t, "disable")
		if rapid.Bool().Draw(t, "gone is accepted") {
			p.Gone = func(directory.Record) bool { return true }
		}
	})
}

// anyWorld is what an earlier source left, with what others did to it since.
func anyWorld(t *rapid.T) *world {
	w := newWorld()
	w.external = rapid.Bool().Draw(t, "external ids")
	for i, name := range []string{"ann", "hal", "zoe"} {
		if rapid.IntRange(0, 2).Draw(t, "somebody is there") == 0 {
			w.user(directory.Person{ID: fmt.Sprintf("other-%d", i), UserName: name, Email: rapid.SampledFrom([]string{"", name + "@x"}).Draw(t, "e-mail"), DisplayName: name, GivenName: name, FamilyName: name})
		}
	}
	w.group("g-others", rapid.SampledFrom([]string{"studio-a", "admins"}).Draw(t, "group that is there"))
	w.steps = rapid.IntRange(0, 60).Draw(t, "earlier writes")
	if err := w.apply(directory.Compare(anySource(t), w.target(), anyPolicy(t))); err != nil && !errors.Is(err, errCut) {
		t.Fatal(err)
	}
	w.steps = -1
	tamper(t, w)
	return w
}

// tamper is what people do by hand.
func tamper(t *rapid.T, w *world) {
	before := w.target()
	for _, p := range before.Users {
		switch rapid.IntRange(0, 11).Draw(t, "by hand") {
		case 0:
			_ = w.deleteUser(p.ID)
		case 1:
			p.Disabled = !p.Disabled
			w.users[p.ID] = p
		case 2:
			p.ExternalID = "of another source"
			w.users[p.ID] = p
		}
	}
	for _, g := range before.Groups {
		for _, p := range w.target().Users {
			if rapid.IntRange(0, 5).Draw(t, "member by hand") == 0 {
				w.members[g.ID][p.ID] = true
			}
		}
		if g.ID != "g-others" && rapid.IntRange(0, 9).Draw(t, "group deleted by hand") == 0 {
			delete(w.groups, g.ID)
			delete(w.members, g.ID)
		}
	}
	for key, r := range w.records {
		if r.Kind == directory.UserObject && rapid.IntRange(0, 5).Draw(t, "left "+key) == 0 {
			r.Left = noon.Add(-200 * time.Hour)
			w.records[key] = r
		}
	}
}

// inGroup is an obvious way to find out who is in a group: look at everything
// again as long as somebody is found.
func inGroup(s directory.Source, group string) map[string]bool {
	in := map[string]bool{group: true}
	for found := true; found; {
		found = false
		for _, g := range s.Groups {
			if !in[g.GUID] {
				continue
			}
			for _, m := range g.Members {
				found = found || !in[m.GUID]
				in[m.GUID] = true
			}
			for _, u := range s.Users {
				if g.SID == fmt.Sprintf("%s-%d", u.SID[:strings.LastIndex(u.SID, "-")], u.PrimaryGroup) {
					found = found || !in[u.GUID]
					in[u.GUID] = true
				}
			}
		}
	}
	return in
}

func enabled(s directory.Source, guid string) bool {
	return slices.ContainsFunc(s.Users, func(a directory.Account) bool { return a.GUID == guid && !a.Disabled })
}

// conflicted are those whom a plan has a conflict about.
func conflicted(p directory.Plan) map[string]bool {
	all := map[string]bool{}
	for _, c := range p.Changes {
		if c.Kind == directory.Conflict {
			all[c.UserGUID], all[c.GroupGUID] = true, true
		}
	}
	return all
}

func TestWhatIsAppliedIsWhatTheSourceGives(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		w, s, p := anyWorld(t), anySource(t), anyPolicy(t)
		plans := w.sync(t, s, p)
		last := plans[len(plans)-1]
		if len(last.Stop) > 0 {
			return
		}
		wrong := conflicted(last)
		for _, g := range s.Groups {
			id := w.records["group "+g.GUID].ID
			if !p.Groups(g.Name) || wrong[g.GUID] || w.members[id] == nil {
				continue
			}
			should := inGroup(s, g.GUID)
			for i := range 6 {
				guid := fmt.Sprintf("user-%d", i)
				user := w.records["user "+guid].ID
				if want := should[guid] && enabled(s, guid); !wrong[guid] && w.members[id][user] != want {
					t.Errorf("%s (%s) in %s: %v, want %v", guid, user, g.GUID, !want, want)
				}
			}
		}
	})
}

func TestNothingIsLeftToDoAfterApplying(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		w, p := newWorld(), anyPolicy(t)
		for range 3 {
			s := anySource(t)
			if err := w.apply(directory.Compare(s, w.target(), p)); err != nil {
				t.Fatal(err)
			}
			for _, c := range directory.Compare(s, w.target(), p).Changes {
				if c.Kind != directory.Conflict {
					t.Errorf("still to be done: %s", c.Text())
				}
			}
		}
	})
}

func TestAnythingMayBeCutOffAnywhere(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		w, s, p := anyWorld(t), anySource(t), anyPolicy(t)
		before := w.clone()
		w.steps = rapid.IntRange(0, 40).Draw(t, "writes before it is cut off")
		if err := w.apply(directory.Compare(s, w.target(), p)); err != nil && !errors.Is(err, errCut) {
			t.Fatal(err)
		}
		w.steps = -1
		nobodyHasMore(t, before, w, s)
		w.sync(t, s, p)
		nobodyHasMore(t, before, w, s)
	})
}

// nobodyHasMore than before, unless the source gives it, and whoever is somebody
// else's has exactly what they had.
func nobodyHasMore(t *rapid.T, before, after *world, s directory.Source) {
	t.Helper()
	owner := map[string]string{}
	for _, r := range after.records {
		owner[r.ID] = r.GUID
	}
	for id, in := range after.members {
		for user := range in {
			if !before.members[id][user] && (!inGroup(s, owner[id])[owner[user]] || !enabled(s, owner[user])) {
				t.Errorf("%s was put into %s, which the source does not give", user, id)
			}
		}
	}
	for user := range before.members["g-others"] {
		if _, there := after.users[user]; there && !after.members["g-others"][user] {
			t.Errorf("%s was taken out of somebody else's group", user)
		}
	}
	for _, r := range before.records {
		owner[r.ID] = r.GUID
	}
	for id, p := range before.users {
		now := after.users[id]
		adopted := strings.HasPrefix(now.ExternalID, "user-")
		if strings.HasPrefix(id, "other-") && owner[id] == "" && !adopted && now != p {
			t.Errorf("somebody else's user %s changed from %+v to %+v", id, p, now)
		}
	}
}

func TestNothingIsTakenFromWhomWeHaveNoRecordOf(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		w, s, p := anyWorld(t), anySource(t), anyPolicy(t)
		plan := directory.Compare(s, w.target(), p)
		for _, c := range plan.Changes {
			r, found := w.records["user "+c.UserGUID]
			if c.Kind.Removes() && (!found || r.ID != "" && r.ID != c.UserID) {
				t.Errorf("%s, of whom there is no record", c.Text())
			}
			if c.Kind == directory.AddMember && !inGroup(s, c.GroupGUID)[c.UserGUID] {
				t.Errorf("%s, which the source does not give", c.Text())
			}
			if c.Kind == directory.DeleteUser && (r.ID != "" && !r.Made || noon.Sub(r.Left) < p.Grace) {
				t.Errorf("%s, but the record is %+v", c.Text(), r)
			}
			if c.GroupID == "g-others" && c.Kind != directory.Conflict {
				t.Errorf("%s, which is somebody else's", c.Text())
			}
		}
	})
}

func TestTheOrderOfWhatWasReadDoesNotMatter(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		w, s, p := anyWorld(t), anySource(t), anyPolicy(t)
		target := w.target()
		want := directory.Compare(s, target, p)
		s.Users, s.Groups = shuffled(t, s.Users), shuffled(t, s.Groups)
		for i := range s.Groups {
			s.Groups[i].Members = shuffled(t, s.Groups[i].Members)
		}
		target.Users, target.Groups, target.Records = shuffled(t, target.Users), shuffled(t, target.Groups), shuffled(t, target.Records)
		for i := range target.Groups {
			target.Groups[i].Members = shuffled(t, target.Groups[i].Members)
		}
		if d := cmp.Diff(want, directory.Compare(s, target, p)); d != "" {
			t.Errorf("plan (-want +got):\n%s", d)
		}
	})
}

func shuffled[T any](t *rapid.T, things []T) []T {
	if len(things) == 0 {
		return things
	}
	return rapid.Permutation(things).Draw(t, "order")
}
