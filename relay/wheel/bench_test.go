package wheel

import (
	"testing"
	"time"
)

func BenchmarkSetCancel(b *testing.B) {
	w := New()
	defer w.Stop()
	b.ReportAllocs()
	b.RunParallel(func(pb *testing.PB) {
		var timer Timer
		at := time.Now().Add(15 * time.Minute)
		for pb.Next() {
			w.Set(&timer, at, alarm(nil))
			w.Cancel(&timer)
		}
	})
}

// again sets its timer anew when it rings.
type again struct {
	w *Wheel
	t *Timer
}

func (a again) Ring() { a.w.Set(a.t, time.Now().Add(15*time.Minute), a) }

// BenchmarkTick measures a tick with a million timers spread over the next 15 minutes, each of which is set anew.
func BenchmarkTick(b *testing.B) {
	w := New()
	w.Stop() // the benchmark turns it
	timers := make([]Timer, 1_000_000)
	for i := range timers {
		w.Set(&timers[i], w.start.Add(time.Duration(i)*900*time.Microsecond), again{w, &timers[i]})
	}
	for b.Loop() {
		w.start = w.start.Add(-Tick)
		w.advance()
	}
}
