package localcloud

import (
	"regexp"
	"strings"
	"unicode"
)

// Wildcards of a pattern, as code points that no text has: what a policy variable stands for is compared
// literally, whatever characters it holds.
const (
	anyText = '\uFFFE'
	anyRune = '\uFFFF'
)

// textPattern is a text of a policy that has wildcards, policy variables, or neither.
type textPattern struct {
	raw   string
	runes []rune // nil: it has variables, so that every request makes its own
	wild  bool   // * and ? are wildcards
	fold  bool   // upper and lower case are the same
}

var variablePattern = regexp.MustCompile(`\$\{([^}]*)\}`)

func newTextPattern(raw string, wild, fold, variables bool) textPattern {
	p := textPattern{raw: raw, wild: wild, fold: fold}
	if !variables || !strings.Contains(raw, "${") {
		p.runes = p.literal(raw)
	}
	return p
}

// literal is a part of the pattern in which no variable stands.
func (p *textPattern) literal(part string) []rune {
	runes := []rune(part)
	for i, r := range runes {
		switch {
		case p.wild && r == '*':
			runes[i] = anyText
		case p.wild && r == '?':
			runes[i] = anyRune
		case p.fold:
			runes[i] = unicode.ToLower(r)
		}
	}
	return runes
}

// matches reports whether the pattern, its variables filled from the request, is about a text.
func (p *textPattern) matches(text string, keys contextKeys) bool {
	return p.matchesRunes(p.textRunes(text), keys)
}

// textRunes is a text as patterns of this kind see it.
func (p *textPattern) textRunes(text string) []rune {
	if p.fold {
		text = strings.ToLower(text)
	}
	return []rune(text)
}

func (p *textPattern) matchesRunes(text []rune, keys contextKeys) bool {
	runes, ok := p.expanded(keys)
	return ok && glob(runes, text)
}

// expanded fills in the variables; ok is false when the request lacks one that has no default.
func (p *textPattern) expanded(keys contextKeys) (runes []rune, ok bool) {
	if p.runes != nil || p.raw == "" {
		return p.runes, true
	}
	at := 0
	for _, m := range variablePattern.FindAllStringSubmatchIndex(p.raw, -1) {
		runes = append(runes, p.literal(p.raw[at:m[0]])...)
		value, known := keys.variable(p.raw[m[2]:m[3]])
		if !known {
			return nil, false
		}
		if p.fold {
			value = strings.ToLower(value)
		}
		runes, at = append(runes, []rune(value)...), m[1]
	}
	return append(runes, p.literal(p.raw[at:])...), true
}

// variable is what ${name} or ${name, 'default'} stands for.
func (k contextKeys) variable(name string) (string, bool) {
	if name == "*" || name == "?" || name == "$" {
		return name, true
	}
	key, fallback, has := strings.Cut(name, ",")
	if values := k[strings.ToLower(strings.TrimSpace(key))]; len(values) == 1 {
		return values[0], true
	}
	return strings.Trim(strings.TrimSpace(fallback), "'"), has
}

// glob matches a text against a pattern in one pass, going back to the last wildcard only.
func glob(pattern, text []rune) bool {
	p, t := 0, 0
	star, mark := -1, 0
	for t < len(text) {
		switch {
		case p < len(pattern) && pattern[p] == anyText:
			star, mark = p, t
			p++
		case p < len(pattern) && (pattern[p] == anyRune || pattern[p] == text[t]):
			p++
			t++
		case star >= 0:
			mark++
			p, t = star+1, mark
		default:
			return false
		}
	}
	for p < len(pattern) && pattern[p] == anyText {
		p++
	}
	return p == len(pattern)
}
