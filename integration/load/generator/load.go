//go:build linux

package generator

import (
	"cmp"
	"math/rand/v2"
	"os"
	"time"

	"github.com/tillbell/tillbell/integration/load/proc"
)

// A schedule posts callbacks in an open loop, each when it is due, however late the server is with others.
type schedule struct {
	e     *engine
	gap   float64 // nanoseconds
	next  float64
	topic func() int
}

func (e *engine) schedule(topic func() int) *schedule {
	return &schedule{e: e, gap: 1e9 / e.job.Rate, next: float64(e.clock.now()), topic: topic}
}

func (s *schedule) step(now time.Duration) time.Duration {
	for s.next <= float64(now) {
		s.e.post(s.topic(), time.Duration(s.next))
		s.next += s.gap
	}
	return time.Duration(s.next)
}

func (e *engine) post(topic int, due time.Duration) uint64 {
	n := e.ledger.add(topic, e.crowd.want(topic), due)
	e.senders.post(n)
	return n
}

// random returns a function that picks a topic below n whose waiter is there.
func (e *engine) random(n int) func() int {
	rng := rand.New(rand.NewPCG(1, 2))
	return func() int {
		topic := rng.IntN(n)
		for range 100 {
			if e.crowd.waiters[topic].state == waiting {
				break
			}
			topic = rng.IntN(n)
		}
		return topic
	}
}

// A window is a measured stretch of a job.
type window struct {
	span
	cpu time.Duration // of the server
	own time.Duration
}

// measure runs a loop and says what it cost.
func (e *engine) measure(end func(time.Duration) bool, steps ...step) (window, error) {
	var w window
	cpu, err := e.cpu()
	if err != nil {
		return w, err
	}
	own, err := proc.CPU(os.Getpid())
	if err != nil {
		return w, err
	}
	w.from = e.clock.now()
	if err := e.loop(end, steps...); err != nil {
		return w, err
	}
	w.to = e.clock.now()
	if w.cpu, err = e.cpu(); err != nil {
		return w, err
	}
	w.cpu -= cpu
	w.own, err = proc.CPU(os.Getpid())
	w.own -= own
	return w, err
}

// drainTime is the default of Job.Drain.
const drainTime = 3 * time.Second

// drain waits until everything posted is answered and delivered, or Job.Drain.
func (e *engine) drain() error {
	last := e.clock.now() + cmp.Or(e.job.Drain, drainTime)
	return e.loop(func(now time.Duration) bool { return e.ledger.open == 0 || now > last })
}

// tally sums up what was due in the window.
func (e *engine) tally(w window, keep func(*record) bool) *Callbacks {
	c := e.ledger.tally(w.span, e.clock.now(), keep)
	c.CPU, c.OwnCPU = w.cpu, w.own
	return c
}

// timed measures the steps over the window, after the warm-up.
func (e *engine) timed(steps ...step) (window, error) {
	if err := e.loop(until(e.clock.now()+e.job.Warmup), steps...); err != nil {
		return window{}, err
	}
	return e.measure(until(e.clock.now()+e.job.Window), steps...)
}

func (e *engine) latency(r *Result) error {
	w, err := e.timed(e.schedule(e.random(len(e.crowd.waiters))).step)
	if err != nil {
		return err
	}
	if err := e.drain(); err != nil {
		return err
	}
	r.Callbacks = e.tally(w, nil)
	return nil
}

// throughput lets each sender post to one topic after the other.
func (e *engine) throughput(r *Result) error {
	topics, want := len(e.crowd.waiters), 1
	if topics == 0 {
		topics, want = e.job.Topics, 0
	}
	topic := 0
	e.senders.start(func() (uint64, bool) {
		for range topics {
			if topic++; topic >= topics {
				topic = 0
			}
			if want == 0 || e.crowd.waiters[topic].state == waiting {
				break
			}
		}
		return e.ledger.add(topic, want, e.clock.now()), true
	})
	w, err := e.timed()
	if err != nil {
		return err
	}
	e.senders.next = nil
	if err := e.drain(); err != nil {
		return err
	}
	r.Callbacks = e.tally(w, nil)
	return nil
}

// beatBucket is the stretch of time over which heartbeats are counted together.
const beatBucket = 100 * time.Millisecond

func (e *engine) heartbeats(r *Result) error {
	r.Beats = &Beats{Buckets: make([]int, e.job.Window/beatBucket)}
	from := e.clock.now() + e.job.Warmup
	e.crowd.beat = func(now time.Duration) {
		if i := int((now - from) / beatBucket); now >= from && i < len(r.Beats.Buckets) {
			r.Beats.Buckets[i]++
			r.Beats.Count++
		}
	}
	return e.latency(r)
}
