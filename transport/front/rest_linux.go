package front

import (
	"fmt"
	"net"
	"os"
	"sync"

	"github.com/tillbell/tillbell/transport/epoll"
)

// rest is the listener of connections that net/http serves.
type rest struct {
	addr  net.Addr
	conns chan net.Conn
	done  chan struct{}

	mu      sync.Mutex
	closed  bool
	waiting sync.WaitGroup // of what was not accepted
}

func newRest(addr net.Addr) *rest {
	return &rest{addr: addr, conns: make(chan net.Conn), done: make(chan struct{})}
}

// Accept returns the next connection.
func (l *rest) Accept() (net.Conn, error) {
	select {
	case nc := <-l.conns:
		return nc, nil
	case <-l.done:
		return nil, net.ErrClosed
	}
}

// Close ends Accept, and closes what was not accepted. It may be called several times.
func (l *rest) Close() error {
	l.mu.Lock()
	if !l.closed {
		l.closed = true
		close(l.done)
	}
	l.mu.Unlock()
	l.waiting.Wait() // not for long: nobody waits for Accept
	return nil
}

// Addr returns where the connections come in.
func (l *rest) Addr() net.Addr { return l.addr }

// put leaves the connection to Accept. It does not wait for that.
func (l *rest) put(nc net.Conn) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed {
		_ = nc.Close() // nobody serves it
		return
	}
	l.waiting.Go(func() {
		select {
		case l.conns <- nc:
		case <-l.done:
			_ = nc.Close()
		}
	})
}

// release gives the descriptor to Go's runtime. What was read before is read first. The descriptor is gone if that fails.
func (f *Front) release(d epoll.Descriptor, before []byte) (net.Conn, error) {
	d.Release()
	file := os.NewFile(uintptr(d.FD()), "tcp")
	defer file.Close()
	nc, err := net.FileConn(file) // has a duplicate
	if exhausted(err) && f.spare() != 0 {
		nc, err = net.FileConn(file)
	}
	if err != nil {
		return nil, fmt.Errorf("front: %w", err)
	}
	tcp := nc.(*net.TCPConn) // accepted from a TCP listener
	if len(before) == 0 {
		return tcp, nil
	}
	return &replayed{Conn: tcp, tcp: tcp, before: before}, nil
}

// replayed is a connection of which something was read already.
type replayed struct {
	net.Conn
	tcp    *net.TCPConn
	before []byte
}

// Read reads what was read before, and then what is there.
func (r *replayed) Read(b []byte) (int, error) {
	if len(r.before) == 0 {
		return r.Conn.Read(b)
	}
	n := copy(b, r.before)
	if r.before = r.before[n:]; len(r.before) == 0 {
		r.before = nil // it may be long, and the connection live long
	}
	return n, nil
}

// CloseWrite ends the writing side.
func (r *replayed) CloseWrite() error { return r.tcp.CloseWrite() }

// TCP returns the connection itself, nil as long as something is left to be read first.
func (r *replayed) TCP() *net.TCPConn {
	if len(r.before) != 0 {
		return nil
	}
	return r.tcp
}
