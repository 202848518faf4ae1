package localad

import (
	"errors"
	"fmt"
	"math/big"
	"strconv"
	"strings"

	ber "github.com/go-asn1-ber/asn1-ber"
)

// filter tells whether an object is asked for.
type filter func(*object) bool

// The kinds of filter, and of parts of a substring filter, by their tags.
const (
	andFilter = iota
	orFilter
	notFilter
	equalFilter
	substringFilter
	greaterFilter
	lessFilter
	presentFilter
	approxFilter
	ruleFilter
)

// bitAnd is the matching rule that asks for set bits.
const bitAnd = "1.2.840.113556.1.4.803"

// compile reads a filter.
func (d *Domain) compile(p *ber.Packet) (filter, error) {
	switch p.Tag {
	case andFilter, orFilter, notFilter:
		return d.combined(p)
	case presentFilter:
		name := string(octets(p))
		return func(o *object) bool { return len(d.compared(o, name)) > 0 }, nil
	case substringFilter:
		return d.substrings(p)
	case ruleFilter:
		return d.bits(p)
	}
	if len(p.Children) != 2 {
		return nil, errors.New("a comparison in the filter has not two parts")
	}
	name, want := string(octets(p.Children[0])), string(octets(p.Children[1]))
	switch p.Tag {
	case equalFilter, approxFilter:
		return d.equal(name, want), nil
	case greaterFilter:
		return d.ordered(name, want, 1), nil
	case lessFilter:
		return d.ordered(name, want, -1), nil
	}
	return nil, fmt.Errorf("the filter has a part of the unknown kind %d", p.Tag)
}

func (d *Domain) combined(p *ber.Packet) (filter, error) {
	var parts []filter
	for _, c := range p.Children {
		f, err := d.compile(c)
		if err != nil {
			return nil, err
		}
		parts = append(parts, f)
	}
	if p.Tag == notFilter {
		if len(parts) != 1 {
			return nil, errors.New("a negation in the filter has not one part")
		}
		return func(o *object) bool { return !parts[0](o) }, nil
	}
	decides := p.Tag == orFilter // the first part that says so
	return func(o *object) bool {
		for _, f := range parts {
			if f(o) == decides {
				return decides
			}
		}
		return !decides
	}, nil
}

// compared are an attribute's values as filters compare them: the category by
// its short name.
func (d *Domain) compared(o *object, name string) []string {
	if strings.EqualFold(name, "objectCategory") {
		return []string{o.class.category}
	}
	return o.attribute(name, (*object).dn).values
}

func (d *Domain) equal(name, want string) filter {
	return func(o *object) bool {
		for _, got := range d.compared(o, name) {
			if strings.EqualFold(got, want) {
				return true
			}
		}
		return false
	}
}

// ordered compares numbers; sign is 1 for at least, -1 for at most.
func (d *Domain) ordered(name, want string, sign int) filter {
	limit, ok := new(big.Int).SetString(want, 10)
	return func(o *object) bool {
		for _, got := range d.compared(o, name) {
			n, isNumber := new(big.Int).SetString(got, 10)
			if ok && isNumber && n.Cmp(limit)*sign >= 0 {
				return true
			}
		}
		return false
	}
}

// substrings compares beginnings, middles and ends.
func (d *Domain) substrings(p *ber.Packet) (filter, error) {
	if len(p.Children) != 2 {
		return nil, errors.New("a substring in the filter has not two parts")
	}
	name, parts := string(octets(p.Children[0])), p.Children[1].Children
	return func(o *object) bool {
		for _, got := range d.compared(o, name) {
			if holds(strings.ToLower(got), parts) {
				return true
			}
		}
		return false
	}, nil
}

func holds(text string, parts []*ber.Packet) bool {
	const initial, final = 0, 2
	for _, p := range parts {
		part := strings.ToLower(string(octets(p)))
		at := strings.Index(text, part)
		if p.Tag == final {
			at = len(text) - len(part)
		}
		if at < 0 || p.Tag == initial && at > 0 || !strings.HasPrefix(text[at:], part) {
			return false
		}
		text = text[at+len(part):]
	}
	return true
}

// bits is the matching rule for set bits, the only one that is known.
func (d *Domain) bits(p *ber.Packet) (filter, error) {
	var rule, name, value string
	for _, c := range p.Children {
		switch c.Tag {
		case 1:
			rule = string(octets(c))
		case 2:
			name = string(octets(c))
		case 3:
			value = string(octets(c))
		}
	}
	want, err := strconv.ParseInt(value, 10, 64)
	if rule != bitAnd || err != nil {
		return nil, fmt.Errorf("the filter has the unknown matching rule %q, or %q is no number", rule, value)
	}
	return func(o *object) bool {
		for _, got := range d.compared(o, name) {
			if n, err := strconv.ParseInt(got, 10, 64); err == nil && n&want == want {
				return true
			}
		}
		return false
	}, nil
}
