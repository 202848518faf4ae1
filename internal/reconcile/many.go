package reconcile

import (
	"context"
	"errors"
	"slices"

	"studiokeeper/internal/event"
	"studiokeeper/internal/studio"
)

// many plans a look at a group or at everybody, or carries out one that was
// planned: then it hands on a look at each user concerned.
func (r *Reconciler) many(ctx context.Context, l event.Look) error {
	if l.Sequence == 0 {
		due, err := r.ask(ctx, subjectOf(l), collect)
		if err != nil {
			return err
		}
		return r.schedule(ctx, r.Pass, subjectOf(l), l, due)
	}
	r.Mapping.Forget()
	if l.Scope == event.Everybody && l.StoreID == "" {
		return r.pass(ctx, l)
	}
	at := r.Now()
	// The sign-in of a group that lost its row goes first, the people after it.
	unassigned := r.unassignLost(ctx, l)
	found, err := r.concerned(ctx, l)
	return errors.Join(err, unassigned, r.handOn(ctx, found, event.Look{Trigger: l.Trigger, RowsAfter: at, Bulk: len(found) > bulkFrom}))
}

// subjectOf names what a look at many is planned under. A pass is not planned
// together with what an event asks for, which is less.
func subjectOf(l event.Look) string {
	subject := "everybody"
	switch {
	case l.Scope == event.Group:
		subject = "group#" + l.GroupID + l.GroupName
	case l.StoreID != "":
		subject = "members"
	case l.Deep:
		subject = "everybody deep"
	}
	if l.Domain != "" {
		subject += "#" + l.Domain
	}
	return subject
}

// unassignLost takes the sign-in from the groups that a look names and that no
// row of a domain names any more.
func (r *Reconciler) unassignLost(ctx context.Context, l event.Look) error {
	if l.Scope != event.Group {
		return nil
	}
	rows, err := r.Mapping.Rows(ctx)
	if err != nil {
		return err
	}
	groups, err := r.groupsOf(ctx, l, rows)
	if err != nil {
		return err
	}
	var errs []error
	for _, t := range r.targets(ctx, l.Domain) {
		for _, id := range groups {
			if id == "" {
				continue
			}
			held, err := r.UnassignGroup(ctx, t, id, trigger(l))
			errs = append(errs, err)
			if held != "" {
				r.Log.WarnContext(ctx, "held", "domain", t.Domain.Name, "group", id, "reason", held)
			}
		}
	}
	return errors.Join(errs...)
}

// concerned finds the users that a look at a group means, or at everybody when
// an event named nobody: those whose memberships do not fit what is remembered
// of them. What could be found comes back beside the errors.
func (r *Reconciler) concerned(ctx context.Context, l event.Look) ([]Key, error) {
	rows, err := r.Mapping.Rows(ctx)
	if err != nil {
		return nil, err
	}
	if l.Scope == event.Everybody && r.Mapping.Naming != nil {
		if rows, _, err = r.Mapping.Everything(ctx, r.Census); err != nil {
			return nil, err
		}
	}
	groups, err := r.groupsOf(ctx, l, rows)
	if err != nil {
		return nil, err
	}
	c := concern{r: r, l: l, groups: groups, members: map[string][]string{}}
	for _, t := range r.targets(ctx, l.Domain) {
		c.domain(ctx, t, rows)
	}
	return unique(c.keys), errors.Join(c.errs...)
}

// concern collects the users of one look at many.
type concern struct {
	r       *Reconciler
	l       event.Look
	groups  []string
	members map[string][]string // group → members; read once for all domains
	keys    []Key
	errs    []error
}

func (c *concern) domain(ctx context.Context, t Target, rows []studio.Row) {
	managed := map[string]Person{}
	err := c.r.Persons.EachManaged(ctx, t.Domain.Name, func(p Person) { managed[p.UserID] = p })
	c.errs = append(c.errs, wrap(err, "list the managed people of %s", t.Domain.Name))
	own := of(rows, t.Domain.Name)
	mapped := groupIDs(own)
	everybody := c.l.Scope == event.Everybody
	if !everybody {
		mapped, err = c.r.mappedOf(ctx, t, c.groups, rows)
		c.errs = append(c.errs, err)
	}
	through := map[string]map[string]bool{} // group → members, of those that were listed
	for _, id := range mapped {
		listed, ok := c.list(ctx, id)
		if !ok {
			continue
		}
		through[id] = map[string]bool{}
		for _, user := range listed {
			through[id][user] = true
			if p, known := managed[user]; c.all() || !known || !p.settledThrough(id, own) {
				c.keys = append(c.keys, Key{t.Domain.Name, user})
			}
		}
	}
	for _, p := range managed {
		if listed, ok := through[p.GroupID]; ok && listed[p.UserID] {
			continue // met above, where that is needed
		}
		if everybody || slices.Contains(c.groups, p.GroupID) {
			c.keys = append(c.keys, p.Key)
		}
	}
}

// all tells whether the people themselves may be out of step whatever their
// memberships: their group's row or name changed.
func (c *concern) all() bool {
	return c.l.GroupName != "" || c.l.Scope == event.Group && (c.r.Mapping.Naming != nil || c.l.Trigger.Name != "PatchGroup")
}

// settledThrough tells whether being in a group changes nothing for a person:
// they have their role through it, or through one that outranks it.
func (p Person) settledThrough(group string, rows []studio.Row) bool {
	if !p.Ready || p.Leaving {
		return false
	}
	if p.GroupID == group {
		return true
	}
	has, asked := slices.IndexFunc(rows, byGroup(p.GroupID)), slices.IndexFunc(rows, byGroup(group))
	return has >= 0 && asked >= 0 && rows[has].Unreadable == "" && rows[asked].Unreadable == "" && rows[has].Priority > rows[asked].Priority
}

func byGroup(id string) func(studio.Row) bool {
	return func(r studio.Row) bool { return r.GroupID == id }
}

// list lists a group's members, once. A group that is gone has none.
func (c *concern) list(ctx context.Context, id string) ([]string, bool) {
	if listed, known := c.members[id]; known {
		return listed, listed != nil
	}
	listed, err := c.r.Identity.Members(ctx, id)
	switch {
	case errors.Is(err, ErrGone):
		listed, err = []string{}, nil
	case err != nil:
		listed = nil
	case listed == nil:
		listed = []string{}
	}
	c.members[id] = listed
	c.errs = append(c.errs, wrap(err, "list the members of group %s", id))
	return listed, listed != nil
}

// groupsOf are the groups that a look names: what its name means now, and what
// it meant first.
func (r *Reconciler) groupsOf(ctx context.Context, l event.Look, rows []studio.Row) ([]string, error) {
	ref := studio.ParseGroupRef(l.GroupName)
	switch {
	case l.GroupName == "":
		return []string{l.GroupID}, nil
	case ref.ID != "":
		return []string{ref.ID}, nil
	}
	now, err := r.Identity.GroupNamed(ctx, ref.Name)
	if errors.Is(err, ErrInvalid) {
		return nil, nil
	}
	return []string{now, r.Mapping.FirstMeant(ref.Name)}, wrap(err, "find group %q", ref.Name)
}

// mappedOf are those of the groups that have a row in the domain, a derived one
// included.
func (r *Reconciler) mappedOf(ctx context.Context, t Target, groups []string, rows []studio.Row) ([]string, error) {
	var mapped []string
	for _, id := range groups {
		if id == "" {
			continue
		}
		named, err := r.Mapping.Named(ctx, id, rows)
		if err != nil {
			return nil, err
		}
		if slices.Contains(groupIDs(of(slices.Concat(rows, named), t.Domain.Name)), id) {
			mapped = append(mapped, id)
		}
	}
	return mapped, nil
}
