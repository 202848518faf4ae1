package doctor

import (
	"context"
	"fmt"
	"slices"
	"time"
)

func (d *Doctor) functions(ctx context.Context) finding {
	found := []finding{
		d.function(ctx, d.Parts.Events, d.Parts.EventsTimeout),
		d.function(ctx, d.Parts.Pass, d.Parts.PassTimeout),
	}
	return worst(found, "two functions, each with its queue")
}

func (d *Doctor) function(ctx context.Context, name string, timeout time.Duration) finding {
	is, err := d.Deployment.Function(ctx, name)
	switch {
	case err != nil:
		return partUnread("function "+name, err)
	case is.State != "Active":
		return fail(d.lambda("get-function-configuration --function-name "+name), "function %s is %s, not Active", name, is.State)
	case is.LastUpdate != "Successful":
		return fail(d.lambda("get-function-configuration --function-name "+name), "the last update of function %s is %s, not Successful", name, is.LastUpdate)
	case is.Timeout < timeout:
		return fail(d.lambda(fmt.Sprintf("update-function-configuration --function-name %s --timeout %.0f", name, timeout.Seconds())),
			"function %s ends after %v and needs %v", name, is.Timeout, timeout)
	}
	for _, variable := range d.Parts.Environment {
		if !slices.Contains(is.Environment, variable) {
			return fail(deployAgain, "function %s has no %s in its environment", name, variable)
		}
	}
	return d.polls(name, is.Sources)
}

// polls judges the mapping of the function's own queue.
func (d *Doctor) polls(name string, sources []Source) finding {
	i := slices.IndexFunc(sources, func(s Source) bool { return isQueue(s.ARN, name) })
	switch {
	case i < 0:
		return fail(deployAgain, "function %s gets nothing from queue %s: there is no event source mapping", name, name)
	case sources[i].State != "Enabled":
		return fail(d.lambda("update-event-source-mapping --enabled --uuid "+sources[i].ID),
			"function %s gets nothing from queue %s: the event source mapping is %s", name, name, sources[i].State)
	}
	return ok("")
}

func (d *Doctor) lambda(command string) string {
	return fmt.Sprintf("aws lambda %s --region %s", command, d.Config.IdentityCenter.Region)
}
