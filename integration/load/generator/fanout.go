//go:build linux

package generator

import "time"

const (
	fanGap  = 100 * time.Millisecond // from the last delivery of a fan-out to the next
	fanTime = 10 * time.Second       // after which it counts as lost
)

// fans are fan-outs, one after the other.
type fans struct {
	e       *engine
	left    int // to go; below 0 is without end
	next    time.Duration
	numbers []uint64
}

// step posts the next one when it is due.
func (f *fans) step(now time.Duration) time.Duration {
	if n := len(f.numbers); n > 0 {
		r := f.e.ledger.at(f.numbers[n-1])
		if !r.whole() && now < r.due+fanTime {
			return now + time.Millisecond
		}
		f.next = max(r.last, r.answered) + fanGap
	}
	if f.left == 0 || now < f.next {
		return max(f.next, now+time.Millisecond)
	}
	f.left--
	f.numbers = append(f.numbers, f.e.post(f.e.crowd.steady, now))
	return now
}

// done says whether all are over.
func (f *fans) done(now time.Duration) bool { return f.left == 0 && now >= f.next && !f.running(now) }

func (f *fans) running(now time.Duration) bool {
	if len(f.numbers) == 0 {
		return false
	}
	r := f.e.ledger.at(f.numbers[len(f.numbers)-1])
	return !r.whole() && now < r.due+fanTime
}

// spans returns when each was under way.
func (f *fans) spans() []span {
	var all []span
	for _, n := range f.numbers {
		if r := f.e.ledger.at(n); r.whole() {
			all = append(all, span{r.due, r.last})
		}
	}
	return all
}

// fanout measures fan-outs alone, others alone, and the others that are due while a fan-out is under way.
func (e *engine) fanout(r *Result) error {
	alone := &fans{e: e, left: e.job.Fanouts}
	w, err := e.measure(alone.done, alone.step)
	if err != nil {
		return err
	}
	r.Fanout = e.fan(alone, w)
	others := func(r *record) bool { return int(r.topic) < e.crowd.steady }
	schedule := e.schedule(e.random(e.crowd.steady))
	if w, err = e.timed(schedule.step); err != nil {
		return err
	}
	if err := e.drain(); err != nil {
		return err
	}
	r.Quiet = e.tally(w, others)
	schedule = e.schedule(schedule.topic)
	among := &fans{e: e, left: -1}
	if w, err = e.measure(until(e.clock.now()+e.job.Window), schedule.step, among.step); err != nil {
		return err
	}
	among.left = 0
	if err := e.drain(); err != nil {
		return err
	}
	spans := among.spans()
	r.Callbacks = e.tally(w, func(r *record) bool {
		for _, s := range spans {
			if s.has(r.due) {
				return others(r)
			}
		}
		return false
	})
	return nil
}

func (e *engine) fan(f *fans, w window) *Fan {
	fan := &Fan{}
	var first, last []time.Duration
	for _, n := range f.numbers {
		r := e.ledger.at(n)
		fan.Told += int(r.told)
		if !r.whole() {
			fan.Lost += int(r.want - r.told)
			continue
		}
		first, last = append(first, r.first-r.due), append(last, r.last-r.due)
	}
	fan.First, fan.Last = distribution(first), distribution(last)
	fan.CPU = w.cpu / time.Duration(max(fan.Told, 1))
	return fan
}
