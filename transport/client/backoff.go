package client

import (
	"context"
	"math/rand/v2"
	"time"
)

// Pauses between connections: the first is up to minBackoff, each further one up to twice as long, none over maxBackoff
// unless the server asks for it. What a server asks for counts up to maxPause.
const (
	minBackoff = time.Second
	maxBackoff = 30 * time.Second
	maxPause   = 5 * time.Minute
)

// pauseAfter returns how long to stay away after so many failures in a row, at least 1, and no shorter than the server
// asked for. Half of it is random: clients that lost one server must not all come back at once.
func pauseAfter(failures int, asked time.Duration) time.Duration {
	limit := maxBackoff
	if shift := failures - 1; shift < 5 {
		limit = min(limit, minBackoff<<shift)
	}
	asked = min(asked, maxPause)
	pause := limit/2 + rand.N(limit/2)
	if asked <= 0 {
		return pause
	}
	return max(pause, asked+rand.N(asked/5+1))
}

// sleep returns ctx's error if that comes first.
func sleep(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}
