//go:build linux

package main

import (
	"context"
	"errors"
	"fmt"
)

// connect has everybody connect.
func (r *run) connect(ctx context.Context, s *stage) error {
	r.begin("%d connect", r.n)
	return r.profile.cpu("connect", func() error {
		took, ran, err := s.connect(ctx)
		r.figures.ConnectSeconds, r.figures.ConnectCPU = took.Seconds(), each(ran, r.n)
		return err
	})
}

// idle waits until the process has settled by itself, and reads its memory.
func (r *run) idle(ctx context.Context, _ *stage) error {
	r.begin("settle")
	if err := pause(ctx, r.settle); err != nil {
		return err
	}
	is, err := resident()
	if err != nil {
		return err
	}
	r.figures.Idle = held{RSS: is.RSS, PSS: is.PSS, Heap: liveHeap()}
	return r.profile.heap("idle")
}

// beat measures heartbeats, over one interval and a bit.
func (r *run) beat(ctx context.Context, s *stage) error {
	r.begin("heartbeats")
	return r.profile.cpu("heartbeats", func() error {
		before, err := cpu()
		if err != nil {
			return err
		}
		began, pings := r.ledger.now(), s.crowd.pings.Load()
		if err := pause(ctx, r.heartbeat+r.heartbeat/4); err != nil {
			return err
		}
		after, err := cpu()
		took, f := r.ledger.now()-began, &r.figures
		f.Heartbeats, f.HeartbeatWindow = s.crowd.pings.Load()-pings, took.Seconds()
		f.HeartbeatCPU = each(after-before, int(f.Heartbeats))
		f.HeartbeatCore = float64(after-before) / float64(took)
		return errors.Join(err, r.checkBeats())
	})
}

// checkBeats reports heartbeats that stayed out: each client was due one, and a machine that has much else to do may
// have delayed some.
func (r *run) checkBeats() error {
	if got := r.figures.Heartbeats; got < int64(r.n/2) {
		return fmt.Errorf("%d heartbeats for %d clients in more than an interval", got, r.n)
	}
	return nil
}

// busy measures what callbacks take while everybody waits and has heartbeats.
func (r *run) busy(ctx context.Context, s *stage) error {
	r.begin("callbacks with %d waiting", r.n)
	err := r.profile.cpu("callbacks", func() (err error) {
		r.figures.LatencyAll, err = s.latency(ctx, r.n)
		return err
	})
	if err != nil {
		return err
	}
	is, err := resident()
	r.figures.Busy = held{RSS: is.RSS, PSS: is.PSS}
	return err
}

// outcomes tells everybody's. When few are left, callbacks are measured once more.
func (r *run) outcomes(ctx context.Context, s *stage) error {
	r.begin("%d outcomes", r.n-r.few)
	before, err := cpu()
	if err != nil {
		return err
	}
	began, f := r.ledger.now(), &r.figures
	if r.n > r.few {
		if err := r.profile.cpu("outcomes", func() error { return s.tell(ctx, r.few, r.n) }); err != nil {
			return err
		}
		after, err := cpu()
		if err != nil {
			return err
		}
		f.OutcomesPerSecond = float64(r.n-r.few) / (r.ledger.now() - began).Seconds()
		f.OutcomeCPU = each(after-before, r.n-r.few)
		r.begin("callbacks with %d left", r.few)
		if f.LatencyAgain, err = s.latency(ctx, r.few); err != nil {
			return err
		}
		r.begin("%d outcomes", r.few)
	}
	if err := s.tell(ctx, 0, r.few); err != nil {
		return err
	}
	f.PeakRSS, err = peak()
	return err
}

// end ends the stage and looks for what is left of anybody.
func (r *run) end(ctx context.Context, s *stage) error {
	r.begin("stop")
	all, f := freeHeap(), &r.figures
	if err := s.strike(ctx); err != nil {
		return err
	}
	f.Told, f.Posted = len(s.crowd.all), s.posted
	s.site.engine.Engine = nil
	without := freeHeap()
	f.Log, f.Left = all-without, without-f.Start.Heap-f.StandIns.Heap
	if err := r.profile.heap("left"); err != nil {
		return err
	}
	*s = stage{}
	f.After = freeHeap() - f.Start.Heap
	return nil
}

// checkLeft reports memory that nobody needs any more. A map that was large stays so, and there is one of payments and
// one of connections: 128 bytes for each of those who waited at the same time.
func (f *figures) checkLeft() error {
	if most := int64(8<<20 + 128*f.Waiters); f.Left > most {
		return fmt.Errorf("%d bytes are left, at most %d are expected", f.Left, most)
	}
	if most := int64(4 << 20); f.After > most {
		return fmt.Errorf("%d bytes are left without the server, at most %d are expected", f.After, most)
	}
	return nil
}
