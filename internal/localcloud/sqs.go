package localcloud

import (
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/schemas"
)

// reuseDelay is how long SQS keeps the name of a deleted queue from being used again, and how long a purge takes.
const reuseDelay = time.Minute

// sqsState is SQS: standard queues only.
type sqsState struct {
	mu      sync.Mutex
	queues  map[place]map[string]*queue
	deleted map[string]time.Time // by ARN
}

func sqsService(c *Cloud) service {
	s := &c.queues
	return service{
		name: "sqs", target: "AmazonSQS", version: "1.0", schema: schemas.AmazonSQS, errors: sqs.TypeRegistry,
		ops: map[string]operation{
			"CreateQueue":                  handle(schemas.CreateQueueRequest, schemas.CreateQueueResult, s.createQueue),
			"GetQueueUrl":                  handle(schemas.GetQueueUrlRequest, schemas.GetQueueUrlResult, s.getQueueURL),
			"GetQueueAttributes":           handle(schemas.GetQueueAttributesRequest, schemas.GetQueueAttributesResult, s.getQueueAttributes),
			"SetQueueAttributes":           handle(schemas.SetQueueAttributesRequest, nil, s.setQueueAttributes),
			"ListQueues":                   handle(schemas.ListQueuesRequest, schemas.ListQueuesResult, s.listQueues),
			"DeleteQueue":                  handle(schemas.DeleteQueueRequest, nil, s.deleteQueue),
			"PurgeQueue":                   handle(schemas.PurgeQueueRequest, nil, s.purgeQueue),
			"SendMessage":                  handle(schemas.SendMessageRequest, schemas.SendMessageResult, s.sendMessage),
			"SendMessageBatch":             handle(schemas.SendMessageBatchRequest, schemas.SendMessageBatchResult, s.sendMessageBatch),
			"ReceiveMessage":               handle(schemas.ReceiveMessageRequest, schemas.ReceiveMessageResult, s.receiveMessage),
			"DeleteMessage":                handle(schemas.DeleteMessageRequest, nil, s.deleteMessage),
			"DeleteMessageBatch":           handle(schemas.DeleteMessageBatchRequest, schemas.DeleteMessageBatchResult, s.deleteMessageBatch),
			"ChangeMessageVisibility":      handle(schemas.ChangeMessageVisibilityRequest, nil, s.changeVisibility),
			"ChangeMessageVisibilityBatch": handle(schemas.ChangeMessageVisibilityBatchRequest, schemas.ChangeMessageVisibilityBatchResult, s.changeVisibilityBatch),
		},
	}
}

// sqsError is an error with the code of the JSON protocol and, in a header, that of the query protocol,
// which the AWS CLI and boto3 show.
func sqsError(code, queryCode, format string, args ...any) *apiError {
	e := errf(400, "com.amazonaws.sqs#"+code, format, args...)
	e.Headers = map[string]string{"x-amzn-query-error": queryCode + ";Sender"}
	return e
}

func noSuchQueue() *apiError {
	return sqsError("QueueDoesNotExist", "AWS.SimpleQueueService.NonExistentQueue", "The specified queue does not exist.")
}

// badValue is SQS's refusal of a parameter.
func badValue(name string, value any, reason string) *apiError {
	return sqsError("InvalidParameterValueException", "InvalidParameterValue", "Value %v for parameter %s is invalid. Reason: %s", value, name, reason)
}

// queue finds the queue of a URL, in the caller's account and Region. The caller holds s.mu.
func (s *sqsState) queue(c *call, queueURL *string) (*queue, error) {
	u, err := url.Parse(aws.ToString(queueURL))
	if err != nil || queueURL == nil {
		return nil, sqsError("InvalidAddress", "InvalidAddress", "The address %s is not valid for this endpoint.", aws.ToString(queueURL))
	}
	parts := strings.Split(strings.Trim(u.Path, "/"), "/")
	if len(parts) != 2 || parts[0] != c.account {
		return nil, noSuchQueue()
	}
	q := s.queues[c.place()][parts[1]]
	if q == nil {
		return nil, noSuchQueue()
	}
	return q, nil
}

func (c *call) queueURL(name string) *string {
	return aws.String(fmt.Sprintf("http://%s/%s/%s", c.host, c.account, name))
}

var queueName = whole(`[A-Za-z0-9_-]{1,80}`)

func (s *sqsState) createQueue(c *call, in *sqs.CreateQueueInput) (*sqs.CreateQueueOutput, error) {
	name := aws.ToString(in.QueueName)
	if !queueName.MatchString(name) {
		return nil, badValue("QueueName", name, "Can only include alphanumeric characters, hyphens, or underscores. 1 to 80 in length")
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.checkAttributes(c.place(), in.Attributes); err != nil {
		return nil, err
	}
	out := &sqs.CreateQueueOutput{QueueUrl: c.queueURL(name)}
	if q := s.queues[c.place()][name]; q != nil {
		return out, q.sameAs(in.Attributes, c.now)
	}
	arn := queueARN(c.place(), name)
	if at, ok := s.deleted[arn]; ok && c.now.Sub(at) < reuseDelay {
		return nil, sqsError("QueueDeletedRecently", "AWS.SimpleQueueService.QueueDeletedRecently", "You must wait 60 seconds after deleting a queue before you can create another with the same name.")
	}
	s.add(&queue{name: name, arn: arn, home: c.place(), created: c.now}, in.Attributes, c.now)
	return out, nil
}

func (s *sqsState) add(q *queue, attributes map[string]string, now time.Time) {
	if s.queues == nil {
		s.queues = map[place]map[string]*queue{}
	}
	if s.queues[q.home] == nil {
		s.queues[q.home] = map[string]*queue{}
	}
	s.queues[q.home][q.name] = q
	q.setAttributes(attributes, now)
}

// sameAs lets a queue be created again when nothing asked for differs.
func (q *queue) sameAs(attributes map[string]string, now time.Time) error {
	have := q.describe(now)
	for _, name := range sortedKeys(attributes) {
		if have[name] != attributes[name] {
			return sqsError("QueueNameExists", "QueueAlreadyExists", "A queue already exists with the same name and a different value for attribute %s", name)
		}
	}
	return nil
}

func (s *sqsState) getQueueURL(c *call, in *sqs.GetQueueUrlInput) (*sqs.GetQueueUrlOutput, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	name := aws.ToString(in.QueueName)
	owner := aws.ToString(in.QueueOwnerAWSAccountId)
	if (owner != "" && owner != c.account) || s.queues[c.place()][name] == nil {
		return nil, noSuchQueue()
	}
	return &sqs.GetQueueUrlOutput{QueueUrl: c.queueURL(name)}, nil
}

func (s *sqsState) getQueueAttributes(c *call, in *sqs.GetQueueAttributesInput) (*sqs.GetQueueAttributesOutput, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	q, err := s.queue(c, in.QueueUrl)
	if err != nil {
		return nil, err
	}
	all := q.describe(c.now)
	out := map[string]string{}
	for _, name := range in.AttributeNames {
		switch {
		case name == "All":
			return &sqs.GetQueueAttributesOutput{Attributes: all}, nil
		case !slices.Contains(name.Values(), name):
			return nil, sqsError("InvalidAttributeName", "InvalidAttributeName", "Unknown Attribute %s.", name)
		case all[string(name)] != "":
			out[string(name)] = all[string(name)]
		}
	}
	return &sqs.GetQueueAttributesOutput{Attributes: out}, nil
}

func (s *sqsState) setQueueAttributes(c *call, in *sqs.SetQueueAttributesInput) (*sqs.SetQueueAttributesOutput, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	q, err := s.queue(c, in.QueueUrl)
	if err != nil {
		return nil, err
	}
	if err := s.checkAttributes(c.place(), in.Attributes); err != nil {
		return nil, err
	}
	q.setAttributes(in.Attributes, c.now)
	return &sqs.SetQueueAttributesOutput{}, nil
}

func (s *sqsState) listQueues(c *call, in *sqs.ListQueuesInput) (*sqs.ListQueuesOutput, error) {
	limit := int(aws.ToInt32(in.MaxResults))
	if in.MaxResults != nil && (limit < 1 || limit > 1000) {
		return nil, badValue("MaxResults", limit, "Must be between 1 and 1000, if provided.")
	}
	if limit == 0 {
		limit = 1000
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	out := &sqs.ListQueuesOutput{}
	for _, name := range slices.Sorted(maps.Keys(s.queues[c.place()])) {
		if !strings.HasPrefix(name, aws.ToString(in.QueueNamePrefix)) || name <= aws.ToString(in.NextToken) {
			continue
		}
		if len(out.QueueUrls) == limit {
			last := out.QueueUrls[limit-1]
			out.NextToken = aws.String(last[strings.LastIndex(last, "/")+1:])
			break
		}
		out.QueueUrls = append(out.QueueUrls, *c.queueURL(name))
	}
	return out, nil
}

func (s *sqsState) deleteQueue(c *call, in *sqs.DeleteQueueInput) (*sqs.DeleteQueueOutput, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	q, err := s.queue(c, in.QueueUrl)
	if err != nil {
		return nil, err
	}
	delete(s.queues[q.home], q.name)
	if s.deleted == nil {
		s.deleted = map[string]time.Time{}
	}
	s.deleted[q.arn], q.deleted = c.now, true
	q.changed.fire()
	return &sqs.DeleteQueueOutput{}, nil
}

func (s *sqsState) purgeQueue(c *call, in *sqs.PurgeQueueInput) (*sqs.PurgeQueueOutput, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	q, err := s.queue(c, in.QueueUrl)
	if err != nil {
		return nil, err
	}
	if !q.purged.IsZero() && c.now.Sub(q.purged) < reuseDelay {
		return nil, sqsError("PurgeQueueInProgress", "AWS.SimpleQueueService.PurgeQueueInProgress", "Only one PurgeQueue operation on %s is allowed every 60 seconds.", q.name)
	}
	q.purged = c.now
	q.clear()
	return &sqs.PurgeQueueOutput{}, nil
}
