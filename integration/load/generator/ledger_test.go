//go:build linux

package generator

import (
	"testing"
	"time"
)

const ms = time.Millisecond

func TestTally(t *testing.T) {
	l := &ledger{}
	add := func(topic, want int, due time.Duration) uint64 { return l.add(topic, want, due) }
	whole := add(0, 2, 10*ms)
	l.delivered(whole, 0, 12*ms)
	l.answer(whole, 204, 13*ms)
	l.delivered(whole, 0, 14*ms)
	half := add(1, 2, 11*ms) // one of two is lost
	l.answer(half, 200, 12*ms)
	l.delivered(half, 1, 12*ms)
	refused := add(2, 1, 12*ms)
	l.answer(refused, 503, 13*ms)
	add(3, 1, 13*ms) // never answered
	early := add(4, 1, 1*ms)
	l.answer(early, 204, 2*ms)
	l.delivered(early, 4, 11*ms) // told in the window, due before it
	l.delivered(early, 4, 12*ms)
	l.delivered(whole, 1, 12*ms)
	l.delivered(99, 1, 12*ms)

	c := l.tally(span{10 * ms, 20 * ms}, 100*ms, nil)
	want := Callbacks{
		Due: 4, Answered: 2, Refused: 1, Unanswered: 1, Told: 2, Expected: 4, Lost: 1, Window: 10 * ms,
		Answer:   distribution([]time.Duration{3 * ms, 1 * ms, 87 * ms}),
		Delivery: distribution([]time.Duration{4 * ms, 89 * ms, 87 * ms}),
	}
	if *c != want {
		t.Errorf("%+v\nwant %+v", *c, want)
	}
	if l.open != 2 || l.again != 1 || l.stray != 2 {
		t.Errorf("%d open, %d again, %d stray", l.open, l.again, l.stray)
	}
	if c := l.tally(span{10 * ms, 20 * ms}, 100*ms, func(r *record) bool { return r.topic == 0 }); c.Due != 1 || c.Told != 1 {
		t.Errorf("of topic 0: %+v", *c)
	}
}

func TestLedgerGrows(t *testing.T) {
	l := &ledger{}
	for i := range 2*recordBlock + 1 {
		if n := l.add(i, 1, time.Duration(i+1)); n != uint64(i) {
			t.Fatalf("callback %d has the number %d", i, n)
		}
	}
	for _, n := range []uint64{0, recordBlock - 1, recordBlock, 2 * recordBlock} {
		if r := l.at(n); r.topic != int32(n) {
			t.Errorf("record %d is that of %d", n, r.topic)
		}
	}
}

func TestDistribution(t *testing.T) {
	var d []time.Duration
	for i := 1000; i > 0; i-- {
		d = append(d, time.Duration(i))
	}
	want := Distribution{N: 1000, Mean: 500, P50: 500, P90: 900, P99: 990, Max: 1000}
	if got := distribution(d); got != want {
		t.Errorf("%+v, want %+v", got, want)
	}
	if got := distribution([]time.Duration{7}); got != (Distribution{1, 7, 7, 7, 7, 7}) {
		t.Errorf("of one: %+v", got)
	}
	if got := distribution([]time.Duration{7, 1, 6, 2, 5, 3, 4}); got != (Distribution{7, 4, 4, 7, 7, 7}) {
		t.Errorf("of seven: %+v", got)
	}
	if got := distribution(nil); got != (Distribution{}) {
		t.Errorf("of none: %+v", got)
	}
}

// TestSchedule holds that a generator that could not run for a second owes all callbacks of that second, each counted
// from when it was due.
func TestSchedule(t *testing.T) {
	l := &ledger{}
	e := &engine{
		job: &Job{Rate: 1000}, ledger: l, crowd: &crowd{waiters: make([]waiter, 1)}, senders: &senders{ledger: l},
	}
	s := &schedule{e: e, gap: 1e6, next: float64(5 * ms), topic: func() int { return 0 }}
	if again := s.step(4 * ms); again != 5*ms || l.next != 0 {
		t.Errorf("%d posted too early, again at %v", l.next, again)
	}
	if again := s.step(1004*ms + 500*time.Microsecond); again != 1005*ms || l.next != 1000 {
		t.Errorf("%d posted, again at %v", l.next, again)
	}
	for n := range l.next {
		if due := l.at(n).due; due != time.Duration(5+n)*ms {
			t.Fatalf("callback %d is due at %v", n, due)
		}
	}
	if n := e.senders.queue.len(); n != 1000 {
		t.Errorf("%d wait for a sender", n)
	}
}

// TestSpare holds that a sender is not taken while it is dialed again, and not twice.
func TestSpare(t *testing.T) {
	s := &senders{all: []sender{{state: dialing}, {state: free}, {state: free}}}
	for _, i := range []int{0, 1, 1, 2} {
		s.free.push(i)
	}
	for _, want := range []int{1, 2} {
		i, ok := s.spare()
		if !ok || i != want {
			t.Fatalf("sender %d, %v, want %d", i, ok, want)
		}
		s.all[i].state = busy
	}
	if i, ok := s.spare(); ok {
		t.Errorf("sender %d is taken", i)
	}
}

func TestFIFO(t *testing.T) {
	var f fifo[int]
	next := 0
	for i := range 100 {
		f.push(i)
		if i%3 == 0 {
			if v, ok := f.pop(); !ok || v != next {
				t.Fatalf("%d, %v, want %d", v, ok, next)
			}
			next++
		}
	}
	for ; f.len() > 0; next++ {
		if v, ok := f.pop(); !ok || v != next {
			t.Fatalf("%d, %v, want %d", v, ok, next)
		}
	}
	if _, ok := f.pop(); ok || next != 100 {
		t.Errorf("%d came out", next)
	}
}
