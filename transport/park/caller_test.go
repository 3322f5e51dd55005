package park_test

import (
	"bufio"
	"crypto/tls"
	"io"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/tillbell/tillbell/transport/park"
)

// client is one that waits.
type client struct {
	net.Conn
	t testing.TB
	r *bufio.Reader
}

// call sends the request for a payment, and whatever is behind it in the same packet.
func (y *yard) call(t testing.TB, payment, behind string) *client {
	t.Helper()
	nc, err := y.dial()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { nc.Close() })
	_ = nc.SetDeadline(time.Now().Add(patience))
	if _, err := io.WriteString(nc, "GET /"+payment+" HTTP/1.1\r\nHost: x\r\n\r\n"+behind); err != nil {
		t.Fatal(err)
	}
	return &client{nc, t, bufio.NewReader(nc)}
}

// open is call, and returns when the connection is parked and the client has read the state.
func (y *yard) open(t testing.TB, payment, behind string) (*client, *park.Conn) {
	t.Helper()
	c := y.call(t, payment, behind)
	c.head()
	c.expect("state pending")
	return c, next(t, y.conns, "the connection")
}

// head reads the response's head.
func (c *client) head() {
	c.t.Helper()
	for line := c.line(); line != "\r"; line = c.line() {
		if strings.HasPrefix(line, "HTTP/") && line != "HTTP/1.1 200 OK\r" {
			c.t.Fatalf("the response begins with %q", line)
		}
	}
}

func (c *client) line() string {
	c.t.Helper()
	line, err := c.r.ReadString('\n')
	if err != nil {
		c.t.Fatalf("%v after %.40q", err, line)
	}
	return strings.TrimSuffix(line, "\n")
}

func (c *client) expect(lines ...string) {
	c.t.Helper()
	for _, want := range lines {
		if got := c.line(); got != want {
			c.t.Fatalf("the client is sent %.100q, want %.100q", got, want)
		}
	}
}

// over expects that the server's side was shut, without a reset.
func (c *client) over() {
	c.t.Helper()
	if rest, err := io.ReadAll(c.r); len(rest) != 0 || err != nil {
		c.t.Errorf("behind the end: %q, %v", rest, err)
	}
}

// closeWrite shuts the client's side.
func (c *client) closeWrite() {
	c.t.Helper()
	if err := c.Conn.(interface{ CloseWrite() error }).CloseWrite(); err != nil {
		c.t.Fatal(err)
	}
}

// reset closes the connection as a client that crashes does.
func (c *client) reset() {
	c.t.Helper()
	if tcp := c.tcp(); tcp != nil {
		if err := tcp.SetLinger(0); err != nil {
			c.t.Fatal(err)
		}
		tcp.Close()
		return
	}
	c.Close()
}

// tcp returns what is below, nil for a connection in memory.
func (c *client) tcp() *net.TCPConn {
	nc := c.Conn
	if t, ok := nc.(*tls.Conn); ok {
		nc = t.NetConn()
	}
	tcp, _ := nc.(*net.TCPConn)
	return tcp
}
