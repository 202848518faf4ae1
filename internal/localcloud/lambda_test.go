package localcloud_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-lambda-go/lambda"
	"github.com/aws/aws-lambda-go/lambdacontext"
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"studiokeeper/internal/localcloud"
)

// childVariable makes this test binary a Lambda function instead.
const childVariable = "LOCALCLOUD_TEST_CHILD"

func TestMain(m *testing.M) {
	if os.Getenv(childVariable) == "" {
		os.Exit(m.Run())
	}
	switch os.Getenv(childVariable) {
	case "broken":
		fmt.Fprintln(os.Stderr, "no configuration")
		os.Exit(7)
	case "writer":
		writeForEver(os.Args[1])
	}
	lambda.Start(child)
}

// order tells the child what to do with an event.
type order struct {
	Do  string
	Arg string
}

func child(ctx context.Context, in order) (map[string]string, error) {
	switch in.Do {
	case "fail":
		return nil, errors.New(in.Arg)
	case "die":
		os.Exit(3)
	case "hang":
		time.Sleep(time.Minute)
	case "describe":
		lc, _ := lambdacontext.FromContext(ctx)
		deadline, _ := ctx.Deadline()
		return map[string]string{
			"arn": lc.InvokedFunctionArn, "name": lambdacontext.FunctionName, "region": os.Getenv("AWS_REGION"), "key": os.Getenv("AWS_ACCESS_KEY_ID"),
			"token":    os.Getenv("AWS_SESSION_TOKEN"),
			"endpoint": os.Getenv("AWS_ENDPOINT_URL"), "home": os.Getenv("HOME"), "in time": fmt.Sprint(time.Until(deadline) > 0),
		}, nil
	}
	fmt.Println("handled", in.Arg)
	return map[string]string{"pid": fmt.Sprint(os.Getpid()), "arg": in.Arg}, nil
}

// childFunction is this test binary as a function.
func childFunction(kind string) localcloud.Function {
	return localcloud.Function{
		Name: "child", Command: []string{os.Args[0]}, Timeout: 20 * time.Second,
		Env: []string{childVariable + "=" + kind, "AWS_ENDPOINT_URL=http://127.0.0.1:4566"},
	}
}

func start(t *testing.T, c *localcloud.Cloud, f localcloud.Function) {
	t.Helper()
	t.Cleanup(c.Close)
	if err := c.StartFunction(f); err != nil {
		t.Fatal(err)
	}
}

// ask invokes the child and gives its answer.
func ask(t *testing.T, c *localcloud.Cloud, do, arg string) (map[string]string, error) {
	t.Helper()
	payload, err := json.Marshal(order{do, arg})
	if err != nil {
		t.Fatal(err)
	}
	out, err := c.Invoke("child", payload)
	if err != nil {
		return nil, err
	}
	var answer map[string]string
	if err := json.Unmarshal(out, &answer); err != nil {
		t.Fatalf("%s: %v", out, err)
	}
	return answer, nil
}

func TestLambdaRunsARealProcess(t *testing.T) {
	var c localcloud.Cloud
	var output bytes.Buffer
	f := childFunction("1")
	f.Stderr = &output
	start(t, &c, f)
	got, err := ask(t, &c, "describe", "")
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]string{
		"arn": "arn:aws:lambda:us-east-1:111122223333:function:child", "name": "child", "region": "us-east-1", "key": account, "token": "",
		"endpoint": "http://127.0.0.1:4566", "home": "", "in time": "true",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("the child sees (-want +got):\n%s", diff)
	}
	first, err := ask(t, &c, "work", "one")
	if err != nil {
		t.Fatal(err)
	}
	second, err := ask(t, &c, "work", "two")
	if err != nil || second["arg"] != "two" || second["pid"] != first["pid"] {
		t.Errorf("the second invocation: %v, %v; the first ran in process %s", second, err, first["pid"])
	}
	c.Close()
	if !strings.Contains(output.String(), "handled one\nhandled two\n") {
		t.Errorf("the child wrote %q", output.String())
	}
	for i, v := range c.Invocations() {
		if v.Function != "child" || v.Error != "" || v.Cold || v.Duration <= 0 {
			t.Errorf("invocation %d: %+v", i, v)
		}
	}
}

func TestLambdaFailuresHitOneInvocationOnly(t *testing.T) {
	var c localcloud.Cloud
	f := childFunction("1")
	f.Timeout = 2 * time.Second
	start(t, &c, f)
	var pids []string
	for _, row := range []struct{ do, arg, want string }{
		{"work", "", ""},
		{"fail", "no such group", "function child: errorString: no such group"},
		{"work", "", ""},
		{"die", "", "function child: Runtime.ExitError: Runtime exited with error: exit status 3"},
		{"die", "", "function child: Runtime.ExitError: Runtime exited with error: exit status 3"},
		{"work", "", ""},
		{"hang", "", "function child: Sandbox.Timedout: Task timed out after 2.00 seconds"},
		{"work", "", ""},
	} {
		answer, err := ask(t, &c, row.do, row.arg)
		got := ""
		if err != nil {
			got = err.Error()
		}
		if got != row.want {
			t.Errorf("%s: got %q, want %q", row.do, got, row.want)
		}
		if row.do == "work" {
			pids = append(pids, answer["pid"])
		}
	}
	if pids[0] != pids[1] || pids[1] == pids[2] || pids[2] == pids[3] {
		t.Errorf("processes %v: an error keeps the process, death and timeout replace it", pids)
	}
	var cold []bool
	for _, v := range c.Invocations() {
		cold = append(cold, v.Cold)
	}
	if diff := cmp.Diff([]bool{false, false, false, false, true, true, false, true}, cold); diff != "" {
		t.Errorf("cold starts (-want +got):\n%s", diff)
	}
}

func TestLambdaSurfacesFailedStarts(t *testing.T) {
	var c localcloud.Cloud
	defer c.Close()
	err := c.StartFunction(childFunction("broken"))
	if err == nil || !strings.Contains(err.Error(), "exit status 7") {
		t.Errorf("a function that exits: %v", err)
	}
	missing := childFunction("1")
	missing.Command = []string{"/does/not/exist"}
	if err := c.StartFunction(missing); err == nil || !strings.Contains(err.Error(), "/does/not/exist") {
		t.Errorf("a program that is not there: %v", err)
	}
	if err := c.StartFunction(localcloud.Function{Name: "child"}); err == nil {
		t.Error("a function without a program was started")
	}
	start(t, &c, childFunction("1"))
	if err := c.StartFunction(childFunction("1")); err == nil || !strings.Contains(err.Error(), "exists already") {
		t.Errorf("a second function of the name: %v", err)
	}
	if _, err := c.Invoke("other", nil); err == nil {
		t.Error("a function that is not there was invoked")
	}
}

func TestLambdaCloseLeavesNothingBehind(t *testing.T) {
	before := runtime.NumGoroutine()
	c := &localcloud.Cloud{}
	f := childFunction("1")
	f.Concurrency = 2
	start(t, c, f)
	var hanging sync.WaitGroup
	for range 2 {
		hanging.Go(func() {
			if _, err := ask(t, c, "hang", ""); err == nil {
				t.Error("an invocation outlived the cloud")
			}
		})
	}
	time.Sleep(100 * time.Millisecond)
	began := time.Now()
	c.Close()
	hanging.Wait()
	if took := time.Since(began); took > 5*time.Second {
		t.Errorf("closing took %v", took)
	}
	eventually(t, func() bool { return runtime.NumGoroutine() <= before })
	if _, err := c.Invoke("child", nil); err == nil {
		t.Error("a closed cloud ran a function")
	}
}

// batches is a cloud whose queue work invokes an in-process function.
type batches struct {
	*queues
	url *string
	mu  sync.Mutex
	// handled are the bodies of each invocation so far.
	handled [][]string
}

// newBatches maps the queue with m; answer makes the function's answer.
func newBatches(t *testing.T, m localcloud.EventSourceMapping, answer func(events.SQSEvent) (string, error)) *batches {
	t.Helper()
	b := &batches{queues: newQueues(t)}
	b.queue("dead")
	b.url = b.queue("work", "VisibilityTimeout", "60", "RedrivePolicy", `{"deadLetterTargetArn":"arn:aws:sqs:us-east-1:111122223333:dead","maxReceiveCount":2}`)
	start(t, b.cloud, localcloud.Function{Name: "worker", Invoke: func(_ context.Context, payload []byte) ([]byte, error) {
		var in events.SQSEvent
		if err := json.Unmarshal(payload, &in); err != nil {
			return nil, err
		}
		b.mu.Lock()
		defer b.mu.Unlock()
		var bodies []string
		for _, r := range in.Records {
			bodies = append(bodies, r.Body)
		}
		b.handled = append(b.handled, bodies)
		out, err := answer(in)
		return []byte(out), err
	}})
	for i := range 3 {
		b.send(b.url, fmt.Sprint("m", i), 0)
	}
	m.QueueArn, m.Function = workARN, "worker"
	if err := b.cloud.MapQueue(m); err != nil {
		t.Fatal(err)
	}
	return b
}

func (b *batches) invocations() int { return len(b.cloud.Invocations()) }

func TestLambdaDeletesWhatSucceeded(t *testing.T) {
	idOf := func(in events.SQSEvent, body string) string {
		for _, r := range in.Records {
			if r.Body == body {
				return r.MessageId
			}
		}
		return "none"
	}
	for _, row := range []struct {
		about, answer, inFlight string
		fails, wholeBatch       bool
	}{
		{about: "an empty list is success", answer: `{"batchItemFailures":[]}`, inFlight: "0"},
		{about: "a null list is success", answer: `{"batchItemFailures":null}`, inFlight: "0"},
		{about: "an empty object is success", answer: `{}`, inFlight: "0"},
		{about: "null is success", answer: `null`, inFlight: "0"},
		{about: "no answer is success", answer: ``, inFlight: "0"},
		{about: "a named failure stays", answer: `{"batchItemFailures":[{"itemIdentifier":"ID-m1"}]}`, inFlight: "1"},
		{about: "an unknown id fails the batch", answer: `{"batchItemFailures":[{"itemIdentifier":"ID-m9"}]}`, inFlight: "3"},
		{about: "an empty id fails the batch", answer: `{"batchItemFailures":[{"itemIdentifier":""}]}`, inFlight: "3"},
		{about: "a null id fails the batch", answer: `{"batchItemFailures":[{"itemIdentifier":null}]}`, inFlight: "3"},
		{about: "a misspelt member fails the batch", answer: `{"batchItemFailures":[{"itemId":"ID-m1"}]}`, inFlight: "3"},
		{about: "an answer that is no JSON fails the batch", answer: `done`, inFlight: "3"},
		{about: "a list fails the batch", answer: `[]`, inFlight: "3"},
		{about: "an error fails the batch", fails: true, inFlight: "3"},
		{about: "without the report, any answer is success", answer: `{"batchItemFailures":[{"itemIdentifier":"ID-m1"}]}`, inFlight: "0", wholeBatch: true},
	} {
		t.Run(row.about, func(t *testing.T) {
			b := newBatches(t, localcloud.EventSourceMapping{ReportBatchItemFailures: !row.wholeBatch}, func(in events.SQSEvent) (string, error) {
				if row.fails {
					return "", errors.New("out of order")
				}
				return strings.ReplaceAll(row.answer, "ID-m1", idOf(in, "m1")), nil
			})
			eventually(t, func() bool { return b.invocations() == 1 && b.inFlight() == row.inFlight })
			b.wantCounts(b.url, "0", row.inFlight, "0")
		})
	}
}

func (b *batches) inFlight() string {
	out, err := b.api.GetQueueAttributes(context.Background(), attributesOf(b.url))
	return must(b.world, out, err).Attributes["ApproximateNumberOfMessagesNotVisible"]
}

func TestLambdaRetriesThenDeadLetters(t *testing.T) {
	b := newBatches(t, localcloud.EventSourceMapping{}, func(events.SQSEvent) (string, error) { return "", errors.New("always") })
	dead := b.queue("dead")
	for round := range 2 {
		eventually(t, func() bool { return b.invocations() == round+1 })
		b.cloud.Advance(time.Minute)
	}
	eventually(t, func() bool {
		out, err := b.api.GetQueueAttributes(context.Background(), attributesOf(dead))
		return must(b.world, out, err).Attributes["ApproximateNumberOfMessages"] == "3"
	})
	if got := b.invocations(); got != 2 {
		t.Errorf("invoked %d times, want 2", got)
	}
}

func TestLambdaBatchSizeAndShape(t *testing.T) {
	var record events.SQSMessage
	b := newBatches(t, localcloud.EventSourceMapping{BatchSize: 2}, func(in events.SQSEvent) (string, error) {
		record = in.Records[0]
		return "", nil
	})
	eventually(t, func() bool { return b.invocations() == 2 })
	b.mu.Lock()
	defer b.mu.Unlock()
	if diff := cmp.Diff([][]string{{"m0", "m1"}, {"m2"}}, b.handled); diff != "" {
		t.Errorf("batches (-want +got):\n%s", diff)
	}
	want := events.SQSMessage{
		Body: "m2", EventSource: "aws:sqs", EventSourceARN: workARN, AWSRegion: home,
		MessageAttributes: map[string]events.SQSMessageAttribute{},
		Attributes: map[string]string{
			"ApproximateReceiveCount": "1", "SentTimestamp": "1772355600000", "SenderId": account, "ApproximateFirstReceiveTimestamp": "1772355600000",
		},
	}
	if diff := cmp.Diff(want, record, cmpopts.IgnoreFields(events.SQSMessage{}, "MessageId", "ReceiptHandle", "Md5OfBody")); diff != "" {
		t.Errorf("record (-want +got):\n%s", diff)
	}
	if record.MessageId == "" || record.ReceiptHandle == "" || len(record.Md5OfBody) != 32 {
		t.Errorf("record: %+v", record)
	}
}

func TestLambdaWindowGathersABatch(t *testing.T) {
	b := newBatches(t, localcloud.EventSourceMapping{BatchSize: 100, Window: 10 * time.Second}, func(events.SQSEvent) (string, error) { return "", nil })
	eventually(t, func() bool { return b.inFlight() == "3" })
	for i := range 12 {
		b.send(b.url, fmt.Sprint("n", i), 0)
	}
	eventually(t, func() bool { return b.inFlight() == "15" })
	b.cloud.Advance(10 * time.Second)
	eventually(t, func() bool { return b.invocations() == 1 })
	if got := b.cloud.Invocations()[0].Records; got != 15 {
		t.Errorf("one batch of %d, want 15", got)
	}
}

func TestLambdaRefusesMappings(t *testing.T) {
	q := newQueues(t)
	q.queue("work", "VisibilityTimeout", "10")
	start(t, q.cloud, localcloud.Function{Name: "slow", Timeout: time.Minute, Invoke: func(context.Context, []byte) ([]byte, error) { return nil, nil }})
	for _, row := range []struct {
		about, want string
		mapping     localcloud.EventSourceMapping
	}{
		{"a visibility timeout shorter than the function's", "Queue visibility timeout", localcloud.EventSourceMapping{QueueArn: workARN, Function: "slow"}},
		{"no such queue", "does not exist", localcloud.EventSourceMapping{QueueArn: workARN + "x", Function: "slow"}},
		{"no such function", "named fast", localcloud.EventSourceMapping{QueueArn: workARN, Function: "fast"}},
		{"a concurrency of one", "MaximumConcurrency", localcloud.EventSourceMapping{QueueArn: workARN, Function: "slow", MaximumConcurrency: 1}},
		{"a large batch without a window", "needs a Window", localcloud.EventSourceMapping{QueueArn: workARN, Function: "slow", BatchSize: 11}},
	} {
		if err := q.cloud.MapQueue(row.mapping); err == nil || !strings.Contains(err.Error(), row.want) {
			t.Errorf("%s: got %v, want an error with %q", row.about, err, row.want)
		}
	}
}

func TestLambdaIsATargetOfRules(t *testing.T) {
	b := newBuses(t)
	var mu sync.Mutex
	var attempts []string
	start(t, b.cloud, localcloud.Function{Name: "direct", Invoke: func(_ context.Context, payload []byte) ([]byte, error) {
		mu.Lock()
		defer mu.Unlock()
		attempts = append(attempts, aws.ToString(detailType(payload)))
		if len(attempts) < 3 {
			return nil, errors.New("not yet")
		}
		return nil, nil
	}})
	b.rule("all", everything, "arn:aws:lambda:us-east-1:111122223333:function:direct")
	b.emit("x")
	eventually(t, func() bool {
		b.cloud.Advance(time.Minute)
		return len(b.cloud.Invocations()) == 3
	})
	mu.Lock()
	defer mu.Unlock()
	if diff := cmp.Diff([]string{"Test", "Test", "Test"}, attempts); diff != "" {
		t.Errorf("an asynchronous invocation is tried three times (-want +got):\n%s", diff)
	}
}

func detailType(payload []byte) *string {
	var event struct {
		DetailType *string `json:"detail-type"`
	}
	if err := json.Unmarshal(payload, &event); err != nil {
		return nil
	}
	return event.DetailType
}
