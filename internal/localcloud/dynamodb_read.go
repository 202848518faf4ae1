package localcloud

import (
	"iter"
	"slices"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/schemas"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
)

func (d *dynamoState) getItem(c *call, in *dynamodb.GetItemInput) (*dynamodb.GetItemOutput, error) {
	if err := refuseLegacy(in.AttributesToGet != nil); err != nil {
		return nil, err
	}
	x, err := newExpressions(in.ExpressionAttributeNames, nil, in.ProjectionExpression != nil)
	if err != nil {
		return nil, err
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	t, err := d.table(c, in.TableName)
	if err != nil {
		return nil, err
	}
	key, _, err := t.keyOf(in.Key)
	if err != nil {
		return nil, err
	}
	paths, err := x.projection(in.ProjectionExpression)
	if err == nil {
		err = x.unused()
	}
	if err != nil {
		return nil, err
	}
	item := t.get(key)
	return &dynamodb.GetItemOutput{
		Item:             project(item, paths),
		ConsumedCapacity: consumed(in.ReturnConsumedCapacity, in.TableName, readUnits(itemSize(item), in.ConsistentRead)),
	}, nil
}

// A page is one answer of Query or Scan.
type page struct {
	items   []attributes
	count   int32
	scanned int32
	last    attributes
	bytes   int
}

// pageRequest says which of a run of items are wanted, and in what form.
type pageRequest struct {
	limit     *int32
	filter    *condition
	paths     []path
	countOnly bool
}

// read takes items until the limit or 1 MB is reached; both count items before the filter, as in AWS.
func (r pageRequest) read(t *table, run iter.Seq2[string, attributes]) page {
	var p page
	var last attributes
	if !r.countOnly {
		p.items = []attributes{}
	}
	for _, item := range run {
		size := itemSize(item)
		if p.scanned > 0 && p.bytes+size > maxPage {
			p.last = t.keyAttributes(last)
			return p
		}
		p.scanned, p.bytes, last = p.scanned+1, p.bytes+size, item
		if r.filter.holds(item) {
			p.count++
			if !r.countOnly {
				p.items = append(p.items, project(item, r.paths))
			}
		}
		if r.limit != nil && p.scanned == *r.limit {
			p.last = t.keyAttributes(last)
			return p
		}
	}
	return p
}

// selection checks Select and Limit.
func selection(kind types.Select, limit *int32, projected bool) (countOnly bool, err error) {
	switch {
	case limit != nil && *limit < 1:
		return false, invalidf("1 validation error detected: Value '%d' at 'limit' failed to satisfy constraint: Member must have value greater than or equal to 1", *limit)
	case kind != "" && !slices.Contains(kind.Values(), kind):
		return false, invalidf("1 validation error detected: Value '%s' at 'select' failed to satisfy constraint: Member must satisfy enum value set", kind)
	case kind == types.SelectAllProjectedAttributes:
		return false, invalidf("One or more parameter values were invalid: Select type ALL_PROJECTED_ATTRIBUTES is not supported for the primary index")
	case kind == types.SelectSpecificAttributes && !projected:
		return false, invalidf("Must specify the AttributesToGet or ProjectionExpression when choosing to get SPECIFIC_ATTRIBUTES")
	case projected && kind != "" && kind != types.SelectSpecificAttributes:
		return false, invalidf("Cannot specify the ProjectionExpression when choosing to get %s", kind)
	}
	return kind == types.SelectCount, nil
}

// pageRequest parses what Query and Scan have in common.
func (x *expressions) pageRequest(kind types.Select, limit *int32, filter, projection *string) (pageRequest, error) {
	r := pageRequest{limit: limit}
	var err error
	if r.countOnly, err = selection(kind, limit, projection != nil); err != nil {
		return r, err
	}
	if r.filter, err = x.condition("FilterExpression", filter); err != nil {
		return r, err
	}
	r.paths, err = x.projection(projection)
	return r, err
}

func (d *dynamoState) query(c *call, in *dynamodb.QueryInput) (*padded, error) {
	if err := refuseLegacy(in.AttributesToGet != nil, in.KeyConditions != nil, in.QueryFilter != nil, in.ConditionalOperator != ""); err != nil {
		return nil, err
	}
	if in.KeyConditionExpression == nil {
		return nil, invalidf("Either the KeyConditions or KeyConditionExpression parameter must be specified in the request.")
	}
	if in.IndexName != nil {
		return nil, invalidf("The table does not have the specified index: %s", *in.IndexName)
	}
	x, err := newExpressions(in.ExpressionAttributeNames, in.ExpressionAttributeValues, true)
	if err != nil {
		return nil, err
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	t, err := d.table(c, in.TableName)
	if err != nil {
		return nil, err
	}
	r, err := x.pageRequest(in.Select, in.Limit, in.FilterExpression, in.ProjectionExpression)
	if err != nil {
		return nil, err
	}
	if err := t.checkFilter(r.filter); err != nil {
		return nil, err
	}
	run, err := t.queryRun(in, x)
	if err != nil {
		return nil, err
	}
	p := r.read(t, run)
	out := &dynamodb.QueryOutput{
		Items: p.items, Count: p.count, ScannedCount: p.scanned, LastEvaluatedKey: p.last,
		ConsumedCapacity: consumed(in.ReturnConsumedCapacity, in.TableName, readUnits(p.bytes, in.ConsistentRead)),
	}
	return pad(schemas.QueryOutput, out, zeroCount(schemas.QueryOutput_Count, p.count), zeroCount(schemas.QueryOutput_ScannedCount, p.scanned)), nil
}

func (t *table) queryRun(in *dynamodb.QueryInput, x *expressions) (iter.Seq2[string, attributes], error) {
	when, err := x.condition("KeyConditionExpression", in.KeyConditionExpression)
	if err != nil {
		return nil, err
	}
	if err := x.unused(); err != nil {
		return nil, err
	}
	low, high, err := t.bounds(when)
	if err != nil {
		return nil, err
	}
	forward := in.ScanIndexForward == nil || *in.ScanIndexForward
	if in.ExclusiveStartKey != nil {
		start, _, err := t.keyOf(in.ExclusiveStartKey)
		if err != nil {
			return nil, invalidf("The provided starting key is invalid: %v", asAPIError(err).Message)
		}
		if start < low || start >= high {
			return nil, invalidf("The provided starting key is outside query boundaries based on provided conditions")
		}
		if forward {
			low = start + "\x00"
		} else {
			high = start
		}
	}
	if forward {
		return t.items.from(low, high), nil
	}
	return t.items.back(low, high), nil
}

// checkFilter refuses a Query's filter on key attributes.
func (t *table) checkFilter(c *condition) error {
	if c == nil {
		return nil
	}
	for _, o := range c.operands {
		for _, k := range t.keys() {
			if len(o.path) > 0 && o.path[0].name == k.name {
				return invalidf("Filter Expression can only contain non-primary key attributes: Primary key attribute: %s", k.name)
			}
		}
	}
	for _, kid := range c.kids {
		if err := t.checkFilter(kid); err != nil {
			return err
		}
	}
	return nil
}
