package app

import (
	"context"
	"log/slog"
	"regexp"
	"slices"
	"sync/atomic"
)

// discreet keeps people's names out of the log: log.names is id. It is so until
// the configuration, which may say otherwise, was read.
type discreet struct {
	slog.Handler
	named *atomic.Bool
}

// personal are the attributes that name a person.
var personal = []string{"profile", "userName", "email", "displayName"}

// masks are the forms in which errors and reasons name people: our adapters'
// words, AWS's own, profile names that end in our hash of the user, and addresses.
var masks = []*regexp.Regexp{
	regexp.MustCompile(`(?i)(\b(?:profile|user|username|space)s? (?:named )?\\?")[^"\\]+(\\?")`),
	regexp.MustCompile(`((?:user-profile|space|app)/d-[a-z0-9]+/)[^\s"',\]]+()`),
	regexp.MustCompile(`(\[d-[a-z0-9]+/)[^\]]+(\])`),
	regexp.MustCompile(`(\bprofile )[A-Za-z0-9-]*-[a-z2-7]{10}\b()`),
	regexp.MustCompile(`()\b[A-Za-z0-9](?:-*[A-Za-z0-9])*-[a-z2-7]{10}\b()`),
	regexp.MustCompile(`()[^\s"'<>\[\]/=,;:]+@[^\s"'<>\[\]/=,;:]+()`),
}

func mask(text string) string {
	for _, m := range masks {
		text = m.ReplaceAllString(text, "${1}…${2}")
	}
	return text
}

// Handle implements slog.Handler.
func (d discreet) Handle(ctx context.Context, r slog.Record) error {
	if d.named.Load() {
		return d.Handler.Handle(ctx, r)
	}
	clean := slog.NewRecord(r.Time, r.Level, mask(r.Message), r.PC)
	r.Attrs(func(a slog.Attr) bool {
		clean.AddAttrs(discreetly(a)...)
		return true
	})
	return d.Handler.Handle(ctx, clean)
}

// discreetly gives an attribute without names; none for one that is a name.
func discreetly(a slog.Attr) []slog.Attr {
	switch v := a.Value.Resolve(); {
	case slices.Contains(personal, a.Key):
		return nil
	case v.Kind() == slog.KindString:
		return []slog.Attr{slog.String(a.Key, mask(v.String()))}
	case v.Kind() == slog.KindAny:
		if err, ok := v.Any().(error); ok {
			return []slog.Attr{slog.String(a.Key, mask(err.Error()))}
		}
	}
	return []slog.Attr{a}
}

// WithAttrs implements slog.Handler.
func (d discreet) WithAttrs(attrs []slog.Attr) slog.Handler {
	return discreet{d.Handler.WithAttrs(attrs), d.named}
}

// WithGroup implements slog.Handler.
func (d discreet) WithGroup(name string) slog.Handler {
	return discreet{d.Handler.WithGroup(name), d.named}
}
