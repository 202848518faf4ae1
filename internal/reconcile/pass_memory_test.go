package reconcile_test

import (
	"fmt"
	"log/slog"
	"net/http/httptest"
	"os"
	"os/exec"
	"strings"
	"testing"

	"studiokeeper/internal/app"
	"studiokeeper/internal/event"
	"studiokeeper/internal/localcloud"
)

// passConfig names the configuration of a process that only makes a pass.
const passConfig = "STUDIOKEEPER_TEST_PASS"

// awsEndpoint names where that process finds AWS.
const awsEndpoint = "STUDIOKEEPER_TEST_AWS"

// BenchmarkPassMemory makes a pass over 200,000 users in a process of its own,
// with the memory limit that a function of 256 MB sets itself, at the request
// rates that we keep to, and measures the most that it ever took.
func BenchmarkPassMemory(b *testing.B) {
	const users = 200_000
	w := populated(newWorld(b, nil), size{users, 100, 1})
	w.cloud.Throttle = false
	server := httptest.NewServer(w.cloud) // another process has no other way to it
	defer server.Close()
	for b.Loop() {
		cmd := exec.Command(os.Args[0], "-test.run", "^TestPassInAProcessOfItsOwn$", "-test.v", "-test.timeout", "20m")
		cmd.Env = append(os.Environ(), passConfig+"="+w.config, awsEndpoint+"="+server.URL, "GOMEMLIMIT=205MiB")
		out, err := cmd.CombinedOutput()
		if err != nil {
			b.Fatalf("%v\n%s", err, out)
		}
		_, after, _ := strings.Cut(string(out), "VmHWM:")
		var peak float64 // in kB; the process's own word, as rusage counts what it was forked from
		if _, err := fmt.Sscan(after, &peak); err != nil {
			b.Fatalf("the process did not tell what it took: %v\n%s", err, out)
		}
		b.ReportMetric(peak/1024, "peak-MB")
		b.ReportMetric(cmd.ProcessState.UserTime().Seconds(), "cpu-s")
	}
}

// TestPassInAProcessOfItsOwn is the process that BenchmarkPassMemory starts.
func TestPassInAProcessOfItsOwn(t *testing.T) {
	config := os.Getenv(passConfig)
	if config == "" {
		return // only that process does something here
	}
	t.Setenv("AWS_ENDPOINT_URL", os.Getenv(awsEndpoint))
	q := &queue{cloud: &localcloud.Cloud{}} // for its clock
	keeper, err := app.Open(t.Context(), app.Options{Config: config, Lookup: os.LookupEnv, Queue: q, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	l := everybody
	l.Subject, l.Scope = "", event.Everybody
	if _, err := keeper.Handle(t.Context(), l); err != nil {
		t.Fatal(err)
	}
	planned, _, ok := q.next()
	if !ok {
		t.Fatal("no pass was planned")
	}
	if _, err := keeper.Handle(t.Context(), planned); err != nil {
		t.Fatal(err)
	}
	want(t, "looks handed on", q.len(), 0)
	status, err := os.ReadFile("/proc/self/status")
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("%s", status)
}
