package scim

import (
	"context"
	"fmt"
	"math/rand/v2"
	"sync"
	"time"

	"golang.org/x/time/rate"
)

// Identity Center takes 25 writes and 40 reads a second of each API, and counts
// every membership as one. Ours stay a little below.
// https://docs.aws.amazon.com/singlesignon/latest/userguide/limits.html
const (
	writesPerSecond = 24
	readsPerSecond  = 38
)

// pace holds a limiter per API. Its zero value is ready.
type pace struct {
	mu   sync.Mutex
	each map[string]*rate.Limiter
}

func (p *pace) limiter(api string, read bool) *rate.Limiter {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.each == nil {
		p.each = map[string]*rate.Limiter{}
	}
	if p.each[api] == nil {
		perSecond := rate.Limit(writesPerSecond)
		if read {
			perSecond = readsPerSecond
		}
		p.each[api] = rate.NewLimiter(perSecond, 1)
	}
	return p.each[api]
}

// wait returns when a request that counts for n may go. Whoever comes next waits
// for all n of them.
func (p *pace) wait(ctx context.Context, api string, read bool, n int) error {
	limiter := p.limiter(api, read)
	if err := limiter.Wait(ctx); err != nil {
		if ctx.Err() == nil {
			err = fmt.Errorf("%w: %w", context.DeadlineExceeded, err)
		}
		return fmt.Errorf("not sent, waiting for our turn under Identity Center's request rate: %w", err)
	}
	for range n - 1 {
		limiter.Reserve()
	}
	return nil
}

const (
	firstPause   = 500 * time.Millisecond
	longestPause = 20 * time.Second
	longestAsked = 5 * time.Minute // of Retry-After
)

// pause is how long to wait after an attempt, counted from 1: twice as long each
// time, half of it by chance, and at least as long as the endpoint asks for.
func pause(attempt int, asked time.Duration) time.Duration {
	d := min(firstPause<<(attempt-1), longestPause)
	d = d/2 + rand.N(d/2)
	return max(d, min(asked, longestAsked))
}

func sleep(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
