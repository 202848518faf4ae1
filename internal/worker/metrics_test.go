package worker

import (
	"bytes"
	"encoding/json"
	"net/http/httptest"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// emit writes a line as the function does.
func emit(t *testing.T, m *Metrics, deployment, domain string, counts map[string]int, spans map[string][]float64) {
	t.Helper()
	type definition struct{ Name, Unit string }
	line := map[string]any{"deployment": deployment, "domain": domain}
	var defined []definition
	for name, n := range counts {
		line[name], defined = n, append(defined, definition{name, "Count"})
	}
	for name, values := range spans {
		line[name], defined = values, append(defined, definition{name, "Seconds"})
	}
	line["_aws"] = map[string]any{"CloudWatchMetrics": []any{map[string]any{"Metrics": defined}}}
	text, err := json.Marshal(line)
	if err == nil {
		_, err = m.Write(append(text, '\n'))
	}
	if err != nil {
		t.Fatal(err)
	}
}

var (
	comment = regexp.MustCompile(`^# (HELP|TYPE) ([a-z_]+) (.+)$`)
	sample  = regexp.MustCompile(`^([a-z_]+)\{((?:[a-z]+="(?:[^"\\\n]|\\["\\n])*",?)+)\} ([0-9.e+]+)$`)
	pair    = regexp.MustCompile(`([a-z]+)="((?:[^"\\]|\\.)*)"`)
)

// scraped reads what Prometheus would: "name domain le" → value, types by name.
func scraped(t *testing.T, m *Metrics) (values map[string]float64, types map[string]string) {
	t.Helper()
	answer := httptest.NewRecorder()
	m.ServeHTTP(answer, nil)
	if kind := answer.Header().Get("Content-Type"); !strings.HasPrefix(kind, "text/plain; version=0.0.4") {
		t.Errorf("the answer is of type %q", kind)
	}
	values, types = map[string]float64{}, map[string]string{}
	helped := map[string]bool{}
	for line := range bytes.Lines(answer.Body.Bytes()) {
		text := strings.TrimSuffix(string(line), "\n")
		if c := comment.FindStringSubmatch(text); c != nil {
			if c[1] == "TYPE" {
				types[c[2]] = c[3]
			}
			helped[c[2]] = helped[c[2]] || c[1] == "HELP"
			continue
		}
		s := sample.FindStringSubmatch(text)
		if s == nil {
			t.Fatalf("no line of the format: %q", text)
		}
		family := s[1]
		if types[family] == "" {
			family = regexp.MustCompile(`_(bucket|sum|count)$`).ReplaceAllString(family, "")
		}
		if types[family] == "" || !helped[family] {
			t.Errorf("%s comes before its HELP and TYPE", s[1])
		}
		key := s[1]
		for _, label := range pair.FindAllStringSubmatch(s[2], -1) {
			if label[1] != "deployment" {
				key += " " + strings.NewReplacer(`\\`, `\`, `\"`, `"`, `\n`, "\n").Replace(label[2])
			}
		}
		n, err := strconv.ParseFloat(s[3], 64)
		if _, twice := values[key]; twice || err != nil {
			t.Errorf("%q: twice %v, %v", key, twice, err)
		}
		values[key] = n
	}
	return values, types
}

func TestPrometheusReadsTheSumsOfWhatCloudWatchGets(t *testing.T) {
	var m Metrics
	emit(t, &m, "prod", "research", map[string]int{"Errors": 2, "ChangesCreate": 1}, map[string][]float64{"EventToReady": {0.5, 8}})
	emit(t, &m, "prod", "research", map[string]int{"Errors": 3}, map[string][]float64{"EventToReady": {10, 7000}})
	emit(t, &m, "prod", "", map[string]int{"PassSucceeded": 1}, nil)
	values, types := scraped(t, &m)
	want := map[string]float64{
		"studiokeeper_errors_total research": 5, "studiokeeper_changes_create_total research": 1, "studiokeeper_pass_succeeded_total ": 1,
		"studiokeeper_event_to_ready_seconds_sum research": 7018.5, "studiokeeper_event_to_ready_seconds_count research": 4,
	}
	for le, n := range map[string]float64{
		"1": 1, "2.5": 1, "5": 1, "10": 3, "15": 3, "30": 3, "60": 3, "120": 3, "300": 3, "480": 3, "900": 3, "3600": 3, "+Inf": 4,
	} {
		want["studiokeeper_event_to_ready_seconds_bucket research "+le] = n
	}
	if diff := cmp.Diff(want, values); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(map[string]string{
		"studiokeeper_errors_total": "counter", "studiokeeper_changes_create_total": "counter", "studiokeeper_pass_succeeded_total": "counter",
		"studiokeeper_event_to_ready_seconds": "histogram",
	}, types); diff != "" {
		t.Errorf("types (-want +got):\n%s", diff)
	}
}

func TestLabelsAreEscapedAsPrometheusReadsThem(t *testing.T) {
	const odd = "a \"b\" c\\d <é>\ne, f"
	var m Metrics
	emit(t, &m, "prod", odd, map[string]int{"Errors": 1}, nil)
	values, _ := scraped(t, &m)
	if diff := cmp.Diff(map[string]float64{"studiokeeper_errors_total " + odd: 1}, values); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestALineThatCannotBeReadIsAnError(t *testing.T) {
	for _, line := range []string{
		"?", `{"deployment":7}`, `{"Errors":"2","_aws":{"CloudWatchMetrics":[{"Metrics":[{"Name":"Errors","Unit":"Count"}]}]}}`,
		`{"_aws":{"CloudWatchMetrics":[{"Metrics":[{"Name":"Errors","Unit":"Count"}]}]}}`,
	} {
		var m Metrics
		if _, err := m.Write([]byte(line + "\n")); err == nil {
			t.Errorf("%s: no error", line)
		}
	}
}
