package client

import (
	"context"
	"sync"
	"time"

	"github.com/tillbell/tillbell/transport/wire"
)

// The floor is a reading of the state beside whatever the connections do, so that the wait ends where they all fail and
// none shows it.
const (
	// brisk is the time between two readings while no connection has proven itself.
	brisk = 5 * time.Second
	// slow is the same once one has, by something it told without being asked.
	slow = time.Minute
	// tick is how often it is asked whether a reading is due, and whether the machine has slept.
	tick = time.Second
	// nap is how much longer than a tick a machine must have been away for its connections to be suspect.
	nap = 5 * time.Second
)

// reading is what came of one.
type reading struct {
	wire.Poll
	err error
}

func (r reading) failed() bool { return r.err != nil }

// floor decides when to read. Its methods are for the wait's goroutine alone.
type floor struct {
	site
	owner    *sync.WaitGroup
	readings chan reading
	ticker   *time.Ticker
	off      bool // no reading at all

	reading  bool      // one is under way
	last     time.Time // when it began
	failures int       // in a row
	proven   bool      // a connection works as it should
	away     time.Time // not before: the server asked for it

	wall func() time.Time // time.Now, but for tests: a bubble's clock does not jump
	seen time.Time        // the wall clock at the last tick
}

func newFloor(s site, owner *sync.WaitGroup, off bool) *floor {
	f := &floor{site: s, owner: owner, readings: make(chan reading), ticker: time.NewTicker(tick), off: off, wall: time.Now}
	f.seen = f.wall().Round(0)
	return f
}

// slept reports whether the machine, or this process, has stood still since the last tick. The monotonic clock does not
// count a sleep on every system, so the wall clock is asked.
func (f *floor) slept() bool {
	now := f.wall().Round(0)
	away := now.Sub(f.seen)
	f.seen = now
	return away > tick+nap
}

// due reports whether it is time for a reading, which it is behind a sleep.
func (f *floor) due(slept bool) bool {
	every := slow
	switch {
	case slept:
		every = 0
	case !f.proven:
		every = min(brisk<<min(f.failures, 3), maxBackoff)
	}
	now := time.Now()
	return !f.off && !f.reading && now.Sub(f.last) >= every && !now.Before(f.away)
}

// begin reads in another goroutine; what comes of it must be given to done.
func (f *floor) begin(ctx context.Context, cursor string) {
	f.reading, f.last = true, time.Now()
	f.owner.Go(func() {
		p, err := f.read(ctx, cursor)
		select {
		case f.readings <- reading{p, err}:
		case <-ctx.Done():
		}
	})
}

// done notes what came of a reading.
func (f *floor) done(err error) {
	f.reading = false
	f.failures++
	if err == nil {
		f.failures = 0
	}
	f.stay(asked(err))
}

// stay keeps away from the server for as long as it asked.
func (f *floor) stay(d time.Duration) {
	if d > 0 {
		f.away = time.Now().Add(min(d, maxPause))
	}
}
