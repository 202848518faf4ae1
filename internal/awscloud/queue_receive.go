package awscloud

import (
	"context"
	"encoding/json"
	"errors"
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
	// Attributes are the message's own, as SQS writes them.
	Attributes map[string]json.RawMessage
}

// receivedLetter is a message's wire form.
type receivedLetter struct {
	MessageID     string `json:"MessageId"`
	ReceiptHandle string
	Body          string
	Attributes    map[string]string // SQS's own

	MessageAttributes map[string]json.RawMessage
}

func (r receivedLetter) letter() Letter {
	sent, _ := strconv.ParseInt(r.Attributes["SentTimestamp"], 10, 64)
	received, _ := strconv.Atoi(r.Attributes["ApproximateReceiveCount"])
	return Letter{
		ID: r.MessageID, Receipt: r.ReceiptHandle, Body: r.Body, Sent: time.UnixMilli(sent).UTC(), Received: received, Attributes: r.MessageAttributes,
	}
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
		"MessageSystemAttributeNames": []string{"SentTimestamp", "ApproximateReceiveCount"}, "MessageAttributeNames": []string{"All"},
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

// Put sends a body as it is, with a message's own attributes. A call whose answer was lost is repeated, so it may arrive twice.
func (q *Queue) Put(ctx context.Context, body string, attributes map[string]json.RawMessage) error {
	return q.send(ctx, sendMessage{QueueURL: q.URL, MessageBody: body, MessageAttributes: attributes})
}

// Depth counts the messages that can be received, and those that somebody holds at this moment, both about.
func (q *Queue) Depth(ctx context.Context) (waiting, held int, err error) {
	const waits, holds = "ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"
	out, err := q.attributes(ctx, waits, holds)
	if err != nil {
		return 0, 0, err
	}
	waiting, err = strconv.Atoi(out[waits])
	held, err2 := strconv.Atoi(out[holds])
	if err = errors.Join(err, err2); err != nil {
		return 0, 0, request{action: "sqs:GetQueueAttributes", on: "queue " + q.URL, at: q.Session.where(q.At)}.broken("%w", err)
	}
	return waiting, held, nil
}

func (q *Queue) attributes(ctx context.Context, names ...string) (map[string]string, error) {
	var out struct{ Attributes map[string]string }
	err := q.call(ctx, "GetQueueAttributes", map[string]any{"QueueUrl": q.URL, "AttributeNames": names}, &out)
	return out.Attributes, err
}

// Dead gives the queue's dead-letter queue, which has to be in the queue's own account and Region, as SQS asks.
func (q *Queue) Dead(ctx context.Context) (*Queue, error) {
	out, err := q.attributes(ctx, "RedrivePolicy")
	if err != nil {
		return nil, err
	}
	var policy struct {
		Target string `json:"deadLetterTargetArn"`
	}
	if err := json.Unmarshal([]byte(out["RedrivePolicy"]), &policy); err != nil || policy.Target == "" {
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
