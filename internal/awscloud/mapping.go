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

// Mapping is reconcile.RowTable on the DynamoDB mapping table: hash key group, range key domain, and the
// attributes role, priority, settings and note, the last of which is for people and means nothing.
type Mapping struct {
	Session *Session
	At      Place
	Table   string
}

var _ reconcile.RowTable = (*Mapping)(nil)

// item is a DynamoDB item.
type item = map[string]types.AttributeValue

// Rows implements reconcile.RowTable.
func (m *Mapping) Rows(ctx context.Context) ([]studio.Row, error) {
	r := request{action: "dynamodb:Scan", on: "mapping table " + m.Table, at: m.Session.where(m.At)}
	var rows []studio.Row
	err := everyKey(r, func(after item) (item, error) {
		out, err := m.Session.dynamodbAt(m.At).Scan(ctx, &dynamodb.ScanInput{
			TableName: &m.Table, ConsistentRead: aws.Bool(true), ExclusiveStartKey: after,
		})
		if err != nil {
			return nil, r.failed(err, nil)
		}
		for _, it := range out.Items {
			rows = append(rows, m.row(it))
		}
		return out.LastEvaluatedKey, nil
	})
	if err != nil {
		return nil, err
	}
	return rows, nil
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

// row reads an item. Whatever cannot be understood makes the row unreadable. An attribute of an unknown
// name does too: it may be a misspelt priority, so without a right one the row might outrank every other.
func (m *Mapping) row(it item) studio.Row {
	var wrong []string
	note := func(problem string) {
		if problem != "" {
			wrong = append(wrong, problem)
		}
	}
	group, problem := textOf(it, "group")
	note(problem)
	domain, problem := textOf(it, "domain")
	note(problem)
	row := studio.Row{
		Group: studio.ParseGroupRef(group), Domain: domain, Priority: studio.DefaultPriority,
		Source: fmt.Sprintf("table %s: group %q, domain %q", m.Table, group, domain),
	}
	row.Role, problem = textOf(it, "role")
	note(problem)
	row.Priority, problem = priorityOf(it)
	note(problem)
	row.Settings, problem = settingsOf(it)
	note(problem)
	if unknown := unknownAttributes(it); len(unknown) > 0 {
		note(fmt.Sprintf("unknown attribute %s (a row has group, domain, role, priority, settings and note)", strings.Join(unknown, ", ")))
		if _, given := it["priority"]; !given {
			row.Priority = studio.UnknownPriority
		}
	}
	row.Unreadable = strings.Join(wrong, "; ")
	return row
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

func unknownAttributes(it item) []string {
	known := []string{"group", "domain", "role", "priority", "settings", "note"}
	unknown := slices.DeleteFunc(slices.Sorted(maps.Keys(it)), func(name string) bool { return slices.Contains(known, name) })
	for i, name := range unknown {
		unknown[i] = strconv.Quote(name)
	}
	return unknown
}

// kindOf describes an attribute's type as the console and the wire call it.
func kindOf(v types.AttributeValue) string {
	switch v.(type) {
	case *types.AttributeValueMemberS:
		return "a string (S)"
	case *types.AttributeValueMemberN:
		return "a number (N)"
	case *types.AttributeValueMemberBOOL:
		return "a boolean (BOOL)"
	case *types.AttributeValueMemberNULL:
		return "null (NULL)"
	case *types.AttributeValueMemberM:
		return "a map (M)"
	case *types.AttributeValueMemberL:
		return "a list (L)"
	case *types.AttributeValueMemberB:
		return "binary data (B)"
	case *types.AttributeValueMemberSS, *types.AttributeValueMemberNS, *types.AttributeValueMemberBS:
		return "a set"
	}
	return cmp.Or(strings.TrimPrefix(fmt.Sprintf("%T", v), "*types."), "nothing")
}
