package disk

import (
	"errors"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/sstable"
	"github.com/cockroachdb/pebble/v2/sstable/block"
)

// table reads a table: from both ends to the first block that cannot be read, and between these by trying here and
// there.
func (s *salvage) table(path string) (damage, err error) {
	r, damage := openTable(s.fs, path)
	if damage != nil {
		return damage, nil
	}
	defer r.Close()
	it, damage := r.NewIter(block.NoTransforms, nil, nil, sstable.AssertNoBlobHandles)
	if damage != nil {
		return damage, nil
	}
	defer it.Close()
	t := table{salvage: s, it: it, tries: 256}
	for _, kind := range []byte{kindMeta, kindID} {
		t.up([]byte{kind})
	}
	if !s.scouts {
		t.entries()
	}
	return t.damage, t.err
}

// table is a table that is being read.
type table struct {
	*salvage
	it     sstable.Iterator
	tries  int // how often what cannot be read may still be tried, for each costs a search for the flipped bit
	damage error
	err    error // of the copy
}

// up takes what there is of the key's kind from the key on, and down what lies before it. They return the last sequence
// that was read, and whether the table can be read no further.
func (t *table) up(from []byte) (at uint64, bad bool)     { return t.run(from[0], from, true) }
func (t *table) down(before []byte) (at uint64, bad bool) { return t.run(kindEntry, before, false) }

func (t *table) run(kind byte, key []byte, up bool) (at uint64, bad bool) {
	kv, next := t.it.SeekGE(key, 0), t.it.Next
	if !up {
		kv, next = t.it.SeekLT(key, 0), t.it.Prev
	}
	for ; kv != nil && len(kv.K.UserKey) > 0 && kv.K.UserKey[0] == kind; kv = next() {
		if seq, err := entrySeq(kv.K.UserKey); err == nil {
			at = seq
		}
		if kv.K.Kind() != pebble.InternalKeyKindSet && kv.K.Kind() != pebble.InternalKeyKindSetWithDelete {
			continue
		}
		value, _, err := kv.Value(nil)
		if err == nil {
			err = t.take(kv.K.UserKey, value)
		}
		var copied errCopy
		if errors.As(err, &copied) {
			t.err = copied
			return at, false
		}
		if err != nil {
			t.damage = err
		}
	}
	if err := t.it.Error(); kv == nil && err != nil {
		t.damage = err
		return at, true
	}
	return at, false
}

// entries takes all entries that can be read.
func (t *table) entries() {
	lo, bad := t.up([]byte{kindEntry})
	if !bad {
		return
	}
	hi, _ := t.down([]byte{kindEntry + 1})
	const near = 2048 // where an end is not known
	switch {
	case lo == 0 && hi == 0:
		return
	case lo == 0:
		lo = hi - min(hi, near)
	case hi == 0:
		hi = lo + near
	}
	t.between(lo, hi)
}

// between looks for entries between two sequences that could be read and the blocks beside them that could not. Fewer
// than some entries in a block of their own may be overlooked.
func (t *table) between(lo, hi uint64) {
	const some = 4
	if hi <= lo+some || t.tries == 0 || t.err != nil {
		return
	}
	t.tries--
	mid := lo + (hi-lo)/2
	if t.it.SeekGE(entryKey(mid), 0) == nil {
		t.between(lo, mid)
		t.between(mid, hi)
		return
	}
	up, _ := t.up(entryKey(mid))
	down, _ := t.down(entryKey(mid))
	if down == 0 {
		down = mid
	}
	t.between(lo, down)
	t.between(max(up, mid), hi)
}
