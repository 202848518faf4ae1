package provision

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"studiokeeper/internal/directory"
	"studiokeeper/internal/plan"
	"studiokeeper/internal/reconcile"
)

// createUser writes down first what is about to be made: a run that is cut off
// in between leaves nobody who is taken for a stranger's.
func (w *carrying) createUser(ctx context.Context, c *directory.Change) error {
	r := directory.Record{Kind: directory.UserObject, GUID: c.UserGUID, Made: true, Name: c.After.UserName}
	began := w.p.Now()
	if err := w.keep(ctx, r); err != nil {
		return err
	}
	id, err := w.p.Writer.CreateUser(ctx, *c.After)
	switch {
	case errors.Is(err, ErrTaken):
		return w.taken(ctx, c, r, began, err)
	case err != nil:
		return err
	}
	c.UserID, r.ID = id, id
	return w.wasMade(ctx, *c, r)
}

// wasMade journals it, and then keeps the id: without the one, the next run finds
// what has no id on record, and says so itself. Until then it is put nowhere:
// should it change meanwhile, nobody would know it for ours.
func (w *carrying) wasMade(ctx context.Context, c directory.Change, r directory.Record) error {
	after, end := lasting(ctx)
	defer end()
	if err := w.note(after, c, plan.Done, ""); err != nil {
		return fmt.Errorf("it was made, and goes on when it is run again: %w", err)
	}
	return w.keep(after, r)
}

// taken finds out who has the name or address: it may be the very user whom we
// made when an answer got lost, or somebody else. Whether they may be taken over
// is for the next plan to say, which a person can see.
func (w *carrying) taken(ctx context.Context, c *directory.Change, r directory.Record, began time.Time, cause error) error {
	users, err := w.people.since(ctx, began)
	if err != nil {
		return errors.Join(cause, fmt.Errorf("find out who has the name: %w", err))
	}
	if n := slices.IndexFunc(users, func(u directory.Person) bool { return w.ours(u, *c.After) }); n >= 0 {
		c.UserID, r.ID = users[n].ID, users[n].ID
		return w.wasMade(ctx, *c, r)
	}
	owner, found := ownerOf(users, *c.After)
	if !found {
		return fmt.Errorf("%w; nobody can be seen who has it, so it may be what was made just now: the next run finds out", cause)
	}
	if err := w.forget(ctx, r); err != nil {
		return errors.Join(cause, err)
	}
	return fmt.Errorf("%w: user %q (%s), whom we did not make, has the user name or e-mail address, and was not listed before; run it again: the plan says what can be done about it", cause, owner.UserName, owner.ID)
}

// people lists the users of Identity Center again, when a name turns out to be
// taken: what was made after a list was read is not in it.
type people struct {
	read func(context.Context) ([]directory.Person, error)
	now  func() time.Time

	turn  sync.Mutex
	at    time.Time
	found []directory.Person
	reads int
}

// mostReads bounds how often all users are listed again in one run; after that
// the last list has to do, and the next run sees what is not in it.
const mostReads = 5

// since gives a list that was read at that time or later.
func (l *people) since(ctx context.Context, at time.Time) ([]directory.Person, error) {
	l.turn.Lock()
	defer l.turn.Unlock()
	if l.reads >= mostReads || l.reads > 0 && l.at.After(at) {
		return l.found, nil
	}
	began := l.now()
	found, err := l.read(ctx)
	if err != nil {
		return nil, err
	}
	l.found, l.at = found, began
	l.reads++
	return found, nil
}

func ownerOf(users []directory.Person, p directory.Person) (directory.Person, bool) {
	for _, u := range users {
		if strings.EqualFold(u.UserName, p.UserName) || p.Email != "" && strings.EqualFold(u.Email, p.Email) || p.ExternalID != "" && u.ExternalID == p.ExternalID {
			return u, true
		}
	}
	return directory.Person{}, false
}

// ours tells whether a user is what we asked for: by the external id or, where
// the way in takes none, because all else is exactly as it was written.
func (w *carrying) ours(owner, p directory.Person) bool {
	if p.ExternalID != "" && owner.ExternalID == p.ExternalID {
		return true
	}
	asked := p
	asked.ID, asked.ExternalID = owner.ID, owner.ExternalID
	return w.p.Way == directory.ByAPI && owner.ExternalID == "" && owner == asked
}

func (w *carrying) carriedOver(userID string) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, r := range w.records {
		if r.ID == userID {
			return true
		}
	}
	return false
}

// adopt writes down whose user it is, and gives it our external id. Only one that
// bears it already, and that we have on record as made, stays one that we made.
func (w *carrying) adopt(ctx context.Context, c directory.Change) error {
	earlier, known := w.record(c.UserGUID)
	r := directory.Record{Kind: directory.UserObject, GUID: c.UserGUID, ID: c.UserID, Name: c.After.UserName}
	r.Made = known && earlier.Made && strings.EqualFold(c.Before.ExternalID, c.UserGUID)
	if err := w.keep(ctx, r); err != nil {
		return err
	}
	return w.p.Writer.UpdateUser(ctx, *c.Before, *c.After)
}

func (w *carrying) update(ctx context.Context, c directory.Change) error {
	if err := w.p.Writer.UpdateUser(ctx, *c.Before, *c.After); err != nil {
		return err
	}
	r, known := w.record(c.UserGUID)
	if !known || r.Name == c.After.UserName {
		return nil
	}
	r.Name = c.After.UserName
	after, end := lasting(ctx)
	defer end()
	return w.keep(after, r)
}

// again reads a user again, right before something is taken from them.
func (w *carrying) again(ctx context.Context, c directory.Change) (now directory.Person, gone bool, err error) {
	now, err = w.p.Store.User(ctx, c.UserID)
	switch {
	case errors.Is(err, ErrGone):
		return now, true, nil
	case err != nil:
		return now, false, fmt.Errorf("read the user again: %w", err)
	case c.Before != nil && (now.UserName != c.Before.UserName || now.ExternalID != c.Before.ExternalID):
		return now, false, fmt.Errorf("%w: the user was changed since the plan was made; run it again", ErrStale)
	}
	return now, false, nil
}

func (w *carrying) disable(ctx context.Context, c directory.Change) error {
	now, gone, err := w.again(ctx, c)
	if err != nil || gone || now.Disabled {
		return err
	}
	off := now
	off.Disabled = true
	return w.p.Writer.UpdateUser(ctx, now, off)
}

// delete deletes only whom we made, and where that can be, who is disabled
// still.
func (w *carrying) delete(ctx context.Context, c directory.Change) error {
	r, known := w.record(c.UserGUID)
	if !known || !r.Made || r.ID != c.UserID {
		return fmt.Errorf("user %s was not made by us, and is not deleted", c.UserID)
	}
	now, gone, err := w.again(ctx, c)
	switch {
	case err != nil:
		return err
	case !gone && w.p.Writer.CanDisable() && !now.Disabled:
		return fmt.Errorf("%w: the user is not disabled any more; run it again", ErrStale)
	case !gone:
		if err := w.p.Writer.DeleteUser(ctx, c.UserID); err != nil {
			return err
		}
	}
	after, end := lasting(ctx)
	defer end()
	dropped := w.p.Removals.Drop(after, reconcile.Key{Domain: plan.DirectoryDomain, UserID: c.UserID})
	return errors.Join(w.forget(after, r), wrap(dropped, "drop what was decided about the user"))
}

func (w *carrying) forget(ctx context.Context, r directory.Record) error {
	return wrap(w.p.Records.Forget(ctx, r), "forget that %s %s was to be carried over", r.Kind, r.GUID)
}
