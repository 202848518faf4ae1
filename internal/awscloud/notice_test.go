package awscloud

import (
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge"
	"github.com/google/go-cmp/cmp"

	"studiokeeper/internal/reconcile"
)

func provisioned() reconcile.Notice {
	return reconcile.Notice{
		DetailType: "Studio profile provisioned", Time: time.Date(2026, 1, 2, 3, 4, 5, 6e8, time.UTC),
		Detail: map[string]any{"profile": "alice-471", "url": "https://d-abcdefghijkl.studio.us-east-1.sagemaker.aws"},
	}
}

func TestANoticeArrivesOnItsBus(t *testing.T) {
	tests := []struct{ name, bus, region, wantBus string }{
		{"the default bus", "", region, "default"},
		{"a bus by name", "platform", region, "platform"},
		{"a bus by ARN", "arn:aws:events:us-east-1:111122223333:event-bus/platform", region, "platform"},
		{"a bus in another Region", "arn:aws:events:eu-west-1:111122223333:event-bus/platform", "eu-west-1", "platform"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			cloud, s := newCloud(t)
			_, err := eventbridge.NewFromConfig(s.at(Place{Region: test.region})).CreateEventBus(t.Context(), &eventbridge.CreateEventBusInput{Name: aws.String("platform")})
			must(t, err)
			must(t, (&Notices{Session: s, At: Place{Region: region}, Bus: test.bus}).Notify(t.Context(), provisioned()))
			seen := cloud.Events()
			if len(seen) != 1 || seen[0].Bus != test.wantBus || seen[0].Region != test.region {
				t.Fatalf("on the buses: %+v", seen)
			}
			var got map[string]any
			must(t, json.Unmarshal(seen[0].Event, &got))
			want := map[string]any{
				"version": "0", "source": "studiokeeper", "detail-type": "Studio profile provisioned", "time": "2026-01-02T03:04:05Z",
				"account": account, "region": test.region, "resources": []any{}, "detail": provisioned().Detail,
			}
			delete(got, "id")
			if diff := cmp.Diff(want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestANoticeThatTheBusDoesNotTakeIsAnError(t *testing.T) {
	cloud, s := newCloud(t)
	long, unfit := provisioned(), provisioned()
	long.Detail, unfit.Detail = strings.Repeat("x", 256<<10), func() {}
	noObject := provisioned()
	noObject.Detail = []int{1}
	tests := []struct {
		name, bus string
		notice    reconcile.Notice
		want      string
	}{
		{"a bus that is not there", "no-such-bus", provisioned(), "ResourceNotFoundException: Event bus no-such-bus does not exist"},
		{"a detail that is no object", "", noObject, "MalformedDetail: Detail is malformed."},
		{"more than 256 KB", "", long, "the event has 262198 bytes; EventBridge takes 262144"},
		{"no JSON", "", unfit, "its detail is no JSON"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			err := (&Notices{Session: s, Bus: test.bus}).Notify(t.Context(), test.notice)
			if err == nil || !strings.Contains(err.Error(), test.want) || !strings.Contains(err.Error(), "events:PutEvents on event bus ") {
				t.Errorf("got %v", err)
			}
		})
	}
	failsOnEveryFailure(t, cloud, "events", "PutEvents", func() error { return (&Notices{Session: s}).Notify(t.Context(), provisioned()) })
}

func TestAnAnswerThatDoesNotConfirmTheNoticeIsAnError(t *testing.T) {
	for name, answer := range map[string]string{
		"nothing":        `{}`,
		"no id":          `{"FailedEntryCount":0,"Entries":[{}]}`,
		"two events":     `{"FailedEntryCount":0,"Entries":[{"EventId":"a"},{"EventId":"b"}]}`,
		"counted failed": `{"FailedEntryCount":1,"Entries":[{"EventId":"a"}]}`,
		"throttled":      `{"FailedEntryCount":1,"Entries":[{"ErrorCode":"ThrottlingException","ErrorMessage":"slow"}]}`,
	} {
		t.Run(name, func(t *testing.T) {
			s := served(t, func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, answer) })
			err := (&Notices{Session: s}).Notify(t.Context(), provisioned())
			if err == nil || name == "throttled" != (FaultOf(err) == Throttled) {
				t.Errorf("got %v", err)
			}
		})
	}
}

func TestANoticeWithoutATimeHappensNow(t *testing.T) {
	cloud, s := newCloud(t)
	n := provisioned()
	n.Time = time.Time{}
	must(t, (&Notices{Session: s}).Notify(t.Context(), n))
	var got struct{ Time time.Time }
	must(t, json.Unmarshal(cloud.Events()[0].Event, &got))
	if age := cloud.Now().Sub(got.Time); age < 0 || age > time.Minute {
		t.Errorf("it happened at %v", got.Time)
	}
}
