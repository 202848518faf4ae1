package localcloud_test

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"
	"github.com/google/go-cmp/cmp"

	"studiokeeper/internal/localcloud"
)

// queues is a world with SQS's client.
type queues struct {
	*world
	api *sqs.Client
}

func newQueues(t *testing.T) *queues {
	w := newWorld(t, &localcloud.Cloud{})
	return &queues{w, sqs.NewFromConfig(w.as(account, home))}
}

// queue makes a queue of a name and attributes, given as name and value in turn, and returns its URL.
func (q *queues) queue(name string, attributes ...string) *string {
	q.t.Helper()
	set := map[string]string{}
	for i := 0; i < len(attributes); i += 2 {
		set[attributes[i]] = attributes[i+1]
	}
	out, err := q.api.CreateQueue(context.Background(), &sqs.CreateQueueInput{QueueName: &name, Attributes: set})
	return must(q.world, out, err).QueueUrl
}

func (q *queues) send(url *string, body string, delay int32) {
	q.t.Helper()
	_, err := q.api.SendMessage(context.Background(), &sqs.SendMessageInput{QueueUrl: url, MessageBody: &body, DelaySeconds: delay})
	if err != nil {
		q.t.Fatal(err)
	}
}

func (q *queues) receive(url *string) []types.Message {
	q.t.Helper()
	out, err := q.api.ReceiveMessage(context.Background(), &sqs.ReceiveMessageInput{
		QueueUrl: url, MaxNumberOfMessages: 10, MessageSystemAttributeNames: []types.MessageSystemAttributeName{"All"}, MessageAttributeNames: []string{"All"},
	})
	return must(q.world, out, err).Messages
}

// bodies receives and gives the bodies only, each with its receive count.
func (q *queues) bodies(url *string) string {
	q.t.Helper()
	var out []string
	for _, m := range q.receive(url) {
		out = append(out, *m.Body+"/"+m.Attributes["ApproximateReceiveCount"])
	}
	return strings.Join(out, " ")
}

func (q *queues) wantBodies(about string, url *string, want string) {
	q.t.Helper()
	if got := q.bodies(url); got != want {
		q.t.Errorf("%s: received %q, want %q", about, got, want)
	}
}

func attributesOf(url *string) *sqs.GetQueueAttributesInput {
	return &sqs.GetQueueAttributesInput{QueueUrl: url, AttributeNames: []types.QueueAttributeName{"All"}}
}

func (q *queues) wantCounts(url *string, visible, inFlight, delayed string) {
	q.t.Helper()
	out, err := q.api.GetQueueAttributes(context.Background(), attributesOf(url))
	a := must(q.world, out, err).Attributes
	got := [3]string{a["ApproximateNumberOfMessages"], a["ApproximateNumberOfMessagesNotVisible"], a["ApproximateNumberOfMessagesDelayed"]}
	if want := [3]string{visible, inFlight, delayed}; got != want {
		q.t.Errorf("visible, in flight, delayed: %v, want %v", got, want)
	}
}

func TestSQSVisibilityAndDelays(t *testing.T) {
	q := newQueues(t)
	url := q.queue("work", "VisibilityTimeout", "60")
	q.send(url, "one", 0)
	q.send(url, "later", 900)
	q.wantCounts(url, "1", "0", "1")
	q.wantBodies("at first", url, "one/1")
	q.wantBodies("while it is in flight", url, "")
	q.wantCounts(url, "0", "1", "1")
	q.cloud.Advance(59 * time.Second)
	q.wantBodies("just before the timeout", url, "")
	q.cloud.Advance(time.Second)
	q.wantBodies("after the timeout", url, "one/2")
	q.cloud.Advance(840 * time.Second)
	q.wantBodies("after the delay", url, "one/3 later/1")
	q.cloud.Advance(4 * 24 * time.Hour)
	q.wantBodies("after the retention period", url, "")
	q.wantCounts(url, "0", "0", "0")
}

func TestSQSReceiptHandles(t *testing.T) {
	q, ctx := newQueues(t), context.Background()
	url, other := q.queue("work", "VisibilityTimeout", "30"), q.queue("other")
	remove := func(url, handle *string) error {
		_, err := q.api.DeleteMessage(ctx, &sqs.DeleteMessageInput{QueueUrl: url, ReceiptHandle: handle})
		return err
	}
	hide := func(handle *string, seconds int32) error {
		_, err := q.api.ChangeMessageVisibility(ctx, &sqs.ChangeMessageVisibilityInput{QueueUrl: url, ReceiptHandle: handle, VisibilityTimeout: seconds})
		return err
	}
	q.send(url, "m", 0)
	first := q.receive(url)[0].ReceiptHandle
	q.wantCode("showing it again at once", hide(first, 0), "")
	second := q.receive(url)[0].ReceiptHandle
	q.wantCode("deleting by the stale handle", remove(url, first), "")
	q.wantCounts(url, "0", "1", "0")
	q.wantCode("hiding by the stale handle", hide(first, 10), "InvalidParameterValue")
	q.wantCode("hiding for longer", hide(second, 600), "")
	q.cloud.Advance(599 * time.Second)
	q.wantBodies("while hidden for longer", url, "")
	q.cloud.Advance(time.Second)
	q.wantCode("hiding what is visible again", hide(second, 10), "AWS.SimpleQueueService.MessageNotInflight")
	q.wantCode("deleting what is visible again", remove(url, second), "")
	q.wantCounts(url, "0", "0", "0")
	q.wantCode("hiding what is deleted", hide(second, 10), "InvalidParameterValue")
	q.wantCode("another queue's handle", remove(other, second), "ReceiptHandleIsInvalid")
	q.wantCode("a handle that is none", remove(url, aws.String("x")), "ReceiptHandleIsInvalid")
	q.wantCode("hiding for more than 12 hours", hide(second, 43201), "InvalidParameterValue")
}

func TestSQSDeadLetters(t *testing.T) {
	q := newQueues(t)
	dead := q.queue("dead")
	url := q.queue("work", "VisibilityTimeout", "10", "RedrivePolicy", `{"deadLetterTargetArn":"arn:aws:sqs:us-east-1:111122223333:dead","maxReceiveCount":"2"}`)
	q.send(url, "poison", 0)
	for _, want := range []string{"poison/1", "poison/2", ""} {
		q.wantBodies("receiving", url, want)
		q.cloud.Advance(10 * time.Second)
	}
	letters := q.receive(dead)
	if len(letters) != 1 || letters[0].Attributes["DeadLetterQueueSourceArn"] != "arn:aws:sqs:us-east-1:111122223333:work" {
		t.Errorf("dead letters: %+v", letters)
	}
}

func TestSQSMessageAttributes(t *testing.T) {
	q := newQueues(t)
	url := q.queue("work")
	attributes := map[string]types.MessageAttributeValue{
		"text":   {DataType: aws.String("String"), StringValue: aws.String("x")},
		"number": {DataType: aws.String("Number"), StringValue: aws.String("1")},
		"bytes":  {DataType: aws.String("Binary"), BinaryValue: []byte{1, 2}},
	}
	sent, err := q.api.SendMessage(context.Background(), &sqs.SendMessageInput{QueueUrl: url, MessageBody: aws.String("b"), MessageAttributes: attributes})
	if err != nil {
		t.Fatal(err)
	}
	got := q.receive(url)[0]
	if len(got.MessageAttributes) != 3 || *got.MessageId != *sent.MessageId || *got.MD5OfMessageAttributes != *sent.MD5OfMessageAttributes {
		t.Errorf("received %+v", got)
	}
	if want := "adab2bbb1f156e2e69f53ee7e094d580"; *sent.MD5OfMessageAttributes != want {
		t.Errorf("digest of the attributes: %s, want %s", *sent.MD5OfMessageAttributes, want)
	}
}

func TestSQSRefusals(t *testing.T) {
	q, ctx := newQueues(t), context.Background()
	url := q.queue("work", "MaximumMessageSize", "2048")
	create := func(name string, attributes ...string) error {
		set := map[string]string{}
		for i := 0; i < len(attributes); i += 2 {
			set[attributes[i]] = attributes[i+1]
		}
		_, err := q.api.CreateQueue(ctx, &sqs.CreateQueueInput{QueueName: &name, Attributes: set})
		return err
	}
	send := func(url *string, body string, delay int32) error {
		_, err := q.api.SendMessage(ctx, &sqs.SendMessageInput{QueueUrl: url, MessageBody: &body, DelaySeconds: delay})
		return err
	}
	receive := func(in sqs.ReceiveMessageInput) error {
		in.QueueUrl = url
		_, err := q.api.ReceiveMessage(ctx, &in)
		return err
	}
	batch := func(ids ...string) error {
		in := &sqs.SendMessageBatchInput{QueueUrl: url, Entries: []types.SendMessageBatchRequestEntry{}}
		for _, id := range ids {
			in.Entries = append(in.Entries, types.SendMessageBatchRequestEntry{Id: &id, MessageBody: aws.String("b")})
		}
		_, err := q.api.SendMessageBatch(ctx, in)
		return err
	}
	elsewhere := strings.Replace(*url, account, member, 1)
	for _, row := range []struct {
		about string
		err   error
		want  string
	}{
		{"a queue that is there already", create("work", "MaximumMessageSize", "2048"), ""},
		{"a queue that is there, otherwise", create("work", "DelaySeconds", "5"), "QueueAlreadyExists"},
		{"a name with a dot", create("work.fifo"), "InvalidParameterValue"},
		{"an unknown attribute", create("new", "Colour", "red"), "InvalidAttributeName"},
		{"a timeout too long", create("new", "VisibilityTimeout", "43201"), "InvalidAttributeValue"},
		{"a redrive to nowhere", create("new", "RedrivePolicy", `{"deadLetterTargetArn":"arn:aws:sqs:us-east-1:111122223333:gone","maxReceiveCount":3}`), "InvalidParameterValue"},
		{"a redrive without a count", create("new", "RedrivePolicy", `{"deadLetterTargetArn":"arn:aws:sqs:us-east-1:111122223333:work"}`), "InvalidParameterValue"},
		{"an empty body", send(url, "", 0), "MissingParameter"},
		{"a body too long", send(url, strings.Repeat("x", 2049), 0), "InvalidParameterValue"},
		{"a control character", send(url, "a\x00b", 0), "InvalidMessageContents"},
		{"a delay too long", send(url, "b", 901), "InvalidParameterValue"},
		{"another account's queue", send(&elsewhere, "b", 0), "AWS.SimpleQueueService.NonExistentQueue"},
		{"eleven messages at once", receive(sqs.ReceiveMessageInput{MaxNumberOfMessages: 11}), "InvalidParameterValue"},
		{"a wait too long", receive(sqs.ReceiveMessageInput{WaitTimeSeconds: 21}), "InvalidParameterValue"},
		{"an empty batch", batch(), "AWS.SimpleQueueService.EmptyBatchRequest"},
		{"a batch of eleven", batch(strings.Split("abcdefghijk", "")...), "AWS.SimpleQueueService.TooManyEntriesInBatchRequest"},
		{"one id twice", batch("a", "a"), "AWS.SimpleQueueService.BatchEntryIdsNotDistinct"},
		{"an id with a space", batch("a b"), "AWS.SimpleQueueService.InvalidBatchEntryId"},
	} {
		q.wantCode(row.about, row.err, row.want)
	}
}

func TestSQSDeletedQueue(t *testing.T) {
	q, ctx := newQueues(t), context.Background()
	url := q.queue("work")
	_, err := q.api.DeleteQueue(ctx, &sqs.DeleteQueueInput{QueueUrl: url})
	q.wantCode("deleting", err, "")
	_, err = q.api.GetQueueUrl(ctx, &sqs.GetQueueUrlInput{QueueName: aws.String("work")})
	q.wantCode("looking it up", err, "AWS.SimpleQueueService.NonExistentQueue")
	_, err = q.api.CreateQueue(ctx, &sqs.CreateQueueInput{QueueName: aws.String("work")})
	q.wantCode("making it again at once", err, "AWS.SimpleQueueService.QueueDeletedRecently")
	q.cloud.Advance(time.Minute)
	url = q.queue("work")
	q.send(url, "a", 0)
	_, err = q.api.PurgeQueue(ctx, &sqs.PurgeQueueInput{QueueUrl: url})
	q.wantCode("purging", err, "")
	q.wantCounts(url, "0", "0", "0")
	_, err = q.api.PurgeQueue(ctx, &sqs.PurgeQueueInput{QueueUrl: url})
	q.wantCode("purging again at once", err, "AWS.SimpleQueueService.PurgeQueueInProgress")
	for i := range 3 {
		q.queue(fmt.Sprintf("list-%d", i))
	}
	list, err := q.api.ListQueues(ctx, &sqs.ListQueuesInput{QueueNamePrefix: aws.String("list-"), MaxResults: aws.Int32(2)})
	if err != nil || len(list.QueueUrls) != 2 || list.NextToken == nil {
		t.Errorf("listing two of three: %+v, %v", list, err)
	}
}

func TestSQSBatches(t *testing.T) {
	q, ctx := newQueues(t), context.Background()
	url := q.queue("work")
	out, err := q.api.SendMessageBatch(ctx, &sqs.SendMessageBatchInput{QueueUrl: url, Entries: []types.SendMessageBatchRequestEntry{
		{Id: aws.String("good"), MessageBody: aws.String("a")},
		{Id: aws.String("late"), MessageBody: aws.String("b"), DelaySeconds: 5},
		{Id: aws.String("bad"), MessageBody: aws.String("c"), DelaySeconds: 1000},
	}})
	if err != nil || len(out.Successful) != 2 || len(out.Failed) != 1 || *out.Failed[0].Id != "bad" || !out.Failed[0].SenderFault {
		t.Fatalf("sent %+v, %v", out, err)
	}
	q.cloud.Advance(5 * time.Second)
	var hide []types.ChangeMessageVisibilityBatchRequestEntry
	var remove []types.DeleteMessageBatchRequestEntry
	for i, m := range q.receive(url) {
		id := aws.String(fmt.Sprint(i))
		hide = append(hide, types.ChangeMessageVisibilityBatchRequestEntry{Id: id, ReceiptHandle: m.ReceiptHandle, VisibilityTimeout: 600})
		remove = append(remove, types.DeleteMessageBatchRequestEntry{Id: id, ReceiptHandle: m.ReceiptHandle})
	}
	hidden, err := q.api.ChangeMessageVisibilityBatch(ctx, &sqs.ChangeMessageVisibilityBatchInput{QueueUrl: url, Entries: hide})
	if err != nil || len(hidden.Successful) != 2 {
		t.Errorf("hid %+v, %v", hidden, err)
	}
	remove[0].ReceiptHandle = aws.String("nonsense")
	removed, err := q.api.DeleteMessageBatch(ctx, &sqs.DeleteMessageBatchInput{QueueUrl: url, Entries: remove})
	if err != nil || len(removed.Successful) != 1 || len(removed.Failed) != 1 {
		t.Errorf("deleted %+v, %v", removed, err)
	}
	q.wantCounts(url, "0", "1", "0")
}

func TestSQSLongPoll(t *testing.T) {
	q := newQueues(t)
	url := q.queue("work", "VisibilityTimeout", "30")
	poll := func() <-chan string {
		got := make(chan string, 1)
		go func() {
			out, err := q.api.ReceiveMessage(context.Background(), &sqs.ReceiveMessageInput{QueueUrl: url, WaitTimeSeconds: 20})
			if err != nil || len(out.Messages) == 0 {
				got <- fmt.Sprint("nothing ", err)
				return
			}
			got <- *out.Messages[0].Body
		}()
		return got
	}
	for _, row := range []struct {
		about, want string
		happens     func()
	}{
		{"a message that is sent", "sent", func() { q.send(url, "sent", 0) }},
		{"a message whose visibility timeout ends", "sent", func() { q.cloud.Advance(11 * time.Second); q.cloud.Advance(19 * time.Second) }},
		{"the end of the wait", "nothing <nil>", func() { q.cloud.Advance(20 * time.Second) }},
	} {
		got := poll()
		time.Sleep(50 * time.Millisecond) // a poll that comes later finds what happened; usually it is waiting by now
		row.happens()
		select {
		case body := <-got:
			if body != row.want {
				t.Errorf("%s: the poll gave %q, want %q", row.about, body, row.want)
			}
		case <-time.After(5 * time.Second):
			t.Fatalf("%s did not end the poll", row.about)
		}
	}
}

func TestSQSManySendersAndReceivers(t *testing.T) {
	q, ctx := newQueues(t), context.Background()
	url := q.queue("work")
	var mu sync.Mutex
	seen := map[string]int{}
	var work sync.WaitGroup
	for sender := range 4 {
		work.Go(func() {
			for i := range 50 {
				q.send(url, fmt.Sprintf("%d-%d", sender, i), 0)
			}
		})
		work.Go(func() {
			for {
				out, err := q.api.ReceiveMessage(ctx, &sqs.ReceiveMessageInput{QueueUrl: url, MaxNumberOfMessages: 10})
				if err != nil {
					t.Error(err)
					return
				}
				mu.Lock()
				for _, m := range out.Messages {
					seen[*m.Body]++
				}
				done := len(seen) == 200
				mu.Unlock()
				if done {
					return
				}
			}
		})
	}
	work.Wait()
	want := map[string]int{}
	for i := range 200 {
		want[fmt.Sprintf("%d-%d", i/50, i%50)] = 1
	}
	if diff := cmp.Diff(want, seen); diff != "" {
		t.Errorf("every message once (-want +got):\n%s", diff)
	}
}
