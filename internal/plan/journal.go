package plan

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"time"
)

// Entry is one line of the journal: a change that was made, or refused, and
// why. Entries are never altered. Those of one user form a chain: each carries
// the digest of the one before, so that none can be taken out, altered or put
// elsewhere without the others showing it.
type Entry struct {
	Seq     int64     `json:"seq"` // 1, 2, … for each user; 0 before it is sealed
	Time    time.Time `json:"time"`
	Change  Change    `json:"change"`
	Outcome Outcome   `json:"outcome"`
	Error   string    `json:"error,omitempty"`
	Trigger Trigger   `json:"trigger"`
	Prev    string    `json:"prev"`   // digest of the user's previous entry; "" for the first
	Digest  string    `json:"digest"` // SHA-256 of the canonical JSON of all the rest, in hex
}

// Outcome is what became of a change.
type Outcome string

// The outcomes an entry records.
const (
	Done     Outcome = "done"
	Refused  Outcome = "refused"  // a conflict, or something unreadable: nothing was changed
	FailedAt Outcome = "failed"   // AWS refused; Entry.Error says what
	Later    Outcome = "deferred" // wanted, but not now, or not in this mode
	HeldBack Outcome = "held"     // over the limit of removals: it waits for a person
	Begun    Outcome = "begun"    // a part of it is done; the rest takes its time
)

// Trigger says what made us look.
type Trigger struct {
	Kind string `json:"kind"` // event, schedule, look, person
	ID   string `json:"id,omitempty"`
	Name string `json:"name,omitempty"`
}

// Seal makes e the entry that follows the one with this number and digest; 0
// and "" before the first. A time that JSON cannot hold leaves it without a
// digest; Text says so.
func Seal(e Entry, prevSeq int64, prevDigest string) Entry {
	e.Seq, e.Prev, e.Digest = prevSeq+1, prevDigest, ""
	e.Time = e.Time.UTC().Round(0)
	if text, err := json.Marshal(e); err == nil {
		e.Digest, _ = digest(text) // what was marshalled can be read
	}
	return e
}

// Text is the entry as canonical JSON: sorted names, no white space, nothing
// escaped that need not be.
func (e Entry) Text() ([]byte, error) {
	text, err := json.Marshal(e)
	if err != nil {
		return nil, fmt.Errorf("entry %d of user %s: %w", e.Seq, e.Change.UserID, err)
	}
	return canonical(text, "")
}

// ParseEntry reads what Text wrote. The link is sound only if the digest is
// that of the rest, and the text is written exactly as Text writes it: a name
// written twice, say, could tell each reader something else.
func ParseEntry(text []byte) (Entry, Link, error) {
	var e Entry
	exact, err := canonical(text, "")
	if err == nil {
		err = json.Unmarshal(text, &e)
	}
	if err != nil {
		return Entry{}, Link{}, fmt.Errorf("not a journal entry: %w", err)
	}
	is, err := digest(text)
	if err != nil {
		return Entry{}, Link{}, err
	}
	l := Link{Seq: e.Seq, Time: e.Time, Prev: e.Prev, Digest: e.Digest}
	l.Sound = e.Digest != "" && is == e.Digest && bytes.Equal(exact, text)
	return e, l, nil
}

// digest is that of an entry's JSON without the digest in it.
func digest(text []byte) (string, error) {
	rest, err := canonical(text, "digest")
	if err != nil {
		return "", err
	}
	sum := sha256.Sum256(rest)
	return hex.EncodeToString(sum[:]), nil
}

// canonical rewrites a JSON object, leaving out the field of one name.
func canonical(text []byte, without string) ([]byte, error) {
	d := json.NewDecoder(bytes.NewReader(text))
	d.UseNumber()
	var fields map[string]any
	if err := d.Decode(&fields); err != nil {
		return nil, err
	}
	if _, err := d.Token(); fields == nil || !errors.Is(err, io.EOF) {
		return nil, errors.New("want one JSON object and nothing after it")
	}
	delete(fields, without)
	var out bytes.Buffer
	e := json.NewEncoder(&out)
	e.SetEscapeHTML(false)
	if err := e.Encode(fields); err != nil {
		return nil, err
	}
	return bytes.TrimSuffix(out.Bytes(), []byte("\n")), nil
}
