package park

import (
	"math/rand/v2"
	"time"

	"github.com/tillbell/tillbell/relay"
)

// What a link and the wheel tell a connection. None of it is called with the connection's lock.

// hungUp says that the client is gone, or has shut its side.
func (c *Conn) hungUp() {
	c.mu.Lock()
	first := c.state != closed
	c.close()
	c.mu.Unlock()
	if first { // or whoever closed it says why
		c.leave(relay.ErrGone)
	}
}

// received takes input.
func (c *Conn) received(b []byte) {
	c.mu.Lock()
	err := c.take(b)
	c.mu.Unlock()
	c.leave(err)
}

// writable says that there is room again.
func (c *Conn) writable() {
	c.mu.Lock()
	var err error
	if c.state == attached && c.blocked {
		err = c.flush()
	}
	c.mu.Unlock()
	c.leave(err)
}

// take hands input to the protocol, with mu.
func (c *Conn) take(b []byte) error {
	if c.over || c.state != attached || !c.park.reads {
		return nil
	}
	if c.in == nil {
		c.in = c.park.opts.Codec.Input()
	}
	answer := lend()
	defer answer.giveBack()
	var over bool
	answer.bytes, over = c.in.Take(b, answer.bytes)
	switch {
	case over:
		c.final = false
		if err := c.finish(answer.bytes); err != nil {
			return err
		}
		return relay.ErrGone
	case len(answer.bytes) != 0:
		return c.send(answer.bytes)
	}
	return nil
}

// Ring is the timer's: time for a heartbeat, or over.
func (c *Conn) Ring() {
	c.mu.Lock()
	err := c.ring()
	c.mu.Unlock()
	c.leave(err)
}

func (c *Conn) ring() error {
	switch now := c.park.now(); {
	case c.state != attached && c.state != lingering:
	case now < c.due:
		if c.early > 0 && !c.blocked && c.state == attached {
			c.due -= rand.N(min(c.due-now, c.early))
			c.early = 0
		}
		c.setTimer(c.due)
	case c.state == lingering:
		c.close()
	case c.blocked:
		c.link.abort()
		c.close()
		return relay.ErrSlow
	case c.final: // the end follows at once
	default:
		return c.beat(now)
	}
	return nil
}

// beat sends a heartbeat. The next is due an interval after this one was, not after it came: when the timers are late, all
// that were due meanwhile ring together, and must not do so for ever.
func (c *Conn) beat(now time.Duration) error {
	next := c.due + c.park.opts.Heartbeat
	b := lend()
	defer b.giveBack()
	b.bytes = c.park.opts.Codec.AppendPing(b.bytes)
	if err := c.send(b.bytes); err != nil || c.blocked {
		return err
	}
	if next > now {
		c.due = next
	}
	c.setTimer(c.due)
	return nil
}

func (c *Conn) setTimer(due time.Duration) {
	c.park.wheel.Set(&c.timer, c.park.start.Add(due), c)
}
