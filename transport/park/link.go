package park

import (
	"crypto/tls"
	"net"
)

// link is the way to one client. All methods but a blocking link's goroutines are called with the connection's lock, and
// none blocks.
type link interface {
	// write takes what the socket has room for.
	write(b []byte) (int, error)
	// drain sees to it that what is in out is written when there is room, and drained that nothing is.
	drain()
	drained()
	// shut ends the writing side, after the last byte, and has input thrown away.
	shut()
	// close closes both sides. Nothing is called after it.
	close()
	// abort makes close reset the connection and drop what the socket holds.
	abort()
}

// Socket is a connection that says by itself when it is ready, such as one in memory. It needs no goroutine.
type Socket interface {
	net.Conn
	// Park has w told from now on what happens. Read is not called any more, and Write does not block: it writes what
	// there is room for and returns a smaller number without an error. Park must not call w, nor may a method called by
	// the park.
	Park(w Watcher)
}

// Watcher is told by a Socket what happens to it, from any goroutine.
type Watcher struct{ conn *Conn }

// Received takes input.
func (w Watcher) Received(b []byte) { w.conn.received(b) }

// Writable says that there is room again after a Write that was cut short.
func (w Watcher) Writable() { w.conn.writable() }

// HungUp says that the client is gone, or has shut its side.
func (w Watcher) HungUp() { w.conn.hungUp() }

// ready is the link to a Socket.
type ready struct{ Socket }

func (r ready) write(b []byte) (int, error) { return r.Write(b) }
func (r ready) drain()                      {}
func (r ready) drained()                    {}
func (r ready) shut()                       { closeWrite(r.Socket) }
func (r ready) close()                      { _ = r.Close() } // there is nobody to tell
func (r ready) abort()                      {}

// blocking is a link that costs a goroutine that reads, and another one while something is written: what works
// everywhere, and for TLS.
type blocking struct {
	net.Conn
	conn    *Conn
	writing bool
}

func (l *blocking) write([]byte) (int, error) { return 0, nil }

func (l *blocking) drain() {
	if !l.writing {
		l.writing = true
		l.conn.park.run(l.writeOut)
	}
}

func (l *blocking) drained() {} // writeOut ends by itself

func (l *blocking) shut() { closeWrite(l.Conn) }

// close closes below TLS, whose own Close waits for a socket that is full. Whoever uses the connection gets an error.
func (l *blocking) close() { _ = l.raw().Close() }

// abort closes with a reset, where there are any.
func (l *blocking) abort() {
	if tcp, ok := l.raw().(interface{ SetLinger(sec int) error }); ok {
		_ = tcp.SetLinger(0) // fails if it is closed
	}
	l.close()
}

func (l *blocking) raw() net.Conn {
	if t, ok := l.Conn.(*tls.Conn); ok {
		return t.NetConn()
	}
	return l.Conn
}

// closeWrite ends the writing side where there are two; TLS may block for it.
func closeWrite(nc net.Conn) {
	if half, ok := nc.(interface{ CloseWrite() error }); ok {
		_ = half.CloseWrite() // one that failed has ended too
	}
}

// writeOut writes what is in out until nothing is.
func (l *blocking) writeOut() {
	c, b := l.conn, lend()
	defer b.giveBack()
	for {
		c.mu.Lock()
		if c.state != attached || c.out == nil {
			l.writing = false
			c.mu.Unlock()
			return
		}
		b.bytes = append(b.bytes[:0], c.out.rest()[:min(len(c.out.rest()), bufferSize)]...)
		c.mu.Unlock()
		if _, err := l.Write(b.bytes); err != nil {
			c.hungUp()
			return
		}
		if c.wrote(len(b.bytes)) {
			l.shut()
			return
		}
	}
}

// wrote says that n bytes of out were taken, and reports whether they were the last that the client is told.
func (c *Conn) wrote(n int) (over bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.state != attached || !c.taken(n) || !c.over {
		return false
	}
	c.linger()
	return true
}

// listen reads until the client is gone.
func (l *blocking) listen() {
	size := 64
	if l.conn.park.reads {
		size = 512
	}
	b := make([]byte, size)
	for {
		n, err := l.Read(b)
		if n > 0 {
			l.conn.received(b[:n])
		}
		if err != nil {
			l.conn.hungUp()
			return
		}
	}
}
