package reconcile

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"studiokeeper/internal/event"
	"studiokeeper/internal/plan"
	"studiokeeper/internal/studio"
)

// A group is assigned after the profiles of its present members are ready. A
// member who never gets one (disabled, in conflict) is waited for this often.
const (
	signInWaits = 3
	signInAgain = 30 * time.Second
)

// principal is who is assigned for a user with this verdict; none when the
// domain assigns nobody, or the user should have nothing.
func principal(d studio.Domain, v plan.Verdict) (Principal, bool) {
	switch {
	case v.Winner == nil:
		return Principal{}, false
	case d.SignIn == studio.SignInUser:
		return Principal{ID: v.User.ID}, true
	case d.SignIn == studio.SignInGroup:
		return Principal{Group: true, ID: v.Winner.GroupID}, true
	default:
		return Principal{}, false
	}
}

// assign lets a principal sign in, and records whether that is our doing. One
// that is there already, and that we had begun to make, counts as ours: rather
// that than one of ours that is never removed.
func (r *Reconciler) assign(ctx context.Context, d studio.Domain, p Principal) error {
	facts, err := r.gate().facts(ctx, d)
	if err != nil {
		return err
	}
	if facts.Application == "" {
		return fmt.Errorf("domain %s: %w", d.Name, errNoApplication)
	}
	earlier, err := r.Assignments.BeginAssignment(ctx, d.Name, p)
	if err != nil {
		return fmt.Errorf("record that %s is about to be assigned to domain %s: %w", p, d.Name, err)
	}
	made, err := r.SignIn.Assign(ctx, d, facts.Application, p)
	if err != nil {
		err = fmt.Errorf("let %s sign in to domain %s: %w", p, d.Name, err)
		if !made && !earlier {
			err = errors.Join(err, wrap(r.Assignments.AbandonAssignment(ctx, d.Name, p), "record that %s was not assigned to domain %s", p, d.Name))
		}
		return err
	}
	return wrap(r.Assignments.RecordAssignment(ctx, d.Name, p, made || earlier), "record that %s is assigned to domain %s", p, d.Name)
}

// String is how errors name a principal.
func (p Principal) String() string {
	if p.Group {
		return "group " + p.ID
	}
	return "user " + p.ID
}

// groupSignIn plans to assign the group through which a ready user has their
// role, unless that is done.
func (r *Reconciler) groupSignIn(ctx context.Context, t Target, res *Result, trigger event.Trigger) error {
	p, wanted := principal(t.Domain, res.Verdict)
	if !wanted || !p.Group || !res.ready || !assignsGroups(t.Domain) || res.facts.Application == "" {
		return nil
	}
	known, _, err := r.Assignments.Assigned(ctx, t.Domain.Name, p)
	if err != nil || known {
		return wrap(err, "look up whether %s is assigned to domain %s", p, t.Domain.Name)
	}
	l := event.Look{Scope: event.SignIn, GroupID: p.ID, Domain: t.Domain.Name, Trigger: trigger}
	return r.schedule(ctx, r.Pass, "signin#"+p.ID+"#"+t.Domain.Name, l, r.Now().Add(collect))
}

// assignsGroups reports whether groups may be assigned to the domain at all.
func assignsGroups(d studio.Domain) bool {
	return d.SignIn == studio.SignInGroup && d.Mode != studio.Observe && d.State != studio.Retire
}

// signInGroup assigns a group once its members are ready, as far as they get
// ready at all.
func (r *Reconciler) signInGroup(ctx context.Context, l event.Look) error {
	subject := "signin#" + l.GroupID + "#" + l.Domain
	// The row may have gone since it was read.
	if _, err := r.Mapping.Since(ctx, r.Now()); err != nil {
		return err
	}
	for _, t := range r.targets(ctx, l.Domain) {
		if !assignsGroups(t.Domain) {
			return nil
		}
		row, mapped, err := r.mapped(ctx, t, l.GroupID)
		if err != nil || !mapped {
			return err
		}
		waiting, err := r.notReady(ctx, t, l.GroupID)
		if err != nil {
			return err
		}
		if len(waiting) > 0 && l.Attempt < signInWaits {
			l.Attempt++
			return errors.Join(
				r.handOn(ctx, waiting, event.Look{Trigger: l.Trigger}),
				r.schedule(ctx, r.Pass, subject, l, r.Now().Add(signInAgain)))
		}
		if err := r.assignGroup(ctx, t, l, row, len(waiting)); err != nil {
			return err
		}
	}
	return nil
}

// assignGroup lets a group sign in, with so many members who have no ready
// profile, and journals it.
func (r *Reconciler) assignGroup(ctx context.Context, t Target, l event.Look, row string, waiting int) error {
	c := plan.Change{
		Kind: plan.Assign, Domain: t.Domain.Name, UserID: groupKey(t.Domain.Name, l.GroupID).UserID, Group: l.GroupID, Row: row,
		Before: &plan.State{Status: plan.NoSignIn}, After: &plan.State{Status: plan.SignInGiven},
		Reasons: []plan.Reason{{Code: "group-sign-in", Text: fmt.Sprintf("the group may sign in; %d of its members had no ready profile", waiting)}},
	}
	err := r.assign(ctx, t.Domain, Principal{Group: true, ID: l.GroupID})
	if errors.Is(err, errNoApplication) {
		r.Log.WarnContext(ctx, "nobody is assigned", "domain", t.Domain.Name, "group", l.GroupID, "reason", err.Error())
		return nil
	}
	return errors.Join(err, r.note(ctx, c, outcomeOf(err), err, trigger(l)))
}

// mapped reports whether a group has a row for the domain that can be relied
// on, and where it is written.
func (r *Reconciler) mapped(ctx context.Context, t Target, groupID string) (row string, found bool, err error) {
	rows, err := r.Mapping.Rows(ctx)
	if err != nil {
		return "", false, err
	}
	for _, row := range of(rows, t.Domain.Name) {
		if row.GroupID == groupID && row.Unreadable == "" {
			return row.Source, true, nil
		}
	}
	named, err := r.Mapping.Named(ctx, groupID, rows)
	if err != nil {
		return "", false, err
	}
	for _, row := range of(named, t.Domain.Name) {
		if row.Unreadable == "" {
			return row.Source, true, nil
		}
	}
	return "", false, nil
}

// notReady are members of a group whose profile was not yet seen ready.
func (r *Reconciler) notReady(ctx context.Context, t Target, groupID string) ([]Key, error) {
	members, err := r.Identity.Members(ctx, groupID)
	if err != nil {
		return nil, fmt.Errorf("list the members of group %s: %w", groupID, err)
	}
	managed, err := r.Persons.Managed(ctx, t.Domain.Name)
	if err != nil {
		return nil, fmt.Errorf("list the managed people of %s: %w", t.Domain.Name, err)
	}
	ready := make(map[string]bool, len(managed))
	for _, m := range managed {
		ready[m.UserID] = m.Ready
	}
	var out []Key
	for _, id := range members {
		if !ready[id] {
			out = append(out, Key{t.Domain.Name, id})
		}
	}
	return out, nil
}

// groupKey is the key under which the guard knows a group's assignment.
func groupKey(domain, groupID string) Key { return Key{domain, "group:" + groupID} }

// GroupOf is the id of the group whose assignment a removal is about; "" for a
// person's removal.
func (r Removal) GroupOf() string {
	id, isGroup := strings.CutPrefix(r.UserID, "group:")
	if !isGroup {
		return ""
	}
	return id
}

// UnassignGroup takes back the sign-in of a group that has no row in the domain
// any more. Only an assignment that we made is taken back, and not without the
// guard: each member counts. The answer is why it is held, "" when it is not.
func (r *Reconciler) UnassignGroup(ctx context.Context, t Target, groupID string, by plan.Trigger) (held string, err error) {
	p := Principal{Group: true, ID: groupID}
	_, ours, err := r.Assignments.Assigned(ctx, t.Domain.Name, p)
	if err != nil || !ours || t.Domain.Mode == studio.Observe {
		return "", wrap(err, "look up whether %s is assigned to domain %s", p, t.Domain.Name)
	}
	rows, err := r.Mapping.Rows(ctx)
	if err != nil {
		return "", err
	}
	mapped, err := r.mappedOf(ctx, t, []string{groupID}, rows)
	if err != nil || len(mapped) > 0 {
		return "", err
	}
	for _, row := range of(rows, t.Domain.Name) {
		if row.GroupID == "" {
			// Nobody knows which group it means: it may be this one.
			r.Log.WarnContext(ctx, "a group keeps its sign-in while a row cannot be resolved", "domain", t.Domain.Name, "group", groupID, "row", row.Source)
			return "", nil
		}
	}
	members, err := r.Identity.Members(ctx, groupID)
	if err != nil && !errors.Is(err, ErrGone) {
		return "", fmt.Errorf("list the members of group %s: %w", groupID, err)
	}
	key := groupKey(t.Domain.Name, groupID)
	c := plan.Change{
		Kind: plan.Unassign, Domain: t.Domain.Name, UserID: key.UserID, Group: groupID,
		Before: &plan.State{Status: plan.SignInGiven}, After: &plan.State{Status: plan.NoSignIn},
		Reasons: []plan.Reason{{Code: "no-row", Text: fmt.Sprintf("group %s has no row for %s any more; it has %d members", groupID, t.Domain.Name, len(members))}},
	}
	decided, err := r.guard(ctx, r.removals(), removal(key, c), max(1, len(members)))
	if err != nil {
		return "", err
	}
	if decided.Decision != Admitted {
		return decided.Reason, r.noteHeld(ctx, key, c, decided, by)
	}
	return "", r.takeSignIn(ctx, t, p, key, c, by)
}

// takeSignIn unassigns a group, journals it, and forgets what was decided.
func (r *Reconciler) takeSignIn(ctx context.Context, t Target, p Principal, key Key, c plan.Change, by plan.Trigger) error {
	facts, err := r.gate().facts(ctx, t.Domain)
	if err != nil {
		return err
	}
	if err := r.note(ctx, c, plan.Begun, nil, by); err != nil {
		return err
	}
	if facts.Application != "" {
		err = wrap(r.SignIn.Unassign(ctx, t.Domain, facts.Application, p), "take the sign-in of %s away", p)
	}
	noted := r.note(ctx, c, outcomeOf(err), err, by)
	if err != nil {
		return errors.Join(err, noted)
	}
	return errors.Join(
		noted,
		wrap(r.Assignments.ForgetAssignment(ctx, t.Domain.Name, p), "forget the assignment of %s", p),
		r.backAgain(ctx, r.removals(), key))
}
