package reconcile

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"studiokeeper/internal/event"
	"studiokeeper/internal/plan"
	"studiokeeper/internal/studio"
)

// Scope says for whom a plan is made.
type Scope struct {
	User    string // id; "" for everybody
	Domains []string
	Deep    bool
	// Keep stores what was described on the way; nil where nothing may be written.
	Keep     Memory
	Progress *Progress
}

// Propose reads everything in scope and plans for it, as a pass does, with
// reading only. What is over the limit of removals is shown as held.
func (r *Reconciler) Propose(ctx context.Context, in Scope) (plan.Document, error) {
	doc := plan.Document{
		Version: plan.DocumentVersion, Deployment: r.Deployment, StoreID: r.StoreID, Made: r.Now().UTC(), Config: r.ConfigDigest,
		User: in.User, Only: in.Domains, Deep: in.Deep, Domains: []plan.DomainPlan{}, Problems: []string{}, Notes: []string{},
	}
	var err error
	if in.User != "" {
		err = r.proposeOne(ctx, in, &doc)
	} else {
		err = r.proposeAll(ctx, in, &doc)
	}
	if err != nil {
		return plan.Document{}, err
	}
	known, err := r.Register.Registered(ctx)
	if err != nil {
		return plan.Document{}, fmt.Errorf("list the domains known: %w", err)
	}
	left, err := r.Unconfigured(ctx, known)
	for _, d := range left {
		if d.Profiles > 0 {
			doc.Notes = append(doc.Notes, fmt.Sprintf("domain %s (%s) is no longer configured, and has %d managed profiles; set its state: retire before taking it out", d.Name, d.ID, d.Profiles))
		}
	}
	return doc.Sealed(), err
}

func (r *Reconciler) proposeAll(ctx context.Context, in Scope, doc *plan.Document) error {
	s, err := r.Survey(ctx, Extent{Domains: in.Domains, Deep: in.Deep, Keep: in.Keep, Progress: in.Progress})
	if err != nil {
		return err
	}
	doc.Mapping = plan.MappingDigest(s.Rows)
	doc.Notes = append(doc.Notes, s.Notes...)
	for _, err := range s.Doubts {
		doc.Problems = append(doc.Problems, err.Error())
	}
	people := map[string][]plan.PersonPlan{}
	through := map[string]map[string]bool{}
	for view, one := range s.World.Decide() {
		domain := view.Policy.Domain.Name
		if w := one.Verdict.Winner; w != nil {
			if through[domain] == nil {
				through[domain] = map[string]bool{}
			}
			through[domain][w.GroupID] = true
		}
		if len(one.Changes) > 0 {
			people[domain] = append(people[domain], plan.PersonPlan{
				UserID: one.Person.User.ID, UserName: one.Person.User.UserName, Changes: one.Changes,
				Basis: one.Person.Basis(), Profile: one.Claimable(view.Policy),
			})
		}
	}
	for _, t := range r.inScope(in) {
		d := domainPlan(t, people[t.Domain.Name])
		d.Profiles = s.profiles(t.Domain.Name)
		doc.Notes = append(doc.Notes, s.leftAlone(t.Domain.Name, r)...)
		if err := s.Failed[t.Domain.Name]; err != nil {
			d.Error = err.Error()
		} else if err := r.proposeRest(ctx, t, s, through[t.Domain.Name], &d); err != nil {
			d.Error = err.Error()
		}
		doc.Notes = append(doc.Notes, r.unmapped(ctx, t, s, d.SignIn)...)
		doc.Domains = append(doc.Domains, d)
	}
	return nil
}

func domainPlan(t Target, people []plan.PersonPlan) plan.DomainPlan {
	if people == nil {
		people = []plan.PersonPlan{}
	}
	return plan.DomainPlan{Domain: t.Domain.Name, DomainID: t.Domain.ID, Mode: string(t.Domain.Mode), People: people, SignIn: []plan.Change{}}
}

func (s *Survey) profiles(domain string) int {
	for _, d := range s.World.Domains {
		if d.Policy.Domain.Name == domain {
			return len(d.Profiles)
		}
	}
	return 0
}

func (r *Reconciler) inScope(in Scope) []Target {
	if in.Domains == nil {
		return r.Targets
	}
	return slices.DeleteFunc(slices.Clone(r.Targets), func(t Target) bool { return !slices.Contains(in.Domains, t.Domain.Name) })
}

// proposeRest adds what the guard says, and the sign-in of groups.
func (r *Reconciler) proposeRest(ctx context.Context, t Target, s *Survey, through map[string]bool, d *plan.DomainPlan) error {
	a, err := r.foretell(ctx, t, d.People)
	if err != nil {
		return err
	}
	if t.Domain.SignIn != studio.SignInGroup || t.Domain.State == studio.Retire || s.Facts[t.Domain.Name].Application == "" {
		return nil
	}
	recorded, err := r.Assignments.Assignments(ctx, t.Domain.Name)
	if err != nil {
		return fmt.Errorf("list the assignments of %s: %w", t.Domain.Name, err)
	}
	d.SignIn = append(d.SignIn, groupChanges(t, s, through, recorded)...)
	return r.foretellSignIn(ctx, t, d.SignIn, a)
}

// foretellSignIn marks the groups whose sign-in would not be taken back: each of
// their members counts, after the people who are let go.
func (r *Reconciler) foretellSignIn(ctx context.Context, t Target, changes []plan.Change, a allowance) error {
	for i := range changes {
		c := &changes[i]
		if c.Kind != plan.Unassign {
			continue
		}
		if a.decided == nil {
			var err error
			if a, err = r.allowance(ctx, t, nil); err != nil {
				return err
			}
		}
		members, err := r.Identity.Members(ctx, c.Group)
		if err != nil && !errors.Is(err, ErrGone) {
			return fmt.Errorf("list the members of group %s: %w", c.Group, err)
		}
		if held := a.holds(a.decided[groupKey(t.Domain.Name, c.Group).UserID], max(1, len(members)), r.Now()); held != "" {
			c.Reasons = append(c.Reasons, plan.Reason{Code: plan.CodeHeld, Text: held})
		}
	}
	return nil
}

// holds says why the sign-in of a group would be held, or counts its members.
func (a *allowance) holds(known Removal, members int, now time.Time) string {
	left := a.left - a.undecided
	switch {
	case known.stands(now) && known.Decision != Admitted:
		return string(known.Decision) + ": " + known.Reason
	case known.stands(now):
		return ""
	case a.window.Tripped || left < members:
		a.window.Tripped = true
		return fmt.Sprintf("its %d members count as removals, and %d more may go: it is held until a person decides", members, max(0, left))
	default:
		a.undecided += members
		return ""
	}
}

// groupChanges are the sign-ins of groups that are to be given or taken back.
func groupChanges(t Target, s *Survey, through map[string]bool, recorded map[Principal]Assignment) []plan.Change {
	var out []plan.Change
	add := func(kind plan.Kind, group, code, text string) {
		out = append(out, plan.Change{Kind: kind, Domain: t.Domain.Name, Group: group, Reasons: []plan.Reason{{Code: code, Text: text}}})
	}
	rows := of(s.Rows, t.Domain.Name)
	mapped := groupIDs(rows)
	for group := range through {
		if is, known := recorded[Principal{Group: true, ID: group}]; !known || is.Begun {
			add(plan.Assign, group, "group-sign-in", fmt.Sprintf("group %s may sign in once its people's profiles are ready", s.named(group)))
		}
	}
	lost := slices.ContainsFunc(rows, func(r studio.Row) bool { return r.GroupID == "" })
	for p, is := range recorded {
		if p.Group && is.Ours && !slices.Contains(mapped, p.ID) && !lost {
			add(plan.Unassign, p.ID, "no-row", fmt.Sprintf("group %s has no row any more", s.named(p.ID)))
		}
	}
	slices.SortFunc(out, func(a, b plan.Change) int { return cmp.Compare(string(a.Kind)+a.Group, string(b.Kind)+b.Group) })
	return out
}

func (s *Survey) named(group string) string {
	if name := s.Groups[group]; name != "" {
		return name
	}
	return group
}

// foretell marks whose removals would not be carried out: decided about
// earlier, or together more than the limit allows.
func (r *Reconciler) foretell(ctx context.Context, t Target, people []plan.PersonPlan) (allowance, error) {
	if err := r.foretellChanges(ctx, t, people); err != nil {
		return allowance{}, err
	}
	var leavers []Key
	for _, p := range people {
		if removes(p.Changes) {
			leavers = append(leavers, Key{t.Domain.Name, p.UserID})
		}
	}
	if len(leavers) == 0 {
		return allowance{}, nil
	}
	a, err := r.allowance(ctx, t, leavers)
	if err != nil {
		return a, err
	}
	for i := range people {
		if !removes(people[i].Changes) {
			continue
		}
		switch known := a.decided[people[i].UserID]; {
		case known.stands(r.Now()) && known.Decision != Admitted:
			people[i].Held = string(known.Decision) + ": " + known.Reason
		case known.stands(r.Now()):
		case a.window.Tripped:
			people[i].Held = "the limit of removals was reached earlier; removals list shows who waits"
		case a.undecided > a.left:
			people[i].Held = fmt.Sprintf("%d removals at once, and of %d managed profiles %d more may go within %s: all are held until a person decides", a.undecided, a.window.Managed, a.left, plan.Short(r.Limit.Window))
		}
	}
	return a, nil
}

func removes(changes []plan.Change) bool {
	return slices.ContainsFunc(changes, func(c plan.Change) bool { return c.Kind.Removes() })
}

func (r *Reconciler) proposeOne(ctx context.Context, in Scope, doc *plan.Document) error {
	rows, err := r.Mapping.Rows(ctx)
	if err != nil {
		return err
	}
	doc.Mapping = plan.MappingDigest(rows)
	for _, v := range r.See(ctx, in.User) {
		if in.Domains != nil && !slices.Contains(in.Domains, v.Domain.Name) {
			continue
		}
		t, _ := r.Target(v.Domain.Name)
		d := domainPlan(t, nil)
		d.Profiles = len(v.Profiles)
		if v.Err != nil {
			d.Error = v.Err.Error()
		} else if len(v.Changes) > 0 {
			d.People = []plan.PersonPlan{{
				UserID: v.User.ID, UserName: v.User.UserName, Changes: v.Changes, Held: v.Held, Basis: v.basis,
				Profile: plan.Decided{Person: plan.Person{User: v.User, Profiles: v.Profiles}}.Claimable(r.policy(t)),
			}}
			if _, err := r.foretell(ctx, t, d.People); err != nil {
				d.Error = err.Error()
			}
		}
		if note, err := r.noSignInYet(ctx, t, v); err != nil {
			d.Error = err.Error()
		} else if note != "" {
			doc.Notes = append(doc.Notes, note)
		}
		doc.Domains = append(doc.Domains, d)
	}
	return nil
}

// noSignInYet says that a user cannot sign in through their group yet. That is
// the group's affair, and a plan for everybody's.
func (r *Reconciler) noSignInYet(ctx context.Context, t Target, v View) (string, error) {
	p, wanted := principal(t.Domain, v.Verdict)
	if !wanted || !p.Group {
		return "", nil
	}
	known, _, err := r.Assignments.Assigned(ctx, t.Domain.Name, p)
	if err != nil || known {
		return "", wrap(err, "look up whether %s is assigned to domain %s", p, t.Domain.Name)
	}
	return fmt.Sprintf("%s may not sign in to %s yet; a plan for everybody changes that, once the profiles of all its people are ready", p, t.Domain.Name), nil
}

// leftAlone counts the profiles that are nobody's, and those of other deployments.
func (s *Survey) leftAlone(domain string, r *Reconciler) []string {
	nobody, foreign := 0, 0
	for _, d := range s.World.Domains {
		for _, g := range d.Profiles {
			switch owner := g.Owner(r.Deployment, r.Formerly); {
			case d.Policy.Domain.Name != domain || g.Status == "":
			case owner == studio.Nobody:
				nobody++
			case owner == studio.Foreign:
				foreign++
			}
		}
	}
	var notes []string
	if nobody > 0 {
		notes = append(notes, fmt.Sprintf("%d profiles in %s are managed by nobody; those that no change above takes over stay as they are", nobody, domain))
	}
	if foreign > 0 {
		notes = append(notes, fmt.Sprintf("%d profiles in %s belong to other deployments, and are left alone", foreign, domain))
	}
	return notes
}

// unmapped names the groups that may sign in to a domain, that no row speaks of,
// and that no change takes that from: SageMaker gives their people profiles with
// the domain's default role.
func (r *Reconciler) unmapped(ctx context.Context, t Target, s *Survey, changes []plan.Change) []string {
	application := s.Facts[t.Domain.Name].Application
	if application == "" {
		return nil
	}
	groups, err := r.Assignees.AssignedGroups(ctx, t.Domain, application)
	if err != nil {
		return []string{fmt.Sprintf("whether groups without a row may sign in to %s is not known: %v", t.Domain.Name, err)}
	}
	mapped := groupIDs(of(s.Rows, t.Domain.Name))
	for _, c := range changes {
		mapped = append(mapped, c.Group)
	}
	var notes []string
	for _, g := range groups {
		if !slices.Contains(mapped, g) {
			notes = append(notes, fmt.Sprintf("group %s may sign in to %s and has no row there: SageMaker gives its people profiles with the domain's default role; give it a row, or take its assignment away",
				s.named(g), t.Domain.Name))
		}
	}
	slices.Sort(notes)
	return notes
}

// Prepare does what goes before the people of a plan: removals that together
// exceed the limit are held, all of them.
func (r *Reconciler) Prepare(ctx context.Context, doc plan.Document) error {
	var errs []error
	for _, d := range doc.Domains {
		t, ok := r.Target(d.Domain)
		if !ok {
			continue
		}
		var leavers []Key
		for _, p := range d.People {
			if removes(p.Changes) {
				leavers = append(leavers, Key{d.Domain, p.UserID})
			}
		}
		errs = append(errs, r.HoldMany(ctx, t, leavers), r.holdChanges(ctx, t, d.People))
	}
	return errors.Join(errs...)
}

// LookOf is the look that carries out what is planned for one person, and
// nothing else: if reading again gives another plan, nothing is done.
func LookOf(domain string, p plan.PersonPlan, bulk bool, by event.Trigger) event.Look {
	return event.Look{
		Scope: event.User, UserID: p.UserID, Domain: domain, Profile: p.Profile, Plan: plan.Digest(p.Changes), Bulk: bulk, Trigger: by,
	}
}

// Begin remembers that a plan began with a person, so that the same plan may go
// on after it was cut off.
func (r *Reconciler) Begin(ctx context.Context, k Key, digest string) error {
	return wrap(r.Journal.Tell(ctx, k, "plan "+digest), "remember that the plan began with user %s", k.UserID)
}

// Begun tells whether a plan began with a person within a day. Where that cannot
// be found out, it did not.
func (r *Reconciler) Begun(ctx context.Context, k Key, digest string) bool {
	told, err := r.Journal.Told(ctx, k, "plan "+digest)
	return err == nil && told
}

// LookOfGroup is the look that lets a group sign in, once its people are ready.
func LookOfGroup(c plan.Change, by event.Trigger) event.Look {
	return event.Look{Scope: event.SignIn, GroupID: c.Group, Domain: c.Domain, Trigger: by}
}

// TakeSignIn carries out a plan's change that takes the sign-in from a group.
func (r *Reconciler) TakeSignIn(ctx context.Context, c plan.Change, by event.Trigger) (held string, err error) {
	t, ok := r.Target(c.Domain)
	if !ok {
		return "", fmt.Errorf("the configuration has no domain %q", c.Domain)
	}
	return r.UnassignGroup(ctx, t, c.Group, trigger(event.Look{Trigger: by}))
}

// SignedIn tells whether a group is assigned to a domain's application.
func (r *Reconciler) SignedIn(ctx context.Context, domain, group string) (bool, error) {
	known, _, err := r.Assignments.Assigned(ctx, domain, Principal{Group: true, ID: group})
	return known, wrap(err, "look up whether group %s is assigned to domain %s", group, domain)
}
