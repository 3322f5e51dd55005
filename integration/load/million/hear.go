//go:build linux

package main

import (
	"bytes"
	"errors"
	"fmt"
	"time"

	"github.com/tillbell/tillbell/integration/load/message"
)

// hear takes what the server writes, in any pieces, at the time now of the ledger.
func (c *client) hear(b []byte, now time.Duration) (err error) {
	if c.phase == dialling {
		if b, err = c.hearHead(b); err != nil {
			return err
		}
	}
	switch {
	case len(b) == 0:
	case c.socket:
		err = c.hearFrames(b, now)
	default:
		err = c.hearChunks(b, now)
	}
	if t := c.talk; t != nil && c.phase >= waiting && len(t.held) == 0 {
		c.talk = nil
		if t.done != nil {
			t.done <- struct{}{}
		}
	}
	return err
}

// whole returns b behind what was held back of earlier pieces.
func (c *client) whole(b []byte) []byte {
	if c.talk == nil || len(c.talk.held) == 0 {
		return b
	}
	c.talk.held = append(c.talk.held, b...)
	return c.talk.held
}

// hold keeps what is not whole yet.
func (c *client) hold(rest []byte) {
	if c.talk == nil && len(rest) != 0 {
		c.talk = new(talk)
	}
	if c.talk != nil {
		c.talk.held = append(c.talk.held[:0], rest...)
	}
}

// hearHead returns what follows the head of the answer.
func (c *client) hearHead(b []byte) (rest []byte, err error) {
	b = c.whole(b)
	h, rest, done, err := message.ParseHead(b)
	if err != nil {
		return nil, err
	}
	if !done {
		c.hold(b)
		return nil, nil
	}
	if h.Status != c.welcome() {
		return nil, fmt.Errorf("answered with status %d", h.Status)
	}
	if c.talk != nil && len(c.talk.held) != 0 {
		rest = bytes.Clone(rest) // it lies where hold writes
	}
	c.hold(nil)
	return rest, c.advance(accepted)
}

// welcome is the status of an answer that lets the client wait.
func (c *client) welcome() int {
	if c.socket {
		return 101
	}
	return 200
}

// hearChunks takes pieces of an event stream's body.
func (c *client) hearChunks(b []byte, now time.Duration) error {
	for len(b) != 0 {
		data, rest, end, err := c.chunks.Next(b)
		if err != nil {
			return err
		}
		if end && len(rest) != 0 {
			return errors.New("bytes behind the last chunk")
		}
		if end {
			return c.advance(complete)
		}
		if len(data) != 0 {
			if err := c.hearBlocks(data, now); err != nil {
				return err
			}
		}
		b = rest
	}
	return nil
}

// hearBlocks takes pieces of an event stream (WHATWG HTML, section 9.2).
func (c *client) hearBlocks(b []byte, now time.Duration) error {
	b = c.whole(b)
	for {
		block, rest, whole := bytes.Cut(b, []byte("\n\n"))
		if !whole {
			c.hold(b)
			return nil
		}
		kind, data := parseBlock(block)
		if len(data) != 0 {
			if err := c.told(kind, data, now); err != nil {
				return err
			}
		}
		b = rest
	}
}

// parseBlock returns the event's name and data. Data of several lines does not come.
func parseBlock(b []byte) (kind string, data []byte) {
	kind = "event"
	for len(b) != 0 {
		var line []byte
		line, b, _ = bytes.Cut(b, []byte("\n"))
		if v, ok := bytes.CutPrefix(line, []byte("event: ")); ok {
			kind = kindOf(v)
		} else if v, ok := bytes.CutPrefix(line, []byte("data: ")); ok {
			data = v
		}
	}
	return kind, data
}

// hearFrames takes pieces of what a WebSocket server sends.
func (c *client) hearFrames(b []byte, now time.Duration) error {
	b = c.whole(b)
	for {
		op, payload, rest, whole, err := message.NextFrame(b)
		if err != nil {
			return err
		}
		if !whole {
			c.hold(b)
			return nil
		}
		switch op {
		case message.OpText:
			err = c.told(kindOf(member(payload, "type")), payload, now)
		case message.OpClose:
			err = c.toldClose(payload)
		default:
			err = fmt.Errorf("frame with opcode %d", op)
		}
		if err != nil {
			return err
		}
		b = rest
	}
}

// toldClose takes the close frame, which has the code 1000 behind an outcome.
func (c *client) toldClose(payload []byte) error {
	if !bytes.HasPrefix(payload, []byte{1000 >> 8, 1000 & 0xff}) {
		return errors.New("close frame with another code than 1000")
	}
	return c.advance(complete)
}

// kindOf returns the kind as a constant, so that nothing is allocated for it.
func kindOf(b []byte) string {
	switch string(b) {
	case "state":
		return "state"
	case "event":
		return "event"
	case "ping":
		return "ping"
	case "end":
		return "end"
	}
	return ""
}
