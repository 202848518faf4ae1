package conformance

import (
	"errors"
	"fmt"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
)

// putNew is a write of a transaction that wants no such item yet.
func putNew(table string, it item) types.TransactWriteItem {
	return types.TransactWriteItem{Put: &types.Put{
		TableName: &table, Item: it, ConditionExpression: aws.String("attribute_not_exists(#pk)"), ExpressionAttributeNames: names("pk"),
		ReturnValuesOnConditionCheckFailure: types.ReturnValuesOnConditionCheckFailureAllOld,
	}}
}

func (c *trial) transact(token string, writes ...types.TransactWriteItem) error {
	in := &dynamodb.TransactWriteItemsInput{TransactItems: writes}
	if token != "" {
		in.ClientRequestToken = &token
	}
	_, err := c.tables().TransactWriteItems(c.ctx(), in)
	return err
}

func reasonsOf(err error) (codes []string, shown []item) {
	if refused, ok := errors.AsType[*types.TransactionCanceledException](err); ok {
		for _, reason := range refused.CancellationReasons {
			codes, shown = append(codes, aws.ToString(reason.Code)), append(shown, reason.Item)
		}
	}
	return codes, shown
}

func transactionContracts() []contract {
	return []contract{
		{says: "a transaction is carried out whole or not at all, with a reason for each write in its order", hold: func(c *trial) {
			table := c.table()
			c.must(c.put(table, with(key("a", "1"), item{"owner": text("first")})), "PutItem")
			err := c.transact("", putNew(table, key("a", "0")), putNew(table, key("a", "1")))
			c.refused("TransactWriteItems", err, "TransactionCanceledException")
			codes, shown := reasonsOf(err)
			c.want(strings.Join(codes, " ") == "None ConditionalCheckFailed", "the reasons are %q", codes)
			if len(shown) == 2 {
				c.want(stringIn(shown[1], "owner") == "first", "the item shown is %v", shown[1])
			}
			c.want(c.get(table, key("a", "0")) == nil, "the other write was carried out")
		}},
		{says: "a transaction has 100 writes at most: ValidationException", hold: func(c *trial) {
			table := c.table()
			var writes []types.TransactWriteItem
			for n := range 101 {
				writes = append(writes, putNew(table, key("many", fmt.Sprint(n))))
			}
			c.must(c.transact("", writes[:100]...), "100 writes")
			c.refused("101 writes", c.transact("", writes...), "ValidationException")
		}},
		{says: "a transaction writes no item twice: ValidationException", hold: func(c *trial) {
			table := c.table()
			c.refused("TransactWriteItems", c.transact("", putNew(table, key("a", "b")), putNew(table, key("a", "b"))), "ValidationException")
		}},
		{says: "a transaction repeated with its token succeeds and changes nothing more", hold: func(c *trial) {
			table := c.table()
			token := c.run + "-token"
			c.must(c.transact(token, putNew(table, key("a", "b"))), "TransactWriteItems")
			err := c.transact(token, putNew(table, key("a", "b")))
			c.want(err == nil, "with the same token again: %s", said(err))
			c.refused("with the token for other writes", c.transact(token, putNew(table, key("a", "c"))), "IdempotentParameterMismatchException")
		}},
		{says: "a transaction deletes under a condition", hold: func(c *trial) {
			table := c.table()
			c.must(c.put(table, with(key("a", "b"), item{"owner": text("a")})), "PutItem")
			remove := func(owner string) types.TransactWriteItem {
				return types.TransactWriteItem{Delete: &types.Delete{
					TableName: &table, Key: key("a", "b"), ConditionExpression: aws.String("#owner = :owner"),
					ExpressionAttributeNames: names("owner"), ExpressionAttributeValues: item{":owner": text(owner)},
				}}
			}
			c.refused("as another owner", c.transact("", remove("b")), "TransactionCanceledException")
			c.must(c.transact("", remove("a")), "as the owner")
			c.want(c.get(table, key("a", "b")) == nil, "it is still there")
		}},
	}
}

func (c *trial) query(table, condition string, values item, after item) (*dynamodb.QueryOutput, error) {
	used := names("pk")
	if strings.Contains(condition, "#sk") {
		used = names("pk", "sk")
	}
	return c.tables().Query(c.ctx(), &dynamodb.QueryInput{
		TableName: &table, ConsistentRead: aws.Bool(true), KeyConditionExpression: &condition,
		ExpressionAttributeNames: used, ExpressionAttributeValues: values, ExclusiveStartKey: after,
	})
}

func sorts(items []item) string {
	var all []string
	for _, it := range items {
		all = append(all, stringIn(it, "sk"))
	}
	return strings.Join(all, " ")
}

func queryContracts() []contract {
	return []contract{
		{says: "a query reads what was just written, in the order of the sort key's bytes", hold: func(c *trial) {
			table := c.table()
			for _, sk := range []string{"b", "a", "é", "Z", "10", "9"} {
				c.must(c.put(table, key("a", sk)), "PutItem")
			}
			out, err := c.query(table, "#pk = :pk", item{":pk": text("a")}, nil)
			c.must(err, "Query")
			c.want(sorts(out.Items) == "10 9 Z a b é", "the order is %s", sorts(out.Items))
		}},
		{says: "BETWEEN takes both of its ends in", hold: func(c *trial) {
			table := c.table()
			for _, sk := range []string{"1", "2", "3", "4"} {
				c.must(c.put(table, key("a", sk)), "PutItem")
			}
			out, err := c.query(table, "#pk = :pk AND #sk BETWEEN :from AND :to", item{":pk": text("a"), ":from": text("2"), ":to": text("3")}, nil)
			c.must(err, "Query")
			c.want(sorts(out.Items) == "2 3", "it finds %s", sorts(out.Items))
		}},
		{says: "a page ends at one megabyte, and its key leads to the rest", hold: func(c *trial) {
			table := c.table()
			for n := range 4 {
				c.must(c.put(table, with(key("a", fmt.Sprint(n)), item{"text": text(strings.Repeat("x", 350<<10))})), "PutItem")
			}
			first, err := c.query(table, "#pk = :pk", item{":pk": text("a")}, nil)
			c.must(err, "the first page")
			c.want(len(first.Items) < 4 && len(first.LastEvaluatedKey) > 0, "the first page has %d items and key %v", len(first.Items), first.LastEvaluatedKey)
			if len(first.LastEvaluatedKey) == 0 {
				return
			}
			second, err := c.query(table, "#pk = :pk", item{":pk": text("a")}, first.LastEvaluatedKey)
			c.must(err, "the second page")
			c.want(sorts(append(first.Items, second.Items...)) == "0 1 2 3", "both pages have %s", sorts(append(first.Items, second.Items...)))
		}},
		{says: "a scan filters after it has read", hold: func(c *trial) {
			table := c.table()
			for _, pk := range []string{"journal#a", "journal#b", "lease#c"} {
				c.must(c.put(table, key(pk, "x")), "PutItem")
			}
			out, err := c.tables().Scan(c.ctx(), &dynamodb.ScanInput{
				TableName: &table, ConsistentRead: aws.Bool(true), FilterExpression: aws.String("begins_with(#pk, :user)"),
				ExpressionAttributeNames: names("pk"), ExpressionAttributeValues: item{":user": text("journal#")},
			})
			c.must(err, "Scan")
			c.want(out.Count == 2 && out.ScannedCount == 3 && len(out.Items) == 2, "it counts %d of %d", out.Count, out.ScannedCount)
		}},
	}
}
