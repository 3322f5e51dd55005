package line

import (
	"io"
	"net"
	"net/http"
	"sync"
	"time"
)

const (
	// linger is how long a page has to leave after the server has.
	linger = 2 * time.Second
	// pieceSize is how much is read at a time.
	pieceSize = 4 << 10
)

// connection is one line: two connections with a gate between them.
type connection struct {
	payment string
	gate    *gate
	over    chan struct{} // closed when ended is set

	mu     sync.Mutex
	server net.Conn // nil until connect
	page   net.Conn // nil until attach
	ended  bool
}

// connect takes the server's end, attach the page's. They report false, and close it, if the line has been cut meanwhile.
func (c *connection) connect(server net.Conn) bool { return c.take(&c.server, server) }
func (c *connection) attach(page net.Conn) bool    { return c.take(&c.page, page) }

func (c *connection) take(end *net.Conn, conn net.Conn) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.ended {
		abort(conn)
		return false
	}
	*end = conn
	return true
}

// isOver reports whether the line has ended, though its connections may not be gone yet.
func (c *connection) isOver() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.ended
}

// run sends the request and passes what follows both ways, until the line ends. sent has what the page has sent behind
// its request.
func (c *connection) run(request *http.Request, sent io.Reader) {
	defer c.end()
	c.gate.pass(c.over)
	if request.Write(c.server) != nil {
		return
	}
	up := make(chan struct{})
	go func() {
		defer close(up)
		c.pass(c.server, sent)
		c.end() // a page that has left hears nothing any more
	}()
	c.pass(c.page, c.server)
	c.gate.pass(c.over) // the end too
	c.finish()
	<-up
}

// pass copies from one end to the other until there is nothing more, piece by piece through the gate.
func (c *connection) pass(to io.Writer, from io.Reader) {
	piece := make([]byte, pieceSize)
	for {
		n, err := from.Read(piece)
		if n > 0 {
			c.gate.pass(c.over)
			if _, err := to.Write(piece[:n]); err != nil {
				return
			}
		}
		if err != nil {
			return
		}
	}
}

// finish tells the page that the server has said all, and lets it leave by itself.
func (c *connection) finish() {
	_ = c.page.SetReadDeadline(time.Now().Add(linger)) // it fails on a connection that is closed
	if half, ok := c.page.(interface{ CloseWrite() error }); ok {
		_ = half.CloseWrite()
		return
	}
	c.end()
}

// end closes both ends.
func (c *connection) end() { c.close(func(conn net.Conn) { _ = conn.Close() }) }

// reset cuts the line, as when a network goes down: the page is not told of an end.
func (c *connection) reset() { c.close(abort) }

func (c *connection) close(page func(net.Conn)) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.ended {
		return
	}
	c.ended = true
	close(c.over)
	if c.page != nil {
		page(c.page)
	}
	if c.server != nil {
		_ = c.server.Close()
	}
}

// abort closes conn without a word: what it has not sent is dropped, and the other end gets a reset.
func abort(conn net.Conn) {
	if inner, ok := conn.(interface{ TCP() *net.TCPConn }); ok { // of a connection that was not net/http's at first
		_ = inner.TCP().SetLinger(0) // which a nil one refuses
	}
	if tcp, ok := conn.(*net.TCPConn); ok {
		_ = tcp.SetLinger(0)
	}
	_ = conn.Close()
}
