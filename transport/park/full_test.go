package park_test

import (
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/tillbell/tillbell/relay"
	"github.com/tillbell/tillbell/transport/park"
)

// flood is more than a socket holds each way, as long as its client does not read.
func (k kind) flood() int {
	if k.bubble {
		return 20 << 10
	}
	return 2 << 20
}

// stall has the client's socket full and some kilobytes kept for it, and returns the ids of the events that do it. The
// client has read what it was sent before.
func (y *yard) stall(t *testing.T, k kind, payment string, conn *park.Conn, from int) (ids []string) {
	t.Helper()
	for conn.Blocked() { // somebody is about to see that the client has read
		runtime.Gosched()
	}
	for size := k.flood(); conn.Pending() < 8<<10; size = 1 + rand.N(2000) { // full at any place of a frame
		id := fmt.Sprintf("%d %s", from+len(ids), strings.Repeat("x", size))
		y.publish(t, payment, id, relay.Pending)
		select {
		case <-y.told:
			ids = append(ids, id)
		case reason := <-y.ends: // the machine is so slow that the client seems to be
			y.ends <- reason
			return ids
		case <-time.After(patience):
			t.Fatal("an event is not told")
		}
	}
	return ids
}

// TestFull has a client that does not read until its socket is full, then does, and again: everything arrives, in order,
// nothing twice, however frames are cut.
func TestFull(t *testing.T) {
	each(t, func(t *testing.T, k kind, reads bool) {
		y := newYard(t, k, options{reads: reads, narrow: true})
		c, conn := y.open(t, "p", "")
		n := 0
		for range 3 {
			ids := y.stall(t, k, "p", conn, n)
			for _, id := range ids {
				c.expect("event " + id)
			}
			n += len(ids)
		}
		y.stall(t, k, "p", conn, n)
		y.publish(t, "p", "last", relay.Paid) // the end has to wait too
		y.ended(t, relay.ErrDone)
		for line := c.line(); line != "event last"; line = c.line() {
			if want := fmt.Sprintf("event %d x", n); !strings.HasPrefix(line, want) {
				t.Fatalf("%.20q, want %q", line, want)
			}
			n++
		}
		c.expect("end done")
		c.over()
	})
}

// TestFullThenLeaves has a client whose socket is full when it leaves.
func TestFullThenLeaves(t *testing.T) {
	for name, leave := range map[string]func(*client){"closes": func(c *client) { c.Close() }, "resets": (*client).reset} {
		t.Run(name, func(t *testing.T) {
			each(t, func(t *testing.T, k kind, reads bool) {
				y := newYard(t, k, options{reads: reads, narrow: true})
				c, conn := y.open(t, "p", "")
				y.stall(t, k, "p", conn, 0)
				leave(c)
				y.ended(t, relay.ErrGone)
			})
		})
	}
}

// TestOverrun has a client that reads too late to be told everything, but not too late to be told that: what it was told
// has no gap.
func TestOverrun(t *testing.T) {
	each(t, func(t *testing.T, k kind, reads bool) {
		y := newYard(t, k, options{reads: reads, narrow: true})
		c, conn := y.open(t, "p", "")
		n := len(y.stall(t, k, "p", conn, 0))
		var reason error
		for ; reason == nil; n++ {
			y.publish(t, "p", fmt.Sprintf("%d %s", n, strings.Repeat("x", 1<<10)), relay.Pending)
			select {
			case <-y.told:
			case reason = <-y.ends: // this event came too late
			case <-time.After(patience):
				t.Fatal("an event is not told")
			}
		}
		if reason != relay.ErrSlow {
			t.Errorf("the wait ends with %v", reason)
		}
		for i := 0; ; i++ {
			line := c.line()
			if line == "end slow" {
				if i >= n {
					t.Errorf("all %d events were told", n)
				}
				break
			}
			if want := fmt.Sprintf("event %d x", i); !strings.HasPrefix(line, want) {
				t.Fatalf("%.20q, want %q", line, want)
			}
		}
		c.over()
	})
}

// short is a WriteTimeout that is not waited for long, and long enough for a slow machine.
func short(k kind) time.Duration {
	if k.bubble {
		return 10 * time.Second
	}
	return 500 * time.Millisecond
}

// TestNeverReads has a client that does not take what is written within WriteTimeout: it is cut.
func TestNeverReads(t *testing.T) {
	each(t, func(t *testing.T, k kind, reads bool) {
		if !k.bubble {
			t.Parallel()
		}
		y := newYard(t, k, options{reads: reads, narrow: true, park: parkOptions(0, short(k))})
		c, conn := y.open(t, "p", "")
		y.stall(t, k, "p", conn, 0)
		y.ended(t, relay.ErrSlow)
		if n := conn.Pending(); n != 0 {
			t.Errorf("%d bytes are still kept", n)
		}
		if err := y.Stop(t.Context()); err != nil {
			t.Error(err)
		}
		_, err := io.Copy(io.Discard, c.r)
		if c.tcp() != nil && !errors.Is(err, syscall.ECONNRESET) {
			t.Errorf("the connection was not reset, so the kernel still holds what nobody takes: %v", err)
		}
	})
}

// TestNeverReadsTheEnd has one that does not take the last frames.
func TestNeverReadsTheEnd(t *testing.T) {
	each(t, func(t *testing.T, k kind, reads bool) {
		if !k.bubble {
			t.Parallel()
		}
		y := newYard(t, k, options{reads: reads, narrow: true, park: parkOptions(0, short(k))})
		_, conn := y.open(t, "p", "")
		y.stall(t, k, "p", conn, 0)
		y.publish(t, "p", "last", relay.Paid)
		if got := next(t, y.ends, "the wait's end"); got != relay.ErrDone && got != relay.ErrSlow { // as above
			t.Errorf("the wait ends with %v", got)
		}
		if err := y.Stop(t.Context()); err != nil { // waits until it is cut
			t.Error(err)
		}
	})
}
