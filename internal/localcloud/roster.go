package localcloud

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"slices"
	"strings"
)

// roster keeps things by id in the order they were added, which is the order lists show them in. A page
// continues after a thing even when that has been removed since.
type roster[T any] struct {
	byID map[string]*rosterRow[T]
	rows []*rosterRow[T]
	last uint64
}

type rosterRow[T any] struct {
	id    string
	seq   uint64
	value *T
}

func (r *roster[T]) len() int { return len(r.rows) }

func (r *roster[T]) get(id string) *T {
	if r == nil || r.byID[id] == nil {
		return nil
	}
	return r.byID[id].value
}

func (r *roster[T]) add(id string, value *T) {
	if r.byID == nil {
		r.byID = map[string]*rosterRow[T]{}
	}
	r.last++
	row := &rosterRow[T]{id: id, seq: r.last, value: value}
	r.byID[id], r.rows = row, append(r.rows, row)
}

func (r *roster[T]) remove(id string) {
	row := r.byID[id]
	if row == nil {
		return
	}
	delete(r.byID, id)
	at := r.from(row.seq)
	r.rows = slices.Delete(r.rows, at, at+1)
}

// from is the index of the first row whose sequence number is seq or more.
func (r *roster[T]) from(seq uint64) int {
	at, _ := slices.BinarySearchFunc(r.rows, seq, func(row *rosterRow[T], seq uint64) int {
		switch {
		case row.seq < seq:
			return -1
		case row.seq > seq:
			return 1
		}
		return 0
	})
	return at
}

// all lists everything, in order.
func (r *roster[T]) all() []*T {
	if r == nil {
		return nil
	}
	values := make([]*T, 0, len(r.rows))
	for _, row := range r.rows {
		values = append(values, row.value)
	}
	return values
}

// page lists up to most things after the sequence number that keep wants, and the sequence number to go on
// after: 0 when there is nothing more.
func (r *roster[T]) page(after uint64, most int, keep func(*T) bool) (found []*T, next uint64) {
	if r == nil {
		return nil, 0
	}
	for _, row := range r.rows[r.from(after+1):] {
		if keep != nil && !keep(row.value) {
			continue
		}
		if len(found) == most {
			return found, next
		}
		found, next = append(found, row.value), row.seq
	}
	return found, 0
}

// pageToken is where a list goes on, readable only by the list that issued it: query tells what was listed.
func pageToken(next uint64, query ...string) *string {
	if next == 0 {
		return nil
	}
	raw := binary.BigEndian.AppendUint64(queryDigest(query), next)
	token := base64.RawURLEncoding.EncodeToString(raw)
	return &token
}

// pageStart reads a token; an empty one starts at the beginning. ok is false for what pageToken did not
// issue for the same query.
func pageStart(token *string, query ...string) (after uint64, ok bool) {
	if token == nil {
		return 0, true
	}
	raw, err := base64.RawURLEncoding.DecodeString(*token)
	digest := queryDigest(query)
	if err != nil || len(raw) != len(digest)+8 || string(raw[:len(digest)]) != string(digest) {
		return 0, false
	}
	return binary.BigEndian.Uint64(raw[len(digest):]), true
}

func queryDigest(query []string) []byte {
	sum := sha256.Sum256([]byte(strings.Join(query, "\x00")))
	return sum[:12]
}
