package doctor

import (
	"context"
	"errors"
	"sync"

	"studiokeeper/internal/reconcile"
	"studiokeeper/internal/studio"
)

// nearlyFull is the percentage of a quota from which on it is worth a remark.
const nearlyFull = 90

// quota holds the account's quota against the profiles that the mapping makes
// in all its domains.
func (v *visit) quota(ctx context.Context, on studio.Domain) finding {
	most, err := v.Quotas.Profiles(ctx, on)
	if err != nil {
		return skip("%v", err)
	}
	all, err := v.rows()
	if err != nil {
		return unreadRows()
	}
	wanted := 0
	for _, d := range v.Config.Domains {
		if d.Account != on.Account || d.Region != on.Region {
			continue
		}
		people, err := v.mapped(ctx, all, d)
		if err != nil {
			return skip("%v", err)
		}
		wanted += people
	}
	raise := "aws service-quotas request-service-quota-increase --region " + on.Region + " --service-code sagemaker --quota-code L-AC46C40F --desired-value N"
	profiles := counted(wanted, "profile")
	switch {
	case wanted > most:
		return fail(raise, "%s wanted in account %s, %s, and its quota is %d", profiles, on.Account, on.Region, most)
	case wanted*100 > most*nearlyFull:
		near := ok("%s wanted in account %s, %s, more than %d %% of its quota of %d", profiles, on.Account, on.Region, nearlyFull, most)
		near.remedy = raise
		return near
	}
	return ok("%s wanted in account %s, %s, and its quota is %d", profiles, on.Account, on.Region, most)
}

// mapped is how many people the rows of a domain speak of.
func (v *visit) mapped(ctx context.Context, all reading, d studio.Domain) (int, error) {
	people := map[string]bool{}
	for _, r := range all.in(d) {
		members, err := v.members.get(r.GroupID, func() ([]string, error) { return all.people.Identity.Members(ctx, r.GroupID) })
		if err != nil && !errors.Is(err, reconcile.ErrGone) {
			return 0, err
		}
		for _, id := range members {
			people[id] = true
		}
	}
	return len(people), nil
}

// cache keeps what was read, by name. Its zero value is ready.
type cache[T any] struct {
	mu    sync.Mutex
	known map[string]func() (T, error)
}

func (c *cache[T]) get(name string, read func() (T, error)) (T, error) {
	c.mu.Lock()
	if c.known == nil {
		c.known = map[string]func() (T, error){}
	}
	if c.known[name] == nil {
		c.known[name] = sync.OnceValues(read)
	}
	once := c.known[name]
	c.mu.Unlock()
	return once()
}
