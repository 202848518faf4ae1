package cli

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"

	"studiokeeper/internal/app"
	"studiokeeper/internal/localcloud"
)

// inMemory is the sample account in this process, without a socket.
func inMemory(t *testing.T) *sample {
	t.Helper()
	cloud := &localcloud.Cloud{}
	s := &sample{cloud: cloud, endpoint: "http://aws.local"}
	s.aws = inProcess(s)
	t.Cleanup(func() { cloud.Close(); _ = os.RemoveAll(s.dir) })
	for name, value := range map[string]string{
		"AWS_ENDPOINT_URL": s.endpoint, "AWS_REGION": sampleRegion, "AWS_ACCESS_KEY_ID": "local", "AWS_SECRET_ACCESS_KEY": "local",
		"AWS_EC2_METADATA_DISABLED": "true", "AWS_CONFIG_FILE": os.DevNull, "AWS_SHARED_CREDENTIALS_FILE": os.DevNull,
	} {
		t.Setenv(name, value)
	}
	if err := s.furnish(t.Context(), nil, nil); err != nil {
		t.Fatal(err)
	}
	return s
}

// inProcess reaches the sample's cloud in this process.
func inProcess(s *sample) aws.Config {
	return aws.Config{
		Region: sampleRegion, BaseEndpoint: &s.endpoint, HTTPClient: &http.Client{Transport: localcloud.Transport{Cloud: s.cloud}},
		Credentials: credentials.NewStaticCredentialsProvider("local", "local", ""),
	}
}

// hire opens a worker whose clock is late.
func (s *sample) hire(t *testing.T, f runFlags, late time.Duration) *workshop {
	t.Helper()
	w, err := openWorker(t.Context(), Environment{Lookup: os.LookupEnv}, f, app.Options{
		Config: s.config, Lookup: os.LookupEnv, Log: slog.New(slog.DiscardHandler), HTTP: s.aws.HTTPClient,
		Now: func() time.Time { return time.Now().Add(-late) },
	})
	if err != nil {
		t.Fatal(err)
	}
	return w
}

var hourly = runFlags{passEvery: time.Hour, deepEvery: 24 * time.Hour, deepAt: "02:00"}

func TestSeveralWorkersMakeEachPassOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := inMemory(t)
		time.Sleep(time.Until(time.Now().Truncate(24 * time.Hour).Add(25*time.Hour + 50*time.Minute))) // 01:50
		ctx, stop := context.WithTimeout(t.Context(), 20*time.Minute)
		defer stop()
		var g sync.WaitGroup
		for n := range 3 {
			w := s.hire(t, hourly, time.Duration(n)*3*time.Second)
			g.Go(func() {
				if err := w.work(ctx, time.Minute); err != nil {
					t.Error(err)
				}
			})
		}
		g.Wait()
		// At the start a pass and a deep one, and both again at 02:00.
		if n := s.cloud.CallCounts()["identitystore.ListUsers"]; n != 4 {
			t.Errorf("%d passes were made, want 4", n)
		}
	})
}

// health is what /healthz answers.
func health(w *workshop) (int, string) {
	answer := httptest.NewRecorder()
	w.health.ServeHTTP(answer, nil)
	return answer.Code, strings.TrimSpace(answer.Body.String())
}

// busy is a worker that has begun with a message, and goes on with it until end
// is closed or it is cut off.
func busy(t *testing.T, drain time.Duration) (w *workshop, stop func(), end chan struct{}, done chan error) {
	t.Helper()
	w = inMemory(t).hire(t, hourly, 0)
	ctx, stop := context.WithCancel(t.Context())
	begun, end := make(chan struct{}), make(chan struct{})
	w.schedules = w.schedules[:1] // its pass is the message
	for _, p := range w.pollers {
		p.Invoke = func(ctx context.Context, _ []byte) ([]byte, error) {
			close(begun)
			select {
			case <-end:
				return []byte(`{"batchItemFailures":[]}`), nil
			case <-ctx.Done():
				return nil, errors.New("cut off")
			}
		}
	}
	done = make(chan error, 1)
	go func() { done <- w.work(ctx, drain) }()
	<-begun
	synctest.Wait()
	return w, stop, end, done
}

func TestAWorkerThatIsToldToEndIsNotWellAnyMore(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, stop, end, done := busy(t, time.Minute)
		if code, text := health(w); code != http.StatusOK {
			t.Errorf("at work: %d %s", code, text)
		}
		stop()
		synctest.Wait()
		if code, text := health(w); code != http.StatusServiceUnavailable || text != "draining" {
			t.Errorf("told to end: %d %s", code, text)
		}
		close(end)
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
}

func TestWhatLastsPastTheDrainIsCutOffAndComesAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, stop, _, done := busy(t, time.Minute)
		told := time.Now()
		stop()
		if err := <-done; err == nil || !strings.Contains(err.Error(), "cut off") || time.Since(told) != time.Minute {
			t.Errorf("after %s: %v", time.Since(told), err)
		}
		time.Sleep(3 * time.Minute)
		letters, err := w.pollers[1].Queue.Receive(t.Context(), 10, 0, time.Minute)
		if len(letters) != 1 || err != nil {
			t.Errorf("%d messages are left: %v", len(letters), err)
		}
	})
}
