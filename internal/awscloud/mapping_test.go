package awscloud

import (
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/google/go-cmp/cmp"

	"studiokeeper/internal/localcloud"
	"studiokeeper/internal/studio"
)

func newMapping(t *testing.T) (*localcloud.Cloud, *Mapping) {
	t.Helper()
	cloud, s := newCloud(t)
	newTable(t, s, "studiokeeper-mapping", "group", "domain")
	return cloud, &Mapping{Session: s, Table: "studiokeeper-mapping"}
}

func (m *Mapping) put(t *testing.T, it item) {
	t.Helper()
	_, err := m.Session.dynamodbAt(m.At).PutItem(t.Context(), &dynamodb.PutItemInput{TableName: &m.Table, Item: it})
	must(t, err)
}

func object(pairs ...any) types.AttributeValue {
	fields := item{}
	for i := 0; i < len(pairs); i += 2 {
		fields[pairs[i].(string)] = pairs[i+1].(types.AttributeValue)
	}
	return &types.AttributeValueMemberM{Value: fields}
}

func list(values ...types.AttributeValue) types.AttributeValue {
	return &types.AttributeValueMemberL{Value: values}
}

func TestRowsAreReadAsTheyStand(t *testing.T) {
	role := roleNamed("ad-group-1")
	digits := &types.AttributeValueMemberN{Value: "12.50"}
	tests := []struct {
		name  string
		group string
		attrs item
		want  studio.Row
	}{
		{"the least", "ad-group-1", item{"role": text(role)},
			studio.Row{Group: studio.GroupRef{Name: "ad-group-1"}, Role: role, Priority: 100}},
		{"everything, and a note", "groupId:" + identity(1001), item{
			"role": text(role), "priority": number(-7), "note": text("asked for by the lab"),
			"settings": object("SecurityGroups", list(text("sg-2"), text("sg-1")), "X", object("Off", &types.AttributeValueMemberBOOL{}, "N", digits), "Set", &types.AttributeValueMemberSS{Value: []string{"b"}}, "None", list()),
		}, studio.Row{Group: studio.GroupRef{ID: identity(1001)}, Role: role, Priority: -7,
			Settings: `{"None":[],"SecurityGroups":["sg-2","sg-1"],"Set":["b"],"X":{"N":12.5,"Off":false}}`}},
		{"no settings in settings", "ad-group-1", item{"role": text(role), "settings": object()},
			studio.Row{Group: studio.GroupRef{Name: "ad-group-1"}, Role: role, Priority: 100}},
		{"without a role", "ad-group-1", item{"priority": number(50)},
			studio.Row{Group: studio.GroupRef{Name: "ad-group-1"}, Priority: 50, Unreadable: "role is missing"}},
		{"an empty role", "ad-group-1", item{"role": text("")},
			studio.Row{Group: studio.GroupRef{Name: "ad-group-1"}, Priority: 100, Unreadable: "role is empty"}},
		{"a role that is a list", "ad-group-1", item{"role": list(text(role))},
			studio.Row{Group: studio.GroupRef{Name: "ad-group-1"}, Priority: 100, Unreadable: "role: want a string (S), found a list (L)"}},
		{"a priority in words", "ad-group-1", item{"role": text(role), "priority": text("200")},
			studio.Row{Group: studio.GroupRef{Name: "ad-group-1"}, Role: role, Priority: studio.UnknownPriority, Unreadable: "priority: want a number (N), found a string (S)"}},
		{"a priority with a fraction", "ad-group-1", item{"role": text(role), "priority": &types.AttributeValueMemberN{Value: "99.5"}},
			studio.Row{Group: studio.GroupRef{Name: "ad-group-1"}, Role: role, Priority: studio.UnknownPriority, Unreadable: "priority: want a whole number, found 99.5"}},
		{"settings as text", "ad-group-1", item{"role": text(role), "priority": number(5), "settings": text("{}")},
			studio.Row{Group: studio.GroupRef{Name: "ad-group-1"}, Role: role, Priority: 5, Unreadable: "settings: want a map (M), found a string (S)"}},
		{"settings with null", "ad-group-1", item{"role": text(role), "settings": object("A", &types.AttributeValueMemberNULL{Value: true})},
			studio.Row{Group: studio.GroupRef{Name: "ad-group-1"}, Role: role, Priority: 100,
				Unreadable: "settings.A: null says nothing; leave the field out, or give an empty list to reset one"}},
		{"settings with binary data", "ad-group-1", item{"role": text(role), "settings": object("A", list(&types.AttributeValueMemberB{Value: []byte{1}}))},
			studio.Row{Group: studio.GroupRef{Name: "ad-group-1"}, Role: role, Priority: 100,
				Unreadable: "settings: A: [0]: binary data (B) cannot be part of UserSettings"}},
		{"settings with a role", "ad-group-1", item{"role": text(role), "settings": object("ExecutionRole", text("r"))},
			studio.Row{Group: studio.GroupRef{Name: "ad-group-1"}, Role: role, Priority: 100,
				Unreadable: "settings: ExecutionRole is given by the row's role, not here"}},
		{"a misspelt priority", "ad-group-1", item{"role": text(role), "prioritiy": number(500)},
			studio.Row{Group: studio.GroupRef{Name: "ad-group-1"}, Role: role, Priority: studio.UnknownPriority,
				Unreadable: `unknown attribute "prioritiy" (a row has group, domain, role, priority, settings and note)`}},
		{"two unknown attributes beside a priority", "ad-group-1", item{"role": text(role), "priority": number(5), "b": text("x"), "Role": text("y")},
			studio.Row{Group: studio.GroupRef{Name: "ad-group-1"}, Role: role, Priority: 5,
				Unreadable: `unknown attribute "Role", "b" (a row has group, domain, role, priority, settings and note)`}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			_, m := newMapping(t)
			test.attrs["group"], test.attrs["domain"] = text(test.group), text("research")
			m.put(t, test.attrs)
			got, err := m.Rows(t.Context())
			must(t, err)
			test.want.Domain = "research"
			test.want.Source = `table studiokeeper-mapping: group "` + test.group + `", domain "research"`
			if diff := cmp.Diff([]studio.Row{test.want}, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestRowsAreReadOverAllPagesAndConsistently(t *testing.T) {
	cloud, m := newMapping(t)
	if rows, err := m.Rows(t.Context()); len(rows) != 0 || err != nil {
		t.Errorf("an empty table: got %v, %v", rows, err)
	}
	long := strings.Repeat("x", 300_000) // four items of it exceed the 1 MB of a page
	for n := range 9 {
		m.put(t, item{"group": text(identity(n)), "domain": text("research"), "role": text(roleNamed("r")), "note": text(long)})
	}
	rows, err := m.Rows(t.Context())
	must(t, err)
	if len(rows) != 9 || cloud.CallCounts()["dynamodb.Scan"] < 4 {
		t.Errorf("%d rows in %d calls", len(rows), cloud.CallCounts()["dynamodb.Scan"])
	}
	cloud.Inject(localcloud.Fault{Operation: "Scan", After: 1, Code: "AccessDeniedException"})
	if rows, err := m.Rows(t.Context()); err == nil {
		t.Errorf("the second page failed: got %d rows and no error", len(rows))
	}
}

func TestAMappingTableThatCannotBeReadIsAnError(t *testing.T) {
	cloud, m := newMapping(t)
	m.put(t, item{"group": text("ad-group-1"), "domain": text("research"), "role": text(roleNamed("r"))})
	failsOnEveryFailure(t, cloud, "dynamodb", "Scan", func() error { _, err := m.Rows(t.Context()); return err })
	m.Table = "no-such-table"
	if rows, err := m.Rows(t.Context()); FaultOf(err) != Missing {
		t.Errorf("got %v, %v", rows, err)
	}
}
