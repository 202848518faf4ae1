package localcloud

import (
	"cmp"
	"iter"
	"slices"
	"sort"
	"strings"
	"time"

	"studiokeeper/internal/localcloud/studioapi"
)

// taggedResource is a resource that is or was tagged, as GetResources shows it.
type taggedResource struct {
	arn  string
	kind string // such as sagemaker:user-profile
	tags []studioapi.Tag
	seq  uint64 // its place in every list
}

// taggedList is tagged resources in the order in which they were first tagged.
type taggedList = ordered[uint64, *taggedResource]

// tagIndex is what GetResources knows of one account and Region. It hears of every change, and shows it
// after the lag. Lists by kind, key, and key and value keep a page from costing more than a page.
type tagIndex struct {
	lag     time.Duration
	pending []tagChange // by when they show
	byARN   map[string]*taggedResource
	last    uint64
	all     taggedList
	kinds   map[string]*taggedList
	keys    map[string]*taggedList
	pairs   map[[2]string]*taggedList
}

// tagChange gives a resource other tags, or says that it is gone.
type tagChange struct {
	due  time.Time
	arn  string
	tags []studioapi.Tag // must not be changed any more
	gone bool
}

// tagged notes the tags that a resource has from at on.
func (x *tagIndex) tagged(arn string, tags []studioapi.Tag, at time.Time) {
	x.note(tagChange{due: at, arn: arn, tags: tags})
}

// gone notes that a resource was deleted.
func (x *tagIndex) gone(arn string, at time.Time) {
	x.note(tagChange{due: at, arn: arn, gone: true})
}

func (x *tagIndex) note(change tagChange) {
	if x.lag <= 0 {
		x.apply(change)
		return
	}
	change.due = change.due.Add(x.lag)
	at := sort.Search(len(x.pending), func(i int) bool { return x.pending[i].due.After(change.due) })
	x.pending = slices.Insert(x.pending, at, change)
}

// catchUp applies the changes whose lag is over.
func (x *tagIndex) catchUp(now time.Time) {
	shown := 0
	for shown < len(x.pending) && !now.Before(x.pending[shown].due) {
		x.apply(x.pending[shown])
		shown++
	}
	x.pending = slices.Delete(x.pending, 0, shown)
}

// apply makes a change visible. What never had a tag is not there.
func (x *tagIndex) apply(change tagChange) {
	r := x.byARN[change.arn]
	switch {
	case r == nil && (change.gone || len(change.tags) == 0):
		return
	case r == nil:
		r = x.enter(change.arn)
	default:
		x.unlist(r)
	}
	if change.gone {
		delete(x.byARN, r.arn)
		x.all.remove(r.seq)
		x.kinds[r.kind].remove(r.seq)
		return
	}
	r.tags = change.tags
	for _, t := range r.tags {
		list(&x.keys, *t.Key).set(r.seq, r)
		list(&x.pairs, [2]string{*t.Key, *t.Value}).set(r.seq, r)
	}
}

func (x *tagIndex) enter(arn string) *taggedResource {
	x.last++
	kind, _, _ := strings.Cut(strings.SplitN(arn, ":", 6)[5], "/")
	r := &taggedResource{arn: arn, kind: "sagemaker:" + kind, seq: x.last}
	if x.byARN == nil {
		x.byARN = map[string]*taggedResource{}
	}
	x.byARN[arn] = r
	x.all.set(r.seq, r)
	list(&x.kinds, r.kind).set(r.seq, r)
	return r
}

// unlist takes a resource out of the lists of its tags.
func (x *tagIndex) unlist(r *taggedResource) {
	for _, t := range r.tags {
		unlist(x.keys, *t.Key, r.seq)
		unlist(x.pairs, [2]string{*t.Key, *t.Value}, r.seq)
	}
}

// list is the list under a key, made if it is not there.
func list[K comparable, V any](lists *map[K]*ordered[uint64, V], key K) *ordered[uint64, V] {
	if *lists == nil {
		*lists = map[K]*ordered[uint64, V]{}
	}
	if (*lists)[key] == nil {
		(*lists)[key] = &ordered[uint64, V]{}
	}
	return (*lists)[key]
}

// unlist takes something out of the list under a key, and the list away when it is empty.
func unlist[K comparable, V any](lists map[K]*ordered[uint64, V], key K, seq uint64) {
	l := lists[key]
	if l == nil {
		return
	}
	if l.remove(seq); l.count == 0 {
		delete(lists, key)
	}
}

// tagQuery is what GetResources looks for: one of the kinds, and every filter.
type tagQuery struct {
	kinds   []string
	filters []tagFilter
}

// tagFilter wants a key with one of the values; none: any value.
type tagFilter struct {
	key    string
	values []string
}

func (q tagQuery) matches(r *taggedResource) bool {
	if len(q.kinds) > 0 && !slices.Contains(q.kinds, r.kind) {
		return false
	}
	for _, f := range q.filters {
		if !slices.ContainsFunc(r.tags, f.matches) {
			return false
		}
	}
	return true
}

func (f tagFilter) matches(t studioapi.Tag) bool {
	return *t.Key == f.key && (len(f.values) == 0 || slices.Contains(f.values, *t.Value))
}

// fewTagged is how many resources of several tag values are rather collected than looked for.
const fewTagged = 1000

// after runs over the resources after a position that a query may want, in order: the shortest of the lists
// that hold all of those.
func (x *tagIndex) after(q tagQuery, position uint64) iter.Seq2[uint64, *taggedResource] {
	shortest := &x.all
	consider := func(l *taggedList) {
		if l == nil {
			l = &taggedList{}
		}
		if l.count < shortest.count {
			shortest = l
		}
	}
	if len(q.kinds) == 1 {
		consider(x.kinds[q.kinds[0]])
	}
	for _, f := range q.filters {
		consider(x.keys[f.key])
		consider(x.valued(f))
	}
	return shortest.from(position+1, 0)
}

// valued is the resources that a filter with values wants; if there are too many to collect, everything.
func (x *tagIndex) valued(f tagFilter) *taggedList {
	if len(f.values) == 0 {
		return &x.all
	}
	if len(f.values) == 1 {
		return x.pairs[[2]string{f.key, f.values[0]}]
	}
	found := &taggedList{}
	for _, value := range f.values {
		l := x.pairs[[2]string{f.key, value}]
		if l == nil {
			continue
		}
		if found.count+l.count > fewTagged {
			return &x.all
		}
		for seq, r := range l.from(0, 0) {
			found.set(seq, r)
		}
	}
	return found
}

// page lists up to most resources after a position, limited to so many tags, and the position to go on
// after: 0 when there is nothing more. A resource without tags counts as one tag.
func (x *tagIndex) page(q tagQuery, position uint64, most, tags int) (found []*taggedResource, next uint64) {
	for _, r := range x.after(q, position) {
		if !q.matches(r) {
			continue
		}
		tags -= max(1, len(r.tags))
		if len(found) == most || tags < 0 && len(found) > 0 {
			return found, found[len(found)-1].seq
		}
		found = append(found, r)
	}
	return found, 0
}

// named finds resources by their ARNs, in order.
func (x *tagIndex) named(arns []string) []*taggedResource {
	var found []*taggedResource
	for _, arn := range arns {
		if r := x.byARN[arn]; r != nil && !slices.Contains(found, r) {
			found = append(found, r)
		}
	}
	slices.SortFunc(found, func(a, b *taggedResource) int { return cmp.Compare(a.seq, b.seq) })
	return found
}
