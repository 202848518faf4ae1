package cli

import (
	"errors"
	"fmt"
	"strings"

	"studiokeeper/internal/plan"
	"studiokeeper/internal/reconcile"
)

// fate is what became of a person's part of a plan.
type fate string

// The fates.
const (
	settled  fate = "done"
	waiting  fate = "pending"  // what is left takes its time, or a grace period
	failed   fate = "failed"   // detail says why
	heldBack fate = "held"     // over a limit: it waits for a person's decision
	moved    fate = "stale"    // read again, something else was to be done: nothing was
	refused  fate = "refused"  // a conflict, or something unreadable
	observed fate = "observed" // mode observe: nothing is written
)

// outcome is one person's part, for scripts.
type outcome struct {
	Domain   string `json:"domain"`
	UserID   string `json:"userId"`
	UserName string `json:"userName,omitempty"`
	Outcome  fate   `json:"outcome"`
	Detail   string `json:"detail,omitempty"`
}

func (o outcome) who() string {
	if o.UserName != "" {
		return o.UserName
	}
	return o.UserID
}

// applied is what became of a plan, for scripts.
type applied struct {
	Plan     string    `json:"plan"` // its digest
	People   []outcome `json:"people"`
	Stale    []string  `json:"stale,omitempty"`    // left out of a saved plan: it had moved
	Problems []string  `json:"problems,omitempty"` // what went wrong beside
}

// became is the fate that a look came to.
func became(r reconcile.Result, err error) fate {
	last := plan.Change{}
	if len(r.Changes) > 0 {
		last = r.Changes[0]
	}
	switch {
	case err != nil, len(r.Alarms) > 0:
		return failed
	case r.Stale:
		return moved
	case r.HeldWhy != "":
		return heldBack
	case r.Again > 0:
		return waiting
	case last.Kind == plan.Conflict || last.Kind == plan.Unreadable:
		return refused
	case len(r.Entries) > 0 && r.Entries[0].Outcome == plan.Later:
		return observed
	default:
		return settled
	}
}

func detail(r reconcile.Result, err error) string {
	switch became(r, err) {
	case failed:
		if err != nil {
			return err.Error()
		}
		return r.Alarms[0].Text
	case moved:
		return "it has moved since it was planned, so nothing was done; plan again"
	case heldBack:
		return r.HeldWhy
	case waiting:
		return r.Why
	case refused:
		reasons := r.Changes[0].Reasons
		return reasons[len(reasons)-1].Text
	default:
		return ""
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

// say names everybody who is not done, and counts.
func (d applied) say(env Environment) {
	s := style(env, env.Stdout)
	fmt.Fprintln(env.Stdout)
	for _, o := range d.People {
		if o.Outcome != settled {
			fmt.Fprintf(env.Stdout, "  %-8s %s in %s: %s\n", s.Bad(string(o.Outcome)), o.who(), o.Domain, o.Detail)
		}
	}
	for _, what := range d.Stale {
		fmt.Fprintf(env.Stdout, "  %-8s %s: left out, it has moved since the plan was made\n", s.Bad("stale"), what)
	}
	var parts []string
	for _, how := range []fate{settled, waiting, observed, heldBack, refused, moved, failed} {
		if n := d.count(how); n > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", n, how))
		}
	}
	if len(parts) == 0 {
		parts = []string{"nothing to change"}
	}
	fmt.Fprintf(env.Stdout, "%s %s.\n", s.Bold("Applied:"), strings.Join(parts, ", "))
	if d.count(heldBack) > 0 {
		fmt.Fprintln(env.Stderr, "Decide about what is held with: studiokeeper removals list")
	}
}

// err is the error that a run ends in, with its exit code.
func (d applied) err() error {
	bad := d.count(failed) + d.count(moved) + len(d.Stale) + len(d.Problems)
	var errs []error
	for _, p := range d.Problems {
		errs = append(errs, errors.New(p))
	}
	if n := d.count(failed) + d.count(moved) + len(d.Stale); n > 0 {
		errs = append(errs, fmt.Errorf("%d of %d people were not done; each is named above", n, len(d.People)+len(d.Stale)))
	}
	switch {
	case bad > 0 && bad >= len(d.People)+len(d.Stale) && d.count(settled)+d.count(waiting) == 0:
		return errors.Join(errs...)
	case bad > 0:
		return codeError{exitPartial, errors.Join(errs...)}
	case d.count(heldBack) > 0:
		return codeError{exitHeld, fmt.Errorf("%d are held, and wait for a person's decision", d.count(heldBack))}
	default:
		return nil
	}
}
