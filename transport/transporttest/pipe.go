package transporttest

import (
	"context"
	"net"
	"sync"
)

// Pipe is a network of its own: a listener whose connections are net.Pipes. They have no buffers, so that whoever does
// not read stops the writer at once, and they may be waited for in a bubble of testing/synctest.
type Pipe struct {
	calls  chan net.Conn
	closed chan struct{}
	once   sync.Once
}

// NewPipe returns a Pipe that nobody has dialled yet.
func NewPipe() *Pipe { return &Pipe{calls: make(chan net.Conn), closed: make(chan struct{})} }

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
func (p *Pipe) Addr() net.Addr { return &net.TCPAddr{IP: net.IPv4(192, 0, 2, 1), Port: 80} }

// Dial connects from the address 192.0.2.7.
func (p *Pipe) Dial(ctx context.Context) (net.Conn, error) {
	client, server := net.Pipe()
	select {
	case p.calls <- peer{server}:
		return client, nil
	case <-p.closed:
		return nil, net.ErrClosed
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// peer is the server's end.
type peer struct{ net.Conn }

// RemoteAddr returns the client's address.
func (peer) RemoteAddr() net.Addr { return &net.TCPAddr{IP: net.IPv4(192, 0, 2, 7), Port: 50000} }
