package awscloud

import (
	"strings"
	"testing"

	"studiokeeper/internal/localcloud"
	"studiokeeper/internal/studio"
)

func TestEveryThrottledAttemptIsCountedOnce(t *testing.T) {
	cloud, s := newCloud(t)
	directory(t, cloud, []string{"alice@example.com"}, nil)
	d := studioDomain(t, s, Place{Region: region})
	newTable(t, s, "studiokeeper-state", "pk", "sk")
	state := &State{Session: s, Table: "studiokeeper-state"}
	calls := map[string]func() error{
		"identitystore.DescribeUser": func() error { _, err := identityStore(s).User(t.Context(), identity(1)); return err },
		"sagemaker.DescribeDomain":   func() error { _, err := (&Domains{s}).Facts(t.Context(), d); return err },
		"dynamodb.Query":             func() error { _, err := state.Registered(t.Context()); return err },
	}
	for _, c := range []struct {
		call, code string
		times      int
		through    bool
		want       int
	}{
		{"identitystore.DescribeUser", "ThrottlingException", 2, true, 2},
		{"sagemaker.DescribeDomain", "ThrottlingException", 1, true, 1},
		{"dynamodb.Query", "ProvisionedThroughputExceededException", 2, true, 2},
		{"sagemaker.DescribeDomain", "ThrottlingException", 0, false, 3}, // of three attempts
		{"dynamodb.Query", "InternalServerError", 2, false, 0},
		{"dynamodb.Query", "TransactionConflictException", 2, true, 0},
		{"identitystore.DescribeUser", "AccessDeniedException", 0, false, 0},
	} {
		t.Run(c.call+" "+c.code, func(t *testing.T) {
			defer cloud.ClearFaults()
			service, operation, _ := strings.Cut(c.call, ".")
			cloud.Inject(localcloud.Fault{Service: service, Operation: operation, Code: c.code, Times: c.times})
			if err := calls[c.call](); (err == nil) != c.through {
				t.Errorf("got %v", err)
			}
			if n := s.TakeThrottles(); n != c.want {
				t.Errorf("%d are counted, want %d", n, c.want)
			}
			if n := s.TakeThrottles(); n != 0 {
				t.Errorf("%d are counted again", n)
			}
		})
	}
}

// The call for which a role is assumed fails with it, and was not throttled itself.
func TestAThrottledRoleCountsItsOwnAttempts(t *testing.T) {
	cloud, s := newCloud(t)
	cloud.TrustRole(memberPlace("").Role.RoleARN, "7f1c")
	cloud.Inject(localcloud.Fault{Service: "sts", Operation: "AssumeRole", Code: "ThrottlingException"})
	at := memberPlace("eu-west-1")
	_, err := (&Profiles{s}).List(t.Context(), studio.Domain{ID: "d-x", Account: member, Region: at.Region, AssumeRole: at.Role}, "")
	asked, counted := cloud.CallCounts()["sts.AssumeRole"], s.TakeThrottles()
	if err == nil || counted != asked || asked == 0 {
		t.Errorf("%d attempts, %d counted: %v", asked, counted, err)
	}
}

func TestAnAPIThatThrottlesIsAskedLessOftenAndThenMoreAgain(t *testing.T) {
	cloud, s := newCloud(t)
	directory(t, cloud, []string{"alice@example.com"}, nil)
	where := identityStore(s).At
	of := func(operation string) float64 {
		return float64(s.limits.limiter(limitKey{where.Account, where.Region, "identitystore", operation}).Limit())
	}
	ask := func() { _, _ = identityStore(s).User(t.Context(), identity(1)) }
	cloud.Inject(localcloud.Fault{Service: "identitystore", Operation: "DescribeUser", Code: "ThrottlingException", Times: 2})
	ask()
	if got := of("DescribeUser"); got != 11 {
		t.Errorf("after two refusals at once and a success: %v a second", got)
	}
	if got := of("ListUsers"); got != 20 {
		t.Errorf("another API: %v a second", got)
	}
	cloud.Inject(localcloud.Fault{Service: "identitystore", Operation: "DescribeUser", Code: "AccessDeniedException", Times: 1})
	ask()
	if got := of("DescribeUser"); got != 11 {
		t.Errorf("after another error: %v a second", got)
	}
	for range 80 {
		s.limits.limiter(limitKey{where.Account, where.Region, "identitystore", "DescribeUser"}).learn(false)
	}
	if got := of("DescribeUser"); got != 20 {
		t.Errorf("in the end: %v a second", got)
	}
}
