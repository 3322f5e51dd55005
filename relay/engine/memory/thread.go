package memory

import (
	"hash/maphash"
	"slices"
	"sort"

	"github.com/tillbell/tillbell/relay"
)

// thread is the log of one payment. What was appended to entries is never changed, so readers share its array.
//
// A few event ids are compared one by one, which costs a cache miss or two each. For some more the marks are searched,
// sixteen to a cache line. Many are in a map.
type thread struct {
	payment string
	entries []relay.Entry
	marks   []uint32          // of the ids, in the order of entries; from some entries on
	ids     map[string]uint64 // sequences by event id; from many entries on
}

const (
	some = 4
	many = 256
)

// seed makes marks that nobody can foresee.
var seed = maphash.MakeSeed()

func mark(id string) uint32 { return uint32(maphash.String(seed, id)) }

func (t *thread) append(en relay.Entry) {
	t.entries = append(t.entries, en)
	switch n := len(t.entries); {
	case t.ids != nil:
		t.ids[en.Event.ID] = en.Position.Seq
	case n >= many:
		t.marks, t.ids = nil, make(map[string]uint64, 2*n)
		for i := range t.entries {
			t.ids[t.entries[i].Event.ID] = t.entries[i].Position.Seq
		}
	case t.marks != nil:
		t.marks = append(t.marks, mark(en.Event.ID))
	case n >= some:
		t.marks = make([]uint32, 0, 4*n)
		for i := range t.entries {
			t.marks = append(t.marks, mark(t.entries[i].Event.ID))
		}
	}
}

// find returns the retained entry with the event id, or nil.
func (t *thread) find(id string) *relay.Entry {
	if t.ids != nil {
		if seq, ok := t.ids[id]; ok {
			return t.entry(seq)
		}
		return nil
	}
	if t.marks != nil && !slices.Contains(t.marks, mark(id)) {
		return nil
	}
	for i := range t.entries {
		if t.entries[i].Event.ID == id {
			return &t.entries[i]
		}
	}
	return nil
}

// entry returns the entry with the sequence, which t must have. Most often it is the last one that is asked for.
func (t *thread) entry(seq uint64) *relay.Entry {
	if last := &t.entries[len(t.entries)-1]; last.Position.Seq == seq {
		return last
	}
	i := sort.Search(len(t.entries), func(i int) bool { return t.entries[i].Position.Seq >= seq })
	return &t.entries[i]
}

// removeFirst forgets the oldest entry.
func (t *thread) removeFirst() {
	delete(t.ids, t.entries[0].Event.ID)
	t.entries = t.entries[1:]
	if t.marks != nil {
		t.marks = t.marks[1:]
	}
}
