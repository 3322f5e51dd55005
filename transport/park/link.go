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

// Socket is a connection whose Write takes everything and never blocks, such as one in memory. It needs no goroutine.
type Socket interface {
	net.Conn
	// Watch has hungUp called, from any goroutine but not by Watch itself, when the client is gone.
	Watch(hungUp func())
}

type direct struct{ Socket }

func (d direct) write(b []byte) (int, error) { return d.Write(b) }
func (d direct) drain()                      {}
func (d direct) drained()                    {}
func (d direct) shut()                       { closeWrite(d.Socket) }
func (d direct) close()                      { _ = d.Close() } // there is nobody to tell
func (d direct) abort()                      {}

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

func (l *blocking) close() { l.abort() }

// abort closes below TLS, whose own Close waits for a socket that is full. Whoever uses the connection gets an error.
func (l *blocking) abort() {
	raw := l.Conn
	if t, ok := raw.(*tls.Conn); ok {
		raw = t.NetConn()
	}
	_ = raw.Close() // closed twice is closed
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
