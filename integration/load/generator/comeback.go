//go:build linux

package generator

import (
	"maps"
	"time"
)

// maxReturn is how long waiters have to come back.
const maxReturn = time.Minute

// comeback cuts all waiters but the steady ones, lets them come back as fast as it goes, and posts callbacks all the
// while: one for somebody who stayed, then one for somebody who was cut, nobody twice.
func (e *engine) comeback(r *Result) error {
	c := e.crowd
	stayed, away := e.random(c.steady), c.steady
	turn := false
	schedule := e.schedule(func() int {
		if turn = !turn; turn || away == len(c.waiters) {
			return stayed()
		}
		away++
		return away - 1
	})
	if err := e.loop(until(e.clock.now()+e.job.Warmup), schedule.step); err != nil {
		return err
	}
	before, established := maps.Clone(c.reasons), c.established
	var back *ramp
	next := c.steady
	last := e.clock.now() + maxReturn
	over := func(now time.Duration) bool { return back != nil && back.done(now) || now > last }
	w, err := e.measure(over, schedule.step, func(now time.Duration) time.Duration {
		if back != nil {
			return back.step(now)
		}
		for range stepBatch {
			if next == len(c.waiters) {
				back = newRamp(c, c.steady, 0)
				back.retries, c.lost = true, back.lost
				break
			}
			c.cut(next)
			next++
		}
		return now
	})
	if err != nil {
		return err
	}
	if back != nil {
		back.retries = false
		r.Return = &Return{Retries: back.retried}
	} else {
		r.Return = &Return{}
	}
	r.Return.Time, r.Return.CPU = w.to-w.from, w.cpu
	r.Return.Back = len(c.waiters) - c.steady - (established - c.established)
	r.Return.Reasons = without(c.reasons, before)
	if err := e.loop(until(e.clock.now()+e.job.Warmup), schedule.step); err != nil {
		return err
	}
	if err := e.drain(); err != nil {
		return err
	}
	r.Callbacks = e.tally(w, func(r *record) bool { return int(r.topic) < c.steady })
	r.Return.Answer = e.tally(w, nil).Answer
	r.Return.Lost = e.tally(w, func(r *record) bool { return int(r.topic) >= c.steady }).Lost
	return nil
}

// without returns the counts that were added to those before.
func without(all, before map[string]int) map[string]int {
	added := make(map[string]int)
	for k, n := range all {
		if n > before[k] {
			added[k] = n - before[k]
		}
	}
	return added
}
