package provision

import (
	"context"
	"fmt"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"studiokeeper/internal/directory"
	"studiokeeper/internal/plan"
	"studiokeeper/internal/studio"
)

// How much is under way at once. What counts are the rates of Identity Center's
// APIs, which the adapters keep.
const (
	usersAtOnce  = 16
	groupsAtOnce = 64
)

// carrying is one run over a plan.
type carrying struct {
	p        *Provisioner
	by       plan.Trigger
	progress *Progress
	plan     Proposal
	held     map[string]directory.Holding
	made     map[string]*making          // what the plan creates, by GUID
	records  map[string]directory.Record // as they are kept now, by GUID
	people   people

	mu       sync.Mutex
	steps    []directory.Step
	problems []string
}

// making is a user or group on its way: whatever needs its id waits for done.
type making struct {
	done chan struct{}
	id   string // "" when it was not made
}

func newCarrying(p *Provisioner, proposed Proposal, o Options, by plan.Trigger) *carrying {
	w := &carrying{p: p, by: by, progress: o.Progress, plan: proposed, held: proposed.HeldBack(), steps: []directory.Step{},
		made: map[string]*making{}, records: map[string]directory.Record{}}
	w.people.read, w.people.now = p.Store.Users, p.Now
	if w.progress == nil {
		w.progress = &Progress{}
	}
	w.progress.All.Store(int64(len(proposed.Changes)))
	for _, c := range proposed.Changes {
		if made(c) {
			w.made[guidOf(c)] = &making{done: make(chan struct{})}
		}
	}
	for _, r := range proposed.records {
		w.records[r.GUID] = r
	}
	return w
}

// guidOf is whose change it is: a user's or, where there is none, a group's.
func guidOf(c directory.Change) string {
	if c.UserGUID != "" {
		return c.UserGUID
	}
	return c.GroupGUID
}

// all carries out the changes in their order. Only users are made while groups
// are made and filled, each at the rate of its own API; members wait for those
// among them who are still to be made.
func (w *carrying) all(ctx context.Context) error {
	if w.p.Mode != studio.Observe {
		if err := w.p.settle(ctx, w.plan.verdict); err != nil {
			return err
		}
		if err := w.keepAhead(ctx); err != nil {
			return err
		}
	}
	var creating sync.WaitGroup
	for _, run := range runs(w.plan.Changes) {
		switch run[0].Kind {
		case directory.CreateUser:
			creating.Go(func() { w.each(ctx, run) })
		case directory.AddMember, directory.RemoveMember:
			w.groups(ctx, run)
		case directory.UpdateUser, directory.RenameGroup:
			w.inTurn(ctx, run)
		case directory.DeleteUser:
			creating.Wait()
			w.each(ctx, run)
		default:
			w.each(ctx, run)
		}
	}
	creating.Wait()
	w.forgetAfter(ctx)
	return context.Cause(ctx)
}

// inTurn carries out changes of names. Where a user name or address is given up
// or taken, or a group renamed, one may wait for another; the rest need not.
func (w *carrying) inTurn(ctx context.Context, changes []directory.Change) {
	var apart []directory.Change
	for _, c := range changes {
		if c.Before != nil && c.After != nil && c.Before.UserName == c.After.UserName && c.Before.Email == c.After.Email {
			apart = append(apart, c)
		}
	}
	w.each(ctx, apart)
	for _, c := range changes {
		if c.Before == nil || c.After == nil || c.Before.UserName != c.After.UserName || c.Before.Email != c.After.Email {
			w.one(ctx, c)
		}
	}
}

// forgetAfter forgets what there is no more.
func (w *carrying) forgetAfter(ctx context.Context) {
	if w.p.Mode == studio.Observe {
		return
	}
	for _, r := range w.plan.Forget {
		if ctx.Err() != nil {
			return
		}
		if err := w.forget(ctx, r); err != nil {
			w.problem(err)
		}
	}
}

// runs parts changes where their kind changes.
func runs(changes []directory.Change) [][]directory.Change {
	var all [][]directory.Change
	for n, c := range changes {
		if n == 0 || c.Kind != changes[n-1].Kind {
			all = append(all, nil)
		}
		all[len(all)-1] = append(all[len(all)-1], c)
	}
	return all
}

// keepAhead stores who left or came back, before anything is done about it. Of
// whoever is held nothing is: their grace has not begun.
func (w *carrying) keepAhead(ctx context.Context) error {
	var ahead []directory.Record
	for _, r := range w.plan.Plan.Records {
		if _, held := w.held[r.ID]; !held || r.Left.IsZero() {
			ahead = append(ahead, r)
		}
	}
	if len(ahead) == 0 {
		return nil
	}
	for _, r := range ahead {
		if earlier, known := w.record(r.GUID); known && earlier.ID == "" && r.ID != "" {
			if err := w.found(ctx, r); err != nil {
				return err
			}
		}
	}
	return w.keep(ctx, ahead...)
}

func (w *carrying) keep(ctx context.Context, records ...directory.Record) error {
	if err := w.p.Records.Keep(ctx, records); err != nil {
		return fmt.Errorf("keep what is carried over: %w", err)
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, r := range records {
		w.records[r.GUID] = r
	}
	return nil
}

func (w *carrying) record(guid string) (directory.Record, bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	r, ok := w.records[guid]
	return r, ok
}

// each carries out changes that have nothing to do with each other.
func (w *carrying) each(ctx context.Context, changes []directory.Change) {
	var g errgroup.Group
	g.SetLimit(usersAtOnce)
	for _, c := range changes {
		g.Go(func() error {
			w.one(ctx, c)
			return nil
		})
	}
	_ = g.Wait() // what failed is in the steps
}

func (w *carrying) one(ctx context.Context, c directory.Change) {
	m := w.made[guidOf(c)]
	if made(c) {
		defer func() { close(m.done) }()
	}
	if w.aside(ctx, c) || !w.begin(ctx, c) {
		return
	}
	err := w.do(ctx, &c)
	if m != nil && err == nil {
		m.id = c.UserID
		if c.Kind == directory.CreateGroup {
			m.id = c.GroupID
		}
	}
	w.end(ctx, c, err)
}

// aside tells of changes that are not carried out: conflicts, everything in mode
// observe, what is held, and what the end of the run leaves undone.
func (w *carrying) aside(ctx context.Context, c directory.Change) bool {
	h, held := w.held[c.UserID]
	switch {
	case ctx.Err() != nil:
		w.step(directory.Step{Change: c, Outcome: plan.Later, Error: "interrupted before it was begun"})
	case c.Kind == directory.Conflict:
		w.tell(ctx, c, plan.Refused, "")
	case held && c.Kind.Removes():
		w.tell(ctx, c, plan.HeldBack, h.Why)
	case w.p.Mode == studio.Observe:
		w.tell(ctx, c, plan.Later, "mode observe: nothing is written")
	default:
		return false
	}
	return true
}

// do carries out one change of a user or group, and gives it the id of what it
// has made.
func (w *carrying) do(ctx context.Context, c *directory.Change) error {
	switch c.Kind {
	case directory.CreateUser:
		return w.createUser(ctx, c)
	case directory.AdoptUser:
		return w.adopt(ctx, *c)
	case directory.UpdateUser, directory.EnableUser:
		return w.update(ctx, *c)
	case directory.DisableUser:
		return w.disable(ctx, *c)
	case directory.DeleteUser:
		return w.delete(ctx, *c)
	case directory.CreateGroup:
		return w.createGroup(ctx, c)
	case directory.RenameGroup:
		return w.renameGroup(ctx, *c)
	default:
		return fmt.Errorf("nobody knows how to carry out %q; this is a mistake in studiokeeper", c.Kind)
	}
}

// lasting lets what was done be written down although the run was interrupted.
func lasting(ctx context.Context) (context.Context, context.CancelFunc) {
	return context.WithTimeout(context.WithoutCancel(ctx), 15*time.Second)
}
