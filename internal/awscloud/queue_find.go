package awscloud

import "context"

// HasQueue reports whether there is a queue of this name. An error means that it cannot be told.
// https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_GetQueueUrl.html
func (s *Session) HasQueue(ctx context.Context, at Place, name string) (bool, error) {
	_, err := s.queueURL(ctx, at, name)
	if codeIs(err, "QueueDoesNotExist") || codeIs(err, "AWS.SimpleQueueService.NonExistentQueue") {
		return false, nil
	}
	return err == nil, err
}
