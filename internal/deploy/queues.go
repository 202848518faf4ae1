package deploy

import (
	"encoding/json"

	"studiokeeper/internal/event"
)

// EventsTimeout and PassTimeout are how long the functions may take, in
// seconds; a queue's visibility is six times that.
// https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-configure.html
const (
	EventsTimeout = 60
	PassTimeout   = 900
)

const (
	fortnight = 14 * 24 * 60 * 60
	receives  = 5
)

func (g *generator) queues(t *Template) {
	g.queue(t, "Events", EventsName, EventsTimeout)
	g.queue(t, "Pass", PassName, PassTimeout)
	var statements []any
	for _, s := range []struct{ sid, queue, rule string }{
		{"Membership", "EventsQueue", "MembershipRule"}, {"FullPass", "PassQueue", "FullPassRule"}, {"DeepPass", "PassQueue", "DeepPassRule"},
	} {
		statements = append(statements, object{
			{"Sid", s.sid}, {"Effect", "Allow"}, {"Principal", object{{"Service", "events.amazonaws.com"}}}, {"Action", "sqs:SendMessage"},
			{"Resource", attribute(s.queue, "Arn")},
			{"Condition", object{{"ArnEquals", object{{"aws:SourceArn", attribute(s.rule, "Arn")}}}}},
		})
	}
	t.add("QueuePolicy", "AWS::SQS::QueuePolicy", object{
		{"Queues", []any{ref("EventsQueue"), ref("PassQueue")}},
		{"PolicyDocument", object{{"Version", "2012-10-17"}, {"Statement", statements}}},
	})
}

func (g *generator) queue(t *Template, id, name string, timeout int) {
	t.add(id+"DeadQueue", "AWS::SQS::Queue", append(g.anyQueue(name+deadSuffix), field{"MessageRetentionPeriod", fortnight}))
	t.add(id+"Queue", "AWS::SQS::Queue", append(g.anyQueue(name),
		field{"VisibilityTimeout", 6 * timeout},
		field{"RedrivePolicy", object{{"deadLetterTargetArn", attribute(id+"DeadQueue", "Arn")}, {"maxReceiveCount", receives}}}))
	t.output(id+"QueueUrl", "Queue of the function "+name, ref(id+"Queue"))
	t.output(id+"DeadQueueUrl", "What the function "+name+" could not handle", ref(id+"DeadQueue"))
}

func (g *generator) anyQueue(name string) object {
	return object{
		{"QueueName", name},
		{"SqsManagedSseEnabled", choose("HasKey", ref("AWS::NoValue"), true)},
		{"KmsMasterKeyId", only("HasKey", ref("KeyArn"))},
		{"Tags", g.tags()},
	}
}

// Pattern is the event pattern of everything that the parser understands:
// event names are only unique together with their source.
func Pattern() ([]byte, error) {
	var doors []map[string]any
	for _, d := range event.Doors() {
		doors = append(doors, map[string]any{"eventSource": []string{d.Source}, "eventName": d.Names})
	}
	return json.Marshal(map[string]any{
		"detail-type": event.DetailTypes(),
		"detail":      map[string]any{"errorCode": []any{map[string]bool{"exists": false}}, "$or": doors},
	})
}

func pattern() (map[string]any, error) {
	text, err := Pattern()
	if err != nil {
		return nil, err
	}
	var p map[string]any
	return p, json.Unmarshal(text, &p)
}

func (g *generator) rules(t *Template) error {
	p, err := pattern()
	if err != nil {
		return err
	}
	t.add("MembershipRule", "AWS::Events::Rule", object{
		{"Name", RuleName}, {"Description", "Changes of users, groups, memberships and Studio profiles, through every door"},
		{"EventPattern", p},
		{"Targets", []any{object{{"Id", "queue"}, {"Arn", attribute("EventsQueue", "Arn")}}}},
	})
	pass := func(id, name, what, schedule string, deep bool) {
		look := event.Look{Scope: event.Everybody, Deep: deep, Trigger: event.Trigger{Name: what, Source: "schedule"}}
		t.add(id, "AWS::Events::Rule", object{
			{"Name", name}, {"Description", "Starts the " + what + " over everybody"}, {"ScheduleExpression", schedule},
			{"Targets", []any{object{{"Id", "queue"}, {"Arn", attribute("PassQueue", "Arn")}, {"Input", string(look.Message())}}}},
		})
	}
	pass("FullPassRule", FullPassName, "full pass", "rate(1 hour)", false)
	pass("DeepPassRule", DeepPassName, "deep pass", "rate(1 day)", true)
	g.busPolicies(t)
	return nil
}

// busPolicies let the rules of other accounts put their events on the bus.
func (g *generator) busPolicies(t *Template) {
	for _, account := range g.ForwardFrom {
		t.add("ForwardFrom"+account, "AWS::Events::EventBusPolicy", object{
			{"StatementId", "studiokeeper-" + account},
			{"Statement", object{
				{"Effect", "Allow"}, {"Principal", object{{"AWS", "arn:" + g.partition() + ":iam::" + account + ":root"}}},
				{"Action", "events:PutEvents"}, {"Resource", sub(g.here("events", "event-bus/default"))},
			}},
		})
	}
}
