package park_test

import (
	"fmt"
	"io"
	"testing"
	"testing/synctest"
	"time"

	"github.com/tillbell/tillbell/relay"
	"github.com/tillbell/tillbell/relay/wheel"
	"github.com/tillbell/tillbell/transport/park"
)

const beat = 20 * time.Second

// late is by how much a heartbeat may be late: a tick, and another one where the timer was set between two.
const late = 2 * wheel.Tick

// TestHeartbeatsAreSpread has very many clients that come together and are then told an event together. Their
// heartbeats come evenly over the interval, and nobody hears nothing for longer than that.
func TestHeartbeatsAreSpread(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const many = 4000
		h := newHall(t, park.Options{Heartbeat: beat})
		taps := h.crowd(t, "p", many)
		time.Sleep(5*beat + beat/2) // in the bubble
		for round := range 5 {
			if most := busiest(taps, time.Duration(round)*beat, beat); most > many/20*2 {
				t.Errorf("round %d: %d of %d heartbeats come in the same second of 20", round, most, many)
			}
		}
		event := time.Since(taps[0].began)
		h.publish(t, "p", "one", relay.Pending)
		time.Sleep(5 * beat) // in the bubble
		// Who was told together has the next heartbeat over a quarter of the interval at least.
		for round := range 3 {
			if most := busiest(taps, event+time.Duration(round+1)*beat-beat/4, beat/4+late); most > many/2 {
				t.Errorf("round %d after the event: %d of %d heartbeats come in the same second", round, most, many)
			}
		}
		for i, s := range taps {
			s.silences(func(pause, at time.Duration) {
				if pause > beat+late {
					t.Fatalf("client %d hears nothing for %s until %s", i, pause, at)
				}
				if pause < beat*3/4-late && at > beat+late && at != event {
					t.Fatalf("client %d has a heartbeat after %s, at %s", i, pause, at)
				}
			})
			if n := len(s.heard()); n < 11 || n > 16 {
				t.Fatalf("client %d heard %s", i, s.text())
			}
		}
	})
}

// holdUp is an alarm that takes its time, as a machine does on which everybody comes back at once.
type holdUp time.Duration

func (h holdUp) Ring() { time.Sleep(time.Duration(h)) } // in the bubble

// TestHeartbeatsDoNotClot holds the timers up for half an interval. Those that were due meanwhile come together once, and
// never again.
func TestHeartbeatsDoNotClot(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const many = 2000
		h := newHall(t, park.Options{Heartbeat: beat})
		taps := h.crowd(t, "p", many)
		var timer wheel.Timer
		h.wheel.Set(&timer, time.Now().Add(2*beat), holdUp(beat/2))
		time.Sleep(5 * beat) // in the bubble
		if most := busiest(taps, 2*beat, beat); most < many/3 {
			t.Fatalf("%d of %d heartbeats come at once: the timers were not held up", most, many)
		}
		if most := busiest(taps, 4*beat, beat); most > many/20*2 {
			t.Errorf("%d of %d heartbeats come in the same second of 20", most, many)
		}
	})
}

// busiest returns how many pings came in the second that has most of them.
func busiest(taps []*tap, from, length time.Duration) (most int) {
	seconds := make(map[time.Duration]int)
	for _, s := range taps {
		for _, l := range s.heard() {
			if l.text == "ping" && l.at >= from && l.at < from+length {
				seconds[l.at/time.Second]++
			}
		}
	}
	for _, n := range seconds {
		most = max(most, n)
	}
	return most
}

// TestHeartbeatIsPutOff tells a client events all the time: it needs no heartbeat.
func TestHeartbeatIsPutOff(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHall(t, park.Options{Heartbeat: beat})
		h.publish(t, "p", "first", relay.Pending)
		s := h.crowd(t, "p", 1)[0]
		for i := range 40 {
			time.Sleep(beat/2 - time.Second) // in the bubble
			h.publish(t, "p", fmt.Sprint(i), relay.Pending)
		}
		pings := 0
		for _, l := range s.heard() {
			if l.text == "ping" {
				pings++
			}
		}
		if pings > 1 { // the first comes at any moment
			t.Errorf("%d heartbeats: %s", pings, s.text())
		}
	})
}

// TestHeartbeatIsPunctual has clients that read, on every kind of connection, with a heartbeat that is shorter and one
// that is longer than WriteTimeout: nobody hears nothing for longer than that, whatever else was written.
func TestHeartbeatIsPunctual(t *testing.T) {
	for _, heartbeat := range []time.Duration{time.Second, 5 * time.Second, 20 * time.Second} {
		t.Run(heartbeat.String(), func(t *testing.T) {
			bubbles(t, func(t *testing.T, k kind) {
				y := newYard(t, k, options{park: parkOptions(heartbeat, 10*time.Second)})
				c, _ := y.open(t, "p", "")
				_ = c.SetDeadline(time.Time{})
				last := time.Now()
				for i := range 10 {
					if i == 5 {
						y.publish(t, "p", "event", relay.Pending)
						c.expect("event event")
						last = time.Now()
					}
					c.expect("ping")
					if pause := time.Since(last); pause > heartbeat+late {
						t.Fatalf("heartbeat %d comes after %s", i, pause)
					}
					last = time.Now()
				}
			})
		})
	}
}

// TestNoHeartbeatWhileFull has a client that does not read for a while: it finds no heartbeats among what waits for it,
// and the next one in its time.
func TestNoHeartbeatWhileFull(t *testing.T) {
	bubbles(t, func(t *testing.T, k kind) {
		y := newYard(t, k, options{park: parkOptions(time.Second, time.Minute)})
		c, conn := y.open(t, "p", "")
		_ = c.SetDeadline(time.Time{})
		ids := y.stall(t, k, "p", conn, 0)
		time.Sleep(30 * time.Second) // in the bubble
		for _, id := range ids {
			for line := c.line(); line != "event "+id; line = c.line() {
				if line != "ping" || id != ids[0] { // one may have been on its way when the socket became full
					t.Fatalf("the client is sent %.100q, want event %.20s", line, id)
				}
			}
		}
		last := time.Now()
		c.expect("ping")
		if pause := time.Since(last); pause > time.Second+late {
			t.Errorf("the heartbeat comes after %s", pause)
		}
		go io.Copy(io.Discard, c.r)
		synctest.Wait()
		c.Close()
	})
}
