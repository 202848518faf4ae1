package awscloud

import (
	"context"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"

	"studiokeeper/internal/event"
	"studiokeeper/internal/reconcile"
)

// maxDelay is SQS's longest delay of a message, in seconds.
// https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_SendMessage.html
const maxDelay = 900

// Queue is reconcile.Queue on a standard SQS queue: a FIFO queue has no delay per message.
type Queue struct {
	Session *Session
	At      Place
	// URL of the queue.
	URL string
}

var _ reconcile.Queue = (*Queue)(nil)

// Send implements reconcile.Queue. A call whose answer was lost is repeated, so a look may arrive twice.
func (q *Queue) Send(ctx context.Context, l event.Look, delay time.Duration) error {
	_, err := q.Session.sqsAt(q.At).SendMessage(ctx, &sqs.SendMessageInput{
		QueueUrl: &q.URL, MessageBody: aws.String(string(l.Message())), DelaySeconds: delaySeconds(delay),
	})
	if err != nil {
		return request{action: "sqs:SendMessage", on: "queue " + q.URL, at: q.Session.where(q.At)}.failed(err, nil)
	}
	return nil
}

// delaySeconds rounds up: a look must not come before its time.
func delaySeconds(d time.Duration) int32 {
	seconds := (d + time.Second - 1) / time.Second
	return int32(min(max(seconds, 0), maxDelay))
}
