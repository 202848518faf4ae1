package worker

import (
	"context"
	"log/slog"
	"time"

	"studiokeeper/internal/event"
)

// Schedule asks for passes, at whole multiples of Every in UTC, moved by Offset:
// so those of several workers fall together.
type Schedule struct {
	Name   string // of what triggered the pass, for journal and log
	Every  time.Duration
	Offset time.Duration
	Deep   bool
	// Due tells whether nobody has made such a pass since a time. It is asked at
	// the start too, and at least every hour, so that one that was missed or could
	// not be asked for is made up for.
	Due func(ctx context.Context, since time.Time) (bool, error)
	// Claim tells whether this worker is the one of all that asks for what is due
	// at a time.
	Claim func(ctx context.Context, name string, at time.Time) (bool, error)
	// Invoke is the function's handler.
	Invoke func(ctx context.Context, payload []byte) ([]byte, error)
	Now    func() time.Time
	Log    *slog.Logger
}

// checkEvery is how long a pass that is due stays unasked for at most.
const checkEvery = time.Hour

// Run keeps the schedule until ctx ends.
func (s *Schedule) Run(ctx context.Context) {
	for at := s.last(s.Now(), s.Every); ; {
		s.tick(ctx, at)
		at = s.next(at)
		for later := s.next(at); !later.After(s.Now()); later = s.next(later) {
			at = later // the clock went ahead
		}
		if !sleep(ctx, at.Sub(s.Now())) {
			return
		}
	}
}

// last is the last whole multiple of a time that is not after another.
func (s *Schedule) last(now time.Time, every time.Duration) time.Time {
	return now.UTC().Add(-s.Offset).Truncate(every).Add(s.Offset)
}

// next is when to look after a time whether a pass is due.
func (s *Schedule) next(after time.Time) time.Time {
	own, check := s.last(after, s.Every).Add(s.Every), s.last(after, checkEvery).Add(checkEvery)
	if check.Before(own) {
		return check
	}
	return own
}

// tick asks for one pass if it is due.
func (s *Schedule) tick(ctx context.Context, at time.Time) {
	due, err := s.Due(ctx, s.last(at, s.Every))
	if due && err == nil {
		due, err = s.Claim(ctx, s.Name, at)
	}
	if due && err == nil {
		l := event.Look{Scope: event.Everybody, Deep: s.Deep, Trigger: event.Trigger{Name: s.Name, Source: "studiokeeper.run", Time: at}}
		_, err = s.Invoke(ctx, l.Message())
	}
	if err != nil && ctx.Err() == nil {
		s.Log.ErrorContext(ctx, "no pass was asked for; that is made up for within an hour", "schedule", s.Name, "error", err.Error())
	}
}
