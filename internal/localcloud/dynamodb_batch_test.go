package localcloud_test

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
)

func TestDynamoDBReturnValues(t *testing.T) {
	d := newTables(t, "S")
	for back, want := range map[types.ReturnValue]avItem{
		types.ReturnValueNone:       nil,
		types.ReturnValueAllOld:     {"pk": s("a"), "sk": s("b"), "x": n("1"), "y": n("1")},
		types.ReturnValueAllNew:     {"pk": s("a"), "sk": s("b"), "x": n("2"), "y": n("1")},
		types.ReturnValueUpdatedOld: {"x": n("1")},
		types.ReturnValueUpdatedNew: {"x": n("2")},
	} {
		d.put(avItem{"pk": s("a"), "sk": s("b"), "x": n("1"), "y": n("1")})
		out, err := d.api.UpdateItem(context.Background(), &dynamodb.UpdateItemInput{
			TableName: aws.String("state"), Key: avItem{"pk": s("a"), "sk": s("b")}, UpdateExpression: aws.String("ADD x :one"),
			ExpressionAttributeValues: avItem{":one": n("1")}, ReturnValues: back,
		})
		if err != nil {
			t.Fatal(err)
		}
		if diff := same(want, out.Attributes); diff != "" {
			t.Errorf("%s (-want +got):\n%s", back, diff)
		}
	}
	out, err := d.api.DeleteItem(context.Background(), &dynamodb.DeleteItemInput{
		TableName: aws.String("state"), Key: avItem{"pk": s("a"), "sk": s("b")}, ReturnValues: types.ReturnValueAllOld,
	})
	if err != nil || len(out.Attributes) != 4 {
		t.Errorf("deleting returned %v, %v", out, err)
	}
}

func TestDynamoDBTransactions(t *testing.T) {
	d, ctx := newTables(t, "S"), context.Background()
	d.put(avItem{"pk": s("a"), "sk": s("1"), "x": n("1")})
	put := func(sk string) types.TransactWriteItem {
		return types.TransactWriteItem{Put: &types.Put{TableName: aws.String("state"), Item: avItem{"pk": s("a"), "sk": s(sk)}}}
	}
	add := types.TransactWriteItem{Update: &types.Update{
		TableName: aws.String("state"), Key: avItem{"pk": s("a"), "sk": s("1")}, UpdateExpression: aws.String("ADD x :one"), ExpressionAttributeValues: avItem{":one": n("1")},
	}}
	check := types.TransactWriteItem{ConditionCheck: &types.ConditionCheck{
		TableName: aws.String("state"), Key: avItem{"pk": s("a"), "sk": s("1")}, ConditionExpression: aws.String("x > :two"), ExpressionAttributeValues: avItem{":two": n("2")},
		ReturnValuesOnConditionCheckFailure: types.ReturnValuesOnConditionCheckFailureAllOld,
	}}
	_, err := d.api.TransactWriteItems(ctx, &dynamodb.TransactWriteItemsInput{TransactItems: []types.TransactWriteItem{put("2"), check}})
	cancelled, ok := errors.AsType[*types.TransactionCanceledException](err)
	if !ok || len(cancelled.CancellationReasons) != 2 {
		t.Fatalf("got %v", err)
	}
	if first, second := cancelled.CancellationReasons[0], cancelled.CancellationReasons[1]; *first.Code != "None" || *second.Code != "ConditionalCheckFailed" || second.Item["x"] == nil {
		t.Errorf("reasons are %+v and %+v", first, second)
	}
	if d.get(avItem{"pk": s("a"), "sk": s("2")}) != nil {
		t.Error("a cancelled transaction wrote an item")
	}
	in := &dynamodb.TransactWriteItemsInput{TransactItems: []types.TransactWriteItem{put("2"), add}, ClientRequestToken: aws.String("token-1")}
	for range 2 {
		_, err = d.api.TransactWriteItems(ctx, in)
		d.wantCode("writing twice with one token", err, "")
	}
	if diff := same(n("2"), d.get(avItem{"pk": s("a"), "sk": s("1")})["x"]); diff != "" {
		t.Errorf("after one transaction sent twice (-want +got):\n%s", diff)
	}
	in.TransactItems = in.TransactItems[:1]
	_, err = d.api.TransactWriteItems(ctx, in)
	d.wantCode("another transaction under the same token", err, "IdempotentParameterMismatchException")
	_, err = d.api.TransactWriteItems(ctx, &dynamodb.TransactWriteItemsInput{TransactItems: []types.TransactWriteItem{put("2"), put("2")}})
	d.wantCode("one item twice", err, "ValidationException")
}

func TestDynamoDBBatches(t *testing.T) {
	d, ctx := newTables(t, "S"), context.Background()
	var writes []types.WriteRequest
	var keys []avItem
	for i := range 25 {
		key := avItem{"pk": s("b"), "sk": s(fmt.Sprint(i))}
		writes, keys = append(writes, types.WriteRequest{PutRequest: &types.PutRequest{Item: key}}), append(keys, key)
	}
	out, err := d.api.BatchWriteItem(ctx, &dynamodb.BatchWriteItemInput{RequestItems: map[string][]types.WriteRequest{"state": writes}})
	if err != nil || len(out.UnprocessedItems) != 0 {
		t.Fatalf("got %v, %v", out, err)
	}
	got, err := d.api.BatchGetItem(ctx, &dynamodb.BatchGetItemInput{RequestItems: map[string]types.KeysAndAttributes{"state": {Keys: append(keys, avItem{"pk": s("b"), "sk": s("no")})}}})
	if err != nil || len(got.Responses["state"]) != 25 {
		t.Errorf("got %d items, %v", len(got.Responses["state"]), err)
	}
	_, err = d.api.BatchWriteItem(ctx, &dynamodb.BatchWriteItemInput{RequestItems: map[string][]types.WriteRequest{"state": append(writes, types.WriteRequest{DeleteRequest: &types.DeleteRequest{Key: avItem{"pk": s("c"), "sk": s("c")}}})}})
	d.wantCode("26 writes", err, "ValidationException")
	_, err = d.api.BatchWriteItem(ctx, &dynamodb.BatchWriteItemInput{RequestItems: map[string][]types.WriteRequest{"state": {writes[0], writes[0]}}})
	d.wantCode("one item twice", err, "ValidationException")
	_, err = d.api.BatchGetItem(ctx, &dynamodb.BatchGetItemInput{RequestItems: map[string]types.KeysAndAttributes{"nowhere": {Keys: keys[:1]}}})
	d.wantCode("a table that is not there", err, "ResourceNotFoundException")
}
