package localcloud

import (
	"encoding/json"
	"regexp"
	"slices"
	"strings"
	"sync"
)

// scimTerm is one comparison of a filter.
type scimTerm struct {
	attribute, value string
}

// scimComparison is <attribute> eq "<value>" at the start of a filter.
var scimComparison = sync.OnceValue(func() *regexp.Regexp {
	return regexp.MustCompile(`^\s*([A-Za-z$][A-Za-z0-9$._:-]*)\s+(?i:eq)\s+("(?:[^"\\]|\\.)*")\s*`)
})

// scimFilter reads comparisons with eq, joined by and: Identity Center knows no others.
func scimFilter(filter string) ([]scimTerm, error) {
	var terms []scimTerm
	for rest := filter; ; {
		found := scimComparison().FindStringSubmatch(rest)
		if found == nil {
			return nil, validation("Invalid Filter format")
		}
		var value string
		if err := json.Unmarshal([]byte(found[2]), &value); err != nil {
			return nil, validation("Invalid Filter format")
		}
		terms = append(terms, scimTerm{attribute: spelled(found[1]), value: value})
		rest = rest[len(found[0]):]
		if rest == "" {
			return terms, nil
		}
		if len(rest) < 4 || !strings.EqualFold(rest[:4], "and ") {
			return nil, validation("Invalid Filter format")
		}
		rest = rest[4:]
	}
}

// scimFilterOf reads a list's filter, whose attributes must be one of the combinations that the list takes; nil
// when there is none.
func scimFilterOf(in *scimRequest, combinations ...[]string) (map[string]string, error) {
	if !in.query.Has("filter") {
		return nil, nil
	}
	terms, err := scimFilter(in.query.Get("filter"))
	if err != nil {
		return nil, err
	}
	values := map[string]string{}
	for _, t := range terms {
		if t.attribute == "member" || t.attribute == "members.value" {
			t.attribute = "members"
		}
		values[t.attribute] = t.value
	}
	names := sortedKeys(values)
	if len(names) != len(terms) || !slices.ContainsFunc(combinations, func(c []string) bool { return slices.Equal(c, names) }) {
		return nil, validation("Unsupported filter combination: %s", strings.Join(names, " and "))
	}
	return values, nil
}
