package localcloud

import (
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/schemas"
)

func (d *dynamoState) scan(c *call, in *dynamodb.ScanInput) (*padded, error) {
	if err := refuseLegacy(in.AttributesToGet != nil, in.ScanFilter != nil, in.ConditionalOperator != ""); err != nil {
		return nil, err
	}
	if in.IndexName != nil {
		return nil, invalidf("The table does not have the specified index: %s", *in.IndexName)
	}
	x, err := newExpressions(in.ExpressionAttributeNames, in.ExpressionAttributeValues, in.FilterExpression != nil || in.ProjectionExpression != nil)
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
	if err == nil {
		err = x.unused()
	}
	if err != nil {
		return nil, err
	}
	low, high, err := t.scanBounds(in)
	if err != nil {
		return nil, err
	}
	p := r.read(t, t.items.from(low, high))
	out := &dynamodb.ScanOutput{
		Items: p.items, Count: p.count, ScannedCount: p.scanned, LastEvaluatedKey: p.last,
		ConsumedCapacity: consumed(in.ReturnConsumedCapacity, in.TableName, readUnits(p.bytes, in.ConsistentRead)),
	}
	return pad(schemas.ScanOutput, out, zeroCount(schemas.ScanOutput_Count, p.count), zeroCount(schemas.ScanOutput_ScannedCount, p.scanned)), nil
}

// scanBounds cuts the table into segments by the first two bytes of the partition key's hash.
func (t *table) scanBounds(in *dynamodb.ScanInput) (low, high string, err error) {
	segment, total := int(aws.ToInt32(in.Segment)), int(aws.ToInt32(in.TotalSegments))
	switch {
	case (in.Segment == nil) != (in.TotalSegments == nil):
		return "", "", invalidf("The TotalSegments parameter is required but was not present in the request when Segment parameter is present")
	case in.TotalSegments != nil && (total < 1 || total > 65536 || segment < 0 || segment >= total):
		return "", "", invalidf("The Segment parameter is zero-based and must be less than parameter TotalSegments: Segment: %d is not less than TotalSegments: %d", segment, total)
	case total > 1:
		low, high = segmentStart(segment, total), segmentStart(segment+1, total)
	}
	if in.ExclusiveStartKey == nil {
		return low, high, nil
	}
	start, _, err := t.keyOf(in.ExclusiveStartKey)
	if err != nil || start < low || high != "" && start >= high {
		return "", "", invalidf("The provided starting key is invalid")
	}
	return start + "\x00", high, nil
}

func segmentStart(segment, total int) string {
	n := segment * 65536 / total
	if n >= 65536 || n == 0 {
		return ""
	}
	return string([]byte{byte(n >> 8), byte(n)})
}
