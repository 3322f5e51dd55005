//go:build linux

package fault

import (
	"context"
	"errors"
	"math/rand/v2"
	"time"

	"github.com/tillbell/tillbell/integration/chaos/cluster"
)

// kill kills the processes of one machine after the other, and starts them again.
func kill(ctx context.Context, s *cluster.Site, n int) error {
	victims := s.On(n % len(s.Relays))
	if len(victims) > 1 { // a relay and its nats-server: one of them, the other, both
		victims = [][]*cluster.Process{victims[:1], victims[1:], victims}[n/len(s.Relays)%3]
	}
	return down(ctx, victims, (*cluster.Process).Kill)
}

// killAll kills everything within a moment.
func killAll(ctx context.Context, s *cluster.Site, _ int) error {
	return down(ctx, s.Processes(), (*cluster.Process).Kill)
}

// restart ends the processes of one machine after the other in good order, as a deploy does.
func restart(ctx context.Context, s *cluster.Site, n int) error {
	return down(ctx, s.On(n%len(s.Relays)), (*cluster.Process).Stop)
}

// down ends the processes, leaves them down for a while and waits until they serve again.
func down(ctx context.Context, victims []*cluster.Process, end func(*cluster.Process)) error {
	for _, p := range victims {
		end(p)
	}
	sleep(ctx, 100*time.Millisecond+rand.N(2*time.Second))
	var errs []error
	for _, p := range victims {
		errs = append(errs, p.Start())
	}
	for _, p := range victims {
		errs = append(errs, p.Ready(context.WithoutCancel(ctx)))
	}
	return errors.Join(errs...)
}

// pause stops the processes of one machine after the other for longer than anybody waits for an answer.
func pause(ctx context.Context, s *cluster.Site, n int) error {
	victims := s.On(n % len(s.Relays))
	for _, p := range victims {
		p.Pause()
	}
	sleep(ctx, 5*time.Second+rand.N(10*time.Second))
	for _, p := range victims {
		p.Resume()
	}
	return nil
}

// partition parts one machine after the other from the rest of its cluster. The generator reaches all of them.
func partition(ctx context.Context, s *cluster.Site, n int) error {
	i := n % len(s.Relays)
	if err := s.Network.Isolate(ctx, i); err != nil {
		return err
	}
	sleep(ctx, 5*time.Second+rand.N(10*time.Second))
	return s.Network.Join(context.WithoutCancel(ctx), i)
}

// mixed does one after the other, each to the next machine.
func mixed(ctx context.Context, s *cluster.Site, n int) error {
	return []func(context.Context, *cluster.Site, int) error{kill, partition, pause, restart}[n%4](ctx, s, n)
}
