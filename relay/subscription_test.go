package relay_test

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"slices"
	"testing"
	"testing/synctest"
	"time"
	"weak"

	"github.com/tillbell/tillbell/relay"
	"github.com/tillbell/tillbell/relay/engine/memory"
	"github.com/tillbell/tillbell/relay/wheel"
)

func TestExpiry(t *testing.T) {
	for _, ttl := range []time.Duration{time.Nanosecond, time.Second, 15 * time.Minute, 24 * time.Hour} {
		t.Run(ttl.String(), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r, stop := start(t, memory.New(memory.Options{}), relay.Options{})
				defer stop()
				offsets := 7 // at any phase of the wheel; a day has very many ticks
				if ttl > time.Hour {
					offsets = 1
				}
				for offset := range offsets {
					time.Sleep(time.Duration(offset+1) * 13 * time.Millisecond)
					w := newRecorder(t)
					began := time.Now()
					// A ticket's exp has no monotonic clock.
					until := began.Add(ttl).Round(0)
					if _, err := r.Subscribe(context.Background(), relay.Request{Payment: payment, Until: until}, w); err != nil {
						t.Fatal(err)
					}
					<-w.ended
					if _, _, end := w.seen(); end != relay.ErrExpired {
						t.Errorf("end is %v", end)
					}
					if d := time.Since(began); d < ttl || d > ttl+wheel.Tick {
						t.Errorf("a wait of %v ends after %v", ttl, d)
					}
				}
			})
		})
	}
}

func TestExpiredRequest(t *testing.T) {
	r := newRelay(t, relay.Options{})
	w := newRecorder(t)
	q := relay.Request{Payment: payment, Until: time.Now()}
	if _, err := r.Subscribe(context.Background(), q, w); err != relay.ErrExpired {
		t.Errorf("Subscribe: %v", err)
	}
	if states, _, end := w.seen(); len(states) != 0 || end != nil || r.Waiters() != 0 {
		t.Errorf("told %v, end %v, %d waiters", states, end, r.Waiters())
	}
	publish(t, r, paid("a", 1, "1")) // an outcome is told even so
	if _, err := r.Subscribe(context.Background(), q, w); err != nil {
		t.Errorf("Subscribe: %v", err)
	}
	if _, told, end := w.seen(); len(told) != 1 || end != relay.ErrDone || r.Waiters() != 0 {
		t.Errorf("told %v, end %v, %d waiters", idsOf(told), end, r.Waiters())
	}
}

func TestCursorHasOutcome(t *testing.T) {
	r := newRelay(t, relay.Options{})
	publish(t, r, paid("a", 1, "1"))
	position := publish(t, r, event("b", relay.Refunded, 2, "1")).Position
	w := newRecorder(t)
	subscribe(t, r, payment, position, w)
	if states, told, end := w.seen(); len(states) != 1 || states[0].Status != relay.Refunded || len(told) != 0 || end != relay.ErrDone {
		t.Errorf("states %v, told %v, end %v", states, idsOf(told), end)
	}
}

func TestLimits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, stop := start(t, memory.New(memory.Options{}), relay.Options{MaxWaiters: 4, MaxPerAddress: 2, MaxPerPayment: 2})
		defer stop()
		open := func(payment, address string) (*relay.Subscription, error) {
			q := relay.Request{Payment: payment, Address: address, Until: time.Now().Add(time.Hour)}
			return r.Subscribe(context.Background(), q, newRecorder(t))
		}
		first, _ := open("p1", "a1")
		for _, c := range []struct {
			payment, address string
			want             error
		}{
			{"p1", "a1", nil},
			{"p2", "a1", relay.ErrCrowded}, // of the address
			{"p1", "a2", relay.ErrCrowded}, // of the payment
			{"p2", "a2", nil},
			{"p2", "a2", nil},
			{"p3", "a3", relay.ErrFull},
		} {
			if _, err := open(c.payment, c.address); err != c.want {
				t.Errorf("Subscribe to %s from %s: %v, want %v", c.payment, c.address, err, c.want)
			}
		}
		first.Close(relay.ErrGone)
		first.Close(relay.ErrGone)
		if r.Waiters() != 3 {
			t.Errorf("%d waiters after one has gone", r.Waiters())
		}
		if _, err := open("p1", "a1"); err != nil {
			t.Errorf("Subscribe after one has gone: %v", err)
		}
		time.Sleep(time.Hour + wheel.Tick)
		synctest.Wait()
		if r.Waiters() != 0 {
			t.Errorf("%d waiters after all expired", r.Waiters())
		}
		for range 2 {
			if _, err := open("p1", "a1"); err != nil {
				t.Errorf("Subscribe after all expired: %v", err)
			}
		}
	})
}

func TestSubscribeReadFails(t *testing.T) {
	r := newRelay(t, relay.Options{MaxWaiters: 1})
	failing := failingRead{memory.New(memory.Options{})}
	bad, stop := start(t, failing, relay.Options{MaxWaiters: 1})
	defer stop()
	w := newRecorder(t)
	for range 2 { // the second would be one too many if the first was still counted
		_, err := bad.Subscribe(context.Background(), relay.Request{Payment: payment, Until: time.Now().Add(time.Hour)}, w)
		if !errors.Is(err, errTorn) {
			t.Errorf("Subscribe: %v", err)
		}
	}
	if states, _, end := w.seen(); len(states) != 0 || end != nil {
		t.Errorf("told %v, end %v", states, end)
	}
	subscribe(t, r, payment, relay.Position{}, newRecorder(t))
}

type failingRead struct{ *memory.Engine }

func (failingRead) Read(context.Context, string) ([]relay.Entry, error) { return nil, errTorn }

func TestDrain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, stop := start(t, memory.New(memory.Options{}), relay.Options{})
		defer stop()
		var waiters []*recorder
		for i := range 100 {
			w := newRecorder(t)
			subscribe(t, r, fmt.Sprint("order-", i%10), relay.Position{}, w)
			waiters = append(waiters, w)
		}
		if err := r.Ready(context.Background()); err != nil {
			t.Errorf("Ready: %v", err)
		}
		r.Drain()
		r.Drain()
		<-r.Draining()
		for _, w := range waiters {
			if _, _, end := w.seen(); end != relay.ErrClosing {
				t.Errorf("end is %v", end)
			}
		}
		if err := r.Ready(context.Background()); err != relay.ErrClosing {
			t.Errorf("Ready: %v", err)
		}
		q := relay.Request{Payment: payment, Until: time.Now().Add(time.Hour)}
		if _, err := r.Subscribe(context.Background(), q, newRecorder(t)); err != relay.ErrClosing {
			t.Errorf("Subscribe: %v", err)
		}
		if got := publish(t, r, paid("a", 1, "1")); !got.Applied {
			t.Errorf("a callback while draining: %+v", got)
		}
	})
}

// TestFanOut holds that a slow answer to many waiters changes nothing in their order.
func TestFanOut(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, stop := start(t, memory.New(memory.Options{}), relay.Options{})
		defer stop()
		waiters := make([]*recorder, 10_000)
		for i := range waiters {
			waiters[i] = newRecorder(t)
			subscribe(t, r, payment, relay.Position{}, waiters[i])
		}
		want := []string{"a", "b", "c", "d"}
		for i, id := range want[:3] {
			publish(t, r, pending(id, i))
		}
		publish(t, r, pending("late", 0))
		publish(t, r, paid("d", 4, "1"))
		synctest.Wait()
		for i, w := range waiters {
			if _, told, end := w.seen(); !slices.Equal(idsOf(told), want) || end != relay.ErrDone {
				t.Fatalf("waiter %d is told %v, end %v", i, idsOf(told), end)
			}
		}
		if r.Waiters() != 0 {
			t.Errorf("%d waiters are left", r.Waiters())
		}
	})
}

// TestConflictIsShown holds that waiters get another state with a contradiction, and that the wait goes on.
func TestConflictIsShown(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, stop := start(t, memory.New(memory.Options{}), relay.Options{})
		defer stop()
		w := newRecorder(t)
		subscribe(t, r, payment, relay.Position{}, w)
		if _, _, err := register(t, r, "", "5"); err != nil {
			t.Fatal(err)
		}
		publish(t, r, paid("wrong", 1, "6"))
		synctest.Wait()
		if states, told, end := w.seen(); len(states) != 2 || !states[1].Conflict || states[1].Final || len(told) != 0 || end != nil {
			t.Errorf("states %v, told %v, end %v", states, idsOf(told), end)
		}
		publish(t, r, paid("right", 2, "5"))
		synctest.Wait()
		if _, told, end := w.seen(); len(told) != 1 || !told[0].State.Conflict || end != relay.ErrDone {
			t.Errorf("told %v, end %v", told, end)
		}
	})
}

// closer is a waiter that gives up within a call, as a transport does when its socket is full.
type closer struct {
	*recorder
	sub *relay.Subscription
}

func (c *closer) Deliver(told *relay.Told) {
	c.recorder.Deliver(told)
	c.sub.Close(relay.ErrSlow)
}

func TestCloseWithinDeliver(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, stop := start(t, memory.New(memory.Options{}), relay.Options{})
		defer stop()
		w := &closer{recorder: newRecorder(t)}
		w.sub = subscribe(t, r, payment, relay.Position{}, w)
		publish(t, r, pending("a", 1))
		synctest.Wait()
		publish(t, r, pending("b", 2))
		synctest.Wait()
		if _, told, end := w.seen(); !slices.Equal(idsOf(told), []string{"a"}) || end != relay.ErrSlow {
			t.Errorf("told %v, end %v", idsOf(told), end)
		}
	})
}

// TestEndHoldsNothing holds that nobody keeps a subscription whose wait is over: no topic, no timer.
func TestEndHoldsNothing(t *testing.T) {
	r := newRelay(t, relay.Options{})
	gone := map[string]func() weak.Pointer[recorder]{
		"closed": func() weak.Pointer[recorder] {
			w := newRecorder(t)
			subscribe(t, r, "order-2", relay.Position{}, w).Close(relay.ErrGone)
			return weak.Make(w)
		},
		"done": func() weak.Pointer[recorder] {
			w := newRecorder(t)
			subscribe(t, r, "order-3", relay.Position{}, w)
			e := paid("a", 1, "1")
			e.Payment = "order-3"
			publish(t, r, e)
			<-w.ended
			return weak.Make(w)
		},
		"closed beside another": func() weak.Pointer[recorder] {
			w := newRecorder(t)
			sub := subscribe(t, r, payment, relay.Position{}, w)
			subscribe(t, r, payment, relay.Position{}, newRecorder(t))
			sub.Close(relay.ErrGone)
			return weak.Make(w)
		},
	}
	for name, f := range gone {
		p := f()
		for i := range 10 { // the tail's last frame may still hold it for a moment
			runtime.GC()
			if p.Value() == nil {
				break
			}
			publish(t, r, pending(fmt.Sprint(name, " ", i), 1))
		}
		if p.Value() != nil {
			t.Errorf("a waiter that is %s is still held", name)
		}
	}
}
