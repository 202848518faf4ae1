package reconcile

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"studiokeeper/internal/event"
	"studiokeeper/internal/plan"
)

// A pass over so many profiles, or that took so long the last time, is split by
// domain: a function has 15 minutes and 256 MB.
const (
	splitProfiles = 200_000
	splitTime     = 8 * time.Minute
)

// passReserve is how much of the function's time is left for handing on what
// was found, once describing ends.
const passReserve = 2 * time.Minute

// Passed is a pass that ended without an error: over one domain, or, with Domain
// empty, over all that are configured.
type Passed struct {
	Domain string
	Took   time.Duration
}

// passed tells whoever asks.
func (r *Reconciler) passed(p Passed) {
	if r.Passed != nil {
		r.Passed(p)
	}
}

// rounded tells of a pass over everything. One that was split is over once each
// domain has been passed since what triggered it.
func (r *Reconciler) rounded(ctx context.Context, l event.Look, started time.Time) error {
	if l.Domain != "" {
		known, err := r.Register.Registered(ctx)
		if err != nil {
			return fmt.Errorf("list the domains passed: %w", err)
		}
		for _, t := range r.Targets {
			at := slices.IndexFunc(known, func(d DomainRecord) bool { return d.Name == t.Domain.Name })
			if at < 0 || known[at].Succeeded.IsZero() || known[at].Succeeded.Before(l.Trigger.Time) {
				return nil
			}
		}
	}
	r.passed(Passed{Took: r.Now().Sub(started)})
	return nil
}

// pass looks at everybody: it reads with lists, and hands on a look at each
// person with whom something is not as it should be. What it finds is never the
// ground for a change: the look reads again.
func (r *Reconciler) pass(ctx context.Context, l event.Look) error {
	known, err := r.Register.Registered(ctx)
	if err != nil {
		return fmt.Errorf("list the domains known: %w", err)
	}
	if l.Domain == "" && r.large(known) {
		return r.split(ctx, l)
	}
	r.gate().recall(known)
	started := r.Now()
	x := Extent{Deep: l.Deep, Keep: r.Memory}
	if l.Domain != "" {
		x.Domains = []string{l.Domain}
	}
	if end, bounded := ctx.Deadline(); bounded {
		x.Until = started.Add(time.Until(end) - passReserve)
		if !x.Until.After(started) {
			return fmt.Errorf("a pass has %s, of which %s are for handing on what it finds: let it run in a function with a timeout of 15 minutes", time.Until(end).Round(time.Second), passReserve)
		}
	}
	s, err := r.Survey(ctx, x)
	if err != nil {
		return err
	}
	if len(s.World.Users) == 0 && slices.ContainsFunc(s.World.Domains, func(d plan.DomainView) bool { return len(d.Profiles) > 0 }) {
		return fmt.Errorf("identity store %s lists no users at all, which is taken for a failed read: nothing is changed", r.StoreID)
	}
	for _, note := range s.Notes {
		r.Log.WarnContext(ctx, note)
	}
	errs := slices.Clone(s.Doubts)
	if err := r.Mapping.PinNew(ctx); err != nil {
		errs, s.read.edits = append(errs, err), nil // not remembered: nobody is settled with them
	}
	for name, err := range s.Failed {
		errs = append(errs, fmt.Errorf("domain %s: %w", name, err))
	}
	errs = append(errs, r.unconfigured(ctx, known))
	for _, t := range r.targets(ctx, l.Domain) {
		if s.Failed[t.Domain.Name] == nil {
			errs = append(errs, r.passOver(ctx, t, s, l, deepPass(known, t.Domain.Name), started))
		}
	}
	if err := errors.Join(errs...); err != nil {
		return err
	}
	return r.rounded(ctx, l, started)
}

// large tells from the last passes whether one function can do this one.
func (r *Reconciler) large(known []DomainRecord) bool {
	profiles, took := 0, time.Duration(0)
	for _, d := range known {
		profiles += d.Profiles
		took = max(took, d.Took)
	}
	return len(r.Targets) > 1 && (profiles > splitProfiles || took > splitTime)
}

func (r *Reconciler) split(ctx context.Context, l event.Look) error {
	var errs []error
	for _, t := range r.Targets {
		own := event.Look{Scope: event.Everybody, Domain: t.Domain.Name, Deep: l.Deep, Trigger: l.Trigger}
		errs = append(errs, r.schedule(ctx, r.Pass, subjectOf(own), own, r.Now()))
	}
	return errors.Join(errs...)
}

// deepPass is when the last deep pass over a domain ended, as far as is known.
func deepPass(known []DomainRecord, name string) time.Time {
	at := slices.IndexFunc(known, func(d DomainRecord) bool { return d.Name == name })
	if at < 0 {
		return time.Time{}
	}
	return known[at].Deep
}

// passOver hands on what a survey found in one domain.
func (r *Reconciler) passOver(ctx context.Context, t Target, s *Survey, l event.Look, deep, started time.Time) error {
	f := s.find(t.Domain.Name)
	bounded := errors.Join(r.HoldMany(ctx, t, f.Leavers), r.holdMany(ctx, t, r.changes(), f.Edited))
	errs := []error{bounded}
	var looks []event.Look
	var reported []Wanted
	for _, w := range f.Wanted {
		if bounded != nil && w.limited() {
			continue // whether all of them are to be held could not be found out
		}
		if w.Reports {
			told, err := r.Journal.Told(ctx, w.Key, w.told())
			errs = append(errs, wrap(err, "look up what was told of user %s", w.Key.UserID))
			if told || err != nil {
				continue
			}
			reported = append(reported, w)
		}
		looks = append(looks, event.Look{UserID: w.Key.UserID, Domain: w.Key.Domain, Profile: w.Hint, Trigger: l.Trigger, RowsAfter: started})
	}
	for i := range looks {
		looks[i].Bulk = len(looks) > bulkFrom
	}
	handed := r.handOnAll(ctx, looks)
	errs = append(errs, handed, r.passSignIn(ctx, t, s, f.Through, l))
	if handed == nil { // rather twice than never
		for _, w := range reported {
			errs = append(errs, wrap(r.Journal.Tell(ctx, w.Key, w.told()), "remember what was told of user %s", w.Key.UserID))
		}
	}
	if n := s.Waiting[t.Domain.Name]; n > 0 {
		r.Log.WarnContext(ctx, "profiles were listed and not described yet, for want of time", "domain", t.Domain.Name, "profiles", n)
		again := event.Look{Scope: event.Everybody, Domain: t.Domain.Name, Trigger: l.Trigger}
		errs = append(errs, r.schedule(ctx, r.Pass, subjectOf(again), again, r.Now().Add(collect)))
	}
	if !f.Open && s.Waiting[t.Domain.Name] == 0 {
		errs = append(errs, r.settleRows(ctx, t.Domain.Name, s.read))
	}
	record := DomainRecord{
		Name: t.Domain.Name, ID: t.Domain.ID, StoreID: r.StoreID, Deployment: r.Deployment,
		Passed: r.Now().UTC(), Took: r.Now().Sub(started), Profiles: f.Profiles, Deep: deep,
	}
	if l.Deep {
		record.Deep = record.Passed
	}
	if errors.Join(errs...) == nil {
		record.Succeeded = record.Passed
		r.passed(Passed{Domain: record.Name, Took: record.Took})
	}
	errs = append(errs, r.Register.Register(ctx, record))
	r.Log.InfoContext(ctx, "pass", "domain", t.Domain.Name, "profiles", f.Profiles, "looks", len(looks), "took", r.Now().Sub(started).String())
	return errors.Join(errs...)
}

// told is under what it is remembered that a person was reported.
func (w Wanted) told() string { return "pass " + plan.Digest(w.Changes) }

// limited tells whether what is wanted counts against a limit.
func (w Wanted) limited() bool {
	return slices.ContainsFunc(w.Changes, func(c plan.Change) bool { return c.Kind.Removes() || c.Edited() })
}

// passSignIn assigns the groups whose people are ready, and takes the sign-in
// from those that have no row any more.
func (r *Reconciler) passSignIn(ctx context.Context, t Target, s *Survey, through map[string]bool, l event.Look) error {
	if !assignsGroups(t.Domain) {
		return nil
	}
	recorded, err := r.Assignments.Assignments(ctx, t.Domain.Name)
	if err != nil {
		return fmt.Errorf("list the assignments of %s: %w", t.Domain.Name, err)
	}
	var errs []error
	for group := range through {
		if is, known := recorded[Principal{Group: true, ID: group}]; (!known || is.Begun) && s.Facts[t.Domain.Name].Application != "" {
			next := event.Look{Scope: event.SignIn, GroupID: group, Domain: t.Domain.Name, Trigger: l.Trigger}
			errs = append(errs, r.schedule(ctx, r.Pass, "signin#"+group+"#"+t.Domain.Name, next, r.Now().Add(collect)))
		}
	}
	mapped := groupIDs(of(s.Rows, t.Domain.Name))
	for p, is := range recorded {
		if !p.Group || !is.Ours || slices.Contains(mapped, p.ID) {
			continue
		}
		held, err := r.UnassignGroup(ctx, t, p.ID, trigger(l))
		errs = append(errs, err)
		if held != "" {
			r.Log.WarnContext(ctx, "held", "domain", t.Domain.Name, "group", p.ID, "reason", held)
		}
	}
	return errors.Join(errs...)
}

// unconfigured reports domains that are managed with this state table and that
// the configuration has no more; one in which nobody is left is forgotten.
func (r *Reconciler) unconfigured(ctx context.Context, known []DomainRecord) error {
	left, err := r.Unconfigured(ctx, known)
	for _, d := range left {
		if d.Profiles == 0 {
			err = errors.Join(err, wrap(r.Register.Unregister(ctx, d.Name), "forget domain %s", d.Name))
			continue
		}
		r.Log.WarnContext(ctx, "the configuration has no more a domain that is managed; set its state: retire before taking it out", "domain", d.Name, "domainId", d.ID, "managed", d.Profiles)
	}
	return err
}

// enrol makes a domain known, under the deployment's name of today, before
// anything is changed in it; once.
func (r *Reconciler) enrol(ctx context.Context, t Target) error {
	if _, done := r.enrolled.Load(t.Domain.ID); done {
		return nil
	}
	known, err := r.Register.Registered(ctx)
	if err != nil {
		return fmt.Errorf("list the domains known: %w", err)
	}
	d := DomainRecord{Name: t.Domain.Name, ID: t.Domain.ID}
	if at := slices.IndexFunc(known, func(k DomainRecord) bool { return k.Name == d.Name && k.ID == d.ID }); at >= 0 {
		d = known[at] // with what the last pass found
	}
	if d.StoreID != r.StoreID || d.Deployment != r.Deployment {
		d.StoreID, d.Deployment = r.StoreID, r.Deployment
		if err := r.Register.Register(ctx, d); err != nil {
			return fmt.Errorf("make domain %s known: %w", t.Domain.Name, err)
		}
	}
	r.enrolled.Store(t.Domain.ID, true)
	return nil
}

// Unconfigured lists domains that are known and not configured, each with the
// number of profiles that are managed there.
func (r *Reconciler) Unconfigured(ctx context.Context, known []DomainRecord) ([]DomainRecord, error) {
	var left []DomainRecord
	var errs []error
	for _, d := range known {
		if _, configured := r.Target(d.Name); configured {
			continue
		}
		d.Profiles = 0
		err := r.Persons.EachManaged(ctx, d.Name, func(Person) { d.Profiles++ })
		if err != nil {
			errs = append(errs, fmt.Errorf("count the managed people of %s: %w", d.Name, err))
			continue
		}
		left = append(left, d)
	}
	return left, errors.Join(errs...)
}

// Wanted is a person at whom something is to be looked at.
type Wanted struct {
	Key     Key
	Hint    string // a profile that is theirs to take over; "" for none
	Changes []plan.Change
	Reports bool // nothing is to be changed, only reported
}

// Findings are what a survey found in one domain.
type Findings struct {
	Wanted   []Wanted
	Leavers  []Key           // people who would begin to lose what they have
	Edited   []Removal       // changes because of an edited row
	Open     bool            // somebody is changed because of an edited row, or may be: it cannot be told yet
	Through  map[string]bool // groups through which somebody has all they should
	Profiles int
}

// find sorts out whom a look is wanted at in a domain.
func (s *Survey) find(domain string) Findings {
	f := Findings{Through: map[string]bool{}}
	index := map[string]Person{}
	for k, p := range s.Index {
		if k.Domain == domain {
			index[k.UserID] = p
		}
	}
	world := s.World
	world.Domains = slices.Clone(world.Domains)
	world.Domains = slices.DeleteFunc(world.Domains, func(d plan.DomainView) bool { return d.Policy.Domain.Name != domain })
	for _, d := range world.Domains {
		f.Profiles += len(d.Profiles)
	}
	for view, one := range world.Decide() {
		f.person(view, one, index)
		delete(index, one.Person.User.ID)
	}
	for id := range index {
		f.Wanted = append(f.Wanted, Wanted{Key: Key{domain, id}}) // no row and no profile speaks of them any more
	}
	return f
}

func (f *Findings) person(view *plan.DomainView, one plan.Decided, index map[string]Person) {
	w := Wanted{Key: Key{view.Policy.Domain.Name, one.Person.User.ID}, Changes: one.Changes, Hint: one.Claimable(view.Policy)}
	if len(one.Changes) == 0 {
		_, indexed := index[w.Key.UserID]
		entitled := one.Verdict.Standing == plan.Entitled
		if entitled {
			f.Through[one.Verdict.Winner.GroupID] = true
		}
		if indexed && (entitled || len(one.Person.Profiles) == 0) {
			f.Wanted = append(f.Wanted, w)
		}
		return
	}
	if c, edited := editedOf(one.Changes); edited {
		f.Edited = append(f.Edited, changeOf(w.Key, c))
	}
	f.Open = f.Open || slices.ContainsFunc(one.Changes, func(c plan.Change) bool {
		return c.Edited() || c.Kind == plan.Wait || c.Kind == plan.Unreadable
	})
	w.Reports = !slices.ContainsFunc(one.Changes, func(c plan.Change) bool { return !c.Kind.Reports() || c.Kind == plan.Wait })
	if w.Reports && one.Doubted() {
		return // the group that could not be read is reported, once for all its people
	}
	if slices.ContainsFunc(one.Changes, func(c plan.Change) bool { return c.Kind.Removes() }) {
		f.Leavers = append(f.Leavers, w.Key)
	}
	f.Wanted = append(f.Wanted, w)
}
