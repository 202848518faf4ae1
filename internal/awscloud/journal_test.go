package awscloud

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/google/go-cmp/cmp"

	"studiokeeper/internal/localcloud"
	"studiokeeper/internal/plan"
	"studiokeeper/internal/reconcile"
	"studiokeeper/internal/studio"
)

func entryOf(user string, at time.Time) plan.Entry {
	return plan.Entry{
		Time: at, Outcome: plan.Done,
		Change: plan.Change{
			Kind: plan.Create, Domain: "research", UserID: user, Profile: "alice-471",
			After: &plan.State{Role: roleNamed("ad-group-1"), Settings: studio.Settings(`{"SecurityGroups":["sg-1"]}`)},
		},
	}
}

// append appends, and wants it done.
func (s *State) append(t *testing.T, e plan.Entry) plan.Entry {
	t.Helper()
	sealed, err := s.Append(t.Context(), e)
	must(t, err)
	return sealed
}

// another is the same table as another process sees it.
func (s *State) another() *State {
	return &State{Session: s.Session, At: s.At, Table: s.Table, Now: s.Now}
}

// found are the problems of the journal, as "user seq what".
func found(t *testing.T, s *State, userID string) []string {
	t.Helper()
	v, err := reconcile.VerifyJournal(t.Context(), s, userID)
	must(t, err)
	var out []string
	for _, p := range v.Problems {
		out = append(out, fmt.Sprintf("%s %d %s", p.UserID, p.Seq, p.What))
	}
	return out
}

// verified wants the journal in order, with so many entries.
func verified(t *testing.T, s *State, entries int) {
	t.Helper()
	v, err := reconcile.VerifyJournal(t.Context(), s, "")
	if err != nil || len(v.Problems) > 0 || v.Entries != entries {
		t.Errorf("%d entries, problems %v, %v; want %d in order", v.Entries, v.Problems, err, entries)
	}
}

func (s *State) items(t *testing.T, pk string) []item {
	t.Helper()
	var all []item
	must(t, s.query(t.Context(), pk, func(it item) error { all = append(all, it); return nil }))
	return all
}

func (s *State) write(t *testing.T, it item) {
	t.Helper()
	_, err := s.client().PutItem(t.Context(), &dynamodb.PutItemInput{TableName: &s.Table, Item: it})
	must(t, err)
}

func TestTheJournalKeepsEveryEntryInOrder(t *testing.T) {
	cloud, state, c := newState(t)
	cloud.Inject(localcloud.Fault{Operation: "TransactWriteItems", Times: 1, Drop: true, Effect: localcloud.After})
	var want []plan.Entry
	for _, late := range []time.Duration{0, 0, time.Nanosecond, time.Second, 10 * time.Second, 48 * time.Hour} {
		want = append(want, state.append(t, entryOf("u", c.now().Add(late).In(time.FixedZone("", 7200)))))
	}
	other := state.append(t, entryOf("v", c.now()))
	until := c.now().Add(48 * time.Hour)
	got, err := state.Entries(t.Context(), c.now(), until, "u")
	must(t, err)
	slices.SortFunc(got, func(a, b plan.Entry) int { return int(a.Seq - b.Seq) })
	if diff := cmp.Diff(want[:5], got); diff != "" {
		t.Error(diff)
	}
	cloud.ResetCalls()
	everybody, err := state.Entries(t.Context(), c.now().Add(-time.Hour), until.Add(time.Second), "")
	must(t, err)
	if diff := cmp.Diff(map[string]int{"dynamodb.Query": 3}, cloud.CallCounts()); diff != "" {
		t.Errorf("three days: %s", diff)
	}
	later, err := state.Entries(t.Context(), c.now().Add(time.Nanosecond), until, "")
	must(t, err)
	if len(everybody) != 7 || everybody[6].Seq != 6 || len(later) != 3 || other.Seq != 1 {
		t.Errorf("everybody's are %v, and later ones %v", everybody, later)
	}
	for i, e := range want {
		if e.Seq != int64(i+1) || i > 0 && e.Prev != want[i-1].Digest {
			t.Errorf("entry %d is number %d after %s", i, e.Seq, e.Prev)
		}
	}
	for _, it := range state.items(t, "journal#u") {
		if it["expires"] != nil {
			t.Errorf("%v expires", it)
		}
	}
	verified(t, state, 7)
}

func TestWhatAnEntryCosts(t *testing.T) {
	cloud, state, c := newState(t)
	n := 0
	costs := func(what string, s *State, user string, want map[string]int) {
		t.Helper()
		cloud.ResetCalls()
		n++
		s.append(t, entryOf(user, c.now()))
		if diff := cmp.Diff(want, cloud.CallCounts()); diff != "" {
			t.Errorf("%s: %s", what, diff)
		}
	}
	once, twice := map[string]int{"dynamodb.TransactWriteItems": 1}, map[string]int{"dynamodb.TransactWriteItems": 2}
	costs("a new user", state, "u", once)
	costs("a known user", state, "u", once)
	fresh := state.another()
	costs("a user whom another process knows", fresh, "u", twice)
	costs("the same, known by now", fresh, "u", once)
	costs("known, but another process was in between", state, "u", twice)
	cloud.Inject(localcloud.Fault{Operation: "TransactWriteItems", Times: 1, Drop: true, Effect: localcloud.After})
	costs("an answer was lost", state, "u", twice)
	verified(t, state, n)
}

func TestTwoDomainsOfOneUserAppendAtOnce(t *testing.T) {
	for name, processes := range map[string]int{"in one process": 1, "in several": 4} {
		t.Run(name, func(t *testing.T) {
			cloud, state, c := newState(t)
			states := []*State{state}
			for len(states) < processes {
				states = append(states, state.another())
			}
			var all sync.WaitGroup
			const each = 6
			for n := range 4 {
				all.Go(func() {
					for range each {
						if _, err := states[n%processes].Append(t.Context(), entryOf("u", c.now())); err != nil {
							t.Error(err)
						}
					}
				})
			}
			all.Wait()
			verified(t, state, 4*each)
			if calls := cloud.CallCounts()["dynamodb.TransactWriteItems"]; processes == 1 && calls != 4*each {
				t.Errorf("%d calls for %d entries", calls, 4*each)
			}
		})
	}
}

func TestAConflictingTransactionIsTriedAgain(t *testing.T) {
	cloud, state, c := newState(t)
	state.append(t, entryOf("u", c.now()))
	calls := 0
	real := state.Session
	state.Session = served(t, func(w http.ResponseWriter, r *http.Request) {
		if calls++; calls == 1 {
			w.WriteHeader(http.StatusBadRequest)
			_, _ = io.WriteString(w, `{"__type":"com.amazonaws.dynamodb.v20120810#TransactionCanceledException","CancellationReasons":[{"Code":"TransactionConflict"},{"Code":"None"},{"Code":"None"}]}`)
			return
		}
		cloud.ServeHTTP(w, r)
	})
	if e := state.append(t, entryOf("u", c.now())); e.Seq != 2 {
		t.Errorf("it is number %d", e.Seq)
	}
	state.Session = real
	verified(t, state, 2)
}

func TestDamageToTheTableIsFound(t *testing.T) {
	day := "journalday#2026-01-02"
	replace := func(t *testing.T, s *State, it item, from, to string) {
		entry := stringOf(it, "entry")
		if !strings.Contains(entry, from) {
			t.Fatalf("%s has no %s", entry, from)
		}
		it["entry"] = text(strings.Replace(entry, from, to, 1))
		s.write(t, it)
	}
	tests := []struct {
		name   string
		damage func(t *testing.T, s *State)
		want   []string
	}{
		{"none", func(*testing.T, *State) {}, nil},
		{"an entry is altered", func(t *testing.T, s *State) { replace(t, s, s.items(t, "journal#u")[1], "ad-group-1", "admin") }, []string{"u 2 altered"}},
		{"a copy is altered", func(t *testing.T, s *State) { replace(t, s, s.items(t, day)[0], "ad-group-1", "admin") }, []string{"u 1 altered"}},
		{"an entry's user is altered", func(t *testing.T, s *State) {
			replace(t, s, s.items(t, "journal#u")[1], `"userId":"u"`, `"userId":"w"`)
		}, []string{"u 2 altered"}},
		{"an entry is deleted", func(t *testing.T, s *State) { must(t, s.drop(t.Context(), keyOf(s.items(t, "journal#u")[1]))) }, []string{"u 2 removed"}},
		{"a copy is deleted", func(t *testing.T, s *State) { must(t, s.drop(t.Context(), keyOf(s.items(t, day)[1]))) }, []string{"u 2 removed"}},
		{"the head is deleted", func(t *testing.T, s *State) { must(t, s.drop(t.Context(), headKey("u"))) }, []string{"u 3 head-missing"}},
		{"the head is no head", func(t *testing.T, s *State) { s.write(t, headKey("u")) }, []string{"u 3 head-missing", "u 0 stray"}},
		{"the chain is deleted as a whole", func(t *testing.T, s *State) {
			for _, it := range s.items(t, "journal#u") {
				must(t, s.drop(t.Context(), keyOf(it)))
			}
		}, []string{"u 0 head-missing", "u 1 removed"}},
		{"the head is deleted, and the function goes on", func(t *testing.T, s *State) {
			must(t, s.drop(t.Context(), headKey("u")))
			s.append(t, entryOf("u", time.Date(2026, 1, 2, 5, 0, 0, 0, time.UTC)))
		}, []string{"u 1 forked", "u 3 head-altered"}},
		{"an entry is filed under another time", func(t *testing.T, s *State) {
			it := s.items(t, "journal#u")[1]
			must(t, s.drop(t.Context(), keyOf(it)))
			it["sk"] = text("2020" + stringOf(it, "sk")[4:])
			s.write(t, it)
		}, []string{"u 2 removed", "u 2 stray"}},
		{"what stands beside an entry is altered", func(t *testing.T, s *State) {
			it := s.items(t, "journal#u")[1]
			it["outcome"] = text("refused")
			s.write(t, it)
		}, []string{"u 2 removed", "u 2 stray"}},
		{"something else lies there", func(t *testing.T, s *State) {
			s.write(t, key("journal#u", "note"))
			s.write(t, key(day, "2026-01-02T03:04:05.000000000Z#u#9"))
			s.write(t, key("journalday#", "x"))
		}, []string{" 0 stray", "u 0 stray", "u 0 stray"}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			_, state, c := newState(t)
			for n := range 3 {
				state.append(t, entryOf("u", c.now().Add(time.Duration(n)*time.Second)))
			}
			state.append(t, entryOf("v", c.now().Add(time.Minute)))
			test.damage(t, state)
			if diff := cmp.Diff(test.want, found(t, state, "")); diff != "" {
				t.Error(diff)
			}
			if got := found(t, state, "v"); slices.ContainsFunc(got, func(p string) bool { return !strings.HasPrefix(p, " 0") }) {
				t.Errorf("of another user: %v", got)
			}
		})
	}
}

// keyOf is an item's own key.
func keyOf(it item) item { return item{"pk": it["pk"], "sk": it["sk"]} }

func TestReadingNamesWhatCannotBeReliedOn(t *testing.T) {
	_, state, c := newState(t)
	for n := range 3 {
		state.append(t, entryOf("u", c.now().Add(time.Duration(n)*time.Second)))
	}
	items := state.items(t, "journalday#2026-01-02")
	items[0]["entry"] = text("{}")
	items[1]["entry"] = text(strings.Replace(stringOf(items[1], "entry"), "ad-group-1", "admin", 1))
	items[2]["entry"] = number(1)
	for _, it := range items {
		state.write(t, it)
	}
	entries, err := state.Entries(t.Context(), c.now(), c.now().Add(time.Hour), "")
	if len(entries) != 1 || entries[0].Seq != 2 || err == nil {
		t.Fatalf("got %v, %v", entries, err)
	}
	for _, it := range items {
		if n := strings.Count(err.Error(), "\n"); n != 2 || stringOf(it, "sk") == "" {
			t.Errorf("want three lines that name the items, got %v", err)
		}
	}
	if _, err := state.Entries(t.Context(), c.now(), c.now().Add(time.Hour), "u"); err != nil {
		t.Errorf("the user's own are in order, but: %v", err)
	}
}

func TestAHeadThatCannotBeUnderstoodStopsNothingElse(t *testing.T) {
	_, state, c := newState(t)
	state.append(t, entryOf("u", c.now()))
	state.write(t, headKey("u"))
	given := entryOf("u", c.now())
	e, err := state.another().Append(t.Context(), given)
	if err == nil || !strings.Contains(err.Error(), "delete the item") || cmp.Diff(given, e) != "" {
		t.Errorf("got %v, %v", e, err)
	}
	state.append(t, entryOf("v", c.now()))
}

func TestTheJournalIsReadOverAllPages(t *testing.T) {
	_, state, c := newState(t)
	const n = 8
	for i := range n {
		e := entryOf("u", c.now().Add(time.Duration(i)*time.Second))
		e.Error = strings.Repeat("x", 300_000) // four items of it exceed the 1 MB of a page
		state.append(t, e)
	}
	entries, err := state.Entries(t.Context(), c.now(), c.now().Add(time.Hour), "")
	if err != nil || len(entries) != n {
		t.Errorf("%d entries, %v", len(entries), err)
	}
	verified(t, state, n)
}

func TestAnEndedContextEndsTheWaitForOnesTurn(t *testing.T) {
	_, state, c := newState(t)
	state.heads.of("u").turn <- struct{}{}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := state.Append(ctx, entryOf("u", c.now())); !errors.Is(err, ctx.Err()) {
		t.Errorf("got %v", err)
	}
}

func TestHeadsAreBounded(t *testing.T) {
	var h heads
	for n := range keptHeads + 1 {
		h.of(fmt.Sprint(n))
	}
	if len(h.kept) != 1 {
		t.Errorf("%d are kept", len(h.kept))
	}
}

func TestTheDigestCanBeWorkedOutByOthers(t *testing.T) {
	_, state, c := newState(t)
	sealed := state.append(t, entryOf("u", c.now()))
	var fields map[string]any
	must(t, json.Unmarshal([]byte(stringOf(state.items(t, "journal#u")[0], "entry")), &fields))
	if fields["digest"] != sealed.Digest || fields["seq"] != 1.0 {
		t.Errorf("stored is %v", fields)
	}
}
