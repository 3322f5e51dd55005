//go:build linux

package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync/atomic"
	"time"

	"github.com/tillbell/tillbell/integration/load/message"
)

// A ledger knows which callback was posted for whom and when it was told. Callbacks come in batches; one is open at a
// time.
type ledger struct {
	start time.Time
	run   string
	ids   message.IDScanner
	next  uint64 // the first number of the next batch
	batch atomic.Pointer[batch]
}

func newLedger(run string) *ledger {
	return &ledger{start: time.Now(), run: run, ids: message.NewIDScanner(run)}
}

// now is the ledger's clock.
func (l *ledger) now() time.Duration { return time.Since(l.start) }

// batch is callbacks of one status, numbered from first on.
type batch struct {
	status string
	first  uint64
	rows   []row
	left   atomic.Int64 // that were not told
	done   chan struct{}
}

// row is one callback. Times are the ledger's, in nanoseconds; 0 is not yet.
type row struct {
	client uint32
	due    atomic.Int64
	sent   atomic.Int64
	told   atomic.Int64
}

// open begins a batch of n callbacks; whose tells whom each is for.
func (l *ledger) open(n int, status string, whose func(i int) uint32) *batch {
	b := &batch{status: status, first: l.next, rows: make([]row, n), done: make(chan struct{})}
	for i := range b.rows {
		b.rows[i].client = whose(i)
	}
	b.left.Store(int64(n))
	l.next += uint64(n)
	l.batch.Store(b)
	return b
}

// told notes that the client was told the callback.
func (l *ledger) told(number uint64, client uint32, status []byte, now time.Duration) error {
	b := l.batch.Load()
	if b == nil || number < b.first || number-b.first >= uint64(len(b.rows)) {
		return errors.New("told a callback of an earlier batch")
	}
	r := &b.rows[number-b.first]
	switch {
	case r.client != client:
		return fmt.Errorf("told what was posted for client %d", r.client)
	case string(status) != b.status:
		return fmt.Errorf("told %.20q, posted was %s", status, b.status)
	case r.due.Load() == 0:
		return errors.New("told before it was posted")
	case !r.told.CompareAndSwap(0, int64(now)):
		return errors.New("told a callback twice")
	}
	if b.left.Add(-1) == 0 {
		close(b.done)
	}
	return nil
}

// wait waits until all were told.
func (b *batch) wait(ctx context.Context) error {
	ctx, cancel := context.WithTimeoutCause(ctx, lost, errors.New("lost"))
	defer cancel()
	select {
	case <-b.done:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("%d of %d callbacks were not told: %w", b.left.Load(), len(b.rows), context.Cause(ctx))
	}
}

// lost is when a callback that was acknowledged and not told counts as lost.
const lost = 20 * time.Second

// delays returns the times from due until told, and of those until sent, the shortest first. All were told.
func (b *batch) delays() (told, sent []time.Duration) {
	for i := range b.rows {
		r := &b.rows[i]
		told = append(told, time.Duration(r.told.Load()-r.due.Load()))
		sent = append(sent, time.Duration(r.sent.Load()-r.due.Load()))
	}
	slices.Sort(told)
	slices.Sort(sent)
	return told, sent
}

// percentile returns the smallest value that the share p, 0 to 1, of sorted does not exceed; 0 of none.
func percentile(sorted []time.Duration, p float64) time.Duration {
	if len(sorted) == 0 {
		return 0
	}
	i := int(float64(len(sorted))*p+0.999999) - 1
	return sorted[min(max(i, 0), len(sorted)-1)]
}
