package wheel

import (
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"
)

// TestModel sets, moves and cancels timers at random and holds each against when it should ring.
func TestModel(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) { rapid.SyncTest(t, model) })
}

func model(t *rapid.T) {
	w := New()
	defer w.Stop()
	const n = 20
	var timers [n]Timer
	var mu sync.Mutex
	due := make(map[int]time.Time) // of the timers that are set; of those set for the past the moment of that
	distance := rapid.OneOf(
		rapid.Int64Range(-int64(time.Second), int64(3*time.Second)),
		rapid.Int64Range(0, int64(4*slots*Tick)),
		rapid.Map(rapid.Int64Range(0, 3*slots), func(ticks int64) int64 { return ticks * int64(Tick) }),
	)
	for range rapid.IntRange(1, 60).Draw(t, "steps") {
		i := rapid.IntRange(0, n-1).Draw(t, "timer")
		switch rapid.IntRange(0, 3).Draw(t, "step") {
		case 0, 1:
			at := time.Now().Add(time.Duration(distance.Draw(t, "distance")))
			mu.Lock()
			if due[i] = at; at.Before(time.Now()) {
				due[i] = time.Now()
			}
			mu.Unlock()
			w.Set(&timers[i], at, alarm(func() {
				mu.Lock()
				defer mu.Unlock()
				at, set := due[i]
				if late := time.Since(at); !set || late < 0 || late > Tick {
					t.Errorf("timer %d is set: %v, rings %v late", i, set, late)
				}
				delete(due, i)
			}))
		case 2:
			w.Cancel(&timers[i])
			mu.Lock()
			delete(due, i)
			mu.Unlock()
		case 3:
			time.Sleep(time.Duration(rapid.Int64Range(0, int64(slots*Tick)).Draw(t, "pause")))
			synctest.Wait()
		}
		mu.Lock()
		for i, at := range due {
			if late := time.Since(at); late > Tick {
				t.Errorf("timer %d has not rung %v after its time", i, late)
			}
		}
		mu.Unlock()
	}
	time.Sleep(5 * slots * Tick)
	synctest.Wait()
	if len(due) != 0 || w.count != 0 {
		t.Errorf("%d timers have not rung, %d are counted", len(due), w.count)
	}
}
