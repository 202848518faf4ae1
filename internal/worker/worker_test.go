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
		if err := q.Put(t.Context(), body, nil); err != nil {
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
		h := &Health{Now: time.Now, Queues: []string{"events", "pass"}}
		check := func(code int, text string) {
			t.Helper()
			w := httptest.NewRecorder()
			h.ServeHTTP(w, nil)
			if w.Code != code || strings.TrimSpace(w.Body.String()) != text {
				t.Errorf("got %d %q, want %d %q", w.Code, w.Body, code, text)
			}
		}
		check(503, "queue events: not polled yet\nqueue pass: not polled yet")
		h.polled("events", nil)
		check(503, "queue pass: not polled yet")
		h.polled("pass", errors.New("denied"))
		check(503, "queue pass: denied")
		h.polled("pass", nil)
		check(200, "ok")
		since := time.Now().UTC().Format(time.RFC3339)
		time.Sleep(stale)
		h.polled("events", nil)
		time.Sleep(time.Second)
		check(503, "queue pass: not polled since "+since)
		h.Drain()
		check(503, "draining")
	})
}

// A worker on an empty queue is well at once, and not after the first long poll.
func TestTheFirstPollWaitsForNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, stop := context.WithTimeout(t.Context(), time.Second)
		defer stop()
		p := poller(newQueue(t), nil)
		p.Run(ctx, t.Context())
		if trouble := p.Health.troubles(); len(trouble) > 0 {
			t.Errorf("after a second: %v", trouble)
		}
	})
}

// asking runs a schedule for some time from 00:20 on, and gives the times at
// which it asked. A pass is made as soon as it was asked for, unless lost.
func asking(t *testing.T, s Schedule, lost func(n int) bool) string {
	t.Helper()
	var asked []string
	synctest.Test(t, func(t *testing.T) {
		var made time.Time
		s.Now, s.Log = time.Now, slog.New(slog.NewTextHandler(io.Discard, nil))
		s.Due = func(_ context.Context, since time.Time) (bool, error) { return made.Before(since), nil }
		s.Claim = func(context.Context, string, time.Time) (bool, error) { return true, nil }
		s.Invoke = func(context.Context, []byte) ([]byte, error) {
			asked = append(asked, time.Now().UTC().Format("02 15:04"))
			if !lost(len(asked)) {
				made = time.Now()
			}
			return nil, nil
		}
		time.Sleep(20 * time.Minute)
		ctx, stop := context.WithTimeout(t.Context(), 27*time.Hour)
		defer stop()
		s.Run(ctx)
	})
	return strings.Join(asked, ", ")
}

func TestPassesAreAskedForAtRoundTimesAndWhereDue(t *testing.T) {
	never := func(int) bool { return false }
	for _, c := range []struct {
		what string
		s    Schedule
		lost func(int) bool
		want string
	}{
		{"at the start, then at multiples", Schedule{Every: 6 * time.Hour}, never, "01 00:20, 01 06:00, 01 12:00, 01 18:00, 02 00:00"},
		{"from another time of the day on", Schedule{Every: 24 * time.Hour, Offset: 3*time.Hour + 30*time.Minute}, never, "01 00:20, 01 03:30"},
		{"of no whole hours", Schedule{Every: 10*time.Hour + 30*time.Minute}, never, "01 00:20, 01 06:00, 01 16:30, 02 03:00"},
		{"what is lost is made up for", Schedule{Every: 24 * time.Hour}, func(n int) bool { return n == 2 }, "01 00:20, 02 00:00, 02 01:00"},
	} {
		t.Run(c.what, func(t *testing.T) {
			if got := asking(t, c.s, c.lost); got != c.want {
				t.Errorf("asked at %s; want %s", got, c.want)
			}
		})
	}
}

func TestWhatAnotherWorkerAsksForIsNotAskedForAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := Schedule{
			Every: time.Hour, Now: time.Now, Log: slog.New(slog.NewTextHandler(io.Discard, nil)),
			Due:    func(context.Context, time.Time) (bool, error) { return true, nil },
			Claim:  func(context.Context, string, time.Time) (bool, error) { return false, nil },
			Invoke: func(context.Context, []byte) ([]byte, error) { t.Error("asked"); return nil, nil },
		}
		ctx, stop := context.WithTimeout(t.Context(), 3*time.Hour)
		defer stop()
		s.Run(ctx)
	})
}
