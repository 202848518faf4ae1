package awscloud

import (
	"errors"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/smithy-go"
)

// cancelled reads why a transaction of so many writes was cancelled: changed are the numbers of the writes
// that somebody else was in the way of. Any other reason outweighs them, as the error other of write number
// at. When neither is there, err is something else.
// https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_TransactWriteItems.html
func cancelled(err error, writes int) (changed []int, at int, other error) {
	refused, ok := errors.AsType[*types.TransactionCanceledException](err)
	if !ok || len(refused.CancellationReasons) != writes {
		return nil, 0, nil
	}
	for n, reason := range refused.CancellationReasons {
		switch code := aws.ToString(reason.Code); code {
		case "None", "":
		case "ConditionalCheckFailed", "TransactionConflict":
			changed = append(changed, n)
		default:
			return nil, n, &smithy.GenericAPIError{Code: code, Message: aws.ToString(reason.Message)}
		}
	}
	return changed, 0, nil
}
