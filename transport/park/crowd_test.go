package park_test

import (
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/tillbell/tillbell/relay"
	"github.com/tillbell/tillbell/transport/park"
)

// TestCrowd tells some thousand clients of one payment: each everything in order, and each event is made into bytes
// once for the first and once for all others.
func TestCrowd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const many, events = 5000, 10
		h := newHall(t, park.Options{})
		taps := h.crowd(t, "p", many)
		want := []string{"state pending"}
		for i := range events {
			id := fmt.Sprintf("%d", i)
			h.publish(t, "p", id, relay.Pending)
			want = append(want, "event "+id)
			if i%3 == 0 {
				synctest.Wait() // or the events come faster than the crowd is told
			}
		}
		synctest.Wait()
		for i, s := range taps {
			if got := s.text(); got != strings.Join(want, ", ") {
				t.Fatalf("client %d was told %s", i, got)
			}
		}
		h.publish(t, "p", "paid", relay.Paid)
		synctest.Wait()
		want = append(want, "event paid", "end done")
		for i, s := range taps {
			if got := s.text(); got != strings.Join(want, ", ") || !s.shut {
				t.Fatalf("client %d was told %s", i, got)
			}
		}
		if n := h.relay.Waiters(); n != 0 {
			t.Errorf("%d waits are left", n)
		}
		time.Sleep(3 * time.Second) // in the bubble: none of them leaves by itself
		synctest.Wait()
		if n := h.Open(); n != 0 {
			t.Errorf("%d connections are left", n)
		}
	})
}

// TestCrowdEncodesOnce counts how often an event is made into bytes.
func TestCrowdEncodesOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHall(t, park.Options{})
		h.crowd(t, "p", 1000)
		h.crowd(t, "q", 1)
		for i, c := range []struct {
			payment string
			most    int64
		}{{"p", 2}, {"q", 1}, {"p", 2}} {
			before := h.codec.events.Load()
			h.publish(t, c.payment, fmt.Sprint(i), relay.Pending)
			synctest.Wait()
			if n := h.codec.events.Load() - before; n < 1 || n > c.most {
				t.Errorf("an event of %s was made into bytes %d times, want at most %d", c.payment, n, c.most)
			}
		}
	})
}

// TestCrowdHoldsUpNobody has a crowd whose first client takes for ever: who waits for another payment is told all the
// same, and the crowd when it goes on.
func TestCrowdHoldsUpNobody(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHall(t, park.Options{})
		crowd := h.crowd(t, "p", 500)
		other := h.crowd(t, "q", 1)[0]
		crowd[0].stuck = make(chan struct{})
		h.publish(t, "p", "one", relay.Pending)
		synctest.Wait()
		h.publish(t, "q", "two", relay.Paid)
		synctest.Wait()
		if got := other.text(); got != "state pending, event two, end done" {
			t.Errorf("the other was told %s", got)
		}
		close(crowd[0].stuck)
		synctest.Wait()
		for i, s := range crowd {
			if got := s.text(); got != "state pending, event one" {
				t.Fatalf("client %d was told %s", i, got)
			}
		}
	})
}
