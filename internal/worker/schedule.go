package worker

import (
	"context"
	"log/slog"
	"time"

	"studiokeeper/internal/event"
)

// Schedule asks for passes. Its ticks lie at whole multiples of Every in UTC, so
// that those of several workers fall together and become one look.
type Schedule struct {
	Name  string // of what triggered the pass, for journal and log
	Every time.Duration
	Deep  bool
	// AtStart asks for a pass at the start too, if Due says so.
	AtStart bool
	// Due tells whether a pass is wanted that nobody made since a time; nil: always.
	Due func(ctx context.Context, since time.Time) (bool, error)
	// Invoke is the function's handler.
	Invoke func(ctx context.Context, payload []byte) ([]byte, error)
	Now    func() time.Time
	Log    *slog.Logger
}

// Run keeps the schedule until ctx ends.
func (s *Schedule) Run(ctx context.Context) {
	if s.AtStart {
		s.tick(ctx, s.Now().Truncate(s.Every))
	}
	for {
		next := s.Now().Truncate(s.Every).Add(s.Every)
		if !sleep(ctx, next.Sub(s.Now())) {
			return
		}
		s.tick(ctx, next)
	}
}

// tick asks for one pass. What fails is asked again at the next tick.
func (s *Schedule) tick(ctx context.Context, at time.Time) {
	due := true
	var err error
	if s.Due != nil {
		due, err = s.Due(ctx, at)
	}
	if due && err == nil {
		l := event.Look{Scope: event.Everybody, Deep: s.Deep, Trigger: event.Trigger{Name: s.Name, Source: "studiokeeper.run", Time: at}}
		_, err = s.Invoke(ctx, l.Message())
	}
	if err != nil && ctx.Err() == nil {
		s.Log.ErrorContext(ctx, "no pass was asked for; the next tick asks again", "schedule", s.Name, "error", err.Error())
	}
}
