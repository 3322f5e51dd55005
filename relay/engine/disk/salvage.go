package disk

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/vfs"
)

// salvage copies entries out of the files of a store that cannot be opened. It needs nothing that says which files
// belong together: entries are written once and never change, so each that is found anywhere counts, unless it has
// expired.
type salvage struct {
	fs       vfs.FS
	dir      string
	to       *pebble.DB
	fallback string // the epoch if the store has none left

	batch   *pebble.Batch
	scouts  bool // the first time through all files: only what concerns the log as a whole is read
	epoch   string
	end     mark
	expired uint64 // the sequence before which all has expired
	seen    uint64 // the highest sequence that anything speaks of
	hole    span   // an earlier one
	whole   []string
	damaged []string // files, each with what is wrong
	entries uint64
	missing uint64
}

// copy reads all files, and ends the copy with a mark behind reserved if anything of the log may be lost.
func (s *salvage) copy(reserved uint64) error {
	names, err := s.fs.List(s.dir)
	if err != nil {
		return err
	}
	slices.Sort(names)
	s.batch = s.to.NewBatch()
	for _, s.scouts = range []bool{true, false} {
		s.damaged, s.whole = nil, nil
		for _, name := range names {
			damage, err := s.file(name)
			switch {
			case err != nil:
				return err
			case damage != nil:
				s.damaged = append(s.damaged, name+": "+firstLine(damage))
			case strings.HasSuffix(name, ".sst") || strings.HasSuffix(name, ".log"):
				s.whole = append(s.whole, name)
			}
		}
	}
	if err := s.commit(); err != nil {
		return err
	}
	return s.finish(reserved)
}

// file reads one file. What is wrong with the file is damage, what is wrong with the copy an error.
func (s *salvage) file(name string) (damage, err error) {
	defer func() {
		if p := recover(); p != nil {
			damage = fmt.Errorf("%v", p)
		}
	}()
	path := s.fs.PathJoin(s.dir, name)
	switch {
	case strings.HasSuffix(name, ".sst"):
		return s.table(path)
	case strings.HasSuffix(name, ".log"):
		number, ok := logNumber(name)
		if !ok {
			return nil, nil
		}
		return s.logFile(path, number)
	}
	return damage, err
}

// finish writes what concerns the log as a whole.
func (s *salvage) finish(reserved uint64) error {
	if err := s.count(); err != nil {
		return err
	}
	s.end.last = max(s.end.last, s.seen)
	s.expired = max(s.expired, 1)
	if s.end.last >= s.expired {
		s.missing = s.end.last + 1 - s.expired - s.entries
	}
	if h := s.hole; h.last != 0 && h.first >= s.expired {
		s.missing -= min(s.missing, h.last+1-h.first)
	}
	if reserved > s.end.last {
		s.hole = span{s.end.last + 1, reserved}
		s.end.last = reserved
	}
	if s.epoch == "" {
		s.epoch = s.fallback
	}
	if s.epoch == "" {
		s.epoch = newEpoch()
	}
	return errors.Join(
		s.batch.Set(keyEpoch, []byte(s.epoch), nil),
		s.batch.Set(keyMark, s.end.bytes(), nil),
		s.batch.Set(keyFirst, entryKey(s.expired)[1:], nil),
		s.batch.Set(keyHole, s.hole.bytes(), nil),
		s.commit(),
	)
}

// count counts the entries that were copied.
func (s *salvage) count() error {
	it, err := s.to.NewIter(within([]byte{kindEntry}, []byte{kindEntry + 1}))
	if err != nil {
		return err
	}
	for ok := it.First(); ok; ok = it.Next() {
		s.entries++
	}
	return errors.Join(it.Error(), it.Close())
}

// errCopy marks an error of the store that is copied to.
type errCopy struct{ error }

// take keeps one key of the damaged store, if it is worth it.
func (s *salvage) take(key, value []byte) error {
	if len(key) == 0 {
		return nil
	}
	switch key[0] {
	case kindID:
		if p, err := parsePlace(value); err == nil {
			s.seen = max(s.seen, p.seq)
		}
	case kindMeta:
		s.meta(key, value)
	case kindEntry:
		seq, err := entrySeq(key)
		if err != nil {
			return err
		}
		_, ev, stamped, err := parseEntry(value)
		if err != nil {
			return err
		}
		s.seen = max(s.seen, seq)
		if s.scouts || seq < s.expired {
			return nil
		}
		p := place{seq: seq}
		if stamped {
			p.stamp = ev.Time.UnixNano()
		}
		err = errors.Join(
			s.batch.Set(key, value, nil),
			s.batch.Set(idKey(ev.Payment, ev.ID), p.bytes(), nil),
		)
		if err == nil && s.batch.Len() > 1<<20 {
			err = s.commit()
		}
		if err != nil {
			return errCopy{err}
		}
	}
	return nil
}

// meta keeps the newest of what concerns the log as a whole.
func (s *salvage) meta(key, value []byte) {
	switch string(key) {
	case string(keyEpoch):
		s.epoch = string(value)
	case string(keyMark):
		if m, err := parseMark(value); err == nil && (m.last > s.end.last || m.last == s.end.last && m.clock > s.end.clock) {
			s.end = m
		}
	case string(keyFirst):
		if first, err := entrySeq(append([]byte{kindEntry}, value...)); err == nil {
			s.expired = max(s.expired, first)
		}
	case string(keyHole):
		if h, err := parseSpan(value); err == nil && h.last > s.hole.last {
			s.hole = h
		}
	}
}

func (s *salvage) commit() error {
	err := s.batch.Commit(pebble.NoSync)
	s.batch = s.to.NewBatch()
	return err
}

// logFile reads a log file of the store.
func (s *salvage) logFile(path string, number uint64) (damage, err error) {
	data, damage := readAll(s.fs, path)
	if damage != nil {
		return damage, nil
	}
	records, damaged := records(data, number)
	if damaged {
		damage = errDamaged
	}
	var copied errCopy
	for _, r := range records {
		if bad := eachSet(r, s.take); errors.As(bad, &copied) {
			return damage, copied
		} else if bad != nil {
			damage = bad
		}
	}
	return damage, nil
}
