package ws

import (
	"bufio"
	"crypto/tls"
	"io"
	"net"
	"net/http"
	"time"
)

// lingerTime bounds how long a client may take to answer the close frame and to stop sending.
const lingerTime = 2 * time.Second

// conn is a connection that is closed in two steps. Closing a socket whose input was not read resets it, and what was
// written last, the close frame, may be destroyed before the client has read it. So Close ends only the writing and
// every Read that waits, and linger does the rest.
type conn struct {
	net.Conn
	until time.Time // when lingering is over, once it has begun
}

// Close tells the client that nothing more comes. Nothing can be read or written from then on.
func (c *conn) Close() error {
	_ = c.SetDeadline(time.Unix(1, 0)) // a connection that has ended already has nothing waiting either
	if half, ok := c.Conn.(interface{ CloseWrite() error }); ok {
		return half.CloseWrite()
	}
	return nil
}

// hurry lets no Read take longer than lingerTime from its first call on.
func (c *conn) hurry() {
	if c.until.IsZero() {
		c.until = time.Now().Add(lingerTime)
	}
	_ = c.SetReadDeadline(c.until) // fails if the connection has ended, and then Read does too
}

// linger discards input until the client closes too, for lingerTime at most, and closes the connection.
func (c *conn) linger() {
	c.hurry()
	_, _ = io.Copy(io.Discard, c.Conn) // however it ends, the connection is closed
	_ = c.Conn.Close()
}

// cut closes the connection at once, whatever is under way.
func (c *conn) cut() {
	raw := c.Conn
	if t, ok := raw.(*tls.Conn); ok { // its own Close waits for a socket that is full
		raw = t.NetConn()
	}
	_ = raw.Close() // whoever is using it gets the error
}

// hijacker hands out the connection as a conn, and remembers it.
type hijacker struct {
	http.ResponseWriter
	conn *conn
}

// Hijack takes the connection over from net/http.
func (h *hijacker) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	raw, rw, err := http.NewResponseController(h.ResponseWriter).Hijack()
	if err != nil {
		return nil, nil, err
	}
	h.conn = &conn{Conn: raw}
	return h.conn, rw, nil
}
