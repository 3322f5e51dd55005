// Package memory is the engine that keeps its log in the process: nothing to install, nothing survives the process.
package memory

import (
	"context"
	"crypto/rand"
	"errors"
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
	began     time.Time // what ages are counted from
	stop      chan struct{}
	janitor   sync.WaitGroup

	mu      sync.RWMutex
	order   queue
	threads map[string]*thread
	last    time.Time // wall clock of the newest append, which always goes on
	tails   []chan struct{}
}

// New returns an empty Engine of a fresh epoch.
func New(o Options) *Engine {
	if o.Retention == 0 {
		o.Retention = 72 * time.Hour
	}
	e := &Engine{
		retention: o.Retention,
		epoch:     strings.ToLower(rand.Text()[:10]),
		began:     time.Now(),
		stop:      make(chan struct{}),
		order:     queue{first: 1, next: 1},
		threads:   make(map[string]*thread),
	}
	e.janitor.Go(e.expire)
	return e
}

// Close ends the engine, and its tails.
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
	if en := t.find(ev.ID); en != nil {
		return *en, false, nil
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
	en := relay.Entry{Position: relay.Position{Epoch: e.epoch, Seq: e.order.next}, Event: ev}
	t.append(en)
	e.order.push(place{thread: t, age: now.Sub(e.began)})
	for _, wake := range e.tails {
		select {
		case wake <- struct{}{}:
		default:
		}
	}
	return en, true, nil
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
	return relay.Position{Epoch: e.epoch, Seq: e.order.next - 1}
}

// Scan returns entries of the whole log.
func (e *Engine) Scan(_ context.Context, after relay.Position, limit int) ([]relay.Entry, error) {
	e.mu.RLock()
	defer e.mu.RUnlock()
	if after.Epoch != e.epoch || after.Seq > e.head().Seq {
		after = relay.Position{}
	}
	return e.scan(nil, max(after.Seq+1, e.order.first), limit), nil
}

// scan adds up to limit entries to what there is, from the sequence on.
func (e *Engine) scan(entries []relay.Entry, from uint64, limit int) []relay.Entry {
	n := min(uint64(limit), e.order.next-from)
	entries = slices.Grow(entries, int(n))
	for seq := from; seq < from+n; seq++ {
		entries = append(entries, *e.order.at(seq).thread.entry(seq))
	}
	return entries
}

// batch bounds how many entries are copied or removed under the lock.
const batch = 256

// Tail follows the log. It fails when it is so slow that what it has not delivered expires.
func (e *Engine) Tail(ctx context.Context, after relay.Position, deliver func(relay.Entry)) error {
	wake, next := e.join(after)
	defer e.leave(wake)
	var entries []relay.Entry
	for {
		e.mu.RLock()
		if next < e.order.first {
			defer e.mu.RUnlock()
			return fmt.Errorf("memory: tail: entries before %d have expired, %d was next", e.order.first, next)
		}
		entries = e.scan(entries[:0], next, batch)
		e.mu.RUnlock()
		for i := range entries {
			if err := ctx.Err(); err != nil {
				return err
			}
			deliver(entries[i])
		}
		clear(entries) // what expires must not stay
		next += uint64(len(entries))
		if len(entries) == batch {
			continue
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-e.stop:
			return errors.New("memory: tail: the engine is closed")
		case <-wake:
		}
	}
}

// join returns what wakes a tail when the log has grown, and the sequence that it begins with.
func (e *Engine) join(after relay.Position) (wake chan struct{}, next uint64) {
	e.mu.Lock()
	defer e.mu.Unlock()
	wake = make(chan struct{}, 1)
	e.tails = append(e.tails, wake)
	if after.IsZero() {
		return wake, e.order.first
	}
	return wake, min(after.Seq+1, e.order.next)
}

func (e *Engine) leave(wake chan struct{}) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.tails = slices.DeleteFunc(e.tails, func(c chan struct{}) bool { return c == wake })
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
			for e.remove(now.Sub(e.began) - e.retention) {
			}
		}
	}
}

// remove removes a batch of entries that are older than age and reports whether there may be more.
func (e *Engine) remove(age time.Duration) bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	for range batch {
		if e.order.empty() || e.order.at(e.order.first).age >= age {
			return false
		}
		t := e.order.pop().thread
		if t.removeFirst(); len(t.entries) == 0 {
			delete(e.threads, t.payment)
		}
	}
	return true
}
