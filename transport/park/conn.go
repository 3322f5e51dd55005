package park

import (
	"errors"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/tillbell/tillbell/relay"
	"github.com/tillbell/tillbell/relay/wheel"
)

// Conn is one client's connection: the relay.Waiter of its wait, and the alarm of its own timer. There is one for each
// idle client, so every word counts.
//
// Lock order: mu, then the park's, the poller's and the wheel's. A subscription is closed without mu, because that may
// call End.
type Conn struct {
	park *Park
	sub  *relay.Subscription
	link link  // nil until attached
	next *Conn // in the park's ring; both under the park's lock
	prev *Conn
	in   Input // nil until the client says something

	mu      sync.Mutex
	state   state
	told    bool // an event was
	done    bool // the wait's end is that of its outcome
	final   bool // the outcome was told, and waits for the end to go with it
	over    bool // the end was told, or is in out
	blocked bool // the client has to take out first
	stops   uint16
	out     *buffer
	// due is when the next heartbeat must be sent; while blocked, when the client must have taken some of out; and
	// while lingering, when it must have left. By the park's clock.
	due time.Duration
	// early is by how much the next heartbeat may come before due: what put it off may have put off very many.
	early time.Duration
	timer wheel.Timer
	last  relay.Position // of what was told last
}

type state uint8

const (
	expected  state = iota // not attached: everything is kept in out
	attached               // the client is written to
	lingering              // the client was told everything, and is given time to leave
	closed                 // nothing is left
)

// State tells the state.
func (c *Conn) State(s *relay.State) {
	b := lend()
	defer b.giveBack()
	b.bytes = c.park.opts.Codec.AppendState(b.bytes, s)
	c.mu.Lock()
	c.last = s.Position
	err := c.send(b.bytes)
	c.mu.Unlock()
	c.leave(err)
}

// Deliver tells an event.
func (c *Conn) Deliver(t *relay.Told) {
	frame, b := c.park.recent.event(t)
	defer b.giveBack()
	c.mu.Lock()
	c.last, c.told = t.Position, true
	c.final = c.final || t.State != nil && t.State.Final
	c.early = c.park.opts.Heartbeat / 4
	err := c.send(frame)
	c.mu.Unlock()
	c.leave(err)
}

// End tells the end, unless it was told or the client is gone.
func (c *Conn) End(reason error) {
	c.mu.Lock()
	var err error
	if !c.over && c.state <= attached {
		c.done = errors.Is(reason, relay.ErrDone)
		b := lend()
		b.bytes = c.park.opts.Codec.AppendEnd(b.bytes, reason, c.last)
		err = c.finish(b.bytes)
		b.giveBack()
	}
	c.mu.Unlock()
	c.leave(err)
}

// OnlyDone reports whether the wait came to its end before the connection was attached, and there was nothing to tell
// but the outcome that the client's cursor knows. It is asked after Subscribe.
func (c *Conn) OnlyDone() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.done && !c.told
}

// Discard gives up a connection that does not come. Subscribe has failed, or the subscription is the caller's to close.
func (c *Conn) Discard() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.close()
}

// Attach takes conn over: it writes head and what there is to tell, takes what the client has sent already, and from then
// on tells the client whatever sub's waiter is told. The connection is the
// park's to close; when the client goes, sub is closed with relay.ErrGone, and when it does not take what is written,
// with relay.ErrSlow.
func (c *Conn) Attach(conn Connection, sub *relay.Subscription, head []byte) {
	c.mu.Lock()
	c.sub, c.state = sub, attached
	c.link = c.park.link(conn, c)
	first := lend()
	first.bytes = append(first.bytes, head...)
	if c.out != nil {
		first.bytes = append(first.bytes, c.out.bytes...)
		c.out.giveBack()
	}
	c.out = first
	err := c.flush()
	if err == nil && len(conn.input) != 0 {
		err = c.take(conn.input)
	}
	// The first heartbeat comes at any moment of the interval: clients that came together must not have theirs together.
	switch {
	case c.state != attached:
	case c.blocked: // once the timer rings
		c.early = c.park.opts.Heartbeat
	default:
		c.due = c.park.now() + rand.N(c.park.opts.Heartbeat)
		c.setTimer(c.due)
	}
	c.mu.Unlock()
	c.leave(err)
	if c.park.cutSince(c.stops) {
		c.cut()
	}
}

// leave closes the subscription because of err, if any. It is called without mu.
func (c *Conn) leave(err error) {
	if err != nil && c.sub != nil {
		c.sub.Close(err)
	}
}

// maxPending is how much is kept for a client that does not take it, beyond what its socket holds and what was there to
// tell when it came. The payment's state is retained anyway.
const maxPending = 32 << 10

// send writes a frame, or keeps it until there is room. The error says why the subscription must be closed. Called with
// mu, like all that follow.
func (c *Conn) send(frame []byte) error {
	switch {
	case c.over || c.state > attached:
		return nil
	case c.state == expected:
		c.keep(frame)
		return nil
	case c.blocked && c.out.added != 0 && c.out.added+len(frame) > maxPending: // of a single one it is no sign
		// Nothing may follow but the end, or the client's cursor would pass over what it was not told.
		c.out.bytes = c.park.opts.Codec.AppendEnd(c.out.bytes, relay.ErrSlow, relay.Position{})
		c.over = true
		return relay.ErrSlow
	case c.blocked || c.final:
		c.keep(frame)
		c.out.added += len(frame)
		return nil
	}
	n, err := c.link.write(frame)
	if err != nil {
		c.close()
		return relay.ErrGone
	}
	c.due = c.park.now() + c.park.opts.Heartbeat
	if n < len(frame) {
		c.keep(frame[n:])
		c.block()
	}
	return nil
}

func (c *Conn) keep(frame []byte) {
	if c.out == nil {
		c.out = lend()
	}
	c.out.bytes = append(c.out.bytes, frame...)
}

// finish sends the last frame.
func (c *Conn) finish(frame []byte) error {
	c.keep(frame)
	c.over, c.final = true, false
	if c.state == expected || c.blocked {
		return nil
	}
	return c.flush()
}

// flush writes what is in out as far as goes, and hangs up after the last frame.
func (c *Conn) flush() error {
	if c.out != nil {
		n, err := c.link.write(c.out.rest())
		if err != nil {
			c.close()
			return relay.ErrGone
		}
		if !c.taken(n) {
			c.block()
			return nil
		}
	}
	if c.over {
		c.linger()
		c.link.shut()
	}
	return nil
}

// taken says that the client has taken n bytes of out, and reports whether that is all.
func (c *Conn) taken(n int) bool {
	c.out.advance(n)
	if len(c.out.rest()) != 0 {
		if c.blocked && n != 0 { // it takes what is written
			c.due = c.park.now() + c.park.opts.WriteTimeout
		}
		return false
	}
	c.out.giveBack()
	c.out = nil
	rings := c.due // the timer does then, if blocked
	c.due = c.park.now() + c.park.opts.Heartbeat
	if !c.blocked {
		return true // the timer may ring before that, and is set anew then
	}
	c.blocked = false
	c.link.drained()
	if rings > c.due { // but it must not ring later
		if c.early > 0 {
			c.due -= rand.N(min(c.park.opts.Heartbeat, c.early))
			c.early = 0
		}
		c.setTimer(c.due)
	}
	return true
}

// block gives the client WriteTimeout to take what is in out.
func (c *Conn) block() {
	if c.blocked {
		return
	}
	c.blocked = true
	c.due = c.park.now() + c.park.opts.WriteTimeout
	c.setTimer(c.due)
	c.link.drain()
}

// linger gives the client time to leave. What it still sends is thrown away: closing a socket whose input was not read
// resets it, and what was written last may be destroyed before the client has read it.
func (c *Conn) linger() {
	c.state = lingering
	c.due = c.park.now() + lingerTime
	c.setTimer(c.due)
}

// close gives back everything. Whatever is called later does nothing.
func (c *Conn) close() {
	if c.state == closed {
		return
	}
	c.state = closed
	if c.link != nil {
		c.link.close()
	}
	c.out.giveBack()
	c.out, c.in = nil, nil
	c.park.wheel.Cancel(&c.timer)
	c.park.forget(c)
}

// cut closes the connection at once, whatever is under way.
func (c *Conn) cut() {
	c.mu.Lock()
	if c.state == attached || c.state == lingering { // or the descriptor is somebody else's by now
		c.link.abort()
	}
	c.close()
	c.mu.Unlock()
	c.leave(relay.ErrGone)
}
