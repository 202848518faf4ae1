package provision

import (
	"cmp"
	"context"
	"fmt"

	"studiokeeper/internal/directory"
	"studiokeeper/internal/plan"
	"studiokeeper/internal/reconcile"
)

// begin journals that something is about to be done; without that nothing is.
// What is about to be made has no id to be journalled under: its record says as
// much, and found tells of it when a run is cut off in between.
func (w *carrying) begin(ctx context.Context, c directory.Change) bool {
	if made(c) {
		return true
	}
	if err := w.note(ctx, c, plan.Begun, ""); err != nil {
		w.step(directory.Step{Change: c, Outcome: plan.FailedAt, Error: "nothing was changed: " + err.Error()})
		return false
	}
	return true
}

// end journals what became of a change. What ends because the whole run does
// has not failed.
func (w *carrying) end(ctx context.Context, c directory.Change, err error) {
	s := directory.Step{Change: c, Outcome: plan.Done}
	switch {
	case err != nil && ctx.Err() != nil:
		s.Outcome, s.Error = plan.Later, "interrupted: "+err.Error()
	case err != nil:
		s.Outcome, s.Error = plan.FailedAt, err.Error()
	}
	w.step(s)
	if s.Outcome == plan.Done && made(c) {
		return // it was journalled before its id was kept
	}
	after, stop := lasting(ctx)
	defer stop()
	if err := w.note(after, c, s.Outcome, s.Error); err != nil {
		w.problem(err)
	}
}

func made(c directory.Change) bool {
	return c.Kind == directory.CreateUser || c.Kind == directory.CreateGroup
}

// found journals what a run that was cut off had made.
func (w *carrying) found(ctx context.Context, r directory.Record) error {
	c := directory.Change{Kind: directory.CreateUser, UserGUID: r.GUID, UserID: r.ID, UserName: r.Name}
	if r.Kind == directory.GroupObject {
		c = directory.Change{Kind: directory.CreateGroup, GroupGUID: r.GUID, GroupID: r.ID, Group: r.Name}
	}
	c.Reasons = []plan.Reason{{Code: "found", Text: "it was made by a run that was cut off before it could say so"}}
	return w.note(ctx, c, plan.Done, "")
}

// tell journals once a day what stays the same.
func (w *carrying) tell(ctx context.Context, c directory.Change, outcome plan.Outcome, why string) {
	w.step(directory.Step{Change: c, Outcome: outcome, Error: why})
	subject := reconcile.Key{Domain: plan.DirectoryDomain, UserID: journalled(c).UserID}
	what := fmt.Sprintf("%s %s %s", outcome, c.Kind, cmp.Or(c.GroupGUID, c.GroupID))
	told, err := w.p.Journal.Told(ctx, subject, what)
	switch {
	case err != nil:
		w.problem(fmt.Errorf("look up what was told of %s: %w", subject.UserID, err))
		return
	case told:
		return
	}
	if why != "" {
		c.Reasons = append(c.Reasons[:len(c.Reasons):len(c.Reasons)], plan.Reason{Code: string(outcome), Text: why})
	}
	if err := w.note(ctx, c, outcome, ""); err != nil {
		w.problem(err)
		return
	}
	if err := w.p.Journal.Tell(ctx, subject, what); err != nil {
		w.problem(fmt.Errorf("remember what was told of %s: %w", subject.UserID, err))
	}
}

func (w *carrying) note(ctx context.Context, c directory.Change, outcome plan.Outcome, failure string) error {
	e := plan.Entry{Time: w.p.Now().UTC(), Change: journalled(c), Outcome: outcome, Error: failure, Trigger: w.by}
	sealed, err := w.p.Journal.Append(ctx, e)
	if err != nil {
		return fmt.Errorf("write the journal: %w", err)
	}
	w.p.Log.InfoContext(ctx, string(c.Kind), "outcome", outcome, "user", e.Change.UserID, "domain", e.Change.Domain, "group", e.Change.Group,
		"trigger", w.by.ID, "seq", sealed.Seq, "digest", sealed.Digest)
	return nil
}

// journalled is a change as the journal has it: under the user's id or, while
// there is none, the GUID; what is done to a group is under "group:" and its id.
func journalled(c directory.Change) plan.Change {
	out := plan.Change{
		Kind: plan.Kind(c.Kind), Domain: plan.DirectoryDomain, UserID: cmp.Or(c.UserID, c.UserGUID), UserName: c.UserName,
		Group: cmp.Or(c.GroupID, c.GroupGUID), Before: stateOf(c.Before), After: stateOf(c.After), Reasons: c.Reasons,
	}
	if out.UserID == "" {
		out.UserID, out.UserName = "group:"+out.Group, c.Group
	}
	return out
}

func stateOf(p *directory.Person) *plan.State {
	switch {
	case p == nil:
		return nil
	case p.Disabled:
		return &plan.State{Status: p.UserName + ", disabled"}
	default:
		return &plan.State{Status: p.UserName}
	}
}

func (w *carrying) step(s directory.Step) {
	w.progress.Done.Add(1)
	w.mu.Lock()
	defer w.mu.Unlock()
	w.steps = append(w.steps, s)
}

func (w *carrying) problem(err error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.problems = append(w.problems, err.Error())
}
