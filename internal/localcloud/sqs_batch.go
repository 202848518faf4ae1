package localcloud

import (
	"encoding/json"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"
)

// maxBatch is how many entries a batch of SQS may have.
const maxBatch = 10

var batchID = whole(`[A-Za-z0-9_-]{1,80}`)

// checkBatch refuses a batch as a whole.
func checkBatch(ids []*string) error {
	if len(ids) == 0 {
		return sqsError("EmptyBatchRequest", "AWS.SimpleQueueService.EmptyBatchRequest", "There should be at least one entry in the request.")
	}
	if len(ids) > maxBatch {
		return sqsError("TooManyEntriesInBatchRequest", "AWS.SimpleQueueService.TooManyEntriesInBatchRequest", "Maximum number of entries per request are %d. You have sent %d.", maxBatch, len(ids))
	}
	seen := map[string]bool{}
	for _, id := range ids {
		switch s := aws.ToString(id); {
		case !batchID.MatchString(s):
			return sqsError("InvalidBatchEntryId", "AWS.SimpleQueueService.InvalidBatchEntryId", "A batch entry id can only contain alphanumeric characters, hyphens and underscores. It can be at most 80 letters long.")
		case seen[s]:
			return sqsError("BatchEntryIdsNotDistinct", "AWS.SimpleQueueService.BatchEntryIdsNotDistinct", "Id %s repeated.", s)
		default:
			seen[s] = true
		}
	}
	return nil
}

// failedEntry reports why one entry of a batch was refused, with the query protocol's code, as SQS does.
func failedEntry(id *string, e *apiError) types.BatchResultErrorEntry {
	code, _, _ := strings.Cut(e.Headers["x-amzn-query-error"], ";")
	return types.BatchResultErrorEntry{Id: id, Code: &code, Message: &e.Message, SenderFault: true}
}

func (s *sqsState) sendMessageBatch(c *call, in *sqs.SendMessageBatchInput) (*sqs.SendMessageBatchOutput, error) {
	var ids []*string
	size := 0
	for _, e := range in.Entries {
		ids = append(ids, e.Id)
		size += messageSize(outgoing{body: aws.ToString(e.MessageBody), attributes: e.MessageAttributes})
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	q, err := s.queue(c, in.QueueUrl)
	if err != nil {
		return nil, err
	}
	if err := checkBatch(ids); err != nil {
		return nil, err
	}
	if size > maxMessage {
		return nil, sqsError("BatchRequestTooLong", "AWS.SimpleQueueService.BatchRequestTooLong", "Batch requests cannot be longer than %d bytes. You have sent %d bytes.", maxMessage, size)
	}
	out, delays := &sqs.SendMessageBatchOutput{}, c.entryDelays()
	for i, e := range in.Entries {
		o := outgoing{body: aws.ToString(e.MessageBody), attributes: e.MessageAttributes, system: e.MessageSystemAttributes, delay: delays[i]}
		m, refused := q.accept(o, c.principalID, c.now)
		if refused != nil {
			out.Failed = append(out.Failed, failedEntry(e.Id, refused))
			continue
		}
		out.Successful = append(out.Successful, types.SendMessageBatchResultEntry{
			Id: e.Id, MessageId: &m.id, MD5OfMessageBody: md5Text(m.body), MD5OfMessageAttributes: md5Attributes(m.attributes),
		})
	}
	return out, nil
}

// entryDelays gives the DelaySeconds of each entry that has one.
func (c *call) entryDelays() map[int]*int32 {
	var given struct {
		Entries []struct{ DelaySeconds *int32 }
	}
	if err := json.Unmarshal(c.body, &given); err != nil {
		return nil
	}
	out := map[int]*int32{}
	for i, e := range given.Entries {
		out[i] = e.DelaySeconds
	}
	return out
}

func (s *sqsState) deleteMessageBatch(c *call, in *sqs.DeleteMessageBatchInput) (*sqs.DeleteMessageBatchOutput, error) {
	var ids []*string
	for _, e := range in.Entries {
		ids = append(ids, e.Id)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	q, err := s.queue(c, in.QueueUrl)
	if err != nil {
		return nil, err
	}
	if err := checkBatch(ids); err != nil {
		return nil, err
	}
	out := &sqs.DeleteMessageBatchOutput{}
	for _, e := range in.Entries {
		if refused := q.discard(e.ReceiptHandle); refused != nil {
			out.Failed = append(out.Failed, failedEntry(e.Id, refused))
			continue
		}
		out.Successful = append(out.Successful, types.DeleteMessageBatchResultEntry{Id: e.Id})
	}
	return out, nil
}

func (s *sqsState) changeVisibilityBatch(c *call, in *sqs.ChangeMessageVisibilityBatchInput) (*sqs.ChangeMessageVisibilityBatchOutput, error) {
	var ids []*string
	for _, e := range in.Entries {
		ids = append(ids, e.Id)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	q, err := s.queue(c, in.QueueUrl)
	if err != nil {
		return nil, err
	}
	if err := checkBatch(ids); err != nil {
		return nil, err
	}
	out := &sqs.ChangeMessageVisibilityBatchOutput{}
	for _, e := range in.Entries {
		if refused := q.setVisibility(e.ReceiptHandle, e.VisibilityTimeout, c.now); refused != nil {
			out.Failed = append(out.Failed, failedEntry(e.Id, refused))
			continue
		}
		out.Successful = append(out.Successful, types.ChangeMessageVisibilityBatchResultEntry{Id: e.Id})
	}
	return out, nil
}
