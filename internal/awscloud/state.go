package awscloud

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"strconv"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"studiokeeper/internal/reconcile"
)

// State is reconcile's Leases, Looks, Persons, Pins, RowDates, Assignments, Removals and Journal, with its reader, on one
// DynamoDB table with the string keys pk (hash) and sk (range). Its TTL attribute is expires, in epoch seconds; DynamoDB
// deletes days late, so nothing here ever rests on an item being gone.
//
// Every write that could meet another carries a condition, and every one may be repeated when its answer
// was lost.
type State struct {
	Session *Session
	At      Place
	Table   string
	// Now tells the time that leases are measured by; nil means time.Now.
	Now func() time.Time
	// Jitter draws a wait below a bound, so that those who meet do not meet again; nil draws at random.
	Jitter func(time.Duration) time.Duration

	heads heads
}

var (
	_ reconcile.Leases      = (*State)(nil)
	_ reconcile.Looks       = (*State)(nil)
	_ reconcile.Persons     = (*State)(nil)
	_ reconcile.Pins        = (*State)(nil)
	_ reconcile.Assignments = (*State)(nil)
	_ reconcile.Removals    = (*State)(nil)
	_ reconcile.Journal     = (*State)(nil)

	_ reconcile.JournalReader = (*State)(nil)
)

func (s *State) client() *dynamodb.Client { return s.Session.dynamodbAt(s.At) }

func (s *State) now() time.Time {
	if s.Now != nil {
		return s.Now()
	}
	return time.Now()
}

func (s *State) jitter(below time.Duration) time.Duration {
	if s.Jitter != nil {
		return s.Jitter(below)
	}
	return rand.N(below)
}

func (s *State) request(operation string, key item) request {
	on := fmt.Sprintf("state table %s, item %q", s.Table, stringOf(key, "pk"))
	return request{action: "dynamodb:" + operation, on: on, at: s.Session.where(s.At)}
}

// get reads one item, strongly consistent; nil when there is none.
func (s *State) get(ctx context.Context, key item) (item, error) {
	out, err := s.client().GetItem(ctx, &dynamodb.GetItemInput{TableName: &s.Table, Key: key, ConsistentRead: aws.Bool(true)})
	if err != nil {
		return nil, s.request("GetItem", key).failed(err, nil)
	}
	return out.Item, nil
}

// query reads all items of a hash key, strongly consistent, and hands each to read.
func (s *State) query(ctx context.Context, pk string, read func(item) error) error {
	of := key(pk, "")
	r := s.request("Query", of)
	return everyKey(r, func(after item) (item, error) {
		out, err := s.client().Query(ctx, &dynamodb.QueryInput{
			TableName: &s.Table, ConsistentRead: aws.Bool(true), ExclusiveStartKey: after,
			KeyConditionExpression:    aws.String("#pk = :pk"),
			ExpressionAttributeNames:  map[string]string{"#pk": "pk"},
			ExpressionAttributeValues: item{":pk": of["pk"]},
		})
		if err != nil {
			return nil, r.failed(err, nil)
		}
		for _, it := range out.Items {
			if err := read(it); err != nil {
				return nil, err
			}
		}
		return out.LastEvaluatedKey, nil
	})
}

// update changes one item if condition holds. Otherwise done is false and is is the item that stood in the
// way, nil when it was its absence; "" is no condition. Attribute names begin with # and are spelled out in full, because
// owner, until and others are reserved words.
func (s *State) update(ctx context.Context, key item, change, condition string, names map[string]string, values item) (is item, done bool, err error) {
	in := &dynamodb.UpdateItemInput{
		TableName: &s.Table, Key: key, UpdateExpression: &change,
		ExpressionAttributeNames: names, ExpressionAttributeValues: values,
		ReturnValues:                        types.ReturnValueAllNew,
		ReturnValuesOnConditionCheckFailure: types.ReturnValuesOnConditionCheckFailureAllOld,
	}
	if condition != "" {
		in.ConditionExpression = &condition
	}
	out, err := s.client().UpdateItem(ctx, in)
	if refused, ok := errors.AsType[*types.ConditionalCheckFailedException](err); ok {
		return refused.Item, false, nil
	}
	if err != nil {
		return nil, false, s.request("UpdateItem", key).failed(err, nil)
	}
	return out.Attributes, true, nil
}

// key makes the primary key of an item.
func key(pk, sk string) item { return item{"pk": text(pk), "sk": text(sk)} }

func text(s string) types.AttributeValue { return &types.AttributeValueMemberS{Value: s} }

func number(n int64) types.AttributeValue {
	return &types.AttributeValueMemberN{Value: strconv.FormatInt(n, 10)}
}

func truth(b bool) types.AttributeValue { return &types.AttributeValueMemberBOOL{Value: b} }

func yes() types.AttributeValue { return truth(true) }

// stringOf is "" for anything but a string.
func stringOf(it item, name string) string {
	if v, ok := it[name].(*types.AttributeValueMemberS); ok {
		return v.Value
	}
	return ""
}

// isTrue is false for anything but a boolean.
func isTrue(it item, name string) bool {
	v, ok := it[name].(*types.AttributeValueMemberBOOL)
	return ok && v.Value
}

// numberOf reads a whole number that must be there.
func numberOf(it item, name string) (int64, error) {
	v, ok := it[name].(*types.AttributeValueMemberN)
	if !ok {
		return 0, fmt.Errorf("attribute %s: want a number (N), found %s", name, kindOf(it[name]))
	}
	n, err := strconv.ParseInt(v.Value, 10, 64)
	if err != nil {
		return 0, fmt.Errorf("attribute %s: want a whole number, found %s", name, v.Value)
	}
	return n, nil
}

// drop deletes an item, whether or not it is there.
func (s *State) drop(ctx context.Context, of item) error {
	if _, err := s.client().DeleteItem(ctx, &dynamodb.DeleteItemInput{TableName: &s.Table, Key: of}); err != nil {
		return s.request("DeleteItem", of).failed(err, nil)
	}
	return nil
}
