package plan

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	"studiokeeper/internal/studio"
)

// AccessSource is everything that a report is made of, completely read but for
// what Problems says.
type AccessSource struct {
	Deployment, StoreID, By string
	Made                    time.Time
	Deep                    bool
	Only                    AccessFilter

	World    World
	Groups   map[string]string               // display names by id
	Verified map[string]map[string]time.Time // when a profile was last described: domain → profile
	Defaults map[string]string               // the domains' default roles
	Known    map[string]map[string]KnownRole // since when: domain → user id
	Holds    map[string]map[string]Hold      // removals that do not go on: domain → user id
	Lost     []Access                        // people of domains that are not configured
	Domains  []AccessDomain                  // those that are not in World: failed, or not configured
	Problems []AccessProblem                 // what came up while reading
}

// KnownRole is what is remembered of a person's role: when a profile was first
// seen in service with it.
type KnownRole struct {
	Role  string
	Since time.Time
}

// Hold is a removal that does not go on.
type Hold struct {
	Rejected bool // a person said no; else it waits for one to decide
	Reason   string
	At       time.Time
	Until    time.Time // Rejected: when it may be proposed again
}

// Report makes the report. The same source makes the same report.
func (s AccessSource) Report() AccessReport {
	if s.World.Index == nil {
		s.World.Index = NewIndex(s.World.Users)
	}
	b := accessBuilder{source: s, unclear: map[AccessProblem]int{}, report: AccessReport{
		Version: AccessVersion, Deployment: s.Deployment, IdentityStore: s.StoreID, Made: s.Made.UTC(), By: s.By, Deep: s.Deep, Only: s.Only,
		Domains: slices.Clone(s.Domains), Access: []Access{}, Problems: slices.Clone(s.Problems),
	}}
	for i := range s.World.Domains {
		b.domain(&s.World.Domains[i])
	}
	for _, a := range s.Lost {
		b.add(a)
	}
	b.end()
	return b.report
}

// accessBuilder makes one report.
type accessBuilder struct {
	source  AccessSource
	report  AccessReport
	taken   map[string]bool       // profiles of the domain at hand that have their line
	unclear map[AccessProblem]int // problems that several lines share
}

// domain makes the lines of one domain: of the people first, then of the
// profiles that are nobody's.
func (b *accessBuilder) domain(d *DomainView) {
	of := d.Policy.Domain
	b.report.Domains = append(b.report.Domains, AccessDomain{
		Name: of.Name, ID: of.ID, Account: of.Account, Region: of.Region, Configured: true, Mode: string(of.Mode), State: string(of.State),
		DefaultRole: b.source.Defaults[of.Name], Profiles: len(d.Profiles),
	})
	b.taken = make(map[string]bool, len(d.Profiles))
	world := b.source.World
	world.Domains = []DomainView{*d}
	for view, one := range world.Decide() {
		b.person(view, one)
	}
	for _, g := range d.Profiles {
		if !b.taken[g.Name] {
			b.leftOver(d, g.Profile())
		}
	}
}

// person makes the lines of one person: one for each profile that is theirs,
// hence hardly ever more than one.
func (b *accessBuilder) person(d *DomainView, one Decided) {
	l := accessLine{b: b, d: d, one: one, hold: b.source.Holds[d.Policy.Domain.Name][one.Person.User.ID]}
	found := false
	for _, p := range one.Person.Profiles {
		if !b.taken[p.Name] && belongs(d.Policy, one.Person, p) {
			b.taken[p.Name], found = true, true
			b.line(l.with(p))
		}
	}
	if !found && one.Verdict.Standing != Leaving {
		b.line(l.without())
	}
}

// belongs tells whether a profile is shown with a person: it is managed for
// them, it was made for their UserName and is managed for nobody else, or it
// was managed for them and lost its tags.
func belongs(pol Policy, person Person, p studio.Profile) bool {
	switch owner := p.Owner(pol.Deployment, pol.Formerly); {
	case owner == studio.Ours || owner == studio.Former:
		return p.Tags[studio.TagUserID] == person.User.ID
	case p.SSOUser == person.User.UserName && p.SSOUser != "":
		return true
	default:
		return owner == studio.Nobody && p.Name == person.Remembered
	}
}

// leftOver makes the line of a profile that speaks of no user of the store.
func (b *accessBuilder) leftOver(d *DomainView, p studio.Profile) {
	l := accessLine{b: b, d: d}
	a := l.profile(p)
	switch owner := p.Owner(d.Policy.Deployment, d.Policy.Formerly); {
	case owner == studio.Foreign:
		l.foreign(&a, p)
	case p.Status == "":
		a.Standing, a.Reasons = AccessUnreadable, []Reason{{CodeUndescribed, p.Name + " is listed, and could not be described"}}
	case owner == studio.Nobody:
		a.Standing, a.Reasons = AccessUnmanaged, []Reason{{"unmanaged", b.madeFor(p)}}
	default:
		a.Standing = AccessConflict
		a.Reasons = []Reason{{"no-user-id", fmt.Sprintf("%s carries our deployment tag without %s; set the tag or delete the profile", p.Name, studio.TagUserID)}}
	}
	a.Remark = words(a.Reasons)
	b.add(a)
}

func (b *accessBuilder) madeFor(p studio.Profile) string {
	text := "somebody else made it, and no deployment manages it"
	if len(b.source.World.Users) == 0 {
		return text
	}
	if p.SSOUser == "" {
		return text + "; it was made for no SSO user"
	}
	return fmt.Sprintf("%s; the identity store has no %s, whom it was made for", text, p.SSOUser)
}

// line adds a line of a person, with what it shares with others.
func (b *accessBuilder) line(a Access, l accessLine) {
	if !b.add(a) || a.Standing != AccessUnreadable || l.one.Verdict.Standing != Unclear || l.one.Doubted() {
		return // a group whose members could not be listed is told once, where that was tried
	}
	for _, r := range l.one.Verdict.Reasons {
		b.unclear[AccessProblem{Severity: Unread, Code: r.Code, Domain: a.Domain, Text: r.Text}]++
	}
}

// add adds a line that the filter keeps. Where a person has to decide about it,
// that is a problem.
func (b *accessBuilder) add(a Access) bool {
	if !b.source.Only.keeps(a) {
		return false
	}
	b.report.Access = append(b.report.Access, a)
	if a.Standing == AccessConflict || a.Standing == AccessTied {
		b.report.Problems = append(b.report.Problems, AccessProblem{
			Severity: Decide, Code: a.Reasons[len(a.Reasons)-1].Code, Domain: a.Domain, UserID: a.UserID, UserName: a.Label(), Profile: a.Profile, Text: a.Remark,
		})
	}
	return true
}

// end counts, and puts everything in order.
func (b *accessBuilder) end() {
	r := &b.report
	for p, lines := range b.unclear {
		p.Lines = lines
		r.Problems = append(r.Problems, p)
	}
	r.Problems = append(r.Problems, b.notes()...)
	r.Complete = !slices.ContainsFunc(r.Problems, func(p AccessProblem) bool { return p.Severity == Unread })
	slices.SortFunc(r.Domains, func(a, b AccessDomain) int { return cmp.Or(cmp.Compare(a.Name, b.Name), cmp.Compare(a.ID, b.ID)) })
	slices.SortFunc(r.Access, func(a, b Access) int {
		return cmp.Or(cmp.Compare(a.Domain, b.Domain), cmp.Compare(a.Label(), b.Label()), cmp.Compare(a.UserID, b.UserID), cmp.Compare(a.Profile, b.Profile))
	})
	slices.SortFunc(r.Problems, func(a, b AccessProblem) int {
		return cmp.Or(cmp.Compare(a.Severity.rank(), b.Severity.rank()), cmp.Compare(a.Domain, b.Domain), cmp.Compare(a.Code, b.Code),
			cmp.Compare(a.UserName, b.UserName), cmp.Compare(a.Profile, b.Profile), cmp.Compare(a.Text, b.Text))
	})
	if r.Domains == nil {
		r.Domains = []AccessDomain{}
	}
	if r.Problems == nil {
		r.Problems = []AccessProblem{}
	}
}

func (s Severity) rank() int { return slices.Index([]Severity{Unread, Decide, Note}, s) }

// noted are standings that a reader should hear of before reading every line.
var noted = []struct {
	standing AccessStanding
	text     string
}{
	{AccessHeld, "removals that do not go on, as they wait for a decision or were rejected: %d (removals list)"},
	{AccessForeign, "profiles of another deployment, never touched by this one: %d"},
	{AccessUnmanaged, "profiles that no deployment manages, so that nobody keeps them in step with groups: %d"},
}

func (b *accessBuilder) notes() []AccessProblem {
	count := map[string]map[AccessStanding]int{}
	for _, a := range b.report.Access {
		if count[a.Domain] == nil {
			count[a.Domain] = map[AccessStanding]int{}
		}
		count[a.Domain][a.Standing]++
	}
	var out []AccessProblem
	for domain, n := range count {
		for _, one := range noted {
			if lines := n[one.standing]; lines > 0 {
				out = append(out, AccessProblem{Severity: Note, Code: string(one.standing), Domain: domain, Text: fmt.Sprintf(one.text, lines), Lines: lines})
			}
		}
	}
	return out
}
