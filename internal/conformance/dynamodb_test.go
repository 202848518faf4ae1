package conformance

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"strconv"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
)

type item = map[string]types.AttributeValue

func text(s string) types.AttributeValue { return &types.AttributeValueMemberS{Value: s} }

func number(n int) types.AttributeValue {
	return &types.AttributeValueMemberN{Value: strconv.Itoa(n)}
}

func key(pk, sk string) item { return item{"pk": text(pk), "sk": text(sk)} }

// with adds attributes to an item.
func with(it item, more item) item {
	both := maps.Clone(it)
	maps.Copy(both, more)
	return both
}

// named is a map of attribute names, spelled as #name.
func names(all ...string) map[string]string {
	spelled := map[string]string{}
	for _, name := range all {
		spelled["#"+name] = name
	}
	return spelled
}

// table makes a table as the state's is, and waits until it can be used.
func (c *trial) table() string {
	c.t.Helper()
	name := c.named("state")
	_, err := c.tables().CreateTable(c.ctx(), &dynamodb.CreateTableInput{
		TableName: &name, BillingMode: types.BillingModePayPerRequest, Tags: []types.Tag{{Key: aws.String(ownTag), Value: &c.run}},
		AttributeDefinitions: []types.AttributeDefinition{
			{AttributeName: aws.String("pk"), AttributeType: types.ScalarAttributeTypeS}, {AttributeName: aws.String("sk"), AttributeType: types.ScalarAttributeTypeS},
		},
		KeySchema: []types.KeySchemaElement{{AttributeName: aws.String("pk"), KeyType: types.KeyTypeHash}, {AttributeName: aws.String("sk"), KeyType: types.KeyTypeRange}},
	})
	c.must(err, "making table %s", name)
	c.afterwards("table "+name, func(ctx context.Context) error { return c.removeTable(ctx, name) })
	c.must(c.until("table "+name+" is active", func() (bool, error) {
		is, err := c.tables().DescribeTable(c.ctx(), &dynamodb.DescribeTableInput{TableName: &name})
		return err == nil && is.Table.TableStatus == types.TableStatusActive, err
	}), "waiting")
	return name
}

func (g *target) removeTable(ctx context.Context, name string) error {
	_, err := g.tables().DeleteTable(ctx, &dynamodb.DeleteTableInput{TableName: &name})
	return err
}

func (c *trial) put(table string, it item) error {
	_, err := c.tables().PutItem(c.ctx(), &dynamodb.PutItemInput{TableName: &table, Item: it})
	return err
}

// putIf puts an item under a condition, and asks for what stands in the way.
func (c *trial) putIf(table string, it item, condition string, names map[string]string, values item) error {
	_, err := c.tables().PutItem(c.ctx(), &dynamodb.PutItemInput{
		TableName: &table, Item: it, ConditionExpression: &condition, ExpressionAttributeNames: names, ExpressionAttributeValues: values,
		ReturnValuesOnConditionCheckFailure: types.ReturnValuesOnConditionCheckFailureAllOld,
	})
	return err
}

func (c *trial) change(table string, of item, change, condition string, names map[string]string, values item) (item, error) {
	in := &dynamodb.UpdateItemInput{
		TableName: &table, Key: of, UpdateExpression: &change, ExpressionAttributeNames: names, ExpressionAttributeValues: values,
		ReturnValues: types.ReturnValueAllNew, ReturnValuesOnConditionCheckFailure: types.ReturnValuesOnConditionCheckFailureAllOld,
	}
	if condition != "" {
		in.ConditionExpression = &condition
	}
	out, err := c.tables().UpdateItem(c.ctx(), in)
	if err != nil {
		return nil, err
	}
	return out.Attributes, nil
}

func (c *trial) get(table string, of item) item {
	c.t.Helper()
	out, err := c.tables().GetItem(c.ctx(), &dynamodb.GetItemInput{TableName: &table, Key: of, ConsistentRead: aws.Bool(true)})
	c.must(err, "GetItem")
	return out.Item
}

func stringIn(it item, name string) string {
	if s, ok := it[name].(*types.AttributeValueMemberS); ok {
		return s.Value
	}
	return ""
}

func numberIn(it item, name string) string {
	if n, ok := it[name].(*types.AttributeValueMemberN); ok {
		return n.Value
	}
	return ""
}

const checkFailed = "ConditionalCheckFailedException"

func itemContracts() []contract {
	return []contract{
		{says: "a table that does not exist is ResourceNotFoundException", hold: func(c *trial) {
			c.refused("PutItem", c.put(c.named("none"), key("a", "b")), "ResourceNotFoundException")
		}},
		{says: "an item that is not there is no error, read or deleted", hold: func(c *trial) {
			table := c.table()
			c.want(c.get(table, key("a", "b")) == nil, "GetItem finds something")
			_, err := c.tables().DeleteItem(c.ctx(), &dynamodb.DeleteItemInput{TableName: &table, Key: key("a", "b")})
			c.want(err == nil, "DeleteItem: %s", said(err))
		}},
		{says: "a key may be neither empty nor longer than 2048 and 1024 bytes: ValidationException", hold: func(c *trial) {
			table := c.table()
			c.must(c.put(table, key(strings.Repeat("x", 2048), strings.Repeat("x", 1024))), "keys of 2048 and 1024 bytes")
			c.refused("an empty hash key", c.put(table, key("", "b")), "ValidationException")
			c.refused("an empty sort key", c.put(table, key("a", "")), "ValidationException")
			c.refused("a hash key of 2049 bytes", c.put(table, key(strings.Repeat("x", 2049), "b")), "ValidationException")
			c.refused("a sort key of 1025 bytes", c.put(table, key("a", strings.Repeat("x", 1025))), "ValidationException")
		}},
		{says: "an item has 400 KB at most: ValidationException", hold: func(c *trial) {
			table := c.table()
			c.refused("PutItem", c.put(table, with(key("a", "b"), item{"text": text(strings.Repeat("x", 400<<10))})), "ValidationException")
		}},
		{says: "empty strings, booleans, lists and maps come back as they were put", hold: func(c *trial) {
			table := c.table()
			settings := &types.AttributeValueMemberM{Value: item{"on": &types.AttributeValueMemberBOOL{}, "list": &types.AttributeValueMemberL{Value: []types.AttributeValue{text("a"), number(1)}}, "empty": &types.AttributeValueMemberM{Value: item{}}}}
			c.must(c.put(table, with(key("a", "b"), item{"settings": settings, "note": text("")})), "PutItem")
			it := c.get(table, key("a", "b"))
			got, ok := it["settings"].(*types.AttributeValueMemberM)
			c.want(ok && len(got.Value) == 3, "settings are %v", it["settings"])
			note, ok := it["note"].(*types.AttributeValueMemberS)
			c.want(ok && note.Value == "", "note is %v", it["note"])
		}},
		{says: "numbers lose zeros at their ends, and keep 38 digits", hold: func(c *trial) {
			table := c.table()
			long := strings.Repeat("1", 38)
			c.must(c.put(table, with(key("a", "b"), item{"one": &types.AttributeValueMemberN{Value: "001.00"}, "long": &types.AttributeValueMemberN{Value: long}})), "PutItem")
			it := c.get(table, key("a", "b"))
			c.want(numberIn(it, "one") == "1" && numberIn(it, "long") == long, "001.00 is %s, and 38 digits are %s", numberIn(it, "one"), numberIn(it, "long"))
			c.refused("39 digits", c.put(table, with(key("a", "b"), item{"long": &types.AttributeValueMemberN{Value: strings.Repeat("1", 39)}})), "ValidationException")
		}},
		{says: "a batch puts and deletes 25 items at most, and none twice: ValidationException", hold: func(c *trial) {
			table := c.table()
			c.must(c.batch(table, 25, false), "25 items")
			c.refused("26 items", c.batch(table, 26, false), "ValidationException")
			c.refused("an item twice", c.batch(table, 2, true), "ValidationException")
		}},
		{says: "a table's TTL attribute can be switched on", hold: func(c *trial) {
			table := c.table()
			_, err := c.tables().UpdateTimeToLive(c.ctx(), &dynamodb.UpdateTimeToLiveInput{TableName: &table, TimeToLiveSpecification: &types.TimeToLiveSpecification{AttributeName: aws.String("expires"), Enabled: aws.Bool(true)}})
			c.want(err == nil, "UpdateTimeToLive: %s", said(err))
		}},
	}
}

func (c *trial) batch(table string, n int, same bool) error {
	var writes []types.WriteRequest
	for i := range n {
		if same {
			i = 0
		}
		writes = append(writes, types.WriteRequest{PutRequest: &types.PutRequest{Item: key("batch", fmt.Sprint(i))}})
	}
	_, err := c.tables().BatchWriteItem(c.ctx(), &dynamodb.BatchWriteItemInput{RequestItems: map[string][]types.WriteRequest{table: writes}})
	return err
}

// inTheWay is the item that a failed condition shows.
func inTheWay(err error) item {
	if refused, ok := errors.AsType[*types.ConditionalCheckFailedException](err); ok {
		return refused.Item
	}
	return nil
}

func conditionContracts() []contract {
	return []contract{
		{says: "a put whose condition fails is ConditionalCheckFailedException, and shows the item that is there", hold: func(c *trial) {
			table := c.table()
			c.must(c.put(table, with(key("a", "b"), item{"owner": text("first")})), "PutItem")
			err := c.putIf(table, with(key("a", "b"), item{"owner": text("second")}), "attribute_not_exists(#pk)", names("pk"), nil)
			c.refused("PutItem", err, checkFailed)
			c.want(stringIn(inTheWay(err), "owner") == "first", "the item shown is %v", inTheWay(err))
			c.want(stringIn(c.get(table, key("a", "b")), "owner") == "first", "it was written over")
		}},
		{says: "a lease is taken when it is free, over or the owner's, and by nobody else", hold: func(c *trial) {
			table := c.table()
			take := func(owner string, now, until int) error {
				_, err := c.change(table, key("lease", "lease"), "SET #owner = :owner, #until = :until", "attribute_not_exists(#pk) OR #until <= :now OR #owner = :owner",
					names("pk", "owner", "until"), item{":owner": text(owner), ":now": number(now), ":until": number(until)})
				return err
			}
			c.must(take("a", 100, 190), "a free lease")
			c.must(take("a", 110, 200), "the owner's again")
			c.refused("somebody else's", take("b", 199, 300), checkFailed)
			c.must(take("b", 200, 300), "one that is over")
		}},
		{says: "an update adds to a number beside setting others, and answers with the new item", hold: func(c *trial) {
			table := c.table()
			for want := range 2 {
				is, err := c.change(table, key("look", "look"), "SET #due = :due ADD #sequence :one", "", names("due", "sequence"), item{":due": number(5), ":one": number(1)})
				c.must(err, "UpdateItem")
				c.want(numberIn(is, "sequence") == strconv.Itoa(want+1) && stringIn(is, "pk") == "look", "time %d answers %v", want+1, is)
			}
		}},
		{says: "an update keeps a value with if_not_exists, and removes attributes", hold: func(c *trial) {
			table := c.table()
			c.must(c.put(table, with(key("a", "b"), item{"ours": text("old"), "begun": text("x")})), "PutItem")
			is, err := c.change(table, key("a", "b"), "SET #ours = if_not_exists(#ours, :ours) REMOVE #begun", "", names("ours", "begun"), item{":ours": text("new")})
			c.must(err, "UpdateItem")
			c.want(stringIn(is, "ours") == "old" && is["begun"] == nil, "the item is %v", is)
		}},
		{says: "an update whose condition fails on an item that is not there shows none and makes none", hold: func(c *trial) {
			table := c.table()
			_, err := c.change(table, key("a", "b"), "SET #wanted = :yes", "attribute_exists(#pk)", names("pk", "wanted"), item{":yes": text("yes")})
			c.refused("UpdateItem", err, checkFailed)
			c.want(len(inTheWay(err)) == 0 && c.get(table, key("a", "b")) == nil, "it shows %v", inTheWay(err))
		}},
		{says: "a comparison with an attribute that is not there does not hold, but <> does", hold: func(c *trial) {
			table := c.table()
			c.must(c.put(table, key("a", "b")), "PutItem")
			value := item{":v": number(1)}
			for _, operator := range []string{"=", "<", "<=", ">", ">="} {
				c.refused("#v "+operator+" :v", c.putIf(table, key("a", "b"), "#v "+operator+" :v", names("v"), value), checkFailed)
			}
			err := c.putIf(table, key("a", "b"), "#v <> :v", names("v"), value)
			c.want(err == nil, "#v <> :v: %s", said(err))
		}},
		{says: "a map is equal to one with the same members", hold: func(c *trial) {
			table := c.table()
			was := &types.AttributeValueMemberM{Value: item{"a": number(1), "b": text("x")}}
			c.must(c.put(table, with(key("a", "b"), item{"settings": was})), "PutItem")
			err := c.putIf(table, key("a", "b"), "#settings = :was", names("settings"), item{":was": was})
			c.want(err == nil, "#settings = :was: %s", said(err))
		}},
		{says: "reserved words want a placeholder: ValidationException", hold: func(c *trial) {
			table := c.table()
			for _, word := range []string{"owner", "until"} {
				c.refused(word, c.putIf(table, key("a", "b"), "attribute_not_exists("+word+")", nil, nil), "ValidationException")
			}
		}},
		{says: "a placeholder that is not used is ValidationException", hold: func(c *trial) {
			table := c.table()
			c.refused("a name", c.putIf(table, key("a", "b"), "attribute_not_exists(#pk)", names("pk", "owner"), nil), "ValidationException")
			c.refused("a value", c.putIf(table, key("a", "b"), "attribute_not_exists(#pk)", names("pk"), item{":v": number(1)}), "ValidationException")
		}},
		{says: "a delete under a condition leaves what does not meet it, and shows it", hold: func(c *trial) {
			table := c.table()
			c.must(c.put(table, with(key("a", "b"), item{"owner": text("a"), "wanted": text("yes")})), "PutItem")
			condition := "#owner = :owner AND attribute_not_exists(#wanted)"
			_, err := c.tables().DeleteItem(c.ctx(), &dynamodb.DeleteItemInput{
				TableName: &table, Key: key("a", "b"), ConditionExpression: &condition, ExpressionAttributeNames: names("owner", "wanted"),
				ExpressionAttributeValues:           item{":owner": text("a")},
				ReturnValuesOnConditionCheckFailure: types.ReturnValuesOnConditionCheckFailureAllOld,
			})
			c.refused("DeleteItem", err, checkFailed)
			c.want(stringIn(inTheWay(err), "owner") == "a" && c.get(table, key("a", "b")) != nil, "it shows %v", inTheWay(err))
		}},
	}
}
