package disk

import (
	"cmp"
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"io"
	"slices"
	"strconv"
	"strings"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/vfs"
)

// A log file of the store is made of blocks, a block of chunks, and a record of one chunk or several. A chunk is
//
//	checksum (4) | length (2) | type (1) | log number (4) | synced offset (8) | payload
//
// in little-endian, where the synced offset is how much of the file had been synced when the chunk was written (package
// record of github.com/cockroachdb/pebble/v2). The store reads a log up to the first chunk that is not whole and looks
// for later ones in other blocks alone, so that a flipped bit near the end would cost entries in silence. What is here
// finds every chunk that is whole.
const (
	logBlock    = 32 << 10
	chunkHeader = 19
	chunkFull   = 9
	chunkFirst  = 10
	chunkMiddle = 11
	chunkLast   = 12
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// chunk is a chunk that is whole.
type chunk struct {
	at, end int
	kind    byte
	payload []byte
}

// chunkAt returns the chunk at the offset, if one of the log with the number is there. A block that ends before it
// holds none.
func chunkAt(data []byte, at int, number uint32) (c chunk, ok bool) {
	end := min(len(data), (at/logBlock+1)*logBlock)
	if at+chunkHeader > end {
		return c, false
	}
	h := data[at:end]
	length := int(binary.LittleEndian.Uint16(h[4:]))
	if h[6] < chunkFull || h[6] > chunkLast || binary.LittleEndian.Uint32(h[7:]) != number || chunkHeader+length > len(h) {
		return c, false
	}
	sum := crc32.Checksum(h[6:chunkHeader+length], castagnoli)
	if (sum>>15|sum<<17)+0xa282ead8 != binary.LittleEndian.Uint32(h) {
		return c, false
	}
	return chunk{
		at: at, end: at + chunkHeader + length, kind: h[6], payload: h[chunkHeader : chunkHeader+length],
	}, true
}

// chunks calls do for each chunk that is whole, with whether it follows another one or the file's beginning.
func chunks(data []byte, number uint32, do func(c chunk, follows bool)) {
	follows := true
	for at := 0; at < len(data); {
		c, ok := chunkAt(data, at, number)
		switch {
		case ok:
			do(c, follows)
			at, follows = c.end, true
		case blockEnds(data, at): // padding
			at = (at/logBlock + 1) * logBlock
		default:
			at, follows = at+1, false
		}
	}
}

// blockEnds reports whether nothing but zeroes, fewer than a chunk, are left of the block.
func blockEnds(data []byte, at int) bool {
	end := min(len(data), (at/logBlock+1)*logBlock)
	if end-at >= chunkHeader {
		return false
	}
	for _, b := range data[at:end] {
		if b != 0 {
			return false
		}
	}
	return true
}

// records returns the records of a log file that are whole, and whether something between them is not.
func records(data []byte, number uint64) (records [][]byte, damaged bool) {
	var record []byte
	open := false
	chunks(data, uint32(number), func(c chunk, follows bool) {
		damaged = damaged || !follows
		open = open && follows
		switch {
		case c.kind == chunkFull:
			records, open = append(records, c.payload), false
		case c.kind == chunkFirst:
			record, open = append([]byte(nil), c.payload...), true
		case open:
			record = append(record, c.payload...)
			if c.kind == chunkLast {
				records, open = append(records, record), false
			}
		}
	})
	return records, damaged
}

// logNumber returns the number of a log file of the store.
func logNumber(name string) (number uint64, ok bool) {
	digits, ok := strings.CutSuffix(name, ".log")
	number, err := strconv.ParseUint(digits, 10, 64)
	return number, ok && err == nil
}

// logged returns what the store's log files hold: the sequences of each group, sorted. A group is written when the one
// before it has been synced.
func logged(fs vfs.FS, dir string) (groups []span, err error) {
	names, err := fs.List(dir)
	if err != nil {
		return nil, err
	}
	for _, name := range names {
		number, ok := logNumber(name)
		if !ok {
			continue
		}
		data, err := readAll(fs, fs.PathJoin(dir, name))
		if err != nil {
			return nil, err
		}
		records, _ := records(data, number)
		for _, r := range records {
			var g span
			_ = eachSet(r, func(key, _ []byte) error {
				if seq, err := entrySeq(key); err == nil {
					if g.first == 0 {
						g.first = seq
					}
					g.last = seq
				}
				return nil
			})
			if g.first != 0 {
				groups = append(groups, g)
			}
		}
	}
	slices.SortFunc(groups, func(a, b span) int { return cmp.Compare(a.first, b.first) })
	return groups, nil
}

// eachSet calls do for each key that a group of the store sets. The store's reader panics over a group that is cut.
func eachSet(group []byte, do func(key, value []byte) error) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("%v: %w", p, errDamaged)
		}
	}()
	var b pebble.Batch
	if err := b.SetRepr(group); err != nil {
		return err
	}
	for r := b.Reader(); ; {
		kind, key, value, ok, err := r.Next()
		if err != nil || !ok {
			return err
		}
		if kind == pebble.InternalKeyKindSet {
			if err := do(key, value); err != nil {
				return err
			}
		}
	}
}

func readAll(fs vfs.FS, name string) ([]byte, error) {
	f, err := fs.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return io.ReadAll(f)
}
