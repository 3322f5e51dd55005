package heap

import (
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// runtimeOf is a runtime of a test: what it says, and what was asked of it.
type runtimeOf struct {
	mu    sync.Mutex
	s     sample
	stuck uint64 // what stays free however often memory is given back
	asked
}

// asked is what a Keeper asked of the runtime.
type asked struct {
	reads, given int
	percents     []int
}

func (a asked) percent() int { return a.percents[len(a.percents)-1] }

// now waits until the Keeper has nothing to do and returns what it asked until then.
func (r *runtimeOf) now() asked {
	synctest.Wait()
	r.mu.Lock()
	defer r.mu.Unlock()
	a := r.asked
	a.percents = slices.Clone(a.percents)
	return a
}

func (r *runtimeOf) machine() machine {
	return machine{
		read: func() sample {
			r.mu.Lock()
			defer r.mu.Unlock()
			r.reads++
			return r.s
		},
		setPercent: func(p int) int {
			r.mu.Lock()
			defer r.mu.Unlock()
			before := 100
			if n := len(r.percents); n > 0 {
				before = r.percents[n-1]
			}
			r.percents = append(r.percents, p)
			return before
		},
		giveBack: func() {
			r.mu.Lock()
			defer r.mu.Unlock()
			r.given++
			r.s.live = r.s.objects - min(r.s.spare(), r.s.objects)
			r.s.objects, r.s.free = r.s.live, r.stuck
		},
	}
}

// keeping runs f in a bubble with a Keeper of r.
func keeping(t *testing.T, r *runtimeOf, f func(k *Keeper)) {
	t.Helper()
	synctest.Test(t, func(*testing.T) {
		k := keep(r.machine())
		defer k.Stop()
		synctest.Wait()
		f(k)
	})
}

// collected tells k that a collection ended.
func collected(k *Keeper) {
	k.cycles <- struct{}{}
	synctest.Wait()
}

// pass lets time pass while memory is allocated at a rate, in bytes per second, and a collection ends each second.
func (r *runtimeOf) pass(k *Keeper, seconds int, rate uint64) {
	for range seconds {
		time.Sleep(time.Second) // in the bubble
		r.allocate(rate)
		collected(k)
	}
}

func (r *runtimeOf) allocate(bytes uint64) {
	r.mu.Lock()
	r.s.allocated += bytes
	r.mu.Unlock()
}

func (r *runtimeOf) set(live, objects, free uint64) {
	r.mu.Lock()
	r.s.live, r.s.objects, r.s.free = live, objects, free
	r.mu.Unlock()
}

func TestPercent(t *testing.T) {
	for _, c := range []struct {
		live uint64 // MiB
		rate float64
		want int
	}{
		{0, 0, 50}, {5, 0, 50}, {5, 25, 50}, {5, 70, 140}, {5, 200, 400}, {5, 5000, 400},
		{100, 70, 140}, {100, 200, 400}, {200, 200, 200}, {200, 70, 140},
		{700, 0, 50}, {700, 1000, 57}, {800, 1000, 50}, {100_000, 1000, 50},
	} {
		if got := percent(c.live*mib, c.rate*mib); got != c.want {
			t.Errorf("%d MiB at %v MiB/s: GOGC %d, want %d", c.live, c.rate, got, c.want)
		}
	}
}

// TestFollows: GOGC rises with the rate at once, falls by half the way, and is not set again for a little.
func TestFollows(t *testing.T) {
	r := &runtimeOf{s: sample{live: 10 * mib, objects: 10 * mib}}
	keeping(t, r, func(k *Keeper) {
		for _, c := range []struct {
			rate uint64 // MiB/s
			want int
		}{{1000, 400}, {70, 270}, {70, 205}, {70, 172}, {70, 172}, {200, 400}, {0, 225}, {0, 137}, {0, 93}} {
			r.pass(k, 1, c.rate*mib)
			if got := r.now().percent(); got != c.want {
				t.Errorf("at %d MiB/s: GOGC %d, want %d", c.rate, got, c.want)
			}
		}
	})
	if want := []int{400, 270, 205, 172, 400, 225, 137, 93, 100}; !slices.Equal(r.percents, want) {
		t.Errorf("GOGC was set to %v, want %v, of which the last is what it was before", r.percents, want)
	}
}

// TestGivesBack: what a burst leaves is given back within 8 s, once, and after that nothing runs.
func TestGivesBack(t *testing.T) {
	r := &runtimeOf{}
	keeping(t, r, func(k *Keeper) {
		r.pass(k, 5, 100*mib)
		r.set(7*mib, 12*mib, 20*mib)
		if r.now().given != 0 {
			t.Fatal("given back during the burst")
		}
		time.Sleep(2 * window)
		if a := r.now(); a.given != 1 || a.percent() != minPercent {
			t.Fatalf("given back %d times, GOGC %d", a.given, a.percent())
		}
		collected(k) // its own
		time.Sleep(window)
		before := r.now()
		time.Sleep(time.Hour)
		if a := r.now(); a.given != 1 || a.reads != before.reads {
			t.Errorf("in a quiet hour: given back %d times more, %d samples", a.given-1, a.reads-before.reads)
		}
	})
}

// TestBusy: nothing is given back while more than a little is allocated, be it collected or not.
func TestBusy(t *testing.T) {
	r := &runtimeOf{}
	keeping(t, r, func(k *Keeper) {
		collected(k)
		r.set(7*mib, 50*mib, 20*mib)
		for range 60 {
			time.Sleep(time.Second)
			r.allocate(2 * mib)
		}
		if r.now().given != 0 {
			t.Fatal("given back while 2 MiB/s were allocated")
		}
		for range 8 {
			time.Sleep(time.Second)
			r.allocate(mib / 2)
		}
		if a := r.now(); a.given != 1 {
			t.Errorf("given back %d times at 0.5 MiB/s", a.given)
		}
	})
}

// TestWorth: for too little that is spare nothing is collected.
func TestWorth(t *testing.T) {
	for _, c := range []struct {
		live, objects, free uint64 // MiB
		given               int
	}{
		{8, 8, 1, 0}, {8, 8, 2, 1}, {8, 9, 1, 1}, {8, 10, 0, 1}, {8, 9, 0, 0},
		{800, 800, 100, 0}, {800, 850, 51, 1}, {800, 780, 0, 0},
	} {
		r := &runtimeOf{}
		keeping(t, r, func(k *Keeper) {
			r.set(c.live*mib, c.objects*mib, c.free*mib)
			collected(k)
			time.Sleep(window)
			if a := r.now(); a.given != c.given {
				t.Errorf("%+v: given back %d times", c, a.given)
			}
		})
	}
}

// TestStuck: what cannot be given back does not make it try for ever.
func TestStuck(t *testing.T) {
	r := &runtimeOf{stuck: 30 * mib}
	keeping(t, r, func(k *Keeper) {
		r.set(7*mib, 7*mib, 40*mib)
		for range 10 {
			collected(k)
			time.Sleep(window)
		}
		if a := r.now(); a.given != 1 {
			t.Errorf("given back %d times", a.given)
		}
		r.set(7*mib, 7*mib, 33*mib)
		collected(k)
		time.Sleep(window)
		if a := r.now(); a.given != 2 {
			t.Errorf("with 3 MiB more: given back %d times", a.given)
		}
	})
}
