//go:build linux

package generator

import (
	"time"
)

// A record is one callback. Times are since the generator's start; 0 is never.
type record struct {
	due      time.Duration
	sent     time.Duration
	answered time.Duration
	first    time.Duration // delivery
	last     time.Duration
	topic    int32
	want     int32 // waiters
	told     int32
	status   int16
}

// good says whether the server acknowledged the callback.
func (r *record) good() bool { return r.status >= 200 && r.status < 300 }

// whole says whether the callback was acknowledged and everybody has it.
func (r *record) whole() bool { return r.good() && r.told >= r.want }

const recordBlock = 1 << 14

// A ledger has all callbacks by the number in their id.
type ledger struct {
	blocks [][]record
	next   uint64
	open   int // acknowledged or not: callbacks that are not whole yet
	stray  int // deliveries of what was never posted, or to the wrong waiter
	again  int // deliveries to somebody who had it
}

func (l *ledger) add(topic, want int, due time.Duration) uint64 {
	n := l.next
	if n%recordBlock == 0 {
		l.blocks = append(l.blocks, make([]record, recordBlock))
	}
	l.next++
	l.open++
	*l.at(n) = record{due: due, topic: int32(topic), want: int32(want)}
	return n
}

// at returns the record of a number below next.
func (l *ledger) at(n uint64) *record { return &l.blocks[n/recordBlock][n%recordBlock] }

// delivered notes that a waiter for the topic has the callback.
func (l *ledger) delivered(n uint64, topic int, now time.Duration) {
	if n >= l.next {
		l.stray++
		return
	}
	switch r := l.at(n); {
	case r.topic != int32(topic):
		l.stray++
	case r.told >= r.want:
		l.again++
	default:
		if r.told++; r.told == 1 {
			r.first = now
		}
		r.last = now
		if r.whole() {
			l.open--
		}
	}
}

// answer notes the server's answer, -1 if the connection broke.
func (l *ledger) answer(n uint64, status int, now time.Duration) {
	r := l.at(n)
	r.answered, r.status = now, int16(status)
	if !r.good() || r.whole() {
		l.open--
	}
}

// A span is a stretch of time, without its end.
type span struct{ from, to time.Duration }

func (s span) has(t time.Duration) bool { return s.from <= t && t < s.to }

// tally sums up the callbacks due in the span that keep selects, all for nil.
func (l *ledger) tally(s span, now time.Duration, keep func(*record) bool) *Callbacks {
	c := &Callbacks{Window: s.to - s.from}
	var answer, delivery []time.Duration
	for n := range l.next {
		r := l.at(n)
		if keep != nil && !keep(r) {
			continue
		}
		if r.whole() && s.has(max(r.last, r.answered)) {
			c.Told++
		}
		if !s.has(r.due) {
			continue
		}
		c.Due++
		switch {
		case r.answered == 0:
			c.Unanswered++
			answer = append(answer, now-r.due)
		case !r.good():
			c.Refused++
			continue
		default:
			c.Answered++
			c.Expected += int(r.want)
			c.Lost += int(r.want - r.told)
			answer = append(answer, r.answered-r.due)
		}
		switch {
		case r.want > 0 && r.told == r.want:
			delivery = append(delivery, r.last-r.due)
		case r.want > 0:
			delivery = append(delivery, now-r.due)
		}
	}
	c.Answer, c.Delivery = distribution(answer), distribution(delivery)
	return c
}
