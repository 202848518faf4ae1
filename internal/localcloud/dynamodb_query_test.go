package localcloud_test

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/google/go-cmp/cmp"

	"studiokeeper/internal/localcloud"
)

// sortKeys runs a Query to its end, page by page, and gives the sort keys in the order they came.
func (d *tables) sortKeys(in *dynamodb.QueryInput) ([]string, error) {
	in.TableName = aws.String("state")
	var keys []string
	pages := dynamodb.NewQueryPaginator(d.api, in)
	for pages.HasMorePages() {
		out, err := pages.NextPage(context.Background())
		if err != nil {
			return nil, err
		}
		for _, item := range out.Items {
			switch v := item["sk"].(type) {
			case *avS:
				keys = append(keys, v.Value)
			case *avN:
				keys = append(keys, v.Value)
			}
		}
	}
	return keys, nil
}

func TestDynamoDBQueryBySortKey(t *testing.T) {
	d := newTables(t, "S")
	for _, sk := range []string{"user#2", "lease#b", "user#10", "lease#a", "user#1", "zeta", "ä"} {
		d.put(avItem{"pk": s("p"), "sk": s(sk), "x": n("1")})
	}
	d.put(avItem{"pk": s("p2"), "sk": s("user#1")})
	d.put(avItem{"pk": s("o"), "sk": s("user#1")})
	for _, row := range []struct{ condition, low, high, want string }{
		{"pk = :p", "", "", "lease#a lease#b user#1 user#10 user#2 zeta ä"},
		{"pk = :p AND sk = :low", "user#1", "", "user#1"},
		{":p = pk", "", "", "ValidationException"},
		{"pk = :p AND begins_with(sk, :low)", "user#", "", "user#1 user#10 user#2"},
		{"begins_with(sk, :low) AND pk = :p", "user#1", "", "user#1 user#10"},
		{"pk = :p AND sk > :low", "user#2", "", "zeta ä"},
		{"pk = :p AND sk >= :low", "user#2", "", "user#2 zeta ä"},
		{"pk = :p AND sk < :low", "lease#b", "", "lease#a"},
		{"pk = :p AND sk <= :low", "lease#b", "", "lease#a lease#b"},
		{"pk = :p AND sk BETWEEN :low AND :high", "lease#b", "user#10", "lease#b user#1 user#10"},
		{"pk = :p AND sk <> :low", "a", "", "ValidationException"},
		{"pk > :p", "", "", "ValidationException"},
		{"sk = :p", "", "", "ValidationException"},
		{"pk = :p OR sk = :low", "a", "", "ValidationException"},
		{"pk = :p AND x = :low", "a", "", "ValidationException"},
		{"pk = :p AND sk = :low", "", "", "ValidationException"},
	} {
		for _, forward := range []bool{true, false} {
			for _, limit := range []int32{1, 2, 100} {
				in := &dynamodb.QueryInput{
					KeyConditionExpression: &row.condition, ScanIndexForward: &forward, Limit: &limit,
					ExpressionAttributeValues: avItem{":p": s("p")},
				}
				if strings.Contains(row.condition, ":low") {
					in.ExpressionAttributeValues[":low"] = s(row.low)
				}
				if row.high != "" {
					in.ExpressionAttributeValues[":high"] = s(row.high)
				}
				keys, err := d.sortKeys(in)
				if !forward {
					slices.Reverse(keys)
				}
				got := strings.Join(keys, " ") + codeOf(err)
				if got != row.want {
					t.Errorf("%s (%q, forward %v, limit %d): got %q, want %q", row.condition, row.low, forward, limit, got, row.want)
				}
			}
		}
	}
}

func TestDynamoDBOrdersNumbersByValue(t *testing.T) {
	d := newTables(t, "N")
	want := []string{"-1000000000000", "-10.5", "-10", "-2", "-0.001", "0", "0.0001", "0.5", "1", "1.5", "2", "9", "10", "10.1", "123456789012345678901234567890"}
	for i := range want {
		d.put(avItem{"pk": s("p"), "sk": n(want[(i*7)%len(want)])})
	}
	got, err := d.sortKeys(&dynamodb.QueryInput{KeyConditionExpression: aws.String("pk = :p"), ExpressionAttributeValues: avItem{":p": s("p")}})
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("order (-want +got):\n%s", diff)
	}
	got, err = d.sortKeys(&dynamodb.QueryInput{
		KeyConditionExpression:    aws.String("pk = :p AND sk BETWEEN :a AND :b"),
		ExpressionAttributeValues: avItem{":p": s("p"), ":a": n("-2.0"), ":b": n("1e0")},
	})
	if diff := cmp.Diff(want[3:9], got); diff != "" || err != nil {
		t.Errorf("between -2 and 1: %v (-want +got):\n%s", err, diff)
	}
}

func TestDynamoDBQueryFiltersAfterReading(t *testing.T) {
	d, ctx := newTables(t, "S"), context.Background()
	for i := range 10 {
		d.put(avItem{"pk": s("p"), "sk": s(fmt.Sprint(i)), "even": &avBool{Value: i%2 == 0}, "m": &avM{Value: avItem{"a": n("1"), "b": n("2")}}})
	}
	out, err := d.api.Query(ctx, &dynamodb.QueryInput{
		TableName: aws.String("state"), KeyConditionExpression: aws.String("pk = :p"), FilterExpression: aws.String("even = :t"), Limit: aws.Int32(5),
		ProjectionExpression: aws.String("sk, m.b"), ExpressionAttributeValues: avItem{":p": s("p"), ":t": &avBool{Value: true}},
	})
	if err != nil {
		t.Fatal(err)
	}
	if out.Count != 3 || out.ScannedCount != 5 {
		t.Errorf("count %d, scanned %d; want 3 of 5", out.Count, out.ScannedCount)
	}
	if diff := same(avItem{"sk": s("0"), "m": &avM{Value: avItem{"b": n("2")}}}, out.Items[0]); diff != "" {
		t.Errorf("projected (-want +got):\n%s", diff)
	}
	if diff := same(avItem{"pk": s("p"), "sk": s("4")}, out.LastEvaluatedKey); diff != "" {
		t.Errorf("last key (-want +got):\n%s", diff)
	}
	_, err = d.api.Query(ctx, &dynamodb.QueryInput{
		TableName: aws.String("state"), KeyConditionExpression: aws.String("pk = :p"), FilterExpression: aws.String("sk = :p"), ExpressionAttributeValues: avItem{":p": s("p")},
	})
	d.wantCode("filtering on a key", err, "ValidationException")
	_, err = d.api.Query(ctx, &dynamodb.QueryInput{
		TableName: aws.String("state"), KeyConditionExpression: aws.String("pk = :p"), ExpressionAttributeValues: avItem{":p": s("p")},
		ExclusiveStartKey: avItem{"pk": s("other"), "sk": s("1")},
	})
	d.wantCode("starting in another partition", err, "ValidationException")
	count, err := d.api.Query(ctx, &dynamodb.QueryInput{
		TableName: aws.String("state"), KeyConditionExpression: aws.String("pk = :p"), Select: types.SelectCount, ExpressionAttributeValues: avItem{":p": s("p")},
	})
	if err != nil || count.Count != 10 || len(count.Items) != 0 {
		t.Errorf("counting gave %+v, %v", count, err)
	}
}

func TestDynamoDBPagesEndAtOneMegabyte(t *testing.T) {
	d := newTables(t, "S")
	for i := range 5 {
		d.put(avItem{"pk": s("p"), "sk": s(fmt.Sprint(i)), "x": s(strings.Repeat("x", 300<<10))})
	}
	out, err := d.api.Query(context.Background(), &dynamodb.QueryInput{
		TableName: aws.String("state"), KeyConditionExpression: aws.String("pk = :p"), ExpressionAttributeValues: avItem{":p": s("p")},
	})
	if err != nil {
		t.Fatal(err)
	}
	if out.Count != 3 || out.LastEvaluatedKey == nil {
		t.Errorf("the first page has %d items, last key %v; want 3 and more to come", out.Count, out.LastEvaluatedKey)
	}
}

func TestDynamoDBScan(t *testing.T) {
	d, ctx := newTables(t, ""), context.Background()
	want := map[string]int{}
	for i := range 700 {
		id := fmt.Sprintf("id-%d", i)
		d.put(avItem{"pk": s(id)})
		want[id] = 1
	}
	for _, segments := range []int32{0, 1, 3} {
		got := map[string]int{}
		for segment := range max(segments, 1) {
			in := &dynamodb.ScanInput{TableName: aws.String("state"), Limit: aws.Int32(64)}
			if segments > 0 {
				in.Segment, in.TotalSegments = aws.Int32(segment), aws.Int32(segments)
			}
			pages := dynamodb.NewScanPaginator(d.api, in)
			for pages.HasMorePages() {
				out, err := pages.NextPage(ctx)
				if err != nil {
					t.Fatal(err)
				}
				for _, item := range out.Items {
					got[item["pk"].(*avS).Value]++
				}
			}
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%d segments: every item once (-want +got):\n%s", segments, diff)
		}
	}
	for i := range 700 {
		if i%2 == 0 {
			_, err := d.api.DeleteItem(ctx, &dynamodb.DeleteItemInput{TableName: aws.String("state"), Key: avItem{"pk": s(fmt.Sprintf("id-%d", i))}})
			d.wantCode("deleting", err, "")
		}
	}
	out, err := d.api.Scan(ctx, &dynamodb.ScanInput{TableName: aws.String("state"), Select: types.SelectCount})
	if err != nil || out.Count != 350 {
		t.Errorf("after deleting half, %d are left, %v", out.Count, err)
	}
	_, err = d.api.Scan(ctx, &dynamodb.ScanInput{TableName: aws.String("state"), Segment: aws.Int32(3), TotalSegments: aws.Int32(3)})
	d.wantCode("a segment too many", err, "ValidationException")
}

// FuzzDynamoDBExpressions sends any text as every kind of expression: it is refused with a
// ValidationException, fails its condition, or works, and leaves the key alone.
func FuzzDynamoDBExpressions(f *testing.F) {
	for _, text := range []string{
		"SET a = :v REMOVE b ADD c :v DELETE d :v", "SET a[0].b = list_append(if_not_exists(a, :v), :v) + #n", "a BETWEEN :v AND :v OR NOT (#n IN (:v, b[1]))",
		"attribute_type(a, :v) AND size(a) >= :v", "pk = :v AND begins_with(sk, :v)", "a, b.c, d[3][0]", "SET", "(((", "#n.#n[99999999999999999999]", "a = (", "contains(",
	} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		var c localcloud.Cloud
		defer c.Close()
		post(t, &c, "DynamoDB_20120810.CreateTable", `{"TableName":"state","BillingMode":"PAY_PER_REQUEST","AttributeDefinitions":[{"AttributeName":"pk","AttributeType":"S"}],"KeySchema":[{"AttributeName":"pk","KeyType":"HASH"}]}`)
		post(t, &c, "DynamoDB_20120810.PutItem", `{"TableName":"state","Item":{"pk":{"S":"k"},"a":{"L":[{"M":{"b":{"N":"1"}}}]},"c":{"N":"1"},"d":{"NS":["1","2"]}}}`)
		for operation, request := range map[string]map[string]any{
			"UpdateItem": {"UpdateExpression": text, "Key": map[string]any{"pk": map[string]any{"S": "k"}}},
			"DeleteItem": {"ConditionExpression": text, "Key": map[string]any{"pk": map[string]any{"S": "other"}}},
			"GetItem":    {"ProjectionExpression": text, "Key": map[string]any{"pk": map[string]any{"S": "k"}}},
			"Query":      {"KeyConditionExpression": text},
			"Scan":       {"FilterExpression": text},
		} {
			request["TableName"] = "state"
			if strings.Contains(text, "#n") {
				request["ExpressionAttributeNames"] = map[string]any{"#n": "a"}
			}
			if strings.Contains(text, ":v") && operation != "GetItem" {
				request["ExpressionAttributeValues"] = map[string]any{":v": map[string]any{"N": "1"}}
			}
			body, err := json.Marshal(request)
			if err != nil {
				t.Fatal(err)
			}
			status, answer := try(&c, "DynamoDB_20120810."+operation, string(body))
			if status != 200 && (status != 400 || !strings.Contains(answer, "ValidationException") && !strings.Contains(answer, "ConditionalCheckFailed")) {
				t.Errorf("%s of %q: %d %s", operation, text, status, answer)
			}
		}
		post(t, &c, "DynamoDB_20120810.GetItem", `{"TableName":"state","Key":{"pk":{"S":"k"}}}`)
	})
}
