package awscloud

import (
	"context"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"time"
)

// Letter is a message that was received, under a receipt that the calls about it need.
type Letter struct {
	ID       string
	Receipt  string
	Body     string
	Sent     time.Time
	Received int // how often, this time included
}

// receivedLetter is a message's wire form.
type receivedLetter struct {
	MessageID     string `json:"MessageId"`
	ReceiptHandle string
	Body          string
	Attributes    map[string]string
}

func (r receivedLetter) letter() Letter {
	sent, _ := strconv.ParseInt(r.Attributes["SentTimestamp"], 10, 64)
	received, _ := strconv.Atoi(r.Attributes["ApproximateReceiveCount"])
	return Letter{ID: r.MessageID, Receipt: r.ReceiptHandle, Body: r.Body, Sent: time.UnixMilli(sent).UTC(), Received: received}
}

func (q *Queue) call(ctx context.Context, operation string, in, out any) error {
	if err := q.Session.jsonAt(sqsAPI(), q.At).call(ctx, operation, in, out); err != nil {
		return request{action: "sqs:" + operation, on: "queue " + q.URL, at: q.Session.where(q.At)}.failed(err, nil)
	}
	return nil
}

// Receive takes at most 10 messages, waiting for the first. Nobody else sees them for as long as hidden says.
// https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_ReceiveMessage.html
func (q *Queue) Receive(ctx context.Context, most int, wait, hidden time.Duration) ([]Letter, error) {
	in := map[string]any{
		"QueueUrl": q.URL, "MaxNumberOfMessages": most, "WaitTimeSeconds": int(wait.Seconds()), "VisibilityTimeout": int(hidden.Seconds()),
		"MessageSystemAttributeNames": []string{"SentTimestamp", "ApproximateReceiveCount"},
	}
	var out struct{ Messages []receivedLetter }
	if err := q.call(ctx, "ReceiveMessage", in, &out); err != nil {
		return nil, err
	}
	letters := make([]Letter, 0, len(out.Messages))
	for _, m := range out.Messages {
		letters = append(letters, m.letter())
	}
	return letters, nil
}

// Hide keeps a received message from everybody else for so long from now; 0 gives it back.
func (q *Queue) Hide(ctx context.Context, receipt string, hidden time.Duration) error {
	in := map[string]any{"QueueUrl": q.URL, "ReceiptHandle": receipt, "VisibilityTimeout": int(hidden.Seconds())}
	return q.call(ctx, "ChangeMessageVisibility", in, nil)
}

// Delete takes a received message off the queue.
func (q *Queue) Delete(ctx context.Context, receipt string) error {
	return q.call(ctx, "DeleteMessage", map[string]any{"QueueUrl": q.URL, "ReceiptHandle": receipt}, nil)
}

// Put sends a body as it is. A call whose answer was lost is repeated, so it may arrive twice.
func (q *Queue) Put(ctx context.Context, body string) error {
	return q.call(ctx, "SendMessage", sendMessage{q.URL, body, 0}, nil)
}

// Dead gives the queue's dead-letter queue, which has to be in the queue's own account and Region, as SQS asks.
func (q *Queue) Dead(ctx context.Context) (*Queue, error) {
	var out struct{ Attributes map[string]string }
	in := map[string]any{"QueueUrl": q.URL, "AttributeNames": []string{"RedrivePolicy"}}
	if err := q.call(ctx, "GetQueueAttributes", in, &out); err != nil {
		return nil, err
	}
	var policy struct {
		Target string `json:"deadLetterTargetArn"`
	}
	if err := json.Unmarshal([]byte(out.Attributes["RedrivePolicy"]), &policy); err != nil || policy.Target == "" {
		return nil, fmt.Errorf("queue %s has no dead-letter queue: give it a RedrivePolicy", q.URL)
	}
	url, err := q.Session.queueURL(ctx, q.At, policy.Target[strings.LastIndex(policy.Target, ":")+1:])
	return &Queue{Session: q.Session, At: q.At, URL: url}, err
}

// FindQueue gives the queue of a name.
func (s *Session) FindQueue(ctx context.Context, at Place, name string) (*Queue, error) {
	url, err := s.queueURL(ctx, at, name)
	return &Queue{Session: s, At: at, URL: url}, err
}

func (s *Session) queueURL(ctx context.Context, at Place, name string) (string, error) {
	r := request{action: "sqs:GetQueueUrl", on: "queue " + name, at: s.where(at)}
	var found struct {
		QueueURL string `json:"QueueUrl"`
	}
	if err := s.jsonAt(sqsAPI(), at).call(ctx, "GetQueueUrl", struct{ QueueName string }{name}, &found); err != nil {
		return "", s.Failed(r.action, r.on, at, err)
	}
	if found.QueueURL == "" {
		return "", r.broken("it names no URL")
	}
	return found.QueueURL, nil
}
