package transporttest

import (
	"context"
	"net"
	"sync"
)

// Pipe is a network of its own: a listener whose connections are in memory, so that they may be waited for in a bubble
// of testing/synctest.
type Pipe struct {
	connect func() (client, server net.Conn)
	calls   chan net.Conn
	closed  chan struct{}
	once    sync.Once
}

// NewPipe returns a Pipe that nobody has dialled yet. Its connections are net.Pipes. They have no buffers, so that
// whoever does not read stops the writer at once.
func NewPipe() *Pipe {
	return newPipe(func() (client, server net.Conn) {
		client, server = net.Pipe()
		return client, peer{server}
	})
}

// NewSockets returns a Pipe that nobody has dialled yet. Its connections hold up to room bytes in each direction, and
// the server's ends are park.Sockets.
func NewSockets(room int) *Pipe {
	return newPipe(func() (client, server net.Conn) { return connect(room) })
}

func newPipe(connect func() (client, server net.Conn)) *Pipe {
	return &Pipe{connect: connect, calls: make(chan net.Conn), closed: make(chan struct{})}
}

// Accept returns the server's end of the next connection.
func (p *Pipe) Accept() (net.Conn, error) {
	select {
	case c := <-p.calls:
		return c, nil
	case <-p.closed:
		return nil, net.ErrClosed
	}
}

// Close ends Accept and Dial. It may be called several times.
func (p *Pipe) Close() error {
	p.once.Do(func() { close(p.closed) })
	return nil
}

// Addr returns an address of no meaning.
func (p *Pipe) Addr() net.Addr { return serverAddr }

// Dial connects from the address 192.0.2.7.
func (p *Pipe) Dial(ctx context.Context) (net.Conn, error) {
	client, server := p.connect()
	select {
	case p.calls <- server:
		return client, nil
	case <-p.closed:
		return nil, net.ErrClosed
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// The addresses of the two ends.
var (
	serverAddr = &net.TCPAddr{IP: net.IPv4(192, 0, 2, 1), Port: 80}
	clientAddr = &net.TCPAddr{IP: net.IPv4(192, 0, 2, 7), Port: 50000}
)

// peer is the server's end of a net.Pipe.
type peer struct{ net.Conn }

// RemoteAddr returns the client's address.
func (peer) RemoteAddr() net.Addr { return clientAddr }
