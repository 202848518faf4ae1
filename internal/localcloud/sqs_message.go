package localcloud

import (
	"encoding/json"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"
	"github.com/google/uuid"
)

// has reports whether the request gives a member at all: the SDK's inputs hold 0 for one that is absent.
func (c *call) has(member string) bool {
	var given map[string]json.RawMessage
	if err := json.Unmarshal(c.body, &given); err != nil {
		return false
	}
	v, ok := given[member]
	return ok && string(v) != "null"
}

// outgoing is a message on its way into a queue.
type outgoing struct {
	body       string
	attributes map[string]types.MessageAttributeValue
	system     map[string]types.MessageSystemAttributeValue
	delay      *int32
}

// accept checks a message as SQS does and puts it into the queue. The caller holds s.mu.
func (q *queue) accept(o outgoing, sender string, now time.Time) (*message, *apiError) {
	switch {
	case o.body == "":
		return nil, sqsError("MissingRequiredParameterException", "MissingParameter", "The request must contain the parameter MessageBody.")
	case !utf8.ValidString(o.body) || strings.ContainsFunc(o.body, forbiddenRune):
		return nil, sqsError("InvalidMessageContents", "InvalidMessageContents", "Invalid characters in the message body: only those of XML 1.0 are allowed.")
	case messageSize(o) > q.number("MaximumMessageSize"):
		return nil, sqsError("InvalidParameterValueException", "InvalidParameterValue", "One or more parameters are invalid. Reason: Message must be shorter than %d bytes.", q.number("MaximumMessageSize"))
	case o.delay != nil && (*o.delay < 0 || *o.delay > 900):
		return nil, badValue("DelaySeconds", *o.delay, "DelaySeconds must be >= 0 and <= 900.")
	}
	if err := checkMessageAttributes(o.attributes); err != nil {
		return nil, err
	}
	delay := q.seconds("DelaySeconds")
	if o.delay != nil {
		delay = time.Duration(*o.delay) * time.Second
	}
	m := &message{
		id: uuid.NewString(), body: o.body, attributes: o.attributes, sender: sender, sent: now,
		trace: aws.ToString(o.system["AWSTraceHeader"].StringValue),
	}
	q.add(m, delay, now)
	return m, nil
}

// forbiddenRune is what neither XML 1.0 nor SQS takes.
func forbiddenRune(r rune) bool {
	return r < 0x20 && r != '\t' && r != '\n' && r != '\r' || r == 0xFFFE || r == 0xFFFF
}

func messageSize(o outgoing) int {
	n := len(o.body)
	for name, a := range o.attributes {
		n += len(name) + len(aws.ToString(a.DataType)) + len(aws.ToString(a.StringValue)) + len(a.BinaryValue)
	}
	return n
}

func checkMessageAttributes(attributes map[string]types.MessageAttributeValue) *apiError {
	if len(attributes) > 10 {
		return sqsError("InvalidParameterValueException", "InvalidParameterValue", "Number of message attributes [%d] exceeds the allowed maximum [10].", len(attributes))
	}
	for _, name := range sortedKeys(attributes) {
		kind, _, _ := strings.Cut(aws.ToString(attributes[name].DataType), ".")
		a := attributes[name]
		ok := kind == "Binary" && len(a.BinaryValue) > 0 || (kind == "String" || kind == "Number") && aws.ToString(a.StringValue) != ""
		if !ok {
			return sqsError("InvalidParameterValueException", "InvalidParameterValue", "The message attribute '%s' has an invalid message attribute type, the set of supported type prefixes is Binary, Number, and String, or no value.", name)
		}
	}
	return nil
}

func (s *sqsState) sendMessage(c *call, in *sqs.SendMessageInput) (*sqs.SendMessageOutput, error) {
	o := outgoing{body: aws.ToString(in.MessageBody), attributes: in.MessageAttributes, system: in.MessageSystemAttributes}
	if c.has("DelaySeconds") {
		o.delay = &in.DelaySeconds
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	q, err := s.queue(c, in.QueueUrl)
	if err != nil {
		return nil, err
	}
	m, refused := q.accept(o, c.principalID, c.now)
	if refused != nil {
		return nil, refused
	}
	return &sqs.SendMessageOutput{MessageId: &m.id, MD5OfMessageBody: md5Text(m.body), MD5OfMessageAttributes: md5Attributes(m.attributes)}, nil
}

func (s *sqsState) deleteMessage(c *call, in *sqs.DeleteMessageInput) (*sqs.DeleteMessageOutput, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	q, err := s.queue(c, in.QueueUrl)
	if err != nil {
		return nil, err
	}
	if refused := q.discard(in.ReceiptHandle); refused != nil {
		return nil, refused
	}
	return &sqs.DeleteMessageOutput{}, nil
}

func (q *queue) discard(handle *string) *apiError {
	if !q.owns(aws.ToString(handle)) {
		return sqsError("ReceiptHandleIsInvalid", "ReceiptHandleIsInvalid", "The input receipt handle \"%s\" is not a valid receipt handle.", aws.ToString(handle))
	}
	q.remove(*handle)
	return nil
}

func (s *sqsState) changeVisibility(c *call, in *sqs.ChangeMessageVisibilityInput) (*sqs.ChangeMessageVisibilityOutput, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	q, err := s.queue(c, in.QueueUrl)
	if err != nil {
		return nil, err
	}
	if refused := q.setVisibility(in.ReceiptHandle, in.VisibilityTimeout, c.now); refused != nil {
		return nil, refused
	}
	return &sqs.ChangeMessageVisibilityOutput{}, nil
}

// setVisibility hides a message in flight for so many seconds from now; 0 makes it visible at once.
func (q *queue) setVisibility(handle *string, seconds int32, now time.Time) *apiError {
	if !q.owns(aws.ToString(handle)) {
		return sqsError("ReceiptHandleIsInvalid", "ReceiptHandleIsInvalid", "The input receipt handle \"%s\" is not a valid receipt handle.", aws.ToString(handle))
	}
	if seconds < 0 || seconds > 43200 {
		return badValue("VisibilityTimeout", seconds, "VisibilityTimeout must be an integer between 0 and 43200.")
	}
	q.settle(now)
	m := q.handles[*handle]
	switch {
	case m == nil:
		return badValue("ReceiptHandle", *handle, "Message does not exist or is not available for visibility timeout change.")
	case m.at < 0:
		return sqsError("MessageNotInflight", "AWS.SimpleQueueService.MessageNotInflight", "The specified message isn't in flight.")
	}
	q.rehide(m, time.Duration(seconds)*time.Second, now)
	return nil
}
