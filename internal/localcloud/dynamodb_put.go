package localcloud

import (
	"slices"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
)

func (d *dynamoState) putItem(c *call, in *dynamodb.PutItemInput) (*dynamodb.PutItemOutput, error) {
	if err := refuseLegacy(in.Expected != nil, in.ConditionalOperator != ""); err != nil {
		return nil, err
	}
	o, err := d.write(c, in.TableName, in.ReturnValues, placeholders{in.ExpressionAttributeNames, in.ExpressionAttributeValues, in.ConditionExpression != nil},
		in.ReturnValuesOnConditionCheckFailure, func(t *table, x *expressions) (*write, error) { return t.putWrite(in.Item, x, in.ConditionExpression) })
	if err != nil {
		return nil, err
	}
	return &dynamodb.PutItemOutput{Attributes: oldImage(o, in.ReturnValues), ConsumedCapacity: consumed(in.ReturnConsumedCapacity, in.TableName, writeUnits(o))}, nil
}

func (d *dynamoState) deleteItem(c *call, in *dynamodb.DeleteItemInput) (*dynamodb.DeleteItemOutput, error) {
	if err := refuseLegacy(in.Expected != nil, in.ConditionalOperator != ""); err != nil {
		return nil, err
	}
	o, err := d.write(c, in.TableName, in.ReturnValues, placeholders{in.ExpressionAttributeNames, in.ExpressionAttributeValues, in.ConditionExpression != nil},
		in.ReturnValuesOnConditionCheckFailure, func(t *table, x *expressions) (*write, error) {
			return t.deleteWrite(in.Key, x, in.ConditionExpression)
		})
	if err != nil {
		return nil, err
	}
	return &dynamodb.DeleteItemOutput{Attributes: oldImage(o, in.ReturnValues), ConsumedCapacity: consumed(in.ReturnConsumedCapacity, in.TableName, writeUnits(o))}, nil
}

// placeholders are what a request brings for its expressions; present says whether it has any expression.
type placeholders struct {
	names   map[string]string
	values  attributes
	present bool
}

func oldImage(o outcome, back types.ReturnValue) attributes {
	if back == types.ReturnValueAllOld {
		return o.old
	}
	return nil
}

func (d *dynamoState) updateItem(c *call, in *dynamodb.UpdateItemInput) (*dynamodb.UpdateItemOutput, error) {
	if err := refuseLegacy(in.Expected != nil, in.AttributeUpdates != nil, in.ConditionalOperator != ""); err != nil {
		return nil, err
	}
	if in.ReturnValues != "" && !slices.Contains(in.ReturnValues.Values(), in.ReturnValues) {
		return nil, invalidf("Return values set to invalid value")
	}
	x, err := newExpressions(in.ExpressionAttributeNames, in.ExpressionAttributeValues, in.ConditionExpression != nil || in.UpdateExpression != nil)
	if err != nil {
		return nil, err
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	t, err := d.table(c, in.TableName)
	if err != nil {
		return nil, err
	}
	w, u, err := t.updateWrite(in.Key, x, in.UpdateExpression, in.ConditionExpression)
	if err != nil {
		return nil, err
	}
	if err := x.unused(); err != nil {
		return nil, err
	}
	w.onFail = in.ReturnValuesOnConditionCheckFailure
	o, err := w.do()
	if err != nil {
		return nil, err
	}
	return &dynamodb.UpdateItemOutput{
		Attributes:       image(o, u, in.ReturnValues),
		ConsumedCapacity: consumed(in.ReturnConsumedCapacity, in.TableName, writeUnits(o)),
	}, nil
}

// image is what UpdateItem returns of the item: all of it, or what the update names, before or after.
func image(o outcome, u *update, back types.ReturnValue) attributes {
	var touched []path
	if u != nil {
		touched = u.paths()
	}
	switch back {
	case types.ReturnValueAllOld:
		return o.old
	case types.ReturnValueAllNew:
		return o.new
	case types.ReturnValueUpdatedOld:
		return projectSome(o.old, touched)
	case types.ReturnValueUpdatedNew:
		return projectSome(o.new, touched)
	}
	return nil
}

func projectSome(item attributes, paths []path) attributes {
	if len(paths) == 0 {
		return nil
	}
	if out := project(item, paths); len(out) > 0 {
		return out
	}
	return nil
}

// consumed is the ConsumedCapacity a request asked for.
func consumed(want types.ReturnConsumedCapacity, table *string, units float64) *types.ConsumedCapacity {
	if want == "" || want == types.ReturnConsumedCapacityNone {
		return nil
	}
	return &types.ConsumedCapacity{TableName: table, CapacityUnits: aws.Float64(units)}
}

func writeUnits(o outcome) float64 {
	return float64(max(1, (max(itemSize(o.old), itemSize(o.new))+1023)/1024))
}

// readUnits counts 4 KB steps, half of them for an eventually consistent read.
func readUnits(bytes int, consistent *bool) float64 {
	units := float64(max(1, (bytes+4095)/4096))
	if !aws.ToBool(consistent) {
		units /= 2
	}
	return units
}

// refuseLegacy refuses the parameters that expressions replaced in 2014.
func refuseLegacy(present ...bool) error {
	if slices.Contains(present, true) {
		return invalidf("the local cloud takes expressions only, not the legacy conditional parameters")
	}
	return nil
}
