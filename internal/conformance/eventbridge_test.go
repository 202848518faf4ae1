package conformance

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge/types"

	"studiokeeper/internal/deploy"
	"studiokeeper/internal/event"
)

// envelope is an event with this detail, as TestEventPattern wants it.
func envelope(detailType string, detail any) string {
	text, _ := json.Marshal(map[string]any{
		"id": "7bf73129-1428-4cd3-a780-95db273d1602", "account": "111122223333", "source": "aws.sso-directory", "time": "2026-01-02T03:04:05Z",
		"region": "us-east-1", "resources": []string{}, "detail-type": detailType, "detail": detail,
	})
	return string(text)
}

func (c *trial) matches(pattern, event string) (bool, error) {
	out, err := c.events().TestEventPattern(c.ctx(), &eventbridge.TestEventPatternInput{EventPattern: &pattern, Event: &event})
	if err != nil {
		return false, err
	}
	return out.Result, nil
}

// matching is a contract about one way to match: which details a pattern of the detail lets through, and which not.
func matching(says, pattern string, yes, no []string) contract {
	return contract{says: says, hold: func(c *trial) {
		ask := func(details []string, want bool) {
			for _, detail := range details {
				got, err := c.matches(`{"detail":`+pattern+`}`, envelope("Test", json.RawMessage(detail)))
				c.must(err, "TestEventPattern of %s on %s", pattern, detail)
				c.want(got == want, "%s on %s is %t", pattern, detail, got)
			}
		}
		ask(yes, true)
		ask(no, false)
	}}
}

func patternContracts() []contract {
	all := func(one ...string) []string { return one }
	return []contract{
		matching("a pattern matches one of several values, as they are written", `{"a":["x",1,null,true]}`,
			all(`{"a":"x"}`, `{"a":1}`, `{"a":null}`, `{"a":true}`, `{"a":["y","x"]}`), all(`{"a":"y"}`, `{"a":1.0}`, `{"a":"1"}`, `{}`, `{"a":["y"]}`)),
		matching("exists: false matches what is not there, and nothing else", `{"a":["x"],"errorCode":[{"exists":false}]}`,
			all(`{"a":"x"}`, `{"a":"x","errorMessage":"y"}`), all(`{"a":"x","errorCode":"AccessDenied"}`, `{"a":"x","errorCode":null}`)),
		matching("prefix, suffix and equals-ignore-case match strings", `{"a":[{"prefix":"Cre"},{"suffix":"Group"},{"equals-ignore-case":"alice"}]}`,
			all(`{"a":"CreateUser"}`, `{"a":"DeleteGroup"}`, `{"a":"ALICE"}`), all(`{"a":"DeleteUser"}`, `{"a":"alice2"}`, `{"a":7}`)),
		matching("anything-but matches what is there and none of its values", `{"a":[{"anything-but":["x","y"]}]}`, all(`{"a":"z"}`), all(`{"a":"x"}`, `{"a":"y"}`)),
		matching("anything-but takes a prefix", `{"a":[{"anything-but":{"prefix":"Describe"}}]}`, all(`{"a":"DeleteUser"}`), all(`{"a":"DescribeUser"}`)),
		matching("numeric compares numbers", `{"a":[{"numeric":[">",0,"<=",5]}]}`, all(`{"a":5}`, `{"a":0.5}`), all(`{"a":0}`, `{"a":6}`, `{"a":"3"}`)),
		matching("a wildcard stands for any characters", `{"a":[{"wildcard":"dir/*.go"}]}`, all(`{"a":"dir/x.go"}`, `{"a":"dir/a/b.go"}`), all(`{"a":"dir/x.txt"}`, `{"a":"my/dir/x.go"}`)),
		matching("$or matches when one of its alternatives does", `{"$or":[{"a":["x"]},{"b":["y"]}]}`, all(`{"a":"x"}`, `{"b":"y"}`), all(`{"a":"y","b":"x"}`)),
		{says: "the rule's pattern lets every call through that is worth an event, and neither failed nor other ones", hold: holdsOwnPattern},
		{says: "a pattern whose leaf is no list, and one that is no JSON, are InvalidEventPatternException", hold: func(c *trial) {
			for _, pattern := range []string{`{"detail":{"a":"x"}}`, `{"detail":`, `{"detail":{"a":[{"unknown":"x"}]}}`} {
				_, err := c.matches(pattern, envelope("Test", map[string]any{}))
				c.refused(pattern, err, "InvalidEventPatternException")
			}
		}},
	}
}

func holdsOwnPattern(c *trial) {
	pattern, err := deploy.Pattern()
	c.must(err, "generating the pattern")
	ask := func(source, name, errorCode string, want bool) {
		detail := map[string]string{"eventSource": source, "eventName": name}
		if errorCode != "" {
			detail["errorCode"] = errorCode
		}
		got, err := c.matches(string(pattern), envelope("AWS API Call via CloudTrail", detail))
		c.must(err, "TestEventPattern")
		c.want(got == want, "%s of %s with error %q: %t", name, source, errorCode, got)
	}
	for _, door := range event.Doors() {
		for _, name := range door.Names {
			ask(door.Source, name, "", true)
		}
		ask(door.Source, door.Names[0], "AccessDenied", false)
	}
	ask("quicksight.amazonaws.com", "CreateGroupMembership", "", false)
	ask("identitystore.amazonaws.com", "DescribeUser", "", false)
}

// rule makes a rule with a queue as its target, and gives the queue's URL.
func (c *trial) rule(pattern string) (name, queue string) {
	c.t.Helper()
	name, queueName := c.named("rule"), c.named("events")
	arn := fmt.Sprintf("arn:%s:sqs:%s:%s:%s", partition(c.application), c.cfg.Region, c.account, queueName)
	policy := fmt.Sprintf(`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Service":"events.amazonaws.com"},"Action":"sqs:SendMessage","Resource":%q}]}`, arn)
	queue, _ = c.queue(queueName, map[string]string{"Policy": policy})
	_, err := c.events().PutRule(c.ctx(), &eventbridge.PutRuleInput{Name: &name, EventPattern: &pattern, Tags: []types.Tag{{Key: aws.String(ownTag), Value: &c.run}}})
	c.must(err, "making rule %s", name)
	c.afterwards("rule "+name, once(func(ctx context.Context) error { return c.removeRule(ctx, name) }))
	out, err := c.events().PutTargets(c.ctx(), &eventbridge.PutTargetsInput{Rule: &name, Targets: []types.Target{{Id: aws.String("queue"), Arn: &arn}}})
	c.must(err, "giving rule %s its target", name)
	c.want(out.FailedEntryCount == 0, "PutTargets: %v", out.FailedEntries)
	return name, queue
}

func partition(arn string) string { return strings.Split(arn, ":")[1] }

func (g *target) removeRule(ctx context.Context, name string) error {
	_, err := g.events().RemoveTargets(ctx, &eventbridge.RemoveTargetsInput{Rule: &name, Ids: []string{"queue"}})
	if err != nil && !gone(err) {
		return err
	}
	_, err = g.events().DeleteRule(ctx, &eventbridge.DeleteRuleInput{Name: &name})
	return err
}

func (c *trial) emit(source, detail string) *eventbridge.PutEventsOutput {
	c.t.Helper()
	out, err := c.events().PutEvents(c.ctx(), &eventbridge.PutEventsInput{Entries: []types.PutEventsRequestEntry{{Source: &source, DetailType: aws.String("Test"), Detail: &detail}}})
	c.must(err, "PutEvents")
	return out
}

func ruleContracts() []contract {
	return []contract{
		{says: "an event that a rule matches reaches its queue, in the envelope that studiokeeper reads", hold: func(c *trial) {
			source := c.named("source")
			_, queue := c.rule(`{"source":["` + source + `"],"detail":{"kind":["one"]}}`)
			c.emit(source, `{"kind":"two"}`)
			c.emit(source, `{"kind":"one"}`)
			var got map[string]any
			body := *c.await(queue, 600).Body
			c.must(json.Unmarshal([]byte(body), &got), "reading %s", body)
			detail, _ := got["detail"].(map[string]any)
			c.want(got["source"] == source && got["detail-type"] == "Test" && got["account"] == c.account && got["region"] == c.cfg.Region && detail["kind"] == "one", "the event is %s", body)
			for _, name := range []string{"version", "id", "time", "resources"} {
				c.want(got[name] != nil, "the event has no %s: %s", name, body)
			}
		}},
		{says: "an event that cannot be taken is refused in an answer of 200", hold: func(c *trial) {
			for _, detail := range []string{`{`, `"text"`} {
				out := c.emit(c.named("source"), detail)
				c.want(out.FailedEntryCount == 1 && aws.ToString(out.Entries[0].ErrorCode) == "MalformedDetail" && out.Entries[0].EventId == nil, "detail %s is answered %v, %v", detail, out.FailedEntryCount, out.Entries)
			}
		}},
		{says: "an event from a source of AWS's own is refused", hold: func(c *trial) {
			out := c.emit("aws.sso-directory", `{}`)
			c.answer("it is refused with %s", aws.ToString(out.Entries[0].ErrorCode))
			c.want(out.FailedEntryCount == 1 && aws.ToString(out.Entries[0].ErrorCode) == "NotAuthorizedForSourceException", "it is answered %d, %q", out.FailedEntryCount, aws.ToString(out.Entries[0].ErrorCode))
		}},
		{says: "a rule that does not exist is ResourceNotFoundException", hold: func(c *trial) {
			name := c.named("none")
			_, err := c.events().DescribeRule(c.ctx(), &eventbridge.DescribeRuleInput{Name: &name})
			c.refused("DescribeRule", err, "ResourceNotFoundException")
		}},
		{says: "a rule is described with its state and pattern, and listed with its targets", hold: func(c *trial) {
			pattern := `{"source":["studiokeeper"]}`
			name, _ := c.rule(pattern)
			is, err := c.events().DescribeRule(c.ctx(), &eventbridge.DescribeRuleInput{Name: &name})
			c.must(err, "DescribeRule")
			c.want(is.State == types.RuleStateEnabled && aws.ToString(is.EventPattern) == pattern, "it is %s with %s", is.State, aws.ToString(is.EventPattern))
			targets, err := c.events().ListTargetsByRule(c.ctx(), &eventbridge.ListTargetsByRuleInput{Rule: &name})
			c.must(err, "ListTargetsByRule")
			c.want(len(targets.Targets) == 1 && *targets.Targets[0].Id == "queue", "the targets are %v", targets.Targets)
		}},
		{says: "a rule with targets is not deleted: ValidationException", hold: func(c *trial) {
			name, _ := c.rule(`{"source":["studiokeeper"]}`)
			_, err := c.events().DeleteRule(c.ctx(), &eventbridge.DeleteRuleInput{Name: &name})
			c.refused("DeleteRule", err, "ValidationException")
		}},
	}
}
