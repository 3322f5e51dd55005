package wheel

import (
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// alarm calls itself.
type alarm func()

func (a alarm) Ring() { a() }

// bubble runs test in a bubble with a wheel that is between two ticks, and holds afterwards that its count is right.
func bubble(t *testing.T, test func(t *testing.T, w *Wheel)) {
	synctest.Test(t, func(t *testing.T) {
		w := New()
		defer w.Stop()
		time.Sleep(37 * time.Millisecond)
		test(t, w)
		w.mu.Lock()
		defer w.mu.Unlock()
		n := 0
		for i := range w.slot {
			for e := w.slot[i].next; e != &w.slot[i]; e = e.next {
				n++
			}
		}
		if n != w.count {
			t.Errorf("%d timers are in the slots, %d are counted", n, w.count)
		}
	})
}

// ring sets t and returns the time at which it rings.
func (w *Wheel) ring(t *Timer, at time.Time) <-chan time.Time {
	rung := make(chan time.Time, 1)
	w.Set(t, at, alarm(func() { rung <- time.Now() }))
	return rung
}

func TestPunctual(t *testing.T) {
	const turn = slots * Tick
	for _, d := range []time.Duration{
		1, Tick - 1, Tick, Tick + 1, time.Second, turn - Tick, turn, turn + Tick, 3*turn + 5*time.Millisecond, 15 * time.Minute,
	} {
		t.Run(d.String(), func(t *testing.T) {
			bubble(t, func(t *testing.T, w *Wheel) {
				other := new(Timer) // keeps the wheel turning
				w.Set(other, time.Now().Add(time.Hour), alarm(func() {}))
				for range 3 {
					at := time.Now().Add(d)
					rung := <-w.ring(new(Timer), at)
					if late := rung.Sub(at); late < 0 || late > Tick {
						t.Errorf("set for %v, rings %v late", d, late)
					}
				}
				w.Cancel(other)
			})
		})
	}
}

func TestPast(t *testing.T) {
	bubble(t, func(t *testing.T, w *Wheel) {
		for _, at := range []time.Time{{}, time.Now().Add(-time.Hour), time.Now().Add(-1), time.Now()} {
			began := time.Now()
			if late := (<-w.ring(new(Timer), at)).Sub(began); late > Tick {
				t.Errorf("set for %v, rings after %v", at, late)
			}
		}
	})
}

// TestFarFuture holds that a distance that no Duration can hold does not become the past.
func TestFarFuture(t *testing.T) {
	bubble(t, func(t *testing.T, w *Wheel) {
		far := new(Timer)
		rung := w.ring(far, time.Date(9999, 12, 31, 0, 0, 0, 0, time.UTC))
		select {
		case <-rung:
			t.Error("rings at once")
		case <-time.After(10 * time.Minute):
		}
		w.Cancel(far)
	})
}

func TestLongIdle(t *testing.T) {
	bubble(t, func(t *testing.T, w *Wheel) {
		for _, idle := range []time.Duration{time.Minute, 5 * slots * Tick, 30 * 24 * time.Hour} {
			time.Sleep(idle)
			for _, d := range []time.Duration{0, 3 * time.Second, slots*Tick + time.Second} {
				at := time.Now().Add(d)
				if late := (<-w.ring(new(Timer), at)).Sub(at); late < 0 || late > Tick {
					t.Errorf("after %v of silence: set for %v, rings %v late", idle, d, late)
				}
			}
		}
	})
}

// TestIdleCosts holds that a wheel on which nothing is set does not wake up.
func TestIdleCosts(t *testing.T) {
	bubble(t, func(t *testing.T, w *Wheel) {
		timer := new(Timer)
		w.Set(timer, time.Now().Add(time.Second), alarm(func() {}))
		w.Cancel(timer)
		time.Sleep(time.Second)
		w.mu.Lock()
		before := w.last
		w.mu.Unlock()
		time.Sleep(time.Hour)
		w.mu.Lock()
		defer w.mu.Unlock()
		if w.last != before {
			t.Errorf("an empty wheel went from tick %d to %d", before, w.last)
		}
	})
}

func TestCancelAndMove(t *testing.T) {
	bubble(t, func(t *testing.T, w *Wheel) {
		var moved, cancelled, unset Timer
		w.Cancel(&unset)
		never := w.ring(&cancelled, time.Now().Add(time.Second))
		w.Cancel(&cancelled)
		w.Cancel(&cancelled)
		first := w.ring(&moved, time.Now().Add(time.Second))
		at := time.Now().Add(2 * time.Second)
		if late := (<-w.ring(&moved, at)).Sub(at); late < 0 || late > Tick {
			t.Errorf("a moved timer rings %v late", late)
		}
		time.Sleep(time.Second)
		if len(never)+len(first) != 0 {
			t.Error("a cancelled timer rings, or a moved one twice")
		}
		again := time.Now().Add(time.Second)
		if late := (<-w.ring(&moved, again)).Sub(again); late < 0 || late > Tick {
			t.Errorf("a timer that is set again rings %v late", late)
		}
	})
}

// TestFromRing sets, moves and cancels timers from Ring.
func TestFromRing(t *testing.T) {
	bubble(t, func(t *testing.T, w *Wheel) {
		var self, same, later Timer
		var beats []time.Duration
		began := time.Now()
		done := make(chan struct{})
		var beat alarm
		beat = func() {
			beats = append(beats, time.Since(began))
			if len(beats) == 5 {
				close(done)
				return
			}
			w.Set(&self, time.Now().Add(20*time.Second), beat)
		}
		w.Set(&self, began.Add(20*time.Second), beat)
		<-done
		for i, d := range beats {
			if want := time.Duration(i+1) * 20 * time.Second; d < want || d > want+time.Duration(i+1)*Tick {
				t.Errorf("beat %d after %v", i, d)
			}
		}

		at := time.Now().Add(time.Second)
		w.Set(&self, at, alarm(func() {
			w.Cancel(&later)
			w.Cancel(&same)
			w.Set(&same, at.Add(time.Second), alarm(func() {}))
		}))
		w.Set(&later, at.Add(time.Second), alarm(func() { t.Error("rings though it was cancelled a second before") }))
		time.Sleep(5 * time.Second)
	})
}

func TestStop(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := New()
		w.Set(new(Timer), time.Now().Add(time.Second), alarm(func() { t.Error("rings after Stop") }))
		time.Sleep(500 * time.Millisecond)
		w.Stop()
		w.Stop()
		time.Sleep(time.Minute)
		w.Set(new(Timer), time.Now(), alarm(func() { t.Error("rings after Stop") }))
		time.Sleep(time.Minute)
	})
}

func TestStopWaits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := New()
		ringing, leave := make(chan struct{}), make(chan struct{})
		w.Set(new(Timer), time.Now(), alarm(func() { close(ringing); <-leave }))
		<-ringing
		var stopped atomic.Bool
		go func() {
			w.Stop()
			stopped.Store(true)
		}()
		synctest.Wait()
		if stopped.Load() {
			t.Error("Stop returns while an alarm rings")
		}
		close(leave)
		synctest.Wait()
		if !stopped.Load() {
			t.Error("Stop does not return")
		}
	})
}

func TestThousands(t *testing.T) {
	bubble(t, func(t *testing.T, w *Wheel) {
		const n = 20_000
		timers := make([]Timer, n)
		var rung atomic.Int64
		for i := range timers {
			at := time.Now().Add(time.Duration(i) * 17 * time.Millisecond)
			w.Set(&timers[i], at, alarm(func() {
				rung.Add(1)
				if late := time.Since(at); late < 0 || late > Tick {
					t.Errorf("timer %d rings %v late", i, late)
				}
			}))
		}
		for i := 0; i < n; i += 4 {
			w.Cancel(&timers[i])
		}
		time.Sleep(n*17*time.Millisecond + Tick)
		synctest.Wait()
		if got := rung.Load(); got != n*3/4 {
			t.Errorf("%d of %d ring, a quarter was cancelled", got, n)
		}
	})
}

// TestManyGoroutines sets and cancels from many goroutines while the wheel rings, for the race detector.
func TestManyGoroutines(t *testing.T) {
	w := New()
	defer w.Stop()
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			var timer Timer
			for i := range 2000 {
				w.Set(&timer, time.Now().Add(time.Duration(i%300)*time.Millisecond), alarm(func() {}))
				if i%3 == 0 {
					w.Cancel(&timer)
				}
			}
			w.Cancel(&timer)
		})
	}
	wg.Wait()
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.count != 0 {
		t.Errorf("%d timers are set after all were cancelled", w.count)
	}
}
