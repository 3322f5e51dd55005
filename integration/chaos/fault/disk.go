//go:build linux

package fault

import (
	"context"
	"errors"
	"math/rand/v2"
	"time"

	"github.com/tillbell/tillbell/integration/chaos/cluster"
)

// slowWrites is how many writes a second a slow disk takes: one sync takes from 20 to 100 ms.
const slowWrites = 40

// slow has the first machine's disk slow down for some seconds.
func slow(ctx context.Context, s *cluster.Site, _ int) error {
	for _, p := range s.On(0) {
		if err := s.Volume.Slow(p.Pid(), slowWrites); err != nil {
			return err
		}
	}
	sleep(ctx, 4*time.Second+rand.N(6*time.Second))
	s.Volume.Hurry()
	return nil
}

// stall has the first machine's disk take nothing at all for up to three seconds. It freezes the file system by a
// program of its own, which thaws it also if this one is killed meanwhile.
func stall(ctx context.Context, s *cluster.Site, _ int) error {
	return guarded(ctx, "freeze", s.Volume.Dir, (200*time.Millisecond + rand.N(2800*time.Millisecond)).String())
}

// fill leaves the first machine's disk without room for some seconds.
func fill(ctx context.Context, s *cluster.Site, _ int) error {
	err := s.Volume.Fill()
	if err == nil {
		sleep(ctx, 4*time.Second+rand.N(4*time.Second))
	}
	return errors.Join(err, s.Volume.Empty())
}
