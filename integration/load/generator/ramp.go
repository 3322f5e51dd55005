//go:build linux

package generator

import (
	"errors"
	"time"
)

const (
	atOnce    = 512                    // connections under way
	stall     = 15 * time.Second       // without progress, after which what is under way is given up
	retry     = 100 * time.Millisecond // before a lost waiter comes back
	stepBatch = 32                     // connections opened or cut before the next poll
)

// A ramp connects the waiters of a crowd, from the first one on.
type ramp struct {
	crowd *crowd
	next  int
	rate  float64 // a second; 0 is as fast as it goes
	began time.Duration

	retries  bool // waiters that are lost come back
	retried  int
	again    fifo[comeback]
	upcoming *comeback
}

// A comeback is a waiter that is to be connected again.
type comeback struct {
	waiter int
	at     time.Duration
}

func newRamp(c *crowd, from int, rate float64) *ramp {
	now := c.clock.now()
	c.progress = now
	return &ramp{crowd: c, next: from, rate: rate, began: now}
}

// lost is for crowd.lost.
func (r *ramp) lost(waiter int) {
	if r.retries {
		r.retried++
		r.again.push(comeback{waiter, r.crowd.clock.now() + retry})
	}
}

// done says whether every waiter waits or is given up.
func (r *ramp) done(time.Duration) bool {
	return r.next == len(r.crowd.waiters) && r.crowd.underway == 0 && r.again.len() == 0 && r.upcoming == nil
}

// step opens what is due.
func (r *ramp) step(now time.Duration) time.Duration {
	c := r.crowd
	due := len(c.waiters)
	if r.rate > 0 {
		due = min(due, int((now-r.began).Seconds()*r.rate)+1)
	}
	for range stepBatch {
		if c.underway >= atOnce {
			break
		}
		if i, ok := r.due(now); ok {
			c.open(i)
		} else if r.next < due {
			c.open(r.next)
			r.next++
		} else {
			break
		}
	}
	if c.underway > 0 && now-c.progress > stall {
		r.giveUp()
	}
	if r.next < due && c.underway < atOnce {
		return now
	}
	return now + time.Millisecond
}

// due returns a waiter whose time to come back has come.
func (r *ramp) due(now time.Duration) (waiter int, ok bool) {
	if r.upcoming == nil {
		next, ok := r.again.pop()
		if !ok {
			return 0, false
		}
		r.upcoming = &next
	}
	if r.upcoming.at > now {
		return 0, false
	}
	waiter, r.upcoming = r.upcoming.waiter, nil
	return waiter, true
}

// giveUp fails everything under way.
func (r *ramp) giveUp() {
	for i := range r.crowd.waiters {
		switch r.crowd.waiters[i].state {
		case connecting, asking, readying:
			r.crowd.fail(i, errors.New("no answer for 15 s"))
		}
	}
	r.crowd.progress = r.crowd.clock.now()
}
