package awscloud

import (
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"

	"studiokeeper/internal/event"
)

func TestALookArrivesAfterItsDelay(t *testing.T) {
	cloud, s := newCloud(t)
	made, err := s.sqsAt(Place{}).CreateQueue(t.Context(), &sqs.CreateQueueInput{QueueName: aws.String("studiokeeper-events")})
	must(t, err)
	q := &Queue{Session: s, URL: *made.QueueUrl}
	look := event.Look{Scope: event.User, UserID: identity(1), Sequence: 7}
	must(t, q.Send(t.Context(), look, 29*time.Second+time.Millisecond))
	receive := func() []string {
		out, err := s.sqsAt(Place{}).ReceiveMessage(t.Context(), &sqs.ReceiveMessageInput{QueueUrl: &q.URL})
		must(t, err)
		var bodies []string
		for _, m := range out.Messages {
			bodies = append(bodies, *m.Body)
		}
		return bodies
	}
	cloud.Advance(29 * time.Second)
	if got := receive(); len(got) != 0 {
		t.Errorf("too early: %v", got)
	}
	cloud.Advance(time.Second)
	if got := receive(); len(got) != 1 || got[0] != string(look.Message()) {
		t.Errorf("got %v, want %s", got, look.Message())
	}
}

func TestAQueueThatCannotBeReachedIsAnError(t *testing.T) {
	cloud, s := newCloud(t)
	made, err := s.sqsAt(Place{}).CreateQueue(t.Context(), &sqs.CreateQueueInput{QueueName: aws.String("studiokeeper-events")})
	must(t, err)
	q := &Queue{Session: s, URL: *made.QueueUrl}
	look := event.Look{Scope: event.Everybody}
	failsOnEveryFailure(t, cloud, "sqs", "SendMessage", func() error { return q.Send(t.Context(), look, 0) })
	q.URL = strings.Replace(q.URL, "studiokeeper-events", "no-such-queue", 1)
	if err := q.Send(t.Context(), look, 0); FaultOf(err) != Missing {
		t.Errorf("got %v", err)
	}
}

func TestDelaysAreWholeSecondsThatSQSTakes(t *testing.T) {
	tests := map[time.Duration]int32{
		-time.Minute: 0, 0: 0, time.Millisecond: 1, time.Second: 1, time.Second + 1: 2,
		15 * time.Minute: 900, 15*time.Minute + 1: 900, 168 * time.Hour: 900,
	}
	for delay, want := range tests {
		if got := delaySeconds(delay); got != want {
			t.Errorf("%v: got %d, want %d", delay, got, want)
		}
	}
}
