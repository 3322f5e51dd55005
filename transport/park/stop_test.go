package park_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/tillbell/tillbell/relay"
	"github.com/tillbell/tillbell/relay/wheel"
	"github.com/tillbell/tillbell/transport/park"
)

// bubbles runs the test on every kind of connection that works in a bubble of testing/synctest.
func bubbles(t *testing.T, test func(t *testing.T, k kind)) {
	for _, k := range kinds {
		if k.bubble {
			t.Run(k.name, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) { test(t, k) })
			})
		}
	}
}

// stopping calls Stop, and returns where its error will come.
func (y *yard) stopping(ctx context.Context) <-chan error {
	stopped := make(chan error, 1)
	go func() { stopped <- y.Stop(ctx) }()
	return stopped
}

// TestStopWaits stops while a client takes its time to leave.
func TestStopWaits(t *testing.T) {
	bubbles(t, func(t *testing.T, k kind) {
		y := newYard(t, k, options{})
		leaves, _ := y.open(t, "p", "")
		stays, _ := y.open(t, "p", "")
		began := time.Now()
		stopped := y.stopping(t.Context())
		y.relay.Drain()
		for _, c := range []*client{leaves, stays} {
			c.expect("end closing")
		}
		synctest.Wait()
		leaves.Close()
		if err := <-stopped; err != nil {
			t.Error(err)
		}
		if took := time.Since(began); took < 2*time.Second || took > 2*time.Second+wheel.Tick {
			t.Errorf("stop took %s, want the 2 s that a client has to leave", took)
		}
		stays.over()
		if err := y.Stop(t.Context()); err != nil {
			t.Errorf("once more: %v", err)
		}
	})
}

// TestStopCuts stops with no time left.
func TestStopCuts(t *testing.T) {
	over, cancel := context.WithCancel(t.Context())
	cancel()
	each(t, func(t *testing.T, k kind, reads bool) {
		y := newYard(t, k, options{reads: reads, narrow: true})
		for range 3 {
			y.open(t, "p", "")
		}
		_, stalled := y.open(t, "q", "")
		y.stall(t, k, "q", stalled, 0)
		err := y.Stop(over)
		if !errors.Is(err, context.Canceled) || !strings.Contains(err.Error(), "4 connections cut") {
			t.Errorf("stop: %v", err)
		}
		for range 4 {
			y.ended(t, relay.ErrGone)
		}
		if n := y.Open(); n != 0 {
			t.Errorf("%d are left", n)
		}
		if err := y.Stop(over); err != nil {
			t.Errorf("once more: %v", err)
		}

		// Who comes later is served like anybody.
		c, _ := y.open(t, "r", "")
		y.publish(t, "r", "one", relay.Paid)
		c.expect("event one", "end done")
		c.over()
	})
}

// TestStopAtOnce stops from several goroutines at the same time, while clients come and go.
func TestStopAtOnce(t *testing.T) {
	each(t, func(t *testing.T, k kind, reads bool) {
		y := newYard(t, k, options{reads: reads})
		var stops []<-chan error
		for range 5 {
			c, _ := y.open(t, "p", "")
			stops = append(stops, y.stopping(t.Context()))
			c.Close()
		}
		for _, stopped := range stops {
			if err := next(t, stopped, "stop"); err != nil {
				t.Error(err)
			}
		}
	})
}

// TestStopCutsWhoComesLate stops with no time left while a connection is on its way: it is cut when it comes.
func TestStopCutsWhoComesLate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHall(t, park.Options{})
		c := h.Expect()
		sub, err := h.relay.Subscribe(t.Context(), request("p"), c)
		if err != nil {
			t.Fatal(err)
		}
		over, cancel := context.WithCancel(t.Context())
		cancel()
		stopped := make(chan error, 1)
		go func() { stopped <- h.Stop(over) }()
		synctest.Wait()
		began, s := time.Now(), newTap()
		conn, err := park.Take(taker{s})
		if err != nil {
			t.Fatal(err)
		}
		c.Attach(conn, sub, nil)
		if err := <-stopped; !errors.Is(err, context.Canceled) {
			t.Errorf("stop: %v", err)
		}
		if took := time.Since(began); took != 0 || !s.closed {
			t.Errorf("stop waits %s longer than it may", took)
		}
	})
}

// TestLinger has clients that do not leave after the end: each is closed after 2 s, and what it still sends until then is
// taken.
func TestLinger(t *testing.T) {
	bubbles(t, func(t *testing.T, k kind) {
		y := newYard(t, k, options{})
		c, _ := y.open(t, "p", "")
		y.publish(t, "p", "one", relay.Paid)
		c.expect("event one", "end done")
		began := time.Now()
		for range 19 {
			time.Sleep(100 * time.Millisecond) // in the bubble
			if _, err := c.Write(make([]byte, 10<<10)); err != nil {
				t.Fatalf("after %s: %v", time.Since(began), err)
			}
		}
		if n := y.Open(); n == 0 {
			t.Error("closed already")
		}
		time.Sleep(100*time.Millisecond + wheel.Tick)
		synctest.Wait()
		if n := y.Open(); n != 0 {
			t.Errorf("%d are left after 2 s", n)
		}
		if _, err := c.Write([]byte("x")); err == nil {
			t.Error("the connection is still open")
		}
	})
}
