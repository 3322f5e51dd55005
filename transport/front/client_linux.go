package front

import (
	"bytes"
	"net/http"
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
	ended bool   // the end is to be read, behind what is there
	asked bool   // something, before
	blank uint8  // how many bytes of line breaks may stand before the next request
	in    []byte // what was read of the next request
	due   time.Duration
	timer wheel.Timer
	next  *client // in the front's ring; both under the front's lock
	prev  *client
}

type state uint8

const (
	reading state = iota
	serving       // a worker has it, and nobody else closes the descriptor
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
	c.ended = c.ended || events&unix.EPOLLRDHUP != 0 // of which is told once
	switch c.state {
	case gone:
	case serving:
		c.more = true
	case leaving:
		c.discard(room)
	default:
		if x := c.advance(room); x != nil {
			c.front.workers.serve(x)
		}
	}
}

// advance returns the next request, if it is there. It reads until nothing is left, or a request is found.
func (c *client) advance(room []byte) *exchange {
	for {
		n, eof := c.Read(room)
		switch {
		case n != 0:
		case eof && len(c.in) != 0: // net/http says what is wrong with half a request
			c.handOver(c.in)
			return nil
		case eof:
			c.close()
			return nil
		default:
			return nil
		}
		c.more = c.ended || n == len(room)
		var x *exchange
		var ok bool
		if len(c.in) == 0 {
			x, ok = c.request(room[:n], true)
		} else {
			c.in = append(c.in, room[:n]...)
			x, ok = c.request(c.in, false)
		}
		if ok || !c.more {
			return x
		}
	}
}

// request looks for a request in b, which is lent or the client's own and takes the place of c.in. ok says that nothing
// more is to be read for now: there is a request, or the connection is net/http's.
func (c *client) request(b []byte, lent bool) (x *exchange, ok bool) {
	if b = c.passBlank(b); len(b) == 0 {
		return nil, false
	}
	x = c.front.exchange()
	r, size, v := x.parse(b, c.front.opts.Takes)
	switch v {
	case whole:
		r.RemoteAddr = c.remote
		c.begin(r, b[size:], lent)
		x.begin(c, r)
		return x, true
	case part:
		if len(c.in) == 0 { // how long the rest may take is counted from here
			c.wait(partTime)
			c.in = bytes.Clone(b)
		}
		c.front.giveBack(x)
		return nil, false
	default:
		c.front.giveBack(x)
		c.handOver(b)
		return nil, true
	}
}

// begin keeps what follows r, which is answered from now on.
func (c *client) begin(r *http.Request, rest []byte, lent bool) {
	c.state, c.asked = serving, true
	if r.Method == http.MethodPost {
		c.blank = maxBlank
	}
	switch {
	case len(rest) == 0:
		c.in = nil
	case lent:
		c.in = bytes.Clone(rest)
	default:
		c.in = rest
	}
}

// maxBlank is how many bytes of line breaks net/http passes over behind a POST: old clients end a body with them.
const maxBlank = 4

func (c *client) passBlank(b []byte) []byte {
	for len(b) != 0 {
		if c.blank == 0 || b[0] != '\r' && b[0] != '\n' {
			c.blank = 0
			break
		}
		b = b[1:]
		c.blank--
	}
	return b
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
	if in := c.in; len(in) != 0 {
		c.in = nil
		if x, ok := c.request(in, false); ok {
			return x
		}
	}
	if !c.more {
		return nil
	}
	return c.advance(room)
}
