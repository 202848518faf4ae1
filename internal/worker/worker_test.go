package worker

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/sqs"

	"studiokeeper/internal/awscloud"
	"studiokeeper/internal/localcloud"
)

// newQueue is a queue of the local cloud with messages in it.
func newQueue(t *testing.T, bodies ...string) *awscloud.Queue {
	t.Helper()
	cloud := &localcloud.Cloud{}
	t.Cleanup(cloud.Close)
	cfg := aws.Config{
		Region: "us-east-1", Credentials: credentials.NewStaticCredentialsProvider("local", "local", ""),
		HTTPClient: &http.Client{Transport: &localcloud.Transport{Cloud: cloud}},
	}
	made, err := sqs.NewFromConfig(cfg).CreateQueue(t.Context(), &sqs.CreateQueueInput{QueueName: aws.String("studiokeeper-events")})
	if err != nil {
		t.Fatal(err)
	}
	q := &awscloud.Queue{Session: awscloud.NewSession(cfg, "test"), URL: *made.QueueUrl}
	for _, body := range bodies {
		if err := q.Put(t.Context(), body); err != nil {
			t.Fatal(err)
		}
	}
	return q
}

func poller(q Queue, invoke func(context.Context, []byte) ([]byte, error)) *Poller {
	return &Poller{
		Name: "events", Queue: q, Invoke: invoke, AtOnce: 1, Limit: 15 * time.Minute,
		Health: &Health{Now: time.Now, Queues: []string{"events"}}, Log: slog.New(slog.NewTextHandler(io.Discard, nil)),
	}
}

// left are the messages that are there once nobody hides any.
func left(t *testing.T, q *awscloud.Queue) int {
	t.Helper()
	time.Sleep(hidden + time.Second)
	letters, err := q.Receive(t.Context(), 10, 0, time.Minute)
	if err != nil {
		t.Fatal(err)
	}
	return len(letters)
}

func TestWorkThatLastsIsHiddenAndDoneBeforeTheEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := newQueue(t, "{}")
		ctx, stop := context.WithCancel(t.Context())
		times := 0
		p := poller(q, func(context.Context, []byte) ([]byte, error) {
			times++
			stop() // nothing more is received from here on
			time.Sleep(10 * time.Minute)
			if again, err := q.Receive(t.Context(), 10, 0, 0); len(again) > 0 || err != nil {
				t.Errorf("others see what is worked on: %v, %v", again, err)
			}
			return []byte(`{"batchItemFailures":[]}`), nil
		})
		p.Run(ctx, t.Context())
		if n := left(t, q); n != 0 || times != 1 {
			t.Errorf("%d messages are left after %d invocations", n, times)
		}
	})
}

func TestWhatFailsComesAgain(t *testing.T) {
	for what, answer := range map[string]func() ([]byte, error){
		"the batch":  func() ([]byte, error) { return nil, errors.New("no configuration") },
		"no answer":  func() ([]byte, error) { return []byte("?"), nil },
		"a message ": nil,
	} {
		t.Run(what, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				q := newQueue(t, "{}")
				ctx, stop := context.WithCancel(t.Context())
				p := poller(q, func(_ context.Context, payload []byte) ([]byte, error) {
					stop()
					if answer != nil {
						return answer()
					}
					_, id, _ := strings.Cut(string(payload), `"messageId":"`)
					return []byte(`{"batchItemFailures":[{"itemIdentifier":"` + id[:36] + `"}]}`), nil
				})
				p.Run(ctx, t.Context())
				if n := left(t, q); n != 1 {
					t.Errorf("%d messages are left", n)
				}
			})
		})
	}
}

func TestHealthSaysWhatIsWrong(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := &Health{Now: time.Now, Queues: []string{"events"}}
		check := func(code int, text string) {
			t.Helper()
			w := httptest.NewRecorder()
			h.ServeHTTP(w, nil)
			if w.Code != code || !strings.Contains(w.Body.String(), text) {
				t.Errorf("got %d %q, want %d %q", w.Code, w.Body, code, text)
			}
		}
		h.polled("events", errors.New("denied"))
		check(503, "queue events: denied")
		h.polled("events", nil)
		check(200, "ok")
		time.Sleep(stale + time.Second)
		check(503, "not polled since")
	})
}

func TestMetricsAddUp(t *testing.T) {
	var m Metrics
	line := `{"deployment":"prod","domain":"research","Errors":2,"EventToReady":[1.5,2],"_aws":{"CloudWatchMetrics":[{"Metrics":[{"Name":"Errors","Unit":"Count"},{"Name":"EventToReady","Unit":"Seconds"}]}]}}` + "\n"
	if _, err := io.WriteString(&m, line+line); err != nil {
		t.Fatal(err)
	}
	w := httptest.NewRecorder()
	m.ServeHTTP(w, nil)
	const want = `# TYPE studiokeeper_errors_total counter
studiokeeper_errors_total{deployment="prod",domain="research"} 4
# TYPE studiokeeper_event_to_ready_seconds summary
studiokeeper_event_to_ready_seconds_count{deployment="prod",domain="research"} 4
studiokeeper_event_to_ready_seconds_sum{deployment="prod",domain="research"} 7
`
	if got := w.Body.String(); got != want {
		t.Errorf("got\n%s", got)
	}
}

func TestPassesAreAskedForAtRoundTimesAndWhereDue(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var asked []string
		due := true
		ctx, cancel := context.WithTimeout(t.Context(), 150*time.Minute)
		defer cancel()
		s := &Schedule{
			Name: "pass", Every: time.Hour, AtStart: true, Now: time.Now, Log: slog.New(slog.NewTextHandler(io.Discard, nil)),
			Due: func(context.Context, time.Time) (bool, error) { due = !due; return !due, nil },
			Invoke: func(_ context.Context, payload []byte) ([]byte, error) {
				asked = append(asked, time.Now().UTC().Format("15:04"))
				return nil, nil
			},
		}
		time.Sleep(20 * time.Minute)
		s.Run(ctx)
		if got := strings.Join(asked, " "); got != "00:20 02:00" {
			t.Errorf("asked at %s", got)
		}
	})
}
