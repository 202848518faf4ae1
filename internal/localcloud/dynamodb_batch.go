package localcloud

import (
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
)

// DynamoDB's limits of a batch, in items.
const (
	maxBatchWrite = 25
	maxBatchGet   = 100
)

// batchWriteItem puts and deletes items, each by itself. It checks all of them before it changes any.
func (d *dynamoState) batchWriteItem(c *call, in *dynamodb.BatchWriteItemInput) (*dynamodb.BatchWriteItemOutput, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	var writes []*write
	for _, name := range sortedKeys(in.RequestItems) {
		t, err := d.table(c, &name)
		if err != nil {
			return nil, err
		}
		for _, r := range in.RequestItems[name] {
			w, err := t.batchWrite(r)
			if err != nil {
				return nil, err
			}
			writes = append(writes, w)
		}
	}
	if len(writes) == 0 || len(writes) > maxBatchWrite {
		return nil, invalidf("1 validation error detected: Value at 'requestItems' failed to satisfy constraint: Map value must satisfy constraint: [Member must have length less than or equal to %d, Member must have length greater than or equal to 1]", maxBatchWrite)
	}
	if !distinct(writes) {
		return nil, invalidf("Provided list of item keys contains duplicates")
	}
	outcomes := make([]outcome, len(writes))
	for i, w := range writes {
		var err error
		if outcomes[i], err = w.try(); err != nil {
			return nil, err
		}
	}
	if err := commitAll(writes, outcomes); err != nil {
		return nil, err
	}
	return &dynamodb.BatchWriteItemOutput{UnprocessedItems: map[string][]types.WriteRequest{}}, nil
}

func (t *table) batchWrite(r types.WriteRequest) (*write, error) {
	switch {
	case (r.PutRequest == nil) == (r.DeleteRequest == nil):
		return nil, invalidf("Supplied AttributeValue has more than one datatypes set, must contain exactly one of PutRequest and DeleteRequest")
	case r.PutRequest != nil:
		return t.putWrite(r.PutRequest.Item, nil, nil)
	}
	return t.deleteWrite(r.DeleteRequest.Key, nil, nil)
}

// distinct reports whether no two writes are about one item.
func distinct(writes []*write) bool {
	type target struct {
		table *table
		key   string
	}
	seen := map[target]bool{}
	for _, w := range writes {
		seen[target{w.table, w.key}] = true
	}
	return len(seen) == len(writes)
}

func (d *dynamoState) batchGetItem(c *call, in *dynamodb.BatchGetItemInput) (*dynamodb.BatchGetItemOutput, error) {
	count := 0
	for _, r := range in.RequestItems {
		count += len(r.Keys)
	}
	if count > maxBatchGet {
		return nil, invalidf("Too many items requested for the BatchGetItem call")
	}
	if count == 0 {
		return nil, invalidf("1 validation error detected: Value at 'requestItems' failed to satisfy constraint: Member must have length greater than or equal to 1")
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	out := &dynamodb.BatchGetItemOutput{Responses: map[string][]attributes{}, UnprocessedKeys: map[string]types.KeysAndAttributes{}}
	for _, name := range sortedKeys(in.RequestItems) {
		t, err := d.table(c, &name)
		if err != nil {
			return nil, err
		}
		if out.Responses[name], err = t.batchGet(in.RequestItems[name]); err != nil {
			return nil, err
		}
	}
	return out, nil
}

func (t *table) batchGet(r types.KeysAndAttributes) ([]attributes, error) {
	if err := refuseLegacy(r.AttributesToGet != nil); err != nil {
		return nil, err
	}
	x, err := newExpressions(r.ExpressionAttributeNames, nil, r.ProjectionExpression != nil)
	if err != nil {
		return nil, err
	}
	paths, err := x.projection(r.ProjectionExpression)
	if err == nil {
		err = x.unused()
	}
	if err != nil {
		return nil, err
	}
	found, seen := []attributes{}, map[string]bool{}
	for _, k := range r.Keys {
		key, _, err := t.keyOf(k)
		if err != nil {
			return nil, err
		}
		if seen[key] {
			return nil, invalidf("Provided list of item keys contains duplicates")
		}
		seen[key] = true
		if item := t.get(key); item != nil {
			found = append(found, project(item, paths))
		}
	}
	return found, nil
}
