package disk

import (
	"bytes"
	"testing"

	"github.com/cockroachdb/pebble/v2"

	"github.com/tillbell/tillbell/relay/engine/codec"
)

// FuzzStored reads bytes as whatever may lie on disk: nothing panics, and what is read is written as it was.
func FuzzStored(f *testing.F) {
	ev := event("order-1", "e")
	f.Add(appendEntry(nil, 7, ev, true))
	f.Add(entryKey(9))
	f.Add(place{3, 4}.bytes())
	f.Add(mark{1, 2, 3}.bytes())
	f.Add(span{1, 2}.bytes())
	f.Add(identity(version, "abc"))
	f.Add(bounds{5, 6}.text())
	f.Add([]byte("\x00\x00\x00\x00\x00\x00\x00\x00\x01\x00\x00\x00\x00\x00\x02")) // a group that is cut
	f.Fuzz(func(t *testing.T, b []byte) {
		if age, ev, stamped, err := parseEntry(b); err == nil {
			again, back, flag, err := parseEntry(appendEntry(nil, age, ev, stamped))
			if err != nil || again != age || back != ev || flag != stamped {
				t.Errorf("entry %d %+v %v reads back as %d %+v %v, error %v", age, ev, stamped, again, back, flag, err)
			}
		}
		if seq, err := entrySeq(b); err == nil && !bytes.Equal(entryKey(seq), b) {
			t.Errorf("key %x is read as %d", b, seq)
		}
		if p, err := parsePlace(b); err == nil && p.stamp != 0 && !bytes.Equal(p.bytes(), b) {
			t.Errorf("place %x is read as %+v", b, p)
		}
		if m, err := parseMark(b); err == nil && !bytes.Equal(m.bytes(), b) {
			t.Errorf("mark %x is read as %+v", b, m)
		}
		if s, err := parseSpan(b); err == nil && !bytes.Equal(s.bytes(), b) {
			t.Errorf("span %x is read as %+v", b, s)
		}
		if v, epoch, err := parseIdentity(b); err == nil && !bytes.Equal(identity(v, epoch), b) {
			t.Errorf("identity %q is read as %d %q", b, v, epoch)
		}
		if s, err := parseBounds(b); err == nil && !bytes.Equal(s.text(), b) {
			t.Errorf("bounds %q are read as %+v", b, s)
		}
		_ = eachSet(b, func([]byte, []byte) error { return nil })
	})
}

// FuzzLogFile reads a log file that was changed: what is found are records that were written, in their order.
func FuzzLogFile(f *testing.F) {
	f.Add(uint32(3), uint32(100), byte(1))
	f.Add(uint32(40_000), uint32(32_768), byte(0x80))
	data, whole := logOf(f)
	f.Fuzz(func(t *testing.T, at, cut uint32, flip byte) {
		changed := bytes.Clone(data)
		changed[at%uint32(len(data))] ^= flip
		changed = changed[:len(data)-int(cut)%len(data)]
		found, _ := records(changed, 7)
		next := 0
		for _, r := range found {
			for next < len(whole) && !bytes.Equal(whole[next], r) {
				next++
			}
			if next == len(whole) {
				t.Fatalf("a record was found that was never written: %.40x", r)
			}
			next++
		}
	})
}

// FuzzKeys keeps the ids of payments apart.
func FuzzKeys(f *testing.F) {
	f.Add("a", "b:c", "a:b", "c")
	f.Add("\xff\xff", "", "\xff", "\xff")
	f.Fuzz(func(t *testing.T, payment, id, payment2, id2 string) {
		a, b := idKey(payment, id), idKey(payment2, id2)
		if bytes.Equal(a, b) != (payment == payment2 && id == id2) {
			t.Errorf("%q %q and %q %q have the keys %x and %x", payment, id, payment2, id2, a, b)
		}
		from := idPrefix(payment)
		in := pebble.DefaultComparer.Compare(b, from) >= 0 && pebble.DefaultComparer.Compare(b, after(from)) < 0
		if in != (payment == payment2) {
			t.Errorf("the key of %q %q is among those of %q: %v", payment2, id2, payment, in)
		}
		if _, _, err := codec.Decode(a); err == nil {
			t.Errorf("a key is read as an event: %x", a)
		}
	})
}
