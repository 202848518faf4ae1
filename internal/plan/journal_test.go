package plan_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"studiokeeper/internal/plan"
	"studiokeeper/internal/studio"
)

// kept is a journal of one user, as texts: entries, copies and head.
type kept struct {
	entries, copies [][]byte
	head            *plan.Head
}

// journalOf seals entries one after the other.
func journalOf(t interface{ Fatal(...any) }, entries ...plan.Entry) kept {
	var j kept
	last := plan.Entry{}
	for _, e := range entries {
		last = plan.Seal(e, last.Seq, last.Digest)
		text, err := last.Text()
		if err != nil {
			t.Fatal(err)
		}
		j.entries, j.copies = append(j.entries, text), append(j.copies, text)
		j.head = &plan.Head{Seq: last.Seq, Digest: last.Digest}
	}
	return j
}

func (j kept) check(t interface{ Fatal(...any) }) []plan.Problem {
	c := plan.Chain{UserID: "u-1", Head: j.head}
	for _, text := range j.entries {
		_, l, err := plan.ParseEntry(text)
		if err != nil {
			t.Fatal(err)
		}
		c.Links = append(c.Links, l)
	}
	for _, text := range j.copies {
		_, l, err := plan.ParseEntry(text)
		if err != nil {
			t.Fatal(err)
		}
		c.Copies = append(c.Copies, l)
	}
	return c.Check()
}

func entryAt(n int) plan.Entry {
	return plan.Entry{
		Time: time.Date(2026, 3, 2, 12, n, 0, 0, time.UTC), Outcome: plan.Done, Trigger: plan.Trigger{Kind: "event", ID: "e-1", Name: "AddMemberToGroup"},
		Change: plan.Change{
			Kind: plan.Update, Domain: "research", UserID: "u-1", UserName: "alice@example.com", Profile: "alice-1", Group: "g-1", Row: "rule 1",
			Before: &plan.State{Role: "a", Tags: map[string]string{"k": "<v>"}}, After: &plan.State{Role: "b", Settings: `{"SecurityGroups":["sg-1"]}`},
			Reasons: []plan.Reason{{Code: "row", Text: fmt.Sprintf("row %d & more", n)}},
		},
	}
}

func three(t *testing.T) kept { return journalOf(t, entryAt(1), entryAt(2), entryAt(3)) }

// resealed is an entry with another role, sealed as if it had always been so.
func resealed(t *testing.T, text []byte) []byte {
	e, _, err := plan.ParseEntry(text)
	if err != nil {
		t.Fatal(err)
	}
	e.Change.After.Role = "another"
	out, err := plan.Seal(e, e.Seq-1, e.Prev).Text()
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func altered(text []byte) []byte {
	return bytes.Replace(text, []byte(`"role":"b"`), []byte(`"role":"c"`), 1)
}

func TestDamageIsNamed(t *testing.T) {
	tests := []struct {
		name   string
		damage func(j *kept)
		want   []string
	}{
		{"none", func(*kept) {}, nil},
		{"none, read in another order", func(j *kept) { slices.Reverse(j.entries); slices.Reverse(j.copies) }, nil},
		{"the first is gone", func(j *kept) { j.entries, j.copies = j.entries[1:], j.copies[1:] }, []string{"1 removed: entry 1 is gone"}},
		{"one in the middle is gone", func(j *kept) { j.entries, j.copies = slices.Delete(j.entries, 1, 2), slices.Delete(j.copies, 1, 2) },
			[]string{"2 removed: entry 2 is gone"}},
		{"only its copy is left", func(j *kept) { j.entries = slices.Delete(j.entries, 1, 2) },
			[]string{"2 removed: entry 2 is gone; the copy under its day is still there"}},
		{"only its copy is gone", func(j *kept) { j.copies = slices.Delete(j.copies, 1, 2) },
			[]string{"2 removed: the copy of entry 2 under its day is gone"}},
		{"the last two are gone", func(j *kept) { j.entries, j.copies = j.entries[:1], j.copies[:1] }, []string{"2 removed: entries 2 to 3 are gone"}},
		{"all but the head is gone", func(j *kept) { j.entries, j.copies = nil, nil }, []string{"1 removed: entries 1 to 3 are gone"}},
		{"the chain is gone as a whole", func(j *kept) { j.entries, j.head = nil, nil },
			[]string{"0 head-missing: the record of the chain's end is gone: the next entry begins a new chain",
				"1 removed: entries 1 to 3 are gone; the copy under its day is still there"}},
		{"the head is gone", func(j *kept) { j.head = nil }, []string{"3 head-missing: the record of the chain's end is gone: the next entry begins a new chain"}},
		{"the head says less", func(j *kept) { j.head.Seq = 2 }, []string{"3 head-altered: the record of the chain's end says that it has 2 entries, and there are 3"}},
		{"the head says something else", func(j *kept) { j.head.Digest = "x" },
			[]string{"3 head-altered: the record of the chain's end does not fit entry 3: one of the two was replaced"}},
		{"an entry says something else", func(j *kept) { j.entries[1] = altered(j.entries[1]) }, []string{"2 altered: entry 2 does not say what its digest was made of"}},
		{"a copy says something else", func(j *kept) { j.copies[1] = altered(j.copies[1]) },
			[]string{"2 altered: the copy of entry 2 under its day does not say what its digest was made of"}},
		{"an entry is replaced with its digest", func(j *kept) { j.entries[1] = resealed(t, j.entries[1]); j.copies[1] = j.entries[1] },
			[]string{"3 forked: entry 3 does not follow what is entry 2 now: one of the two was replaced, or their order changed"}},
		{"the last is replaced with its digest", func(j *kept) { j.entries[2] = resealed(t, j.entries[2]); j.copies[2] = j.entries[2] },
			[]string{"3 head-altered: the record of the chain's end does not fit entry 3: one of the two was replaced"}},
		{"the last is replaced with digest and head", func(j *kept) {
			j.entries[2] = resealed(t, j.entries[2])
			_, l, _ := plan.ParseEntry(j.entries[2])
			j.head.Digest = l.Digest
		}, []string{"3 altered: entry 3 and its copy under its day do not match: one of the two was replaced"}},
		{"an entry is put in beside another", func(j *kept) { j.entries = append(j.entries, resealed(t, j.entries[1])) },
			[]string{"2 forked: there is more than one entry 2", "2 altered: entry 2 and its copy under its day do not match: one of the two was replaced"}},
		{"white space", func(j *kept) { j.entries[0] = append(slices.Clone(j.entries[0]), ' ') }, []string{"1 altered: entry 1 does not say what its digest was made of"}},
		{"a name twice, the last as it was", func(j *kept) {
			j.entries[0] = bytes.Replace(j.entries[0], []byte(`"outcome":`), []byte(`"outcome":"refused","outcome":`), 1)
		}, []string{"1 altered: entry 1 does not say what its digest was made of"}},
		{"no digest", func(j *kept) {
			_, l, _ := plan.ParseEntry(j.entries[0])
			j.entries[0] = bytes.Replace(j.entries[0], []byte(l.Digest), nil, 1)
		}, []string{"1 altered: entry 1 does not say what its digest was made of", "1 altered: entry 1 and its copy under its day do not match: one of the two was replaced",
			"2 forked: entry 2 does not follow what is entry 1 now: one of the two was replaced, or their order changed"}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			j := three(t)
			test.damage(&j)
			var got []string
			for _, p := range j.check(t) {
				got = append(got, fmt.Sprintf("%d %s: %s", p.Seq, p.What, p.Text))
				if p.UserID != "u-1" {
					t.Errorf("%v does not say whose", p)
				}
			}
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestAProblemSaysWhenItWas(t *testing.T) {
	j := three(t)
	j.entries = j.entries[:2]
	if found := j.check(t); len(found) != 1 || !found[0].Time.Equal(entryAt(3).Time) {
		t.Errorf("got %v, want the time of the copy", found)
	}
}

func TestAnEntryIsReadBackAsItWasSealed(t *testing.T) {
	e := entryAt(1)
	e.Time, e.Error = e.Time.In(time.FixedZone("", 7200)), "not UTF-8: \xff\u2028"
	sealed := plan.Seal(e, 4, "prev")
	text, err := sealed.Text()
	if err != nil {
		t.Fatal(err)
	}
	got, l, err := plan.ParseEntry(text)
	if err != nil || !l.Sound || l.Seq != 5 || l.Prev != "prev" || l.Digest != sealed.Digest || len(l.Digest) != 64 {
		t.Errorf("link %+v, %v", l, err)
	}
	sealed.Error = strings.ToValidUTF8(sealed.Error, "\ufffd")
	if diff := cmp.Diff(sealed, got); diff != "" {
		t.Error(diff)
	}
}

func TestWhatIsNoEntryIsRefused(t *testing.T) {
	for _, text := range []string{"", "null", "[]", "{", `{"seq":"one"}`, `{} {}`, `{"seq":1.5}`} {
		if e, _, err := plan.ParseEntry([]byte(text)); err == nil {
			t.Errorf("%q was read as %+v", text, e)
		}
	}
	late := entryAt(1)
	late.Time = time.Date(20000, 1, 1, 0, 0, 0, 0, time.UTC)
	if sealed := plan.Seal(late, 0, ""); sealed.Digest != "" {
		t.Errorf("a time that JSON cannot hold got the digest %s", sealed.Digest)
	} else if _, err := sealed.Text(); err == nil {
		t.Error("a time that JSON cannot hold was written")
	}
}

// anEntry is an entry with whatever may be in it.
func anEntry(t *rapid.T) plan.Entry {
	word := rapid.SampledFrom([]string{"", "a", "<b> & \"c\"", "ü ", "=1+1"})
	state := rapid.Custom(func(t *rapid.T) *plan.State {
		return &plan.State{Role: word.Draw(t, "role"), Settings: studio.Settings(word.Draw(t, "settings")), Status: word.Draw(t, "status"), Tags: map[string]string{"k": word.Draw(t, "tag")}}
	})
	e := plan.Entry{
		Time: time.Unix(rapid.Int64Range(0, 1<<33).Draw(t, "time"), rapid.Int64Range(0, 999999999).Draw(t, "ns")), Error: word.Draw(t, "error"),
		Outcome: rapid.SampledFrom([]plan.Outcome{plan.Done, plan.Begun}).Draw(t, "outcome"),
		Trigger: plan.Trigger{Kind: word.Draw(t, "kind"), ID: word.Draw(t, "id"), Name: word.Draw(t, "name")},
		Change: plan.Change{
			Kind: rapid.SampledFrom(plan.Kinds()).Draw(t, "kind"), Domain: word.Draw(t, "domain"), UserID: "u-1", UserName: word.Draw(t, "user"),
			Profile: word.Draw(t, "profile"), Group: word.Draw(t, "group"), Row: word.Draw(t, "row"),
			Before: rapid.Ptr(rapid.Just(plan.State{}), true).Draw(t, "before"), After: state.Draw(t, "after"),
		},
	}
	if rapid.Bool().Draw(t, "reasons") {
		e.Change.Reasons = []plan.Reason{{Code: word.Draw(t, "code"), Text: word.Draw(t, "text")}}
	}
	return e
}

// places are the paths of everything that stands in a JSON value.
func places(v any, path []string) [][]string {
	var out [][]string
	switch v := v.(type) {
	case map[string]any:
		for name, member := range v {
			out = append(out, places(member, append(slices.Clone(path), name))...)
		}
	case []any:
		for i, member := range v {
			out = append(out, places(member, append(slices.Clone(path), fmt.Sprint(i)))...)
		}
	default:
		return [][]string{path}
	}
	slices.SortFunc(out, slices.Compare)
	return out
}

// changed is v with the value at path replaced by another of its kind.
func changed(v any, path []string) any {
	switch v := v.(type) {
	case map[string]any:
		v[path[0]] = changed(v[path[0]], path[1:])
		return v
	case []any:
		var at int
		_, _ = fmt.Sscan(path[0], &at)
		v[at] = changed(v[at], path[1:])
		return v
	case float64:
		return v + 1
	case string:
		if at, err := time.Parse(time.RFC3339Nano, v); err == nil {
			return at.Add(time.Nanosecond).Format(time.RFC3339Nano)
		}
		return v + "x"
	}
	return v
}

// alterAnything changes one value anywhere in an entry.
func alterAnything(t *rapid.T, text []byte) []byte {
	var v any
	if err := json.Unmarshal(text, &v); err != nil {
		t.Fatal(err)
	}
	path := rapid.SampledFrom(places(v, nil)).Draw(t, "place")
	var out bytes.Buffer
	e := json.NewEncoder(&out)
	e.SetEscapeHTML(false)
	if err := e.Encode(changed(v, path)); err != nil {
		t.Fatal(err)
	}
	return bytes.TrimSpace(out.Bytes())
}

// swapped exchanges the numbers of two entries; sealed again, each is sound.
func swapped(t *rapid.T, texts [][]byte, i, j int, seal bool) {
	a, _, err := plan.ParseEntry(texts[i])
	if err != nil {
		t.Fatal(err)
	}
	b, _, err := plan.ParseEntry(texts[j])
	if err != nil {
		t.Fatal(err)
	}
	a.Seq, b.Seq, a.Prev, b.Prev = b.Seq, a.Seq, b.Prev, a.Prev
	if seal {
		a, b = plan.Seal(a, a.Seq-1, a.Prev), plan.Seal(b, b.Seq-1, b.Prev)
	}
	if texts[i], err = b.Text(); err != nil {
		t.Fatal(err)
	}
	if texts[j], err = a.Text(); err != nil {
		t.Fatal(err)
	}
}

func TestWhateverIsDoneToAChainIsFound(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		entries := rapid.SliceOfN(rapid.Custom(anEntry), 1, 6).Draw(t, "entries")
		for i := range entries {
			entries[i].Error += fmt.Sprint(i) // two that are the same could be swapped unseen, and without harm
		}
		j := journalOf(t, entries...)
		if found := j.check(t); len(found) > 0 {
			t.Fatalf("nothing was done, and found was %v", found)
		}
		n := len(j.entries)
		at := rapid.IntRange(0, n-1).Draw(t, "at")
		switch what := rapid.SampledFrom([]string{"remove", "alter", "swap", "truncate", "head"}).Draw(t, "what"); what {
		case "remove":
			j.entries, j.copies = slices.Delete(j.entries, at, at+1), slices.Delete(j.copies, at, at+1)
		case "alter":
			j.entries[at] = alterAnything(t, j.entries[at])
			j.copies[at] = j.entries[at]
		case "swap":
			other := rapid.IntRange(0, n-1).Draw(t, "other")
			if other == at {
				t.Skip("nothing to swap")
			}
			swapped(t, j.entries, at, other, rapid.Bool().Draw(t, "seal"))
			copy(j.copies, j.entries)
		case "truncate":
			j.entries, j.copies = j.entries[:at], j.copies[:at]
		case "head":
			j.head = rapid.SampledFrom([]*plan.Head{nil, {Seq: j.head.Seq + 1, Digest: j.head.Digest}, {Seq: j.head.Seq - 1, Digest: j.head.Digest}, {Seq: j.head.Seq, Digest: "x"}}).Draw(t, "head")
		}
		if found := j.check(t); len(found) == 0 {
			t.Fatal("nothing was found")
		}
	})
}
