package awscloud

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	awsmiddleware "github.com/aws/aws-sdk-go-v2/aws/middleware"
	"github.com/aws/smithy-go"
	"github.com/aws/smithy-go/middleware"
	"golang.org/x/time/rate"
)

// requestRate is how often we call at most, whatever the retryer thinks.
type requestRate struct {
	perSecond rate.Limit
	burst     int
	shared    bool // all of the service's APIs together, instead of each
}

// rateOf is the one table of request rates, by the SDK's service id. The bursts stay below AWS's, because
// the function, the pass and a person's command line share an account's rate without knowing of each other.
//
// Published: 20 a second for each Identity Store API, and for all of sso-admin together.
// https://docs.aws.amazon.com/singlesignon/latest/userguide/limits.html
// Published: 15 a second for GetResources of the Resource Groups Tagging API.
// https://docs.aws.amazon.com/tag-editor/latest/userguide/reference.html
// Unverified: SageMaker publishes no rates for its Studio APIs; these are cautious guesses.
func rateOf(service, operation string) (requestRate, bool) {
	switch service {
	case "identitystore":
		return requestRate{perSecond: 20, burst: 10}, true
	case ssoAdminID:
		return requestRate{perSecond: 20, burst: 10, shared: true}, true
	case "Resource Groups Tagging API":
		return requestRate{perSecond: 15, burst: 7}, true
	case sagemakerID:
		switch operation {
		case "CreateUserProfile", "UpdateUserProfile", "DeleteUserProfile":
			return requestRate{perSecond: 5, burst: 5}, true
		}
		return requestRate{perSecond: 10, burst: 10}, true
	}
	return requestRate{}, false
}

// limits holds one limiter per account, Region and API. Its zero value is ready.
type limits struct {
	mu   sync.Mutex
	each map[limitKey]*limiter
	// throttles counts what AWS throttled, also where the next attempt went through.
	throttles atomic.Int64
}

// throttled tells whether AWS refused one attempt for coming too fast. A
// transaction in the way is nothing that a lower rate would help, and a call made
// for this one, such as for its credentials, was counted itself.
func throttled(err error) bool {
	_, another := errors.AsType[*smithy.OperationError](err)
	return err != nil && !another && FaultOf(err) == Throttled && !codeIs(err, "TransactionConflictException")
}

type limitKey struct {
	account, region, service, operation string
}

// limiter paces one API. Others share the account's rate without our knowing: when AWS throttles, we take half of
// what we took, and a little more again with every call that goes through.
type limiter struct {
	*rate.Limiter
	mu   sync.Mutex
	full rate.Limit
	cut  time.Time
}

// slowest is as slow as an API gets, in calls a second; cutEvery keeps calls that were under way together, and are
// refused together, from counting more than once.
const (
	slowest  = 1
	cutEvery = time.Second
)

func (l *limiter) learn(throttled bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	switch now := l.Limit(); {
	case throttled && time.Since(l.cut) >= cutEvery:
		l.cut = time.Now()
		l.SetLimit(max(now/2, slowest))
	case !throttled && now < l.full:
		l.SetLimit(min(now+l.full/20, l.full))
	}
}

// limiter is nil for APIs without a row in the table.
func (l *limits) limiter(key limitKey) *limiter {
	r, ok := rateOf(key.service, key.operation)
	if !ok {
		return nil
	}
	if r.shared {
		key.operation = ""
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.each == nil {
		l.each = map[limitKey]*limiter{}
	}
	if l.each[key] == nil {
		l.each[key] = &limiter{Limiter: rate.NewLimiter(r.perSecond, r.burst), full: r.perSecond}
	}
	return l.each[key]
}

// middleware puts the limiters inside the retry loop, so that every attempt waits its turn.
func (l *limits) middleware(account, region string) func(*middleware.Stack) error {
	wait := middleware.FinalizeMiddlewareFunc("RequestRate", func(
		ctx context.Context, in middleware.FinalizeInput, next middleware.FinalizeHandler,
	) (middleware.FinalizeOutput, middleware.Metadata, error) {
		key := limitKey{account, region, awsmiddleware.GetServiceID(ctx), awsmiddleware.GetOperationName(ctx)}
		limiter := l.limiter(key)
		if limiter != nil {
			if err := limiter.Wait(ctx); err != nil {
				return middleware.FinalizeOutput{}, middleware.Metadata{}, &tooBusyError{err}
			}
		}
		out, metadata, err := attempt(ctx, in, next)
		refused := throttled(err)
		if refused {
			l.throttles.Add(1)
		}
		if limiter != nil && (refused || err == nil) {
			limiter.learn(refused)
		}
		return out, metadata, err
	})
	return func(stack *middleware.Stack) error {
		return stack.Finalize.Insert(wait, "Retry", middleware.After)
	}
}

// tooBusyError is a call that was never made: its turn would come too late, or the context ended.
type tooBusyError struct{ err error }

func (e *tooBusyError) Error() string {
	return fmt.Sprintf("not sent, waiting for our turn under the API's request rate: %v", e.err)
}

func (e *tooBusyError) Unwrap() error { return e.err }
