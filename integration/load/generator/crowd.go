//go:build linux

package generator

import (
	"errors"
	"fmt"
	"net/netip"
	"time"

	"github.com/tillbell/tillbell/integration/load/message"
	"golang.org/x/sys/unix"
)

type state uint8

const (
	away       state = iota // not connected
	connecting              // nothing sent yet
	asking                  // the head of the answer is not whole
	readying                // until Ask.Ready
	waiting
	ended // was told an end; the server may close
)

// A waiter is one connection. It is small because there may be a million of them.
type waiter struct {
	partial []byte // a head, line or frame that is not whole; nil nearly always
	fd      int32
	chunks  message.Chunks
	state   state
	chunked bool
}

// kind is an Ask made ready.
type kind struct {
	webSocket        bool
	request          message.Template
	ready, beat, end []byte
}

// A crowd is all waiters of a generator, numbered from 0.
type crowd struct {
	clock   clock
	ledger  *ledger
	waiters []waiter
	kinds   []kind // waiters take turns
	servers []netip.AddrPort
	base    int // added to a waiter's number for its topic and addresses
	steady  int // the first ones, whose poller is prompt
	shared  bool
	values  message.Values
	ids     message.IDScanner
	prompt  *poller
	bulk    *poller

	reading []byte
	writing []byte

	underway    int // connecting, asking or readying
	established int // waiting
	dropped     int
	done        int // were told an end
	progress    time.Duration
	reasons     map[string]int

	lost func(waiter int)    // called when a connection is gone that was not cut
	beat func(time.Duration) // called for each heartbeat
}

// topic returns the number of what a waiter waits for.
func (c *crowd) topic(waiter int) int {
	if c.shared && waiter > c.steady {
		waiter = c.steady
	}
	return c.base + waiter
}

// want returns how many waiters a topic has while all are there.
func (c *crowd) want(topic int) int {
	if c.shared && topic == c.steady {
		return len(c.waiters) - c.steady
	}
	return 1
}

func (c *crowd) kind(waiter int) *kind { return &c.kinds[(c.base+waiter)%len(c.kinds)] }

// open connects a waiter that is away.
func (c *crowd) open(i int) {
	w := &c.waiters[i]
	*w = waiter{fd: -1, state: connecting}
	c.underway++
	n := c.base + i
	fd, err := dial(source(n), c.servers[n%len(c.servers)])
	if err != nil {
		c.fail(i, err)
		return
	}
	w.fd = int32(fd)
	p := c.bulk
	if i < c.steady {
		p = c.prompt
	}
	if err := p.add(fd, ofWaiter, i); err != nil {
		c.fail(i, err)
	}
}

// cut resets a waiter's connection.
func (c *crowd) cut(i int) {
	switch w := &c.waiters[i]; w.state {
	case away:
		return
	case waiting:
		c.established--
	case connecting, asking, readying:
		c.underway--
	}
	c.close(i)
}

func (c *crowd) close(i int) {
	w := &c.waiters[i]
	if w.fd >= 0 {
		_ = unix.Close(int(w.fd))
	}
	*w = waiter{fd: -1}
}

// fail notes that a connection is gone, unless it was told an end before.
func (c *crowd) fail(i int, err error) {
	was := c.waiters[i].state
	switch was {
	case away:
		return
	case ended:
		c.close(i)
		return
	case waiting:
		c.established--
		c.dropped++
		err = fmt.Errorf("dropped: %w", err)
	default:
		c.underway--
	}
	c.reasons[err.Error()]++
	c.close(i)
	if c.lost != nil {
		c.lost(i)
	}
}

// event handles what epoll says of a waiter.
func (c *crowd) event(i int, events uint32) {
	w := &c.waiters[i]
	if w.state == away {
		return
	}
	if w.state == connecting {
		if events&(unix.EPOLLERR|unix.EPOLLHUP) != 0 {
			err := pending(int(w.fd))
			if err == nil {
				err = errors.New("hung up")
			}
			c.fail(i, fmt.Errorf("connect: %w", err))
			return
		}
		if events&unix.EPOLLOUT == 0 || !c.ask(i) {
			return
		}
	}
	if events&(unix.EPOLLIN|unix.EPOLLRDHUP|unix.EPOLLHUP|unix.EPOLLERR) != 0 {
		c.read(i, events&unix.EPOLLRDHUP != 0)
	}
}

// ask sends a waiter's request.
func (c *crowd) ask(i int) bool {
	c.values.Topic.Number = c.topic(i)
	c.writing = c.kind(i).request.Append(c.writing[:0], &c.values)
	c.waiters[i].state = asking
	return c.write(i, c.writing)
}

// write writes what fits any socket's empty buffer.
func (c *crowd) write(i int, b []byte) bool {
	n, err := unix.Write(int(c.waiters[i].fd), b)
	if err == nil && n < len(b) {
		err = errors.New("the socket is full")
	}
	if err != nil {
		c.fail(i, fmt.Errorf("write: %w", err))
	}
	return err == nil
}

// read takes what has arrived. Behind a hang-up it reads on until the end, which is told once.
func (c *crowd) read(i int, hangup bool) {
	w := &c.waiters[i]
	for {
		n, err := unix.Read(int(w.fd), c.reading)
		switch {
		case errors.Is(err, unix.EAGAIN):
			return
		case errors.Is(err, unix.EINTR):
			continue
		case err != nil:
			c.fail(i, fmt.Errorf("read: %w", err))
			return
		case n == 0:
			c.fail(i, errors.New("closed by the server"))
			return
		}
		if err := c.take(i, c.reading[:n]); err != nil {
			c.fail(i, err)
			return
		}
		if w.state == away || n < len(c.reading) && !hangup {
			return
		}
	}
}
