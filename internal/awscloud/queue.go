package awscloud

import (
	"context"
	"crypto/md5"
	"encoding/hex"
	"encoding/json"
	"time"

	"studiokeeper/internal/event"
	"studiokeeper/internal/reconcile"
)

// maxDelay is SQS's longest delay of a message, in seconds.
// https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_SendMessage.html
const maxDelay = 900

func sqsAPI() jsonAPI {
	return jsonAPI{id: "SQS", target: "AmazonSQS", signing: "sqs", host: "sqs", version: "1.0"}
}

// Queue is reconcile.Queue on a standard SQS queue: a FIFO queue has no delay per message.
type Queue struct {
	Session *Session
	// At is where the queue is: calls go to this Region's endpoint, whatever the host in the URL.
	At Place
	// URL of the queue.
	URL string
}

var _ reconcile.Queue = (*Queue)(nil)

// sendMessage and sentMessage are SendMessage's wire forms.
type sendMessage struct {
	QueueURL          string `json:"QueueUrl"`
	MessageBody       string
	DelaySeconds      int32
	MessageAttributes map[string]json.RawMessage `json:",omitempty"`
}

type sentMessage struct {
	MessageID        string `json:"MessageId"`
	MD5OfMessageBody string
}

// Send implements reconcile.Queue. A call whose answer was lost is repeated, so a look may arrive twice.
func (q *Queue) Send(ctx context.Context, l event.Look, delay time.Duration) error {
	return q.send(ctx, sendMessage{QueueURL: q.URL, MessageBody: string(l.Message()), DelaySeconds: delaySeconds(delay)})
}

// send compares the digest of what SQS says it took.
func (q *Queue) send(ctx context.Context, m sendMessage) error {
	r := request{action: "sqs:SendMessage", on: "queue " + q.URL, at: q.Session.where(q.At)}
	var sent sentMessage
	if err := q.Session.jsonAt(sqsAPI(), q.At).call(ctx, "SendMessage", m, &sent); err != nil {
		return r.failed(err, nil)
	}
	if want := md5.Sum([]byte(m.MessageBody)); sent.MessageID == "" || sent.MD5OfMessageBody != hex.EncodeToString(want[:]) {
		return r.broken("message %q has the MD5 %q instead of %x", sent.MessageID, sent.MD5OfMessageBody, want)
	}
	return nil
}

// delaySeconds rounds up: a look must not come before its time.
func delaySeconds(d time.Duration) int32 {
	seconds := (d + time.Second - 1) / time.Second
	return int32(min(max(seconds, 0), maxDelay))
}
