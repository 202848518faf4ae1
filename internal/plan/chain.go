package plan

import (
	"cmp"
	"fmt"
	"slices"
	"time"
)

// Link is what ties an entry into its user's chain.
type Link struct {
	Seq          int64
	Time         time.Time
	Prev, Digest string
	Sound        bool // Digest is that of what the entry says
}

// Head is the end of a user's chain, as it is recorded beside the entries.
type Head struct {
	Seq    int64
	Digest string
}

// Chain is all that the journal holds of one user, in any order: the entries,
// a copy of each under its day, and the head; nil when there is none.
type Chain struct {
	UserID string
	Head   *Head
	Links  []Link
	Copies []Link
}

// Damage is what is wrong with a journal.
type Damage string

// The kinds of damage.
const (
	Removed     Damage = "removed"      // an entry, or its copy, is gone
	Altered     Damage = "altered"      // an entry, or its copy, does not say what it said
	Forked      Damage = "forked"       // an entry does not follow the one before: replaced, put in, or in another order
	HeadMissing Damage = "head-missing" // the record of the chain's end is gone
	HeadAltered Damage = "head-altered" // the record of the chain's end does not fit the entries
	Stray       Damage = "stray"        // an item among the journal's that is not where, or what, we write
)

// Problem is one thing that is wrong with a journal.
type Problem struct {
	UserID string    `json:"userId,omitempty"`
	Seq    int64     `json:"seq,omitempty"`
	Time   time.Time `json:"time,omitzero"` // of the entry, where it is known
	What   Damage    `json:"what"`
	Text   string    `json:"text"`
}

// Check names everything that is wrong with a chain, in the order of its
// numbers. Times are not compared: clocks differ. A chain that was rewritten
// as a whole, with its copies and head, is in order.
func (c Chain) Check() []Problem {
	k := checker{chain: c, entries: bySeq(c.Links), copies: bySeq(c.Copies)}
	k.unsound()
	last, ends := k.walk()
	k.end(last, ends)
	k.compare()
	slices.SortStableFunc(k.found, func(a, b Problem) int { return cmp.Compare(a.Seq, b.Seq) })
	return k.found
}

// checker collects what is wrong with one chain.
type checker struct {
	chain           Chain
	entries, copies map[int64][]Link
	found           []Problem
}

func bySeq(links []Link) map[int64][]Link {
	by := make(map[int64][]Link, len(links))
	for _, l := range links {
		by[l.Seq] = append(by[l.Seq], l)
	}
	return by
}

func (k *checker) find(what Damage, l Link, format string, args ...any) {
	k.found = append(k.found, Problem{UserID: k.chain.UserID, Seq: l.Seq, Time: l.Time, What: what, Text: fmt.Sprintf(format, args...)})
}

// unsound finds entries and copies that do not say what they said.
func (k *checker) unsound() {
	for _, l := range k.chain.Links {
		switch {
		case !l.Sound:
			k.find(Altered, l, "entry %d does not say what its digest was made of", l.Seq)
		case l.Seq < 1:
			k.find(Altered, l, "an entry has the number %d, and entries begin with 1", l.Seq)
		}
	}
	for _, l := range k.chain.Copies {
		if !l.Sound {
			k.find(Altered, l, "the copy of entry %d under its day does not say what its digest was made of", l.Seq)
		}
	}
}

// walk follows the chain from its first entry. It answers the last number and
// the digests that an entry of that number has.
func (k *checker) walk() (last int64, ends []string) {
	links := slices.SortedFunc(slices.Values(k.chain.Links), func(a, b Link) int {
		return cmp.Or(cmp.Compare(a.Seq, b.Seq), a.Time.Compare(b.Time))
	})
	ends = []string{""}
	before := ends
	for _, l := range links {
		switch {
		case l.Seq < 1:
			continue
		case l.Seq == last:
			k.find(Forked, l, "there is more than one entry %d", l.Seq)
			ends = append(ends, l.Digest)
			continue
		case l.Seq > last+1:
			k.gone(last+1, l.Seq-1)
			before = k.digests(l.Seq - 1)
		default:
			before = ends
		}
		if len(before) > 0 && !slices.Contains(before, l.Prev) {
			k.find(Forked, l, "entry %d does not follow what is entry %d now: one of the two was replaced, or their order changed", l.Seq, l.Seq-1)
		}
		last, ends = l.Seq, []string{l.Digest}
	}
	return last, ends
}

// digests are those that the copies of an entry give.
func (k *checker) digests(seq int64) []string {
	var all []string
	for _, l := range k.copies[seq] {
		all = append(all, l.Digest)
	}
	return all
}

// end compares the last entry with the head, and with the last copy.
func (k *checker) end(last int64, ends []string) {
	head, top := k.chain.Head, last
	for seq := range k.copies {
		top = max(top, seq)
	}
	at := Link{Seq: last}
	switch {
	case head == nil && top > 0:
		k.find(HeadMissing, at, "the record of the chain's end is gone: the next entry begins a new chain")
	case head == nil:
	case head.Seq < last:
		k.find(HeadAltered, at, "the record of the chain's end says that it has %d entries, and there are %d", head.Seq, last)
	case head.Seq == last && !slices.Contains(ends, head.Digest):
		k.find(HeadAltered, at, "the record of the chain's end does not fit entry %d: one of the two was replaced", last)
	}
	if head != nil {
		top = max(top, head.Seq)
	}
	if top > last {
		k.gone(last+1, top)
	}
}

func (k *checker) gone(first, last int64) {
	at := Link{Seq: first}
	kept := ""
	if copies := k.copies[first]; len(copies) > 0 {
		at.Time, kept = copies[0].Time, "; the copy under its day is still there"
	}
	if first == last {
		k.find(Removed, at, "entry %d is gone%s", first, kept)
		return
	}
	k.find(Removed, at, "entries %d to %d are gone%s", first, last, kept)
}

// compare holds every entry against its copy. One that is gone as a whole was
// found before.
func (k *checker) compare() {
	for _, l := range k.chain.Links {
		switch copies := k.digests(l.Seq); {
		case l.Seq < 1:
		case len(copies) == 0:
			k.find(Removed, l, "the copy of entry %d under its day is gone", l.Seq)
		case !slices.Contains(copies, l.Digest):
			k.find(Altered, l, "entry %d and its copy under its day do not match: one of the two was replaced", l.Seq)
		}
	}
	for seq, copies := range k.copies {
		if len(copies) > 1 && len(k.entries[seq]) < len(copies) {
			k.find(Forked, copies[1], "entry %d has %d copies", seq, len(copies))
		}
	}
}
