package localcloud

import (
	"errors"
	"reflect"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
)

// maxTransaction is how many items a transaction may write, and tokenLife how long DynamoDB remembers its token.
const (
	maxTransaction = 100
	tokenLife      = 10 * time.Minute
)

// transaction is a finished TransactWriteItems call: with its token again, it is not done a second time.
type transaction struct {
	items []types.TransactWriteItem
	done  time.Time
}

// transactWriteItems writes all items or none. When any cannot be written, the error carries one
// cancellation reason per item, in their order.
func (d *dynamoState) transactWriteItems(c *call, in *dynamodb.TransactWriteItemsInput) (*dynamodb.TransactWriteItemsOutput, error) {
	if n := len(in.TransactItems); n < 1 || n > maxTransaction {
		return nil, invalidf("1 validation error detected: Value at 'transactItems' failed to satisfy constraint: Member must have length between 1 and %d", maxTransaction)
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if done, err := d.repeated(c, in); done || err != nil {
		return &dynamodb.TransactWriteItemsOutput{}, err
	}
	writes := make([]*write, len(in.TransactItems))
	for i, item := range in.TransactItems {
		w, err := d.transactWrite(c, item)
		if err != nil {
			return nil, err
		}
		writes[i] = w
	}
	if !distinct(writes) {
		return nil, invalidf("Transaction request cannot include multiple operations on one item")
	}
	outcomes, err := tryAll(writes)
	if err != nil {
		return nil, err
	}
	if err := commitAll(writes, outcomes); err != nil {
		return nil, err
	}
	d.remember(c, in)
	return &dynamodb.TransactWriteItemsOutput{}, nil
}

func (d *dynamoState) repeated(c *call, in *dynamodb.TransactWriteItemsInput) (bool, error) {
	for len(d.oldest) > 0 && c.now.Sub(d.tokens[d.oldest[0]].done) > tokenLife {
		delete(d.tokens, d.oldest[0])
		d.oldest = d.oldest[1:]
	}
	t, ok := d.tokens[c.tokenKey(in)]
	if !ok || in.ClientRequestToken == nil {
		return false, nil
	}
	if !reflect.DeepEqual(t.items, in.TransactItems) {
		return false, errf(400, "IdempotentParameterMismatchException", "The request uses the same client token as a previous, but non-identical request")
	}
	return true, nil
}

func (d *dynamoState) remember(c *call, in *dynamodb.TransactWriteItemsInput) {
	if d.tokens == nil {
		d.tokens = map[string]transaction{}
	}
	if in.ClientRequestToken != nil {
		d.tokens[c.tokenKey(in)] = transaction{in.TransactItems, c.now}
		d.oldest = append(d.oldest, c.tokenKey(in))
	}
}

func (c *call) tokenKey(in *dynamodb.TransactWriteItemsInput) string {
	return c.account + "/" + c.region + "/" + aws.ToString(in.ClientRequestToken)
}

func (d *dynamoState) transactWrite(c *call, item types.TransactWriteItem) (*write, error) {
	v := reflect.ValueOf(item)
	given := 0
	for _, name := range []string{"Put", "Update", "Delete", "ConditionCheck"} {
		if !v.FieldByName(name).IsNil() {
			given++
		}
	}
	if given != 1 {
		return nil, invalidf("TransactItems can only contain one of Check, Put, Update or Delete")
	}
	switch {
	case item.Put != nil:
		p := item.Put
		return d.transactPart(c, p.TableName, placeholders{p.ExpressionAttributeNames, p.ExpressionAttributeValues, p.ConditionExpression != nil},
			p.ReturnValuesOnConditionCheckFailure, func(t *table, x *expressions) (*write, error) { return t.putWrite(p.Item, x, p.ConditionExpression) })
	case item.Delete != nil:
		p := item.Delete
		return d.transactPart(c, p.TableName, placeholders{p.ExpressionAttributeNames, p.ExpressionAttributeValues, p.ConditionExpression != nil},
			p.ReturnValuesOnConditionCheckFailure, func(t *table, x *expressions) (*write, error) { return t.deleteWrite(p.Key, x, p.ConditionExpression) })
	case item.ConditionCheck != nil:
		p := item.ConditionCheck
		return d.transactPart(c, p.TableName, placeholders{p.ExpressionAttributeNames, p.ExpressionAttributeValues, true},
			p.ReturnValuesOnConditionCheckFailure, func(t *table, x *expressions) (*write, error) { return t.checkWrite(p.Key, x, p.ConditionExpression) })
	}
	p := item.Update
	return d.transactPart(c, p.TableName, placeholders{p.ExpressionAttributeNames, p.ExpressionAttributeValues, true},
		p.ReturnValuesOnConditionCheckFailure, func(t *table, x *expressions) (*write, error) {
			w, _, err := t.updateWrite(p.Key, x, p.UpdateExpression, p.ConditionExpression)
			return w, err
		})
}

func (d *dynamoState) transactPart(c *call, name *string, ph placeholders, onFail types.ReturnValuesOnConditionCheckFailure, build func(*table, *expressions) (*write, error)) (*write, error) {
	t, err := d.table(c, name)
	if err != nil {
		return nil, err
	}
	x, err := newExpressions(ph.names, ph.values, ph.present)
	if err != nil {
		return nil, err
	}
	w, err := build(t, x)
	if err == nil {
		err = x.unused()
	}
	if err != nil {
		return nil, err
	}
	w.onFail = onFail
	return w, nil
}

// tryAll works every write out; what fails becomes the reasons of a TransactionCanceledException.
func tryAll(writes []*write) ([]outcome, error) {
	outcomes := make([]outcome, len(writes))
	reasons, codes, failed := make([]any, len(writes)), make([]string, len(writes)), false
	for i, w := range writes {
		o, err := w.try()
		outcomes[i], codes[i] = o, "None"
		reason := map[string]any{"Code": "None"}
		if e, ok := errors.AsType[*apiError](err); ok {
			failed = true
			codes[i] = strings.TrimSuffix(strings.Replace(e.Code, "ValidationException", "ValidationError", 1), "Exception")
			reason = map[string]any{"Code": codes[i], "Message": e.Message}
			if item, ok := e.Members["Item"]; ok {
				reason["Item"] = item
			}
		}
		reasons[i] = reason
	}
	if !failed {
		return outcomes, nil
	}
	return nil, errf(400, "TransactionCanceledException", "Transaction cancelled, please refer cancellation reasons for specific reasons [%s]", strings.Join(codes, ", ")).
		with("CancellationReasons", reasons)
}
