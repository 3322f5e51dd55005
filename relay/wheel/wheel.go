// Package wheel is a timing wheel: very many timers that are coarse, mostly cancelled before they ring, and cost a
// few words each. It is a hashed wheel with one level (Varghese and Lauck, "Hashed and Hierarchical Timing Wheels",
// scheme 6): a timer further away than one turn is passed over until its turn comes.
package wheel

import (
	"context"
	"sync"
	"time"

	"github.com/tillbell/tillbell/relay/yield"
)

// Tick is how late a timer may ring, plus what the machine adds. No timer rings early.
const Tick = 20 * time.Millisecond

// slots of one turn: 82 s, so that a 15-minute wait is passed over ten times in all.
const slots = 4096

// turn is how many alarms ring in a row before other goroutines may run: a million heartbeats in 20 s are 1,000 a tick,
// and each may write to a socket.
const turn = 16

// Alarm is rung once when its timer is due, on the wheel's goroutine: Ring must return at once.
type Alarm interface{ Ring() }

// Timer is one entry of a wheel. The zero Timer is not set. It must not be copied while it is set.
type Timer struct {
	next, prev *Timer
	due        int64 // ticks since the wheel's start
	alarm      Alarm
}

// Wheel runs timers from one goroutine. Its methods may be called from many goroutines, and from Ring.
type Wheel struct {
	start time.Time
	stop  context.CancelFunc
	done  chan struct{}
	wake  chan struct{}

	due   []Alarm // of one tick; like point the wheel's goroutine's
	point yield.Point

	mu    sync.Mutex
	count int
	last  int64        // the tick that was run last
	slot  [slots]Timer // heads of circular lists
}

// New returns a running wheel. Stop must be called to release its goroutine.
func New() *Wheel {
	ctx, stop := context.WithCancel(context.Background())
	w := &Wheel{start: time.Now(), stop: stop, done: make(chan struct{}), wake: make(chan struct{}, 1)}
	for i := range w.slot {
		w.slot[i].next, w.slot[i].prev = &w.slot[i], &w.slot[i]
	}
	go w.run(ctx)
	return w
}

// Stop ends the wheel and waits until no alarm is ringing. Timers that are set do not ring any more.
func (w *Wheel) Stop() {
	w.stop()
	<-w.done
	w.point.Close()
}

// Set makes t ring a at the given time or up to one Tick later, at once if that is past. A timer that is set already
// is moved.
func (w *Wheel) Set(t *Timer, at time.Time, a Alarm) {
	due := w.dueTick(at)
	w.mu.Lock()
	w.remove(t)
	if w.count == 0 {
		w.last = max(w.last, w.tick())
	}
	t.due, t.alarm = max(due, w.last+1), a
	head := &w.slot[t.due%slots]
	t.prev, t.next = head.prev, head
	t.prev.next, head.prev = t, t
	w.count++
	first := w.count == 1
	w.mu.Unlock()
	if first {
		select {
		case w.wake <- struct{}{}:
		default:
		}
	}
}

// never is when timers ring that are set for centuries to come, whose distance a Duration cannot hold.
const never = 100 * 365 * 24 * time.Hour

// dueTick returns the first tick that is not before at. A time that was read from somewhere is counted from the wall
// clock's present reading, so that it stays right if that clock was stepped since the wheel started.
func (w *Wheel) dueTick(at time.Time) int64 {
	now := time.Now()
	d := now.Sub(w.start) + max(min(at.Sub(now), never), -never)
	return int64((d + Tick - 1) / Tick)
}

// Cancel makes sure that t is not set. An alarm that is ringing at this moment is not waited for.
func (w *Wheel) Cancel(t *Timer) {
	w.mu.Lock()
	w.remove(t)
	w.mu.Unlock()
}

func (w *Wheel) remove(t *Timer) {
	if t.next == nil {
		return
	}
	t.prev.next, t.next.prev = t.next, t.prev
	t.next, t.prev, t.alarm = nil, nil, nil
	w.count--
}

func (w *Wheel) tick() int64 { return int64(time.Since(w.start) / Tick) }

func (w *Wheel) run(ctx context.Context) {
	defer close(w.done)
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		select { // nothing is set: sleep until something is
		case <-ctx.Done():
			return
		case <-w.wake:
		}
		for {
			next, more := w.advance()
			if !more {
				break
			}
			timer.Reset(time.Until(next))
			select {
			case <-ctx.Done():
				return
			case <-timer.C:
			}
		}
	}
}

// advance rings what has become due. It reports when the next tick begins, and whether anything is still set.
func (w *Wheel) advance() (next time.Time, more bool) {
	w.mu.Lock()
	now := w.tick()
	due := w.due[:0]
	for from := max(w.last, now-slots) + 1; from <= now; from++ {
		head := &w.slot[from%slots]
		for t := head.next; t != head; {
			next := t.next
			if t.due <= now {
				due = append(due, t.alarm)
				w.remove(t)
			}
			t = next
		}
	}
	w.last = max(w.last, now)
	w.mu.Unlock()
	for i, a := range due {
		a.Ring()
		if i%turn == turn-1 {
			w.point.Yield()
		}
	}
	clear(due)
	w.due = due
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.start.Add(time.Duration(w.last+1) * Tick), w.count > 0
}
