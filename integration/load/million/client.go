//go:build linux

package main

import (
	"fmt"
	"net"
	"time"

	"github.com/tillbell/tillbell/integration/load/message"
	"github.com/tillbell/tillbell/transport/park"
)

// A client is the server's end of a connection without a kernel, and the waiter behind it at once: what the server
// reads is made here, and what it writes is heard and checked here. Its buffers are unlimited, its way is no way.
//
// There is one for each waiter, so it has no more than a waiter must remember between two frames. The server calls it
// as it calls any connection: from one goroutine at a time once it is parked.
type client struct {
	crowd   *crowd
	talk    *talk // nil while the client waits
	watcher park.Watcher
	chunks  message.Chunks
	number  uint32 // its own, and its payment's
	phase   phase
	socket  bool // a WebSocket, else an event stream
}

// phase is how far a client has come. Each frame moves it by one, or leaves it: whatever comes twice, too early or too
// late is a fault, so that who is closed was told all there was to tell, once and in order.
type phase uint8

const (
	dialling phase = iota
	accepted       // the answer's head is there
	waiting        // the state was told
	paid           // the outcome was told
	ended          // the end was told
	complete       // the answer is: the last chunk, or the close frame
	shut           // the server has ended its side
	closed
)

var phases = [...]string{"dialling", "accepted", "waiting", "paid", "ended", "complete", "shut", "closed"}

func (p phase) String() string { return phases[p] }

// go to the next phase, which must be to.
func (c *client) advance(to phase) error {
	if c.phase != to-1 {
		return fmt.Errorf("%s while %s", to, c.phase)
	}
	c.phase = to
	return nil
}

// Read gives the server the request. Behind it nothing comes.
func (c *client) Read(b []byte) (int, error) {
	if c.talk == nil {
		return 0, net.ErrClosed
	}
	return c.talk.read(b)
}

// Write takes all of b.
func (c *client) Write(b []byte) (int, error) {
	if err := c.hear(b, c.crowd.ledger.now()); err != nil {
		c.crowd.fail(c, err)
	}
	return len(b), nil
}

// Park is the park's: what the client does from now on, which is to hang up, is told to w.
func (c *client) Park(w park.Watcher) { c.watcher = w }

// CloseWrite is the server's end of the conversation, to which the client hangs up.
func (c *client) CloseWrite() error {
	if err := c.advance(shut); err != nil {
		c.crowd.fail(c, err)
	}
	c.crowd.leave(c.watcher)
	return nil
}

// Close is the server's too, and last.
func (c *client) Close() error {
	if c.talk != nil {
		c.talk.interrupt(true)
	}
	if err := c.advance(closed); err != nil {
		c.crowd.fail(c, err)
	}
	c.watcher = park.Watcher{} // or it would keep what the park had of the connection
	c.crowd.closed.Add(1)
	return nil
}

// address is everybody's: nothing here is limited by it.
var address = &net.TCPAddr{IP: net.IPv4(192, 0, 2, 7), Port: 50000}

// LocalAddr returns an address of no meaning.
func (c *client) LocalAddr() net.Addr { return address }

// RemoteAddr returns the same.
func (c *client) RemoteAddr() net.Addr { return address }

// SetDeadline sets the deadline of reads.
func (c *client) SetDeadline(t time.Time) error { return c.SetReadDeadline(t) }

// SetReadDeadline interrupts a Read if t is past, as net/http does before it gives a connection away. Later deadlines
// never come: the request is there.
func (c *client) SetReadDeadline(t time.Time) error {
	if c.talk != nil {
		c.talk.interrupt(!t.IsZero() && time.Until(t) <= 0)
	}
	return nil
}

// SetWriteDeadline does nothing: no Write waits.
func (c *client) SetWriteDeadline(time.Time) error { return nil }
