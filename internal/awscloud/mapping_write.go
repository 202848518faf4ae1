package awscloud

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"studiokeeper/internal/studio"
)

// Limits of DynamoDB: actions in one transaction, and bytes of the two keys.
// https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Constraints.html
const (
	maxChanges    = 100
	longestGroup  = 2048
	longestDomain = 1024
)

// Change is one change to the mapping table.
type Change struct {
	// Was is the entry that Entries read; nil means that there must be none.
	Was *Stored
	// Is is what shall stand there instead, in the same group and domain as Was; nil deletes.
	Is *Entry
}

// Put writes e in place of what was read; was nil means that there must be no such row yet. ErrChanged when
// it is not so any more.
func (m *Mapping) Put(ctx context.Context, e Entry, was *Stored) error {
	return m.Replace(ctx, Change{Was: was, Is: &e})
}

// Delete removes what was read. ErrChanged when it is not so any more.
func (m *Mapping) Delete(ctx context.Context, was Stored) error {
	return m.Replace(ctx, Change{Was: &was})
}

// Replace makes all changes or none, 100 at most. ErrChanged, naming the rows, when any is no longer what
// was read. A call whose answer was lost is recognised by DynamoDB when it is repeated.
func (m *Mapping) Replace(ctx context.Context, changes ...Change) error {
	if len(changes) == 0 {
		return nil
	}
	r := m.request("TransactWriteItems")
	if len(changes) > maxChanges {
		return r.failed(fmt.Errorf("%d changes at once; DynamoDB makes at most %d all or nothing: split them", len(changes), maxChanges), nil)
	}
	in := &dynamodb.TransactWriteItemsInput{}
	rows := map[string]bool{}
	for _, c := range changes {
		if problem := c.problem(); problem != "" {
			return r.failed(fmt.Errorf("%s: %s", c.row(), problem), nil)
		}
		if rows[c.row()] {
			return r.failed(fmt.Errorf("%s is to be changed twice at once", c.row()), nil)
		}
		rows[c.row()] = true
		in.TransactItems = append(in.TransactItems, m.write(c))
	}
	if _, err := m.Session.dynamodbAt(m.At).TransactWriteItems(ctx, in); err != nil {
		return m.refused(r, err, changes)
	}
	return nil
}

// refused names the rows that a cancelled transaction was cancelled for.
func (m *Mapping) refused(r request, err error, changes []Change) error {
	changed, at, other := cancelled(err, len(changes))
	switch {
	case other != nil:
		r.on += ", " + changes[at].row()
		return r.failed(other, nil)
	case len(changed) == 0:
		return r.failed(err, nil)
	}
	rows := make([]string, len(changed))
	for n, change := range changed {
		rows[n] = changes[change].row()
	}
	return r.failed(fmt.Errorf("nothing was written, because of %s: %w", strings.Join(rows, "; "), ErrChanged), nil)
}

func (c Change) key() (group, domain string) {
	if c.Is != nil {
		return c.Is.Group.Key(), c.Is.Domain
	}
	return c.Was.Group.Key(), c.Was.Domain
}

// row names the row for people.
func (c Change) row() string {
	if c.Was == nil && c.Is == nil {
		return "a change of nothing"
	}
	group, domain := c.key()
	return fmt.Sprintf("group %q, domain %q", group, domain)
}

// problem says what DynamoDB or a later reader would not make sense of.
func (c Change) problem() string {
	if c.Is == nil && c.Was == nil {
		return "there is nothing to change"
	}
	group, domain := c.key()
	switch {
	case group == "" || domain == "":
		return "group and domain must not be empty"
	case len(group) > longestGroup:
		return fmt.Sprintf("a group is written in %d bytes at most; write this one as groupId:<id>", longestGroup)
	case len(domain) > longestDomain:
		return fmt.Sprintf("the name of a domain has %d bytes at most", longestDomain)
	case c.Is == nil:
		return ""
	case c.Is.Role == "":
		return "role must not be empty"
	case c.Is.Priority == studio.UnknownPriority:
		return "its priority could not be read; give it one"
	case c.Is.Group.ID == "" && studio.ParseGroupRef(group) != c.Is.Group:
		return "this display name would be read as an id; write the group as groupId:<id>"
	case c.Was != nil && (c.Was.Group.Key() != group || c.Was.Domain != domain):
		return fmt.Sprintf("group %q, domain %q cannot become another row; delete the one and add the other", c.Was.Group.Key(), c.Was.Domain)
	}
	return ""
}

func (m *Mapping) write(c Change) types.TransactWriteItem {
	condition, names, values := c.condition()
	if c.Is == nil {
		group, domain := c.key()
		return types.TransactWriteItem{Delete: &types.Delete{
			TableName: &m.Table, Key: item{"group": text(group), "domain": text(domain)}, ConditionExpression: &condition,
			ExpressionAttributeNames: names, ExpressionAttributeValues: values,
		}}
	}
	return types.TransactWriteItem{Put: &types.Put{
		TableName: &m.Table, Item: c.Is.item(), ConditionExpression: &condition,
		ExpressionAttributeNames: names, ExpressionAttributeValues: values,
	}}
}

// condition holds while the row is exactly as it was read: every attribute of it has its value, and those
// that a row may have and it had not are still missing.
func (c Change) condition() (condition string, names map[string]string, values item) {
	if c.Was == nil {
		return "attribute_not_exists(#group)", map[string]string{"#group": "group"}, nil
	}
	was := c.Was.read
	if was == nil {
		was = c.Was.item()
	}
	names, values = map[string]string{}, item{}
	var all []string
	for n, name := range slices.Sorted(maps.Keys(was)) {
		names[fmt.Sprint("#", n)], values[fmt.Sprint(":", n)] = name, was[name]
		all = append(all, fmt.Sprintf("#%d = :%d", n, n))
	}
	for n, name := range rowAttributes() {
		if was[name] == nil {
			names[fmt.Sprint("#no", n)] = name
			all = append(all, fmt.Sprintf("attribute_not_exists(#no%d)", n))
		}
	}
	return strings.Join(all, " AND "), names, values
}

// item is the entry as the table holds it: no attribute for what is empty, but always a priority.
func (e Entry) item() item {
	it := item{
		"group": text(e.Group.Key()), "domain": text(e.Domain), "role": text(e.Role), "priority": number(int64(e.Priority)),
	}
	if e.Note != "" {
		it["note"] = text(e.Note)
	}
	if e.Settings != "" {
		it["settings"] = settingsAttribute(e.Settings)
	}
	return it
}

func settingsAttribute(s studio.Settings) types.AttributeValue {
	d := json.NewDecoder(bytes.NewReader([]byte(s)))
	d.UseNumber()
	var fields any
	_ = d.Decode(&fields) // Settings are JSON by construction
	return attributeOf(fields)
}
