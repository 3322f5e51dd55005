package disk

import (
	"encoding/binary"
	"errors"
	"fmt"
	"time"

	"github.com/tillbell/tillbell/relay"
	"github.com/tillbell/tillbell/relay/engine/codec"
)

// The kinds of keys, which are their first bytes.
//
//	'i' payment length, payment, event id → sequence, and the time of the append if the event has it
//	'l' sequence                          → age stamp, event
//	'm' name                              → what concerns the log as a whole
//
// Numbers are big-endian, so that the entries of the log lie in its order. An entry is written once and never changed.
const (
	kindID    = 'i'
	kindEntry = 'l'
	kindMeta  = 'm'
)

var (
	keyEpoch = []byte{kindMeta, 'e'}
	keyMark  = []byte{kindMeta, 'm'} // a mark
	keyFirst = []byte{kindMeta, 'f'} // the sequence before which all has expired
	keyHole  = []byte{kindMeta, 'h'} // the sequences that were skipped when damage was mended, first and last
)

var errDamaged = errors.New("the stored form is damaged")

func entryKey(seq uint64) []byte {
	return binary.BigEndian.AppendUint64([]byte{kindEntry}, seq)
}

// entrySeq returns the sequence of an entry's key.
func entrySeq(key []byte) (uint64, error) {
	if len(key) != 9 || key[0] != kindEntry {
		return 0, fmt.Errorf("key of an entry: %w", errDamaged)
	}
	return binary.BigEndian.Uint64(key[1:]), nil
}

// idPrefix returns what the keys of a payment's ids begin with. The length keeps one payment from being the beginning
// of another.
func idPrefix(payment string) []byte {
	key := make([]byte, 0, 48+len(payment))
	key = append(key, kindID)
	key = binary.AppendUvarint(key, uint64(len(payment)))
	return append(key, payment...)
}

func idKey(payment, id string) []byte { return append(idPrefix(payment), id...) }

// after returns the smallest key behind all that begin with prefix, whose first byte is a kind.
func after(prefix []byte) []byte {
	end := append([]byte(nil), prefix...)
	for i := len(end) - 1; ; i-- {
		if end[i]++; end[i] != 0 {
			return end[:i+1]
		}
	}
}

// place is where an id's entry is, and the time of its append in nanoseconds since 1970 if the event has that.
type place struct {
	seq   uint64
	stamp int64
}

func (p place) bytes() []byte {
	b := binary.BigEndian.AppendUint64(make([]byte, 0, 16), p.seq)
	if p.stamp != 0 {
		b = binary.BigEndian.AppendUint64(b, uint64(p.stamp))
	}
	return b
}

func parsePlace(b []byte) (place, error) {
	switch len(b) {
	case 8:
		return place{seq: binary.BigEndian.Uint64(b)}, nil
	case 16:
		return place{binary.BigEndian.Uint64(b), int64(binary.BigEndian.Uint64(b[8:]))}, nil
	}
	return place{}, fmt.Errorf("place of an id: %w", errDamaged)
}

// appendEntry adds the stored form of an entry: its age stamp, which is the log's clock at the append, and its event.
func appendEntry(dst []byte, age int64, ev relay.Event, stamped bool) []byte {
	dst = binary.BigEndian.AppendUint64(dst, uint64(age))
	return codec.Append(dst, ev, stamped)
}

func parseEntry(b []byte) (age int64, ev relay.Event, stamped bool, err error) {
	if age, err = parseAge(b); err != nil {
		return 0, ev, false, err
	}
	ev, stamped, err = codec.Decode(b[8:])
	return age, ev, stamped, err
}

func parseAge(b []byte) (int64, error) {
	if len(b) < 8 {
		return 0, fmt.Errorf("entry: %w", errDamaged)
	}
	return int64(binary.BigEndian.Uint64(b)), nil
}

// mark is written with every group of entries: where the log ends, and what the clocks said.
type mark struct {
	last  uint64
	clock int64 // the log's
	wall  int64 // nanoseconds since 1970
}

func (m mark) bytes() []byte {
	b := binary.BigEndian.AppendUint64(make([]byte, 0, 24), m.last)
	b = binary.BigEndian.AppendUint64(b, uint64(m.clock))
	return binary.BigEndian.AppendUint64(b, uint64(m.wall))
}

func parseMark(b []byte) (mark, error) {
	if len(b) != 24 {
		return mark{}, fmt.Errorf("mark: %w", errDamaged)
	}
	return mark{binary.BigEndian.Uint64(b), int64(binary.BigEndian.Uint64(b[8:])), int64(binary.BigEndian.Uint64(b[16:]))}, nil
}

// span is a range of sequences, both ends of it included. The zero span is empty.
type span struct{ first, last uint64 }

func (s span) bytes() []byte {
	return binary.BigEndian.AppendUint64(binary.BigEndian.AppendUint64(nil, s.first), s.last)
}

func parseSpan(b []byte) (span, error) {
	if len(b) != 16 {
		return span{}, fmt.Errorf("span: %w", errDamaged)
	}
	return span{binary.BigEndian.Uint64(b), binary.BigEndian.Uint64(b[8:])}, nil
}

// clock is the log's own time, by which entries age. It goes with the monotonic clock while the process runs, so that
// a step of the wall clock moves nothing, and over a restart by as much as the wall clock says has passed, but never
// back: that the wall clock was changed while nobody looked cannot be known.
type clock struct {
	base  int64
	began time.Time
}

// resume returns a clock that goes on from m, or begins if there was none.
func resume(m mark, newest int64) clock {
	now := time.Now()
	base := now.UnixNano()
	if m.clock != 0 {
		base = m.clock + max(0, base-m.wall)
	}
	return clock{base: max(base, newest), began: now}
}

func (c clock) now() int64 { return c.base + int64(time.Since(c.began)) }

// mark returns the mark of a log that ends at last.
func (c clock) mark(last uint64) mark {
	return mark{last: last, clock: c.now(), wall: time.Now().UnixNano()}
}
