package localcloud

import (
	"cmp"
	"iter"
	"slices"
	"sort"
)

// blockSize is how many entries a block of an ordered map holds at most.
const blockSize = 512

// ordered maps keys to values in the order of its keys. Finding is logarithmic and inserting moves at
// most one block, so that hundreds of thousands of items are no burden. The zero value is empty.
type ordered[K cmp.Ordered, V any] struct {
	blocks [][]entry[K, V]
	count  int
}

type entry[K cmp.Ordered, V any] struct {
	key   K
	value V
}

// seek gives the place of the first entry whose key is not before key.
func (o *ordered[K, V]) seek(key K) (block, at int) {
	block = sort.Search(len(o.blocks), func(i int) bool {
		b := o.blocks[i]
		return b[len(b)-1].key >= key
	})
	if block == len(o.blocks) {
		return block, 0
	}
	at, _ = slices.BinarySearchFunc(o.blocks[block], key, func(e entry[K, V], key K) int { return cmp.Compare(e.key, key) })
	return block, at
}

func (o *ordered[K, V]) get(key K) (v V, ok bool) {
	b, i := o.seek(key)
	if b == len(o.blocks) || o.blocks[b][i].key != key {
		return v, false
	}
	return o.blocks[b][i].value, true
}

func (o *ordered[K, V]) set(key K, v V) {
	if o.comesLast(key) {
		o.push(entry[K, V]{key, v})
		return
	}
	b, i := o.seek(key)
	if o.blocks[b][i].key == key {
		o.blocks[b][i].value = v
		return
	}
	o.blocks[b] = slices.Insert(o.blocks[b], i, entry[K, V]{key, v})
	o.count++
	if len(o.blocks[b]) > blockSize {
		o.split(b)
	}
}

// comesLast reports whether a key is greater than all that are there: keys often come in order.
func (o *ordered[K, V]) comesLast(key K) bool {
	if len(o.blocks) == 0 {
		return true
	}
	last := o.blocks[len(o.blocks)-1]
	return last[len(last)-1].key < key
}

// push adds an entry at the end.
func (o *ordered[K, V]) push(e entry[K, V]) {
	last := len(o.blocks) - 1
	if last < 0 || len(o.blocks[last]) >= blockSize {
		o.blocks, last = append(o.blocks, nil), last+1
	}
	o.blocks[last] = append(o.blocks[last], e)
	o.count++
}

// split halves a full block.
func (o *ordered[K, V]) split(b int) {
	full, at := o.blocks[b], blockSize/2
	right := slices.Clone(full[at:])
	clear(full[at:])
	o.blocks[b] = full[:at]
	o.blocks = slices.Insert(o.blocks, b+1, right)
}

func (o *ordered[K, V]) remove(key K) {
	b, i := o.seek(key)
	if b == len(o.blocks) || o.blocks[b][i].key != key {
		return
	}
	o.blocks[b] = slices.Delete(o.blocks[b], i, i+1)
	o.count--
	if len(o.blocks[b]) == 0 {
		o.blocks = slices.Delete(o.blocks, b, b+1)
	}
}

// from runs forward over the entries with low <= key < high; a zero high is no bound.
func (o *ordered[K, V]) from(low, high K) iter.Seq2[K, V] {
	return func(yield func(K, V) bool) {
		var unbounded K
		b, i := o.seek(low)
		for ; b < len(o.blocks); b, i = b+1, 0 {
			for ; i < len(o.blocks[b]); i++ {
				e := o.blocks[b][i]
				if high != unbounded && e.key >= high || !yield(e.key, e.value) {
					return
				}
			}
		}
	}
}

// back runs backward over the entries with low <= key < high; a zero high is no bound.
func (o *ordered[K, V]) back(low, high K) iter.Seq2[K, V] {
	return func(yield func(K, V) bool) {
		var unbounded K
		b, i := len(o.blocks), 0
		if high != unbounded {
			b, i = o.seek(high)
		}
		for {
			for i--; i >= 0; i-- {
				e := o.blocks[b][i]
				if e.key < low || !yield(e.key, e.value) {
					return
				}
			}
			if b--; b < 0 {
				return
			}
			i = len(o.blocks[b])
		}
	}
}
