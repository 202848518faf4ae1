package cli

import (
	"fmt"
	"strings"
	"sync"
	"time"

	"studiokeeper/internal/reconcile"
)

// Progress is shown on a terminal all the time, in a file or pipe now and then.
const (
	onTerminal = 150 * time.Millisecond
	elsewhere  = 15 * time.Second
)

// watch writes what line answers to stderr until it is stopped. On a terminal
// that is one line that changes, and is taken away in the end.
func watch(env Environment, line func() string) (stop func()) {
	every, terminal := elsewhere, isTerminal(env.Stderr)
	if terminal {
		every = onTerminal
	}
	done := make(chan struct{})
	var all sync.WaitGroup
	all.Go(func() {
		tick := time.NewTicker(every)
		defer tick.Stop()
		for {
			select {
			case <-tick.C:
				if terminal {
					fmt.Fprintf(env.Stderr, "\r\x1b[K%s", line())
				} else {
					fmt.Fprintln(env.Stderr, line())
				}
			case <-done:
				if terminal {
					fmt.Fprint(env.Stderr, "\r\x1b[K")
				}
				return
			}
		}
	})
	return func() {
		close(done)
		all.Wait()
	}
}

// surveyed says how far a survey is.
func surveyed(p *reconcile.Progress) func() string {
	return func() string {
		parts := []string{fmt.Sprintf("reading: %d users, %d memberships, %d profiles", p.Users.Load(), p.Memberships.Load(), p.Profiles.Load())}
		if all := p.ToDescribe.Load(); all > 0 {
			parts = append(parts, fmt.Sprintf("%d of %d described", p.Described.Load(), all))
		}
		return strings.Join(parts, ", ")
	}
}
