// Package memory is the engine that keeps its log in the process: nothing to install, nothing survives the process.
package memory

import (
	"context"
	"crypto/rand"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/tillbell/tillbell/relay"
)

// Options of an Engine.
type Options struct {
	// Retention is how long entries are kept at least; they go within a hundredth of it, or a second, after that.
	// 0 is 72 hours, over which providers retry.
	Retention time.Duration
}

// Engine is a relay.Engine in memory.
type Engine struct {
	retention time.Duration
	epoch     string
	stop      chan struct{}
	janitor   sync.WaitGroup

	mu      sync.RWMutex
	log     []place // retained entries in order
	first   uint64  // sequence of log[0]
	threads map[string]*thread
	last    time.Time // wall clock of the newest append, which always goes on
	tails   map[chan struct{}]struct{}
}

// place is where one entry of the log is kept.
type place struct {
	thread *thread
	at     time.Time
}

// thread is the log of one payment. What was appended to entries is never changed, so readers share its array.
type thread struct {
	payment string
	entries []relay.Entry
	ids     map[string]uint64 // sequences by event id, once there are many
}

// many is from how many entries on ids are looked up in a map.
const many = 16

// New returns an empty Engine of a fresh epoch.
func New(o Options) *Engine {
	if o.Retention == 0 {
		o.Retention = 72 * time.Hour
	}
	e := &Engine{
		retention: o.Retention,
		epoch:     strings.ToLower(rand.Text()[:10]),
		stop:      make(chan struct{}),
		first:     1,
		threads:   make(map[string]*thread),
		tails:     make(map[chan struct{}]struct{}),
	}
	e.janitor.Go(e.expire)
	return e
}

// Close ends the engine. Tails must have ended.
func (e *Engine) Close() error {
	close(e.stop)
	e.janitor.Wait()
	return nil
}

// Append stores ev and wakes the tails.
func (e *Engine) Append(ctx context.Context, ev relay.Event) (relay.Entry, bool, error) {
	if err := ctx.Err(); err != nil {
		return relay.Entry{}, false, fmt.Errorf("memory: append: %w", err)
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	t := e.threads[ev.Payment]
	if t == nil {
		t = &thread{payment: ev.Payment}
		e.threads[ev.Payment] = t
	}
	if en, ok := t.find(ev.ID); ok {
		return en, false, nil
	}
	now := time.Now()
	if wall := now.UTC().Round(0); wall.After(e.last) {
		e.last = wall
	} else {
		e.last = e.last.Add(time.Nanosecond) // a coarse clock, or one that was set back
	}
	if ev.Time.IsZero() {
		ev.Time = e.last
	}
	seq := e.first + uint64(len(e.log))
	en := relay.Entry{Position: relay.Position{Epoch: e.epoch, Seq: seq}, Event: ev}
	t.append(en)
	e.log = append(e.log, place{thread: t, at: now})
	for wake := range e.tails {
		select {
		case wake <- struct{}{}:
		default:
		}
	}
	return en, true, nil
}

func (t *thread) append(en relay.Entry) {
	t.entries = append(t.entries, en)
	if t.ids == nil && len(t.entries) >= many {
		t.ids = make(map[string]uint64)
		for _, en := range t.entries {
			t.ids[en.Event.ID] = en.Position.Seq
		}
	}
	if t.ids != nil {
		t.ids[en.Event.ID] = en.Position.Seq
	}
}

// find returns the retained entry with the event id.
func (t *thread) find(id string) (relay.Entry, bool) {
	if t.ids != nil {
		seq, ok := t.ids[id]
		if !ok {
			return relay.Entry{}, false
		}
		return t.entry(seq), true
	}
	for _, en := range t.entries {
		if en.Event.ID == id {
			return en, true
		}
	}
	return relay.Entry{}, false
}

// entry returns the entry with the sequence, which t must have.
func (t *thread) entry(seq uint64) relay.Entry {
	i, _ := slices.BinarySearchFunc(t.entries, seq, func(en relay.Entry, seq uint64) int {
		return en.Position.Compare(relay.Position{Seq: seq})
	})
	return t.entries[i]
}

// Read returns the payment's entries.
func (e *Engine) Read(_ context.Context, payment string) ([]relay.Entry, error) {
	e.mu.RLock()
	defer e.mu.RUnlock()
	if t := e.threads[payment]; t != nil {
		return slices.Clip(t.entries), nil
	}
	return nil, nil
}

// Head returns the position of the newest entry.
func (e *Engine) Head(context.Context) (relay.Position, error) {
	e.mu.RLock()
	defer e.mu.RUnlock()
	return e.head(), nil
}

func (e *Engine) head() relay.Position {
	return relay.Position{Epoch: e.epoch, Seq: e.first + uint64(len(e.log)) - 1}
}

// Scan returns entries of the whole log.
func (e *Engine) Scan(_ context.Context, after relay.Position, limit int) ([]relay.Entry, error) {
	e.mu.RLock()
	defer e.mu.RUnlock()
	if after.Epoch != e.epoch || after.Seq > e.head().Seq {
		after = relay.Position{}
	}
	return e.scan(max(after.Seq+1, e.first), limit), nil
}

func (e *Engine) scan(from uint64, limit int) []relay.Entry {
	places := e.log[from-e.first:]
	places = places[:min(limit, len(places))]
	entries := make([]relay.Entry, len(places))
	for i, p := range places {
		entries[i] = p.thread.entry(from + uint64(i))
	}
	return entries
}

// batch bounds how many entries a tail copies under the lock.
const batch = 256

// Tail follows the log. It fails when it is so slow that what it has not delivered expires.
func (e *Engine) Tail(ctx context.Context, after relay.Position, deliver func(relay.Entry)) error {
	wake := make(chan struct{}, 1)
	e.mu.Lock()
	e.tails[wake] = struct{}{}
	e.mu.Unlock()
	defer func() {
		e.mu.Lock()
		delete(e.tails, wake)
		e.mu.Unlock()
	}()
	e.mu.RLock()
	next := min(after.Seq, e.head().Seq) + 1
	if after.IsZero() {
		next = e.first
	}
	e.mu.RUnlock()
	for {
		e.mu.RLock()
		if next < e.first {
			e.mu.RUnlock()
			return fmt.Errorf("memory: tail: entries before %d have expired, %d was next", e.first, next)
		}
		entries := e.scan(next, batch)
		e.mu.RUnlock()
		for _, en := range entries {
			if err := ctx.Err(); err != nil {
				return err
			}
			deliver(en)
		}
		next += uint64(len(entries))
		if len(entries) == batch {
			continue
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-wake:
		}
	}
}

// expire removes what is older than the retention, from time to time.
func (e *Engine) expire() {
	every := time.NewTicker(max(e.retention/100, time.Second))
	defer every.Stop()
	for {
		select {
		case <-e.stop:
			return
		case now := <-every.C:
			for e.remove(now.Add(-e.retention)) {
			}
		}
	}
}

// remove removes a batch of entries appended before the cut-off and reports whether there may be more.
func (e *Engine) remove(cutoff time.Time) bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	n := 0
	for n < min(batch, len(e.log)) && e.log[n].at.Before(cutoff) {
		e.log[n].thread.removeFirst(e.threads)
		e.log[n] = place{}
		n++
	}
	e.log = e.log[n:]
	e.first += uint64(n)
	return n == batch
}

func (t *thread) removeFirst(threads map[string]*thread) {
	delete(t.ids, t.entries[0].Event.ID)
	t.entries = t.entries[1:]
	if len(t.entries) == 0 {
		delete(threads, t.payment)
	}
}
