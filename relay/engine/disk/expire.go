package disk

import (
	"errors"
	"time"

	"github.com/cockroachdb/pebble/v2"
)

// expire removes up to a batch of what is older than the retention and reports whether there may be more. The removal
// need not be durable: what comes back with a crash is removed again.
func (e *Engine) expire() (more bool) {
	b := e.db.NewBatch()
	defer b.Close()
	from := e.first.Load()
	next, n, err := e.expired(b, from)
	if err != nil {
		if next = e.passOver(next); next > from {
			e.log.Error("what cannot be read has expired", "path", e.folder.path, "before", next, "error", firstLine(err))
		} else {
			_ = e.told(err)
		}
	}
	if next <= from {
		return false
	}
	e.first.Store(next) // before the entries are gone, so that none is missed
	err = errors.Join(
		b.DeleteRange(entryKey(from), entryKey(next), nil),
		b.Set(keyFirst, entryKey(next)[1:], nil),
	)
	if err == nil {
		err = b.Commit(pebble.NoSync)
	}
	if err != nil {
		_ = e.told(err)
		return false
	}
	return n == batch
}

// keepTime writes the mark anew when the wall clock was set: the last append's says what it showed before, and a start
// after a kill would take the step for time that has passed.
func (e *Engine) keepTime() {
	m := e.clock.mark(e.end.head())
	step := time.Duration(m.wall - m.clock - e.offset)
	if step.Abs() < time.Second {
		return
	}
	if err := e.db.Set(keyMark, m.bytes(), pebble.NoSync); err == nil {
		e.offset = m.wall - m.clock
	}
}

// giveBack has the store merge away at once what has expired, if the disk is full. Else it does so in its own time, as
// more is appended; on a full disk nothing is.
func (e *Engine) giveBack() {
	first := e.first.Load()
	select {
	case <-e.guard.Full():
	default:
		return
	}
	if e.given.Swap(first) == first || !e.giving.TryLock() {
		return
	}
	e.stopped.Go(func() {
		defer e.giving.Unlock()
		if err := e.compact(first); err != nil {
			e.given.Store(0) // once more with the next turn
		}
	})
}

// compact merges the tables that have entries before first, and waits for that until the engine is closed.
func (e *Engine) compact(first uint64) error {
	flushed, err := e.db.AsyncFlush()
	if err != nil {
		return err
	}
	select {
	case <-flushed:
	case <-e.ctx.Done():
		return e.ctx.Err()
	}
	return e.db.Compact(e.ctx, entryKey(0), entryKey(first), false)
}

// expired adds to b the removal of the ids of up to a batch of entries that have expired. It returns their number and
// the sequence behind them, or where it met the error.
func (e *Engine) expired(b *pebble.Batch, from uint64) (next uint64, n int, err error) {
	it, err := e.db.NewIter(within(entryKey(from), entryKey(e.end.head()+1)))
	if err != nil {
		return from, 0, err
	}
	defer func() { err = errors.Join(err, it.Close()) }()
	next = from
	cutoff := e.clock.now() - int64(e.retention)
	for ok := it.First(); ok && n < batch; ok = it.Next() {
		value, err := it.ValueAndErr()
		if err != nil {
			return next, n, err
		}
		seq, err := entrySeq(it.Key())
		if err != nil {
			return next, n, err
		}
		age, ev, _, err := parseEntry(value)
		if err != nil {
			return next, n, err
		}
		if age >= cutoff {
			return next, n, nil
		}
		if err := b.Delete(idKey(ev.Payment, ev.ID), nil); err != nil {
			return next, n, err
		}
		n++
		next = seq + 1
	}
	return next, n, it.Error()
}

// passOver returns the sequence of an entry behind what cannot be read if that has expired: then so has what lies before.
// Else it returns from. It looks twice as far with each try, for each costs milliseconds and a whole table may be lost. Ids
// of what was passed over stay, and lead nowhere.
func (e *Engine) passOver(from uint64) uint64 {
	head := e.end.head()
	it, err := e.db.NewIter(within(entryKey(from), entryKey(head+1)))
	if err != nil {
		return from
	}
	defer func() { _ = it.Close() }()
	for step, most := uint64(1), head-min(from, head); most > 0; step = min(2*step, most) { // the newest one at the last
		if age, seq, err := ageAt(it, from+step); err == nil {
			if age < e.clock.now()-int64(e.retention) {
				return seq
			}
			return from
		}
		if step >= most {
			break
		}
	}
	return from
}

// ageAt returns the age stamp and the sequence of the first entry at seq or behind it. It reads all of it.
func ageAt(it *pebble.Iterator, seq uint64) (age int64, found uint64, err error) {
	if !it.SeekGE(entryKey(seq)) {
		return 0, 0, errors.Join(errDamaged, it.Error())
	}
	if found, err = entrySeq(it.Key()); err != nil {
		return 0, 0, err
	}
	value, err := it.ValueAndErr()
	if err != nil {
		return 0, 0, err
	}
	age, _, _, err = parseEntry(value)
	return age, found, err
}
