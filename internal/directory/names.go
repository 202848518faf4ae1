package directory

import (
	"fmt"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Limits of the identity store.
const (
	maxUserName = 128
	maxName     = 1024
)

// reserved names belong to AWS.
var reserved = []string{"administrator", "awsadministrators"}

// interim begins the names that users and groups have for a moment while others
// take theirs; their GUID follows.
const interim = "studiokeeper-"

// interimMail ends such e-mail addresses: nothing is ever delivered there.
const interimMail = "@studiokeeper.invalid"

// wanted is what a person should be like who is like now: the zero Person for one
// who is still to be made. What the account has not got stays as it is: nothing is
// ever cleared, and only a person who has no such name gets one that is made up
// of the others. Spellings that differ in upper and lower case only stay, too,
// where the identity store takes them for the same.
func wanted(a *Account, now Person) Person {
	p := now
	if !same(a.UserName, now.UserName) {
		p.UserName = a.UserName
	}
	if mail := clean(a.Email); mail != "" && !same(mail, now.Email) {
		p.Email = mail
	}
	made := names(a)
	p.DisplayName = choose(clean(a.DisplayName), now.DisplayName, made.DisplayName)
	p.GivenName = choose(clean(a.GivenName), now.GivenName, made.GivenName)
	p.FamilyName = choose(clean(a.FamilyName), now.FamilyName, made.FamilyName)
	return p
}

func choose(given, now, made string) string {
	switch {
	case given != "":
		return given
	case now != "":
		return now
	default:
		return made
	}
}

// names makes up the three names that the identity store asks for from those that
// the account has. A display name is made of the two others or, failing that, of
// the user name; the two others are what the display name has before and after
// its first space, or besides the one that is known; "-" when nothing is left.
func names(a *Account) Person {
	display, given, family := clean(a.DisplayName), clean(a.GivenName), clean(a.FamilyName)
	if display == "" {
		display = strings.TrimSpace(given + " " + family)
	}
	if display == "" {
		display, _, _ = strings.Cut(a.UserName, "@")
	}
	switch {
	case given == "" && family == "":
		given, family, _ = strings.Cut(display, " ")
	case given == "":
		given = besides(display, family)
	case family == "":
		family = besides(display, given)
	}
	return Person{DisplayName: orDash(display), GivenName: orDash(given), FamilyName: orDash(family)}
}

// besides is what a display name says before or after a name.
func besides(display, name string) string {
	rest, found := strings.CutSuffix(display, name)
	if !found {
		rest, found = strings.CutPrefix(display, name)
	}
	if !found {
		return ""
	}
	return strings.Trim(rest, " ,")
}

func orDash(name string) string {
	if name == "" {
		return "-"
	}
	return name
}

// clean leaves of a value what the identity store takes: spaces of any kind become
// one, and characters that cannot be seen go.
func clean(value string) string {
	if plain(value) {
		return value
	}
	value = strings.Join(strings.Fields(strings.Map(visible, value)), " ")
	if utf8.RuneCountInString(value) > maxName {
		value = strings.TrimSpace(string([]rune(value)[:maxName]))
	}
	return value
}

// plain is true of what is clean as it is, and quickly seen to be.
func plain(value string) bool {
	for i := range len(value) {
		if b := value[i]; b < '!' || b > '~' {
			atEnd := i == 0 || i == len(value)-1
			if b != ' ' || atEnd || value[i-1] == ' ' {
				return false
			}
		}
	}
	return len(value) <= maxName
}

func visible(r rune) rune {
	switch {
	case unicode.IsSpace(r):
		return ' '
	case unicode.IsPrint(r):
		return r
	default:
		return -1
	}
}

// wrongUserName says why the identity store takes no such user name, or "".
func wrongUserName(name string) string {
	switch {
	case strings.ContainsFunc(name, unicode.IsSpace):
		return "it has white space in it"
	case strings.ContainsFunc(name, func(r rune) bool { return visible(r) < 0 }):
		return "it has characters in it that cannot be seen"
	case utf8.RuneCountInString(name) > maxUserName:
		return fmt.Sprintf("it is longer than %d characters", maxUserName)
	default:
		return wrongForBoth(name)
	}
}

// wrongGroupName says why the identity store takes no such group name, or "".
func wrongGroupName(name string) string {
	switch {
	case clean(name) == "":
		return "there is nothing in it"
	case strings.ContainsFunc(name, func(r rune) bool { return visible(r) < 0 }):
		return "it has characters in it that cannot be seen"
	case utf8.RuneCountInString(name) > maxName:
		return fmt.Sprintf("it is longer than %d characters", maxName)
	default:
		return wrongForBoth(name)
	}
}

func wrongForBoth(name string) string {
	if slices.Contains(reserved, fold(name)) {
		return "AWS keeps it for itself"
	}
	return ""
}
