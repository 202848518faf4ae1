package conformance

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"net/http/httptest"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"studiokeeper/internal/localcloud"
)

// call is one call as the AWS CLI spells it: aws <service> <operation> --cli-input-json <params>. ${name} in the
// parameters is what an earlier call kept.
type call struct {
	Call    string
	Params  any
	Keep    map[string]string // name to the path in the answer
	Refused string            // the error code it has to end in
}

func calls(t *testing.T) []call {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("testdata", "calls.json"))
	if err != nil {
		t.Fatal(err)
	}
	var all []call
	if err := json.Unmarshal(text, &all); err != nil {
		t.Fatalf("testdata/calls.json: %v", err)
	}
	return all
}

// standing starts a local cloud in which nothing takes time, over HTTP, and gives its URL.
func standing(t *testing.T) string {
	t.Helper()
	began := time.Date(2026, 3, 1, 9, 0, 0, 250e6, time.UTC)
	cloud := &localcloud.Cloud{Clock: func() time.Time { return began }, ProfileDelay: -1, SpaceDelay: -1, AppDelay: -1, AppStopDelay: -1}
	if err := cloud.CreateIdentityStore(localcloud.DefaultAccount, "us-east-1", "d-906716eb24"); err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(cloud)
	t.Cleanup(func() { server.Close(); cloud.Close() })
	return server.URL
}

// seen is what a client saw of one call: its answer, and what its own model of answers has; nil is everything.
type seen struct{ Answer, Known any }

func TestEveryClientSeesTheSame(t *testing.T) {
	all := calls(t)
	url := standing(t)
	want := view(t, all, url, throughSDK(t, url, all))
	urls := map[string]string{"boto3": standing(t), "cli": standing(t)}
	found, missing := throughPython(t, urls, all)
	for name, url := range urls {
		t.Run(name, func(t *testing.T) {
			saw := found[name]
			if saw == nil {
				saw = otherwise(t, name, missing[name], url, all)
			}
			got := view(t, all, url, saw)
			for n, one := range all {
				if diff := cmp.Diff(knownOf(want[n], saw[n].Known), got[n]); diff != "" {
					t.Errorf("call %d, aws %s (-SDK for Go +%s):\n%s", n, one.Call, name, diff)
				}
			}
		})
	}
}

// otherwise starts the CLI as a command where no Python has it, which is dear and so done on demand only, and says
// what is missing.
func otherwise(t *testing.T, client, missing, url string, all []call) []seen {
	t.Helper()
	if client == "boto3" {
		t.Skipf("no Python here has a boto3 that will do (python3-boto3 in Debian): %s", missing)
	}
	demanded := os.Getenv("STUDIOKEEPER_DEMAND") == "1"
	path, err := exec.LookPath("aws")
	switch {
	case err == nil && demanded:
		saw := throughCommand(t, path, url, all)
		for n := range saw {
			saw[n].Known = shape(saw[n].Answer)
		}
		return saw
	case err == nil:
		t.Skipf("the AWS CLI is no package of a Python here, and it is started %d times only with STUDIOKEEPER_DEMAND=1", len(all))
	case demanded:
		t.Fatal("the AWS CLI is not on PATH, and STUDIOKEEPER_DEMAND=1 demands it")
	}
	t.Skip("the AWS CLI is not on PATH")
	return nil
}

// shape is what an answer has, for a client whose model of it cannot be read.
func shape(answer any) any {
	switch is := answer.(type) {
	case map[string]any:
		members := map[string]any{}
		for name, value := range is {
			members[name] = shape(value)
		}
		return members
	case []any:
		if len(is) > 0 {
			return []any{shape(is[0])}
		}
	}
	return nil
}

func TestAnOlderClientIsNotBlamedForWhatItDoesNotKnow(t *testing.T) {
	want := map[string]any{"Users": []any{map[string]any{"UserId": "1", "Revision": "1"}}, "NextToken": "x"}
	got := map[string]any{"Users": []any{map[string]any{"UserId": "1"}}, "NextToken": "y"}
	if diff := cmp.Diff(map[string]any{"Users": got["Users"], "NextToken": "x"}, knownOf(want, shape(got))); diff != "" {
		t.Errorf("what it knows (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(want, knownOf(want, nil)); diff != "" {
		t.Errorf("of a client that knows everything (-want +got):\n%s", diff)
	}
}

// knownOf is an answer without the members that an older client's model does not have.
func knownOf(answer, known any) any {
	switch is := answer.(type) {
	case map[string]any:
		model, ok := known.(map[string]any)
		if !ok || is["Error"] != nil {
			return answer
		}
		members := map[string]any{}
		for name, value := range is {
			if of, ok := model[name]; ok {
				members[name] = knownOf(value, of)
			}
		}
		return members
	case []any:
		model, ok := known.([]any)
		if !ok {
			return answer
		}
		list := make([]any, len(is))
		for n := range is {
			list[n] = knownOf(is[n], model[0])
		}
		return list
	}
	return answer
}

// view checks how calls ended, and makes answers comparable: what a cloud made up is replaced by its name.
func view(t *testing.T, all []call, url string, answers []seen) []any {
	t.Helper()
	if len(answers) != len(all) {
		t.Fatalf("%d calls have %d answers", len(all), len(answers))
	}
	kept := map[string]string{"endpoint": url}
	for n, one := range all {
		if code := errorCode(answers[n].Answer); code != one.Refused {
			t.Errorf("call %d, aws %s: the error code is %q, want %q: %v", n, one.Call, code, one.Refused, answers[n].Answer)
		}
		for name, path := range one.Keep {
			kept[name] = fmt.Sprint(at(answers[n].Answer, path))
		}
	}
	views := make([]any, len(answers))
	for n := range answers {
		views[n] = plain(answers[n].Answer, kept)
	}
	return views
}

func errorCode(answer any) string {
	code, _ := at(answer, "Error.Code").(string)
	return code
}

// at finds a path such as Instances.0.InstanceArn in an answer; nil when there is nothing.
func at(answer any, path string) any {
	for step := range strings.SplitSeq(path, ".") {
		switch is := answer.(type) {
		case map[string]any:
			answer = is[step]
		case []any:
			n, err := strconv.Atoi(step)
			if err != nil || n >= len(is) {
				return nil
			}
			answer = is[n]
		default:
			return nil
		}
	}
	return answer
}

// madeUp are ids that nobody kept.
var madeUp = regexp.MustCompile(`([0-9a-f]{10}-)?[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}`)

// plain is an answer without what differs from cloud to cloud and from client to client: ids, spellings of the
// same time, and members that are empty or left out.
func plain(answer any, kept map[string]string) any {
	switch is := answer.(type) {
	case string:
		if when, err := time.Parse(time.RFC3339Nano, is); err == nil {
			return when.UTC().Format(time.RFC3339Nano)
		}
		if document, ok := policyDocument(is); ok {
			return plain(document, kept)
		}
		return madeUp.ReplaceAllString(nameKept(is, kept), "<id>")
	case []any:
		list := make([]any, len(is))
		for n := range is {
			list[n] = plain(is[n], kept)
		}
		return list
	case map[string]any:
		members := map[string]any{}
		for name, value := range is {
			if value != nil {
				members[name] = plain(value, kept)
			}
		}
		return members
	}
	return answer
}

// policyDocument reads IAM's documents, which are URL-encoded, as botocore does for its callers.
func policyDocument(s string) (document any, ok bool) {
	text, err := url.QueryUnescape(s)
	if !strings.HasPrefix(s, "%7B") || err != nil {
		return nil, false
	}
	return document, json.Unmarshal([]byte(text), &document) == nil
}

// nameKept puts names for what was kept, the longest first: one may be part of another.
func nameKept(s string, kept map[string]string) string {
	for _, name := range byLength(kept) {
		s = strings.ReplaceAll(s, kept[name], "${"+name+"}")
	}
	return s
}

// throughPython makes the calls with the clients that are Python packages, each at its own URL, in one process where
// one Python has them all; missing says why a client was not found.
func throughPython(t *testing.T, urls map[string]string, all []call) (found map[string][]seen, missing map[string]string) {
	t.Helper()
	found, missing = map[string][]seen{}, map[string]string{}
	wanted := maps.Clone(urls)
	for _, python := range pythons() {
		if len(wanted) == 0 {
			break
		}
		in, err := json.Marshal(map[string]any{"calls": lowered(all), "endpoints": wanted})
		if err != nil {
			t.Fatal(err)
		}
		var said map[string]struct {
			Calls   []seen
			Missing string
		}
		if err := json.Unmarshal(output(t, in, python, filepath.Join("testdata", "drive.py")), &said); err != nil {
			t.Fatalf("%s printed no JSON: %v", python, err)
		}
		for client, is := range said {
			if missing[client] = is.Missing; is.Calls != nil {
				found[client] = is.Calls
				delete(wanted, client)
			}
		}
	}
	return found, missing
}

// pythons are the one on PATH and the system's own, which may have other packages.
func pythons() []string {
	var found []string
	for _, name := range []string{"python3", "/usr/bin/python3"} {
		if path, err := exec.LookPath(name); err == nil && !slices.Contains(found, path) {
			found = append(found, path)
		}
	}
	return found
}

// lowered is the calls as calls.json has them.
func lowered(all []call) []map[string]any {
	var out []map[string]any
	for _, one := range all {
		out = append(out, map[string]any{"call": one.Call, "params": one.Params, "keep": one.Keep})
	}
	return out
}

// output runs a command with credentials and configuration of its own.
func output(t *testing.T, in []byte, path string, arguments ...string) []byte {
	t.Helper()
	out, complaint, err := run(t, in, path, arguments...)
	if err != nil {
		t.Fatalf("%s %s: %v\n%s", path, strings.Join(arguments, " "), err, complaint)
	}
	return out
}

func run(t *testing.T, in []byte, path string, arguments ...string) (out, complaint []byte, err error) {
	t.Helper()
	config := filepath.Join(t.TempDir(), "config")
	if err := os.WriteFile(config, []byte("[default]\ncli_timestamp_format = iso8601\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	var told bytes.Buffer
	command := exec.CommandContext(t.Context(), path, arguments...)
	command.Stdin, command.Stderr = bytes.NewReader(in), &told
	command.Env = append(os.Environ(), "AWS_ACCESS_KEY_ID=test", "AWS_SECRET_ACCESS_KEY=test", "AWS_PAGER=", "AWS_PROFILE=default", "AWS_MAX_ATTEMPTS=1",
		"AWS_CONFIG_FILE="+config, "AWS_SHARED_CREDENTIALS_FILE="+os.DevNull, "AWS_EC2_METADATA_DISABLED=true", "PYTHONDONTWRITEBYTECODE=1")
	out, err = command.Output()
	return out, told.Bytes(), err
}

// refusal is how the CLI words one.
var refusal = regexp.MustCompile(`(?s)An error occurred \((\S+)\) when calling the \w+ operation[^:]*: (.*)`)

// throughCommand starts the CLI for each call.
func throughCommand(t *testing.T, path, url string, all []call) []seen {
	t.Helper()
	return through(t, all, func(service, operation string, params map[string]any) any {
		in, err := json.Marshal(params)
		if err != nil {
			t.Fatal(err)
		}
		out, complaint, err := run(t, nil, path, service, operation, "--cli-input-json", string(in), "--endpoint-url", url, "--region", "us-east-1", "--output", "json", "--no-paginate")
		if said := refusal.FindSubmatch(complaint); err != nil && said != nil {
			return map[string]any{"Error": map[string]any{"Code": string(said[1]), "Message": strings.TrimSpace(string(said[2]))}}
		}
		if err != nil {
			t.Fatalf("aws %s %s: %v\n%s", service, operation, err, complaint)
		}
		answer := map[string]any{}
		if len(out) > 0 {
			err = json.Unmarshal(out, &answer)
		}
		if err != nil {
			t.Fatalf("aws %s %s printed no JSON: %v\n%s", service, operation, err, out)
		}
		return answer
	})
}

// through makes the calls one after the other, each with what earlier ones kept.
func through(t *testing.T, all []call, make func(service, operation string, params map[string]any) any) []seen {
	t.Helper()
	kept := map[string]string{}
	var answers []seen
	for _, one := range all {
		service, operation, _ := strings.Cut(one.Call, " ")
		answer := make(service, operation, filled(one.Params, kept).(map[string]any))
		answers = append(answers, seen{Answer: answer})
		for name, path := range one.Keep {
			kept[name] = fmt.Sprint(at(answer, path))
		}
	}
	return answers
}

func filled(params any, kept map[string]string) any {
	switch is := params.(type) {
	case string:
		return os.Expand(strings.ReplaceAll(is, "$$", "$"), func(name string) string { return kept[name] })
	case []any:
		list := make([]any, len(is))
		for n := range is {
			list[n] = filled(is[n], kept)
		}
		return list
	case map[string]any:
		members := map[string]any{}
		for name, value := range is {
			members[name] = filled(value, kept)
		}
		return members
	}
	return params
}
