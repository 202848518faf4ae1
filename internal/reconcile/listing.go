package reconcile

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"studiokeeper/internal/studio"
)

// listingKept is how old a listing may be that tells what is to be stopped or
// deleted: what it lacks, SageMaker refuses to update or delete around. The looks
// of a bulk that wait for what they stopped wait that long, so that a newer
// listing, which serves them all, shows what has become of it. What tells that no
// app with an earlier role is left is never older than the new role.
const listingKept = 30 * time.Second

// listings share the listing of a domain's apps and spaces among the people
// that one pass looks at: a mass of leavers costs pages, not people.
type listings struct {
	lister DomainLister
	now    func() time.Time

	mu    sync.Mutex
	rooms map[string]*listingRoom
}

// listingRoom makes one listing of a domain at a time.
type listingRoom struct {
	mu   turn
	last listing
}

// listing is what a domain held at a time.
type listing struct {
	at     time.Time // when it was begun
	apps   []studio.App
	spaces []studio.Space
}

// since answers a listing that was begun after t.
func (l *listings) since(ctx context.Context, d studio.Domain, t time.Time) (listing, error) {
	l.mu.Lock()
	if l.rooms == nil {
		l.rooms = map[string]*listingRoom{}
	}
	if l.rooms[d.Name] == nil {
		l.rooms[d.Name] = &listingRoom{}
	}
	room := l.rooms[d.Name]
	l.mu.Unlock()
	room.mu.Lock()
	defer room.mu.Unlock()
	if room.last.at.After(t) {
		return room.last, nil
	}
	next := listing{at: l.now()}
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() (err error) {
		next.apps, err = l.lister.DomainApps(ctx, d)
		return wrap(err, "list the apps of domain %s", d.Name)
	})
	g.Go(func() (err error) {
		next.spaces, err = l.lister.DomainSpaces(ctx, d)
		return wrap(err, "list the spaces of domain %s", d.Name)
	})
	if err := g.Wait(); err != nil {
		return listing{}, err
	}
	room.last = next
	return next, nil
}

// spacesOf are the spaces that a profile owns.
func (l listing) spacesOf(profile string) []studio.Space {
	var out []studio.Space
	for _, s := range l.spaces {
		if s.Owner != "" && strings.EqualFold(s.Owner, profile) {
			out = append(out, s)
		}
	}
	return out
}

// appsOf are the apps that run with a profile's role: its own, and those of its
// private spaces.
func (l listing) appsOf(profile string) []studio.App {
	private := map[string]bool{}
	for _, s := range l.spacesOf(profile) {
		private[strings.ToLower(s.Name)] = !s.Shared
	}
	var out []studio.App
	for _, a := range l.apps {
		if a.Space == "" && strings.EqualFold(a.Profile, profile) || a.Space != "" && private[strings.ToLower(a.Space)] {
			out = append(out, a)
		}
	}
	return out
}

// wait is how long a look that stopped or deleted something waits: in a bulk, for
// the next listing.
func (a *applier) wait(alone time.Duration) time.Duration {
	if a.bulk {
		return max(alone, listingKept)
	}
	return alone
}

// apps lists what runs with a profile's role, at a time after since.
func (a *applier) apps(ctx context.Context, profile string, since time.Time) ([]studio.App, error) {
	if !a.bulk {
		apps, err := a.r.Apps.Apps(ctx, a.t.Domain, profile)
		return apps, wrap(err, "list the apps of profile %q", profile)
	}
	l, err := a.r.listed().since(ctx, a.t.Domain, since)
	return l.appsOf(profile), err
}

// spaces lists what a profile owns.
func (a *applier) spaces(ctx context.Context, profile string) ([]studio.Space, error) {
	if !a.bulk {
		spaces, err := a.r.Spaces.Spaces(ctx, a.t.Domain, profile)
		return spaces, wrap(err, "list the spaces of profile %q", profile)
	}
	l, err := a.r.listed().since(ctx, a.t.Domain, a.r.Now().Add(-listingKept))
	if err != nil {
		return nil, fmt.Errorf("for profile %q: %w", profile, err)
	}
	return l.spacesOf(profile), nil
}
