package studio

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
)

// SettingProblem is one thing in settings that CreateUserProfile would refuse
// or, worse, overlook.
type SettingProblem struct {
	Path string // JupyterLabAppSettings.CustomImages[0].ImageName
	Text string // what is wrong, and in parentheses what was meant
}

// String is the problem on one line.
func (p SettingProblem) String() string { return p.Path + ": " + p.Text }

// CheckSettings tells what in s is not as CreateUserProfile's UserSettings
// wants it, sorted by path; nil when all is well. s need not be canonical. The
// schema is the pinned SDK's: what AWS added later is refused, because
// SageMaker answers a misspelled field with silence.
// https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_UserSettings.html
func CheckSettings(s Settings) []SettingProblem {
	if s == "" {
		return nil
	}
	c := &settingsChecker{settingsSchema: loadSettingsSchema()}
	c.value("", userSettingsShape, s.object())
	slices.SortFunc(c.problems, func(a, b SettingProblem) int {
		return cmp.Or(cmp.Compare(a.Path, b.Path), cmp.Compare(a.Text, b.Text))
	})
	return c.problems
}

// SettingRole is the ARN of a role within settings.
type SettingRole struct {
	Path string
	ARN  string // without space around it
}

// Roles lists, sorted by path, every string in the settings that looks like
// the ARN of an IAM role, whatever its field: Canvas, EMR and others take
// roles, and each must be one that may be given.
func (s Settings) Roles() []SettingRole {
	var roles []SettingRole
	if strings.Contains(string(s), ":iam::") {
		findRoles("", s.object(), &roles)
	}
	slices.SortFunc(roles, func(a, b SettingRole) int {
		return cmp.Or(cmp.Compare(a.Path, b.Path), cmp.Compare(a.ARN, b.ARN))
	})
	return roles
}

func findRoles(path string, v any, out *[]SettingRole) {
	switch v := v.(type) {
	case map[string]any:
		for key, item := range v {
			findRoles(join(path, key), item, out)
		}
	case []any:
		for i, item := range v {
			findRoles(element(path, i), item, out)
		}
	case string:
		if strings.Contains(v, ":iam::") && strings.Contains(v, ":role/") {
			*out = append(*out, SettingRole{path, strings.TrimSpace(v)})
		}
	}
}

// settingsChecker holds values to their shapes and collects what does not fit.
type settingsChecker struct {
	*settingsSchema
	problems []SettingProblem
}

func (c *settingsChecker) wrong(path, format string, args ...any) {
	c.problems = append(c.problems, SettingProblem{path, fmt.Sprintf(format, args...)})
}

func (c *settingsChecker) value(path, name string, v any) {
	switch s := c.Shapes[name]; s.Type {
	case structureShape, unionShape:
		c.object(path, name, v)
	case listShape:
		c.list(path, s.Of, v)
	case enumShape:
		c.enum(path, name, v)
	case stringShape:
		c.text(path, name, v)
	case integerShape:
		c.integer(path, name, v, 32)
	case longShape:
		c.integer(path, name, v, 64)
	}
}

func (c *settingsChecker) object(path, name string, v any) {
	object, ok := v.(map[string]any)
	if !ok {
		c.wrong(path, "want an object, found %s", found(v))
		return
	}
	s := c.Shapes[name]
	known := make([]string, 0, len(object))
	for key, item := range object {
		if member, ok := s.Members[key]; ok {
			known = append(known, key)
			c.value(join(path, key), member, item)
			continue
		}
		c.unknown(join(path, key), name, key)
	}
	switch {
	case s.Type != unionShape:
		c.required(path, name, object)
	case len(known) != 1 && len(known) == len(object):
		c.oneMember(path, name, known)
	}
}

// unknown notes a field that the shape does not have. SageMaker ignores such
// fields, so a slip would go unnoticed.
func (c *settingsChecker) unknown(path, name, key string) {
	if path == "ExecutionRole" {
		c.wrong(path, "the row's role gives it (leave it out here)")
		return
	}
	fields := slices.Sorted(maps.Keys(c.Shapes[name].Members))
	meant := Nearest(key, fields)
	switch {
	case strings.EqualFold(key, meant) && meant != "":
		c.wrong(path, "%s has no such field (write %s)", name, meant)
	case meant != "":
		c.wrong(path, "%s has no such field (did you mean %s?)", name, meant)
	case len(fields) <= fewWords:
		c.wrong(path, "%s has no such field in %s, whose schema this version goes by (known: %s)", name, c.SDK, strings.Join(fields, ", "))
	default:
		c.wrong(path, "%s has no such field in %s, whose schema this version goes by", name, c.SDK)
	}
}

// fewWords is how many names are listed in full.
const fewWords = 8

func (c *settingsChecker) required(path, name string, object map[string]any) {
	for _, key := range c.Shapes[name].Required {
		if _, ok := object[key]; !ok {
			c.wrong(path, "%s is missing, which %s requires", key, name)
		}
	}
}

func (c *settingsChecker) oneMember(path, name string, known []string) {
	slices.Sort(known)
	have := "none"
	if len(known) > 0 {
		have = strings.Join(known, " and ")
	}
	members := slices.Sorted(maps.Keys(c.Shapes[name].Members))
	c.wrong(path, "%s wants exactly one of %s, found %s", name, strings.Join(members, ", "), have)
}

func (c *settingsChecker) list(path, of string, v any) {
	items, ok := v.([]any)
	if !ok {
		c.wrong(path, "want a list, found %s", found(v))
		return
	}
	for i, item := range items {
		c.value(element(path, i), of, item)
	}
}

func (c *settingsChecker) enum(path, name string, v any) {
	values := c.Shapes[name].Values
	text, ok := v.(string)
	if ok && slices.Contains(values, text) {
		return
	}
	hint, what := "", found(v)
	if ok {
		what = fmt.Sprintf("%.60q", text)
		if meant := Nearest(text, values); meant != "" {
			hint = " (did you mean " + meant + "?)"
		}
	}
	if len(values) <= fewWords {
		c.wrong(path, "want one of %s, found %s%s", strings.Join(values, ", "), what, hint)
		return
	}
	c.wrong(path, "want one of the %d values that %s has for %s, found %s%s", len(values), c.SDK, name, what, hint)
}

func (c *settingsChecker) text(path, name string, v any) {
	text, ok := v.(string)
	if !ok {
		hint := ""
		if _, number := v.(json.Number); number {
			hint = " (put it in quotes)"
		}
		c.wrong(path, "want a string, found %s%s", found(v), hint)
		return
	}
	if name != roleShape {
		return
	}
	if _, err := ParseRole(text); err != nil {
		c.wrong(path, "%v", err)
	}
}

func (c *settingsChecker) integer(path, name string, v any, bits int) {
	number, ok := v.(json.Number)
	if !ok {
		c.wrong(path, "want an integer, found %s", found(v))
		return
	}
	n, err := strconv.ParseInt(number.String(), 10, bits)
	low, high, limited := settingRange(name)
	switch {
	case errors.Is(err, strconv.ErrRange):
		c.wrong(path, "want an integer of %d bits, found %.60s", bits, number)
	case err != nil:
		c.wrong(path, "want an integer in plain digits, found %.60s", number)
	case limited && (n < low || n > high):
		c.wrong(path, "want an integer from %d to %d, found %d", low, high, n)
	}
}

// found is what a JSON value is, for people.
func found(v any) string {
	switch v := v.(type) {
	case map[string]any:
		return "an object"
	case []any:
		return "a list"
	case string:
		return "a string"
	case json.Number:
		return fmt.Sprintf("the number %.60s", v)
	case bool:
		return strconv.FormatBool(v)
	}
	return "nothing"
}

func element(path string, i int) string { return fmt.Sprintf("%s[%d]", path, i) }
