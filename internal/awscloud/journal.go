package awscloud

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"studiokeeper/internal/plan"
)

// Append implements reconcile.Journal: pk is the user's, sk the time and something random. The entry is
// kept as JSON, with domain, kind and outcome beside it to filter by. It has no expiry.
func (s *State) Append(ctx context.Context, e plan.Entry) error {
	entry, err := json.Marshal(e)
	if err != nil {
		return fmt.Errorf("writing the journal entry of %s for user %s: %w", e.Change.Kind, e.Change.UserID, err)
	}
	it := key("journal#"+e.Change.UserID, e.Time.UTC().Format(sortedTime)+"#"+rand.Text())
	it["entry"] = text(string(entry))
	it["domain"], it["kind"], it["outcome"] = text(e.Change.Domain), text(string(e.Change.Kind)), text(string(e.Outcome))
	_, err = s.client().PutItem(ctx, &dynamodb.PutItemInput{
		TableName: &s.Table, Item: it,
		ConditionExpression:                 aws.String("attribute_not_exists(#pk)"),
		ExpressionAttributeNames:            map[string]string{"#pk": "pk"},
		ReturnValuesOnConditionCheckFailure: types.ReturnValuesOnConditionCheckFailureAllOld,
	})
	if there, ok := errors.AsType[*types.ConditionalCheckFailedException](err); ok && stringOf(there.Item, "entry") == string(entry) {
		return nil // our own, whose first answer was lost
	}
	if err != nil {
		return s.request("PutItem", it).failed(err, nil)
	}
	return nil
}
