package transporttest

import (
	"io"
	"net"
	"os"
	"sync"
	"syscall"
	"time"

	"github.com/tillbell/tillbell/transport/park"
)

// pair is a connection in memory that behaves as one of TCP does: it holds a number of bytes each way, each side may
// shut its own, and who closes without having read everything resets it.
type pair struct {
	mu      sync.Mutex
	changed sync.Cond // anything that a blocked Read or Write waits for
	up      stream    // to the server
	down    stream    // to the client

	watcher *park.Watcher // nil until the server's end is parked
	starved bool          // a Write of the parked end was cut short, and the watcher does not know of room yet
	hungUp  bool          // the watcher knows that the client has shut its side
	telling bool          // a goroutine is telling the watcher something
}

// stream is one direction.
type stream struct {
	bytes []byte
	room  int
	shut  bool // the writer sends no more
	deaf  bool // the reader has closed
	reset bool // the writer has closed without reading everything
}

// connect returns the two ends of a pair with room for so many bytes each way.
func connect(room int) (client, server net.Conn) {
	p := &pair{up: stream{room: room}, down: stream{room: room}}
	p.changed.L = &p.mu
	c := &end{pair: p, in: &p.down, out: &p.up, local: clientAddr, remote: serverAddr, tell: p.tell}
	s := &socket{end{pair: p, in: &p.up, out: &p.down, local: serverAddr, remote: clientAddr, tell: func() {}}}
	return c, s
}

// end is one of the two ends: a net.Conn whose methods may be called at the same time.
type end struct {
	*pair
	in, out       *stream
	local, remote net.Addr
	tell          func() // called without mu when this end has done something
	closed        bool
	read, write   deadline
}

// Read waits until there is something to read.
func (e *end) Read(b []byte) (int, error) {
	defer e.tell()
	e.mu.Lock()
	defer e.mu.Unlock()
	for {
		switch {
		case e.closed:
			return 0, net.ErrClosed
		case e.read.passed():
			return 0, os.ErrDeadlineExceeded
		case e.in.reset:
			return 0, syscall.ECONNRESET
		case len(e.in.bytes) != 0 || len(b) == 0:
			n := copy(b, e.in.bytes)
			e.in.bytes = e.in.bytes[n:]
			e.changed.Broadcast()
			return n, nil
		case e.in.shut:
			return 0, io.EOF
		}
		e.changed.Wait()
	}
}

// Write waits until there was room for everything.
func (e *end) Write(b []byte) (n int, err error) {
	for {
		some, err := e.putSome(b[n:])
		e.tell()
		if n += some; n == len(b) || err != nil {
			return n, err
		}
	}
}

// putSome waits until there is room for some of it.
func (e *end) putSome(b []byte) (int, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	for {
		n, err := e.put(b)
		if n != 0 || len(b) == 0 || err != nil {
			return n, err
		}
		e.changed.Wait()
	}
}

// put writes what there is room for, with mu.
func (e *end) put(b []byte) (int, error) {
	switch {
	case e.closed:
		return 0, net.ErrClosed
	case e.write.passed():
		return 0, os.ErrDeadlineExceeded
	case e.out.shut, e.out.deaf:
		return 0, syscall.EPIPE
	}
	n := min(e.out.room-len(e.out.bytes), len(b))
	e.out.bytes = append(e.out.bytes, b[:n]...)
	e.changed.Broadcast()
	return n, nil
}

// CloseWrite sends no more.
func (e *end) CloseWrite() error {
	defer e.tell()
	e.mu.Lock()
	defer e.mu.Unlock()
	e.out.shut = true
	e.changed.Broadcast()
	return nil
}

// Close ends both directions. It may be called several times.
func (e *end) Close() error {
	defer e.tell()
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.closed {
		return nil
	}
	if len(e.in.bytes) != 0 {
		e.out.reset, e.out.bytes = true, nil
	}
	e.closed, e.in.deaf, e.in.bytes, e.out.shut = true, true, nil, true
	e.read.set(time.Time{}, nil)
	e.write.set(time.Time{}, nil)
	e.changed.Broadcast()
	return nil
}

// LocalAddr returns this end's address.
func (e *end) LocalAddr() net.Addr { return e.local }

// RemoteAddr returns the other end's.
func (e *end) RemoteAddr() net.Addr { return e.remote }

// SetDeadline is SetReadDeadline and SetWriteDeadline.
func (e *end) SetDeadline(at time.Time) error {
	_ = e.SetReadDeadline(at) // neither fails
	return e.SetWriteDeadline(at)
}

// SetReadDeadline makes Read fail from then on.
func (e *end) SetReadDeadline(at time.Time) error { return e.setDeadline(&e.read, at) }

// SetWriteDeadline makes Write fail from then on.
func (e *end) SetWriteDeadline(at time.Time) error { return e.setDeadline(&e.write, at) }

func (e *end) setDeadline(d *deadline, at time.Time) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	d.set(at, func() {
		e.mu.Lock()
		defer e.mu.Unlock()
		e.changed.Broadcast()
	})
	e.changed.Broadcast()
	return nil
}

// deadline is that of an end's Read or Write. The zero deadline is none.
type deadline struct {
	at    time.Time
	timer *time.Timer
}

func (d *deadline) set(at time.Time, wake func()) {
	if d.timer != nil {
		d.timer.Stop()
		d.timer = nil
	}
	if d.at = at; !at.IsZero() {
		d.timer = time.AfterFunc(time.Until(at), wake)
	}
}

func (d *deadline) passed() bool { return !d.at.IsZero() && !time.Now().Before(d.at) }
