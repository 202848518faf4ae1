package plan

import (
	"cmp"
	"slices"

	"studiokeeper/internal/studio"
)

// World is everything the configuration manages, completely read, as the full
// pass and the command line see it. Every list must be complete: what is
// missing from Users is taken for deleted, what is missing from Members for
// left.
type World struct {
	Users   []studio.User
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
	Profiles []studio.Profile
}

// Plan decides about everybody. The changes come by domain, then by UserName,
// keeping the steps of one user in the order in which they are to be made.
// Neither the order of users, rows, members nor profiles has any influence.
func (w World) Plan() []Change {
	users := w.index()
	domains := slices.Clone(w.Domains)
	slices.SortFunc(domains, func(a, b DomainView) int { return cmp.Compare(a.Policy.Domain.Name, b.Policy.Domain.Name) })
	var all []Change
	for _, d := range domains {
		all = append(all, w.domain(d, users)...)
	}
	return all
}

// census is the users by id and by name.
type census struct {
	byID   map[string]*studio.User
	byName map[string]*studio.User
}

func (w World) index() census {
	c := census{make(map[string]*studio.User, len(w.Users)), make(map[string]*studio.User, len(w.Users))}
	for i := range w.Users {
		u := &w.Users[i]
		c.byID[u.ID], c.byName[u.UserName] = u, u
	}
	return c
}

func (w World) domain(d DomainView, users census) []Change {
	if len(w.Users) == 0 {
		return emptyStore(d)
	}
	matches, everybody, lost := w.matches(d)
	profiles := owners(d, users)
	named := byProfileName(d)
	people := concerned(users, matches, profiles)
	out := make([]Change, 0, len(people))
	for _, u := range people {
		person := Person{User: u, Profiles: profiles[u.ID], VanishedGroups: w.Vanished}
		if m := matches[u.ID]; m != nil {
			person.Matches = *m
		}
		if len(everybody) > 0 {
			person.Matches = append(slices.Clone(person.Matches), everybody...)
		}
		person.Matches = append(slices.Clip(person.Matches), lost.Of(tagged(d.Policy, person))...)
		if p, ok := named[studio.ProfileName(d.Policy.StoreID, person.User)]; ok {
			person.Profiles = append(slices.Clone(person.Profiles), p)
		}
		person.SSOOwners = ssoOwners(person, users)
		changes, _ := d.Policy.Plan(person)
		out = append(out, changes...)
	}
	return out
}

// concerned are the users that a row or a profile speaks of, by UserName. One
// that the store does not list is absent.
func concerned(users census, matches map[string]*[]Match, profiles map[string][]studio.Profile) []studio.User {
	ids := make(map[string]struct{}, len(matches)+len(profiles))
	for id := range matches {
		ids[id] = struct{}{}
	}
	for id := range profiles {
		ids[id] = struct{}{}
	}
	people := make([]studio.User, 0, len(ids))
	for id := range ids {
		if u := users.byID[id]; u != nil {
			people = append(people, *u)
		} else {
			people = append(people, studio.User{ID: id, Status: studio.Absent})
		}
	}
	slices.SortFunc(people, func(a, b studio.User) int {
		return cmp.Or(cmp.Compare(a.UserName, b.UserName), cmp.Compare(a.ID, b.ID))
	})
	return people
}

// matches finds every user's rows. Rows whose group cannot be listed might
// concern anybody, lost ones those who had a role through them.
func (w World) matches(d DomainView) (of map[string]*[]Match, everybody []Match, lost LostRows) {
	of = make(map[string]*[]Match, len(w.Users))
	for i := range d.Rows {
		r := &d.Rows[i]
		why, unread := w.Unread[r.GroupID]
		switch {
		case r.GroupID == "" || r.Vanished:
		case unread:
			everybody = append(everybody, Match{Row: r, Doubt: why})
		default:
			for _, id := range w.Members[r.GroupID] {
				if list := of[id]; list != nil {
					*list = append(*list, Match{Row: r})
				} else {
					of[id] = &[]Match{{Row: r}}
				}
			}
		}
	}
	return of, everybody, Lost(d.Rows)
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

// owners lists the profiles that concern each user: by our tag, and by the
// UserName a profile was made for.
func owners(d DomainView, users census) map[string][]studio.Profile {
	of := make(map[string][]studio.Profile, len(d.Profiles))
	for _, p := range d.Profiles {
		tagged := ""
		if o := p.Owner(d.Policy.Deployment, d.Policy.Formerly); o == studio.Ours || o == studio.Former {
			tagged = p.Tags[studio.TagUserID]
		}
		if tagged != "" {
			of[tagged] = append(of[tagged], p)
		}
		if u := users.byName[p.SSOUser]; u != nil && u.ID != tagged {
			of[u.ID] = append(of[u.ID], p)
		}
	}
	return of
}

func byProfileName(d DomainView) map[string]studio.Profile {
	named := make(map[string]studio.Profile, len(d.Profiles))
	for _, p := range d.Profiles {
		named[p.Name] = p
	}
	return named
}

// ssoOwners finds the UserNames of a person's managed profiles that somebody
// else has today.
func ssoOwners(p Person, users census) map[string]string {
	var owners map[string]string
	for _, profile := range p.Profiles {
		if profile.Tags[studio.TagUserID] != p.User.ID {
			continue
		}
		if u := users.byName[profile.SSOUser]; u != nil && u.ID != p.User.ID {
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
func emptyStore(d DomainView) []Change {
	var out []Change
	for _, p := range d.Profiles {
		if o := p.Owner(d.Policy.Deployment, d.Policy.Formerly); o == studio.Ours || o == studio.Former {
			out = append(out, Change{
				Kind: Unreadable, Domain: d.Policy.Domain.Name, UserID: p.Tags[studio.TagUserID], UserName: p.SSOUser, Profile: p.Name, Before: stateOf(p),
				Reasons: []Reason{{"empty-store", "the identity store lists no users at all, which is taken for a failed read"}},
			})
		}
	}
	return out
}
