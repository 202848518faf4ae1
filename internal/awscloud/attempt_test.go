package awscloud

import (
	"context"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"

	"studiokeeper/internal/localcloud"
)

// A call that hangs is tried again while its caller still has time, and is named
// when it has none.
func TestCallsThatHangAreTriedAgainAndNamed(t *testing.T) {
	for what, c := range map[string]struct {
		times   int
		through bool
		says    string
	}{
		"once":     {1, true, ""},
		"for good": {0, false, "identitystore:DescribeUser"},
	} {
		t.Run(what, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				cloud := &localcloud.Cloud{}
				t.Cleanup(cloud.Close)
				must(t, cloud.CreateIdentityStore(account, region, storeID))
				directory(t, cloud, []string{"alice@example.com"}, nil)
				cloud.Inject(localcloud.Fault{Operation: "DescribeUser", Delay: 2 * time.Minute, Drop: true, Times: c.times})
				s := sessionTo("http://aws.local")
				s.base.HTTPClient = &http.Client{Transport: localcloud.Transport{Cloud: cloud}}
				s.base.Retryer = func() aws.Retryer { return persistent(maxAttempts)() }
				ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
				defer cancel()
				_, err := identityStore(s).User(ctx, identity(1))
				time.Sleep(2 * time.Minute) // the cloud is done too
				if (err == nil) != c.through || err != nil && !strings.Contains(err.Error(), c.says) {
					t.Errorf("got %v", err)
				}
			})
		})
	}
}
