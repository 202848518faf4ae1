package awscloud

import (
	"errors"
	"fmt"
	"maps"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/google/go-cmp/cmp"

	"studiokeeper/internal/localcloud"
	"studiokeeper/internal/studio"
)

func entry(group string) Entry {
	return Entry{Group: studio.ParseGroupRef(group), Domain: "research", Role: roleNamed("ad-group-1"), Priority: 100}
}

// entries reads the table as plain values.
func (m *Mapping) entries(t *testing.T) []Entry {
	t.Helper()
	all, err := m.Entries(t.Context())
	must(t, err)
	var list []Entry
	for _, is := range all {
		if is.Wrong != "" {
			t.Errorf("%s: %s", is.Group.Key(), is.Wrong)
		}
		list = append(list, is.Entry)
	}
	return list
}

// stored finds one entry as it stands.
func (m *Mapping) stored(t *testing.T, group string) Stored {
	t.Helper()
	all, err := m.Entries(t.Context())
	must(t, err)
	for _, is := range all {
		if is.Group.Key() == group {
			return is
		}
	}
	t.Fatalf("there is no row of %s", group)
	return Stored{}
}

func TestEntriesAreReadBackAsTheyWereWritten(t *testing.T) {
	_, m := newMapping(t)
	full := entry("groupId:" + identity(1001))
	full.Priority, full.Note = -7, "asked for by the lab: ü"
	full.Settings = settings(t, `{"SecurityGroups":["sg-2","sg-1"],"JupyterLabAppSettings":{"LifecycleConfigArns":[],
		"AppLifecycleManagement":{"IdleSettings":{"IdleTimeoutInMinutes":120}}},"X":{"On":true,"Off":false,"Text":""}}`)
	elsewhere := entry("ad-group-1")
	elsewhere.Domain = "lab"
	for _, e := range []Entry{full, entry("ad-group-1"), elsewhere} {
		must(t, m.Put(t.Context(), e, nil))
	}
	if diff := cmp.Diff([]Entry{elsewhere, entry("ad-group-1"), full}, m.entries(t)); diff != "" {
		t.Error(diff)
	}
	rows, err := m.Rows(t.Context())
	must(t, err)
	for _, row := range rows {
		if row.Unreadable != "" || row.Group == full.Group && (row.Settings != full.Settings || row.Priority != -7) {
			t.Errorf("a reader gets %+v", row)
		}
	}
}

func TestAnEntryThatIsWrongSaysSoAndCanBeRepaired(t *testing.T) {
	_, m := newMapping(t)
	m.put(t, item{
		"group": text("ad-group-1"), "domain": text("research"), "role": list(text("r")), "prioritiy": number(5), "note": text("see the ticket"),
		"settings": &types.AttributeValueMemberSS{Value: []string{"a", "b"}},
	})
	was := m.stored(t, "ad-group-1")
	want := Entry{Group: studio.GroupRef{Name: "ad-group-1"}, Domain: "research", Priority: studio.UnknownPriority, Note: "see the ticket"}
	if diff := cmp.Diff(want, was.Entry); diff != "" {
		t.Error(diff)
	}
	for _, part := range []string{"role: want a string", "settings: want a map", `unknown attribute "prioritiy"`} {
		if !strings.Contains(was.Wrong, part) {
			t.Errorf("%q does not say %q", was.Wrong, part)
		}
	}
	must(t, m.Put(t.Context(), entry("ad-group-1"), &was))
	if diff := cmp.Diff([]Entry{entry("ad-group-1")}, m.entries(t)); diff != "" {
		t.Error(diff)
	}
}

func TestNothingIsWrittenOverWhatSomebodyElseChanged(t *testing.T) {
	base := item{
		"group": text("ad-group-1"), "domain": text("research"), "role": text(roleNamed("a")), "priority": number(5),
		"settings": object("SecurityGroups", list(text("sg-1"))), "own": text("x"),
	}
	with := func(name string, v types.AttributeValue) item {
		changed := maps.Clone(base)
		if changed[name] = v; v == nil {
			delete(changed, name)
		}
		return changed
	}
	tests := []struct {
		name string
		now  item // nil: deleted
		ok   bool
	}{
		{"nothing changed", base, true},
		{"a priority written otherwise", with("priority", &types.AttributeValueMemberN{Value: "5.0"}), true},
		{"another role", with("role", text(roleNamed("b"))), false},
		{"another priority", with("priority", number(6)), false},
		{"a priority of another type", with("priority", text("5")), false},
		{"the priority is gone", with("priority", nil), false},
		{"other settings", with("settings", object("SecurityGroups", list(text("sg-2")))), false},
		{"settings are gone", with("settings", nil), false},
		{"a note was added", with("note", text("hello")), false},
		{"an attribute we do not know", with("own", text("y")), false},
		{"deleted", nil, false},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			_, m := newMapping(t)
			m.put(t, base)
			was := m.stored(t, "ad-group-1")
			if test.now == nil {
				must(t, m.Delete(t.Context(), was))
			} else {
				m.put(t, test.now)
			}
			if err := m.Put(t.Context(), entry("ad-group-1"), &was); test.ok != (err == nil) || !test.ok && !errors.Is(err, ErrChanged) {
				t.Errorf("Put: got %v", err)
			}
			if err := m.Delete(t.Context(), was); !errors.Is(err, ErrChanged) {
				t.Errorf("Delete of what has been changed by now in any case: got %v", err)
			}
			left, err := m.Entries(t.Context())
			must(t, err)
			if written := len(left) == 1 && left[0].Role == roleNamed("ad-group-1"); written != test.ok || len(left) == 0 && test.now != nil {
				t.Errorf("%d rows left; written: %v, want %v", len(left), written, test.ok)
			}
		})
	}
}

func TestOnlyOneOfManyWhoChangeARowGetsThrough(t *testing.T) {
	_, m := newMapping(t)
	for name, was := range map[string]*Stored{"a new row": nil, "a row as it was written": {Entry: entry("ad-group-2")}} {
		group := "ad-group-1"
		if was != nil {
			group = "ad-group-2"
			must(t, m.Put(t.Context(), was.Entry, nil))
		}
		var wg sync.WaitGroup
		var through atomic.Int32
		for n := range 10 {
			wg.Go(func() {
				e := entry(group)
				e.Priority = 200 + n
				switch err := m.Put(t.Context(), e, was); {
				case err == nil:
					through.Add(1)
				case !errors.Is(err, ErrChanged):
					t.Error(err)
				}
			})
		}
		wg.Wait()
		if through.Load() != 1 {
			t.Errorf("%s: %d got through, want 1", name, through.Load())
		}
	}
}

func TestAWriteWhoseAnswerWasLostIsDone(t *testing.T) {
	cloud, m := newMapping(t)
	for _, change := range []func() error{
		func() error { return m.Put(t.Context(), entry("ad-group-1"), nil) },
		func() error { return m.Delete(t.Context(), m.stored(t, "ad-group-1")) },
	} {
		cloud.ClearFaults()
		cloud.Inject(localcloud.Fault{Operation: "TransactWriteItems", Times: 1, Drop: true, Effect: localcloud.After})
		must(t, change())
	}
	if got := m.entries(t); len(got) != 0 {
		t.Errorf("left: %v", got)
	}
}

func TestAllIsReplacedOrNothing(t *testing.T) {
	_, m := newMapping(t)
	for _, group := range []string{"a", "b", "c"} {
		must(t, m.Put(t.Context(), entry(group), nil))
	}
	a, b := m.stored(t, "a"), m.stored(t, "b")
	better, added := entry("a"), entry("d")
	better.Priority = 500
	changes := []Change{{Was: &a, Is: &better}, {Was: &b}, {Is: &added}}

	changed := entry("b")
	changed.Note = "somebody was here"
	must(t, m.Put(t.Context(), changed, &b))
	err := m.Replace(t.Context(), changes...)
	if !errors.Is(err, ErrChanged) || !strings.Contains(err.Error(), `group "b", domain "research"`) || strings.Contains(err.Error(), `group "a"`) {
		t.Errorf("got %v", err)
	}
	if diff := cmp.Diff([]Entry{entry("a"), changed, entry("c")}, m.entries(t)); diff != "" {
		t.Error(diff)
	}
	b = m.stored(t, "b")
	must(t, m.Replace(t.Context(), changes...))
	if diff := cmp.Diff([]Entry{better, entry("c"), added}, m.entries(t)); diff != "" {
		t.Error(diff)
	}
	must(t, m.Replace(t.Context()))
}

func TestAHundredChangesGoAtOnceAndNoMore(t *testing.T) {
	_, m := newMapping(t)
	var changes []Change
	for n := range 101 {
		e := entry(fmt.Sprint("group-", n))
		changes = append(changes, Change{Is: &e})
	}
	if err := m.Replace(t.Context(), changes...); err == nil || !strings.Contains(err.Error(), "101 changes at once") {
		t.Errorf("101 changes: got %v", err)
	}
	if got := m.entries(t); len(got) != 0 {
		t.Errorf("%d rows were written", len(got))
	}
	must(t, m.Replace(t.Context(), changes[:100]...))
	if got := m.entries(t); len(got) != 100 {
		t.Errorf("%d rows, want 100", len(got))
	}
}

func TestEntriesThatNoReaderWouldUnderstandAreNotWritten(t *testing.T) {
	bad := func(change func(*Entry)) Change {
		e := entry("ad-group-1")
		change(&e)
		return Change{Is: &e}
	}
	was := Stored{Entry: entry("ad-group-1")}
	tests := []struct {
		name   string
		change Change
		want   string
	}{
		{"no group", bad(func(e *Entry) { e.Group = studio.GroupRef{} }), "group and domain must not be empty"},
		{"no domain", bad(func(e *Entry) { e.Domain = "" }), "group and domain must not be empty"},
		{"no role", bad(func(e *Entry) { e.Role = "" }), "role must not be empty"},
		{"a priority that could not be read", bad(func(e *Entry) { e.Priority = studio.UnknownPriority }), "give it one"},
		{"a very long display name", bad(func(e *Entry) { e.Group.Name = strings.Repeat("ż", 1025) }), "write this one as groupId:"},
		{"a display name that looks like an id", bad(func(e *Entry) { e.Group.Name = "groupId:x" }), "would be read as an id"},
		{"a very long domain", bad(func(e *Entry) { e.Domain = strings.Repeat("x", 1025) }), "1024 bytes"},
		{"another row", Change{Was: &was, Is: bad(func(e *Entry) { e.Domain = "lab" }).Is}, "cannot become another row"},
		{"nothing", Change{}, "there is nothing to change"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			cloud, m := newMapping(t)
			cloud.ResetCalls()
			err := m.Replace(t.Context(), test.change)
			if err == nil || !strings.Contains(err.Error(), test.want) || len(cloud.Calls()) != 0 {
				t.Errorf("%d calls, %v", len(cloud.Calls()), err)
			}
		})
	}
	_, m := newMapping(t)
	e := entry("ad-group-1")
	if err := m.Replace(t.Context(), Change{Is: &e}, Change{Is: &e}); err == nil || !strings.Contains(err.Error(), "twice") {
		t.Errorf("one row twice: got %v", err)
	}
}

func TestAWriteThatDynamoDBRefusesIsAnErrorThatNamesTheRow(t *testing.T) {
	cloud, m := newMapping(t)
	failsOnEveryFailure(t, cloud, "dynamodb", "TransactWriteItems", func() error {
		e := entry("ad-group-1")
		if all, _ := m.Entries(t.Context()); len(all) == 1 {
			return m.Put(t.Context(), e, &all[0])
		}
		return m.Put(t.Context(), e, nil)
	})
	long := entry("ad-group-2")
	long.Note = strings.Repeat("x", 400<<10)
	err := m.Put(t.Context(), long, nil)
	if err == nil || errors.Is(err, ErrChanged) || FaultOf(err) != Refused {
		t.Errorf("an item over 400 KB: got %v", err)
	}
	_, err = m.Session.dynamodbAt(m.At).DeleteTable(t.Context(), &dynamodb.DeleteTableInput{TableName: &m.Table})
	must(t, err)
	if err := m.Put(t.Context(), long, nil); FaultOf(err) != Missing {
		t.Errorf("no table: got %v", err)
	}
}

func TestACancelledTransactionSaysWhichRowAndWhy(t *testing.T) {
	tests := []struct {
		name, reasons string
		changed       bool
		want          string
	}{
		{"somebody else is writing", `[{"Code":"None"},{"Code":"TransactionConflict","Message":"ongoing"}]`, true, `because of group "b"`},
		{"both were changed", `[{"Code":"ConditionalCheckFailed"},{"Code":"ConditionalCheckFailed"}]`, true, `group "a", domain "research"; group "b", domain "research"`},
		{"a row that is refused", `[{"Code":"None"},{"Code":"ValidationError","Message":"Item size has exceeded"}]`, false, `group "b", domain "research" (the caller's account, us-east-1): ValidationError: Item size has exceeded`},
		{"a change and a refusal", `[{"Code":"ConditionalCheckFailed"},{"Code":"ThrottlingError","Message":"slow"}]`, false, "ThrottlingError: slow; it was tried again"},
		{"no reason", `[{"Code":"None"},{"Code":"None"}]`, false, "TransactionCanceledException"},
		{"reasons of something else", `[{"Code":"ConditionalCheckFailed"}]`, false, "TransactionCanceledException"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			s := served(t, func(w http.ResponseWriter, _ *http.Request) {
				w.WriteHeader(400)
				_, _ = fmt.Fprintf(w, `{"__type":"com.amazonaws.dynamodb.v20120810#TransactionCanceledException","Message":"cancelled","CancellationReasons":%s}`, test.reasons)
			})
			a, b := entry("a"), entry("b")
			err := (&Mapping{Session: s, Table: "t"}).Replace(t.Context(), Change{Is: &a}, Change{Is: &b})
			if err == nil || errors.Is(err, ErrChanged) != test.changed || !strings.Contains(err.Error(), test.want) {
				t.Errorf("got %v", err)
			}
		})
	}
}
