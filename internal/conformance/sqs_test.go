package conformance

import (
	"context"
	"crypto/md5"
	"encoding/hex"
	"encoding/json"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"

	"studiokeeper/internal/awscloud"
)

// queue makes a queue with attributes, and gives its URL and ARN.
func (c *trial) queue(name string, attributes map[string]string) (url, arn string) {
	c.t.Helper()
	out, err := c.queues().CreateQueue(c.ctx(), &sqs.CreateQueueInput{QueueName: &name, Attributes: attributes, Tags: map[string]string{ownTag: c.run}})
	c.must(err, "making queue %s", name)
	c.afterwards("queue "+name, once(func(ctx context.Context) error { return c.removeQueue(ctx, *out.QueueUrl) }))
	got, err := c.queues().GetQueueAttributes(c.ctx(), &sqs.GetQueueAttributesInput{QueueUrl: out.QueueUrl, AttributeNames: []types.QueueAttributeName{types.QueueAttributeNameQueueArn}})
	c.must(err, "reading the ARN of queue %s", name)
	return *out.QueueUrl, got.Attributes["QueueArn"]
}

func (g *target) removeQueue(ctx context.Context, url string) error {
	_, err := g.queues().DeleteQueue(ctx, &sqs.DeleteQueueInput{QueueUrl: &url})
	return err
}

func (c *trial) send(url, body string, delay int32) error {
	_, err := c.queues().SendMessage(c.ctx(), &sqs.SendMessageInput{QueueUrl: &url, MessageBody: &body, DelaySeconds: delay})
	return err
}

// receive takes what can be received now, without waiting.
func (c *trial) receive(url string, hidden int32) []types.Message {
	c.t.Helper()
	out, err := c.queues().ReceiveMessage(c.ctx(), &sqs.ReceiveMessageInput{
		QueueUrl: &url, MaxNumberOfMessages: 10, VisibilityTimeout: hidden, MessageAttributeNames: []string{"All"},
		MessageSystemAttributeNames: []types.MessageSystemAttributeName{"SentTimestamp", "ApproximateReceiveCount"},
	})
	c.must(err, "ReceiveMessage")
	return out.Messages
}

// await receives until a message comes.
func (c *trial) await(url string, hidden int32) types.Message {
	c.t.Helper()
	var got []types.Message
	c.must(c.until("a message comes", func() (bool, error) {
		got = c.receive(url, hidden)
		return len(got) > 0, nil
	}), "waiting")
	return got[0]
}

func messageContracts() []contract {
	return []contract{
		{says: "SendMessage answers with the MD5 of the body", hold: func(c *trial) {
			url, _ := c.queue(c.named("events"), nil)
			out, err := c.queues().SendMessage(c.ctx(), &sqs.SendMessageInput{QueueUrl: &url, MessageBody: aws.String("hello")})
			c.must(err, "SendMessage")
			sum := md5.Sum([]byte("hello"))
			c.want(aws.ToString(out.MD5OfMessageBody) == hex.EncodeToString(sum[:]) && aws.ToString(out.MessageId) != "", "it answers %v", out)
		}},
		{says: "a delay of 900 seconds is taken, one of 901 is InvalidParameterValue", hold: func(c *trial) {
			url, _ := c.queue(c.named("events"), nil)
			c.must(c.send(url, "later", 900), "a delay of 900 seconds")
			c.want(len(c.receive(url, 30)) == 0, "it can be received at once")
			c.refused("a delay of 901 seconds", c.send(url, "later", 901), "InvalidParameterValue")
		}},
		{says: "a delayed message comes when its time has come", hold: func(c *trial) {
			url, _ := c.queue(c.named("events"), nil)
			c.must(c.send(url, "soon", 3), "SendMessage")
			c.want(len(c.receive(url, 30)) == 0, "it can be received at once")
			c.pause(4 * time.Second)
			c.want(*c.await(url, 30).Body == "soon", "another message came")
		}},
		{says: "a received message is hidden for as long as asked, and its receives are counted", hold: func(c *trial) {
			url, _ := c.queue(c.named("events"), nil)
			c.must(c.send(url, "hello", 0), "SendMessage")
			first := c.await(url, 5)
			c.want(first.Attributes["ApproximateReceiveCount"] == "1" && first.Attributes["SentTimestamp"] != "", "its attributes are %v", first.Attributes)
			c.want(len(c.receive(url, 5)) == 0, "it can be received again at once")
			c.pause(6 * time.Second)
			second := c.await(url, 5)
			c.want(second.Attributes["ApproximateReceiveCount"] == "2", "its attributes are %v the second time", second.Attributes)
		}},
		{says: "a visibility of 0 gives a message back", hold: func(c *trial) {
			url, _ := c.queue(c.named("events"), nil)
			c.must(c.send(url, "hello", 0), "SendMessage")
			m := c.await(url, 600)
			_, err := c.queues().ChangeMessageVisibility(c.ctx(), &sqs.ChangeMessageVisibilityInput{QueueUrl: &url, ReceiptHandle: m.ReceiptHandle, VisibilityTimeout: 0})
			c.must(err, "ChangeMessageVisibility")
			c.want(*c.await(url, 30).MessageId == *m.MessageId, "another message came")
		}},
		{says: "a deleted message does not come back, and is deleted again without an error", hold: func(c *trial) {
			url, _ := c.queue(c.named("events"), nil)
			c.must(c.send(url, "hello", 0), "SendMessage")
			in := &sqs.DeleteMessageInput{QueueUrl: &url, ReceiptHandle: c.await(url, 3).ReceiptHandle}
			for range 2 {
				_, err := c.queues().DeleteMessage(c.ctx(), in)
				c.want(err == nil, "DeleteMessage: %s", said(err))
			}
			c.pause(4 * time.Second)
			c.want(len(c.receive(url, 3)) == 0, "it came back")
		}},
		{says: "a message's own attributes come along", hold: func(c *trial) {
			url, _ := c.queue(c.named("events"), nil)
			_, err := c.queues().SendMessage(c.ctx(), &sqs.SendMessageInput{QueueUrl: &url, MessageBody: aws.String("hello"), MessageAttributes: map[string]types.MessageAttributeValue{
				"ErrorCode": {DataType: aws.String("Number"), StringValue: aws.String("200")},
			}})
			c.must(err, "SendMessage")
			got := c.await(url, 30).MessageAttributes["ErrorCode"]
			c.want(aws.ToString(got.StringValue) == "200" && aws.ToString(got.DataType) == "Number", "the attribute is %v", got)
		}},
		{says: "10 messages are received at most: InvalidParameterValue", hold: func(c *trial) {
			url, _ := c.queue(c.named("events"), nil)
			_, err := c.queues().ReceiveMessage(c.ctx(), &sqs.ReceiveMessageInput{QueueUrl: &url, MaxNumberOfMessages: 11})
			c.refused("ReceiveMessage", err, "InvalidParameterValue")
		}},
	}
}

func queueContracts() []contract {
	return []contract{
		{says: "a queue that does not exist is AWS.SimpleQueueService.NonExistentQueue", hold: func(c *trial) {
			name := c.named("none")
			_, err := c.queues().GetQueueUrl(c.ctx(), &sqs.GetQueueUrlInput{QueueName: &name})
			c.refused("GetQueueUrl", err, "AWS.SimpleQueueService.NonExistentQueue", "QueueDoesNotExist")
			_, err = c.session().FindQueue(c.ctx(), awscloud.Place{Region: c.cfg.Region}, name)
			c.want(gone(err), "%v is not taken for a missing queue", err)
		}},
		{says: "a FIFO queue takes no delay for one message: InvalidParameterValue", hold: func(c *trial) {
			if c.local {
				c.pass("the local cloud has standard queues only")
			}
			url, _ := c.queue(c.named("events")+".fifo", map[string]string{"FifoQueue": "true", "ContentBasedDeduplication": "true"})
			_, err := c.queues().SendMessage(c.ctx(), &sqs.SendMessageInput{QueueUrl: &url, MessageBody: aws.String("hello"), MessageGroupId: aws.String("a"), DelaySeconds: 5})
			c.refused("SendMessage", err, "InvalidParameterValue")
		}},
		{says: "after as many receives as the queue allows a message lies in its dead-letter queue", hold: func(c *trial) {
			dead, arn := c.queue(c.named("dead"), nil)
			policy, err := json.Marshal(map[string]any{"deadLetterTargetArn": arn, "maxReceiveCount": 1})
			c.must(err, "writing the RedrivePolicy")
			url, _ := c.queue(c.named("events"), map[string]string{"RedrivePolicy": string(policy)})
			c.must(c.send(url, "poison", 0), "SendMessage")
			c.await(url, 1)
			var letters []types.Message
			c.must(c.until("the message is in the dead-letter queue", func() (bool, error) {
				c.receive(url, 1)
				letters = c.receive(dead, 30)
				return len(letters) > 0, nil
			}), "waiting")
			c.want(*letters[0].Body == "poison", "the dead-letter queue has %s", *letters[0].Body)
		}},
		{says: "a queue tells its dead-letter queue as JSON in RedrivePolicy", hold: func(c *trial) {
			name := c.named("dead")
			_, arn := c.queue(name, nil)
			policy, err := json.Marshal(map[string]any{"deadLetterTargetArn": arn, "maxReceiveCount": 5})
			c.must(err, "writing the RedrivePolicy")
			url, _ := c.queue(c.named("events"), map[string]string{"RedrivePolicy": string(policy)})
			at := awscloud.Place{Region: c.cfg.Region}
			found, err := (&awscloud.Queue{Session: c.session(), At: at, URL: url}).Dead(c.ctx())
			c.must(err, "reading the dead-letter queue")
			wanted, err := c.session().FindQueue(c.ctx(), at, name)
			c.must(err, "GetQueueUrl of %s", name)
			c.want(found.URL == wanted.URL, "it is %s, want %s", found.URL, wanted.URL)
		}},
		{says: "messages that wait, and those that are held, are counted", hold: func(c *trial) {
			url, _ := c.queue(c.named("events"), nil)
			c.must(c.send(url, "hello", 0), "SendMessage")
			queue := &awscloud.Queue{Session: c.session(), At: awscloud.Place{Region: c.cfg.Region}, URL: url}
			c.must(c.until("one message waits", func() (bool, error) {
				waiting, held, err := queue.Depth(c.ctx())
				return waiting == 1 && held == 0, err
			}), "waiting")
			c.await(url, 900)
			err := c.until("one message is held", func() (bool, error) {
				waiting, held, err := queue.Depth(c.ctx())
				return waiting == 0 && held == 1, err
			})
			c.want(err == nil, "%v", err)
		}},
	}
}
