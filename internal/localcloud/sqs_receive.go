package localcloud

import (
	"context"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"
)

// receiveMessage answers at once when there is something, and otherwise when something comes or the wait is over.
func (s *sqsState) receiveMessage(c *call, in *sqs.ReceiveMessageInput) (*sqs.ReceiveMessageOutput, error) {
	want := receive{most: 1}
	if c.has("MaxNumberOfMessages") {
		want.most = int(in.MaxNumberOfMessages)
	}
	if want.most < 1 || want.most > 10 {
		return nil, badValue("MaxNumberOfMessages", want.most, "Must be between 1 and 10, if provided.")
	}
	var err error
	if want.visibility, err = c.givenSeconds("VisibilityTimeout", in.VisibilityTimeout, 43200); err != nil {
		return nil, err
	}
	if want.wait, err = c.givenSeconds("WaitTimeSeconds", in.WaitTimeSeconds, 20); err != nil {
		return nil, err
	}
	s.mu.Lock()
	q, err := s.queue(c, in.QueueUrl)
	s.mu.Unlock()
	if err != nil {
		return nil, err
	}
	ctx, cancel := c.cloud.until(c.ctx)
	defer cancel()
	out := &sqs.ReceiveMessageOutput{}
	for _, m := range c.cloud.receive(ctx, q, want) {
		out.Messages = append(out.Messages, m.shown(in))
	}
	return out, nil
}

// givenSeconds is a number of seconds the request gives, or nil.
func (c *call) givenSeconds(member string, value int32, most int32) (*time.Duration, error) {
	if !c.has(member) {
		return nil, nil
	}
	if value < 0 || value > most {
		return nil, badValue(member, value, "Must be between 0 and "+strconv.Itoa(int(most))+", if provided.")
	}
	d := time.Duration(value) * time.Second
	return &d, nil
}

// until is a context that ends with ctx or when the cloud is closed.
func (c *Cloud) until(ctx context.Context) (context.Context, context.CancelFunc) {
	c.start()
	ctx, cancel := context.WithCancel(ctx)
	stop := context.AfterFunc(c.running, cancel)
	return ctx, func() { stop(); cancel() }
}

// receive says how to receive: at most so many; nil means what the queue says.
type receive struct {
	most       int
	visibility *time.Duration
	wait       *time.Duration
}

// receive takes messages from a queue, waiting for the first one if need be. It gives copies.
func (c *Cloud) receive(ctx context.Context, q *queue, want receive) []message {
	var deadline time.Time
	for {
		moved, changed := c.moved.wait(), q.changed.wait()
		now := c.Now()
		c.queues.mu.Lock()
		visibility, wait := q.seconds("VisibilityTimeout"), q.seconds("ReceiveMessageWaitTimeSeconds")
		if want.visibility != nil {
			visibility = *want.visibility
		}
		if want.wait != nil {
			wait = *want.wait
		}
		var got []message
		for _, m := range c.queues.take(q, want.most, visibility, now) {
			got = append(got, *m)
		}
		next, gone := q.nextVisible(), q.deleted
		c.queues.mu.Unlock()
		if deadline.IsZero() {
			deadline = now.Add(wait)
		}
		if len(got) > 0 || gone || !now.Before(deadline) {
			return got
		}
		if next.IsZero() || next.After(deadline) {
			next = deadline
		}
		if c.pause(ctx, next, moved, changed) != nil {
			return nil
		}
	}
}

// shown is the message as ReceiveMessage answers it: only the attributes asked for.
func (m message) shown(in *sqs.ReceiveMessageInput) types.Message {
	out := types.Message{MessageId: &m.id, ReceiptHandle: &m.handle, Body: &m.body, MD5OfBody: md5Text(m.body)}
	for name, value := range m.system() {
		if slices.Contains(in.AttributeNames, "All") || slices.Contains(in.MessageSystemAttributeNames, "All") ||
			slices.Contains(in.AttributeNames, types.QueueAttributeName(name)) || slices.Contains(in.MessageSystemAttributeNames, types.MessageSystemAttributeName(name)) {
			if out.Attributes == nil {
				out.Attributes = map[string]string{}
			}
			out.Attributes[name] = value
		}
	}
	for name, value := range m.attributes {
		if slices.ContainsFunc(in.MessageAttributeNames, func(want string) bool { return wanted(want, name) }) {
			if out.MessageAttributes == nil {
				out.MessageAttributes = map[string]types.MessageAttributeValue{}
			}
			out.MessageAttributes[name] = value
		}
	}
	out.MD5OfMessageAttributes = md5Attributes(out.MessageAttributes)
	return out
}

// wanted matches a name of MessageAttributeNames: All, .*, a prefix followed by .*, or the name itself.
func wanted(want, name string) bool {
	prefix, wild := strings.CutSuffix(want, ".*")
	return want == "All" || want == name || wild && strings.HasPrefix(name, prefix)
}

// system gives the system attributes of a received message; times are in milliseconds.
func (m message) system() map[string]string {
	out := map[string]string{
		"SenderId":                         m.sender,
		"SentTimestamp":                    strconv.FormatInt(m.sent.UnixMilli(), 10),
		"ApproximateReceiveCount":          strconv.Itoa(m.receives),
		"ApproximateFirstReceiveTimestamp": strconv.FormatInt(m.firstReceived.UnixMilli(), 10),
	}
	if m.trace != "" {
		out["AWSTraceHeader"] = m.trace
	}
	if m.source != "" {
		out["DeadLetterQueueSourceArn"] = m.source
	}
	return out
}
