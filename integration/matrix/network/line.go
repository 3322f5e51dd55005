package network

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"sync"
	"time"
)

// A line carries bytes between the browser and what comes next, and can be cut. It changes nothing: a half that one side
// closes is closed on the other, and a reset is a reset.
type line struct {
	listener net.Listener
	to       string
	life     time.Duration // of a connection, 0 for ever
	ctx      context.Context
	cancel   context.CancelFunc // ends what is being dialled
	running  sync.WaitGroup

	mu    sync.Mutex
	wires map[*wire]struct{}
}

// newLine returns a line to an address, on a port of 127.0.0.1. The context is for listening alone.
func newLine(ctx context.Context, to string, life time.Duration) (*line, error) {
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp4", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("line: %w", err)
	}
	l := &line{listener: listener, to: to, life: life, wires: make(map[*wire]struct{})}
	l.ctx, l.cancel = context.WithCancel(context.Background())
	l.running.Go(l.accept)
	return l, nil
}

func (l *line) address() string { return l.listener.Addr().String() }

func (l *line) accept() {
	for {
		near, err := l.listener.Accept()
		if err != nil {
			return
		}
		l.running.Go(func() { l.connect(near.(*net.TCPConn)) })
	}
}

// connect carries one connection to its end. It is reset where nobody listens at the far end.
func (l *line) connect(near *net.TCPConn) {
	w := &wire{near: near}
	l.mu.Lock()
	l.wires[w] = struct{}{}
	l.mu.Unlock()
	defer func() {
		l.mu.Lock()
		defer l.mu.Unlock()
		delete(l.wires, w)
	}()
	far, err := new(net.Dialer).DialContext(l.ctx, "tcp4", l.to)
	if err != nil {
		w.reset()
		return
	}
	if !w.attach(far.(*net.TCPConn)) {
		return
	}
	if l.life > 0 {
		defer time.AfterFunc(l.life, w.reset).Stop()
	}
	w.carry()
}

func (l *line) cut() {
	l.mu.Lock()
	defer l.mu.Unlock()
	for w := range l.wires {
		w.reset()
	}
}

func (l *line) close() error {
	err := l.listener.Close()
	l.cancel()
	l.cut()
	l.running.Wait() // accept has returned, so that no wire comes after the cut but those that it had begun
	return err
}

// A wire is one connection over the line.
type wire struct {
	near *net.TCPConn

	mu  sync.Mutex
	far *net.TCPConn // nil until it is connected
	cut bool
}

// attach gives the wire its far end, and reports whether it still has a near one.
func (w *wire) attach(far *net.TCPConn) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.cut {
		_ = far.Close()
		return false
	}
	w.far = far
	return true
}

// carry returns when both directions have ended.
func (w *wire) carry() {
	var back sync.WaitGroup
	back.Go(func() { w.copy(w.near, w.far) })
	w.copy(w.far, w.near)
	back.Wait()
	w.near.Close()
	w.far.Close()
}

func (w *wire) copy(to, from *net.TCPConn) {
	_, err := io.Copy(to, from)
	if err == nil {
		err = to.CloseWrite()
	}
	if err != nil {
		w.reset()
	}
}

// reset ends the wire with a TCP reset on both ends. It may be called more than once.
func (w *wire) reset() {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.cut {
		return
	}
	w.cut = true
	for _, conn := range []*net.TCPConn{w.near, w.far} {
		if conn != nil {
			_ = errors.Join(conn.SetLinger(0), conn.Close()) // it may be closed already
		}
	}
}
