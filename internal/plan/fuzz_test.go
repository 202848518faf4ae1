package plan_test

import (
	"encoding/json"
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"studiokeeper/internal/plan"
)

// savedPlans are texts from which a search sets out.
func savedPlans(f *testing.F) (texts [][]byte) {
	for _, d := range []plan.Document{{Version: plan.DocumentVersion}, document(), {Version: plan.DocumentVersion, Only: []string{}, Domains: []plan.DomainPlan{{Error: "x"}}}} {
		text, err := json.Marshal(d.Sealed())
		if err != nil {
			f.Fatal(err)
		}
		texts = append(texts, text, text[:len(text)/2])
	}
	for _, text := range []string{"", "null", "[]", "{}", `{"version":2}`, `{"version":1}{}`, `{"version":1,"made":"9999-12-31T23:59:59.999999999-23:59"}`, `{"version":1,"Version":2,"VERSION":1}`} {
		texts = append(texts, []byte(text))
	}
	return texts
}

// FuzzParseDocument: a saved plan that is accepted is written and read again to the
// same; one that is not comes with nothing but the reason; and whatever can be
// sealed can be applied.
func FuzzParseDocument(f *testing.F) {
	for _, text := range savedPlans(f) {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		d, err := plan.ParseDocument(text)
		if err == nil {
			if d.Sealed().Digest != d.Digest {
				t.Errorf("accepted with a digest that is not its own: %s", text)
			}
			rewritten(t, d)
			return
		}
		if diff := cmp.Diff(plan.Document{}, d); diff != "" || !errors.Is(err, plan.ErrDocument) {
			t.Errorf("%v, and beside it %s", err, diff)
		}
		if json.Unmarshal(text, &d) == nil {
			d.Version = plan.DocumentVersion
			rewritten(t, d.Sealed())
		}
	})
}

// rewritten fails unless a plan comes back as it was written.
func rewritten(t *testing.T, d plan.Document) {
	t.Helper()
	text, err := json.Marshal(d)
	if err != nil {
		t.Fatal(err)
	}
	back, err := plan.ParseDocument(text)
	if err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	if diff := cmp.Diff(d, back, cmpopts.EquateEmpty()); diff != "" {
		t.Errorf("a saved plan came back changed (-saved +read):\n%s", diff)
	}
}

// FuzzParseEntry: what is read of a journal comes back from what is written of it,
// and no byte of an entry can be another one unseen.
func FuzzParseEntry(f *testing.F) {
	for n := range 3 {
		for _, text := range journalOf(f, entryAt(n), plan.Entry{}).entries {
			f.Add(text, n*100, byte('1'))
			f.Add(text[:len(text)-n], 7, byte('"'))
		}
	}
	for _, text := range []string{"", "null", "{}", `{"SEQ":1,"seq":2}`, `{"seq":-9223372036854775808}`, `{"time":"0000-01-01T00:00:00+23:59"}`, `{"time":"2026-03-02T12:00:00.000000007Z"}`, `{"seq":1} {}`, `{"prev":"\ud800"}`} {
		f.Add([]byte(text), 0, byte(' '))
	}
	f.Fuzz(func(t *testing.T, text []byte, at int, other byte) {
		e, l, err := plan.ParseEntry(text)
		if err != nil {
			if diff := cmp.Diff(plan.Entry{}, e) + cmp.Diff(plan.Link{}, l); diff != "" {
				t.Errorf("%v, and beside it %s", err, diff)
			}
			return
		}
		sealed := plan.Seal(e, e.Seq-1, e.Prev)
		written, err := sealed.Text()
		if err != nil {
			return // a time that JSON cannot hold in UTC
		}
		back, l, err := plan.ParseEntry(written)
		e.Time, e.Digest = e.Time.UTC(), sealed.Digest
		if diff := cmp.Diff(e, back, cmpopts.EquateEmpty()); err != nil || !l.Sound || diff != "" {
			t.Fatalf("%s: sound %v, %v (-written +read):\n%s", written, l.Sound, err, diff)
		}
		if at %= len(written); at >= 0 && written[at] != other {
			written[at] = other
			if _, l, err := plan.ParseEntry(written); err == nil && l.Sound {
				t.Errorf("byte %d was changed unseen: %s", at, written)
			}
		}
	})
}
