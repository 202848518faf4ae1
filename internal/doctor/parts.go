package doctor

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"

	"studiokeeper/internal/reconcile"
)

// deployAgain brings back what was deleted or changed by hand.
const deployAgain = "studiokeeper deploy template > template.yml && aws cloudformation deploy --stack-name studiokeeper --template-file template.yml --capabilities CAPABILITY_NAMED_IAM"

// partUnread is a failed read of something deployed.
func partUnread(what string, err error) finding {
	if errors.Is(err, reconcile.ErrGone) {
		return fail(deployAgain, "%s is missing", what)
	}
	return unread(deployAgain, err)
}

func (d *Doctor) rule(ctx context.Context) finding {
	is, err := d.Deployment.Rule(ctx, d.Parts.Rule)
	switch {
	case err != nil:
		return partUnread("rule "+d.Parts.Rule, err)
	case !sameJSON(is.Pattern, string(d.Parts.Pattern)):
		return fail(deployAgain, "rule %s has another event pattern than this version's, so that it misses events or sends others", d.Parts.Rule)
	}
	return d.sends(d.Parts.Rule, is, d.Parts.Events)
}

func (d *Doctor) schedules(ctx context.Context) finding {
	var found []finding
	for _, name := range d.Parts.Schedules {
		is, err := d.Deployment.Rule(ctx, name)
		switch {
		case err != nil:
			found = append(found, partUnread("rule "+name, err))
		case is.Schedule == "":
			found = append(found, fail(deployAgain, "rule %s has no schedule", name))
		default:
			found = append(found, d.sends(name, is, d.Parts.Pass))
		}
	}
	return worst(found, some(d.Parts.Schedules)+" are enabled")
}

// sends judges what rules of both kinds have in common.
func (d *Doctor) sends(name string, is Rule, queue string) finding {
	toQueue := func(arn string) bool { return isQueue(arn, queue) }
	switch {
	case !is.Enabled:
		return fail(fmt.Sprintf("aws events enable-rule --region %s --name %s", d.Config.IdentityCenter.Region, name), "rule %s is disabled", name)
	case !slices.ContainsFunc(is.Targets, toQueue):
		return fail(deployAgain, "rule %s does not send to queue %s", name, queue)
	}
	return ok("rule %s sends to queue %s", name, queue)
}

func isQueue(arn, name string) bool {
	return strings.Contains(arn, ":sqs:") && strings.HasSuffix(arn, ":"+name)
}

// sameJSON compares documents, not the texts.
func sameJSON(a, b string) bool {
	var x, y any
	return json.Unmarshal([]byte(a), &x) == nil && json.Unmarshal([]byte(b), &y) == nil && reflect.DeepEqual(x, y)
}

func (d *Doctor) queues(ctx context.Context) finding {
	var found []finding
	for _, name := range []string{d.Parts.Events, d.Parts.Pass} {
		found = append(found, d.queue(ctx, name))
	}
	return worst(found, "two queues, no dead letters")
}

func (d *Doctor) queue(ctx context.Context, name string) finding {
	is, err := d.Deployment.Queue(ctx, name)
	switch {
	case err != nil:
		return partUnread("queue "+name, err)
	case is.Dead == "":
		return fail(deployAgain, "queue %s has no dead-letter queue: what cannot be handled is lost", name)
	}
	dead, err := d.Deployment.Queue(ctx, is.Dead)
	switch {
	case err != nil:
		return partUnread("queue "+is.Dead, err)
	case dead.Waiting > 0:
		return fail("studiokeeper queue inspect", "%s in %s: what could not be handled", counted(dead.Waiting, "message"), is.Dead)
	}
	return ok("")
}

func (d *Doctor) alarms(ctx context.Context) finding {
	there, err := d.Deployment.Alarms(ctx, commonStart(d.Parts.Alarms))
	if err != nil {
		return partUnread("alarms", err)
	}
	var found []finding
	for _, name := range d.Parts.Alarms {
		i := slices.IndexFunc(there, func(a Alarm) bool { return a.Name == name })
		switch {
		case i < 0:
			found = append(found, fail(deployAgain, "alarm %s is missing", name))
		case !there[i].Enabled:
			found = append(found, fail(d.alarm("enable-alarm-actions", name), "alarm %s rings unheard: its actions are disabled", name))
		case there[i].Ringing:
			found = append(found, fail(d.alarm("describe-alarms", name), "alarm %s rings", name))
		}
	}
	return worst(found, counted(len(d.Parts.Alarms), "alarm")+", and none rings")
}

func (d *Doctor) alarm(command, name string) string {
	return fmt.Sprintf("aws cloudwatch %s --region %s --alarm-names %s", command, d.Config.IdentityCenter.Region, name)
}

// commonStart is how all the names begin.
func commonStart(names []string) string {
	if len(names) == 0 {
		return ""
	}
	first, last := slices.Min(names), slices.Max(names)
	n := 0
	for n < min(len(first), len(last)) && first[n] == last[n] {
		n++
	}
	return first[:n]
}
