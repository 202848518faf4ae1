package plan

import (
	"cmp"
	"fmt"
	"iter"
	"slices"
	"time"

	"studiokeeper/internal/studio"
)

// World is everything the configuration manages, completely read, as the full
// pass and the command line see it. Every list must be complete: what is
// missing from Users is taken for deleted, what is missing from Members for
// left.
type World struct {
	Users []studio.User
	// Index finds the users; nil: it is made when it is needed.
	Index   *Index
	Members map[string][]string // group id → user ids
	// Unread are groups whose members could not be listed: id → why.
	Unread map[string]string
	// Vanished are ids of groups that rows name and the store no longer has.
	Vanished []string
	Domains  []DomainView
}

// DomainView is one domain as it was read.
type DomainView struct {
	Policy   Policy
	Rows     []studio.Row // of this domain only
	Profiles []studio.Glance
	// Remembered are the profiles that were managed for users of whom no
	// profile carries the id any more: user id → name.
	Remembered map[string]string
	// SignIn is set where users are assigned one by one; Assigned are those
	// whose assignment is recorded, false where it was only begun.
	SignIn   bool
	Assigned map[string]bool
	// Edits are those of Rows, and Settled tells who was settled after
	// Edits.Settled, and when: user id → time.
	Edits   *Edits
	Settled map[string]time.Time
}

// Decided is what was decided about one person in one domain.
type Decided struct {
	Person  Person
	Verdict Verdict
	Changes []Change
}

// Claimable is the name of a profile that nobody manages and that was made for
// the person, who has no other; "" when there is none.
func (d Decided) Claimable(pol Policy) string {
	name := ""
	for _, p := range d.Person.Profiles {
		switch o := p.Owner(pol.Deployment, pol.Formerly); {
		case o != studio.Nobody && p.Tags[studio.TagUserID] == d.Person.User.ID:
			return ""
		case o == studio.Nobody && p.SSOUser == d.Person.User.UserName && p.SSOUser != "":
			name = p.Name
		}
	}
	return name
}

// Doubted tells whether the person waits for a group whose members could not be
// listed.
func (d Decided) Doubted() bool {
	return d.Verdict.Standing == Unclear && slices.ContainsFunc(d.Verdict.Matches, func(m Match) bool { return m.Doubt != "" && m.Row.Unreadable == "" && !m.Row.Vanished })
}

// Plan decides about everybody. The changes come by domain, then by UserName,
// keeping the steps of one user in the order in which they are to be made.
// Neither the order of users, rows, members nor profiles has any influence.
func (w World) Plan() []Change {
	var all []Change
	for _, d := range w.Decide() {
		all = append(all, d.Changes...)
	}
	return all
}

// Decide decides about everybody whom a row or a profile speaks of, one after
// the other in the order of Plan. Of a store that lists nobody it says so for
// every managed profile, and nothing else.
func (w World) Decide() iter.Seq2[*DomainView, Decided] {
	return func(yield func(*DomainView, Decided) bool) {
		users := w.index()
		domains := slices.Clone(w.Domains)
		slices.SortFunc(domains, func(a, b DomainView) int { return cmp.Compare(a.Policy.Domain.Name, b.Policy.Domain.Name) })
		for i := range domains {
			if !w.domain(&domains[i], users, yield) {
				return
			}
		}
	}
}

// Index finds users by id and by UserName.
type Index struct {
	users  []studio.User
	byID   map[string]int32
	byName map[string]int32
}

// NewIndex makes the index of users, whose order must stay as it is.
func NewIndex(users []studio.User) *Index {
	x := &Index{users, make(map[string]int32, len(users)), make(map[string]int32, len(users))}
	for i, u := range users {
		x.byID[u.ID], x.byName[u.UserName] = int32(i), int32(i)
	}
	return x
}

// ByID finds a user by id.
func (x *Index) ByID(id string) (studio.User, bool) { return x.find(x.byID, id) }

// ByName finds a user by UserName.
func (x *Index) ByName(name string) (studio.User, bool) { return x.find(x.byName, name) }

func (x *Index) find(by map[string]int32, key string) (studio.User, bool) {
	at, found := by[key]
	if !found {
		return studio.User{}, false
	}
	return x.users[at], true
}

func (w World) index() *Index {
	if w.Index != nil {
		return w.Index
	}
	return NewIndex(w.Users)
}

func (w World) domain(d *DomainView, users *Index, yield func(*DomainView, Decided) bool) bool {
	if len(w.Users) == 0 {
		return emptyStore(d, yield)
	}
	p := w.pass(d, users)
	for _, id := range p.absent() {
		if !yield(d, p.decide(studio.User{ID: id, Status: studio.Absent}, nil, p.gone[id])) {
			return false
		}
	}
	for _, at := range p.concerned() {
		if !yield(d, p.decide(w.Users[at], p.matches.of(at), p.profiles.of(at))) {
			return false
		}
	}
	return true
}

// pass is one domain, joined with the users.
type pass struct {
	world     World
	d         *DomainView
	users     *Index
	names     []studio.Glance // the domain's profiles by name
	matches   links           // user → row
	profiles  links           // user → profile
	gone      map[string][]int32
	everybody []Match // rows that might concern anybody
	lost      LostRows
}

// links join users with something else, sorted by user.
type links []link

type link struct{ user, to int32 }

func (l links) sorted() links {
	slices.SortFunc(l, func(a, b link) int { return cmp.Or(cmp.Compare(a.user, b.user), cmp.Compare(a.to, b.to)) })
	return slices.Compact(l)
}

// of are what a user is linked with.
func (l links) of(user int32) []int32 {
	at, _ := slices.BinarySearchFunc(l, user, func(a link, u int32) int { return cmp.Compare(a.user, u) })
	var out []int32
	for ; at < len(l) && l[at].user == user; at++ {
		out = append(out, l[at].to)
	}
	return out
}

func (w World) pass(d *DomainView, users *Index) *pass {
	p := &pass{world: w, d: d, users: users, names: d.Profiles, gone: map[string][]int32{}, lost: Lost(d.Rows)}
	byName := func(a, b studio.Glance) int { return cmp.Compare(a.Name, b.Name) }
	if !slices.IsSortedFunc(p.names, byName) {
		p.names = slices.Clone(p.names)
		slices.SortFunc(p.names, byName)
	}
	p.linkRows()
	p.linkProfiles()
	p.matches = p.matches.sorted()
	p.profiles = p.profiles.sorted()
	return p
}

// linkRows finds every user's rows. Rows whose group cannot be listed might
// concern anybody, lost ones those who had a role through them, and those who
// are still in a group that only its name does not mean any more.
func (p *pass) linkRows() {
	for i := range p.d.Rows {
		r := &p.d.Rows[i]
		why, unread := p.world.Unread[r.GroupID]
		switch {
		case r.GroupID == "" || r.Vanished && unread:
		case unread:
			p.everybody = append(p.everybody, Match{Row: r, Doubt: why})
		default:
			for _, id := range p.world.Members[r.GroupID] {
				if at, known := p.users.byID[id]; known {
					p.matches = append(p.matches, link{at, int32(i)})
				}
			}
		}
	}
}

// linkProfiles finds the profiles that concern each user: by our tag, and by
// the UserName a profile was made for.
func (p *pass) linkProfiles() {
	p.profiles = make(links, 0, len(p.names))
	for i, g := range p.names {
		tagged := p.d.managedFor(g)
		at, known := p.users.byID[tagged]
		switch {
		case known:
			p.profiles = append(p.profiles, link{at, int32(i)})
		case tagged != "":
			p.gone[tagged] = append(p.gone[tagged], int32(i))
		}
		if made, found := p.users.byName[g.SSOUser]; found && g.SSOUser != "" && !(known && made == at) {
			p.profiles = append(p.profiles, link{made, int32(i)})
		}
	}
	for id := range p.d.Remembered {
		at, known := p.users.byID[id]
		if name, found := p.named(p.d.Remembered[id]); known && found {
			p.profiles = append(p.profiles, link{at, name})
		} else if !known {
			p.gone[id] = p.gone[id] // concerned, though none of the profiles listed is theirs
		}
	}
}

// managedFor is the id of the user for whom a profile is managed by us or a
// former deployment; "" for any other.
func (d *DomainView) managedFor(g studio.Glance) string {
	if o := g.Owner(d.Policy.Deployment, d.Policy.Formerly); o == studio.Ours || o == studio.Former {
		return g.Tags.UserID
	}
	return ""
}

// named finds a profile by name.
func (p *pass) named(name string) (int32, bool) {
	at, found := slices.BinarySearchFunc(p.names, name, func(g studio.Glance, n string) int { return cmp.Compare(g.Name, n) })
	return int32(at), found
}

// absent are the ids of users who have a profile and whom the store does not list.
func (p *pass) absent() []string {
	ids := make([]string, 0, len(p.gone))
	for id := range p.gone {
		ids = append(ids, id)
	}
	slices.Sort(ids)
	return ids
}

// concerned are the users that a row or a profile speaks of, by UserName.
func (p *pass) concerned() []int32 {
	var all []int32
	for _, l := range []links{p.matches, p.profiles} {
		for _, one := range l {
			all = append(all, one.user)
		}
	}
	slices.Sort(all)
	all = slices.Compact(all)
	users := p.world.Users
	slices.SortFunc(all, func(a, b int32) int {
		return cmp.Or(cmp.Compare(users[a].UserName, users[b].UserName), cmp.Compare(users[a].ID, users[b].ID))
	})
	return all
}

// decide puts one person together and plans.
func (p *pass) decide(u studio.User, rows, profiles []int32) Decided {
	person := Person{User: u, VanishedGroups: p.world.Vanished, Remembered: p.d.Remembered[u.ID]}
	assigned, begun := p.d.Assigned[u.ID]
	person.SignIn, person.Assigned, person.Begun = p.d.SignIn && !assigned, assigned, begun && !assigned
	person.Edits, person.Settled = p.d.Edits, p.d.Settled[u.ID]
	for _, i := range rows {
		person.Matches = append(person.Matches, Match{Row: &p.d.Rows[i]})
	}
	for _, i := range profiles {
		person.Profiles = append(person.Profiles, p.names[i].Profile())
	}
	for _, name := range []string{studio.ProfileName(p.d.Policy.StoreID, u), person.Remembered} {
		if at, found := p.named(name); found && !slices.Contains(profiles, at) {
			person.Profiles = append(person.Profiles, p.names[at].Profile())
		}
	}
	person.Matches = append(append(person.Matches, p.everybody...), p.lost.Of(tagged(p.d.Policy, person))...)
	person.SSOOwners = p.ssoOwners(person)
	changes, verdict := p.d.Policy.Plan(person)
	return Decided{Person: person, Verdict: verdict, Changes: changes}
}

// tagged is the group through which a person was last given a role.
func tagged(pol Policy, p Person) string {
	for _, profile := range p.Profiles {
		if o := profile.Owner(pol.Deployment, pol.Formerly); (o == studio.Ours || o == studio.Former) && profile.Tags[studio.TagUserID] == p.User.ID {
			return profile.Tags[studio.TagGroup]
		}
	}
	return ""
}

// ssoOwners finds the UserNames of a person's managed profiles that somebody
// else has today.
func (p *pass) ssoOwners(person Person) map[string]string {
	var owners map[string]string
	for _, profile := range person.Profiles {
		at, found := p.users.byName[profile.SSOUser]
		if profile.Tags[studio.TagUserID] != person.User.ID || !found {
			continue
		}
		if u := p.world.Users[at]; u.ID != person.User.ID {
			if owners == nil {
				owners = map[string]string{}
			}
			owners[profile.SSOUser] = u.ID
		}
	}
	return owners
}

// emptyStore answers an identity store that lists nobody: that is never
// believed, whatever it means.
func emptyStore(d *DomainView, yield func(*DomainView, Decided) bool) bool {
	for _, g := range d.Profiles {
		id := d.managedFor(g)
		if id == "" {
			continue
		}
		p := g.Profile()
		c := Change{
			Kind: Unreadable, Domain: d.Policy.Domain.Name, UserID: id, UserName: p.SSOUser, Profile: p.Name, Before: stateOf(p),
			Reasons: []Reason{{"empty-store", "the identity store lists no users at all, which is taken for a failed read"}},
		}
		one := Decided{Person: Person{User: studio.User{ID: id}, Profiles: []studio.Profile{p}}, Verdict: Verdict{Standing: Unclear, Reasons: c.Reasons}, Changes: []Change{c}}
		if !yield(d, one) {
			return false
		}
	}
	return true
}

// enoughAbsent is from how many managed profiles on it is not believed that all
// their users are gone.
const enoughAbsent = 3

// Suspicion says why a domain as a whole is not to be changed: it looks as if
// the configuration spoke of another identity store than the one that the
// profiles were made for. "" where there is none.
func (w World) Suspicion(d *DomainView) string {
	if len(w.Users) == 0 || d.Policy.Domain.State == studio.Retire {
		return ""
	}
	users := w.index()
	managed := 0
	for _, g := range d.Profiles {
		id := d.managedFor(g)
		if _, known := users.ByID(id); known {
			return ""
		}
		if id != "" {
			managed++
		}
	}
	if managed < enoughAbsent {
		return ""
	}
	return fmt.Sprintf("none of the users of its %d managed profiles is in identity store %s: is that the right identity store? "+
		"(to offboard everybody in %s, set its state: retire)", managed, d.Policy.StoreID, d.Policy.Domain.Name)
}

// Strangers says that a domain's managed profiles all belong to another
// deployment and none to this one, as after a deployment was renamed; "" when
// that is not so.
func (d *DomainView) Strangers() string {
	others := map[string]int{}
	for _, g := range d.Profiles {
		switch g.Owner(d.Policy.Deployment, d.Policy.Formerly) {
		case studio.Ours, studio.Former:
			return ""
		case studio.Foreign:
			others[g.Tags.Deployment]++
		}
	}
	for name, n := range others {
		if len(others) == 1 {
			return fmt.Sprintf("all %d managed profiles of %s belong to the deployment %q, and none to %q: if this deployment was renamed, list %q under formerly",
				n, d.Policy.Domain.Name, name, d.Policy.Deployment, name)
		}
	}
	return ""
}
