package config

import (
	"context"
	"log/slog"
	"regexp"
	"slices"
	"strings"
	"sync/atomic"
	"unicode"
	"unicode/utf8"
)

// Discreet keeps people's names out of a log: log.names is id. It is so until the
// configuration, which may say otherwise, was read.
type Discreet struct {
	slog.Handler
	Named *atomic.Bool // people, in the log
}

// names is the attribute with all that the people of a line are called. It is
// never written: it says what is to be masked.
const names = "names"

// personal are the attributes that name a person.
var personal = []string{"profile", "userName", "email", "displayName", names}

// facts are the attributes that name nobody, whatever their values look like.
var facts = []string{"user", "domain", "domainId", "group", "outcome", "digest"}

// masks are the forms in which errors name people that no line's names know of:
// our adapters' words, AWS's own, the sessions of whoever called, profile names
// that end in our hash of the user, addresses, and objects of Active Directory.
var masks = []maskForm{
	{`"`, lazily(`(?i)(\b(?:profile|user|username|space)s? (?:named )?\\?")[^"\\]+(\\?")`)},
	{"/d-", lazily(`((?:user-profile|space|app)/d-[a-z0-9]+/)[^\s"',\]]+()`)},
	{" [", lazily(`(?i)(\b(?:SingleSignOnUserValue|UserProfileName|SpaceName|UserName) \[)[^\]]+(\])`)},
	{"Value '", lazily(`(\bValue ')[^']+(' at ')`)},
	{"[d-", lazily(`(\[d-[a-z0-9]+/)[^\]]+(\])`)},
	{":assumed-role/", lazily(`(:assumed-role/[^/\s"]+/)[^\s"',;\]]+()`)},
	{":user/", lazily(`(:iam::\d{12}:user/)[^\s"',;\]]+()`)},
	{"-", lazily(`()\b[A-Za-z0-9](?:-*[A-Za-z0-9])*-[a-z2-7]{10}\b()`)},
	{"=", lazily(`(?i)(\bCN=)(?:\\.|[^,\\"])+()`)},
	{"@", lazily(`()[^\s"'<>\[\]/=,;:]+@[^\s"'<>\[\]/=,;:]+()`)},
}

// maskForm is a pattern, and a part that no text of that form lacks.
type maskForm struct {
	part    string
	pattern func() *regexp.Regexp
}

// mask takes names out of a text: those that are known, longest first, and what
// has the form of one.
func mask(text string, known []string) string {
	for _, name := range known {
		text = maskWord(text, name)
	}
	for _, m := range masks {
		if strings.Contains(text, m.part) {
			text = m.pattern().ReplaceAllString(text, "${1}…${2}")
		}
	}
	return text
}

// maskWord replaces a name where it stands by itself, and no part of a longer word.
func maskWord(text, name string) string {
	var out strings.Builder
	for {
		before, after, found := strings.Cut(text, name)
		if !found {
			out.WriteString(text)
			return out.String()
		}
		left, _ := utf8.DecodeLastRuneInString(before)
		right, _ := utf8.DecodeRuneInString(after)
		out.WriteString(before)
		if inWord(left) || inWord(right) {
			out.WriteString(name)
		} else {
			out.WriteString("…")
		}
		text = after
	}
}

func inWord(r rune) bool { return unicode.IsLetter(r) || unicode.IsDigit(r) }

// Handle implements slog.Handler.
func (d Discreet) Handle(ctx context.Context, r slog.Record) error {
	show := d.Named.Load()
	known := knownIn(r)
	clean := slog.NewRecord(r.Time, r.Level, r.Message, r.PC)
	if !show {
		clean.Message = mask(r.Message, known)
	}
	r.Attrs(func(a slog.Attr) bool {
		switch {
		case !show:
			clean.AddAttrs(discreetly(a, known)...)
		case a.Key != names:
			clean.AddAttrs(a)
		}
		return true
	})
	return d.Handler.Handle(ctx, clean)
}

// knownIn gives the names that a line brings along, the longest first: one may
// be a part of another.
func knownIn(r slog.Record) []string {
	var known []string
	r.Attrs(func(a slog.Attr) bool {
		if !slices.Contains(personal, a.Key) {
			return true
		}
		if list, ok := a.Value.Any().([]string); ok {
			known = append(known, list...)
		} else {
			known = append(known, a.Value.String())
		}
		return true
	})
	known = slices.DeleteFunc(known, func(name string) bool { return name == "" })
	slices.SortFunc(known, func(a, b string) int { return len(b) - len(a) })
	return known
}

// discreetly gives an attribute without names; none for one that is a name.
func discreetly(a slog.Attr, known []string) []slog.Attr {
	switch v := a.Value.Resolve(); {
	case slices.Contains(personal, a.Key):
		return nil
	case slices.Contains(facts, a.Key):
		return []slog.Attr{a}
	case v.Kind() == slog.KindString:
		return []slog.Attr{slog.String(a.Key, mask(v.String(), known))}
	case v.Kind() == slog.KindAny:
		if err, ok := v.Any().(error); ok {
			return []slog.Attr{slog.String(a.Key, mask(err.Error(), known))}
		}
	}
	return []slog.Attr{a}
}

// WithAttrs implements slog.Handler.
func (d Discreet) WithAttrs(attrs []slog.Attr) slog.Handler {
	return Discreet{d.Handler.WithAttrs(attrs), d.Named}
}

// WithGroup implements slog.Handler.
func (d Discreet) WithGroup(name string) slog.Handler {
	return Discreet{d.Handler.WithGroup(name), d.Named}
}
