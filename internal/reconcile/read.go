package reconcile

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"golang.org/x/sync/errgroup"

	"studiokeeper/internal/plan"
	"studiokeeper/internal/studio"
)

// describeLimit is how many profiles are described at once when one is
// searched for by its SSO user.
const describeLimit = 8

// reader reads what a plan is computed from. It is handed readers only: what
// computes a plan has nothing to write with.
type reader struct {
	storeID  string
	identity Identity
	profiles ProfileReader
	mapping  *Mapping
	persons  Persons
}

func (r *Reconciler) reader() reader {
	return reader{storeID: r.StoreID, identity: r.Identity, profiles: r.Profiles, mapping: r.Mapping, persons: r.Persons}
}

// sight is one person as read, with what is needed to apply and to remember.
type sight struct {
	person      plan.Person
	remembered  Person
	memberships map[string]Membership
}

// person reads one user in one domain in two rounds: who they are, which
// groups they are in and which profiles might be theirs; then those profiles.
func (r reader) person(ctx context.Context, t Target, userID string) (sight, error) {
	all, err := r.mapping.Rows(ctx)
	if err != nil {
		return sight{}, err
	}
	rows := of(all, t.Domain.Name)
	s := sight{}
	var named []studio.Profile
	g, round := errgroup.WithContext(ctx)
	g.Go(func() (err error) {
		s.person.User, err = r.identity.User(round, userID)
		return wrap(err, "describe user %s", userID)
	})
	g.Go(func() (err error) {
		s.memberships, err = r.identity.MemberOf(round, userID, groupIDs(rows))
		return wrap(err, "ask which groups user %s is in", userID)
	})
	g.Go(func() (err error) {
		named, err = r.profiles.List(round, t.Domain, studio.ProfileHash(r.storeID, userID))
		return wrap(err, "list the profiles of user %s in %s", userID, t.Domain.Name)
	})
	g.Go(func() (err error) {
		s.remembered, err = r.persons.Person(round, Key{t.Domain.Name, userID})
		return wrap(err, "recall user %s in %s", userID, t.Domain.Name)
	})
	if err := g.Wait(); err != nil {
		return sight{}, err
	}
	s.person.Matches, err = matches(rows, s.memberships)
	if err != nil {
		return sight{}, fmt.Errorf("ask which groups user %s is in: %w", userID, err)
	}
	return s, r.candidates(ctx, t, &s, named)
}

// candidates reads the profiles that may be the user's.
func (r reader) candidates(ctx context.Context, t Target, s *sight, named []studio.Profile) error {
	names := map[string]bool{}
	for _, p := range named {
		names[p.Name] = true
	}
	if s.remembered.Profile != "" {
		names[s.remembered.Profile] = true
	}
	profiles, err := r.readAll(ctx, t, slices.Sorted(maps.Keys(names)))
	if err != nil {
		return err
	}
	s.person.Profiles = profiles
	return r.ssoOwners(ctx, s)
}

// readAll reads profiles by name; those that are gone are left out.
func (r reader) readAll(ctx context.Context, t Target, names []string) ([]studio.Profile, error) {
	found := make([]*studio.Profile, len(names))
	g, round := errgroup.WithContext(ctx)
	g.SetLimit(describeLimit)
	for i, name := range names {
		g.Go(func() error {
			p, err := r.profiles.Read(round, t.Domain, name)
			if errors.Is(err, ErrGone) {
				return nil
			}
			found[i] = &p
			return wrap(err, "read profile %s in %s", name, t.Domain.Name)
		})
	}
	if err := g.Wait(); err != nil {
		return nil, err
	}
	var out []studio.Profile
	for _, p := range found {
		if p != nil {
			out = append(out, *p)
		}
	}
	return out, nil
}

// ssoOwners asks who has the UserName of a managed profile that was made for
// another name than the user has today.
func (r reader) ssoOwners(ctx context.Context, s *sight) error {
	for _, p := range s.person.Profiles {
		if p.SSOUser == s.person.User.UserName || p.Tags[studio.TagUserID] != s.person.User.ID {
			continue
		}
		id, err := r.identity.UserNamed(ctx, p.SSOUser)
		if err != nil {
			return fmt.Errorf("find who has the UserName %q of profile %s today: %w", p.SSOUser, p.Name, err)
		}
		if id != "" && id != s.person.User.ID {
			s.person.SSOOwners = map[string]string{p.SSOUser: id}
		}
	}
	return nil
}

// search finds the profiles made for a UserName, whatever they are called:
// those with a similar name first, since SageMaker's own are called so.
func (r reader) search(ctx context.Context, t Target, userName string) ([]studio.Profile, error) {
	listed, err := r.profiles.List(ctx, t.Domain, "")
	if err != nil {
		return nil, fmt.Errorf("list the profiles of %s: %w", t.Domain.Name, err)
	}
	local, _, _ := strings.Cut(strings.ToLower(userName), "@")
	slices.SortStableFunc(listed, func(a, b studio.Profile) int {
		return cmp.Compare(likeness(b.Name, local), likeness(a.Name, local))
	})
	for batch := range slices.Chunk(listed, describeLimit) {
		names := make([]string, len(batch))
		for i, p := range batch {
			names[i] = p.Name
		}
		read, err := r.describeAll(ctx, t, names)
		if err != nil {
			return nil, err
		}
		for _, p := range read {
			if p.SSOUser == userName {
				return r.readAll(ctx, t, []string{p.Name})
			}
		}
	}
	return nil, nil
}

func (r reader) describeAll(ctx context.Context, t Target, names []string) ([]studio.Profile, error) {
	found := make([]studio.Profile, len(names))
	g, round := errgroup.WithContext(ctx)
	for i, name := range names {
		g.Go(func() error {
			p, err := r.profiles.Describe(round, t.Domain, name)
			if errors.Is(err, ErrGone) {
				return nil
			}
			found[i] = p
			return wrap(err, "describe profile %s in %s", name, t.Domain.Name)
		})
	}
	return found, g.Wait()
}

// likeness is the length of the beginning that two names share.
func likeness(profile, user string) int {
	profile = strings.ToLower(profile)
	n := 0
	for n < len(profile) && n < len(user) && profile[n] == user[n] {
		n++
	}
	return n
}

func groupIDs(rows []studio.Row) []string {
	var ids []string
	for _, r := range rows {
		if r.GroupID != "" {
			ids = append(ids, r.GroupID)
		}
	}
	slices.Sort(ids)
	return slices.Compact(ids)
}

// matches joins rows and memberships. An answer that leaves a group out is
// incomplete, and so an error.
func matches(rows []studio.Row, memberships map[string]Membership) ([]plan.Match, error) {
	var out []plan.Match
	for i := range rows {
		row := &rows[i]
		if row.GroupID == "" {
			out = append(out, plan.Match{Row: row, Doubt: row.Unreadable})
			continue
		}
		m, answered := memberships[row.GroupID]
		switch {
		case !answered:
			return nil, fmt.Errorf("no answer for group %s", row.GroupID)
		case m.Unread != "":
			out = append(out, plan.Match{Row: row, Doubt: m.Unread})
		case m.Member:
			out = append(out, plan.Match{Row: row})
		}
	}
	return out, nil
}

func wrap(err error, format string, args ...any) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf(format+": %w", append(args, err)...)
}
