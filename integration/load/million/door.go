//go:build linux

package main

import (
	"context"
	"fmt"
	"net"
	"sync"
)

// A door is the listener of a server that has clients of both kinds: those without a kernel, which enter, and real ones
// on a socket of the loopback interface.
type door struct {
	real   net.Listener
	calls  chan net.Conn
	closed chan struct{}
	once   sync.Once
	loop   sync.WaitGroup
}

// newDoor listens. Close releases it.
func newDoor(ctx context.Context) (*door, error) {
	ln, err := new(net.ListenConfig).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("door: %w", err)
	}
	d := &door{real: ln, calls: make(chan net.Conn), closed: make(chan struct{})}
	d.loop.Go(func() {
		for {
			nc, err := ln.Accept()
			if err != nil {
				return // it was closed
			}
			d.enter(context.Background(), nc)
		}
	})
	return d, nil
}

// enter hands nc to the server, and reports whether the server has taken it.
func (d *door) enter(ctx context.Context, nc net.Conn) bool {
	select {
	case d.calls <- nc:
		return true
	case <-d.closed:
	case <-ctx.Done():
	}
	return false
}

// Accept returns the next connection.
func (d *door) Accept() (net.Conn, error) {
	select {
	case nc := <-d.calls:
		return nc, nil
	case <-d.closed:
		return nil, net.ErrClosed
	}
}

// Addr returns the address of the socket.
func (d *door) Addr() net.Addr { return d.real.Addr() }

// Close ends Accept. It may be called several times.
func (d *door) Close() error {
	d.once.Do(func() { close(d.closed) })
	err := d.real.Close()
	d.loop.Wait()
	return err
}
