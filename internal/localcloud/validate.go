package localcloud

import (
	"fmt"
	"net/http"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"sync"
	"unicode/utf8"
)

// constraints collects what AWS's front end finds wrong with a request, to report all of it at once.
type constraints struct {
	broken []string
}

func (c *constraints) violate(format string, args ...any) {
	c.broken = append(c.broken, fmt.Sprintf(format, args...))
}

// verdict is a ValidationException naming everything that was found, or nil.
func (c *constraints) verdict() error {
	switch n := len(c.broken); n {
	case 0:
		return nil
	case 1:
		return validation("1 validation error detected: %s", c.broken[0])
	default:
		return validation("%d validation errors detected: %s", n, strings.Join(c.broken, "; "))
	}
}

func validation(format string, args ...any) *apiError {
	return errf(http.StatusBadRequest, "ValidationException", format, args...)
}

// enumeration checks a value whose type lists its values, as the SDK's enumerations do.
func (c *constraints) enumeration(to reflect.Value, value, path string) {
	method := to.MethodByName("Values")
	if !method.IsValid() || method.Type().NumIn() != 0 || method.Type().NumOut() != 1 {
		return
	}
	known := method.Call(nil)[0]
	names := make([]string, known.Len())
	for i := range names {
		names[i] = known.Index(i).String()
	}
	c.oneOf(path, &value, names...)
}

// oneOf checks a string that is present against the values that it may have.
func (c *constraints) oneOf(path string, value *string, known ...string) {
	if value != nil && !slices.Contains(known, *value) {
		c.violate("Value '%s' at '%s' failed to satisfy constraint: Member must satisfy enum value set: [%s]",
			*value, path, strings.Join(known, ", "))
	}
}

// length checks a string that is present; the limits count characters and include both ends.
func (c *constraints) length(path string, value *string, shortest, longest int) {
	if value == nil {
		return
	}
	n := utf8.RuneCountInString(*value)
	if n < shortest {
		c.violate("Value at '%s' failed to satisfy constraint: Member must have length greater than or equal to %d", path, shortest)
	}
	if n > longest {
		c.violate("Value at '%s' failed to satisfy constraint: Member must have length less than or equal to %d", path, longest)
	}
}

// pattern checks a string that is present against the model's own pattern, which must match all of it.
func (c *constraints) pattern(path string, value *string, p *wholePattern) {
	if value != nil && !p.MatchString(*value) {
		c.violate("Value '%s' at '%s' failed to satisfy constraint: Member must satisfy regular expression pattern: %s",
			*value, path, p)
	}
}

// between checks a number that is present.
func (c *constraints) between(path string, value *int32, least, most int32) {
	if value == nil {
		return
	}
	if *value < least {
		c.violate("Value '%d' at '%s' failed to satisfy constraint: Member must have value greater than or equal to %d", *value, path, least)
	}
	if *value > most {
		c.violate("Value '%d' at '%s' failed to satisfy constraint: Member must have value less than or equal to %d", *value, path, most)
	}
}

// size checks how many elements a list has.
func (c *constraints) size(path string, n, least, most int) {
	if n < least {
		c.violate("Value at '%s' failed to satisfy constraint: Member must have length greater than or equal to %d", path, least)
	}
	if n > most {
		c.violate("Value at '%s' failed to satisfy constraint: Member must have length less than or equal to %d", path, most)
	}
}

// wholePattern is a model's pattern that must match the whole value. It is compiled at its first use: a
// program that links the cloud starts no slower for patterns it does not need.
type wholePattern struct {
	text     string
	compiled func() *regexp.Regexp
}

func whole(pattern string) *wholePattern {
	return &wholePattern{text: pattern, compiled: sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`\A(?:` + pattern + `)\z`) })}
}

// MatchString reports whether the pattern matches all of s.
func (p *wholePattern) MatchString(s string) bool { return p.compiled().MatchString(s) }

// FindStringSubmatch gives the parts of s that the pattern names.
func (p *wholePattern) FindStringSubmatch(s string) []string {
	return p.compiled().FindStringSubmatch(s)
}

// String is the pattern as the model has it.
func (p *wholePattern) String() string { return p.text }
