package e2e

import (
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"testing"
	"time"
)

// BenchmarkColdStart measures the function from its start to its first poll,
// in turn with a function that does nothing, and the size of its binary. The
// median counts: the machine has other things to do.
func BenchmarkColdStart(b *testing.B) {
	dir := b.TempDir()
	ours := buildFunction(b, dir, "studiokeeper/cmd/studiokeeper-lambda")
	empty := buildFunction(b, dir, "./testdata/emptyfunction")
	var own, nothing []time.Duration
	for b.Loop() {
		own = append(own, firstPoll(b, ours))
		nothing = append(nothing, firstPoll(b, empty))
	}
	info, err := os.Stat(ours)
	if err != nil {
		b.Fatal(err)
	}
	b.ReportMetric(median(own), "ms/start")
	b.ReportMetric(median(nothing), "ms/empty-start")
	b.ReportMetric(median(own)/median(nothing), "×empty")
	b.ReportMetric(float64(info.Size())/(1<<20), "MB")
}

func buildFunction(b *testing.B, dir, pkg string) string {
	b.Helper()
	file := filepath.Join(dir, filepath.Base(pkg))
	if out, err := exec.Command("go", "build", "-tags", "lambda.norpc", "-ldflags", "-s -w", "-o", file, pkg).CombinedOutput(); err != nil {
		b.Fatalf("%v\n%s", err, out)
	}
	return file
}

func firstPoll(b *testing.B, binary string) time.Duration {
	b.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		b.Fatal(err)
	}
	polled := make(chan time.Time, 1)
	server := &http.Server{ReadHeaderTimeout: time.Second, Handler: http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		select {
		case polled <- time.Now():
		default:
		}
		<-r.Context().Done()
	})}
	go func() { _ = server.Serve(l) }()
	defer server.Close()
	cmd := exec.Command(binary)
	cmd.Env = []string{"AWS_LAMBDA_RUNTIME_API=" + l.Addr().String(), "AWS_REGION=us-east-1"}
	start := time.Now()
	if err := cmd.Start(); err != nil {
		b.Fatal(err)
	}
	at := <-polled
	_ = cmd.Process.Kill()
	_ = cmd.Wait()
	return at.Sub(start)
}

func median(d []time.Duration) float64 {
	slices.Sort(d)
	return float64(d[len(d)/2]) / float64(time.Millisecond)
}
