package awscloud

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"strings"

	"github.com/aws/smithy-go"

	"studiokeeper/internal/reconcile"
)

// noticeSource is the source of our events.
const noticeSource = "studiokeeper"

// maxNotice is the largest event that EventBridge takes, in bytes: source, detail type, detail and 14 for
// the time.
// https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-putevents.html
const maxNotice = 256 << 10

func eventsAPI() jsonAPI {
	return jsonAPI{id: "EventBridge", target: "AWSEvents", signing: "events", host: "events"}
}

// Notices is reconcile.Notices on an EventBridge bus.
type Notices struct {
	Session *Session
	At      Place
	// Bus is a name or an ARN; "" is the default bus. A bus with an ARN is called in its own Region.
	Bus string
}

var _ reconcile.Notices = (*Notices)(nil)

// putEvents and the types below are PutEvents' wire forms.
// https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_PutEvents.html
type putEvents struct {
	Entries []putEvent
}

type putEvent struct {
	Source       string
	DetailType   string
	Detail       string
	EventBusName string `json:",omitempty"`
	Time         int64  `json:",omitempty"` // seconds since 1970
}

type hasPutEvents struct {
	FailedEntryCount int
	Entries          []struct{ EventID, ErrorCode, ErrorMessage string }
}

// Notify implements reconcile.Notices. A call whose answer was lost is repeated, so an event may come twice.
func (n *Notices) Notify(ctx context.Context, notice reconcile.Notice) error {
	at := n.place()
	r := request{action: "events:PutEvents", on: fmt.Sprintf("event bus %s, %q", cmp.Or(n.Bus, "default"), notice.DetailType), at: n.Session.where(at)}
	entry, err := n.entry(notice)
	if err != nil {
		return r.failed(err, nil)
	}
	var out hasPutEvents
	if err := n.Session.jsonAt(eventsAPI(), at).call(ctx, "PutEvents", putEvents{[]putEvent{entry}}, &out); err != nil {
		return r.failed(err, nil)
	}
	if len(out.Entries) != 1 {
		return r.broken("it is about %d events instead of one", len(out.Entries))
	}
	switch is := out.Entries[0]; {
	case is.ErrorCode != "":
		return r.failed(&smithy.GenericAPIError{Code: is.ErrorCode, Message: is.ErrorMessage}, nil)
	case is.EventID == "" || out.FailedEntryCount != 0:
		return r.broken("it does not confirm the event")
	}
	return nil
}

func (n *Notices) entry(notice reconcile.Notice) (putEvent, error) {
	detail, err := json.Marshal(notice.Detail)
	if err != nil {
		return putEvent{}, fmt.Errorf("its detail is no JSON: %w", err)
	}
	if size := len(noticeSource) + len(notice.DetailType) + len(detail) + 14; size > maxNotice {
		return putEvent{}, fmt.Errorf("the event has %d bytes; EventBridge takes %d", size, maxNotice)
	}
	entry := putEvent{Source: noticeSource, DetailType: notice.DetailType, Detail: string(detail), EventBusName: n.Bus}
	if !notice.Time.IsZero() {
		entry.Time = notice.Time.Unix()
	}
	return entry, nil
}

// place is where the bus is: arn:<partition>:events:<region>:<account>:event-bus/<name>.
func (n *Notices) place() Place {
	at := n.At
	if parts := strings.Split(n.Bus, ":"); len(parts) > 5 && parts[0] == "arn" {
		at.Region = parts[3]
	}
	return at
}
