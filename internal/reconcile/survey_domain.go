package reconcile

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"

	"studiokeeper/internal/plan"
	"studiokeeper/internal/studio"
)

// domainSurvey is one domain on its way to a plan.DomainView.
type domainSurvey struct {
	s        *surveyor
	t        Target
	profiles []studio.Glance  // by name
	odd      map[string]int32 // lower-case name → place, of names with capitals
	tagged   []bool           // whose tags were listed
	seen     []time.Time      // when each was last described; zero: not as it is now
	owners   map[string]int32 // user id → the profile that carries it
	late     atomic.Int64     // profiles for which there was no time
}

// domain reads one domain. What was described before and has not been modified
// since is taken from memory; what the lists leave open is described.
func (s *surveyor) domain(ctx context.Context, t Target, tags map[Target]*tagList, users <-chan struct{}) (*plan.DomainView, error) {
	facts, err := s.from.gate.facts(ctx, t.Domain)
	if err != nil {
		return nil, err
	}
	d := &domainSurvey{s: s, t: t, odd: map[string]int32{}, owners: map[string]int32{}}
	var listed []taggedProfile
	var g errgroup.Group
	g.Go(func() error { return wrap(d.list(ctx), "list the profiles of %s", t.Domain.Name) })
	g.Go(func() (err error) {
		// Under ctx: what the domains share must not end with one of them.
		listed, err = tags[t].read(ctx, s, t)
		return err
	})
	if err := g.Wait(); err != nil {
		return nil, err
	}
	stale, err := d.recall(ctx)
	if err != nil {
		return nil, err
	}
	for _, one := range listed {
		d.tag(one.name, one.tags)
	}
	<-users
	if s.survey.World.Index == nil {
		return nil, ctx.Err()
	}
	view := &plan.DomainView{Policy: s.r.policy(t), SignIn: t.Domain.SignIn == studio.SignInUser && facts.Application != ""}
	view.Edits, view.Settled = s.survey.read.edits[t.Domain.Name], map[string]time.Time{}
	people, err := d.people(ctx, view)
	if err != nil {
		return nil, err
	}
	view.Assigned, err = d.assigned(ctx, view.SignIn)
	if err != nil {
		return nil, err
	}
	d.describe(ctx, d.undescribed(people))
	if s.x.Keep != nil && len(stale) > 0 {
		s.doubt(wrap(s.x.Keep.ForgetSeen(ctx, t.Domain.Name, stale), "forget profiles of %s that are gone", t.Domain.Name))
	}
	view.Profiles, view.Remembered = d.finish(), d.remembered(people)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.survey.Facts[t.Domain.Name] = facts
	return view, ctx.Err()
}

func (d *domainSurvey) list(ctx context.Context) error {
	err := d.s.from.profiles.Each(ctx, d.t.Domain, func(p studio.Profile) {
		d.profiles = append(d.profiles, studio.Glance{Name: p.Name, Status: p.Status, Modified: p.Modified.UnixMilli()})
		d.s.x.Progress.Profiles.Add(1)
	})
	if err != nil {
		return err
	}
	slices.SortFunc(d.profiles, func(a, b studio.Glance) int { return cmp.Compare(a.Name, b.Name) })
	d.profiles = slices.CompactFunc(d.profiles, func(a, b studio.Glance) bool { return a.Name == b.Name })
	for i, g := range d.profiles {
		if lower := strings.ToLower(g.Name); lower != g.Name {
			d.odd[lower] = int32(i)
		}
	}
	d.tagged, d.seen = make([]bool, len(d.profiles)), make([]time.Time, len(d.profiles))
	return nil
}

// find finds a profile by name, in which case does not count.
func (d *domainSurvey) find(name string) (int32, bool) {
	at, found := slices.BinarySearchFunc(d.profiles, name, func(g studio.Glance, n string) int { return cmp.Compare(g.Name, n) })
	if found {
		return int32(at), true
	}
	odd, found := d.odd[strings.ToLower(name)]
	return odd, found
}

// recall takes over what was described earlier and still holds. It answers the
// names that are remembered and no longer listed.
func (d *domainSurvey) recall(ctx context.Context) (stale []string, err error) {
	err = d.s.r.Memory.EachSeen(ctx, d.t.Domain.Name, func(seen Seen) {
		at, found := d.find(seen.Name)
		if !found {
			stale = append(stale, seen.Name)
			return
		}
		g := &d.profiles[at]
		if g.Modified != seen.Modified || g.Status != studio.InService {
			return
		}
		g.SSOUser, g.Role, g.Settings, d.seen[at] = seen.SSOUser, seen.Role, seen.Settings, seen.At
	})
	return stale, wrap(err, "recall the profiles of %s", d.t.Domain.Name)
}

func (d *domainSurvey) tag(name string, tags studio.OurTags) {
	at, found := d.find(name)
	if !found {
		return
	}
	d.profiles[at].Tags, d.tagged[at] = tags, true
	if d.profiles[at].Owner(d.s.r.Deployment, d.s.r.Formerly) == studio.Ours && tags.UserID != "" {
		d.owners[tags.UserID] = at
	}
}

// people recalls whom we manage here, and since when they are settled; those in
// whose case more than a plan is to be looked at go into the survey's index.
func (d *domainSurvey) people(ctx context.Context, view *plan.DomainView) (missing map[string]string, err error) {
	missing = map[string]string{}
	index := map[Key]Person{}
	pending := view.Edits.Pending(time.Time{})
	err = d.s.from.persons.EachManaged(ctx, d.t.Domain.Name, func(p Person) {
		if pending && p.Settled.After(view.Edits.Settled) {
			view.Settled[p.UserID] = p.Settled
		}
		_, carried := d.owners[p.UserID]
		if !carried {
			missing[p.UserID] = p.Profile
		}
		if !carried || !p.Ready || p.Leaving || p.Changing {
			index[p.Key] = p
		}
	})
	d.s.mu.Lock()
	defer d.s.mu.Unlock()
	maps.Copy(d.s.survey.Index, index)
	return missing, wrap(err, "list the managed people of %s", d.t.Domain.Name)
}

func (d *domainSurvey) assigned(ctx context.Context, wanted bool) (map[string]bool, error) {
	if !wanted {
		return nil, nil
	}
	recorded, err := d.s.from.assignments.Assignments(ctx, d.t.Domain.Name)
	users := map[string]bool{}
	for p, is := range recorded {
		if !p.Group {
			users[p.ID] = !is.Begun
		}
	}
	return users, wrap(err, "list the assignments of %s", d.t.Domain.Name)
}

// undescribed are the profiles of which the lists do not tell enough: new ones,
// those modified since, and those whose tags are not listed although they
// concern somebody. In a deep survey it is all of them.
func (d *domainSurvey) undescribed(missing map[string]string) []int32 {
	expected := map[string]bool{}
	for _, name := range missing {
		expected[name] = true
	}
	var all []int32
	for i, g := range d.profiles {
		_, concerns := d.s.survey.World.Index.ByName(g.SSOUser)
		if d.s.x.Deep || d.seen[i].IsZero() || !d.tagged[i] && (concerns || expected[g.Name]) {
			all = append(all, int32(i))
		}
	}
	slices.SortStableFunc(all, func(a, b int32) int { return d.seen[a].Compare(d.seen[b]) })
	d.s.x.Progress.ToDescribe.Add(int64(len(all)))
	return all
}

// describe reads profiles whole, tags included, as far as the time allows, and
// keeps what it read.
func (d *domainSurvey) describe(ctx context.Context, which []int32) {
	for some := range slices.Chunk(which, 500) {
		var g errgroup.Group
		g.SetLimit(describeLimit)
		for _, at := range some {
			g.Go(func() error {
				d.one(ctx, at)
				return nil
			})
		}
		_ = g.Wait() // what could not be described stays so, and is said
		d.keep(ctx, some)
	}
}

func (d *domainSurvey) one(ctx context.Context, at int32) {
	g := &d.profiles[at]
	if ctx.Err() != nil || !d.s.x.Until.IsZero() && !d.s.r.Now().Before(d.s.x.Until) {
		if d.seen[at].IsZero() {
			d.late.Add(1)
		}
		return
	}
	p, err := d.s.from.profiles.Read(ctx, d.t.Domain, g.Name)
	d.s.x.Progress.Described.Add(1)
	switch {
	case errors.Is(err, ErrGone):
		g.Name = "" // deleted since it was listed
	case err != nil:
		d.seen[at] = time.Time{}
		d.s.doubt(fmt.Errorf("describe profile %q in %s: %w", g.Name, d.t.Domain.Name, err))
	default:
		*g, d.seen[at], d.tagged[at] = studio.GlanceOf(p), d.s.r.Now().UTC(), true
	}
}

func (d *domainSurvey) keep(ctx context.Context, which []int32) {
	if d.s.x.Keep == nil {
		return
	}
	var seen []Seen
	for _, at := range which {
		if g := d.profiles[at]; g.Name != "" && g.Status == studio.InService && !d.seen[at].IsZero() {
			seen = append(seen, Seen{Name: g.Name, SSOUser: g.SSOUser, Role: g.Role, Settings: g.Settings, Modified: g.Modified, At: d.seen[at]})
		}
	}
	d.s.doubt(wrap(d.s.x.Keep.KeepSeen(ctx, d.t.Domain.Name, seen), "remember the profiles of %s", d.t.Domain.Name))
}

// finish answers the profiles: one that is not described has no status.
func (d *domainSurvey) finish() []studio.Glance {
	verified := map[string]time.Time{}
	for i := range d.profiles {
		g := &d.profiles[i]
		switch {
		case g.Name == "":
		case d.seen[i].IsZero():
			g.Status = ""
		case d.s.x.Verified:
			verified[g.Name] = d.seen[i]
		}
		if u, known := d.s.survey.World.Index.ByName(g.SSOUser); known {
			g.SSOUser = u.UserName
		}
		if u, known := d.s.survey.World.Index.ByID(g.Tags.UserID); known {
			g.Tags.UserID = u.ID
		}
	}
	d.s.mu.Lock()
	defer d.s.mu.Unlock()
	// One that cannot be described is a doubt; only time makes it worth trying at once.
	d.s.survey.Waiting[d.t.Domain.Name] = int(d.late.Load())
	d.s.survey.Verified[d.t.Domain.Name] = verified
	return slices.DeleteFunc(d.profiles, func(g studio.Glance) bool { return g.Name == "" })
}

// remembered leaves out of missing whoever a description has shown to be there.
func (d *domainSurvey) remembered(missing map[string]string) map[string]string {
	for _, g := range d.profiles {
		if g.Owner(d.s.r.Deployment, d.s.r.Formerly) == studio.Ours {
			delete(missing, g.Tags.UserID)
		}
	}
	return missing
}
