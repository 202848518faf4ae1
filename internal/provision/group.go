package provision

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"golang.org/x/sync/errgroup"

	"studiokeeper/internal/directory"
)

// batch is the most member changes of one group that are asked for at once.
const batch = 100

var errNotMade = errors.New("it waits for a user or group that was not made; see there")

func (w *carrying) createGroup(ctx context.Context, c *directory.Change) error {
	r := directory.Record{Kind: directory.GroupObject, GUID: c.GroupGUID, Made: true, Name: c.Group}
	if err := w.keep(ctx, r); err != nil {
		return err
	}
	id, err := w.p.Writer.CreateGroup(ctx, directory.TargetGroup{ExternalID: c.GroupGUID, Name: c.Group})
	switch {
	case errors.Is(err, ErrTaken):
		if id, err = w.madeBefore(ctx, r, err); err != nil {
			return err
		}
	case err != nil:
		return err
	}
	c.GroupID, r.ID = id, id
	return w.wasMade(ctx, *c, r)
}

// madeBefore finds the group that we made when an answer got lost: it bears our
// external id or, where the way in takes none, is as new. Any other is not ours.
func (w *carrying) madeBefore(ctx context.Context, r directory.Record, cause error) (string, error) {
	groups, err := w.p.Store.Groups(ctx)
	if err != nil {
		return "", errors.Join(cause, fmt.Errorf("find out whose group it is: %w", err))
	}
	for _, g := range groups {
		if strings.EqualFold(g.ExternalID, r.GUID) {
			return g.ID, nil
		}
		if w.p.Way != directory.ByAPI || g.Name != r.Name || g.ExternalID != "" || w.carriedOver(g.ID) {
			continue
		}
		if members, err := w.p.Store.Members(ctx, g.ID); err == nil && len(members) == 0 {
			return g.ID, nil
		}
	}
	return "", errors.Join(fmt.Errorf("%w: there is a group called %q that we did not make, and it is not touched; rename or delete it, or leave the group out of directory.groups", cause, r.Name), w.forget(ctx, r))
}

func (w *carrying) renameGroup(ctx context.Context, c directory.Change) error {
	if err := w.p.Writer.RenameGroup(ctx, c.GroupID, c.Group); err != nil {
		return err
	}
	r, known := w.record(c.GroupGUID)
	if !known {
		return nil
	}
	r.Name = c.Group
	after, end := lasting(ctx)
	defer end()
	return w.keep(after, r)
}

// groups changes members, group by group and many groups at once.
func (w *carrying) groups(ctx context.Context, changes []directory.Change) {
	var order []string
	byGroup := map[string][]directory.Change{}
	for _, c := range changes {
		key := c.GroupGUID + " " + c.GroupID
		if byGroup[key] == nil {
			order = append(order, key)
		}
		byGroup[key] = append(byGroup[key], c)
	}
	var g errgroup.Group
	g.SetLimit(groupsAtOnce)
	for _, key := range order {
		g.Go(func() error {
			for some := range slices.Chunk(byGroup[key], batch) {
				w.members(ctx, some)
			}
			return nil
		})
	}
	_ = g.Wait() // what failed is in the steps
}

// members changes some members of one group.
func (w *carrying) members(ctx context.Context, some []directory.Change) {
	ready := make([]*directory.Change, len(some))
	var g errgroup.Group
	g.SetLimit(usersAtOnce)
	for n, c := range some {
		g.Go(func() error {
			if !w.aside(ctx, c) && w.prepare(ctx, &c) {
				ready[n] = &c
			}
			return nil
		})
	}
	_ = g.Wait()
	ready = slices.DeleteFunc(ready, func(c *directory.Change) bool { return c == nil })
	if len(ready) == 0 {
		return
	}
	err := w.write(ctx, ready)
	if len(ready) > 1 && errors.Is(err, ErrGone) {
		for _, c := range ready { // one of them is gone: the others are not to suffer for it
			w.end(ctx, *c, w.write(ctx, []*directory.Change{c}))
		}
		return
	}
	for _, c := range ready {
		g.Go(func() error {
			w.end(ctx, *c, err)
			return nil
		})
	}
	_ = g.Wait()
}

// prepare finds the ids of who is new, and reads those again from whom something
// is taken. It tells whether there is anything left to do.
func (w *carrying) prepare(ctx context.Context, c *directory.Change) bool {
	var err error
	if c.GroupID, err = w.idOf(ctx, c.GroupGUID, c.GroupID); err == nil {
		c.UserID, err = w.idOf(ctx, c.UserGUID, c.UserID)
	}
	if err == nil && !w.begin(ctx, *c) {
		return false
	}
	gone := false
	if err == nil && c.Kind.Removes() {
		_, gone, err = w.again(ctx, *c)
	}
	if err != nil || gone {
		w.end(ctx, *c, err)
		return false
	}
	return true
}

// idOf waits for who is still being made.
func (w *carrying) idOf(ctx context.Context, guid, id string) (string, error) {
	m := w.made[guid]
	if id != "" || m == nil {
		return id, nil
	}
	select {
	case <-m.done:
	case <-ctx.Done():
		return "", ctx.Err()
	}
	if m.id == "" {
		return "", errNotMade
	}
	return m.id, nil
}

func (w *carrying) write(ctx context.Context, some []*directory.Change) error {
	group := some[0].GroupID
	if some[0].Kind == directory.AddMember {
		ids := make([]string, len(some))
		for n, c := range some {
			ids[n] = c.UserID
		}
		return w.p.Writer.AddMembers(ctx, group, ids)
	}
	members := make([]directory.TargetMember, len(some))
	for n, c := range some {
		members[n] = directory.TargetMember{UserID: c.UserID, Membership: c.Membership}
	}
	return w.p.Writer.RemoveMembers(ctx, group, members)
}
