package localcloud_test

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge/types"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/google/go-cmp/cmp"

	"studiokeeper/internal/localcloud"
)

const (
	everything = `{"account":[{"exists":true}]}`
	workARN    = "arn:aws:sqs:us-east-1:111122223333:work"
)

// buses is a world with EventBridge's client and one queue named work.
type buses struct {
	*queues
	events *eventbridge.Client
	work   *string
}

func newBuses(t *testing.T) *buses {
	q := newQueues(t)
	return &buses{q, eventbridge.NewFromConfig(q.as(account, home)), q.queue("work")}
}

// rule makes an enabled rule with targets, each an ARN.
func (b *buses) rule(name, pattern string, arns ...string) {
	b.t.Helper()
	_, err := b.events.PutRule(context.Background(), &eventbridge.PutRuleInput{Name: &name, EventPattern: &pattern})
	if err != nil {
		b.t.Fatal(err)
	}
	for i, arn := range arns {
		b.target(name, types.Target{Id: aws.String(fmt.Sprint(i)), Arn: &arn})
	}
}

func (b *buses) target(rule string, t types.Target) {
	b.t.Helper()
	if _, err := b.events.PutTargets(context.Background(), &eventbridge.PutTargetsInput{Rule: &rule, Targets: []types.Target{t}}); err != nil {
		b.t.Fatal(err)
	}
}

func (b *buses) emit(details ...string) {
	b.t.Helper()
	for _, detail := range details {
		out, err := b.events.PutEvents(context.Background(), &eventbridge.PutEventsInput{Entries: []types.PutEventsRequestEntry{
			{Source: aws.String("studiokeeper"), DetailType: aws.String("Test"), Detail: aws.String(`{"n":"` + detail + `"}`)},
		}})
		if err != nil || out.FailedEntryCount != 0 {
			b.t.Fatal(err, out)
		}
	}
}

// arrive waits until every event has been handed to as many targets as want, then receives the details' n.
func (b *buses) arrive(deliveries int) string {
	b.t.Helper()
	eventually(b.t, func() bool {
		handed := 0
		for _, e := range b.cloud.Events() {
			handed += len(e.Targets)
		}
		return handed >= deliveries
	})
	var got []string
	for {
		messages := b.receive(b.work)
		if len(messages) == 0 {
			return strings.Join(got, " ")
		}
		for _, m := range messages {
			var event struct{ Detail struct{ N string } }
			if err := json.Unmarshal([]byte(*m.Body), &event); err != nil {
				b.t.Fatal(err)
			}
			got = append(got, event.Detail.N)
		}
	}
}

// eventually waits for what other goroutines bring about, 10 seconds at most.
func eventually(t *testing.T, holds func() bool) {
	t.Helper()
	for limit := time.Now().Add(10 * time.Second); !holds(); time.Sleep(time.Millisecond) {
		if time.Now().After(limit) {
			t.Fatal("it did not come about within 10s")
		}
	}
}

func TestEventBridgeDeliversWhatRulesMatch(t *testing.T) {
	b := newBuses(t)
	b.rule("test", `{"source":["studiokeeper"],"detail":{"n":[{"prefix":"a"}]}}`, workARN)
	b.rule("off", everything, workARN)
	_, err := b.events.DisableRule(context.Background(), &eventbridge.DisableRuleInput{Name: aws.String("off")})
	b.wantCode("disabling", err, "")
	b.emit("b1", "a1", "a2")
	if got := b.arrive(2); got != "a1 a2" {
		t.Errorf("arrived: %s", got)
	}
	var matched []string
	for _, e := range b.cloud.Events() {
		matched = append(matched, strings.Join(e.Rules, ","))
	}
	if diff := cmp.Diff([]string{"", "test", "test"}, matched); diff != "" {
		t.Errorf("rules matched (-want +got):\n%s", diff)
	}
}

func TestEventBridgeWrapsCloudTrailRecords(t *testing.T) {
	b := newBuses(t)
	b.rule("membership", `{"detail-type":["AWS API Call via CloudTrail"],"detail":{"eventName":["CreateGroupMembership"],"errorCode":[{"exists":false}]}}`, workARN)
	group, user := b.group("ad-group-1"), b.user("alice@example.com")
	b.join(group, user)
	eventually(t, func() bool {
		seen := b.cloud.Events()
		return len(seen) == 3 && len(seen[2].Targets) == 1
	})
	var got map[string]any
	if err := json.Unmarshal([]byte(*b.receive(b.work)[0].Body), &got); err != nil {
		t.Fatal(err)
	}
	detail := got["detail"].(map[string]any)
	for _, name := range []string{"id", "detail"} {
		delete(got, name)
	}
	want := map[string]any{
		"version": "0", "detail-type": "AWS API Call via CloudTrail", "source": "aws.identitystore", "account": account,
		"time": "2026-03-01T09:00:00Z", "region": home, "resources": []any{},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("envelope (-want +got):\n%s", diff)
	}
	if detail["eventName"] != "CreateGroupMembership" || detail["requestParameters"].(map[string]any)["groupId"] != group {
		t.Errorf("detail: %v", detail)
	}
}

func TestEventBridgeLosesDoublesAndDelaysOnRequest(t *testing.T) {
	for _, row := range []struct {
		about      string
		how        localcloud.Delivery
		deliveries int
		want       string
	}{
		{"every third is lost", localcloud.Delivery{LoseEvery: 3}, 6, "1 2 4 5"},
		{"every second comes twice", localcloud.Delivery{DoubleEvery: 2}, 9, "1 2 2 3 4 4 5 6 6"},
		{"every second is overtaken", localcloud.Delivery{LateEvery: 2, LateBy: 10 * time.Second}, 6, "1 3 5 2 4 6"},
		{"all are late", localcloud.Delivery{Delay: 20 * time.Second}, 6, "1 2 3 4 5 6"},
	} {
		t.Run(row.about, func(t *testing.T) {
			b := newBuses(t)
			b.rule("all", everything, workARN)
			b.cloud.SetDelivery(row.how)
			b.emit("1", "2", "3", "4", "5", "6")
			if row.how.Delay > 0 {
				b.cloud.Advance(row.how.Delay - time.Second)
				b.wantBodies("a second too early", b.work, "")
				b.cloud.Advance(time.Second)
			}
			b.cloud.Advance(row.how.LateBy)
			if got := b.arrive(row.deliveries); got != row.want {
				t.Errorf("arrived: %s, want %s", got, row.want)
			}
		})
	}
}

func TestEventBridgeForwardsOnceToAnotherAccount(t *testing.T) {
	b := newBuses(t)
	b.rule("forward", everything, "arn:aws:events:eu-west-1:444455556666:event-bus/default")
	there := b.as(member, "eu-west-1")
	far, farQueues := eventbridge.NewFromConfig(there), sqs.NewFromConfig(there)
	made, err := farQueues.CreateQueue(context.Background(), &sqs.CreateQueueInput{QueueName: aws.String("far")})
	if err != nil {
		t.Fatal(err)
	}
	_, err = far.PutRule(context.Background(), &eventbridge.PutRuleInput{Name: aws.String("take"), EventPattern: aws.String(`{"account":["111122223333"]}`)})
	b.wantCode("making the far rule", err, "")
	_, err = far.PutTargets(context.Background(), &eventbridge.PutTargetsInput{Rule: aws.String("take"), Targets: []types.Target{
		{Id: aws.String("queue"), Arn: aws.String("arn:aws:sqs:eu-west-1:444455556666:far")},
		{Id: aws.String("back"), Arn: aws.String("arn:aws:events:us-east-1:111122223333:event-bus/default")},
	}})
	b.wantCode("giving it targets", err, "")
	b.emit("x")
	eventually(t, func() bool {
		seen := b.cloud.Events()
		return len(seen) == 2 && len(seen[1].Targets) == 2
	})
	out, err := farQueues.ReceiveMessage(context.Background(), &sqs.ReceiveMessageInput{QueueUrl: made.QueueUrl})
	if err != nil || len(out.Messages) != 1 || !strings.Contains(*out.Messages[0].Body, `"region":"us-east-1"`) {
		t.Errorf("the far queue got %v, %v", out, err)
	}
	if back := b.cloud.Events()[1].Targets[0]; !strings.Contains(back.Error, "forwarded once") {
		t.Errorf("forwarding back: %+v", back)
	}
}

func TestEventBridgeTargetsGetWhatTheyAskFor(t *testing.T) {
	b := newBuses(t)
	dead := b.queue("dead")
	b.rule("all", everything)
	b.target("all", types.Target{Id: aws.String("constant"), Arn: aws.String(workARN), Input: aws.String(`{"pass":"full"}`)})
	b.target("all", types.Target{Id: aws.String("part"), Arn: aws.String(workARN), InputPath: aws.String("$.detail")})
	b.target("all", types.Target{Id: aws.String("gone"), Arn: aws.String(workARN + "-gone"), InputPath: aws.String("$.detail.n"),
		DeadLetterConfig: &types.DeadLetterConfig{Arn: aws.String(strings.Replace(workARN, "work", "dead", 1))}})
	b.emit("x")
	eventually(t, func() bool { return len(b.cloud.Events()[0].Targets) == 3 })
	b.wantBodies("the constant and the part", b.work, `{"pass":"full"}/1 {"n":"x"}/1`)
	b.wantBodies("what the missing queue did not take", dead, `"x"/1`)
}

func TestEventBridgeRefusals(t *testing.T) {
	b, ctx := newBuses(t), context.Background()
	b.rule("full", everything, workARN)
	rule := func(in eventbridge.PutRuleInput) error {
		_, err := b.events.PutRule(ctx, &in)
		return err
	}
	target := func(t types.Target) error {
		_, err := b.events.PutTargets(ctx, &eventbridge.PutTargetsInput{Rule: aws.String("full"), Targets: []types.Target{t}})
		return err
	}
	_, deleted := b.events.DeleteRule(ctx, &eventbridge.DeleteRuleInput{Name: aws.String("full")})
	_, gone := b.events.DeleteRule(ctx, &eventbridge.DeleteRuleInput{Name: aws.String("never-was")})
	_, unknown := b.events.DescribeRule(ctx, &eventbridge.DescribeRuleInput{Name: aws.String("never-was")})
	_, elsewhere := eventbridge.NewFromConfig(b.as(account, "eu-west-1")).DescribeRule(ctx, &eventbridge.DescribeRuleInput{Name: aws.String("full")})
	_, twice := b.events.CreateEventBus(ctx, &eventbridge.CreateEventBusInput{Name: aws.String("default")})
	for _, row := range []struct {
		about string
		err   error
		want  string
	}{
		{"a pattern with a string for a list", rule(eventbridge.PutRuleInput{Name: aws.String("r"), EventPattern: aws.String(`{"source":"x"}`)}), "InvalidEventPatternException"},
		{"neither pattern nor schedule", rule(eventbridge.PutRuleInput{Name: aws.String("r")}), "ValidationException"},
		{"a schedule that is none", rule(eventbridge.PutRuleInput{Name: aws.String("r"), ScheduleExpression: aws.String("hourly")}), "ValidationException"},
		{"a schedule", rule(eventbridge.PutRuleInput{Name: aws.String("r"), ScheduleExpression: aws.String("rate(1 hour)")}), ""},
		{"a name with a space", rule(eventbridge.PutRuleInput{Name: aws.String("a b"), EventPattern: aws.String(everything)}), "ValidationException"},
		{"a bus that is not there", rule(eventbridge.PutRuleInput{Name: aws.String("r"), EventBusName: aws.String("no"), EventPattern: aws.String(everything)}), "ResourceNotFoundException"},
		{"a target that is no ARN", target(types.Target{Id: aws.String("1"), Arn: aws.String("work")}), "ValidationException"},
		{"a target of another service", target(types.Target{Id: aws.String("1"), Arn: aws.String("arn:aws:sns:us-east-1:111122223333:t")}), "ValidationException"},
		{"input and path", target(types.Target{Id: aws.String("1"), Arn: aws.String(workARN), Input: aws.String("{}"), InputPath: aws.String("$.detail")}), "ValidationException"},
		{"input that is no JSON", target(types.Target{Id: aws.String("1"), Arn: aws.String(workARN), Input: aws.String("{")}), "ValidationException"},
		{"deleting a rule with targets", deleted, "ValidationException"},
		{"deleting a rule that is not there", gone, ""},
		{"describing a rule that is not there", unknown, "ResourceNotFoundException"},
		{"describing from another Region", elsewhere, "ResourceNotFoundException"},
		{"a second default bus", twice, "ResourceAlreadyExistsException"},
	} {
		b.wantCode(row.about, row.err, row.want)
	}
	_, err := b.events.RemoveTargets(ctx, &eventbridge.RemoveTargetsInput{Rule: aws.String("full"), Ids: []string{"0"}})
	b.wantCode("removing the target", err, "")
	_, err = b.events.DeleteRule(ctx, &eventbridge.DeleteRuleInput{Name: aws.String("full")})
	b.wantCode("deleting the rule after that", err, "")
}

func TestEventBridgeRefusesEntriesOneByOne(t *testing.T) {
	b := newBuses(t)
	entry := func(source, kind, detail string) types.PutEventsRequestEntry {
		return types.PutEventsRequestEntry{Source: &source, DetailType: &kind, Detail: &detail}
	}
	out, err := b.events.PutEvents(context.Background(), &eventbridge.PutEventsInput{Entries: []types.PutEventsRequestEntry{
		entry("me", "Test", `{}`), entry("", "Test", `{}`), entry("aws.sso-directory", "Test", `{}`), entry("me", "Test", `[1]`), entry("me", "", `{}`),
	}})
	if err != nil {
		t.Fatal(err)
	}
	var codes []string
	for _, e := range out.Entries {
		codes = append(codes, aws.ToString(e.ErrorCode))
	}
	want := []string{"", "InvalidArgument", "NotAuthorizedForSourceException", "MalformedDetail", "InvalidArgument"}
	if diff := cmp.Diff(want, codes); diff != "" || out.FailedEntryCount != 4 {
		t.Errorf("%d failed (-want +got):\n%s", out.FailedEntryCount, diff)
	}
}

func TestEventBridgeTestsPatterns(t *testing.T) {
	b, ctx := newBuses(t), context.Background()
	event := `{"id":"1","account":"111122223333","source":"x","time":"2026-03-01T09:00:00Z","region":"us-east-1","resources":[],"detail-type":"T","detail":{}}`
	for pattern, want := range map[string]bool{`{"source":["x"]}`: true, `{"source":["y"]}`: false} {
		out, err := b.events.TestEventPattern(ctx, &eventbridge.TestEventPatternInput{EventPattern: &pattern, Event: &event})
		if err != nil || out.Result != want {
			t.Errorf("%s: %v, %v", pattern, out, err)
		}
	}
	_, err := b.events.TestEventPattern(ctx, &eventbridge.TestEventPatternInput{EventPattern: aws.String(everything), Event: aws.String(`{"id":"1"}`)})
	b.wantCode("half an event", err, "ValidationException")
}
