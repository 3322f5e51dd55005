package integration_test

import (
	"io"
	"net"
	"strings"
	"sync"
	"testing"
)

// cutter stands between a client and the server and cuts connections, as networks do.
type cutter struct {
	url string

	mu    sync.Mutex
	conns []net.Conn
}

func newCutter(t *testing.T, target string) *cutter {
	t.Helper()
	ln, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	c := &cutter{url: "http://" + ln.Addr().String()}
	var pipes sync.WaitGroup
	pipes.Go(func() {
		for {
			near, err := ln.Accept()
			if err != nil {
				return
			}
			far, err := net.Dial("tcp", strings.TrimPrefix(target, "http://"))
			if err != nil {
				near.Close()
				continue
			}
			c.mu.Lock()
			c.conns = append(c.conns, near, far)
			c.mu.Unlock()
			pipes.Go(func() { pipe(far, near) })
			pipes.Go(func() { pipe(near, far) })
		}
	})
	t.Cleanup(func() {
		ln.Close()
		c.cut()
		pipes.Wait()
	})
	return c
}

func pipe(to, from net.Conn) {
	_, _ = io.Copy(to, from)
	to.Close()
	from.Close()
}

// cut cuts all connections that there are.
func (c *cutter) cut() {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, conn := range c.conns {
		conn.Close()
	}
	c.conns = nil
}
