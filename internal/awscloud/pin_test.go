package awscloud

import (
	"strings"
	"sync"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/google/go-cmp/cmp"

	"studiokeeper/internal/localcloud"
)

func (s *State) put(t *testing.T, it item) {
	t.Helper()
	_, err := s.client().PutItem(t.Context(), &dynamodb.PutItemInput{TableName: &s.Table, Item: it})
	must(t, err)
}

func TestTheFirstIDOfANameIsKeptUntilItIsReplaced(t *testing.T) {
	cloud, state, _ := newState(t)
	long := strings.Repeat("ż", 1024) // as long as a display name gets, and too long for a sort key
	names := []string{"ad-group-1", "R&D (ML)", "name#ad-group-1", long, long[:len(long)-2]}
	want := map[string]string{}
	for n, name := range names {
		want[name] = identity(1001 + n)
		for _, id := range []string{want[name], identity(2000)} {
			if kept, err := state.Pin(t.Context(), name, id); kept != want[name] || err != nil {
				t.Errorf("%.20s: kept %q, %v; want %q", name, kept, err, want[name])
			}
		}
	}
	must(t, state.Repin(t.Context(), "R&D (ML)", identity(2000)))
	want["R&D (ML)"] = identity(2000)
	cloud.ResetCalls()
	got, err := state.Pinned(t.Context())
	must(t, err)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if calls := len(cloud.Calls()); calls != 1 {
		t.Errorf("%d calls, want 1", calls)
	}
}

func TestThereAreNoPinsAtFirst(t *testing.T) {
	_, state, _ := newState(t)
	if got, err := state.Pinned(t.Context()); len(got) != 0 || err != nil {
		t.Errorf("got %v, %v", got, err)
	}
}

func TestOfManyWhoPinANameAllAreAnsweredTheSame(t *testing.T) {
	cloud, state, _ := newState(t)
	cloud.Inject(localcloud.Fault{Operation: "UpdateItem", Times: 1, Drop: true, Effect: localcloud.After})
	var wg sync.WaitGroup
	var answers sync.Map
	for n := range 20 {
		wg.Go(func() {
			kept, err := state.Pin(t.Context(), "ad-group-1", identity(1001+n))
			if err != nil {
				t.Error(err)
			}
			answers.Store(kept, true)
		})
	}
	wg.Wait()
	kept := 0
	answers.Range(func(any, any) bool { kept++; return true })
	if kept != 1 {
		t.Errorf("%d ids were answered, want 1", kept)
	}
}

func TestPinsThatCannotBeReadAreAnError(t *testing.T) {
	cloud, state, _ := newState(t)
	failsOnEveryFailure(t, cloud, "dynamodb", "Query", func() error { _, err := state.Pinned(t.Context()); return err })
	failsOnEveryFailure(t, cloud, "dynamodb", "PutItem", func() error { return state.Repin(t.Context(), "ad-group-1", "g") })
	failsOnEveryFailure(t, cloud, "dynamodb", "UpdateItem", func() error { _, err := state.Pin(t.Context(), "ad-group-1", "g"); return err })
	it := pinKey("broken")
	it["name"], it["id"] = text("broken"), number(7)
	state.put(t, it)
	if got, err := state.Pinned(t.Context()); err == nil || !strings.Contains(err.Error(), "name#broken") {
		t.Errorf("a pin without an id: got %v, %v", got, err)
	}
	if kept, err := state.Pin(t.Context(), "broken", "g"); err == nil {
		t.Errorf("a pin without an id: kept %q", kept)
	}
}
