package carry

import (
	"context"
	"errors"
	"fmt"

	"studiokeeper/internal/directory"
	"studiokeeper/internal/plan"
	"studiokeeper/internal/provision"
)

// Summary is what one run came to, for logs and for the function's answer.
type Summary struct {
	Carried   int `json:"carried"` // people
	Done      int `json:"done"`
	Held      int `json:"held"` // people from whom nothing is taken until somebody decides
	Conflicts int `json:"conflicts"`
	Failed    int `json:"failed"`
}

// ErrPart is a run that did not do all there was to do; the log and the journal
// say what, and of whom.
var ErrPart = errors.New("not everything was carried over; the log and the journal say what was not")

// Run plans and carries out at once, for schedules. What fails is logged; errors
// name nobody but in their causes.
func (c *Carry) Run(ctx context.Context, o provision.Options, by plan.Trigger) (Summary, error) {
	made, err := c.Plan(ctx, o)
	if err != nil {
		return Summary{}, err
	}
	if len(made.Stop) > 0 {
		return Summary{Carried: made.Carried}, stopped(made.Stop)
	}
	done, err := c.Apply(ctx, made, o, by)
	for _, p := range done.Problems {
		c.Log.ErrorContext(ctx, "carrying over", "error", p)
	}
	for _, s := range done.Steps {
		if s.Outcome == plan.FailedAt {
			c.Log.ErrorContext(ctx, "a change failed", "kind", s.Kind, "user", s.UserID, "group", s.GroupID, "error", s.Error, "userName", s.UserName)
		}
	}
	sum := summaryOf(done)
	if err == nil && sum.Failed+len(done.Problems) > 0 {
		err = ErrPart
	}
	return sum, err
}

func stopped(why []plan.Reason) error {
	var errs []error
	for _, r := range why {
		errs = append(errs, fmt.Errorf("nothing was changed, because what was read of Active Directory is not to be relied on: %s", r.Text))
	}
	return errors.Join(errs...)
}

func summaryOf(done directory.Result) Summary {
	return Summary{Carried: done.Carried, Done: done.Of(plan.Done), Held: len(done.Held), Conflicts: done.Of(plan.Refused), Failed: done.Of(plan.FailedAt)}
}
