package awscloud

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/smithy-go"

	"studiokeeper/internal/localcloud"
	"studiokeeper/internal/studio"
)

const member = "444455556666"

func memberPlace(region string) Place {
	return Place{Region: region, Account: member, Role: studio.AssumeRole{RoleARN: "arn:aws:iam::" + member + ":role/studiokeeper-member", ExternalID: "7f1c"}}
}

func TestARoleIsAssumedOnceForAllRegionsAndServices(t *testing.T) {
	cloud, s := newCloud(t)
	cloud.TrustRole(memberPlace("").Role.RoleARN, "7f1c")
	if calls := len(cloud.Calls()); calls != 0 {
		t.Fatalf("%d calls before anything was asked", calls)
	}
	var wg sync.WaitGroup
	for _, region := range []string{"us-east-1", "eu-west-1", "us-east-1", "ap-south-1"} {
		wg.Go(func() {
			got, err := s.CallerIdentity(t.Context(), memberPlace(region))
			want := Caller{Account: member, ARN: "arn:aws:sts::" + member + ":assumed-role/studiokeeper-member/test"}
			if got != want || err != nil {
				t.Errorf("%s: got %+v, %v", region, got, err)
			}
		})
	}
	wg.Wait()
	if _, err := (&Profiles{s}).List(t.Context(), studio.Domain{ID: "d-x", Account: member, Region: "eu-west-1", AssumeRole: memberPlace("").Role}, ""); err == nil {
		t.Error("a domain that does not exist: no error")
	}
	if n := cloud.CallCounts()["sts.AssumeRole"]; n != 1 {
		t.Errorf("the role was assumed %d times, want 1", n)
	}
	for _, call := range cloud.Calls() {
		if call.Operation == "ListUserProfiles" && (call.Account != member || call.Region != "eu-west-1") {
			t.Errorf("ListUserProfiles went to %s in %s", call.Account, call.Region)
		}
	}
}

func TestLoadTakesTheEnvironment(t *testing.T) {
	cloud, at := newCloud(t)
	for name, value := range map[string]string{
		"AWS_ENDPOINT_URL": *at.base.BaseEndpoint, "AWS_REGION": "eu-west-1", "AWS_ACCESS_KEY_ID": member, "AWS_SECRET_ACCESS_KEY": "secret",
		"AWS_SESSION_TOKEN": "", "AWS_PROFILE": "", "AWS_CONFIG_FILE": "/dev/null", "AWS_SHARED_CREDENTIALS_FILE": "/dev/null",
	} {
		t.Setenv(name, value)
	}
	s, err := Load(t.Context(), "test", nil)
	must(t, err)
	if got, err := s.CallerIdentity(t.Context(), Place{}); got.Account != member || err != nil {
		t.Errorf("got %+v, %v", got, err)
	}
	_, err = (&Profiles{s}).List(t.Context(), studio.Domain{ID: "d-abcdefghijkl"}, "")
	if err == nil || cloud.Calls()[1].Region != "eu-west-1" {
		t.Errorf("our own client: got %v, %+v", err, cloud.Calls())
	}
}

func TestTheCredentialsAtHandServeWithoutARole(t *testing.T) {
	cloud, s := newCloud(t)
	got, err := s.CallerIdentity(t.Context(), Place{})
	if got.Account != account || err != nil || cloud.CallCounts()["sts.AssumeRole"] != 0 {
		t.Errorf("got %+v, %v", got, err)
	}
}

func TestARoleThatMayNotBeAssumedIsNamed(t *testing.T) {
	cloud, s := newCloud(t)
	at := memberPlace("eu-west-1")
	cloud.TrustRole(at.Role.RoleARN, "another external id")
	d := studio.Domain{ID: "d-abcdefghijkl", Account: member, Region: "eu-west-1", AssumeRole: at.Role}
	_, profiles := (&Profiles{s}).List(t.Context(), d, "")
	_, users := (&IdentityStore{s, at, storeID}).User(t.Context(), identity(1))
	for name, err := range map[string]error{"our own client": profiles, "the SDK's client": users} {
		if FaultOf(err) != Denied || !strings.Contains(err.Error(), "allow sts:AssumeRole on "+at.Role.RoleARN) {
			t.Errorf("%s: got %v", name, err)
		}
	}
}

func TestAssumedCredentialsAreReplacedBeforeTheyExpire(t *testing.T) {
	cloud := &localcloud.Cloud{}
	server := httptest.NewServer(cloud)
	t.Cleanup(server.Close)
	cloud.Advance(-assumedFor + expiryWindow - time.Minute) // what is issued now is within the window already
	s := sessionTo(server.URL)
	for range 2 {
		_, _ = s.CallerIdentity(t.Context(), memberPlace("us-east-1"))
	}
	if n := cloud.CallCounts()["sts.AssumeRole"]; n < 2 {
		t.Errorf("assumed %d times, want a new session each time", n)
	}
}

func TestSessionNamesSuitSTS(t *testing.T) {
	tests := map[string]string{
		"studiokeeper-events": "studiokeeper-events", "alice smith/apply": "alice-smith-apply", "żółw": "---w",
		"": "studiokeeper", "x": "studiokeeper", strings.Repeat("a", 80): strings.Repeat("a", 64),
	}
	for name, want := range tests {
		if got := cleanSessionName(name); got != want {
			t.Errorf("%q: got %q, want %q", name, got, want)
		}
	}
}

func TestRequestsStayBelowTheRatesOfTheTable(t *testing.T) {
	tests := []struct {
		name               string
		service, operation string
		other              string // an operation that is asked in turn with it
		calls              int
		least              time.Duration
	}{
		{"one Identity Store API", "identitystore", "DescribeUser", "DescribeUser", 30, time.Second},
		{"two Identity Store APIs have 20 a second each", "identitystore", "DescribeUser", "ListUsers", 60, time.Second},
		{"all of sso-admin share 20 a second", "SSO Admin", "ListInstances", "CreateApplicationAssignment", 30, time.Second},
		{"creating profiles", sagemakerID, "CreateUserProfile", "CreateUserProfile", 15, 2 * time.Second},
		{"DynamoDB is not held back", "DynamoDB", "GetItem", "GetItem", 1000, 0},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var l limits
				start := time.Now()
				for n := range test.calls {
					key := limitKey{account, region, test.service, []string{test.operation, test.other}[n%2]}
					if limiter := l.limiter(key); limiter != nil {
						must(t, limiter.Wait(t.Context()))
					}
				}
				if took := time.Since(start); took < test.least || took > test.least+100*time.Millisecond {
					t.Errorf("%d calls took %v, want %v", test.calls, took, test.least)
				}
			})
		})
	}
}

func TestAWSNeverHasToThrottleOneProcess(t *testing.T) {
	cloud, s := newCloud(t)
	cloud.Throttle = true
	directory(t, cloud, []string{"alice@example.com"}, nil)
	var wg sync.WaitGroup
	for range 35 {
		wg.Go(func() {
			if _, err := identityStore(s).User(t.Context(), identity(1)); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	for _, call := range cloud.Calls() {
		if call.Error != "" {
			t.Fatalf("%s was answered %s", call.Operation, call.Error)
		}
	}
}

func TestAccountsAndRegionsHaveLimitersOfTheirOwnAndClientsShareThem(t *testing.T) {
	var l limits
	of := func(account, region string) *limiter {
		return l.limiter(limitKey{account, region, sagemakerID, "ListTags"})
	}
	if of(account, region) != of(account, region) {
		t.Error("the same account and Region: two limiters")
	}
	if of(account, region) == of(member, region) || of(account, region) == of(account, "eu-west-1") {
		t.Error("another account or Region: the same limiter")
	}
}

func TestEveryAttemptWaitsItsTurn(t *testing.T) {
	asked := 0
	s := served(t, func(w http.ResponseWriter, _ *http.Request) {
		asked++
		w.WriteHeader(400)
		_, _ = io.WriteString(w, `{"__type":"ThrottlingException"}`)
	})
	d := research()
	ours := s.limits.limiter(limitKey{d.Account, d.Region, sagemakerID, "UpdateUserProfile"})
	ours.ReserveN(time.Now(), 4) // of 5: one attempt is left
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	err := (&Profiles{s}).Update(ctx, d, "alice", "r", "")
	if asked != 1 || FaultOf(err) != Throttled || !strings.Contains(err.Error(), "waiting for our turn") {
		t.Errorf("%d requests, %v", asked, err)
	}
}

func TestTheUsualRetryerIsPersistent(t *testing.T) {
	s := NewSession(aws.Config{Region: region}, "test")
	made := s.base.Retryer()
	if made.MaxAttempts() != maxAttempts {
		t.Errorf("got %d attempts", made.MaxAttempts())
	}
	if !made.IsErrorRetryable(io.ErrUnexpectedEOF) || !made.IsErrorRetryable(&smithy.GenericAPIError{Code: "ThrottlingException"}) {
		t.Error("a broken answer and throttling must be retried")
	}
	if s.base.Retryer() == made {
		t.Error("two clients share a retryer")
	}
	if got := NewSession(aws.Config{RetryMaxAttempts: 2}, "test").base.Retryer().MaxAttempts(); got != 2 {
		t.Errorf("AWS_MAX_ATTEMPTS=2 gives %d attempts", got)
	}
}

func TestAllClientsNameUsInTheUserAgent(t *testing.T) {
	var agents sync.Map
	s := served(t, func(w http.ResponseWriter, r *http.Request) {
		agents.Store(r.Header.Get("X-Amz-Target"), r.UserAgent())
		w.WriteHeader(400)
	})
	state := &State{Session: s, Table: "studiokeeper-state"}
	_, err1 := state.Begin(t.Context(), "u", 1)
	_, err2 := (&Profiles{s}).Describe(t.Context(), research(), "alice")
	_, err3 := identityStore(s).User(t.Context(), "u")
	if err := errors.Join(err1, err2, err3); err == nil {
		t.Fatal("no error")
	}
	seen := 0
	agents.Range(func(target, agent any) bool {
		seen++
		if !strings.Contains(agent.(string), "app/studiokeeper") {
			t.Errorf("%s: %s", target, agent)
		}
		return true
	})
	if seen != 3 {
		t.Errorf("%d services were asked, want 3", seen)
	}
}

func TestClientsAreMadeOncePerPlace(t *testing.T) {
	s := NewSession(aws.Config{Region: region, Credentials: credentials.NewStaticCredentialsProvider("a", "b", "")}, "test")
	var wg sync.WaitGroup
	var first atomic.Pointer[jsonClient]
	for range 20 {
		wg.Go(func() {
			c := s.jsonAt(sagemakerAPI(), memberPlace("eu-west-1"))
			if !first.CompareAndSwap(nil, c) && first.Load() != c {
				t.Error("a second client for the same place")
			}
		})
	}
	wg.Wait()
	if s.jsonAt(sagemakerAPI(), memberPlace("us-east-1")) == first.Load() {
		t.Error("two Regions share a client")
	}
	if s.jsonAt(ssoAdminAPI(), memberPlace("eu-west-1")) == first.Load() {
		t.Error("two services share a client")
	}
}
