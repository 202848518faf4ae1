package awscloud

import "context"

// HasQueue reports whether there is a queue of this name. An error means that it cannot be told.
// https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_GetQueueUrl.html
func (s *Session) HasQueue(ctx context.Context, at Place, name string) (bool, error) {
	r := request{action: "sqs:GetQueueUrl", on: "queue " + name, at: s.where(at)}
	asked := struct{ QueueName string }{name}
	var found struct {
		QueueURL string `json:"QueueUrl"`
	}
	err := s.jsonAt(sqsAPI(), at).call(ctx, "GetQueueUrl", asked, &found)
	switch {
	case codeIs(err, "QueueDoesNotExist") || codeIs(err, "AWS.SimpleQueueService.NonExistentQueue"):
		return false, nil
	case err != nil:
		return false, r.failed(err, nil)
	case found.QueueURL == "":
		return false, r.broken("it names no URL")
	}
	return true, nil
}
