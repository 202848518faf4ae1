package reconcile

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"golang.org/x/sync/errgroup"

	"studiokeeper/internal/studio"
)

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
	for batch := range slices.Chunk(listed, readLimit) {
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
			return wrap(err, "describe profile %q in %s", name, t.Domain.Name)
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
