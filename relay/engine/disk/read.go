package disk

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"sync"

	"github.com/tillbell/tillbell/relay"
)

// places returns where a payment's ids are, in the order of the log.
func (e *Engine) places(payment string) (places []place, err error) {
	prefix := idPrefix(payment)
	it, err := e.db.NewIter(within(prefix, after(prefix)))
	if err != nil {
		return nil, err
	}
	for ok := it.First(); ok && err == nil; ok = it.Next() {
		var value []byte
		if value, err = it.ValueAndErr(); err == nil {
			var p place
			if p, err = parsePlace(value); err == nil {
				places = append(places, p)
			}
		}
	}
	if err == nil {
		err = it.Error()
	}
	if e := it.Close(); err == nil {
		err = e
	}
	slices.SortFunc(places, func(a, b place) int { return cmp.Compare(a.seq, b.seq) })
	return places, err
}

// read returns the payment's entries up to head.
func (e *Engine) read(payment string, head uint64) ([]relay.Entry, error) {
	places, err := e.places(payment)
	if err != nil {
		return nil, err
	}
	entries := make([]relay.Entry, 0, len(places))
	for _, p := range places {
		if p.seq > head {
			break
		}
		en, ok, err := e.entry(p.seq)
		switch {
		case err != nil:
			return nil, err
		case !ok:
			continue
		case en.Event.Payment != payment:
			return nil, fmt.Errorf("entry %d is of another payment: %w", p.seq, errDamaged)
		}
		entries = append(entries, en)
	}
	return entries, nil
}

// entry returns the entry at the sequence, and false if it has expired.
func (e *Engine) entry(seq uint64) (en relay.Entry, ok bool, err error) {
	value, err := get(e.db, entryKey(seq))
	if err != nil {
		return en, false, fmt.Errorf("entry %d: %w", seq, err)
	}
	if seq < e.first.Load() {
		return en, false, nil
	}
	if value == nil {
		return en, false, fmt.Errorf("entry %d is missing: %w", seq, errDamaged)
	}
	en, err = e.parse(seq, value)
	return en, err == nil, err
}

func (e *Engine) parse(seq uint64, value []byte) (relay.Entry, error) {
	_, ev, _, err := parseEntry(value)
	if err != nil {
		return relay.Entry{}, fmt.Errorf("entry %d: %w", seq, err)
	}
	return relay.Entry{Position: relay.Position{Epoch: e.epoch, Seq: seq}, Event: ev}, nil
}

// scan adds up to limit entries to what there is, from the sequence on up to head.
func (e *Engine) scan(entries []relay.Entry, from, head uint64, limit int) ([]relay.Entry, error) {
	from = max(from, e.first.Load())
	if limit <= 0 || from > head {
		return entries, nil
	}
	it, err := e.db.NewIter(within(entryKey(from), entryKey(head+1)))
	if err != nil {
		return nil, err
	}
	for ok := it.First(); ok && limit > 0 && err == nil; ok = it.Next() {
		var seq uint64
		var value []byte
		var en relay.Entry
		if seq, err = entrySeq(it.Key()); err == nil {
			if value, err = it.ValueAndErr(); err == nil {
				en, err = e.parse(seq, value)
			}
		}
		entries = append(entries, en)
		limit--
	}
	if err == nil {
		err = it.Error()
	}
	if e := it.Close(); err == nil {
		err = e
	}
	return entries, err
}

// end is the durable end of the log: nothing behind it is shown to anybody. The newest entries are kept, for tails that
// keep up.
type end struct {
	mu     sync.RWMutex
	last   uint64
	oldest uint64 // that recent has
	recent [keep]relay.Entry
	tails  []chan struct{}
}

// keep is how many of the newest entries are kept in memory.
const keep = 2048

func (n *end) start(last uint64) { n.last, n.oldest = last, last+1 }

func (n *end) head() uint64 {
	n.mu.RLock()
	defer n.mu.RUnlock()
	return n.last
}

// grow shows entries that are durable.
func (n *end) grow(entries []relay.Entry) {
	n.mu.Lock()
	defer n.mu.Unlock()
	for i := range entries {
		seq := entries[i].Position.Seq
		if seq != n.last+1 { // behind a hole
			n.oldest = seq
		}
		n.recent[seq%keep] = entries[i]
		n.last = seq
		n.oldest = max(n.oldest, seq-min(seq, keep-1))
	}
	for _, wake := range n.tails {
		select {
		case wake <- struct{}{}:
		default:
		}
	}
}

// from copies entries from the sequence on, if they are all kept, and returns the head.
func (n *end) from(entries []relay.Entry, next uint64, limit int) (_ []relay.Entry, head uint64, kept bool) {
	n.mu.RLock()
	defer n.mu.RUnlock()
	if next < n.oldest && next <= n.last {
		return entries, n.last, false
	}
	for ; next <= n.last && limit > 0; next++ {
		entries = append(entries, n.recent[next%keep])
		limit--
	}
	return entries, n.last, true
}

// join adds a tail.
func (n *end) join() (wake chan struct{}, head uint64) {
	n.mu.Lock()
	defer n.mu.Unlock()
	wake = make(chan struct{}, 1)
	n.tails = append(n.tails, wake)
	return wake, n.last
}

func (n *end) leave(wake chan struct{}) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.tails = slices.DeleteFunc(n.tails, func(c chan struct{}) bool { return c == wake })
}

// batch bounds how many entries a tail takes at a time.
const batch = 256

// Tail follows the log, from memory as long as it is no more than 2,048 entries behind. It fails when it is so slow
// that what it has not delivered expires.
func (e *Engine) Tail(ctx context.Context, after relay.Position, deliver func(relay.Entry)) error {
	wake, head := e.end.join()
	defer e.end.leave(wake)
	next := min(after.Seq, head) + 1
	if after.IsZero() {
		next = e.first.Load()
	}
	var entries []relay.Entry
	for {
		var err error
		if entries, err = e.take(entries[:0], next); err != nil {
			return fmt.Errorf("disk: tail: %w", err)
		}
		for i := range entries {
			if err := ctx.Err(); err != nil {
				return err
			}
			deliver(entries[i])
			next = entries[i].Position.Seq + 1
		}
		more := len(entries) > 0
		clear(entries) // what expires must not stay
		if more {
			continue
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-e.guard.Broken():
			return fmt.Errorf("disk: tail: %w", e.well())
		case <-wake:
		}
	}
}

// take returns what a tail delivers next, from memory or from disk. Nothing means that it has to wait.
func (e *Engine) take(entries []relay.Entry, next uint64) ([]relay.Entry, error) {
	entries, head, kept := e.end.from(entries, next, batch)
	if kept {
		return entries, nil
	}
	if err := e.reading(); err != nil {
		return nil, err
	}
	defer e.mu.RUnlock()
	entries, err := e.scan(entries, next, head, batch)
	if first := e.first.Load(); err == nil && next < first { // looked at last, for entries expire meanwhile
		return nil, fmt.Errorf("entries before %d have expired, %d was next", first, next)
	}
	return entries, err
}
