package config

import (
	"bytes"
	"errors"
	"log/slog"
	"strings"
	"sync/atomic"
	"testing"
)

func TestTheLogNamesPeopleOnlyWhereThatIsChosen(t *testing.T) {
	for _, named := range []bool{false, true} {
		var out bytes.Buffer
		var choice atomic.Bool
		choice.Store(named)
		log := slog.New(Discreet{slog.NewJSONHandler(&out, nil), &choice})
		for _, text := range []string{
			`sagemaker:DescribeUserProfile on user profile "alice-001" in domain d-abc: no`,
			`no permission on arn:aws:sagemaker:us-east-1:111122223333:user-profile/d-abc/alice-example-com-rqj7ryvxtd`,
			`Unable to delete UserProfile [d-abc/alice-002] because App(s) are associated with it`,
			`find whose profile alice-example-com-rqj7ryvxtd in research is: gone`,
			`identitystore:GetUserId on user "alice" in identity store d-1: throttled`,
			`alice@example.com has another profile`,
			`CN=alice\, the second,OU=Staff,DC=corp,DC=example has no user name`,
		} {
			log.Error("record failed", "user", "81d08d7968-a2020c09-4817-487e-b8da-a18b1b1e4e18", "error", text, "profile", "alice-1", "userName", "alice", "cause", errors.New(text))
		}
		for line := range strings.Lines(out.String()) {
			if strings.Contains(line, "alice") != named {
				t.Errorf("named %v: %s", named, line)
			}
			if !strings.Contains(line, `"user":"81d08d7968-a2020c09-4817-487e-b8da-a18b1b1e4e18"`) {
				t.Errorf("the id is missing: %s", line)
			}
		}
	}
}
