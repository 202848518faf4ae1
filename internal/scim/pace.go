package scim

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
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

// reserve takes n turns of an API in a row: the request goes at the first of them,
// and whoever comes next waits for all.
func (p *pace) reserve(now time.Time, api string, read bool, n int) []*rate.Reservation {
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
	turns := make([]*rate.Reservation, n)
	for i := range turns {
		turns[i] = p.each[api].ReserveN(now, 1)
	}
	return turns
}

// wait returns when a request that counts for n may go. A turn that would come
// after the context's deadline is not waited for.
func (p *pace) wait(ctx context.Context, api string, read bool, n int) error {
	now := time.Now()
	turns := p.reserve(now, api, read, n)
	delay := turns[0].DelayFrom(now)
	err := ctx.Err()
	if deadline, ends := ctx.Deadline(); err == nil && ends && now.Add(delay).After(deadline) {
		err = context.DeadlineExceeded
	}
	if err == nil {
		err = sleep(ctx, delay)
	}
	if err == nil {
		return nil
	}
	for _, turn := range slices.Backward(turns) {
		turn.Cancel()
	}
	return fmt.Errorf("not sent, waiting for our turn under Identity Center's request rate: %w", err)
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
