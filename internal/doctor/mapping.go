package doctor

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"

	"golang.org/x/sync/errgroup"

	"studiokeeper/internal/reconcile"
	"studiokeeper/internal/studio"
)

// reading is all mapping rows, those that the naming standard derives included.
type reading struct {
	rows   []studio.Row
	names  map[string]string // display names of groups, as far as they are known
	people People
}

func (d *Doctor) readRows(ctx context.Context) (reading, error) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	store := d.Config.IdentityCenter.IdentityStoreID
	if store == "" {
		found, err := d.Stores.StoreIDs(ctx)
		if err != nil {
			return reading{}, err
		}
		if len(found) != 1 {
			return reading{}, fmt.Errorf("there are %d identity stores to choose from", len(found))
		}
		store = found[0]
	}
	people := d.People(store)
	rows, names, err := d.everything(ctx, people)
	return reading{rows, names, people}, err
}

// everything lists the groups only where a naming standard needs them.
func (d *Doctor) everything(ctx context.Context, from People) ([]studio.Row, map[string]string, error) {
	if len(d.Config.Mapping.Naming) > 0 {
		return from.Mapping.Everything(ctx, from.Census)
	}
	rows, err := from.Mapping.Rows(ctx)
	names := map[string]string{}
	for _, r := range rows {
		names[r.GroupID] = cmp.Or(r.Group.Name, r.GroupID)
	}
	return rows, names, err
}

// in picks the rows of a domain that can be relied on.
func (r reading) in(d studio.Domain) []studio.Row {
	return slices.DeleteFunc(slices.Clone(r.rows), func(row studio.Row) bool { return row.Domain != d.Name || row.Unreadable != "" })
}

// roles are the execution roles that the rows of a domain give, sorted.
func (r reading) roles(d studio.Domain) []string {
	var roles []string
	for _, row := range r.in(d) {
		roles = append(roles, row.Role)
	}
	slices.Sort(roles)
	return slices.Compact(roles)
}

func (v *visit) mapping(context.Context) finding {
	const check = "studiokeeper mapping check"
	all, err := v.rows()
	if err != nil {
		return fail(check, "%v", err)
	}
	var wrong []string
	for _, r := range all.rows {
		if r.Unreadable != "" {
			wrong = append(wrong, fmt.Sprintf("group %q in %s: %s", r.Group.Key(), r.Domain, r.Unreadable))
		}
	}
	if len(wrong) > 0 {
		return fail(check, "of %s %d cannot be relied on: %s", counted(len(all.rows), "row"), len(wrong), some(wrong))
	}
	for _, d := range v.Config.Domains {
		if tooMany := studio.TooManyGroups(d, all.rows); tooMany != "" {
			return fail(check, "%s", tooMany)
		}
	}
	return ok("%s, each with its group", counted(len(all.rows), "row"))
}

// unreadRows says of a check that it needs the rows.
func unreadRows() finding { return skip("the mapping rows cannot be read: see mapping") }

func (v *visit) assignedGroups(ctx context.Context, on studio.Domain) finding {
	all, err := v.rows()
	if err != nil {
		return unreadRows()
	}
	facts, err := v.Domains.Facts(ctx, on)
	if err != nil {
		return unread(describeDomain(on), err)
	}
	if facts.Application == "" {
		return skip("domain %s names no application", on.ID)
	}
	groups, err := v.Assignees.AssignedGroups(ctx, on, facts.Application)
	if err != nil {
		return unread("aws sso-admin list-application-assignments --application-arn "+facts.Application, err)
	}
	strangers := slices.DeleteFunc(slices.Clone(groups), func(id string) bool {
		return slices.ContainsFunc(all.rows, func(r studio.Row) bool { return r.Domain == on.Name && r.GroupID == id })
	})
	if len(strangers) == 0 {
		return ok("%s may sign in, each with a row", counted(len(groups), "group"))
	}
	slices.Sort(strangers)
	return fail(
		fmt.Sprintf("aws sso-admin delete-application-assignment --application-arn %s --principal-type GROUP --principal-id %s", facts.Application, strangers[0]),
		"%s may sign in without a row, so that SageMaker gives the people profiles with the domain's default role: %s (give it a row, or take the assignment away)",
		counted(len(strangers), "group"), some(all.named(strangers)))
}

func (r reading) named(groups []string) []string {
	var names []string
	for _, id := range groups {
		names = append(names, cmp.Or(r.names[id], id))
	}
	return names
}

// lookedAt is how many profiles without a known tag are asked for theirs.
const lookedAt = 100

func (d *Doctor) unmanagedProfiles(ctx context.Context, on studio.Domain) finding {
	list := fmt.Sprintf("aws sagemaker list-user-profiles --region %s --domain-id-equals %s", on.Region, on.ID)
	all, err := d.Profiles.List(ctx, on, "")
	if err != nil {
		return unread(list, err)
	}
	names, err := d.unmanaged(ctx, on, d.untagged(ctx, on, all))
	switch {
	case err != nil:
		return unread(list, err)
	case len(names) == 0:
		return ok("%s, all managed", counted(len(all), "profile"))
	}
	found := ok("of %s nobody manages %d: %s", counted(len(all), "profile"), len(names), some(names))
	found.remedy = "studiokeeper plan --domain " + on.Name
	return found
}

// untagged are the profiles whose tags are not known; of very many, the first.
func (d *Doctor) untagged(ctx context.Context, on studio.Domain, all []studio.Profile) []studio.Profile {
	tagged := map[string]bool{}
	err := d.Tags.EachTagged(ctx, on, func(domainID, name string, _ studio.OurTags) { tagged[name] = tagged[name] || domainID == on.ID })
	if err != nil {
		clear(tagged) // it spares calls only
	}
	rest := slices.DeleteFunc(slices.Clone(all), func(p studio.Profile) bool { return tagged[p.Name] })
	return rest[:min(len(rest), lookedAt)]
}

func (d *Doctor) unmanaged(ctx context.Context, on studio.Domain, among []studio.Profile) ([]string, error) {
	var mu sync.Mutex
	var names []string
	g, round := errgroup.WithContext(ctx)
	g.SetLimit(atOnce)
	for _, p := range among {
		g.Go(func() error {
			read, err := d.Profiles.Read(round, on, p.Name)
			if errors.Is(err, reconcile.ErrGone) {
				return nil
			}
			mu.Lock()
			defer mu.Unlock()
			if err == nil && read.Owner(d.Config.Deployment, d.Config.Formerly) == studio.Nobody {
				names = append(names, p.Name)
			}
			return err
		})
	}
	err := g.Wait()
	slices.Sort(names)
	return names, err
}
