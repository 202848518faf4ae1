package plan

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"studiokeeper/internal/studio"
)

// Policy is what the configuration says that the planner needs, for one domain.
type Policy struct {
	Deployment string
	Formerly   []string
	StoreID    string
	Domain     studio.Domain
	Quarantine string // ARN of the powerless role in the domain's account; "" only with a Grace of 0
	Grace      time.Duration
	Protected  []string // ids or UserNames that are never offboarded
	Now        time.Time
}

// Person is one user in one domain, completely read.
type Person struct {
	User    studio.User
	Matches []Match
	// Profiles are all that may concern this user: those with the name we
	// would give, with the user's id in our tag, or with the UserName as their
	// SSO user. A list that may lack one of these must not be planned from.
	Profiles []studio.Profile
	// SSOOwners tells who has a UserName today that a managed profile of the
	// person was made for: UserName → id, where that is somebody else.
	SSOOwners map[string]string
	// SignIn is set where the domain assigns users one by one, and this one is
	// not assigned yet; Assigned where an assignment of theirs is recorded.
	SignIn, Assigned bool
	// Begun: whether that assignment was made was never learned.
	Begun bool
	// Remembered is the name of the profile that was managed for this user.
	Remembered string
	// VanishedGroups are ids of groups that rows name and the store no longer has.
	VanishedGroups []string
	// Edits are those of the domain's rows; nil: not known. Settled is when rows
	// were read that the person had everything of; zero: not known.
	Edits   *Edits
	Settled time.Time
}

// Names are all that the person is called, and whoever is in their way: what
// must not be in a log that knows people by their ids.
func (p Person) Names() []string {
	names := append(slices.Collect(maps.Keys(p.SSOOwners)), p.User.UserName, p.User.DisplayName, p.Remembered)
	for _, profile := range p.Profiles {
		names = append(names, profile.Name, profile.SSOUser)
	}
	slices.Sort(names)
	return slices.DeleteFunc(slices.Compact(names), func(name string) bool { return name == "" })
}

// CodeUndescribed is the reason of a profile that was only listed.
const CodeUndescribed = "not-described"

// pollInterval is how soon a profile that SageMaker is at work on is looked
// at again: creating one takes seconds.
const pollInterval = 3 * time.Second

// Plan decides about one person. The changes come in the order in which they
// are to be made. It never plans to change or remove a profile that carries
// another deployment's tag, and never to remove an untagged one.
func (pol Policy) Plan(p Person) ([]Change, Verdict) {
	v := Judge(p.User, pol.Domain.Name, p.Matches)
	if pol.Domain.State == studio.Retire {
		v.Standing, v.Winner = Leaving, nil
		v.Reasons = []Reason{{"domain-retired", pol.Domain.Name + " is being retired"}}
	}
	d := decision{pol: pol, person: p, verdict: v}
	d.sortProfiles()
	switch v.Standing {
	case Entitled:
		d.entitled()
	case Leaving:
		d.leaving()
	case Tied:
		d.tied()
	case Unclear:
		d.unclear()
	}
	return d.changes, v
}

// decision collects the changes for one person.
type decision struct {
	pol     Policy
	person  Person
	verdict Verdict
	changes []Change

	mine      []studio.Profile // managed, with this user's id
	claimable []studio.Profile // nobody's, made for this UserName
	strangers []studio.Profile // in the way: made for this UserName, or under our name, but not this user's
}

// sortProfiles finds out whose each profile is.
func (d *decision) sortProfiles() {
	profiles := slices.Clone(d.person.Profiles)
	slices.SortFunc(profiles, func(a, b studio.Profile) int {
		return cmp.Or(-compareBool(a.SSOUser == d.person.User.UserName, b.SSOUser == d.person.User.UserName), cmp.Compare(a.Name, b.Name))
	})
	for _, p := range slices.CompactFunc(profiles, func(a, b studio.Profile) bool { return a.Name == b.Name }) {
		owner := p.Owner(d.pol.Deployment, d.pol.Formerly)
		managed := owner == studio.Ours || owner == studio.Former
		switch {
		case managed && p.Tags[studio.TagUserID] == d.person.User.ID:
			d.mine = append(d.mine, p)
		case !d.inTheWay(p):
		case owner == studio.Nobody && d.isFor(p):
			d.claimable = append(d.claimable, p)
		default:
			d.strangers = append(d.strangers, p)
		}
	}
}

func (d *decision) isFor(p studio.Profile) bool {
	return d.person.User.UserName != "" && p.SSOUser == d.person.User.UserName
}

func (d *decision) inTheWay(p studio.Profile) bool {
	return d.isFor(p) || p.Name == studio.ProfileName(d.pol.StoreID, d.person.User)
}

func (d *decision) entitled() {
	d.provide()
	if !d.person.SignIn || slices.ContainsFunc(d.changes, func(c Change) bool { return c.Kind.Reports() || c.Kind.Removes() }) {
		return
	}
	c := d.add(Assign, d.profileName(), nil, nil)
	c.Reasons = append(c.Reasons, Reason{"sign-in", "this domain lets users sign in one by one"})
}

// profileName is the profile that the user has, or is to get.
func (d *decision) profileName() string {
	switch {
	case len(d.mine) > 0:
		return d.mine[0].Name
	case len(d.claimable) > 0:
		return d.claimable[0].Name
	default:
		return studio.ProfileName(d.pol.StoreID, d.person.User)
	}
}

// provide sees to it that the user has the one profile that they should.
func (d *decision) provide() {
	if len(d.mine) > 0 {
		d.keep(d.mine[0])
		for _, p := range d.mine[1:] {
			d.conflict(p, "two-profiles", fmt.Sprintf("%s also carries the id of %s; delete one of the two", p.Name, d.person.User.Label()))
		}
		return
	}
	for _, p := range d.strangers {
		d.stranger(p)
	}
	if len(d.changes) > 0 {
		return
	}
	if len(d.claimable) > 0 {
		d.claim(d.claimable[0])
		return
	}
	d.add(Create, d.profileName(), nil, d.wanted(studio.Profile{}))
}

// update adds what makes role and settings right; nil when they are.
func (d *decision) update(p studio.Profile, before, after *State) *Change {
	differences := after.Settings.Differences(p.Settings)
	if before.Role == after.Role && len(differences) == 0 && p.Status != studio.UpdateFailed {
		return nil
	}
	c := d.add(Update, p.Name, before, after)
	for _, path := range differences {
		c.Reasons = append(c.Reasons, Reason{"setting", "UserSettings." + path + " differs"})
	}
	if before.Role != after.Role {
		c.Reasons = append(c.Reasons, d.onRoleChange())
	}
	return c
}

func (d *decision) onRoleChange() Reason {
	if d.pol.Domain.OnRoleChange == studio.WhenIdle {
		return Reason{"when-idle", "the role is changed once no app runs: a running app keeps the old one"}
	}
	return Reason{"stop-apps", "running apps are stopped: they would keep the old role"}
}

// adopt claims the profile first: only then is it ours to change. The digest of
// what was applied is left for when it was.
func (d *decision) adopt(p studio.Profile) {
	before, after := stateOf(p), d.wanted(p)
	claimed := &State{Role: p.Role, Settings: p.Settings, Tags: maps.Clone(after.Tags)}
	d.add(Adopt, p.Name, before, claimed)
	if c := d.update(p, claimed, after); c != nil {
		delete(claimed.Tags, studio.TagApplied)
	}
}

// keep brings a profile that is this user's in step.
func (d *decision) keep(p studio.Profile) {
	if owner := d.person.SSOOwners[p.SSOUser]; owner != "" {
		d.conflict(p, "name-reused", fmt.Sprintf("%s was made for %s, a UserName that now belongs to user %s; delete it, so that each gets a profile of their own", p.Name, p.SSOUser, owner))
		d.quarantine(p)
		return
	}
	switch {
	case d.unseen(p):
		return
	case p.Status.Busy():
		d.wait(p)
		return
	case p.Status == studio.Failed:
		d.conflict(p, "profile-failed", fmt.Sprintf("SageMaker could not make %s: %s; delete it and it is made again", p.Name, cmp.Or(p.FailureReason, "no reason given")))
		return
	}
	if p.Owner(d.pol.Deployment, d.pol.Formerly) == studio.Former {
		d.adopt(p)
		return
	}
	before, after := stateOf(p), d.wanted(p)
	if c := d.update(p, before, after); c != nil {
		d.blame(c, p)
	} else if !maps.Equal(p.Tags, after.Tags) {
		d.add(Tag, p.Name, before, after)
	}
	if since, leaving := p.Tags[studio.TagLeaving]; leaving {
		done := &State{Role: after.Role, Settings: after.Settings, Tags: maps.Clone(after.Tags)}
		delete(done.Tags, studio.TagLeaving)
		c := d.add(Return, p.Name, after, done)
		c.Reasons = append(c.Reasons, Reason{"was-leaving", "offboarding began " + since})
	}
	if d.renamed(p) && len(d.changes) > 0 {
		last := &d.changes[len(d.changes)-1]
		last.Reasons = append(last.Reasons, Reason{"renamed", fmt.Sprintf("the profile was made for %s; only deleting and making it again changes that", p.SSOUser)})
	}
}

func (d *decision) renamed(p studio.Profile) bool { return p.SSOUser != d.person.User.UserName }

// stranger reports a profile that stands where this user's should be. One that
// is managed for another user is that user's to plan for.
func (d *decision) stranger(p studio.Profile) {
	tagged := p.Tags[studio.TagUserID]
	switch owner := p.Owner(d.pol.Deployment, d.pol.Formerly); {
	case owner == studio.Foreign:
		d.conflict(p, "foreign", fmt.Sprintf("%s belongs to the deployment %q; list it under formerly to take it over", p.Name, p.Tags[studio.TagDeployment]))
	case owner == studio.Nobody:
		d.conflict(p, "name-taken", fmt.Sprintf("%s has the name that is meant for %s, but was made for %q", p.Name, d.person.User.Label(), p.SSOUser))
	case tagged == "":
		d.conflict(p, "no-user-id", fmt.Sprintf("%s carries our deployment tag without %s; set the tag or delete the profile", p.Name, studio.TagUserID))
	default:
		d.conflict(p, "name-reused", fmt.Sprintf("%s has the UserName of user %s, whose profile %s still exists; it is never handed over", d.person.User.Label(), tagged, p.Name))
	}
}

// claim adopts a profile that nobody manages, as the domain's policy allows.
func (d *decision) claim(p studio.Profile) {
	adopt := d.pol.Domain.Adopt
	switch {
	case p.Status.Busy():
		d.wait(p)
	case adopt == studio.AdoptAll, adopt != studio.AdoptNone && p.Role == "":
		d.adopt(p)
	case adopt == studio.AdoptNone:
		d.conflict(p, "not-adopted", fmt.Sprintf("%s was made by somebody else, and this domain adopts none", p.Name))
	default:
		d.conflict(p, "has-role", fmt.Sprintf("%s was made by somebody else with the role %s; adopt: all would take it over", p.Name, p.Role))
	}
}

// tied keeps what is safe: a tied role stays, any other is taken away, none is given.
func (d *decision) tied() {
	for _, p := range d.mine {
		d.conflict(p, "tie", "no role is given while groups of the same priority disagree; give one row a higher priority")
		if !d.verdict.tiedRole(p.Role) {
			d.quarantine(p)
		}
	}
	if len(d.mine) == 0 {
		d.report(Conflict, studio.Profile{}, "tie", "no role is given while groups of the same priority disagree; give one row a higher priority")
	}
}

// unclear changes nothing.
func (d *decision) unclear() {
	var p studio.Profile
	if len(d.mine) > 0 {
		p = d.mine[0]
	}
	d.report(Unreadable, p, "held", "nothing is changed until it can be read")
	if group := p.Tags[studio.TagGroup]; group != "" && slices.Contains(d.person.VanishedGroups, group) {
		c := &d.changes[len(d.changes)-1]
		c.Reasons = append(c.Reasons, Reason{"group-vanished", "the group " + group + " that gave the role no longer exists; removing its row offboards its people"})
	}
}

// unseen reports a profile that a listing names and nobody has described yet:
// what it has is not known, so nothing is planned for it.
func (d *decision) unseen(p studio.Profile) bool {
	if p.Status == "" {
		d.report(Unreadable, p, CodeUndescribed, p.Name+" was not described yet; a look at its user does")
	}
	return p.Status == ""
}

func (d *decision) wait(p studio.Profile) {
	d.report(Wait, p, "busy", fmt.Sprintf("SageMaker has the profile in %s", p.Status))
	d.changes[len(d.changes)-1].Again = pollInterval
}

func (d *decision) conflict(p studio.Profile, code, text string) { d.report(Conflict, p, code, text) }

func (d *decision) report(k Kind, p studio.Profile, code, text string) {
	c := d.add(k, p.Name, nil, nil)
	if p.Name != "" {
		c.Before = stateOf(p)
	}
	c.Reasons = append(c.Reasons, Reason{code, text})
}

func (d *decision) add(k Kind, profile string, before, after *State) *Change {
	c := Change{
		Kind: k, Domain: d.pol.Domain.Name, UserID: d.person.User.ID, UserName: d.person.User.UserName,
		Profile: profile, Before: before, After: after, Reasons: slices.Clone(d.verdict.Reasons),
	}
	if w := d.verdict.Winner; w != nil {
		c.Group, c.Row = w.GroupID, w.Source
	}
	d.changes = append(d.changes, c)
	return &d.changes[len(d.changes)-1]
}

// wanted is the profile as the winning row wants it. Tags of others stay; lists
// that an earlier row of ours left behind are emptied.
func (d *decision) wanted(have studio.Profile) *State {
	w := d.verdict.Winner
	tags := maps.Clone(have.Tags)
	if tags == nil {
		tags = make(map[string]string, 4)
	}
	settings := w.Settings
	applied := studio.Digest(w.Role, w.Settings)
	if before, ours := tags[studio.TagApplied]; ours && before != applied {
		settings = settings.Resetting(have.Settings)
	}
	tags[studio.TagDeployment] = d.pol.Deployment
	tags[studio.TagUserID] = d.person.User.ID
	tags[studio.TagGroup] = w.GroupID
	tags[studio.TagApplied] = applied
	return &State{Role: w.Role, Settings: settings, Tags: tags}
}

func stateOf(p studio.Profile) *State {
	return &State{Role: p.Role, Settings: p.Settings, Tags: p.Tags, Status: string(p.Status)}
}

func compareBool(a, b bool) int {
	switch {
	case a == b:
		return 0
	case a:
		return 1
	default:
		return -1
	}
}

// Short writes a duration as people write it in the configuration.
func Short(d time.Duration) string {
	s := d.String()
	for _, zero := range []string{"m0s", "h0m"} {
		if strings.HasSuffix(s, zero) {
			s = s[:len(s)-2]
		}
	}
	return s
}
