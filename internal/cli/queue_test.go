package cli

import (
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	sqstypes "github.com/aws/aws-sdk-go-v2/service/sqs/types"

	"studiokeeper/internal/awscloud"
	"studiokeeper/internal/localcloud"
)

// graveyard is an account whose events queue has so many dead letters; each has
// an attribute.
func graveyard(t *testing.T, dead int) (*localcloud.Cloud, *sqs.Client, *awscloud.Queue) {
	t.Helper()
	cloud := &localcloud.Cloud{ProfileDelay: -1}
	t.Cleanup(cloud.Close)
	s := &sample{cloud: cloud, endpoint: "http://aws.local"}
	s.aws = inProcess(s)
	err := s.furnish(t.Context(), nil, io.Discard)
	t.Cleanup(func() { _ = os.RemoveAll(s.dir) })
	if err != nil {
		t.Fatal(err)
	}
	api := sqs.NewFromConfig(s.aws)
	for range dead {
		_, err := api.SendMessage(t.Context(), &sqs.SendMessageInput{
			QueueUrl: aws.String(s.queueURL + "-dead"), MessageBody: aws.String(`{"studiokeeper":{"version":1,"scope":"everybody"}}`),
			MessageAttributes: map[string]sqstypes.MessageAttributeValue{"origin": {DataType: aws.String("String"), StringValue: aws.String("bus")}},
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	return cloud, api, &awscloud.Queue{Session: awscloud.NewSession(s.aws, "test"), URL: s.queueURL}
}

// through goes through the dead letters with mover's answer or another's.
func through(t *testing.T, q *awscloud.Queue, limit int, do handling) (said string, err error) {
	t.Helper()
	var out bytes.Buffer
	err = deadFlags{limit: limit}.letters(t.Context(), Environment{Lookup: func(string) (string, bool) { return "", false }, Stderr: &out}, "events", q, do)
	return out.String(), err
}

func TestInspectingShowsEachLetterOnceAndGivesItBack(t *testing.T) {
	cloud, _, q := graveyard(t, 25)
	cloud.Advance(time.Second)
	for range 2 { // all are there again at once
		seen := map[string]int{}
		said, err := through(t, q, 100, func(_ context.Context, d deadLetter, _, _ *awscloud.Queue) (bool, error) {
			seen[d.ID]++
			return false, nil
		})
		if len(seen) != 25 || err != nil || said != "" {
			t.Errorf("%d letters, %q, %v", len(seen), said, err)
		}
	}
}

func TestLettersThatOthersHoldAreToldOf(t *testing.T) {
	_, api, q := graveyard(t, 3)
	if _, err := api.ReceiveMessage(t.Context(), &sqs.ReceiveMessageInput{QueueUrl: aws.String(q.URL + "-dead"), MaxNumberOfMessages: 1}); err != nil {
		t.Fatal(err)
	}
	m := mover{}
	said, err := through(t, q, 100, m.move)
	if m.moved != 2 || !strings.Contains(said, "events: 1 more held") || err != nil {
		t.Errorf("%d moved, %q, %v", m.moved, said, err)
	}
}

func TestMovedLettersKeepTheirAttributes(t *testing.T) {
	_, api, q := graveyard(t, 1)
	m := mover{}
	if _, err := through(t, q, 100, m.move); m.moved != 1 || err != nil {
		t.Fatalf("%d moved, %v", m.moved, err)
	}
	out, err := api.ReceiveMessage(t.Context(), &sqs.ReceiveMessageInput{QueueUrl: &q.URL, MessageAttributeNames: []string{"All"}})
	if err != nil || len(out.Messages) != 1 || aws.ToString(out.Messages[0].MessageAttributes["origin"].StringValue) != "bus" {
		t.Errorf("got %+v, %v", out.Messages, err)
	}
}

func TestALetterThatCannotBeMovedStaysAndStopsNoOther(t *testing.T) {
	for what, f := range map[string]struct {
		fault             localcloud.Fault
		moved, left, dead int
	}{
		"not sent":    {localcloud.Fault{Operation: "SendMessage"}, 2, 1, 1},
		"not deleted": {localcloud.Fault{Operation: "DeleteMessage"}, 3, 0, 1},
	} {
		t.Run(what, func(t *testing.T) {
			cloud, _, q := graveyard(t, 3)
			f.fault.Service, f.fault.Code, f.fault.Times = "sqs", "AccessDeniedException", 1
			cloud.Inject(f.fault)
			m := mover{}
			_, err := through(t, q, 100, m.move)
			if m.moved != f.moved || m.left != f.left || err == nil {
				t.Errorf("%d moved, %d left, %v", m.moved, m.left, err)
			}
			dead, failed := q.Dead(t.Context())
			waiting, held, failedToo := dead.Depth(t.Context())
			if waiting+held != f.dead || errors.Join(failed, failedToo) != nil {
				t.Errorf("%d wait and %d are held: %v, %v", waiting, held, failed, failedToo)
			}
		})
	}
}

func TestTheAgeIsCountedFromWhenALetterWasSent(t *testing.T) {
	sent := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	d := describe("events", awscloud.Letter{ID: "m-1", Sent: sent, Received: 6}, sent.Add(90*time.Minute))
	var out bytes.Buffer
	if err := showDead(Environment{Stdout: &out}, []deadLetter{d}, false); err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(out.String(), "sent 2026-01-02T03:04:05Z (1h30m ago), received 6 times") {
		t.Errorf("got %s", out.String())
	}
}
