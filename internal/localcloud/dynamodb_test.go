package localcloud_test

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"studiokeeper/internal/localcloud"
)

type (
	avS    = types.AttributeValueMemberS
	avN    = types.AttributeValueMemberN
	avM    = types.AttributeValueMemberM
	avL    = types.AttributeValueMemberL
	avSS   = types.AttributeValueMemberSS
	avNS   = types.AttributeValueMemberNS
	avB    = types.AttributeValueMemberB
	avBool = types.AttributeValueMemberBOOL
	avItem = map[string]types.AttributeValue
)

func s(v string) *avS { return &avS{Value: v} }
func n(v string) *avN { return &avN{Value: v} }

// tables is a world with one table, whose keys are pk (a string) and sk (of any key type).
type tables struct {
	*world
	api *dynamodb.Client
}

func newTables(t *testing.T, sortKind types.ScalarAttributeType) *tables {
	t.Helper()
	w := newWorld(t, &localcloud.Cloud{})
	d := &tables{w, dynamodb.NewFromConfig(w.as(account, home))}
	in := &dynamodb.CreateTableInput{
		TableName: aws.String("state"), BillingMode: types.BillingModePayPerRequest,
		KeySchema:            []types.KeySchemaElement{{AttributeName: aws.String("pk"), KeyType: types.KeyTypeHash}},
		AttributeDefinitions: []types.AttributeDefinition{{AttributeName: aws.String("pk"), AttributeType: "S"}},
	}
	if sortKind != "" {
		in.KeySchema = append(in.KeySchema, types.KeySchemaElement{AttributeName: aws.String("sk"), KeyType: types.KeyTypeRange})
		in.AttributeDefinitions = append(in.AttributeDefinitions, types.AttributeDefinition{AttributeName: aws.String("sk"), AttributeType: sortKind})
	}
	if _, err := d.api.CreateTable(context.Background(), in); err != nil {
		t.Fatal(err)
	}
	return d
}

func (d *tables) put(item avItem) {
	d.t.Helper()
	if _, err := d.api.PutItem(context.Background(), &dynamodb.PutItemInput{TableName: aws.String("state"), Item: item}); err != nil {
		d.t.Fatal(err)
	}
}

func (d *tables) get(key avItem) avItem {
	d.t.Helper()
	out, err := d.api.GetItem(context.Background(), &dynamodb.GetItemInput{TableName: aws.String("state"), Key: key, ConsistentRead: aws.Bool(true)})
	if err != nil {
		d.t.Fatal(err)
	}
	return out.Item
}

// same compares attribute values; a set has no order.
func same(want, got any) string {
	return cmp.Diff(want, got,
		cmpopts.IgnoreUnexported(avS{}, avN{}, avM{}, avL{}, avSS{}, avNS{}, avB{}, avBool{}, types.AttributeValueMemberNULL{}, types.AttributeValueMemberBS{}),
		cmp.Transformer("set", func(v avSS) map[string]bool { return setOf(v.Value) }),
		cmp.Transformer("numbers", func(v avNS) map[string]bool { return setOf(v.Value) }))
}

func setOf(list []string) map[string]bool {
	out := map[string]bool{}
	for _, v := range list {
		out[v] = true
	}
	return out
}

func TestDynamoDBTables(t *testing.T) {
	d, ctx := newTables(t, "S"), context.Background()
	out, err := d.api.DescribeTable(ctx, &dynamodb.DescribeTableInput{TableName: aws.String("state")})
	if err != nil {
		t.Fatal(err)
	}
	if out.Table.TableStatus != types.TableStatusActive || *out.Table.TableArn != "arn:aws:dynamodb:us-east-1:111122223333:table/state" || len(out.Table.KeySchema) != 2 {
		t.Errorf("described as %+v", out.Table)
	}
	for _, row := range []struct {
		about, want string
		change      func(in *dynamodb.CreateTableInput)
	}{
		{"the same name", "ResourceInUseException", func(*dynamodb.CreateTableInput) {}},
		{"a name too short", "ValidationException", func(in *dynamodb.CreateTableInput) { in.TableName = aws.String("ab") }},
		{"no billing", "ValidationException", func(in *dynamodb.CreateTableInput) { in.BillingMode = "" }},
		{"a key without a type", "ValidationException", func(in *dynamodb.CreateTableInput) { in.AttributeDefinitions = nil }},
		{"a type without a key", "ValidationException", func(in *dynamodb.CreateTableInput) {
			in.AttributeDefinitions = append(in.AttributeDefinitions, types.AttributeDefinition{AttributeName: aws.String("x"), AttributeType: "S"})
		}},
		{"a range key first", "ValidationException", func(in *dynamodb.CreateTableInput) { in.KeySchema[0].KeyType = types.KeyTypeRange }},
		{"a stream of nothing", "ValidationException", func(in *dynamodb.CreateTableInput) {
			in.StreamSpecification = &types.StreamSpecification{StreamEnabled: aws.Bool(true)}
		}},
	} {
		in := &dynamodb.CreateTableInput{
			TableName: aws.String("state"), BillingMode: types.BillingModePayPerRequest,
			KeySchema:            []types.KeySchemaElement{{AttributeName: aws.String("pk"), KeyType: types.KeyTypeHash}},
			AttributeDefinitions: []types.AttributeDefinition{{AttributeName: aws.String("pk"), AttributeType: "S"}},
		}
		row.change(in)
		_, err := d.api.CreateTable(ctx, in)
		d.wantCode("creating with "+row.about, err, row.want)
	}
	other := dynamodb.NewFromConfig(d.as(member, home))
	_, err = other.DescribeTable(ctx, &dynamodb.DescribeTableInput{TableName: aws.String("state")})
	d.wantCode("describing from another account", err, "ResourceNotFoundException")

	ttl := &types.TimeToLiveSpecification{AttributeName: aws.String("expires"), Enabled: aws.Bool(true)}
	_, err = d.api.UpdateTimeToLive(ctx, &dynamodb.UpdateTimeToLiveInput{TableName: aws.String("state"), TimeToLiveSpecification: ttl})
	d.wantCode("switching time to live on", err, "")
	_, err = d.api.UpdateTimeToLive(ctx, &dynamodb.UpdateTimeToLiveInput{TableName: aws.String("state"), TimeToLiveSpecification: ttl})
	d.wantCode("switching time to live on again", err, "ValidationException")
	live, err := d.api.DescribeTimeToLive(ctx, &dynamodb.DescribeTimeToLiveInput{TableName: aws.String("state")})
	if err != nil || aws.ToString(live.TimeToLiveDescription.AttributeName) != "expires" {
		t.Errorf("time to live is %+v, %v", live, err)
	}
	_, err = d.api.DeleteTable(ctx, &dynamodb.DeleteTableInput{TableName: aws.String("state")})
	d.wantCode("deleting", err, "")
	list, err := d.api.ListTables(ctx, &dynamodb.ListTablesInput{})
	if err != nil || len(list.TableNames) != 0 {
		t.Errorf("tables after deleting: %v, %v", list, err)
	}
}

func TestDynamoDBRefusesBadItems(t *testing.T) {
	d := newTables(t, "N")
	key := func(more avItem) avItem {
		item := avItem{"pk": s("a"), "sk": n("1")}
		for k, v := range more {
			item[k] = v
		}
		return item
	}
	for _, row := range []struct {
		about, want string
		item        avItem
	}{
		{"no sort key", "Missing the key sk in the item", avItem{"pk": s("a")}},
		{"a sort key of another type", "Type mismatch for key sk expected: N actual: S", avItem{"pk": s("a"), "sk": s("1")}},
		{"an empty key", "cannot contain an empty string value. Key: pk", avItem{"pk": s(""), "sk": n("1")}},
		{"a key too long", "Size of hashkey has exceeded", avItem{"pk": s(strings.Repeat("a", 2049)), "sk": n("1")}},
		{"an item too large", "Item size has exceeded", key(avItem{"x": s(strings.Repeat("a", 400<<10))})},
		{"a number that is none", "cannot be converted to a numeric value: 1x", key(avItem{"x": n("1x")})},
		{"an empty number", "cannot be converted to a numeric value", key(avItem{"x": n("")})},
		{"39 digits", "more than 38 significant digits", key(avItem{"x": n(strings.Repeat("1", 39))})},
		{"a number too large", "Number overflow", key(avItem{"x": n("1e126")})},
		{"a number too small", "Number underflow", key(avItem{"x": n("1e-131")})},
		{"an exponent out of all bounds", "cannot be converted", key(avItem{"x": n("1e99999999999")})},
		{"an empty set", "may not be empty", key(avItem{"x": &avSS{}})},
		{"a set with a doubled element", "contains duplicates", key(avItem{"x": &avNS{Value: []string{"1", "1.0"}}})},
		{"lists too deep in each other", "Nesting Levels", key(avItem{"x": deep(33)})},
	} {
		_, err := d.api.PutItem(context.Background(), &dynamodb.PutItemInput{TableName: aws.String("state"), Item: row.item})
		if codeOf(err) != "ValidationException" || !strings.Contains(err.Error(), row.want) {
			t.Errorf("putting %s: got %v, want a ValidationException with %q", row.about, err, row.want)
		}
	}
}

func deep(levels int) types.AttributeValue {
	var v types.AttributeValue = n("1")
	for range levels {
		v = &avL{Value: []types.AttributeValue{v}}
	}
	return v
}

func TestDynamoDBKeepsValuesAsAWSReturnsThem(t *testing.T) {
	d := newTables(t, "S")
	key := avItem{"pk": s("a"), "sk": s("b")}
	d.put(avItem{
		"pk": s("a"), "sk": s("b"), "empty": s(""), "n": n("-0012.500e1"), "big": n("1e20"), "small": n("1.5E-3"), "zero": n("-0"),
		"exact": n("9007199254740993.000000000000000001"), "ns": &avNS{Value: []string{"1.0", "2"}},
		"m": &avM{Value: avItem{"b": &avB{Value: []byte{0, 255}}, "t": &avBool{Value: false}, "null": &types.AttributeValueMemberNULL{Value: true}}},
		"l": &avL{Value: []types.AttributeValue{s("x"), n("01")}},
	})
	want := avItem{
		"pk": s("a"), "sk": s("b"), "empty": s(""), "n": n("-125"), "big": n("100000000000000000000"), "small": n("0.0015"), "zero": n("0"),
		"exact": n("9007199254740993.000000000000000001"), "ns": &avNS{Value: []string{"1", "2"}},
		"m": &avM{Value: avItem{"b": &avB{Value: []byte{0, 255}}, "t": &avBool{Value: false}, "null": &types.AttributeValueMemberNULL{Value: true}}},
		"l": &avL{Value: []types.AttributeValue{s("x"), n("1")}},
	}
	if diff := same(want, d.get(key)); diff != "" {
		t.Errorf("item (-want +got):\n%s", diff)
	}
	if got := d.get(avItem{"pk": s("a"), "sk": s("other")}); got != nil {
		t.Errorf("an absent item is %v", got)
	}
	_, err := d.api.GetItem(context.Background(), &dynamodb.GetItemInput{TableName: aws.String("state"), Key: avItem{"pk": s("a")}})
	d.wantCode("getting by half a key", err, "ValidationException")
	_, err = d.api.GetItem(context.Background(), &dynamodb.GetItemInput{TableName: aws.String("nowhere"), Key: key})
	d.wantCode("getting from no table", err, "ResourceNotFoundException")
}

// lease is the item that conditions are tried on.
func lease() avItem {
	return avItem{
		"pk": s("lease"), "sk": s("u"), "owner_id": s("me"), "expires": n("100"), "tags": &avSS{Value: []string{"a", "b"}},
		"seq": &avL{Value: []types.AttributeValue{n("1"), s("two")}}, "m": &avM{Value: avItem{"x": n("7"), "y": &avM{Value: avItem{"z": s("deep")}}}},
		"flag": &avBool{Value: true},
	}
}

func TestDynamoDBConditions(t *testing.T) {
	d := newTables(t, "S")
	for _, row := range []struct{ condition, want string }{
		{"attribute_exists(owner_id)", "holds"},
		{"attribute_not_exists(pk)", "fails"},
		{"attribute_not_exists(nothing)", "holds"},
		{"expires < :n101", "holds"},
		{"expires < :n100", "fails"},
		{"expires <= :n100", "holds"},
		{"expires > :me", "fails"},
		{"expires = :n100", "holds"},
		{"nothing = :me", "fails"},
		{"nothing <> :me", "holds"},
		{"nothing = another", "fails"},
		{"nothing < :n100", "fails"},
		{"NOT nothing < :n100", "holds"},
		{"expires BETWEEN :n100 AND :n101", "holds"},
		{"owner_id IN (:you, :me)", "holds"},
		{"owner_id IN (:you)", "fails"},
		{"begins_with(owner_id, :m)", "holds"},
		{"begins_with(expires, :m)", "fails"},
		{"contains(tags, :a)", "holds"},
		{"contains(owner_id, :m)", "holds"},
		{"contains(seq, :n1)", "holds"},
		{"contains(seq, :me)", "fails"},
		{"size(tags) = :n2", "holds"},
		{"size(nothing) = :n2", "fails"},
		{"attribute_type(m, :M)", "holds"},
		{"attribute_type(m, :S)", "fails"},
		{"m.x = :n7 AND seq[0] = :n1 AND m.y.z = :deep", "holds"},
		{"m.y = :map", "holds"},
		{"tags = :ba", "holds"},
		{"m.#x = :n7", "holds"},
		{"attribute_not_exists(pk) OR expires < :n101 AND owner_id = :me", "holds"},
		{"(attribute_not_exists(pk) OR expires < :n101) AND owner_id = :you", "fails"},
		{"not owner_id = :you and owner_id = :me", "holds"},
		{"flag = :true", "holds"},
		{"seq[5] = :n1", "fails"},

		{"", "Invalid ConditionExpression: The expression can not be empty;"},
		{"expires <", "Syntax error"},
		{"expires ! :n1", "Syntax error"},
		{"expires = :n100 expires", "Syntax error"},
		{"owner = :me", "Attribute name is a reserved keyword; reserved keyword: owner"},
		{"owner_id = :nope", "An expression attribute value used in expression is not defined; attribute value: :nope"},
		{"#nope = :me", "An expression attribute name used in the document path is not defined; attribute name: #nope"},
		{"((owner_id = :me))", "redundant parentheses"},
		{"ends_with(owner_id, :me)", "Invalid function name; function: ends_with"},
		{"attribute_exists(:me)", "requires a document path"},
		{"begins_with(owner_id, :n1)", "Incorrect operand type for operator or function; operator or function: begins_with, operand type: N"},
		{"flag < :true", "operator or function: <, operand type: BOOL"},
		{"expires BETWEEN :n101 AND :n100", "upper bound to be greater than or equal to lower bound"},
		{"owner_id = owner_id", "The first operand must be distinct"},
		{"attribute_type(m, :me)", "Invalid attribute type name found; type: me"},
		{"contains(tags)", "Incorrect number of operands"},
		{"size(tags)", "Syntax error"},
		{strings.Repeat("NOT ", 1100) + "owner_id = :me", "maximum allowed size"},
	} {
		t.Run(row.condition, func(t *testing.T) {
			d.put(lease())
			in := &dynamodb.UpdateItemInput{
				TableName: aws.String("state"), Key: avItem{"pk": s("lease"), "sk": s("u")},
				UpdateExpression: aws.String("SET touched = :touched"), ConditionExpression: &row.condition,
				ExpressionAttributeValues: avItem{":touched": s("yes")},
			}
			addPlaceholders(in, row.condition)
			_, err := d.api.UpdateItem(context.Background(), in)
			got := "holds"
			if err != nil {
				got = err.Error()
			}
			if codeOf(err) == "ConditionalCheckFailedException" {
				got = "fails"
			}
			if !strings.Contains(got, row.want) {
				t.Errorf("got %s, want %s", got, row.want)
			}
			if touched := d.get(in.Key)["touched"] != nil; touched != (row.want == "holds") {
				t.Errorf("touched: %v", touched)
			}
		})
	}
}

// addPlaceholders gives the request the placeholders that the expression uses, and no others.
func addPlaceholders(in *dynamodb.UpdateItemInput, expression string) {
	values := avItem{
		":n1": n("1"), ":n2": n("2.0"), ":n7": n("7"), ":n100": n("1e2"), ":n101": n("101"), ":me": s("me"), ":you": s("you"), ":m": s("m"), ":a": s("a"),
		":M": s("M"), ":S": s("S"), ":deep": s("deep"), ":map": &avM{Value: avItem{"z": s("deep")}}, ":ba": &avSS{Value: []string{"b", "a"}}, ":true": &avBool{Value: true},
	}
	for name, v := range values {
		for _, word := range strings.FieldsFunc(expression, func(r rune) bool { return strings.ContainsRune(" (),=<>", r) }) {
			if word == name {
				in.ExpressionAttributeValues[name] = v
			}
		}
	}
	if strings.Contains(expression, "#x") {
		in.ExpressionAttributeNames = map[string]string{"#x": "x"}
	}
}

func TestDynamoDBConditionFailureShowsTheItem(t *testing.T) {
	d := newTables(t, "S")
	d.put(lease())
	_, err := d.api.PutItem(context.Background(), &dynamodb.PutItemInput{
		TableName: aws.String("state"), Item: lease(), ConditionExpression: aws.String("attribute_not_exists(pk)"),
		ReturnValuesOnConditionCheckFailure: types.ReturnValuesOnConditionCheckFailureAllOld,
	})
	failed, ok := errors.AsType[*types.ConditionalCheckFailedException](err)
	if !ok {
		t.Fatalf("got %v", err)
	}
	if diff := same(lease(), failed.Item); diff != "" {
		t.Errorf("the error's item (-want +got):\n%s", diff)
	}
}

func TestDynamoDBRefusesUnusedPlaceholders(t *testing.T) {
	d := newTables(t, "S")
	put := func(in dynamodb.PutItemInput) error {
		in.TableName, in.Item = aws.String("state"), lease()
		_, err := d.api.PutItem(context.Background(), &in)
		return err
	}
	for about, err := range map[string]error{
		"an unused value":               put(dynamodb.PutItemInput{ConditionExpression: aws.String("attribute_not_exists(pk)"), ExpressionAttributeValues: avItem{":x": s("x")}}),
		"an unused name":                put(dynamodb.PutItemInput{ConditionExpression: aws.String("attribute_not_exists(pk)"), ExpressionAttributeNames: map[string]string{"#x": "x"}}),
		"values without an expression":  put(dynamodb.PutItemInput{ExpressionAttributeValues: avItem{":x": s("x")}}),
		"a value named without a colon": put(dynamodb.PutItemInput{ConditionExpression: aws.String("pk = :x"), ExpressionAttributeValues: avItem{"x": s("x")}}),
		"an old image of a new kind":    put(dynamodb.PutItemInput{ReturnValues: types.ReturnValueAllNew}),
	} {
		d.wantCode("putting with "+about, err, "ValidationException")
	}
}

func TestDynamoDBUpdates(t *testing.T) {
	d := newTables(t, "S")
	key := avItem{"pk": s("lease"), "sk": s("u")}
	change := func(more avItem, gone ...string) avItem {
		item := lease()
		for k, v := range more {
			item[k] = v
		}
		for _, k := range gone {
			delete(item, k)
		}
		return item
	}
	list := func(v ...types.AttributeValue) *avL { return &avL{Value: v} }
	for _, row := range []struct {
		update string
		want   avItem
		refuse string
	}{
		{update: "SET fresh = :n1, expires = expires + :n2", want: change(avItem{"fresh": n("1"), "expires": n("102")})},
		{update: "SET expires = :n1 - expires", want: change(avItem{"expires": n("-99")})},
		{update: "SET expires = if_not_exists(expires, :n1), fresh = if_not_exists(fresh, :n1) + :n2", want: change(avItem{"fresh": n("3")})},
		{update: "SET list = list_append(list, :l)", refuse: "reserved keyword: list"},
		{update: "SET #list = list_append(:l, #list)", want: change(avItem{"seq": list(s("new"), n("1"), s("two"))})},
		{update: "SET #list[0] = :n7, #list[9] = :n2", want: change(avItem{"seq": list(n("7"), s("two"), n("2"))})},
		{update: "REMOVE #list[0], #list[1], flag", want: change(avItem{"seq": &avL{Value: []types.AttributeValue{}}}, "flag")},
		{update: "SET m.x = :me REMOVE m.y.z", want: change(avItem{"m": &avM{Value: avItem{"x": s("me"), "y": &avM{Value: avItem{}}}}})},
		{update: "ADD tags :ba, expires :n1, fresh :n2", want: change(avItem{"expires": n("101"), "fresh": n("2")})},
		{update: "DELETE tags :ba", want: change(nil, "tags")},
		{update: "set owner_id = expires, expires = owner_id", want: change(avItem{"owner_id": n("100"), "expires": s("me")})},
		{update: "SET owner_id = nothing", refuse: "refers to an attribute that does not exist in the item"},
		{update: "SET nothing.x = :n1", refuse: "The document path provided in the update expression is invalid for update"},
		{update: "SET pk = :me", refuse: "Cannot update attribute pk. This attribute is part of the key"},
		{update: "SET m = :n1, m.x = :n2", refuse: "Two document paths overlap"},
		{update: "SET flag = :n1 SET fresh = :n2", refuse: "can only be used once"},
		{update: "SET owner_id = owner_id + :n1", refuse: "incorrect data type"},
		{update: "ADD owner_id :n1", refuse: "incorrect data type"},
		{update: "ADD owner_id :me", refuse: "operator or function: ADD, operand type: S"},
		{update: "DROP owner_id", refuse: "Syntax error"},
		{update: "SET", refuse: "Syntax error"},
		{update: "SET fresh = concat(:n1)", refuse: "Invalid function name; function: concat"},
	} {
		t.Run(row.update, func(t *testing.T) {
			d.put(lease())
			in := &dynamodb.UpdateItemInput{
				TableName: aws.String("state"), Key: key, UpdateExpression: &row.update,
				ReturnValues: types.ReturnValueAllNew, ExpressionAttributeValues: avItem{},
			}
			addPlaceholders(in, row.update)
			if strings.Contains(row.update, ":l") {
				in.ExpressionAttributeValues[":l"] = list(s("new"))
			}
			if strings.Contains(row.update, "#list") {
				in.ExpressionAttributeNames = map[string]string{"#list": "seq"}
			}
			if len(in.ExpressionAttributeValues) == 0 {
				in.ExpressionAttributeValues = nil
			}
			out, err := d.api.UpdateItem(context.Background(), in)
			if row.refuse != "" {
				if codeOf(err) != "ValidationException" || !strings.Contains(err.Error(), row.refuse) {
					t.Errorf("got %v, want a ValidationException with %q", err, row.refuse)
				}
				row.want = lease()
			} else if err != nil {
				t.Fatal(err)
			} else if diff := same(row.want, out.Attributes); diff != "" {
				t.Errorf("returned (-want +got):\n%s", diff)
			}
			if diff := same(row.want, d.get(key)); diff != "" {
				t.Errorf("stored (-want +got):\n%s", diff)
			}
		})
	}
}
