//go:build linux

package generator

import (
	"bytes"
	"errors"
	"fmt"

	"github.com/tillbell/tillbell/integration/load/message"
)

// errEnded is a stream that the server completed without having told an end.
var errEnded = errors.New("stream ended by the server")

// take reads what a waiter's socket gave. What is not whole is kept for the next time.
func (c *crowd) take(i int, b []byte) error {
	w, k := &c.waiters[i], c.kind(i)
	if w.state == asking {
		var err error
		if b, err = c.head(w, k, b); err != nil || w.state == asking {
			return err
		}
	}
	switch {
	case k.webSocket:
		return c.frames(i, b)
	case !w.chunked:
		c.lines(i, b)
		return nil
	}
	for len(b) > 0 && w.state != away {
		data, rest, end, err := w.chunks.Next(b)
		if err != nil {
			return err
		}
		c.lines(i, data)
		if end {
			return errEnded
		}
		b = rest
	}
	return nil
}

// head reads the head of the answer and returns what follows it.
func (c *crowd) head(w *waiter, k *kind, b []byte) ([]byte, error) {
	b = w.whole(b)
	h, rest, done, err := message.ParseHead(b)
	if err != nil {
		return nil, err
	}
	if !done {
		w.keep(b)
		return nil, nil
	}
	if want := k.status(); h.Status != want {
		return nil, fmt.Errorf("status %d, want %d", h.Status, want)
	}
	w.chunked = h.Chunked
	w.state = readying
	if len(k.ready) == 0 {
		c.wait(w)
	}
	return rest, nil
}

func (k *kind) status() int {
	if k.webSocket {
		return 101
	}
	return 200
}

// wait notes that a waiter waits.
func (c *crowd) wait(w *waiter) {
	w.state = waiting
	c.underway--
	c.established++
	c.progress = c.clock.now()
}

// lines takes a piece of an event stream apart.
func (c *crowd) lines(i int, b []byte) {
	w := &c.waiters[i]
	for w.state != away {
		end := bytes.IndexByte(b, '\n')
		if end < 0 {
			if len(b) > 0 {
				w.keep(w.whole(b))
			}
			return
		}
		c.message(i, w.whole(b[:end]))
		b = b[end+1:]
	}
}

// frames takes a piece of what a WebSocket server sends apart.
func (c *crowd) frames(i int, b []byte) error {
	w := &c.waiters[i]
	b = w.whole(b)
	for w.state != away {
		op, payload, rest, done, err := message.NextFrame(b)
		if err != nil {
			return err
		}
		if !done {
			break
		}
		switch op {
		case message.OpClose:
			return errEnded
		case message.OpPing:
			if !c.write(i, message.AppendFrame(nil, message.OpPong, payload)) {
				return nil
			}
		default:
			c.message(i, payload)
		}
		b = rest
	}
	if len(b) > 0 {
		w.keep(b)
	}
	return nil
}

// message takes a line of an event stream or a WebSocket message. The snapshot that a wait begins with has no id.
func (c *crowd) message(i int, b []byte) {
	w, k := &c.waiters[i], c.kind(i)
	switch {
	case w.state == readying:
		if bytes.Contains(b, k.ready) {
			c.wait(w)
		}
		return
	case len(k.beat) > 0 && bytes.Contains(b, k.beat):
		if c.beat != nil {
			c.beat(c.clock.now())
		}
		return
	case !k.webSocket && !bytes.HasPrefix(b, []byte("data:")):
		return
	case w.state == waiting && len(k.end) > 0 && bytes.Contains(b, k.end):
		w.state = ended
		c.established--
		c.done++
		return
	}
	now := c.clock.now()
	for last := ^uint64(0); ; { // an event may have its id in several places
		n, rest, found := c.ids.Next(b)
		if !found {
			return
		}
		if n != last {
			c.ledger.delivered(n, c.topic(i), now)
		}
		last, b = n, rest
	}
}

// whole returns b behind what was kept, which is kept no longer.
func (w *waiter) whole(b []byte) []byte {
	if w.partial == nil {
		return b
	}
	b = append(w.partial, b...)
	w.partial = nil
	return b
}

// keep copies b for the next time.
func (w *waiter) keep(b []byte) { w.partial = append([]byte(nil), b...) }
