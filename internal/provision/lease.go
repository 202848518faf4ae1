package provision

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"time"

	"studiokeeper/internal/plan"
	"studiokeeper/internal/reconcile"
)

// A run holds the lease for leaseTime, and renews it until it ends.
const (
	leaseTime  = 90 * time.Second
	leaseRenew = 25 * time.Second
	giveBack   = 10 * time.Second // how long giving it back may take
)

var errLost = errors.New("the lease on the directory was lost: another run may be at work; nothing more was begun, and the next run goes on")

func leaseKey() reconcile.Key {
	return reconcile.Key{Domain: plan.DirectoryDomain, UserID: "run"}
}

// alone runs f under the lease. The context of f ends when the lease is lost.
func (p *Provisioner) alone(ctx context.Context, f func(context.Context) error) error {
	owner := rand.Text()
	taken, err := p.Leases.Acquire(ctx, leaseKey(), owner, leaseTime)
	if err != nil {
		return fmt.Errorf("take the lease on the directory: %w", err)
	}
	if !taken {
		return fmt.Errorf("%w, and nothing was changed; try again when it has ended, or %s after it was cut off", ErrBusy, plan.Short(leaseTime))
	}
	under, lose := context.WithCancelCause(ctx)
	renewed := make(chan struct{})
	go func() {
		defer close(renewed)
		p.renew(under, owner, lose)
	}()
	err = f(under)
	if context.Cause(under) == errLost {
		err = errors.Join(errLost, err)
	}
	lose(nil)
	<-renewed
	return errors.Join(err, p.release(ctx, owner))
}

func (p *Provisioner) renew(ctx context.Context, owner string, lose context.CancelCauseFunc) {
	tick := time.NewTicker(leaseRenew)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		within, end := context.WithTimeout(ctx, leaseTime-2*leaseRenew)
		kept, err := p.Leases.Acquire(within, leaseKey(), owner, leaseTime)
		end()
		if ctx.Err() == nil && (err != nil || !kept) {
			p.Log.ErrorContext(ctx, "the lease on the directory could not be renewed", "error", err)
			lose(errLost)
			return
		}
	}
}

// release gives the lease back, also when the run was interrupted. That somebody
// asked for it meanwhile is of no interest: they come again.
func (p *Provisioner) release(ctx context.Context, owner string) error {
	ctx, end := context.WithTimeout(context.WithoutCancel(ctx), giveBack)
	defer end()
	wanted, err := p.Leases.Release(ctx, leaseKey(), owner)
	if err == nil && wanted {
		_, err = p.Leases.Release(ctx, leaseKey(), owner)
	}
	return wrap(err, "give back the lease on the directory")
}
