package reconcile_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"studiokeeper/internal/app"
	"studiokeeper/internal/event"
	"studiokeeper/internal/function"
	"studiokeeper/internal/localcloud"
)

// office is a world in which the deployed function does all the work. What it
// writes to its log and its metrics is collected.
type office struct {
	*world
	handler      *function.Handler
	log, metrics bytes.Buffer
}

func newOffice(t *testing.T, names string) *office {
	t.Helper()
	o := &office{world: newWorld(t, func(s string) string {
		return s + "log: {names: " + names + "}\nlimits: {removals: {count: 2, percent: 100, floor: 2}}\n"
	})}
	options := o.options()
	options.Log = slog.New(slog.NewJSONHandler(&o.log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	options.Metrics, options.Now = &o.metrics, o.cloud.Now
	o.handler = app.Function(options)
	return o
}

// invoke hands a look to the function as a message, and lets it have what comes
// of it, for as long as the wait says.
func (o *office) invoke(l event.Look, wait time.Duration) {
	o.t.Helper()
	until := o.cloud.Now().Add(wait)
	for due := o.cloud.Now(); ; {
		o.cloud.Advance(max(0, due.Sub(o.cloud.Now())))
		body, err := json.Marshal(map[string]any{"Records": []any{
			map[string]string{"messageId": "m-1", "eventSource": "aws:sqs", "body": string(l.Message())},
		}})
		o.must(err)
		_, err = o.handler.Invoke(o.t.Context(), body)
		o.must(err)
		more := false
		if l, due, more = o.queue.next(); !more || due.After(until) {
			return
		}
	}
}

// employ makes a user with a name of each kind.
func (o *office) employ(userName, displayName string) string {
	o.t.Helper()
	id, err := o.console().CreateUser(localcloud.Person{UserName: userName, DisplayName: displayName, Email: userName + "-mail@example.org"})
	o.must(err)
	return id
}

// comeAndGo has people join, move and leave, in each other's way and over the limit.
func (o *office) comeAndGo() {
	zach, yola := o.employ("zacharias", "Zach Zimmer"), o.employ("yolanda.quill@example.com", "Yolanda Quill")
	xavi, wilma, vera := o.employ("xavier", "Xavier Xu"), o.employ("wilhelmina", "Wilma W."), o.employ("Vera_Véron", "Véra Véron")
	low, high := o.group("ad-group-1", "a", 100), o.group("ad-group-2", "b", 200)
	o.makeProfile("xavier-007", "xavier", roles+"other", nil) // in the way
	o.employ("ulrich", "")
	o.makeProfile("ulrich-by-hand", "ulrich", roles+"other", nil)
	for _, user := range []string{zach, yola, xavi, wilma, vera} {
		o.join(low, user)
		o.invoke(added(user, low), time.Minute)
	}
	o.join(high, yola)
	o.invoke(added(yola, high), time.Minute)
	o.space("zacharias-books", name(zach, "zacharias"), false)
	o.space("yolanda-shares", name(yola, "yolanda.quill@example.com"), true)
	o.startApp(name(zach, "zacharias"))
	o.must(o.console().DisableUser(yola))
	o.leave(low, zach)
	o.leave(low, wilma)
	for _, user := range []string{zach, yola, wilma} {
		o.invoke(looked(user), time.Hour)
	}
	o.cloud.Advance(200 * time.Hour)
	o.invoke(everybody, time.Hour)
}

// goWrong has every call fail on which a joining, a leaving and a pass rest,
// with messages as AWS writes them.
func (o *office) goWrong() {
	o.row("no-such-group", "research", roles+"a", 100)
	o.row("ad-group-1", "no-such-domain", roles+"a", 100)
	o.row("ad-group-3", "research", "arn:aws:iam::111122223333:role/admin", 100)
	group := o.group("ad-group-4", "d", 100)
	for n, operation := range []string{
		"identitystore.DescribeUser", "identitystore.IsMemberInGroups", "sagemaker.ListUserProfiles", "sagemaker.DescribeUserProfile", "sagemaker.ListTags",
		"sagemaker.CreateUserProfile", "sagemaker.UpdateUserProfile", "sagemaker.DeleteUserProfile", "sagemaker.ListApps", "sagemaker.ListSpaces",
		"dynamodb.GetItem", "dynamodb.UpdateItem", "dynamodb.TransactWriteItems",
	} {
		userName := fmt.Sprintf("tabitha%d", n)
		user := o.employ(userName, "Tabitha Tell")
		o.join(group, user)
		service, call, _ := strings.Cut(operation, ".")
		arn := "arn:aws:sagemaker:us-east-1:111122223333:user-profile/" + o.domain + "/" + name(user, userName)
		for _, f := range []localcloud.Fault{
			{Code: "AccessDeniedException", Message: "User: arn:aws:sts::111122223333:assumed-role/Ops/sabrina is not authorized to perform: " + operation + " on resource: " + arn},
			{Code: "ValidationException", Message: "SingleSignOnUserValue [" + userName + "] already has UserProfile [" + o.domain + "/" + name(user, userName) + "]"},
			{Code: "ValidationException", Message: "1 validation error detected: Value '" + userName + "' at 'userProfileName' failed to satisfy constraint"},
		} {
			f.Service, f.Operation = service, call
			o.cloud.Inject(f)
			o.invoke(added(user, group), 10*time.Second)
			o.cloud.ClearFaults()
		}
		o.invoke(added(user, group), time.Minute)
		o.must(o.console().DisableUser(user))
		o.cloud.Inject(localcloud.Fault{Service: service, Operation: call, Code: "InternalFailure", Status: 500, Times: 8})
		o.invoke(looked(user), 10*time.Minute)
		o.cloud.ClearFaults()
	}
	o.cloud.Inject(localcloud.Fault{Service: "sagemaker", Operation: "DescribeUserProfile", Code: "AccessDeniedException"})
	deep := everybody
	deep.Deep = true
	o.invoke(deep, time.Minute)
	o.cloud.ClearFaults()
}

// The lag is told once, by the look that finds the profile ready, from when the
// directory says that the membership was made.
func TestTheLagIsCountedFromTheEventToTheReadyProfile(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := newOffice(t, "id")
		o.cloud.ProfileDelay = 10 * time.Second
		alice := o.employ("alice@example.com", "")
		l := added(alice, o.group("ad-group-1", "a", 100, alice))
		l.Trigger.Source, l.Trigger.Time = "sso-directory.amazonaws.com", o.cloud.Now()
		o.cloud.Advance(5 * time.Second)
		o.invoke(l, time.Hour)
		o.invoke(l, time.Hour) // comes twice
		var lags []float64
		for line := range strings.Lines(o.metrics.String()) {
			var m struct{ EventToReady []float64 }
			o.must(json.Unmarshal([]byte(line), &m))
			lags = append(lags, m.EventToReady...)
		}
		if len(lags) != 1 || lags[0] < 15 || lags[0] > 20 {
			t.Errorf("got %v, want one of 15 seconds and a little more", lags)
		}
	})
}

// called are all the names that people have in these stories, in parts.
var called = []string{
	"zacharias", "zimmer", "yolanda", "quill", "xavier", "wilhelmina", "wilma", "vera", "véra", "véron", "veron", "tabitha", "ulrich", "sabrina", "example.com", "example.org",
}

func TestTheLogNamesNobodyUnlessThatIsChosen(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		t.Setenv("AWS_MAX_ATTEMPTS", "1")
		o := newOffice(t, "id")
		o.comeAndGo()
		o.goWrong()
		for _, what := range []string{"create", "revoke", "quarantine", "conflict", "record failed", "held", "delete"} {
			if !strings.Contains(o.log.String(), what) {
				t.Errorf("nothing about %q is in the log: the stories lack it", what)
			}
		}
		for line := range strings.Lines(o.log.String() + o.metrics.String()) {
			for _, name := range called {
				if strings.Contains(strings.ToLower(line), name) {
					t.Errorf("%q is named: %s", name, line)
					break
				}
			}
		}
	})
}

func TestTheLogNamesPeopleWhereThatIsChosen(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := newOffice(t, "name")
		o.comeAndGo()
		for _, name := range []string{"zacharias", "yolanda.quill@example.com", "xavier-007"} {
			if !strings.Contains(o.log.String(), name) {
				t.Errorf("%q is not named", name)
			}
			if strings.Contains(o.metrics.String(), name) {
				t.Errorf("%q is named in the metrics", name)
			}
		}
		if strings.Contains(o.log.String(), `"names":`) {
			t.Error("a line tells what is to be masked in it")
		}
	})
}
