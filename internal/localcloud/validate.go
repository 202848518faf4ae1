package localcloud

import (
	"fmt"
	"net/http"
	"reflect"
	"regexp"
	"strings"
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
		if names[i] == value {
			return
		}
	}
	c.violate("Value '%s' at '%s' failed to satisfy constraint: Member must satisfy enum value set: [%s]",
		value, path, strings.Join(names, ", "))
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
func (c *constraints) pattern(path string, value *string, anchored *regexp.Regexp) {
	if value != nil && !anchored.MatchString(*value) {
		c.violate("Value '%s' at '%s' failed to satisfy constraint: Member must satisfy regular expression pattern: %s",
			*value, path, strings.TrimSuffix(strings.TrimPrefix(anchored.String(), `\A(?:`), `)\z`))
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

// whole compiles a model's pattern so that it must match the whole value.
func whole(pattern string) *regexp.Regexp { return regexp.MustCompile(`\A(?:` + pattern + `)\z`) }
