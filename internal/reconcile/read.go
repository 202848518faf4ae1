package reconcile

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"golang.org/x/sync/errgroup"

	"studiokeeper/internal/plan"
	"studiokeeper/internal/studio"
)

// readLimit is how many profiles of one user, or groups, are read at once.
const readLimit = 8

// reader reads what a plan is computed from. It is handed readers only: what
// computes a plan has nothing to write with.
type reader struct {
	storeID     string
	identity    Identity
	profiles    ProfileReader
	mapping     *Mapping
	persons     Persons
	assignments Assignments
	gate        *gate
	shared      *sharedReads // nil: nothing is shared with other domains
	hint        string       // a profile that may be the user's, beside those found by name
	followUp    bool         // one of many looks that go on with what was begun, for somebody with one profile: the one remembered is read, and none searched for while there is one
}

func (r *Reconciler) reader() reader {
	return reader{
		storeID: r.StoreID, identity: r.Identity, profiles: r.Profiles, mapping: r.Mapping, persons: r.Persons,
		assignments: r.Assignments, gate: r.gate(),
	}
}

// sight is one person as read, with what is needed to apply and to remember.
type sight struct {
	person      plan.Person
	remembered  Person
	memberships map[string]Membership
	facts       DomainFacts
	rows        []studio.Row // what it rests on, as they were read
	read        time.Time    // when that was
}

// person reads one user in one domain in two rounds: who they are, which
// groups they are in and which profiles might be theirs; then those profiles.
func (r reader) person(ctx context.Context, t Target, userID string) (sight, error) {
	read, err := r.mapping.reading(ctx)
	if err != nil {
		return sight{}, err
	}
	rows := read.rows
	s := sight{rows: rows, read: read.at}
	// Before anything is read there: a domain that is not what the configuration
	// says is not to be believed. It costs a round only the first time.
	if s.facts, err = r.gate.facts(ctx, t.Domain); err != nil {
		return sight{}, err
	}
	var who identified
	var named []studio.Profile
	var ours bool
	key := Key{t.Domain.Name, userID}
	g, round := errgroup.WithContext(ctx)
	g.Go(func() (err error) {
		// Not under round: what the domains share must not end with one of them.
		who, err = r.identify(ctx, userID, rows)
		return err
	})
	g.Go(func() (err error) {
		if !r.followUp {
			named, err = r.named(round, t, userID)
		}
		return err
	})
	g.Go(func() (err error) {
		s.remembered, err = r.persons.Person(round, key)
		return wrap(err, "recall user %s in %s", userID, t.Domain.Name)
	})
	g.Go(func() (err error) {
		s.person.Assigned, ours, err = r.assignments.Assigned(round, t.Domain.Name, Principal{ID: userID})
		return wrap(err, "look up whether user %s is assigned to domain %s", userID, t.Domain.Name)
	})
	if err := g.Wait(); err != nil {
		return sight{}, err
	}
	s.person.SignIn = t.Domain.SignIn == studio.SignInUser && !s.person.Assigned && s.facts.Application != ""
	s.person.Begun = ours && !s.person.Assigned
	s.person.User, s.memberships, s.person.Remembered = who.user, who.memberships, s.remembered.Profile
	s.person.Edits, s.person.Settled = read.edits[t.Domain.Name], s.remembered.Settled
	if err := r.candidates(ctx, t, &s, named); err != nil {
		return sight{}, err
	}
	if r.followUp && len(s.person.Profiles) == 0 {
		r.followUp = false
		return r.person(ctx, t, userID)
	}
	own := of(who.rows, t.Domain.Name) // a copy: what is found to be gone is marked in it
	s.person.Matches, err = matches(own, who.memberships)
	if err != nil {
		return sight{}, fmt.Errorf("ask which groups user %s is in: %w", userID, err)
	}
	if err := r.markGone(ctx, own, s); err != nil {
		return sight{}, err
	}
	s.person.Matches = append(s.person.Matches, plan.Lost(own).Of(s.group())...)
	for _, row := range own {
		if row.Vanished {
			s.person.VanishedGroups = append(s.person.VanishedGroups, row.GroupID)
		}
	}
	return s, nil
}

// markGone marks the rows of the group that gave the person what they have, if that was deleted. A user's own list of
// groups says of such a one only that they are not in it, and the names of groups may be remembered from before.
// Who is gone or disabled leaves all the same.
func (r reader) markGone(ctx context.Context, rows []studio.Row, s sight) error {
	group := s.group()
	if r.mapping.Naming == nil || s.person.User.Status != studio.Enabled || s.memberships[group].Member || !slices.Contains(groupIDs(rows), group) {
		return nil
	}
	// Asked of the membership, so that one answer says whether the group is there and whether they are in it: a copy
	// of the store that is behind has both as they were.
	asked, err := r.identity.MemberOf(ctx, s.person.User.ID, []string{group})
	switch in := asked[group]; {
	case err != nil:
		return wrap(err, "find group %s", group)
	case in.Unread != "" && !in.Gone:
		return fmt.Errorf("find group %s: %s", group, in.Unread)
	case in.Member:
		return fmt.Errorf("the identity store says that user %s is in group %s, and does not list it among theirs: %w", s.person.User.ID, group, ErrChanged)
	case !in.Gone:
		return nil
	}
	for i := range rows {
		rows[i].Vanished = rows[i].Vanished || rows[i].GroupID == group
	}
	return nil
}

// named lists the profiles whose name is made of the user's id.
func (r reader) named(ctx context.Context, t Target, userID string) ([]studio.Profile, error) {
	found, err := r.profiles.List(ctx, t.Domain, studio.ProfileHash(r.storeID, userID))
	return found, wrap(err, "list the profiles of user %s in %s", userID, t.Domain.Name)
}

// group is the group through which the person was last given a role: by the
// profile's own tag, or, when there is none to read, by what is remembered.
func (s sight) group() string {
	for _, p := range s.person.Profiles {
		if p.Tags[studio.TagUserID] == s.person.User.ID && p.Tags[studio.TagGroup] != "" {
			return p.Tags[studio.TagGroup]
		}
	}
	return s.remembered.GroupID
}

// identified is who a user is, whatever the domain.
type identified struct {
	user        studio.User
	memberships map[string]Membership
	rows        []studio.Row // all domains', those of the naming standard included
}

// sharedReads let the domains of one look share what does not depend on them.
type sharedReads struct {
	mu   turn
	done bool
	rows []studio.Row // that who rests on
	who  identified
	err  error
}

func (r reader) identify(ctx context.Context, userID string, rows []studio.Row) (identified, error) {
	if r.shared == nil {
		return r.identifyNow(ctx, userID, rows)
	}
	r.shared.mu.Lock()
	defer r.shared.mu.Unlock()
	switch {
	case !r.shared.done:
		r.shared.who, r.shared.err = r.identifyNow(ctx, userID, rows)
		r.shared.done, r.shared.rows = true, rows
	case !slices.Equal(rows, r.shared.rows): // they were read again between one domain and the next
		return r.identifyNow(ctx, userID, rows)
	}
	return r.shared.who, r.shared.err
}

func (r reader) identifyNow(ctx context.Context, userID string, rows []studio.Row) (identified, error) {
	who := identified{rows: rows}
	var user studio.User
	var unknown error // the groups' side says that there is no such user
	g, round := errgroup.WithContext(ctx)
	g.Go(func() (err error) {
		user, err = r.identity.User(round, userID)
		return wrap(err, "describe user %s", userID)
	})
	g.Go(func() (err error) {
		if r.mapping.Naming != nil {
			who.memberships, who.rows, err = r.allGroups(round, userID, rows)
		} else {
			who.memberships, err = r.identity.MemberOf(round, userID, groupIDs(rows))
		}
		if errors.Is(err, ErrGone) {
			unknown, err = err, nil
		}
		return wrap(err, "ask which groups user %s is in", userID)
	})
	if err := g.Wait(); err != nil {
		return identified{}, err
	}
	who.user = user
	if unknown == nil {
		return who, nil
	}
	if user.Status != studio.Absent {
		return identified{}, fmt.Errorf("the identity store describes user %s, and says that no such user is in any group: %w", userID, unknown)
	}
	who.memberships, who.rows = map[string]Membership{}, rows
	for _, id := range groupIDs(rows) {
		who.memberships[id] = Membership{}
	}
	return who, nil
}

// allGroups asks for every group of a user, and adds the rows that the naming
// standard derives for those that have none.
func (r reader) allGroups(ctx context.Context, userID string, rows []studio.Row) (map[string]Membership, []studio.Row, error) {
	ids, err := r.mapping.Groups.GroupsOf(ctx, userID)
	if err != nil {
		return nil, nil, err
	}
	memberships := map[string]Membership{}
	for _, id := range groupIDs(rows) {
		memberships[id] = Membership{}
	}
	for _, id := range ids {
		memberships[id] = Membership{Member: true}
	}
	derived := make([][]studio.Row, len(ids))
	g, round := errgroup.WithContext(ctx)
	g.SetLimit(readLimit)
	for i, id := range ids {
		g.Go(func() (err error) {
			derived[i], err = r.mapping.Named(round, id, rows)
			return err
		})
	}
	if err := g.Wait(); err != nil {
		return nil, nil, err
	}
	return memberships, slices.Concat(rows, slices.Concat(derived...)), nil
}

// candidates reads the profiles that may be the user's.
func (r reader) candidates(ctx context.Context, t Target, s *sight, named []studio.Profile) error {
	names := map[string]bool{}
	for _, p := range named {
		names[p.Name] = true
	}
	for _, name := range []string{s.remembered.Profile, r.hint} {
		if name != "" {
			names[name] = true
		}
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
	g.SetLimit(readLimit)
	for i, name := range names {
		g.Go(func() error {
			p, err := r.profiles.Read(round, t.Domain, name)
			if errors.Is(err, ErrGone) {
				return nil
			}
			found[i] = &p
			return wrap(err, "read profile %q in %s", name, t.Domain.Name)
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
			return fmt.Errorf("find who has the UserName %q of profile %q today: %w", p.SSOUser, p.Name, err)
		}
		if id != "" && id != s.person.User.ID {
			if s.person.SSOOwners == nil {
				s.person.SSOOwners = map[string]string{}
			}
			s.person.SSOOwners[p.SSOUser] = id
		}
	}
	return nil
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
			continue // nobody can be in it; see plan.Lost
		}
		m, answered := memberships[row.GroupID]
		switch {
		case !answered:
			return nil, fmt.Errorf("no answer for group %s", row.GroupID)
		case m.Gone:
			row.Vanished = true
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
