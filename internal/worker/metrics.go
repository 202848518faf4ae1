package worker

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"sync"
	"unicode"
)

// Metrics takes the function's lines in CloudWatch's embedded metric format, and
// shows their sums to Prometheus: what both tell is the same.
type Metrics struct {
	mu     sync.Mutex
	counts map[string]map[string]float64 // name → labels → sum
	kinds  map[string]string             // name → counter or summary
}

type embedded struct {
	AWS struct {
		CloudWatchMetrics []struct{ Metrics []struct{ Name, Unit string } }
	} `json:"_aws"`
}

// Write implements io.Writer; each call holds whole lines.
func (m *Metrics) Write(text []byte) (int, error) {
	for line := range bytes.Lines(text) {
		var e embedded
		var values map[string]json.RawMessage
		if err := json.Unmarshal(line, &e); err != nil {
			return 0, fmt.Errorf("read a line of metrics: %w", err)
		}
		if err := json.Unmarshal(line, &values); err != nil {
			return 0, fmt.Errorf("read a line of metrics: %w", err)
		}
		for _, d := range e.AWS.CloudWatchMetrics {
			for _, metric := range d.Metrics {
				if err := m.take(metric.Name, metric.Unit, values); err != nil {
					return 0, err
				}
			}
		}
	}
	return len(text), nil
}

func (m *Metrics) take(name, unit string, values map[string]json.RawMessage) error {
	labels := fmt.Sprintf("{deployment=%s,domain=%s}", label(values["deployment"]), label(values["domain"]))
	if unit == "Count" {
		var n float64
		if err := json.Unmarshal(values[name], &n); err != nil {
			return fmt.Errorf("read metric %s: %w", name, err)
		}
		m.add("counter", snake(name)+"_total", "", labels, n)
		return nil
	}
	var spans []float64
	if err := json.Unmarshal(values[name], &spans); err != nil {
		return fmt.Errorf("read metric %s: %w", name, err)
	}
	for _, n := range spans {
		m.add("summary", snake(name)+"_seconds", "_sum", labels, n)
		m.add("summary", snake(name)+"_seconds", "_count", labels, 1)
	}
	return nil
}

func (m *Metrics) add(kind, name, suffix, labels string, n float64) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.counts == nil {
		m.counts, m.kinds = map[string]map[string]float64{}, map[string]string{}
	}
	if m.counts[name] == nil {
		m.counts[name] = map[string]float64{}
	}
	m.kinds[name] = kind
	m.counts[name][suffix+labels] += n
}

// label quotes a value as the exposition format wants it, which is as JSON does
// for what names of deployments and domains hold.
func label(raw json.RawMessage) string {
	if len(raw) == 0 {
		return `""`
	}
	return string(raw)
}

// snake is a CloudWatch name as Prometheus spells it.
func snake(name string) string {
	var out strings.Builder
	out.WriteString("studiokeeper")
	for _, r := range name {
		if unicode.IsUpper(r) {
			out.WriteByte('_')
		}
		out.WriteRune(unicode.ToLower(r))
	}
	return out.String()
}

// ServeHTTP writes the text exposition format.
// https://prometheus.io/docs/instrumenting/exposition_formats/
func (m *Metrics) ServeHTTP(w http.ResponseWriter, _ *http.Request) {
	m.mu.Lock()
	defer m.mu.Unlock()
	w.Header().Set("Content-Type", "text/plain; version=0.0.4; charset=utf-8")
	for _, name := range slices.Sorted(maps.Keys(m.counts)) {
		fmt.Fprintf(w, "# TYPE %s %s\n", name, m.kinds[name])
		for _, labels := range slices.Sorted(maps.Keys(m.counts[name])) {
			fmt.Fprintf(w, "%s%s %v\n", name, labels, m.counts[name][labels])
		}
	}
}
