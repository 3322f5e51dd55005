//go:build linux

package main

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/tillbell/tillbell/integration/load/report"
)

// A stage is a server, those who wait on it, and who posts callbacks to it.
type stage struct {
	*run
	site     *site
	provider *provider
	crowd    *crowd
	posted   int // callbacks

	hangingUp sync.WaitGroup
	dismiss   context.CancelFunc
}

// newStage returns a stage to which nobody was invited.
func newStage(ctx context.Context, r *run) (*stage, error) {
	s := &stage{run: r}
	var err error
	if s.site, err = newSite(ctx, r.heartbeat); err != nil {
		return nil, err
	}
	s.provider = &provider{server: s.site.door.Addr().String(), key: s.site.key, ledger: r.ledger}
	return s, nil
}

// invite makes n clients. giveUp is called when one is told anything wrong.
func (s *stage) invite(ctx context.Context, n int, giveUp context.CancelCauseFunc) {
	s.crowd = newCrowd(n, s.ledger, s.site.secret, giveUp)
	ctx, s.dismiss = context.WithCancel(ctx)
	s.hangingUp.Go(func() { s.crowd.hangUp(ctx) })
}

// connect has all clients connect, and returns how long that took and what the process has run meanwhile.
func (s *stage) connect(ctx context.Context) (took, ran time.Duration, err error) {
	before, err := cpu()
	if err != nil {
		return 0, 0, err
	}
	began, n := s.ledger.now(), len(s.crowd.all)
	if err := s.crowd.connect(ctx, s.site.door); err != nil {
		return 0, 0, fmt.Errorf("%d of %d wait: %w", s.crowd.waiting.Load(), n, err)
	}
	after, err := cpu()
	if got := s.site.relay.Waiters(); got != n {
		return 0, 0, fmt.Errorf("the relay has %d waiters, want %d", got, n)
	}
	return s.ledger.now() - began, after - before, err
}

// latency posts callbacks that leave their waits open, for some of the first n clients, and measures how long it takes
// until their frames are written.
func (s *stage) latency(ctx context.Context, n int) (latency, error) {
	var p50, p99, sent []time.Duration
	var longest time.Duration
	for range s.rounds {
		size := int(int64(s.rate) * int64(s.window) / int64(time.Second))
		b := s.open(size, "pending", func(int) uint32 { return uint32(rand.IntN(n)) })
		if err := s.provider.postAt(ctx, b, s.rate); err != nil {
			return latency{}, err
		}
		if err := b.wait(ctx); err != nil {
			return latency{}, err
		}
		all, before := b.delays()
		middle, high, most, late := percentile(all, 0.5), percentile(all, 0.99), percentile(all, 1), percentile(before, 0.99)
		fmt.Fprintf(s.log, "           p50 %s, p99 %s, max %s; sent late by p99 %s\n",
			report.Micros(middle), report.Micros(high), report.Micros(most), report.Micros(late))
		p50, p99, sent, longest = append(p50, middle), append(p99, high), append(sent, late), max(longest, most)
	}
	return latency{
		P50: micros(report.Median(p50)), P99: micros(report.Median(p99)), Max: micros(longest),
		Late: micros(report.Median(sent)),
	}, nil
}

func (s *stage) open(n int, status string, whose func(int) uint32) *batch {
	s.posted += n
	return s.ledger.open(n, status, whose)
}

// tell tells the clients from one number up to another their outcome, and waits until their connections are closed:
// whoever is closed was told everything.
func (s *stage) tell(ctx context.Context, from, to int) error {
	b := s.open(to-from, "paid", func(i int) uint32 { return uint32(from + i) })
	want := s.crowd.closed.Load() + int64(to-from)
	if err := s.provider.postAll(ctx, b); err != nil {
		return err
	}
	if err := b.wait(ctx); err != nil {
		return err
	}
	if err := until(ctx, func() bool { return s.crowd.closed.Load() >= want }); err != nil {
		return fmt.Errorf("%d connections are open behind their end: %w", want-s.crowd.closed.Load(), err)
	}
	return nil
}

// strike ends the stage, on which nobody may be left.
func (s *stage) strike(ctx context.Context) error {
	if n := s.site.relay.Waiters(); n != 0 {
		return fmt.Errorf("%d waiters are left", n)
	}
	for i := range s.crowd.all {
		if c := &s.crowd.all[i]; c.phase != closed {
			return fmt.Errorf("client %d is %s", i, c.phase)
		}
	}
	s.ledger.batch.Store(nil)
	s.dismiss()
	s.hangingUp.Wait()
	return s.site.stop(ctx)
}

// pause waits, unless ctx ends before.
func pause(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// until waits for what takes no more than the time that a client has to leave.
func until(ctx context.Context, f func() bool) error {
	ctx, cancel := context.WithTimeoutCause(ctx, lost, errors.New("not in time"))
	defer cancel()
	for !f() {
		if err := pause(ctx, 5*time.Millisecond); err != nil {
			return err
		}
	}
	return nil
}
