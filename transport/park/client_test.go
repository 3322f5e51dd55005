package park_test

import (
	"context"
	"errors"
	"io"
	"strings"
	"testing"

	"github.com/tillbell/tillbell/relay"
)

// TestTold tells a client everything, and gives it time to leave.
func TestTold(t *testing.T) {
	each(t, func(t *testing.T, k kind, reads bool) {
		y := newYard(t, k, options{reads: reads})
		c, conn := y.open(t, "p", "")
		if got := conn.Link(); got != k.link {
			t.Errorf("the link is a %s, want %s", got, k.link)
		}
		y.publish(t, "p", "one", relay.Pending)
		c.expect("event one")
		y.publish(t, "p", "two", relay.Paid)
		c.expect("event two", "end done")
		c.over()
		y.ended(t, relay.ErrDone)
	})
}

// TestGone has clients that leave in every way: their waits end, and their connections are closed.
func TestGone(t *testing.T) {
	for name, leave := range map[string]func(*client){
		"closes":                     func(c *client) { c.Close() },
		"resets":                     (*client).reset,
		"half-closes":                (*client).closeWrite,
		"speaks and half-closes":     func(c *client) { _, _ = io.WriteString(c, "hello\n"); c.closeWrite() },
		"speaks and resets":          func(c *client) { _, _ = io.WriteString(c, "hello\n"); c.reset() },
		"leaves events and closes":   func(c *client) { c.Close() },
		"leaves events and resets":   (*client).reset,
		"leaves events, half-closes": (*client).closeWrite,
	} {
		t.Run(name, func(t *testing.T) {
			each(t, func(t *testing.T, k kind, reads bool) {
				if k.name == "pipe" && strings.Contains(name, "half-closes") {
					t.Skip("a net.Pipe has no halves")
				}
				y := newYard(t, k, options{reads: reads, narrow: true})
				c, _ := y.open(t, "p", "")
				if strings.HasPrefix(name, "leaves events") {
					y.publish(t, "p", strings.Repeat("x", 30<<10), relay.Pending)
					next(t, y.told, "the event")
				}
				leave(c)
				y.ended(t, relay.ErrGone)
				if err := y.Stop(t.Context()); err != nil {
					t.Error(err)
				}
			})
		})
	}
}

// TestEarlyLeave has clients that half-close or reset right behind the request.
func TestEarlyLeave(t *testing.T) {
	each(t, func(t *testing.T, k kind, reads bool) {
		if k.name == "pipe" {
			t.Skip("a net.Pipe has no halves")
		}
		y := newYard(t, k, options{reads: reads})
		y.call(t, "p", "").closeWrite()
		y.ended(t, relay.ErrGone)
		y.call(t, "p", "hello\n").closeWrite()
		y.ended(t, relay.ErrGone)
	})
}

// TestInput has a client that speaks: behind its request in the same packet, and later.
func TestInput(t *testing.T) {
	each(t, func(t *testing.T, k kind, reads bool) {
		if !reads {
			t.Skip("nobody listens")
		}
		y := newYard(t, k, options{reads: true})
		c, _ := y.open(t, "p", "hello\n")
		c.expect("hello")
		for _, word := range []string{"a", strings.Repeat("b", 2000), "c"} {
			if _, err := io.WriteString(c, word+"\n"); err != nil {
				t.Fatal(err)
			}
			c.expect(word)
		}
		y.publish(t, "p", "one", relay.Pending)
		c.expect("event one")
		if _, err := io.WriteString(c, "good."); err != nil {
			t.Fatal(err)
		}
		c.expect("goodbye")
		c.over()
		y.ended(t, relay.ErrGone)

		c, _ = y.open(t, "p", ".")
		c.expect("event one", "bye")
		c.over()
		y.ended(t, relay.ErrGone)
	})
}

// TestUnread has a client that sends what nobody reads, before and after the end: the end arrives all the same, and no
// reset destroys it.
func TestUnread(t *testing.T) {
	each(t, func(t *testing.T, k kind, reads bool) {
		if reads {
			t.Skip("it is read")
		}
		y := newYard(t, k, options{})
		garbage := strings.Repeat("GET / HTTP/1.1\r\n", 4<<10) // 64 KiB
		c, _ := y.open(t, "p", "POST / HTTP/1.1\r\n")
		if _, err := io.WriteString(c, garbage); err != nil {
			t.Fatal(err)
		}
		y.publish(t, "p", "one", relay.Paid)
		y.ended(t, relay.ErrDone)
		if _, err := io.WriteString(c, garbage); err != nil {
			t.Fatal(err)
		}
		c.expect("event one", "end done")
		c.over()
	})
}

// TestUnreadTillClosed has one that does not look before the server has given up waiting for it to leave: what it was
// told is there, and what it has sent meanwhile has not destroyed it.
func TestUnreadTillClosed(t *testing.T) {
	each(t, func(t *testing.T, k kind, reads bool) {
		if k.name == "pipe" || k.name == "straw" {
			t.Skip("it does not hold what the client is told")
		}
		if !k.bubble {
			if reads {
				t.Skip("it is read") // and this takes 2 s
			}
			t.Parallel()
		}
		y := newYard(t, k, options{reads: reads})
		c, _ := y.open(t, "p", strings.Repeat("x", 1<<10))
		y.publish(t, "p", "one", relay.Paid)
		y.ended(t, relay.ErrDone)
		if _, err := io.WriteString(c, strings.Repeat("x", 64<<10)); err != nil {
			t.Fatal(err)
		}
		if err := y.Stop(t.Context()); err != nil {
			t.Error(err)
		}
		if wasReset(t, c) {
			t.Error("the connection was reset")
		}
		all, err := io.ReadAll(c.r)
		if text := strings.ReplaceAll(string(all), "x", ""); err != nil || text != "event one\nend done\n" {
			t.Errorf("%q, %v", text, err)
		}
	})
}

// TestLate has clients that come when their payment has its outcome: they are told, and nobody is left.
func TestLate(t *testing.T) {
	each(t, func(t *testing.T, k kind, reads bool) {
		y := newYard(t, k, options{reads: reads})
		y.publish(t, "p", "one", relay.Paid)
		c := y.call(t, "p", "")
		c.head()
		c.expect("state paid", "event one", "end done")
		c.over()
		c.Close()
		y.ended(t, relay.ErrDone)
		if err := y.Stop(t.Context()); err != nil {
			t.Error(err)
		}
		if n := y.Open(); n != 0 {
			t.Errorf("%d are left", n)
		}
	})
}

// TestDiscard expects connections that never come.
func TestDiscard(t *testing.T) {
	y := newYard(t, kinds[0], options{})
	c := y.Expect()
	sub, err := y.relay.Subscribe(t.Context(), request("p"), c)
	if err != nil {
		t.Fatal(err)
	}
	c.Discard()
	y.publish(t, "p", "one", relay.Pending)
	sub.Close(errors.New("over"))
	c.Discard()
	done, cancel := context.WithCancel(t.Context())
	cancel()
	if err := y.Stop(done); err != nil { // at once
		t.Error(err)
	}
}
