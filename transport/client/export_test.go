package client

import (
	"context"
	"time"
)

// Limits that tests compare with.
const (
	Brisk = brisk
	Slow  = slow
)

// AwaitByClock is Await with a wall clock that a test can let jump.
func AwaitByClock(ctx context.Context, o Options, wall func() time.Time) (Outcome, error) {
	at, err := readAddress(o.URL, o.Payment)
	if err != nil {
		return Outcome{}, err
	}
	a := newAwait(o, at)
	a.floor.wall = wall
	a.floor.seen = wall().Round(0)
	return a.run(ctx)
}
