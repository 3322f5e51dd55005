//go:build linux

package generator

import (
	"time"

	"github.com/tillbell/tillbell/integration/load/proc"
)

// outcomes reads memory and latency, and then tells each waiter that its payment is paid, which ends its wait.
func (e *engine) outcomes(r *Result, before proc.Memory) error {
	if err := e.settle(r, before); err != nil {
		return err
	}
	if err := e.latency(r); err != nil {
		return err
	}
	c, first := e.crowd, e.ledger.next
	waiter := 0
	want := c.established
	ends := len(c.kinds[0].end) > 0
	progress, seen := e.clock.now(), 0
	e.senders.values.Status = "paid"
	e.senders.start(func() (uint64, bool) {
		for waiter < len(c.waiters) && c.waiters[waiter].state != waiting {
			waiter++
		}
		if waiter == len(c.waiters) {
			return 0, false
		}
		waiter++
		return e.ledger.add(waiter-1, 1, e.clock.now()), true
	})
	w, err := e.measure(func(now time.Duration) bool {
		if made := c.done + waiter - e.ledger.open; made != seen {
			seen, progress = made, now
		}
		over := waiter == len(c.waiters) && e.ledger.open == 0 && (c.done == want || !ends)
		return over || now-progress > drainTime
	})
	if err != nil {
		return err
	}
	e.senders.next = nil
	r.Outcomes = &Told{Ended: c.done, CPU: w.cpu}
	for n := first; n < e.ledger.next; n++ {
		if record := e.ledger.at(n); record.whole() {
			r.Outcomes.Told++
			r.Outcomes.Time = max(r.Outcomes.Time, record.last-w.from)
		}
	}
	return nil
}
