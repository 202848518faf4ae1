package event

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// seed adds every file of testdata and what people send by mistake.
func seed(f *testing.F) {
	f.Helper()
	files, err := filepath.Glob("testdata/*.json")
	if err != nil || len(files) == 0 {
		f.Fatalf("no seeds: %v", err)
	}
	for _, file := range files {
		body, err := os.ReadFile(file)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(body)
		f.Add(body[:len(body)/2])
	}
	for _, body := range []string{"", "null", "[]", "{}", `{"detail-type":"Scheduled Event","source":"aws.events"}`,
		`{"studiokeeper":{"version":1,"scope":"user","userId":"u","trigger":{"time":"9999-12-31T23:59:59-23:59"}}}`} {
		f.Add([]byte(body))
	}
}

// checkLooks fails unless every look is complete, clean and survives a trip through the queue.
func checkLooks(t *testing.T, looks []Look) {
	t.Helper()
	for _, l := range looks {
		if err := l.check(); err != nil {
			t.Errorf("look %+v: %v", l, err)
		}
		back, err := Parse(l.Message())
		if err != nil {
			t.Fatalf("message %s: %v", l.Message(), err)
		}
		if diff := cmp.Diff([]Look{l}, back); diff != "" {
			t.Errorf("a message changed its look (-sent +received):\n%s", diff)
		}
	}
}

func FuzzParse(f *testing.F) {
	seed(f)
	f.Fuzz(func(t *testing.T, body []byte) {
		looks, err := Parse(body)
		if err != nil && len(looks) > 0 {
			t.Errorf("looks beside an error: %v, %v", looks, err)
		}
		checkLooks(t, looks)
	})
}

func FuzzParseBatch(f *testing.F) {
	seed(f)
	f.Fuzz(func(t *testing.T, payload []byte) {
		b, err := ParseBatch(payload)
		if err != nil && len(b.Records) > 0 {
			t.Errorf("records beside an error: %v, %v", b.Records, err)
		}
		for _, r := range b.Records {
			if r.Err != nil && len(r.Looks) > 0 {
				t.Errorf("looks beside an error: %v, %v", r.Looks, r.Err)
			}
			if r.Err == nil && r.ID == "" && b.Kind != Direct {
				t.Errorf("a good record that could never be reported: %s", r.Body)
			}
			checkLooks(t, r.Looks)
		}
	})
}
