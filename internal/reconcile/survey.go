package reconcile

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"

	"studiokeeper/internal/plan"
	"studiokeeper/internal/studio"
)

// Survey is everything that the configuration manages, read with lists. It is
// what a pass, a plan and a report start from; what is then changed is read
// again, one person at a time.
type Survey struct {
	World plan.World
	Rows  []studio.Row // of all domains, those of the naming standard included
	// Failed says why a domain is not in World: it could not be read, or it is
	// not what the configuration says.
	Failed map[string]error
	// Doubts are what could not be read without failing a whole domain: groups,
	// single profiles.
	Doubts []error
	// Notes are what a person should know, and what is no failure.
	Notes []string
	// Facts are what the domains say of themselves.
	Facts map[string]DomainFacts
	// Groups are the display names of groups, as far as rows or listings tell.
	Groups map[string]string
	// Verified tells when a profile was last described: domain → name → time.
	Verified map[string]map[string]time.Time
	// Waiting counts profiles that are listed and not described yet, for want
	// of time, by domain.
	Waiting map[string]int
	// Index is what the state table remembers of people, where that asks for a
	// look whatever is planned: their profile was not seen ready, they are on
	// their way out or being changed, or the profile is not listed any more.
	Index map[Key]Person

	read reading // of the mapping
}

// Extent says how much a survey reads.
type Extent struct {
	Domains []string  // by name; nil: all
	Deep    bool      // describe every profile, those first that were described longest ago
	Until   time.Time // when to stop describing; zero: when all are
	// Keep stores what was described; nil where nothing may be written.
	Keep Memory
	// Verified asks for Survey.Verified, which costs memory.
	Verified bool
	Progress *Progress // nil: nobody watches
}

// Progress counts what a survey has read so far.
type Progress struct {
	Users, Memberships, Profiles, Tagged, ToDescribe, Described atomic.Int64
}

// describeLimit is how many profiles are described at once; SageMaker's request
// rates are kept below that.
const describeLimit = 16

// Survey reads everything. One domain, group or profile that cannot be read
// spoils no other; a list of users or rows that is not complete is an error.
func (r *Reconciler) Survey(ctx context.Context, x Extent) (*Survey, error) {
	if x.Progress == nil {
		x.Progress = &Progress{}
	}
	s := surveyor{r: r, from: r.reader(), x: x, survey: &Survey{
		Failed: map[string]error{}, Facts: map[string]DomainFacts{}, Groups: map[string]string{},
		Verified: map[string]map[string]time.Time{}, Waiting: map[string]int{}, Index: map[Key]Person{},
	}}
	for _, t := range r.Targets {
		if x.Domains == nil || slices.Contains(x.Domains, t.Domain.Name) {
			s.targets = append(s.targets, t)
		}
	}
	return s.read(ctx)
}

// surveyor reads one survey. It has readers only, but for what Extent.Keep stores.
type surveyor struct {
	r       *Reconciler
	from    reader
	x       Extent
	targets []Target
	survey  *Survey

	mu sync.Mutex // guards survey while domains are read side by side
}

func (s *surveyor) read(ctx context.Context) (*Survey, error) {
	var err error
	if s.survey.read, s.survey.Groups, err = s.from.mapping.everything(ctx, s.r.Census); err != nil {
		return nil, err
	}
	s.survey.Rows = s.survey.read.rows
	g, round := errgroup.WithContext(ctx)
	users := make(chan struct{})
	g.Go(func() error {
		defer close(users)
		return s.users(round)
	})
	g.Go(func() error { return s.members(round) })
	views := make([]*plan.DomainView, len(s.targets))
	tags := s.tagLists()
	for i, t := range s.targets {
		g.Go(func() error {
			view, err := s.domain(round, t, tags, users)
			if err != nil {
				s.fail(t, err)
				return round.Err()
			}
			views[i] = view
			return nil
		})
	}
	if err := g.Wait(); err != nil {
		return nil, err
	}
	s.intern()
	for _, v := range views {
		if v != nil {
			s.accept(v)
		}
	}
	return s.survey, nil
}

func (s *surveyor) fail(t Target, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.survey.Failed[t.Domain.Name] = err
}

func (s *surveyor) doubt(err error) {
	if err == nil {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.survey.Doubts = append(s.survey.Doubts, err)
}

// accept takes a domain into the world, unless it looks like another's.
func (s *surveyor) accept(v *plan.DomainView) {
	name := v.Policy.Domain.Name
	if why := s.survey.World.Suspicion(v); why != "" {
		s.survey.Failed[name] = errors.New(why)
		return
	}
	if why := v.Strangers(); why != "" {
		s.survey.Notes = append(s.survey.Notes, why)
	}
	v.Rows = of(s.survey.Rows, name)
	s.survey.World.Domains = append(s.survey.World.Domains, *v)
}

func (s *surveyor) users(ctx context.Context) error {
	w := &s.survey.World
	err := s.r.Census.EachUser(ctx, func(u studio.User) {
		w.Users = append(w.Users, u)
		s.x.Progress.Users.Add(1)
	})
	if err != nil {
		return fmt.Errorf("list the users: %w", err)
	}
	w.Index = plan.NewIndex(w.Users)
	return nil
}

// members lists the members of every mapped group. One that cannot be listed
// leaves its people in doubt, never out.
func (s *surveyor) members(ctx context.Context) error {
	var rows []studio.Row
	for _, t := range s.targets {
		rows = append(rows, of(s.survey.Rows, t.Domain.Name)...)
	}
	members, unread, gone := map[string][]string{}, map[string]string{}, map[string]bool{}
	var mu sync.Mutex
	var g errgroup.Group
	g.SetLimit(readLimit)
	for _, id := range groupIDs(rows) {
		g.Go(func() error {
			found, err := s.from.identity.Members(ctx, id)
			mu.Lock()
			defer mu.Unlock()
			switch {
			case errors.Is(err, ErrGone):
				gone[id] = true
			case err != nil:
				unread[id] = err.Error()
				s.doubt(fmt.Errorf("list the members of group %s: %w", id, err))
			default:
				members[id] = found
				s.x.Progress.Memberships.Add(int64(len(found)))
			}
			return nil
		})
	}
	_ = g.Wait() // what failed is in unread
	for i := range s.survey.Rows {
		if gone[s.survey.Rows[i].GroupID] {
			s.survey.Rows[i].Vanished = true
		}
	}
	s.survey.World.Members, s.survey.World.Unread = members, unread
	s.survey.World.Vanished = slices.Sorted(maps.Keys(gone))
	return ctx.Err()
}

// intern lets members share the users' own strings.
func (s *surveyor) intern() {
	for _, members := range s.survey.World.Members {
		for i, id := range members {
			if u, known := s.survey.World.Index.ByID(id); known {
				members[i] = u.ID
			}
		}
	}
}

// tagList is one listing of tags, which the domains of a place share.
type tagList struct {
	once sync.Once
	done chan struct{} // closed once it was read
	err  error
	of   map[string][]taggedProfile // by domain id
}

type taggedProfile struct {
	name string
	tags studio.OurTags
}

func (s *surveyor) tagLists() map[Target]*tagList {
	type place struct {
		account, region string
		role            studio.AssumeRole
	}
	shared := map[place]*tagList{}
	lists := map[Target]*tagList{}
	for _, t := range s.targets {
		at := place{t.Domain.Account, t.Domain.Region, t.Domain.AssumeRole}
		if shared[at] == nil {
			shared[at] = &tagList{done: make(chan struct{}), of: map[string][]taggedProfile{}}
		}
		lists[t] = shared[at]
	}
	return lists
}

// read answers what the domain's place lists. Whoever asks first reads, and the
// others wait.
func (l *tagList) read(ctx context.Context, s *surveyor, t Target) ([]taggedProfile, error) {
	l.once.Do(func() { go l.list(ctx, s, t) })
	<-l.done
	return l.of[t.Domain.ID], wrap(l.err, "list the tags of user profiles in %s, %s", t.Domain.Account, t.Domain.Region)
}

func (l *tagList) list(ctx context.Context, s *surveyor, t Target) {
	defer close(l.done)
	same := map[string]string{}
	one := func(text string) string {
		if known, ok := same[text]; ok {
			return known
		}
		same[text] = text
		return text
	}
	l.err = s.r.Tags.EachTagged(ctx, t.Domain, func(domainID, name string, tags studio.OurTags) {
		tags.Deployment, tags.Group, tags.Applied = one(tags.Deployment), one(tags.Group), one(tags.Applied)
		domainID = one(domainID)
		l.of[domainID] = append(l.of[domainID], taggedProfile{name, tags})
		s.x.Progress.Tagged.Add(1)
	})
}
