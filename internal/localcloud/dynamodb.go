package localcloud

import (
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/schemas"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/google/uuid"
)

// place is where a resource lives.
type place struct{ account, region string }

func (c *call) place() place { return place{c.account, c.region} }

// dynamoState is DynamoDB. Tables are ACTIVE as soon as they are made, indexes do not exist, and items
// whose time to live has passed stay: AWS, too, may leave them for days.
type dynamoState struct {
	mu     sync.Mutex
	tables map[place]map[string]*table
	tokens map[string]transaction // by ClientRequestToken
	oldest []string               // keys of tokens, by age
}

func dynamodbService(c *Cloud) service {
	d := &c.dynamo
	return service{
		name: "dynamodb", target: "DynamoDB_20120810", version: "1.0",
		schema: schemas.DynamoDB_20120810, errors: dynamodb.TypeRegistry, unions: attributeUnions(),
		ops: map[string]operation{
			"CreateTable":        handle(schemas.CreateTableInput, schemas.CreateTableOutput, d.createTable),
			"DescribeTable":      handle(schemas.DescribeTableInput, schemas.DescribeTableOutput, d.describeTable),
			"ListTables":         handle(schemas.ListTablesInput, schemas.ListTablesOutput, d.listTables),
			"DeleteTable":        handle(schemas.DeleteTableInput, schemas.DeleteTableOutput, d.deleteTable),
			"UpdateTable":        handle(schemas.UpdateTableInput, schemas.UpdateTableOutput, d.updateTable),
			"UpdateTimeToLive":   handle(schemas.UpdateTimeToLiveInput, schemas.UpdateTimeToLiveOutput, d.updateTimeToLive),
			"DescribeTimeToLive": handle(schemas.DescribeTimeToLiveInput, schemas.DescribeTimeToLiveOutput, d.describeTimeToLive),
			"PutItem":            handle(schemas.PutItemInput, schemas.PutItemOutput, d.putItem),
			"GetItem":            handle(schemas.GetItemInput, schemas.GetItemOutput, d.getItem),
			"UpdateItem":         handle(schemas.UpdateItemInput, schemas.UpdateItemOutput, d.updateItem),
			"DeleteItem":         handle(schemas.DeleteItemInput, schemas.DeleteItemOutput, d.deleteItem),
			"Query":              handle(schemas.QueryInput, schemas.QueryOutput, d.query),
			"Scan":               handle(schemas.ScanInput, schemas.ScanOutput, d.scan),
			"BatchGetItem":       handle(schemas.BatchGetItemInput, schemas.BatchGetItemOutput, d.batchGetItem),
			"BatchWriteItem":     handle(schemas.BatchWriteItemInput, schemas.BatchWriteItemOutput, d.batchWriteItem),
			"TransactWriteItems": handle(schemas.TransactWriteItemsInput, schemas.TransactWriteItemsOutput, d.transactWriteItems),
		},
	}
}

func attributeUnions() []any {
	return []any{
		(*types.AttributeValueMemberB)(nil), (*types.AttributeValueMemberBOOL)(nil), (*types.AttributeValueMemberBS)(nil),
		(*types.AttributeValueMemberL)(nil), (*types.AttributeValueMemberM)(nil), (*types.AttributeValueMemberN)(nil),
		(*types.AttributeValueMemberNS)(nil), (*types.AttributeValueMemberNULL)(nil), (*types.AttributeValueMemberS)(nil),
		(*types.AttributeValueMemberSS)(nil),
	}
}

func invalidf(format string, args ...any) *apiError {
	return errf(400, "ValidationException", format, args...)
}

var tableName = whole(`[a-zA-Z0-9_.-]{3,255}`)

// table finds a table by its name or ARN. The caller holds d.mu.
func (d *dynamoState) table(c *call, name *string) (*table, error) {
	plain := aws.ToString(name)
	if rest, ok := strings.CutPrefix(plain, "arn:aws:dynamodb:"+c.region+":"+c.account+":table/"); ok {
		plain = rest
	}
	if !tableName.MatchString(plain) {
		return nil, invalidf("Invalid table/index name. Table/index names must be between 3 and 255 characters long, and may contain only the characters a-z, A-Z, 0-9, '_', '-', and '.'")
	}
	t := d.tables[c.place()][plain]
	if t == nil {
		return nil, errf(400, "ResourceNotFoundException", "Requested resource not found: Table: %s not found", plain)
	}
	return t, nil
}

func (d *dynamoState) createTable(c *call, in *dynamodb.CreateTableInput) (*dynamodb.CreateTableOutput, error) {
	name := aws.ToString(in.TableName)
	if !tableName.MatchString(name) {
		return nil, invalidf("TableName must be at least 3 characters long and at most 255 characters long, of a-z, A-Z, 0-9, '_', '-', and '.'")
	}
	t, err := newTable(in)
	if err != nil {
		return nil, err
	}
	t.begin(c.place(), name, c.now)
	if s := in.StreamSpecification; s != nil && aws.ToBool(s.StreamEnabled) {
		if err := t.switchStream(c, s); err != nil {
			return nil, err
		}
	}
	if err := d.enter(c.place(), t); err != nil {
		return nil, err
	}
	return &dynamodb.CreateTableOutput{TableDescription: t.describe()}, nil
}

// begin gives a new table its name.
func (t *table) begin(at place, name string, now time.Time) {
	t.name, t.created, t.id = name, now, uuid.NewString()
	t.arn = "arn:aws:dynamodb:" + at.region + ":" + at.account + ":table/" + name
}

// enter makes a table one that requests find.
func (d *dynamoState) enter(at place, t *table) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.tables[at][t.name] != nil {
		return errf(400, "ResourceInUseException", "Table already exists: %s", t.name)
	}
	if d.tables == nil {
		d.tables = map[place]map[string]*table{}
	}
	if d.tables[at] == nil {
		d.tables[at] = map[string]*table{}
	}
	d.tables[at][t.name] = t
	return nil
}

func newTable(in *dynamodb.CreateTableInput) (*table, error) {
	if in.GlobalSecondaryIndexes != nil || in.LocalSecondaryIndexes != nil || in.VectorIndexes != nil {
		return nil, invalidf("the local cloud's tables have no indexes")
	}
	t := &table{billing: in.BillingMode, protected: aws.ToBool(in.DeletionProtectionEnabled)}
	if err := t.setKeys(in.KeySchema, in.AttributeDefinitions); err != nil {
		return nil, err
	}
	if err := t.setBilling(in.ProvisionedThroughput); err != nil {
		return nil, err
	}
	return t, nil
}

func (t *table) setBilling(p *types.ProvisionedThroughput) error {
	switch t.billing {
	case types.BillingModePayPerRequest:
		if p != nil {
			return invalidf("One or more parameter values were invalid: Neither ReadCapacityUnits nor WriteCapacityUnits can be specified when BillingMode is PAY_PER_REQUEST")
		}
	case "", types.BillingModeProvisioned:
		t.billing = types.BillingModeProvisioned
		if p == nil {
			return invalidf("One or more parameter values were invalid: ReadCapacityUnits and WriteCapacityUnits must both be specified when BillingMode is PROVISIONED")
		}
		t.read, t.write = aws.ToInt64(p.ReadCapacityUnits), aws.ToInt64(p.WriteCapacityUnits)
	default:
		return invalidf("1 validation error detected: Value '%s' at 'billingMode' failed to satisfy constraint: Member must satisfy enum value set: [PROVISIONED, PAY_PER_REQUEST]", t.billing)
	}
	return nil
}

func (t *table) setKeys(schema []types.KeySchemaElement, defined []types.AttributeDefinition) error {
	kinds := map[string]string{}
	for _, a := range defined {
		kinds[aws.ToString(a.AttributeName)] = string(a.AttributeType)
		if !slices.Contains(a.AttributeType.Values(), a.AttributeType) {
			return invalidf("1 validation error detected: Value '%s' at 'attributeDefinitions.1.member.attributeType' failed to satisfy constraint: Member must satisfy enum value set: [B, N, S]", a.AttributeType)
		}
	}
	if len(schema) < 1 || len(schema) > 2 {
		return invalidf("1 validation error detected: Value at 'keySchema' failed to satisfy constraint: Member must have length between 1 and 2")
	}
	for i, k := range schema {
		want := []types.KeyType{types.KeyTypeHash, types.KeyTypeRange}[i]
		if k.KeyType != want {
			return invalidf("Invalid KeySchema: element %d is not a %s key type", i+1, want)
		}
		name := aws.ToString(k.AttributeName)
		if kinds[name] == "" {
			return invalidf("One or more parameter values were invalid: Some index key attributes are not defined in AttributeDefinitions. Keys: [%s], AttributeDefinitions: %v", name, sortedKeys(kinds))
		}
		if i == 0 {
			t.hash = keyAttribute{name, kinds[name]}
		} else {
			t.sort = keyAttribute{name, kinds[name]}
		}
	}
	if t.hash.name == t.sort.name {
		return invalidf("Both the Hash Key and the Range Key element in the KeySchema have the same name")
	}
	if len(kinds) != len(schema) {
		return invalidf("One or more parameter values were invalid: Number of attributes in KeySchema does not exactly match number of attributes defined in AttributeDefinitions")
	}
	return nil
}

func (t *table) describe() *types.TableDescription {
	d := &types.TableDescription{
		TableName: &t.name, TableArn: &t.arn, TableId: &t.id, TableStatus: types.TableStatusActive, CreationDateTime: &t.created,
		ItemCount: aws.Int64(int64(t.items.count)), TableSizeBytes: aws.Int64(int64(t.bytes)), DeletionProtectionEnabled: &t.protected,
		ProvisionedThroughput: &types.ProvisionedThroughputDescription{
			ReadCapacityUnits: &t.read, WriteCapacityUnits: &t.write, NumberOfDecreasesToday: aws.Int64(0),
		},
	}
	if t.billing == types.BillingModePayPerRequest {
		d.BillingModeSummary = &types.BillingModeSummary{BillingMode: t.billing, LastUpdateToPayPerRequestDateTime: &t.created}
	}
	for i, k := range t.keys() {
		kind := []types.KeyType{types.KeyTypeHash, types.KeyTypeRange}[i]
		d.KeySchema = append(d.KeySchema, types.KeySchemaElement{AttributeName: aws.String(k.name), KeyType: kind})
		d.AttributeDefinitions = append(d.AttributeDefinitions,
			types.AttributeDefinition{AttributeName: aws.String(k.name), AttributeType: types.ScalarAttributeType(k.kind)})
	}
	t.stream.describe(d)
	return d
}

func (d *dynamoState) describeTable(c *call, in *dynamodb.DescribeTableInput) (*dynamodb.DescribeTableOutput, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	t, err := d.table(c, in.TableName)
	if err != nil {
		return nil, err
	}
	return &dynamodb.DescribeTableOutput{Table: t.describe()}, nil
}

func (d *dynamoState) listTables(c *call, in *dynamodb.ListTablesInput) (*dynamodb.ListTablesOutput, error) {
	limit := 100
	if in.Limit != nil {
		limit = int(*in.Limit)
	}
	if limit < 1 || limit > 100 {
		return nil, invalidf("1 validation error detected: Value '%d' at 'limit' failed to satisfy constraint: Member must have value between 1 and 100", limit)
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	names := slices.AppendSeq([]string{}, maps.Keys(d.tables[c.place()]))
	slices.Sort(names)
	if in.ExclusiveStartTableName != nil {
		names = slices.DeleteFunc(names, func(n string) bool { return n <= *in.ExclusiveStartTableName })
	}
	out := &dynamodb.ListTablesOutput{TableNames: names}
	if len(names) > limit {
		out.TableNames, out.LastEvaluatedTableName = names[:limit], &names[limit-1]
	}
	return out, nil
}

func (d *dynamoState) deleteTable(c *call, in *dynamodb.DeleteTableInput) (*dynamodb.DeleteTableOutput, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	t, err := d.table(c, in.TableName)
	if err != nil {
		return nil, err
	}
	if t.protected {
		return nil, invalidf("Resource cannot be deleted as it is currently protected against deletion. Disable deletion protection first.")
	}
	if t.kept != nil {
		return nil, invalidf("the table is kept in the file %s; take that away when nobody uses it", t.kept.path)
	}
	delete(d.tables[c.place()], t.name)
	if t.stream != nil {
		t.stream.close()
	}
	out := t.describe()
	out.TableStatus = types.TableStatusDeleting
	return &dynamodb.DeleteTableOutput{TableDescription: out}, nil
}
