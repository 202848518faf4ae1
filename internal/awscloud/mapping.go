package awscloud

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strconv"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"studiokeeper/internal/reconcile"
	"studiokeeper/internal/studio"
)

// Mapping is reconcile.RowTable, and what people edit, on the DynamoDB mapping table: hash key group, range key domain, and the
// attributes role, priority, settings and note, the last of which is for people and means nothing.
type Mapping struct {
	Session *Session
	At      Place
	Table   string
}

var _ reconcile.RowTable = (*Mapping)(nil)

// item is a DynamoDB item.
type item = map[string]types.AttributeValue

// Entry is a row of the table as people write it.
type Entry struct {
	Group    studio.GroupRef
	Domain   string // the configuration's name of the domain
	Role     string // ARN
	Priority int    // higher wins
	Settings studio.Settings
	Note     string // for people; it means nothing
}

// Stored is an entry as it was found in the table.
type Stored struct {
	Entry
	// Wrong says why the entry cannot be relied on; "" when it can. What could not be read is then empty,
	// and an unreadable priority is studio.UnknownPriority.
	Wrong string
	read  item // as it stands in the table
}

// Rows implements reconcile.RowTable.
func (m *Mapping) Rows(ctx context.Context) ([]studio.Row, error) {
	all, err := m.scan(ctx)
	if err != nil {
		return nil, err
	}
	var rows []studio.Row
	for _, is := range all {
		rows = append(rows, studio.Row{
			Group: is.Group, Domain: is.Domain, Role: is.Role, Priority: is.Priority, Settings: is.Settings, Unreadable: is.Wrong,
			Source: fmt.Sprintf("table %s: group %q, domain %q", m.Table, is.Group.Key(), is.Domain),
		})
	}
	return rows, nil
}

// Entries reads the whole table, strongly consistent, by group and domain.
func (m *Mapping) Entries(ctx context.Context) ([]Stored, error) {
	all, err := m.scan(ctx)
	if err != nil {
		return nil, err
	}
	slices.SortFunc(all, func(a, b Stored) int {
		return cmp.Or(cmp.Compare(a.Group.Key(), b.Group.Key()), cmp.Compare(a.Domain, b.Domain))
	})
	return all, nil
}

func (m *Mapping) scan(ctx context.Context) ([]Stored, error) {
	r := m.request("Scan")
	var all []Stored
	err := everyKey(r, func(after item) (item, error) {
		out, err := m.Session.dynamodbAt(m.At).Scan(ctx, &dynamodb.ScanInput{
			TableName: &m.Table, ConsistentRead: aws.Bool(true), ExclusiveStartKey: after,
		})
		if err != nil {
			return nil, r.failed(err, nil)
		}
		for _, it := range out.Items {
			all = append(all, stored(it))
		}
		return out.LastEvaluatedKey, nil
	})
	if err != nil {
		return nil, err
	}
	return all, nil
}

func (m *Mapping) request(operation string) request {
	return request{action: "dynamodb:" + operation, on: "mapping table " + m.Table, at: m.Session.where(m.At)}
}

// everyKey calls page until nothing is left, as everyPage does for tokens.
func everyKey(r request, page func(after item) (item, error)) error {
	var after item
	for {
		next, err := page(after)
		if err != nil || len(next) == 0 {
			return err
		}
		if reflect.DeepEqual(next, after) {
			return r.broken("the next page begins where the last one did")
		}
		after = next
	}
}

// stored reads an item. Whatever cannot be understood makes the entry unreliable. An attribute of an unknown
// name does too: it may be a misspelt priority, so without a right one the row might outrank every other.
func stored(it item) Stored {
	var wrong []string
	note := func(problem string) {
		if problem != "" {
			wrong = append(wrong, problem)
		}
	}
	is := Stored{read: it}
	group, problem := textOf(it, "group")
	note(problem)
	is.Group = studio.ParseGroupRef(group)
	is.Domain, problem = textOf(it, "domain")
	note(problem)
	is.Role, problem = textOf(it, "role")
	note(problem)
	is.Priority, problem = priorityOf(it)
	note(problem)
	is.Settings, problem = settingsOf(it)
	note(problem)
	is.Note = stringOf(it, "note")
	if unknown := unknownAttributes(it); len(unknown) > 0 {
		note(fmt.Sprintf("unknown attribute %s (a row has group, domain, role, priority, settings and note)", strings.Join(unknown, ", ")))
		if _, given := it["priority"]; !given {
			is.Priority = studio.UnknownPriority
		}
	}
	is.Wrong = strings.Join(wrong, "; ")
	return is
}

func textOf(it item, name string) (text, problem string) {
	switch v := it[name].(type) {
	case nil:
		return "", name + " is missing"
	case *types.AttributeValueMemberS:
		if v.Value == "" {
			return "", name + " is empty"
		}
		return v.Value, ""
	default:
		return "", fmt.Sprintf("%s: want a string (S), found %s", name, kindOf(v))
	}
}

func priorityOf(it item) (priority int, problem string) {
	switch v := it["priority"].(type) {
	case nil:
		return studio.DefaultPriority, ""
	case *types.AttributeValueMemberN:
		if n, err := strconv.Atoi(v.Value); err == nil {
			return n, ""
		}
		return studio.UnknownPriority, fmt.Sprintf("priority: want a whole number, found %s", v.Value)
	default:
		return studio.UnknownPriority, "priority: want a number (N), found " + kindOf(v)
	}
}

func settingsOf(it item) (s studio.Settings, problem string) {
	switch v := it["settings"].(type) {
	case nil:
		return "", ""
	case *types.AttributeValueMemberM:
		text, err := jsonOf(v)
		if err != nil {
			return "", "settings: " + err.Error()
		}
		if s, err = studio.ParseSettings(text); err != nil {
			return "", err.Error()
		}
		return s, ""
	default:
		return "", "settings: want a map (M), found " + kindOf(v)
	}
}

func rowAttributes() []string {
	return []string{"group", "domain", "role", "priority", "settings", "note"}
}

func unknownAttributes(it item) []string {
	unknown := slices.DeleteFunc(slices.Sorted(maps.Keys(it)), func(name string) bool { return slices.Contains(rowAttributes(), name) })
	for i, name := range unknown {
		unknown[i] = strconv.Quote(name)
	}
	return unknown
}
