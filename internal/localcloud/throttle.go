package localcloud

import (
	"slices"

	"golang.org/x/time/rate"
)

// Rate is how many requests a second AWS takes, per account and Region.
type Rate struct {
	Service   string  // signing name
	Operation string  // empty: each operation that has no row of its own
	Shared    bool    // the service's operations draw on one allowance instead of one each
	PerSecond float64 // sustained
	Burst     int     // at once
	// Published tells AWS's own figures from ours: where AWS publishes none, the figure here is a
	// cautious guess that no program should come close to.
	Published bool
}

// Rates lists the request rates that hold when Cloud.Throttle is set. Services without a row are not limited.
func Rates() []Rate {
	return []Rate{
		// Identity Center quotas: 20 a second per Identity Store API; sso-admin's APIs share 20.
		{Service: "identitystore", PerSecond: 20, Burst: 20, Published: true},
		{Service: "sso", Shared: true, PerSecond: 20, Burst: 20, Published: true},
		// Tag Editor quotas: 15 a second for GetResources.
		{Service: "tagging", Operation: "GetResources", PerSecond: 15, Burst: 15, Published: true},
		// Identity Center's SCIM quotas: 25 writes and 40 reads a second for each API.
		{Service: "scim", Operation: "GetUser", PerSecond: 40, Burst: 40, Published: true},
		{Service: "scim", Operation: "ListUsers", PerSecond: 40, Burst: 40, Published: true},
		{Service: "scim", Operation: "GetGroup", PerSecond: 40, Burst: 40, Published: true},
		{Service: "scim", Operation: "ListGroups", PerSecond: 40, Burst: 40, Published: true},
		{Service: "scim", PerSecond: 25, Burst: 25, Published: true},
		// SageMaker publishes no request rates for its Studio APIs.
		{Service: "sagemaker", Operation: "CreateUserProfile", PerSecond: 5, Burst: 10},
		{Service: "sagemaker", Operation: "UpdateUserProfile", PerSecond: 5, Burst: 10},
		{Service: "sagemaker", Operation: "DeleteUserProfile", PerSecond: 5, Burst: 10},
		{Service: "sagemaker", Operation: "CreateSpace", PerSecond: 5, Burst: 10},
		{Service: "sagemaker", Operation: "UpdateSpace", PerSecond: 5, Burst: 10},
		{Service: "sagemaker", Operation: "DeleteSpace", PerSecond: 5, Burst: 10},
		{Service: "sagemaker", Operation: "CreateApp", PerSecond: 5, Burst: 10},
		{Service: "sagemaker", Operation: "DeleteApp", PerSecond: 5, Burst: 10},
		{Service: "sagemaker", Operation: "CreateDomain", PerSecond: 1, Burst: 2},
		{Service: "sagemaker", Operation: "UpdateDomain", PerSecond: 1, Burst: 2},
		{Service: "sagemaker", Operation: "DeleteDomain", PerSecond: 1, Burst: 2},
		{Service: "sagemaker", PerSecond: 10, Burst: 20},
	}
}

// throttleState is guarded by Cloud.mu.
type throttleState struct {
	buckets map[bucketKey]*rate.Limiter // nil for what has no limit; operations that share an allowance share a bucket
}

type bucketKey struct {
	account, region, service, operation string
}

// throttle refuses a call that exceeds its rate; the allowance is counted on the cloud's clock.
func (c *Cloud) throttle(made *call) *apiError {
	if !c.Throttle {
		return nil
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	bucket := c.limits.bucket(bucketKey{account: made.account, region: made.region, service: made.service, operation: made.operation})
	if bucket == nil {
		return nil
	}
	now := c.nowLocked()
	if !bucket.AllowN(now, 1) {
		return errf(0, throttled(made.service), "Rate exceeded")
	}
	// A call that counts for several goes through, and those after it wait for as long as that many take.
	for range made.counts - 1 {
		bucket.ReserveN(now, 1)
	}
	return nil
}

// bucket is what an operation draws on, nil when it is not limited.
func (t *throttleState) bucket(key bucketKey) *rate.Limiter {
	bucket, known := t.buckets[key]
	if known {
		return bucket
	}
	if t.buckets == nil {
		t.buckets = map[bucketKey]*rate.Limiter{}
	}
	limit, limited := rateOf(key.service, key.operation)
	switch whole := (bucketKey{account: key.account, region: key.region, service: key.service}); {
	case limited && limit.Shared && key != whole:
		bucket = t.bucket(whole)
	case limited:
		bucket = rate.NewLimiter(rate.Limit(limit.PerSecond), limit.Burst)
	}
	t.buckets[key] = bucket
	return bucket
}

// throttled is what a service calls a call too many.
func throttled(service string) string {
	if service == "tagging" {
		return "ThrottledException"
	}
	return "ThrottlingException"
}

func rateOf(service, operation string) (Rate, bool) {
	rates := Rates()
	for _, wanted := range []string{operation, ""} {
		i := slices.IndexFunc(rates, func(r Rate) bool { return r.Service == service && r.Operation == wanted })
		if i >= 0 {
			return rates[i], true
		}
	}
	return Rate{}, false
}
