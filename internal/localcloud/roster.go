package localcloud

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"strings"
)

// roster keeps things by id in the order they were added, which is the order lists show them in. A page
// continues after a thing even when that has been removed since.
type roster[T any] struct {
	byID map[string]rosterRow[T]
	rows ordered[uint64, *T]
	last uint64
}

type rosterRow[T any] struct {
	seq   uint64
	value *T
}

func (r *roster[T]) get(id string) *T { return r.byID[id].value }

// add enters a thing under a new id and gives its place in the order.
func (r *roster[T]) add(id string, value *T) uint64 {
	if r.byID == nil {
		r.byID = map[string]rosterRow[T]{}
	}
	r.last++
	r.byID[id] = rosterRow[T]{seq: r.last, value: value}
	r.rows.set(r.last, value)
	return r.last
}

// remove takes a thing out and gives the place it had.
func (r *roster[T]) remove(id string) uint64 {
	row := r.byID[id]
	delete(r.byID, id)
	r.rows.remove(row.seq)
	return row.seq
}

// all lists everything, in order.
func (r *roster[T]) all() []*T { return values(&r.rows) }

// page lists up to most things after the sequence number that keep wants, and the sequence number to go on
// after: 0 when there is nothing more.
func (r *roster[T]) page(after uint64, most int, keep func(*T) bool) (found []*T, next uint64) {
	return pageOf(&r.rows, after, most, keep)
}

// named is a page of the one thing that has a name, given every name's id; a nil name wants all things.
func (r *roster[T]) named(ids map[string]string, name *string, after uint64, most int) (found []*T, next uint64) {
	if name == nil {
		return r.page(after, most, nil)
	}
	if row := r.byID[ids[*name]]; row.value != nil && row.seq > after {
		return []*T{row.value}, 0
	}
	return nil, 0
}

// values lists everything, in order.
func values[V any](rows *ordered[uint64, V]) []V {
	if rows == nil {
		return nil
	}
	list := make([]V, 0, rows.count)
	for _, v := range rows.from(0, 0) {
		list = append(list, v)
	}
	return list
}

// pageOf is a page of numbered things; a nil list is empty and a nil keep wants all.
func pageOf[V any](rows *ordered[uint64, V], after uint64, most int, keep func(V) bool) (found []V, next uint64) {
	if rows == nil {
		return nil, 0
	}
	for seq, v := range rows.from(after+1, 0) {
		if keep != nil && !keep(v) {
			continue
		}
		if len(found) == most {
			return found, next
		}
		found, next = append(found, v), seq
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
