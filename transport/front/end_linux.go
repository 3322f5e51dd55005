package front

import (
	"bytes"
	"time"

	"github.com/tillbell/tillbell/transport/epoll"
)

// How a connection ends here, or goes to somebody else.

// lingerTime bounds how long a client may take to close its side.
const lingerTime = 2 * time.Second

// leave closes the connection in two steps: closing a socket whose input was not read resets it, and the answer may be
// destroyed before the client has read it.
func (c *client) leave(room []byte) {
	c.state, c.in = leaving, nil
	c.CloseWrite()
	c.wait(lingerTime)
	c.discard(room)
}

// reads is how many times in a row is read what nobody wants.
const reads = 16

func (c *client) discard(room []byte) {
	for range reads {
		switch n, eof := c.Read(room); {
		case eof:
			c.close()
			return
		case n == 0:
			return
		}
	}
	c.close() // who sends that much does not read
}

// take gives the descriptor to somebody else, and what was read behind the request. Called by the worker.
func (c *client) take() (epoll.Descriptor, []byte) {
	c.mu.Lock()
	defer c.mu.Unlock()
	input := c.in
	c.forget()
	return c.Descriptor, input
}

// handOver leaves the connection to net/http, which finds b before what is still to come.
func (c *client) handOver(b []byte) {
	b = bytes.Clone(b)
	c.forget()
	nc, err := c.front.release(c.Descriptor, b)
	if err != nil { // and the connection is closed
		c.front.opts.Log.Debug("hand over", "error", err)
		return
	}
	c.front.rest.put(nc)
}

func (c *client) close() {
	if c.state != gone {
		c.forget()
		c.Descriptor.Close()
	}
}

// forget gives back everything but the descriptor.
func (c *client) forget() {
	c.state, c.in = gone, nil
	c.front.wheel.Cancel(&c.timer)
	c.front.remove(c)
}

// drop closes the connection at once. Called by the worker.
func (c *client) drop() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.Abort()
	c.close()
}

// cut ends the connection at once. The worker may be giving the descriptor away at this moment, and closes it otherwise:
// its number must not be somebody else's by then.
func (c *client) cut() {
	c.mu.Lock()
	defer c.mu.Unlock()
	switch c.state {
	case gone:
	case serving:
		c.Abort()
		c.Cut()
	default:
		c.Abort()
		c.close()
	}
}

// idle closes the connection if no request is under way.
func (c *client) idle() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.idling() {
		c.close()
	}
}

func (c *client) idling() bool { return c.state == reading && len(c.in) == 0 }
