package worker

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"unicode"
)

// Metrics takes the function's lines in CloudWatch's embedded metric format, and
// shows their sums to Prometheus: what both tell is the same.
type Metrics struct {
	mu       sync.Mutex
	families map[string]*family // by name
}

// family is one metric with all its labels.
type family struct {
	of     string // as CloudWatch calls it
	spans  bool   // a histogram of seconds, and no counter
	series map[string]*series
}

// series is what one set of labels counts.
type series struct {
	sum    float64
	count  int
	within []int // of each bucket, how many are not above it
}

// buckets are the histograms' limits in seconds. From 480 on passes are split by domain.
var buckets = []float64{1, 2.5, 5, 10, 15, 30, 60, 120, 300, 480, 900, 3600}

// helps tells what is counted, by CloudWatch's names.
var helps = map[string]string{
	"Errors":           "Looks and messages that failed; they come again.",
	"RemovalsHeld":     "Looks that came upon a removal which waits for a person.",
	"ChangesHeld":      "Looks that came upon a change because of an edited row which waits for a person.",
	"DeletionsFailed":  "Leavers whose profile or space cannot be deleted.",
	"QuarantineFailed": "Leavers who keep their role, as the quarantine role cannot be put.",
	"TagsRemoved":      "People who are not entitled, with a profile whose tags were removed.",
	"Conflicts":        "People for whom something stands in the way.",
	"UsersReady":       "People who can open Studio from then on, with the role that the mapping says.",
	"EventToReady":     "Time from a change in the directory to the profile being ready.",
	"PassDuration":     "Time that a pass over a domain took.",
	"PassSucceeded":    "Passes over everything that ended without an error.",
	"Throttles":        "Calls that AWS throttled.",
}

func (f *family) help() string {
	if help, known := helps[f.of]; known {
		return help
	}
	if kind, change := strings.CutPrefix(f.of, "Changes"); change {
		return "Changes made of the kind " + strings.ToLower(kind) + "."
	}
	return "What CloudWatch calls " + f.of + "."
}

type embedded struct {
	AWS struct {
		CloudWatchMetrics []struct{ Metrics []struct{ Name, Unit string } }
	} `json:"_aws"`
}

// Write implements io.Writer; each call holds whole lines.
func (m *Metrics) Write(text []byte) (int, error) {
	for line := range bytes.Lines(text) {
		if err := m.line(line); err != nil {
			return 0, fmt.Errorf("read a line of metrics: %w", err)
		}
	}
	return len(text), nil
}

func (m *Metrics) line(line []byte) error {
	var e embedded
	var values map[string]json.RawMessage
	if err := json.Unmarshal(line, &e); err != nil {
		return err
	}
	if err := json.Unmarshal(line, &values); err != nil {
		return err
	}
	labels, err := labelsOf(values)
	if err != nil {
		return err
	}
	for _, d := range e.AWS.CloudWatchMetrics {
		for _, metric := range d.Metrics {
			if err := m.take(metric.Name, metric.Unit, labels, values[metric.Name]); err != nil {
				return fmt.Errorf("metric %s: %w", metric.Name, err)
			}
		}
	}
	return nil
}

func (m *Metrics) take(name, unit, labels string, value json.RawMessage) error {
	if unit == "Count" {
		var n float64
		if err := json.Unmarshal(value, &n); err != nil {
			return err
		}
		m.update(snake(name)+"_total", family{of: name}, labels, func(s *series) { s.sum += n })
		return nil
	}
	var spans []float64
	if err := json.Unmarshal(value, &spans); err != nil {
		return err
	}
	m.update(snake(name)+"_seconds", family{of: name, spans: true}, labels, func(s *series) {
		for _, n := range spans {
			s.span(n)
		}
	})
	return nil
}

func (s *series) span(seconds float64) {
	s.sum, s.count = s.sum+seconds, s.count+1
	for i, limit := range buckets {
		if seconds <= limit {
			s.within[i]++
		}
	}
}

func (m *Metrics) update(name string, like family, labels string, add func(*series)) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.families == nil {
		m.families = map[string]*family{}
	}
	if m.families[name] == nil {
		like.series = map[string]*series{}
		m.families[name] = &like
	}
	of := m.families[name].series
	if of[labels] == nil {
		of[labels] = &series{within: make([]int, len(buckets))}
	}
	add(of[labels])
}

// labelsOf are the labels of a line, without braces.
func labelsOf(values map[string]json.RawMessage) (string, error) {
	var labels []string
	for _, name := range []string{"deployment", "domain"} {
		var value string
		if raw, there := values[name]; there {
			if err := json.Unmarshal(raw, &value); err != nil {
				return "", fmt.Errorf("%s: %w", name, err)
			}
		}
		labels = append(labels, fmt.Sprintf(`%s="%s"`, name, escape.Replace(value)))
	}
	return strings.Join(labels, ","), nil
}

var escape = strings.NewReplacer(`\`, `\\`, `"`, `\"`, "\n", `\n`)

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
	var text bytes.Buffer
	m.mu.Lock()
	for _, name := range slices.Sorted(maps.Keys(m.families)) {
		m.families[name].write(&text, name)
	}
	m.mu.Unlock()
	w.Header().Set("Content-Type", "text/plain; version=0.0.4; charset=utf-8")
	_, _ = w.Write(text.Bytes()) // who asked has gone away
}

func (f *family) write(w io.Writer, name string) {
	kind := "counter"
	if f.spans {
		kind = "histogram"
	}
	fmt.Fprintf(w, "# HELP %s %s\n# TYPE %s %s\n", name, f.help(), name, kind)
	for _, labels := range slices.Sorted(maps.Keys(f.series)) {
		if s := f.series[labels]; f.spans {
			s.write(w, name, labels)
		} else {
			fmt.Fprintf(w, "%s{%s} %s\n", name, labels, number(s.sum))
		}
	}
}

// write writes a histogram.
func (s *series) write(w io.Writer, name, labels string) {
	for i, limit := range buckets {
		fmt.Fprintf(w, "%s_bucket{%s,le=\"%s\"} %d\n", name, labels, number(limit), s.within[i])
	}
	fmt.Fprintf(w, "%s_bucket{%s,le=\"+Inf\"} %d\n", name, labels, s.count)
	fmt.Fprintf(w, "%s_sum{%s} %s\n%s_count{%s} %d\n", name, labels, number(s.sum), name, labels, s.count)
}

func number(n float64) string { return strconv.FormatFloat(n, 'g', -1, 64) }
