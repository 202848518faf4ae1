package function

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"studiokeeper/internal/event"
	"studiokeeper/internal/plan"
	"studiokeeper/internal/reconcile"
)

// namespace is where CloudWatch keeps our metrics.
const namespace = "studiokeeper"

// alarming are the metrics to alarm on. They are there with every invocation,
// as 0 too: an alarm can then tell that all is well from no data.
func alarming() []string {
	return []string{"ChangesHeld", "Conflicts", "DeletionsFailed", "Errors", "QuarantineFailed", "RemovalsHeld", "TagsRemoved"}
}

// metricOf is the metric that counts an alarm of a look.
func metricOf(code string) string {
	switch code {
	case reconcile.AlarmDelete:
		return "DeletionsFailed"
	case reconcile.AlarmQuarantine:
		return "QuarantineFailed"
	default:
		return "TagsRemoved"
	}
}

// meter counts what happens in one invocation, by domain; "" is what concerns
// no single one.
type meter struct {
	mu     sync.Mutex
	counts map[string]map[string]int
	spans  map[string]map[string][]float64 // in seconds
}

// mostValues is how many values one line of the embedded metric format holds.
const mostValues = 100

// span keeps a duration. Each is a value of its own, so that CloudWatch can tell
// percentiles.
func (m *meter) span(domain, metric string, d time.Duration) {
	m.add(domain, metric, 0) // the domain has a line
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.spans == nil {
		m.spans = map[string]map[string][]float64{}
	}
	if m.spans[domain] == nil {
		m.spans[domain] = map[string][]float64{}
	}
	m.spans[domain][metric] = append(m.spans[domain][metric], d.Seconds())
}

// pass counts a pass over one domain, or, without one, over all of them.
func (m *meter) pass(p reconcile.Passed) {
	if p.Domain == "" {
		m.add("", "PassSucceeded", 1)
		return
	}
	m.span(p.Domain, "PassDuration", p.Took)
}

func (m *meter) add(domain, metric string, n int) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.counts == nil {
		m.counts = map[string]map[string]int{}
	}
	if m.counts[domain] == nil {
		m.counts[domain] = map[string]int{}
	}
	m.counts[domain][metric] += n
}

// look counts what came of one look.
func (m *meter) look(l event.Look, results []reconcile.Result, err error) {
	apart := slices.ContainsFunc(results, func(r reconcile.Result) bool { return r.Err != nil })
	for _, r := range results {
		m.add(r.Key.Domain, "Errors", one(r.Err != nil || err != nil && !apart))
		m.result(r)
		if r.Waited > 0 {
			m.span(r.Key.Domain, "EventToReady", r.Waited)
		}
	}
	if err != nil && len(results) == 0 {
		m.add(l.Domain, "Errors", 1)
	}
}

func (m *meter) result(r reconcile.Result) {
	in := r.Key.Domain
	m.add(in, "RemovalsHeld", one(r.Held && r.HeldOf == plan.Removals))
	m.add(in, "ChangesHeld", one(r.Held && r.HeldOf == plan.Changes))
	m.add(in, "UsersReady", one(r.BecameReady))
	for _, alarm := range r.Alarms {
		m.add(in, metricOf(alarm.Code), 1)
	}
	for _, c := range r.Changes {
		m.add(in, "Conflicts", one(c.Kind == plan.Conflict))
	}
	for _, e := range r.Entries {
		kind := string(e.Change.Kind)
		m.add(in, "Changes"+strings.ToUpper(kind[:1])+kind[1:], one(e.Outcome == plan.Done))
	}
}

func one(yes bool) int {
	if yes {
		return 1
	}
	return 0
}

// write writes a line for each domain, in CloudWatch's embedded metric format: a
// line has room for one value of a dimension.
// https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html
func (m *meter) write(w io.Writer, deployment string, now time.Time) error {
	if len(m.counts) == 0 {
		m.add("", "Errors", 0)
	}
	for _, domain := range slices.Sorted(maps.Keys(m.counts)) {
		text, err := json.Marshal(m.line(deployment, domain, now))
		if err != nil {
			return err
		}
		if _, err := w.Write(append(text, '\n')); err != nil {
			return fmt.Errorf("write the metrics of %s: %w", deployment, err)
		}
	}
	return nil
}

type metadata struct {
	Timestamp         int64 // milliseconds
	CloudWatchMetrics []directive
}

type directive struct {
	Namespace  string
	Dimensions [][]string
	Metrics    []definition
}

type definition struct{ Name, Unit string }

// line is the embedded metric format's document: what is 0 and no alarm is left out.
func (m *meter) line(deployment, domain string, now time.Time) map[string]any {
	counts := m.counts[domain]
	root := map[string]any{"deployment": deployment}
	dimensions := [][]string{{"deployment"}}
	if domain != "" {
		root["domain"] = domain
		dimensions = append(dimensions, []string{"deployment", "domain"})
	}
	names := alarming()
	for _, name := range names {
		root[name] = counts[name]
	}
	for _, name := range slices.Sorted(maps.Keys(counts)) {
		if _, there := root[name]; !there && counts[name] > 0 {
			root[name], names = counts[name], append(names, name)
		}
	}
	metrics := make([]definition, 0, len(names))
	for _, name := range names {
		metrics = append(metrics, definition{name, "Count"})
	}
	for _, name := range slices.Sorted(maps.Keys(m.spans[domain])) {
		values := m.spans[domain][name]
		root[name] = values[:min(len(values), mostValues)]
		metrics = append(metrics, definition{name, "Seconds"})
	}
	root["_aws"] = metadata{now.UnixMilli(), []directive{{namespace, dimensions, metrics}}}
	return root
}

// measure writes the invocation's metrics.
func (h *Handler) measure(ctx context.Context, m *meter, r *reconcile.Reconciler) {
	if h.Metrics == nil {
		return
	}
	for _, p := range h.passes.take() {
		m.pass(p)
	}
	if h.Throttles != nil {
		if n := h.Throttles(); n > 0 { // a line of its own for none would be too much
			m.add("", "Throttles", n)
		}
	}
	if err := m.write(h.Metrics, r.Deployment, r.Now()); err != nil {
		h.Log.ErrorContext(ctx, "no metrics", "error", err.Error())
	}
}

// passes are the passes that ended since the last invocation that told of them.
type passes struct {
	mu   sync.Mutex
	done []reconcile.Passed
}

func (p *passes) add(done reconcile.Passed) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.done = append(p.done, done)
}

func (p *passes) take() []reconcile.Passed {
	p.mu.Lock()
	defer p.mu.Unlock()
	done := p.done
	p.done = nil
	return done
}

// Passed takes a pass that ended, for the metrics: a reconciler's Passed.
func (h *Handler) Passed(p reconcile.Passed) { h.passes.add(p) }
