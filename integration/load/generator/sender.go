//go:build linux

package generator

import (
	"errors"
	"fmt"
	"net/netip"
	"strconv"
	"time"

	"github.com/tillbell/tillbell/integration/load/message"
	"golang.org/x/sys/unix"
)

type sending uint8

const (
	closed  sending = iota
	dialing         // not connected yet
	free
	busy // a callback is not answered yet
)

// A sender is a connection that callbacks are posted on, one after the other.
type sender struct {
	fd     int
	state  sending
	number uint64 // of the callback, in the ledger
	out    []byte
	in     []byte
}

// maxBroken bounds how many connections are tried anew.
const maxBroken = 10_000

// senders post callbacks on connections that stay open.
type senders struct {
	clock  clock
	ledger *ledger
	poller *poller
	server netip.AddrPort
	head   message.Template
	body   message.Template
	signer *message.Signer // nil for callbacks that are not signed
	values message.Values

	all     []sender
	free    fifo[int]
	queue   fifo[uint64]                    // callbacks that no sender was free for
	next    func() (number uint64, ok bool) // of a closed loop; nil in an open one
	ready   int                             // connected
	broken  int
	reasons map[string]int
	buf     []byte
	reading []byte
}

// connect dials all senders anew.
func (s *senders) connect(n int) error {
	s.all = make([]sender, n)
	for i := range s.all {
		if err := s.dial(i); err != nil {
			return fmt.Errorf("generator: sender: %w", err)
		}
	}
	return nil
}

func (s *senders) dial(i int) error {
	fd, err := dial(netip.Addr{}, s.server)
	if err != nil {
		return err
	}
	s.all[i] = sender{fd: fd, state: dialing, out: s.all[i].out, in: s.all[i].in[:0]}
	return s.poller.add(fd, ofSender, i)
}

// post sends a callback as soon as a sender is free.
func (s *senders) post(number uint64) {
	if i, ok := s.spare(); ok {
		s.send(i, number)
		return
	}
	s.queue.push(number)
}

// spare takes the sender that is free for the longest time. The list may name one twice that broke while it was free.
func (s *senders) spare() (i int, ok bool) {
	for {
		i, ok = s.free.pop()
		if !ok || s.all[i].state == free {
			return i, ok
		}
	}
}

// start begins a closed loop: each sender posts what next returns as soon as it is free, until that returns false.
func (s *senders) start(next func() (number uint64, ok bool)) {
	s.next = next
	for range s.free.len() {
		if i, ok := s.spare(); ok {
			s.idle(i)
		}
	}
}

// idle gives a sender without a callback its next one.
func (s *senders) idle(i int) {
	s.all[i].state = free
	number, ok := s.queue.pop()
	if !ok && s.next != nil {
		number, ok = s.next()
	}
	if ok {
		s.send(i, number)
		return
	}
	s.free.push(i)
}

func (s *senders) send(i int, number uint64) {
	r, p, v := s.ledger.at(number), &s.all[i], &s.values
	v.Topic.Number, v.ID.Number = int(r.topic), number
	s.buf = s.body.Append(s.buf[:0], v)
	b := s.head.Append(p.out[:0], v)
	if s.signer != nil {
		b = s.signer.AppendHeaders(b, v.ID, time.Now(), s.buf)
	}
	b = append(b, "Content-Length: "...)
	b = strconv.AppendInt(b, int64(len(s.buf)), 10)
	b = append(b, "\r\n\r\n"...)
	p.out = append(b, s.buf...)
	p.in, p.number, p.state = p.in[:0], number, busy
	r.sent = s.clock.now()
	if n, err := unix.Write(p.fd, p.out); err != nil || n < len(p.out) {
		s.fail(i, fmt.Errorf("write %d of %d bytes: %w", n, len(p.out), err))
	}
}

// fail closes a broken connection and dials another.
func (s *senders) fail(i int, err error) {
	p := &s.all[i]
	s.reasons["sender: "+err.Error()]++
	if p.state == busy {
		s.ledger.answer(p.number, -1, s.clock.now())
	}
	s.again(i)
}

func (s *senders) again(i int) {
	_ = unix.Close(s.all[i].fd)
	if s.all[i].state != dialing {
		s.ready--
	}
	s.all[i].state = closed
	if s.broken++; s.broken > maxBroken {
		return
	}
	if err := s.dial(i); err != nil {
		s.reasons["sender: "+err.Error()]++
	}
}

// event handles what epoll says of a sender.
func (s *senders) event(i int, events uint32) {
	p := &s.all[i]
	switch {
	case p.state == closed:
	case events&(unix.EPOLLERR|unix.EPOLLHUP) != 0 && p.state == dialing:
		s.fail(i, errors.Join(errors.New("connect"), pending(p.fd)))
	case p.state == dialing && events&unix.EPOLLOUT != 0:
		s.ready++
		s.idle(i)
	case events&(unix.EPOLLIN|unix.EPOLLRDHUP|unix.EPOLLHUP|unix.EPOLLERR) != 0:
		s.read(i)
	}
}

func (s *senders) read(i int) {
	p := &s.all[i]
	for {
		n, err := unix.Read(p.fd, s.reading)
		switch {
		case errors.Is(err, unix.EAGAIN):
			return
		case err == nil && n == 0:
			err = errors.New("closed by the server")
		}
		if err != nil {
			s.fail(i, err)
			return
		}
		if p.state != busy {
			continue // nobody asked for it
		}
		p.in = append(p.in, s.reading[:n]...)
		h, done, err := message.ParseAnswer(p.in)
		if err != nil {
			s.fail(i, err)
			return
		}
		if done {
			s.answered(i, h)
			return
		}
	}
}

func (s *senders) answered(i int, h message.Head) {
	s.ledger.answer(s.all[i].number, h.Status, s.clock.now())
	if h.Status < 200 || h.Status > 299 {
		s.reasons[fmt.Sprintf("callback: status %d", h.Status)]++
	}
	if h.Close {
		s.again(i)
		return
	}
	s.idle(i)
}

// close closes all connections.
func (s *senders) close() {
	for i := range s.all {
		if s.all[i].state != closed {
			_ = unix.Close(s.all[i].fd)
			s.all[i].state = closed
		}
	}
}

// A fifo is a queue. The zero value is empty.
type fifo[T any] struct {
	in, out []T
	taken   int
}

func (f *fifo[T]) push(v T) { f.in = append(f.in, v) }

func (f *fifo[T]) pop() (v T, ok bool) {
	if f.taken == len(f.out) {
		f.in, f.out, f.taken = f.out[:0], f.in, 0
	}
	if f.taken == len(f.out) {
		return v, false
	}
	v = f.out[f.taken]
	f.taken++
	return v, true
}

func (f *fifo[T]) len() int { return len(f.in) + len(f.out) - f.taken }
