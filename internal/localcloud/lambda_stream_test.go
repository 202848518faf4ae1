package localcloud_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/google/go-cmp/cmp"

	"studiokeeper/internal/localcloud"
)

// streamed is a world with a table, its stream, and a function that a stream can be mapped to.
type streamed struct {
	*tables
	arn string // of the stream

	mu      sync.Mutex
	batches [][]events.DynamoDBEventRecord
}

// newStreamed answers every batch with answer; nil succeeds.
func newStreamed(t *testing.T, view types.StreamViewType, answer func([]events.DynamoDBEventRecord) (string, error)) *streamed {
	t.Helper()
	st := &streamed{tables: newTables(t, "S")}
	st.arn = *st.update(true, view).LatestStreamArn
	err := st.cloud.StartFunction(localcloud.Function{Name: "events", Invoke: func(_ context.Context, payload []byte) ([]byte, error) {
		var in events.DynamoDBEvent
		if err := json.Unmarshal(payload, &in); err != nil {
			return nil, err
		}
		st.mu.Lock()
		st.batches = append(st.batches, in.Records)
		st.mu.Unlock()
		if answer == nil {
			return nil, nil
		}
		out, err := answer(in.Records)
		return []byte(out), err
	}})
	if err != nil {
		t.Fatal(err)
	}
	return st
}

// update switches the table's stream on or off.
func (st *streamed) update(on bool, view types.StreamViewType) *types.TableDescription {
	st.t.Helper()
	out, err := st.api.UpdateTable(context.Background(), &dynamodb.UpdateTableInput{
		TableName: aws.String("state"), StreamSpecification: &types.StreamSpecification{StreamEnabled: &on, StreamViewType: view},
	})
	return must(st.world, out, err).TableDescription
}

func (st *streamed) start(m localcloud.StreamMapping) {
	st.t.Helper()
	m.Function = "events"
	if m.TableName == "" {
		m.StreamArn = st.arn
	}
	if err := st.cloud.MapStream(m); err != nil {
		st.t.Fatal(err)
	}
}

// sorts shows every batch so far by the sort keys of its changes.
func (st *streamed) sorts() string {
	st.mu.Lock()
	defer st.mu.Unlock()
	var batches []string
	for _, b := range st.batches {
		batches = append(batches, sortKeys(b))
	}
	return strings.Join(batches, " ")
}

func sortKeys(batch []events.DynamoDBEventRecord) string {
	keys := ""
	for _, r := range batch {
		keys += r.Change.Keys["sk"].String()
	}
	return keys
}

func (st *streamed) wantSorts(about, want string) {
	st.t.Helper()
	deadline := time.Now().Add(10 * time.Second)
	for st.sorts() != want && time.Now().Before(deadline) {
		time.Sleep(time.Millisecond)
	}
	if got := st.sorts(); got != want {
		st.t.Errorf("%s: the function got %q, want %q", about, got, want)
	}
}

func TestStreamTellsEveryChangeOfAnItem(t *testing.T) {
	ctx := context.Background()
	st := newStreamed(t, types.StreamViewTypeNewAndOldImages, nil)
	st.put(avItem{"pk": s("ad-group-1"), "sk": s("a"), "priority": n("1"), "tags": &avSS{Value: []string{"x", "y"}}})
	st.put(avItem{"pk": s("ad-group-1"), "sk": s("a"), "priority": n("1.0"), "tags": &avSS{Value: []string{"y", "x"}}}) // the same
	st.put(avItem{"pk": s("ad-group-1"), "sk": s("a"), "priority": n("2"), "settings": &avM{Value: avItem{"deep": &avL{Value: []types.AttributeValue{&avB{Value: []byte("b")}}}}}})
	_, err := st.api.PutItem(ctx, &dynamodb.PutItemInput{TableName: aws.String("state"),
		Item: avItem{"pk": s("ad-group-1"), "sk": s("a")}, ConditionExpression: aws.String("attribute_not_exists(pk)")})
	st.wantCode("a refused write", err, "ConditionalCheckFailedException")
	for range 2 {
		_, err = st.api.DeleteItem(ctx, &dynamodb.DeleteItemInput{TableName: aws.String("state"), Key: avItem{"pk": s("ad-group-1"), "sk": s("a")}})
		st.wantCode("deleting, or again", err, "")
	}
	st.start(localcloud.StreamMapping{FromStart: true})
	st.wantSorts("three changes", "aaa")

	var got []string
	last := ""
	for _, r := range st.batches[0] {
		c := r.Change
		got = append(got, fmt.Sprintf("%s %s to %s", r.EventName, image(c.OldImage), image(c.NewImage)))
		if c.SequenceNumber <= last || len(c.SequenceNumber) != 21 || r.EventID == "" || c.SizeBytes == 0 ||
			c.Keys["pk"].String() != "ad-group-1" || len(c.Keys) != 2 || c.StreamViewType != "NEW_AND_OLD_IMAGES" {
			t.Errorf("after sequence number %q came %+v", last, r)
		}
		if r.EventSource != "aws:dynamodb" || r.EventVersion != "1.1" || r.AWSRegion != home || r.EventSourceArn != st.arn ||
			!c.ApproximateCreationDateTime.Equal(st.cloud.Now()) {
			t.Errorf("the change's frame is %+v", r)
		}
		last = c.SequenceNumber
	}
	want := []string{"INSERT  to priority=1 tags", "MODIFY priority=1 tags to priority=2 settings.deep", "REMOVE priority=2 settings.deep to "}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("changes (-want +got):\n%s", diff)
	}
}

// image shows what an item holds beside its keys.
func image(item map[string]events.DynamoDBAttributeValue) string {
	var parts []string
	for name, v := range item {
		switch {
		case name == "priority":
			parts = append(parts, "priority="+v.Number())
		case name == "tags" && slices.Contains(v.StringSet(), "y"):
			parts = append(parts, "tags")
		case name == "settings" && string(v.Map()["deep"].List()[0].Binary()) == "b":
			parts = append(parts, "settings.deep")
		}
	}
	slices.Sort(parts)
	return strings.Join(parts, " ")
}

func TestStreamShowsWhatItsViewTypeSays(t *testing.T) {
	for view, want := range map[types.StreamViewType]string{
		types.StreamViewTypeKeysOnly: "false false", types.StreamViewTypeNewImage: "false true",
		types.StreamViewTypeOldImage: "true false", types.StreamViewTypeNewAndOldImages: "true true",
	} {
		st := newStreamed(t, view, nil)
		st.put(avItem{"pk": s("p"), "sk": s("a"), "x": n("1")})
		st.start(localcloud.StreamMapping{TableName: "state"})
		st.put(avItem{"pk": s("p"), "sk": s("a"), "x": n("2")})
		st.wantSorts("the change that came after the mapping", "a")
		r := st.batches[0][0]
		if got := fmt.Sprint(len(r.Change.OldImage) > 0, len(r.Change.NewImage) > 0); got != want || r.EventName != "MODIFY" {
			t.Errorf("%s shows old and new image: %s, want %s", view, got, want)
		}
	}
}

func TestStreamCarriesEveryKindOfWrite(t *testing.T) {
	ctx := context.Background()
	st := newStreamed(t, types.StreamViewTypeKeysOnly, nil)
	put := func(sk string) *types.Put {
		return &types.Put{TableName: aws.String("state"), Item: avItem{"pk": s("p"), "sk": s(sk)}}
	}
	_, err := st.api.TransactWriteItems(ctx, &dynamodb.TransactWriteItemsInput{TransactItems: []types.TransactWriteItem{{Put: put("a")}, {Put: put("b")}}})
	st.wantCode("a transaction", err, "")
	refused := put("c")
	refused.ConditionExpression = aws.String("attribute_exists(pk)")
	_, err = st.api.TransactWriteItems(ctx, &dynamodb.TransactWriteItemsInput{TransactItems: []types.TransactWriteItem{{Put: put("d")}, {Put: refused}}})
	st.wantCode("a refused transaction", err, "TransactionCanceledException")
	_, err = st.api.BatchWriteItem(ctx, &dynamodb.BatchWriteItemInput{RequestItems: map[string][]types.WriteRequest{"state": {
		{PutRequest: &types.PutRequest{Item: avItem{"pk": s("p"), "sk": s("e")}}},
		{DeleteRequest: &types.DeleteRequest{Key: avItem{"pk": s("p"), "sk": s("a")}}},
	}}})
	st.wantCode("a batch", err, "")
	_, err = st.api.UpdateItem(ctx, &dynamodb.UpdateItemInput{TableName: aws.String("state"), Key: avItem{"pk": s("p"), "sk": s("b")},
		UpdateExpression: aws.String("SET x = :x"), ExpressionAttributeValues: avItem{":x": n("1")}})
	st.wantCode("an update", err, "")
	st.start(localcloud.StreamMapping{FromStart: true, BatchSize: 2})
	st.wantSorts("the writes, two at a time", "ab ea b")
}

func TestStreamKeepsTheOrderOfAKey(t *testing.T) {
	const keys, versions = 12, 15
	st := newStreamed(t, types.StreamViewTypeNewImage, nil)
	st.start(localcloud.StreamMapping{BatchSize: 3})
	var writers sync.WaitGroup
	for k := range keys {
		writers.Go(func() {
			for v := range versions {
				_, err := st.api.PutItem(context.Background(), &dynamodb.PutItemInput{TableName: aws.String("state"),
					Item: avItem{"pk": s(fmt.Sprint("group ", k)), "sk": s("a"), "v": n(fmt.Sprint(v))}})
				st.wantCode("writing", err, "")
			}
		})
	}
	writers.Wait()
	eventually(t, func() bool { return len(strings.ReplaceAll(st.sorts(), " ", "")) >= keys*versions })
	seen := map[string]int{}
	for _, batch := range st.batches {
		for _, r := range batch {
			key := r.Change.Keys["pk"].String()
			if got := r.Change.NewImage["v"].Number(); got != fmt.Sprint(seen[key]) {
				t.Errorf("of %s came version %s, want %d", key, got, seen[key])
			}
			seen[key]++
		}
		if len(batch) > 3 {
			t.Errorf("a batch has %d changes, want 3 at most", len(batch))
		}
	}
}

func TestStreamRetriesAFailedBatch(t *testing.T) {
	failing := func(times int) func([]events.DynamoDBEventRecord) (string, error) {
		return func(batch []events.DynamoDBEventRecord) (string, error) {
			if strings.Contains(sortKeys(batch), "3") && times != 0 {
				times--
				return "", errors.New("record 3 is bad")
			}
			return "", nil
		}
	}
	reporting := func(batch []events.DynamoDBEventRecord) (string, error) {
		for _, r := range batch {
			if r.Change.Keys["sk"].String() == "3" {
				return `{"batchItemFailures":[{"itemIdentifier":"` + r.Change.SequenceNumber + `"}]}`, nil
			}
		}
		return `{"batchItemFailures":[]}`, nil
	}
	saying := func(answer string) func([]events.DynamoDBEventRecord) (string, error) {
		return func([]events.DynamoDBEventRecord) (string, error) { return answer, nil }
	}
	rows := []struct {
		name    string
		mapping localcloud.StreamMapping
		answer  func([]events.DynamoDBEventRecord) (string, error)
		want    string
		lost    string // how many changes each notice tells of
	}{
		{"two failures, then none", localcloud.StreamMapping{}, failing(2), "12345 12345 12345", ""},
		{"no retries", localcloud.StreamMapping{MaximumRetryAttempts: new(0)}, failing(-1), "12345", "5"},
		{"two retries", localcloud.StreamMapping{MaximumRetryAttempts: new(2)}, failing(-1), "12345 12345 12345", "5"},
		{"batches of two", localcloud.StreamMapping{MaximumRetryAttempts: new(1), BatchSize: 2}, failing(-1), "12 34 34 5", "2"},
		{"a batch split until the bad one is alone", localcloud.StreamMapping{MaximumRetryAttempts: new(1), BisectBatchOnFunctionError: true},
			failing(-1), "12345 12 345 3 3 45", "1"},
		{"a reported failure", localcloud.StreamMapping{MaximumRetryAttempts: new(1), ReportBatchItemFailures: true}, reporting, "12345 345 345", "3"},
		{"a reported failure and a split", localcloud.StreamMapping{MaximumRetryAttempts: new(0), ReportBatchItemFailures: true, BisectBatchOnFunctionError: true},
			reporting, "12345 345 3 45", "1"},
		{"a report that nobody asked for", localcloud.StreamMapping{MaximumRetryAttempts: new(0)}, reporting, "12345", ""},
		{"a report of an unknown number", localcloud.StreamMapping{MaximumRetryAttempts: new(0), ReportBatchItemFailures: true},
			saying(`{"batchItemFailures":[{"itemIdentifier":"17"}]}`), "12345", "5"},
		{"an answer that is no report", localcloud.StreamMapping{MaximumRetryAttempts: new(0), ReportBatchItemFailures: true}, saying("done"), "12345", "5"},
		{"a null report", localcloud.StreamMapping{MaximumRetryAttempts: new(0), ReportBatchItemFailures: true}, saying(`{"batchItemFailures":null}`), "12345", ""},
	}
	for _, row := range rows {
		t.Run(row.name, func(t *testing.T) {
			st := newStreamed(t, types.StreamViewTypeKeysOnly, row.answer)
			q := &queues{st.world, sqs.NewFromConfig(st.as(account, home))}
			url := q.queue("lost")
			for i := 1; i <= 5; i++ {
				st.put(avItem{"pk": s("p"), "sk": s(fmt.Sprint(i))})
			}
			row.mapping.FromStart, row.mapping.OnFailureQueueArn = true, "arn:aws:sqs:us-east-1:111122223333:lost"
			st.start(row.mapping)
			st.wantSorts(row.name, row.want)
			if row.lost == "" { // what comes next shows that the batch is done with
				st.put(avItem{"pk": s("p"), "sk": s("6")})
				st.wantSorts(row.name+", and one more", row.want+" 6")
			}
			st.wantLost(q, url, row.lost)
		})
	}
}

// wantLost reads the notices of batches that were given up.
func (st *streamed) wantLost(q *queues, url *string, want string) {
	st.t.Helper()
	var got []string
	read := func() bool {
		for _, m := range q.receive(url) {
			var notice struct {
				RequestContext     struct{ Condition, FunctionArn string }
				DDBStreamBatchInfo struct {
					BatchSize                              int
					StreamArn                              string
					StartSequenceNumber, EndSequenceNumber string
				}
			}
			if err := json.Unmarshal([]byte(*m.Body), &notice); err != nil {
				st.t.Fatal(err)
			}
			if b := notice.DDBStreamBatchInfo; b.StreamArn != st.arn || b.EndSequenceNumber < b.StartSequenceNumber ||
				notice.RequestContext.Condition != "RetryAttemptsExhausted" || !strings.HasSuffix(notice.RequestContext.FunctionArn, ":events") {
				st.t.Errorf("the notice is %s", *m.Body)
			}
			got = append(got, fmt.Sprint(notice.DDBStreamBatchInfo.BatchSize))
		}
		return len(got) > 0
	}
	if want != "" {
		eventually(st.t, read)
	} else {
		read()
	}
	if strings.Join(got, " ") != want {
		st.t.Errorf("given up: batches of %v changes, want %q", got, want)
	}
}

func TestStreamForgetsAfterADay(t *testing.T) {
	st := newStreamed(t, types.StreamViewTypeKeysOnly, func(batch []events.DynamoDBEventRecord) (string, error) {
		if sortKeys(batch) == "1" {
			return "", errors.New("record 1 is bad")
		}
		return "", nil
	})
	st.start(localcloud.StreamMapping{})
	st.put(avItem{"pk": s("p"), "sk": s("1")})
	eventually(t, func() bool { return strings.HasPrefix(st.sorts(), "1 1 ") })
	st.cloud.Advance(25 * time.Hour)
	st.put(avItem{"pk": s("p"), "sk": s("2")})
	eventually(t, func() bool { return strings.HasSuffix(st.sorts(), " 2") })
}

func TestStreamIsSwitchedOnAndOff(t *testing.T) {
	ctx := context.Background()
	st := newStreamed(t, types.StreamViewTypeKeysOnly, nil)
	update := func(on bool, view types.StreamViewType) error {
		_, err := st.api.UpdateTable(ctx, &dynamodb.UpdateTableInput{
			TableName: aws.String("state"), StreamSpecification: &types.StreamSpecification{StreamEnabled: &on, StreamViewType: view},
		})
		return err
	}
	st.wantCode("switching it on again", update(true, types.StreamViewTypeNewImage), "ValidationException")
	st.start(localcloud.StreamMapping{})
	st.put(avItem{"pk": s("p"), "sk": s("a")})
	off := st.update(false, "")
	if off.StreamSpecification != nil || aws.ToString(off.LatestStreamArn) != st.arn {
		t.Errorf("switched off, the table shows %+v and %s", off.StreamSpecification, aws.ToString(off.LatestStreamArn))
	}
	st.put(avItem{"pk": s("p"), "sk": s("b")})
	st.wantCode("switching it off again", update(false, ""), "ValidationException")
	st.wantCode("a stream of nothing", update(true, ""), "ValidationException")
	_, err := st.api.UpdateTable(ctx, &dynamodb.UpdateTableInput{TableName: aws.String("state")})
	st.wantCode("changing nothing", err, "ValidationException")
	st.cloud.Advance(time.Second)
	on := st.update(true, types.StreamViewTypeNewImage)
	if *on.LatestStreamArn == st.arn || *on.LatestStreamLabel == "" || on.StreamSpecification.StreamViewType != types.StreamViewTypeNewImage {
		t.Errorf("switched on again, the table shows %+v, %s", on.StreamSpecification, *on.LatestStreamArn)
	}
	st.put(avItem{"pk": s("p"), "sk": s("c")})
	st.start(localcloud.StreamMapping{TableName: "state", FromStart: true})
	eventually(t, func() bool { return len(st.sorts()) == 3 })
	if got := st.sorts(); got != "a c" && got != "c a" {
		t.Errorf("the two streams carried %q, want a and c", got)
	}
}

func TestMapStreamRefuses(t *testing.T) {
	st := newStreamed(t, types.StreamViewTypeKeysOnly, nil)
	good := func() localcloud.StreamMapping {
		return localcloud.StreamMapping{StreamArn: st.arn, Function: "events"}
	}
	for about, change := range map[string]func(*localcloud.StreamMapping){
		"a stream that is not there":     func(m *localcloud.StreamMapping) { m.StreamArn += "9" },
		"a table that is not there":      func(m *localcloud.StreamMapping) { m.StreamArn, m.TableName = "", "nothing" },
		"a stream of another Region":     func(m *localcloud.StreamMapping) { m.StreamArn = strings.Replace(m.StreamArn, home, "eu-west-1", 1) },
		"a table and a stream":           func(m *localcloud.StreamMapping) { m.TableName = "state" },
		"nothing":                        func(m *localcloud.StreamMapping) { m.StreamArn = "" },
		"no ARN":                         func(m *localcloud.StreamMapping) { m.StreamArn = "state" },
		"a function that is not there":   func(m *localcloud.StreamMapping) { m.Function = "nothing" },
		"batches of 10,001":              func(m *localcloud.StreamMapping) { m.BatchSize = 10_001 },
		"10,001 retries":                 func(m *localcloud.StreamMapping) { m.MaximumRetryAttempts = new(10_001) },
		"fewer retries than none at all": func(m *localcloud.StreamMapping) { m.MaximumRetryAttempts = new(-2) },
	} {
		m := good()
		change(&m)
		if err := st.cloud.MapStream(m); err == nil {
			t.Errorf("mapping %s succeeded", about)
		}
	}
	if err := st.cloud.MapStream(good()); err != nil {
		t.Errorf("the mapping that nothing is wrong with: %v", err)
	}
	_, err := st.api.DeleteTable(context.Background(), &dynamodb.DeleteTableInput{TableName: aws.String("state")})
	st.wantCode("deleting the table", err, "")
	if err := st.cloud.MapStream(good()); err == nil {
		t.Error("the stream of a deleted table was mapped")
	}
}
