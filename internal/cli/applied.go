package cli

import (
	"errors"
	"fmt"
	"strings"

	"studiokeeper/internal/plan"
	"studiokeeper/internal/reconcile"
	"studiokeeper/internal/studio"
)

// fate is what became of a person's part of a plan.
type fate string

// The fates.
const (
	settled  fate = "done"
	waiting  fate = "pending"  // it takes its time, or was not begun; detail says which
	failed   fate = "failed"   // detail says why
	heldBack fate = "held"     // over a limit: it waits for a person's decision
	moved    fate = "stale"    // read again, something else was to be done: nothing was
	refused  fate = "refused"  // a conflict, or something unreadable
	observed fate = "observed" // mode observe: nothing is written
)

// outcome is what became of one person, or of a group's sign-in, for scripts.
type outcome struct {
	Domain   string `json:"domain"`
	UserID   string `json:"userId,omitempty"`
	UserName string `json:"userName,omitempty"`
	Group    string `json:"group,omitempty"` // the id of the group whose sign-in it is
	Outcome  fate   `json:"outcome"`
	Detail   string `json:"detail,omitempty"`
}

func (o outcome) who() string {
	switch {
	case o.Group != "":
		return "group " + o.Group
	case o.UserName != "":
		return o.UserName
	default:
		return "user " + o.UserID
	}
}

func (o outcome) key() reconcile.Key {
	if o.Group != "" {
		return reconcile.Key{Domain: o.Domain, UserID: "group:" + o.Group}
	}
	return reconcile.Key{Domain: o.Domain, UserID: o.UserID}
}

// applied is what became of a plan, for scripts.
type applied struct {
	Plan        string    `json:"plan"` // its digest
	People      []outcome `json:"people"`
	Stale       []string  `json:"stale,omitempty"`       // left out of a saved plan: it had moved
	Problems    []string  `json:"problems,omitempty"`    // what could not be read, and what went wrong beside
	Interrupted bool      `json:"interrupted,omitempty"` // run it again to go on

	blind bool // no domain could be read
}

// fateOf is what a look came to, in a domain of that mode, and why.
func fateOf(r reconcile.Result, err error, mode studio.Mode) (fate, string) {
	first := plan.Change{}
	if len(r.Changes) > 0 {
		first = r.Changes[0]
	}
	switch {
	case err != nil:
		return failed, err.Error()
	case len(r.Alarms) > 0:
		return failed, r.Alarms[0].Text
	case r.Stale:
		return moved, "it has moved since it was planned, so nothing was done; plan again"
	case r.HeldWhy != "":
		return heldBack, r.HeldWhy
	case r.Again > 0:
		return waiting, r.Why
	case first.Kind == plan.Conflict || first.Kind == plan.Unreadable:
		return refused, first.Reasons[len(first.Reasons)-1].Text
	case first.Kind != "" && mode == studio.Observe:
		return observed, "mode observe: nothing is written"
	default:
		return settled, ""
	}
}

func (d applied) count(how fate) int {
	n := 0
	for _, o := range d.People {
		if o.Outcome == how {
			n++
		}
	}
	return n
}

// namedTogether is from how many people on those that share a fate which is no
// failure are counted instead of named. JSON names everybody.
const namedTogether = 10

// say names everybody who is not done, and counts.
func (d applied) say(env Environment) {
	s := style(env, env.Stdout)
	if len(d.People)+len(d.Stale) == 0 {
		return // the plan has said so
	}
	fmt.Fprintln(env.Stdout)
	together := map[outcome]int{}
	for _, o := range d.People {
		together[o.alike()]++
	}
	for _, o := range d.People {
		n := together[o.alike()]
		switch {
		case o.Outcome == settled, n == 0:
			continue
		case n < namedTogether || o.Outcome == failed || o.Outcome == moved:
			fmt.Fprintf(env.Stdout, "  %s %s in %s%s\n", s.Bad(fmt.Sprintf("%-8s", o.Outcome)), o.who(), o.Domain, because(o.Detail))
		default:
			fmt.Fprintf(env.Stdout, "  %s %d in %s%s\n", s.Bad(fmt.Sprintf("%-8s", o.Outcome)), n, o.Domain, because(o.Detail))
			together[o.alike()] = 0
		}
	}
	for _, what := range d.Stale {
		fmt.Fprintf(env.Stdout, "  %s %s: left out, it has moved since the plan was made\n", s.Bad("stale   "), what)
	}
	fmt.Fprintf(env.Stdout, "%s %s.\n", s.Bold("Applied:"), d.sum())
	if d.count(heldBack) > 0 {
		fmt.Fprintln(env.Stderr, "Decide about what is held with: studiokeeper removals list")
	}
	if d.Interrupted {
		fmt.Fprintln(env.Stderr, "Interrupted. Run the same command again to go on: what is done stays done.")
	}
}

// alike is what people have in common who need not be told apart.
func (o outcome) alike() outcome {
	return outcome{Domain: o.Domain, Outcome: o.Outcome, Detail: o.Detail}
}

func because(detail string) string {
	if detail == "" {
		return ""
	}
	return ": " + detail
}

func (d applied) sum() string {
	var parts []string
	for _, how := range []fate{settled, waiting, observed, heldBack, refused, moved, failed} {
		n := d.count(how)
		if how == moved {
			n += len(d.Stale)
		}
		if n > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", n, how))
		}
	}
	return strings.Join(parts, ", ")
}

// err is the error that a run ends in, with its exit code.
func (d applied) err() error {
	var errs []error
	for _, p := range d.Problems {
		errs = append(errs, errors.New(p))
	}
	all, bad := len(d.People)+len(d.Stale), d.count(failed)+d.count(moved)+len(d.Stale)
	if bad > 0 {
		errs = append(errs, fmt.Errorf("%d of %d were not done; each is named above", bad, all))
	}
	if d.Interrupted {
		errs = append(errs, fmt.Errorf("interrupted with %d of %d not done", all-d.count(settled), all))
	}
	switch {
	case len(errs) > 0 && d.nothing():
		return errors.Join(errs...)
	case len(errs) > 0:
		return codeError{exitPartial, errors.Join(errs...)}
	case d.count(heldBack) > 0:
		return codeError{exitHeld, fmt.Errorf("%d are held, and wait for a person's decision", d.count(heldBack))}
	default:
		return nil
	}
}

// nothing tells whether a run that had something to do came to nothing at all.
func (d applied) nothing() bool {
	all := len(d.People) + len(d.Stale)
	return d.blind || d.Interrupted && d.count(settled) == 0 || all > 0 && d.count(failed)+d.count(moved)+len(d.Stale) == all
}
