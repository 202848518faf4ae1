package cli

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"studiokeeper/internal/studio"
)

// cell is a value of a row as text: settings are JSON, numbers digits.
type cell struct {
	text string
	at   place
}

// draft is a row that nothing is known of but its cells, by column. A column that
// is not written has none.
type draft struct {
	at    place
	cells map[string]cell
}

// finish makes a row of the draft, or notes why it is none.
func (f *mappingFile) finish(d draft) {
	before := len(f.problems)
	e := entry{Group: f.group(d), Domain: f.required(d, "domain"), Role: f.required(d, "role"), Priority: studio.DefaultPriority}
	if c, ok := d.cells["priority"]; ok {
		e.Priority = f.priority(c)
	}
	if c, ok := d.cells["settings"]; ok {
		var err error
		if e.Settings, err = studio.ParseSettings([]byte(c.text)); err != nil {
			f.wrong(c.at, "%v", err)
		}
	}
	if c, ok := d.cells["note"]; ok {
		e.Note = c.text
		f.oneLine("note", c)
	}
	if len(f.problems) == before {
		f.rows = append(f.rows, fileRow{e, d.at})
	}
}

func (f *mappingFile) group(d draft) studio.GroupRef {
	named, byName := d.cells["group"]
	id, byID := d.cells["groupId"]
	switch {
	case byName && byID:
		f.wrong(id.at, "group is written too (keep groupId, which nobody can take over)")
	case byID:
		named = cell{"groupId:" + id.text, id.at}
		fallthrough
	case byName:
		ref, err := groupRef(named.text)
		if err != nil {
			f.wrong(named.at, "%v", err)
		}
		return ref
	default:
		f.wrong(d.at, "group is missing (a display name, or groupId:<id>)")
	}
	return studio.GroupRef{}
}

func (f *mappingFile) required(d draft, name string) string {
	c, ok := d.cells[name]
	switch {
	case !ok:
		f.wrong(d.at, "%s is missing", name)
	case strings.TrimSpace(c.text) == "":
		f.wrong(c.at, "%s is empty", name)
	default:
		f.oneLine(name, c)
	}
	return c.text
}

func (f *mappingFile) oneLine(name string, c cell) {
	if strings.ContainsFunc(c.text, unicode.IsControl) {
		f.wrong(c.at, "%s holds a line break or another control character (write it on one line)", name)
	}
}

func (f *mappingFile) priority(c cell) int {
	n, err := parsePriority(c.text)
	if err != nil {
		f.wrong(c.at, "%v", err)
	}
	return n
}

// parsePriority reads a whole number as the configuration takes it.
func parsePriority(s string) (int, error) {
	n, err := strconv.ParseInt(s, 10, 32)
	if err != nil || s != strconv.FormatInt(n, 10) {
		return 0, fmt.Errorf("priority: want a whole number in plain digits, of 32 bits, found %q", s)
	}
	return int(n), nil
}

// onlyOnce notes rows of the same group and domain.
func (f *mappingFile) onlyOnce() {
	first := map[rowKey]place{}
	for _, r := range f.rows {
		if at, twice := first[keyOf(r.entry)]; twice {
			f.wrong(r.at, "group %q in domain %q is written twice, first in line %d (keep one)", r.Group.Key(), r.Domain, at.line)
			continue
		}
		first[keyOf(r.entry)] = r.at
	}
}

// rowKey is the key of the mapping table.
type rowKey struct{ group, domain string }

func keyOf(e entry) rowKey { return rowKey{e.Group.Key(), e.Domain} }

// groupRef reads a group as the table's key spells it. The forms are the API's:
// about any other the identity store answers with an error.
// https://docs.aws.amazon.com/singlesignon/latest/IdentityStoreAPIReference/API_CreateGroup.html
func groupRef(key string) (studio.GroupRef, error) {
	ref := studio.ParseGroupRef(key)
	switch {
	case strings.HasPrefix(key, "groupId:") && !studio.IsID(ref.ID):
		return ref, fmt.Errorf("groupId: want a group's id, as Identity Center shows it, found %q", ref.ID)
	case strings.TrimSpace(key) == "":
		return ref, errors.New("group is empty (a display name, or groupId:<id>)")
	case utf8.RuneCountInString(ref.Name) > 1024 || strings.ContainsFunc(key, unicode.IsControl):
		return ref, errors.New("group: a display name has at most 1024 characters, and no control characters")
	}
	return ref, nil
}
