package reconcile

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"studiokeeper/internal/plan"
	"studiokeeper/internal/studio"
)

// What is remembered at ten, held against what is read at noon.
func TestSinceWhenRowsSayWhatTheySay(t *testing.T) {
	noon := time.Date(2026, 3, 2, 12, 0, 0, 0, time.UTC)
	ten, eleven := noon.Add(-2*time.Hour), noon.Add(-time.Hour)
	row := func(edits ...func(*studio.Row)) studio.Row {
		r := studio.Row{GroupID: "g", Domain: "research", Role: "a", Priority: 100}
		for _, edit := range edits {
			edit(&r)
		}
		return r
	}
	role := func(role string) func(*studio.Row) { return func(r *studio.Row) { r.Role = role } }
	unreadable := func(r *studio.Row) { r.Unreadable = "why" }
	known := RowDate{Domain: "research", Row: "g", Rights: studio.Digest("a", ""), Priority: 100, Edit: plan.Edit{Rights: ten, Rank: ten}, Version: 3}
	deleted := known
	deleted.Gone = eleven
	tests := map[string]struct {
		known []RowDate
		rows  []studio.Row
		want  plan.Edit
		news  int
	}{
		"new":                             {nil, []studio.Row{row()}, plan.Edit{Rights: noon, Rank: noon}, 1},
		"as before":                       {[]RowDate{known}, []studio.Row{row()}, plan.Edit{Rights: ten, Rank: ten}, 0},
		"another role":                    {[]RowDate{known}, []studio.Row{row(role("b"))}, plan.Edit{Rights: noon, Rank: ten}, 1},
		"other settings":                  {[]RowDate{known}, []studio.Row{row(func(r *studio.Row) { r.Settings = `{"x":1}` })}, plan.Edit{Rights: noon, Rank: ten}, 1},
		"another priority":                {[]RowDate{known}, []studio.Row{row(func(r *studio.Row) { r.Priority = 7 })}, plan.Edit{Rights: ten, Rank: noon}, 1},
		"deleted":                         {[]RowDate{known}, nil, plan.Edit{Rights: ten, Rank: ten, Gone: noon}, 1},
		"deleted earlier":                 {[]RowDate{deleted}, nil, plan.Edit{Rights: ten, Rank: ten, Gone: eleven}, 0},
		"put back":                        {[]RowDate{deleted}, []studio.Row{row()}, plan.Edit{Rights: noon, Rank: noon}, 1},
		"not to be relied on":             {[]RowDate{known}, []studio.Row{row(role("b"), unreadable)}, plan.Edit{Rights: ten, Rank: ten}, 0},
		"written twice":                   {nil, []studio.Row{row(), row()}, plan.Edit{Rights: noon, Rank: noon}, 1},
		"not there, and one unresolved":   {[]RowDate{known}, []studio.Row{{Domain: "research", Unreadable: "no group"}}, plan.Edit{Rights: ten, Rank: ten}, 0},
		"not there, one elsewhere is not": {[]RowDate{known}, []studio.Row{{Domain: "lab", Unreadable: "no group"}}, plan.Edit{Rights: ten, Rank: ten, Gone: noon}, 1},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			edits, news := date(test.rows, Dates{Rows: test.known, Settled: map[string]time.Time{"research": eleven}}, noon)
			want := &plan.Edits{Rows: map[string]plan.Edit{"g": test.want}, Settled: eleven}
			if diff := cmp.Diff(want, edits["research"]); diff != "" || len(news) != test.news {
				t.Errorf("%d to remember, want %d; edits (-want +got):\n%s", len(news), test.news, diff)
			}
			for _, d := range news {
				if d.Edit != test.want || len(test.known) > 0 && d.Version != known.Version {
					t.Errorf("to remember: %+v", d)
				}
			}
		})
	}
}

func TestANamingRuleIsDatedAsAWhole(t *testing.T) {
	at := time.Date(2026, 3, 2, 12, 0, 0, 0, time.UTC)
	rule := studio.Row{Domain: "research", Rule: "studio-*", Role: "role/{group}", Priority: 100}
	edits, news := date([]studio.Row{rule}, Dates{}, at)
	if len(news) != 1 || len(edits["research"].Rows) != 1 {
		t.Fatalf("%+v", news)
	}
	known := news[0]
	known.Version = 1
	if _, news = date([]studio.Row{rule}, Dates{Rows: []RowDate{known}}, at.Add(time.Hour)); len(news) != 0 {
		t.Errorf("as before: %+v", news)
	}
	rule.Role = "role/x-{group}"
	_, news = date([]studio.Row{rule}, Dates{Rows: []RowDate{known}}, at.Add(time.Hour))
	if len(news) != 1 || !news[0].Edit.Rights.Equal(at.Add(time.Hour)) {
		t.Errorf("another role: %+v", news)
	}
}
