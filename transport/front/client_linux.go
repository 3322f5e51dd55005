package front

import (
	"sync"
	"time"

	"golang.org/x/sys/unix"

	"github.com/tillbell/tillbell/relay/wheel"
	"github.com/tillbell/tillbell/transport/epoll"
)

// client is a connection between requests and during one.
type client struct {
	epoll.Descriptor
	front  *Front
	remote string

	mu    sync.Mutex
	state state
	more  bool   // there may be something to read
	in    []byte // what was read of the next request
	due   time.Duration
	timer wheel.Timer
	next  *client // in the front's ring; both under the front's lock
	prev  *client
}

type state uint8

const (
	reading state = iota
	serving       // a worker has it
	leaving       // the last answer was written, and the client is to close
	gone          // closed, or somebody else's
)

// watched is what a client is watched for. It is told once of each change (EPOLLET), not for as long as there is
// something to read: while a request is answered nobody reads.
const watched = unix.EPOLLIN | unix.EPOLLRDHUP | unix.EPOLLET

// Ready reads.
func (c *client) Ready(events uint32, room []byte) {
	c.mu.Lock()
	defer c.mu.Unlock()
	switch {
	case c.state == gone:
	case c.state == serving:
		c.more = true
	case c.state == leaving:
		c.discard(room)
	default:
		c.more = events&unix.EPOLLRDHUP != 0 // behind what is there
		if x := c.advance(room); x != nil {
			c.front.workers.serve(x)
		}
	}
}

// advance returns the next request, if it is there. It reads until nothing is left, or a request is found.
func (c *client) advance(room []byte) *exchange {
	for {
		n, eof := c.Read(room)
		if n == 0 {
			if eof {
				c.close()
			}
			return nil
		}
		if n == len(room) {
			c.more = true
		}
		if len(c.in) == 0 {
			if x, ok := c.request(room[:n]); ok {
				return x
			}
		} else {
			c.in = append(c.in, room[:n]...)
			if x, ok := c.request(c.in); ok {
				return x
			}
		}
		if !c.more {
			return nil
		}
		c.more = false
	}
}

// request looks for a request in b, which is c.in or takes its place. ok says that nothing more is to be read for now:
// there is a request, or the connection is net/http's.
func (c *client) request(b []byte) (x *exchange, ok bool) {
	x = c.front.exchange()
	r, size, v := x.parse(b, c.front.opts.Takes)
	switch v {
	case whole:
		r.RemoteAddr = c.remote
		c.in = append([]byte(nil), b[size:]...)
		c.state = serving
		x.begin(c, r)
		return x, true
	case part:
		if len(c.in) == 0 { // how long the rest may take is counted from here
			c.wait(partTime)
		}
		c.in = append(c.in[:0], b...)
		c.front.giveBack(x)
		return nil, false
	default:
		c.front.giveBack(x)
		c.handOver(b)
		return nil, true
	}
}

// partTime is how long the rest of a request may take before it is left to net/http, which has its own bounds.
const partTime = time.Second

// wait sets by when something must have come. A timer that rings before that is set anew then.
func (c *client) wait(d time.Duration) {
	due := c.front.now() + d
	if c.due == 0 || due < c.due {
		c.front.wheel.Set(&c.timer, c.front.start.Add(due), c)
	}
	c.due = due
}

// Ring is the timer's.
func (c *client) Ring() {
	c.mu.Lock()
	defer c.mu.Unlock()
	switch {
	case c.state == gone:
	case c.state == serving:
		c.due = 0
		c.wait(c.front.opts.IdleTime)
	case c.front.now() < c.due:
		c.front.wheel.Set(&c.timer, c.front.start.Add(c.due), c)
	case c.state == reading && len(c.in) != 0:
		c.handOver(c.in)
	default:
		c.close()
	}
}

// answered writes the answer and returns the next request, if it is there.
func (c *client) answered(x *exchange, room []byte) *exchange {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.state != serving {
		return nil
	}
	leave := x.request.close || x.head.Get("Connection") == "close" || c.front.closing.Load()
	b := x.bytes(leave)
	if n, err := c.Write(b); err != nil || n < len(b) {
		c.Abort()
		c.close()
		return nil
	}
	if leave {
		c.leave(room)
		return nil
	}
	c.state = reading
	c.wait(c.front.opts.IdleTime)
	if len(c.in) != 0 {
		in := c.in
		c.in = nil
		if x, ok := c.request(in); ok {
			return x
		}
	}
	if !c.more {
		return nil
	}
	c.more = false
	return c.advance(room)
}

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

func (c *client) discard(room []byte) {
	for {
		switch n, eof := c.Read(room); {
		case eof:
			c.close()
			return
		case n < len(room):
			return
		}
	}
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
	b = append([]byte(nil), b...)
	c.forget()
	c.front.rest.put(c.Descriptor, b)
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

// cut closes the connection at once.
func (c *client) cut() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.state != gone {
		c.Abort()
		c.close()
	}
}

// idle closes the connection if no request is under way.
func (c *client) idle() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.state == reading && len(c.in) == 0 {
		c.close()
	}
}
