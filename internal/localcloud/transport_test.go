package localcloud_test

import (
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/identitystore"

	"studiokeeper/internal/localcloud"
)

// Without sockets, waiting for one's turn takes no time of ours.
func TestTransportLetsVirtualTimePass(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		cloud := &localcloud.Cloud{Throttle: true}
		defer cloud.Close()
		if err := cloud.CreateIdentityStore("111122223333", "us-east-1", "d-906716eb24"); err != nil {
			t.Fatal(err)
		}
		client := identitystore.NewFromConfig(aws.Config{
			Region: "us-east-1", BaseEndpoint: aws.String("http://aws.local"), HTTPClient: &http.Client{Transport: localcloud.Transport{Cloud: cloud}},
			Credentials: credentials.NewStaticCredentialsProvider("test", "test", ""),
		})
		start := time.Now()
		for range 100 {
			if _, err := client.ListUsers(t.Context(), &identitystore.ListUsersInput{IdentityStoreId: aws.String("d-906716eb24")}); err != nil {
				t.Fatal(err)
			}
			time.Sleep(50 * time.Millisecond)
		}
		if took := time.Since(start); took < 5*time.Second || took > 10*time.Second {
			t.Errorf("100 calls took %v of virtual time", took)
		}
	})
}

func TestTransportBreaksAsAConnectionDoes(t *testing.T) {
	for what, fault := range map[string]localcloud.Fault{"dropped": {Drop: true}, "cut": {Truncate: true}} {
		cloud := &localcloud.Cloud{}
		cloud.Inject(fault)
		client := identitystore.NewFromConfig(aws.Config{
			Region: "us-east-1", BaseEndpoint: aws.String("http://aws.local"), HTTPClient: &http.Client{Transport: localcloud.Transport{Cloud: cloud}},
			Credentials: credentials.NewStaticCredentialsProvider("test", "test", ""), RetryMaxAttempts: 1,
		})
		_, err := client.ListUsers(t.Context(), &identitystore.ListUsersInput{IdentityStoreId: aws.String("d-906716eb24")})
		if err == nil || !strings.Contains(err.Error(), "EOF") {
			t.Errorf("%s: %v", what, err)
		}
		cloud.Close()
	}
}
