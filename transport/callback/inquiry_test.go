package callback_test

import (
	"context"
	"fmt"
	"net/http"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/tillbell/tillbell/relay"
)

// flood posts 100 made-up ids a second, from so many /24, for the time.
func flood(h *house, networks int, lasts time.Duration) {
	var all sync.WaitGroup
	until := time.Now().Add(lasts)
	for i := range networks {
		all.Go(func() {
			for k := 0; time.Now().Before(until); k++ {
				h.serve(told(fmt.Sprintf("10.%d.%d.1", i/256, i%256), fmt.Sprintf("f%d-%d", i, k)))
				time.Sleep(time.Duration(networks) * 10 * time.Millisecond)
			}
		})
	}
	all.Wait()
}

// TestMadeUpIDs: whatever strangers post, the API is asked at a bounded pace, and what is remembered of it is bounded.
func TestMadeUpIDs(t *testing.T) {
	banking(t, func(t *testing.T, h *house, b *bank) {
		for _, networks := range []int{1, 300} {
			before := b.count("")
			flood(h, networks, 100*time.Second)
			n := b.count("") - before
			if most := 15*100 + 30; n > most || n < 400 {
				t.Errorf("%d networks: asked %d times in 100 s, want up to %d", networks, n, most)
			}
			if n := h.route.Remembered("bank"); n > 15*65+30 {
				t.Errorf("%d networks: %d ids are remembered", networks, n)
			}
		}
		time.Sleep(2 * time.Minute)
		h.wants(t, visitor, "t1", http.StatusOK)
		if n := h.route.Remembered("bank"); n != 1 {
			t.Errorf("%d ids are remembered of which the minute is over, want the last one", n)
		}
	})
}

// TestStrangersLeaveTheProviderItsQuota: during a flood the callbacks of an address that had a genuine one are answered at
// once, and so are, from fewer networks than there is room for, those of one that nobody has heard of.
func TestStrangersLeaveTheProviderItsQuota(t *testing.T) {
	for _, c := range []struct {
		what     string
		networks int
		known    bool
	}{{"known", 300, true}, {"new", 100, false}} {
		t.Run(c.what, func(t *testing.T) {
			banking(t, func(t *testing.T, h *house, b *bank) {
				b.before = func(context.Context, int) error {
					time.Sleep(200 * time.Millisecond)
					return nil
				}
				const provider = "198.51.100.1"
				if c.known {
					b.set("t0", relay.Paid)
					h.wants(t, provider, "t0", http.StatusOK)
				}
				var all sync.WaitGroup
				all.Go(func() { flood(h, c.networks, 30*time.Second) })
				time.Sleep(20 * time.Second)
				for i := range 20 {
					id := fmt.Sprintf("t%d", i+1)
					b.set(id, relay.Paid)
					began := time.Now()
					if w := h.serve(told(provider, id)); w.Code != http.StatusOK {
						t.Fatalf("callback %d: answered %d", i, w.Code)
					}
					if took := time.Since(began); took > time.Second {
						t.Errorf("callback %d: answered after %s", i, took)
					}
				}
				all.Wait()
			})
		})
	}
}

// An API that hangs holds up strangers in their own lane.
func TestStrangersCannotTakeTheProvidersTurns(t *testing.T) {
	banking(t, func(t *testing.T, h *house, b *bank) {
		const provider = "198.51.100.1"
		b.set("t0", relay.Paid)
		h.wants(t, provider, "t0", http.StatusOK)
		b.before = func(ctx context.Context, _ int) error {
			<-ctx.Done()
			return ctx.Err()
		}
		var all sync.WaitGroup
		for i := range 12 {
			all.Go(func() { h.serve(told(fmt.Sprintf("10.0.%d.1", i), fmt.Sprint("f", i))) })
		}
		synctest.Wait()
		if n := b.count(""); n != 1+3 {
			t.Errorf("asked %d times at once, want 3", n-1)
		}
		b.mu.Lock()
		b.before = nil
		b.mu.Unlock()
		b.set("t1", relay.Paid)
		began := time.Now()
		h.wants(t, provider, "t1", http.StatusOK)
		if time.Since(began) != 0 {
			t.Errorf("the provider waited for %s", time.Since(began))
		}
		all.Wait()
	})
}

// A buyer can post the id of a payment of their own before the provider does. That is worth a few questions and no more.
func TestTrueStrangerIsNoProvider(t *testing.T) {
	banking(t, func(t *testing.T, h *house, b *bank) {
		b.set("own", relay.Paid)
		h.wants(t, visitor, "own", http.StatusOK)
		before := b.count("")
		for i := range 1000 {
			h.serve(told(visitor, fmt.Sprint("f", i)))
		}
		if n := b.count("") - before; n > 20+10 {
			t.Errorf("asked %d times, want 20 for the proof and the burst of strangers", n)
		}
	})
}

// Only so many may wait for the same fetch, or for any.
func TestOnlySoManyWaitForAFetch(t *testing.T) {
	banking(t, func(t *testing.T, h *house, b *bank) {
		b.set("t1", relay.Paid)
		h.wants(t, visitor, "t1", http.StatusOK) // the next one is three seconds off
		var limited atomic.Int64
		var all sync.WaitGroup
		post := func(address string, n int) {
			limited.Store(0)
			for range n {
				all.Go(func() {
					if w := h.serve(told(address, "t1")); w.Code == http.StatusServiceUnavailable {
						limited.Add(1)
					}
				})
			}
			synctest.Wait()
		}
		post("203.0.114.1", 100) // a stranger: one leads and 16 join
		if n := limited.Load(); n != 100-17 {
			t.Errorf("%d strangers were sent away, want %d", n, 100-17)
		}
		post(visitor, 100) // is proven, and joins no stranger's
		if n := limited.Load(); n != 100-33 {
			t.Errorf("%d of the provider were sent away, want %d", n, 100-33)
		}
		all.Wait()
		if b.count("t1") != 3 {
			t.Errorf("asked %d times, want 3", b.count("t1"))
		}
	})
}

func TestOnlySoManyWaitForAllFetches(t *testing.T) {
	banking(t, func(t *testing.T, h *house, b *bank) {
		const many = 20
		for i := range many {
			b.set(fmt.Sprint(i), relay.Paid)
			h.wants(t, visitor, fmt.Sprint(i), http.StatusOK)
		}
		var limited atomic.Int64
		var all sync.WaitGroup
		for range 1 + 32 { // one leads, and 32 may join
			for i := range many {
				all.Go(func() {
					if w := h.serve(told(visitor, fmt.Sprint(i))); w.Code == http.StatusServiceUnavailable {
						limited.Add(1)
					}
				})
			}
			synctest.Wait()
		}
		if n := limited.Load(); n != many*32-512 {
			t.Errorf("%d were sent away, want %d", n, many*32-512)
		}
		all.Wait()
	})
}

// What is forgotten now and then is what is over: a fetch that takes its time is not.
func TestFetchUnderWayIsNotForgotten(t *testing.T) {
	banking(t, func(t *testing.T, h *house, b *bank) {
		b.set("t1", relay.Paid)
		var running, most atomic.Int64
		b.before = func(context.Context, int) error {
			defer running.Add(-1)
			most.Store(max(most.Load(), running.Add(1)))
			time.Sleep(5 * time.Second)
			return nil
		}
		var all sync.WaitGroup
		all.Go(func() { h.wants(t, visitor, "t1", http.StatusOK) })
		time.Sleep(4 * time.Second)
		b.mu.Lock()
		slow := b.before
		b.before = nil
		b.mu.Unlock()
		h.wants(t, "203.0.114.1", "t2", http.StatusOK) // something else comes, which is when it forgets
		b.mu.Lock()
		b.before = slow
		b.mu.Unlock()
		all.Go(func() { h.wants(t, "203.0.115.1", "t1", http.StatusOK) })
		all.Wait()
		if most.Load() != 1 || b.count("t1") != 2 {
			t.Errorf("asked %d times, %d at once; want twice, one after the other", b.count("t1"), most.Load())
		}
	})
}

// TestStrangerDoesNotLeadTheProvidersFetch: who keeps the lane of strangers full, and asks for an id all the time, holds up
// no callback of the provider about it.
func TestStrangerDoesNotLeadTheProvidersFetch(t *testing.T) {
	banking(t, func(t *testing.T, h *house, b *bank) {
		const provider = "198.51.100.1"
		b.set("t0", relay.Paid)
		h.wants(t, provider, "t0", http.StatusOK)
		b.before = func(ctx context.Context, _ int) error {
			select {
			case <-time.After(600 * time.Millisecond):
				return nil
			case <-ctx.Done():
				return ctx.Err()
			}
		}
		ctx, cancel := context.WithCancel(t.Context())
		var all sync.WaitGroup
		for i := range 20 {
			all.Go(func() {
				for k := 0; ctx.Err() == nil; k++ {
					id := "victim"
					if i > 0 {
						id = fmt.Sprintf("f%d-%d", i, k)
					}
					h.serve(told(attacker, id))
					time.Sleep(37 * time.Millisecond)
				}
			})
		}
		time.Sleep(time.Minute)
		b.set("victim", relay.Paid)
		for range 10 {
			h.wants(t, provider, "victim", http.StatusOK)
			time.Sleep(time.Minute)
		}
		cancel()
		all.Wait()
	})
}
