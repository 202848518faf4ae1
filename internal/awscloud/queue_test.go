package awscloud

import (
	"crypto/md5"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	sqstypes "github.com/aws/aws-sdk-go-v2/service/sqs/types"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"studiokeeper/internal/event"
)

func newQueue(t *testing.T, s *Session) *Queue {
	t.Helper()
	made, err := sqs.NewFromConfig(s.base).CreateQueue(t.Context(), &sqs.CreateQueueInput{
		QueueName: aws.String("studiokeeper-events"),
	})
	must(t, err)
	return &Queue{Session: s, URL: *made.QueueUrl}
}

func TestALookArrivesAfterItsDelay(t *testing.T) {
	cloud, s := newCloud(t)
	q := newQueue(t, s)
	look := event.Look{Scope: event.User, UserID: identity(1), Sequence: 7}
	must(t, q.Send(t.Context(), look, 29*time.Second+time.Millisecond))
	receive := func() []string {
		out, err := sqs.NewFromConfig(s.base).ReceiveMessage(t.Context(), &sqs.ReceiveMessageInput{QueueUrl: &q.URL})
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

func TestAQueueIsFoundByItsNameInItsRegion(t *testing.T) {
	cloud, s := newCloud(t)
	newQueue(t, s)
	for name, want := range map[string]bool{"studiokeeper-events": true, "studiokeeper-prod-events": false} {
		if got, err := s.HasQueue(t.Context(), Place{}, name); got != want || err != nil {
			t.Errorf("%s: got %v, %v", name, got, err)
		}
	}
	if got, err := s.HasQueue(t.Context(), Place{Region: "eu-west-1"}, "studiokeeper-events"); got || err != nil {
		t.Errorf("in another Region: got %v, %v", got, err)
	}
	failsOnEveryFailure(t, cloud, "sqs", "GetQueueUrl", func() error {
		_, err := s.HasQueue(t.Context(), Place{}, "studiokeeper-events")
		return err
	})
}

func TestAQueueThatCannotBeReachedIsAnError(t *testing.T) {
	cloud, s := newCloud(t)
	q := newQueue(t, s)
	look := event.Look{Scope: event.Everybody}
	failsOnEveryFailure(t, cloud, "sqs", "SendMessage", func() error { return q.Send(t.Context(), look, 0) })
	q.URL = strings.Replace(q.URL, "studiokeeper-events", "no-such-queue", 1)
	if err := q.Send(t.Context(), look, 0); FaultOf(err) != Missing {
		t.Errorf("got %v", err)
	}
}

func TestAMessageIsSentToTheRegionsEndpointAsJSON10(t *testing.T) {
	const queue = "https://sqs.eu-west-1.amazonaws.com/111122223333/studiokeeper-events"
	look := event.Look{Scope: event.User, UserID: identity(1)}
	var got http.Header
	var sent map[string]any
	s := served(t, func(w http.ResponseWriter, r *http.Request) {
		got = r.Header
		if err := json.NewDecoder(r.Body).Decode(&sent); err != nil {
			t.Error(err)
		}
		_, _ = fmt.Fprintf(w, `{"MessageId":"m-1","MD5OfMessageBody":"%x"}`, md5.Sum(look.Message()))
	})
	must(t, (&Queue{Session: s, At: Place{Region: "eu-west-1"}, URL: queue}).Send(t.Context(), look, time.Minute))
	for header, want := range map[string]string{
		"X-Amz-Target": "AmazonSQS.SendMessage", "Content-Type": "application/x-amz-json-1.0", "Authorization": "/eu-west-1/sqs/aws4_request",
	} {
		if !strings.Contains(got.Get(header), want) {
			t.Errorf("%s: %q lacks %q", header, got.Get(header), want)
		}
	}
	if diff := cmp.Diff(map[string]any{"QueueUrl": queue, "MessageBody": string(look.Message()), "DelaySeconds": 60.0}, sent); diff != "" {
		t.Error(diff)
	}
}

func TestAMessageThatSQSTookOtherwiseIsAnError(t *testing.T) {
	for name, answer := range map[string]string{
		"another digest": `{"MessageId":"m-1","MD5OfMessageBody":"d41d8cd98f00b204e9800998ecf8427e"}`,
		"no digest":      `{"MessageId":"m-1"}`,
		"nothing at all": `{}`,
	} {
		t.Run(name, func(t *testing.T) {
			s := served(t, func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, answer) })
			if err := (&Queue{Session: s, URL: "q"}).Send(t.Context(), event.Look{Scope: event.Everybody}, 0); err == nil {
				t.Error("no error")
			}
		})
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

func TestAMessageIsPassedOnWithItsAttributes(t *testing.T) {
	_, s := newCloud(t)
	q := newQueue(t, s)
	api := sqs.NewFromConfig(s.base)
	sent := map[string]sqstypes.MessageAttributeValue{
		"origin": {DataType: aws.String("String"), StringValue: aws.String("bus \"a\"")},
		"raw":    {DataType: aws.String("Binary"), BinaryValue: []byte{0, 1, 255}},
	}
	_, err := api.SendMessage(t.Context(), &sqs.SendMessageInput{QueueUrl: &q.URL, MessageBody: aws.String("b"), MessageAttributes: sent})
	must(t, err)
	letters, err := q.Receive(t.Context(), 10, 0, time.Minute)
	must(t, err)
	if waiting, held, err := q.Depth(t.Context()); waiting != 0 || held != 1 || err != nil {
		t.Errorf("%d wait, %d are held: %v", waiting, held, err)
	}
	must(t, q.Put(t.Context(), letters[0].Body, letters[0].Attributes))
	out, err := api.ReceiveMessage(t.Context(), &sqs.ReceiveMessageInput{QueueUrl: &q.URL, MessageAttributeNames: []string{"All"}})
	must(t, err)
	if diff := cmp.Diff(sent, out.Messages[0].MessageAttributes, cmpopts.IgnoreUnexported(sqstypes.MessageAttributeValue{})); diff != "" {
		t.Error(diff)
	}
}
