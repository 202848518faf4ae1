package plan

import (
	"cmp"
	"fmt"
	"slices"

	"studiokeeper/internal/studio"
)

// Against holds a saved plan against one made now: kept is what of it stands as
// it was, and moved names what does not. Whatever this plan began to carry out
// earlier goes on, as it is planned now, as long as it comes to the same.
func (d Document) Against(fresh Document, begun func(domain, userID string) bool) (kept Document, moved []string) {
	kept = d
	kept.Domains = nil
	for _, saved := range d.Domains {
		now := fresh.domain(saved.Domain)
		if now.Error != "" && saved.Error == "" {
			moved = append(moved, fmt.Sprintf("domain %s: %s", saved.Domain, now.Error))
			continue
		}
		stands := saved
		stands.Error = now.Error
		stands.People, stands.SignIn = []PersonPlan{}, []Change{}
		for _, p := range saved.People {
			is, found := now.person(p.UserID)
			switch {
			case found && is.Basis == p.Basis && Digest(is.Changes) == Digest(p.Changes):
				p.Held = is.Held // people decide meanwhile, and that counts
				stands.People = append(stands.People, p)
			case !found && begun(saved.Domain, p.UserID): // it is done
			case found && sameEnd(p.Changes, is.Changes) && begun(saved.Domain, p.UserID):
				stands.People = append(stands.People, is)
			default:
				moved = append(moved, fmt.Sprintf("%s in %s", cmp.Or(p.UserName, p.UserID), saved.Domain))
			}
		}
		for _, c := range saved.SignIn {
			at := slices.IndexFunc(now.SignIn, func(o Change) bool { return o.Kind == c.Kind && o.Group == c.Group })
			if at >= 0 { // otherwise it was done, or its group's people moved
				stands.SignIn = append(stands.SignIn, now.SignIn[at])
			}
		}
		kept.Domains = append(kept.Domains, stands)
	}
	return kept, moved
}

// end is what changes come to.
type end struct {
	applied string // digest of role and settings
	group   string // through which they are given
	leaving bool
}

// sameEnd tells whether changes come to the same as those of which some were
// made before. Changes that only report come to nothing, and so are no other.
func sameEnd(before, now []Change) bool {
	was, _ := endOf(before)
	is, says := endOf(now)
	return !says || was == is
}

func endOf(changes []Change) (e end, says bool) {
	for _, c := range changes {
		switch {
		case c.Kind == Delete:
			return end{leaving: true}, true
		case c.After == nil:
		case c.After.Tags[studio.TagLeaving] != "":
			e, says = end{leaving: true}, true
		default:
			e, says = end{applied: c.After.Tags[studio.TagApplied], group: c.After.Tags[studio.TagGroup]}, true
		}
	}
	return e, says
}

func (d Document) domain(name string) DomainPlan {
	at := slices.IndexFunc(d.Domains, func(p DomainPlan) bool { return p.Domain == name })
	if at < 0 {
		return DomainPlan{Domain: name, Error: "it is not configured any more"}
	}
	return d.Domains[at]
}

func (d DomainPlan) person(id string) (PersonPlan, bool) {
	at := slices.IndexFunc(d.People, func(p PersonPlan) bool { return p.UserID == id })
	if at < 0 {
		return PersonPlan{}, false
	}
	return d.People[at], true
}
