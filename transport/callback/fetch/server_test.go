package fetch_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"sync"
	"testing"

	"github.com/tillbell/tillbell/transport/callback/fetch"
)

const key = "live_topsecret"

// wires is a listener whose connections are pipes, so that a server and its client live in a bubble of synctest.
type wires struct {
	incoming chan net.Conn
	closed   chan struct{}
	once     sync.Once
}

func (w *wires) Accept() (net.Conn, error) {
	select {
	case c := <-w.incoming:
		return c, nil
	case <-w.closed:
		return nil, net.ErrClosed
	}
}

func (w *wires) Close() error {
	w.once.Do(func() { close(w.closed) })
	return nil
}

func (w *wires) Addr() net.Addr { return &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 80} }

func (w *wires) dial(ctx context.Context, _, _ string) (net.Conn, error) {
	ours, theirs := net.Pipe()
	select {
	case w.incoming <- theirs:
		return ours, nil
	case <-w.closed:
		return nil, errors.New("connection refused")
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// client returns a Client of an API that h answers for. It is to be called in a bubble.
func client(t *testing.T, h http.HandlerFunc) *fetch.Client {
	t.Helper()
	w := &wires{incoming: make(chan net.Conn), closed: make(chan struct{})}
	server := &http.Server{Handler: h, ErrorLog: log.New(io.Discard, "", 0)}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		_ = server.Serve(w)
	}()
	c, err := fetch.New("http://localhost/base/", key)
	if err != nil {
		t.Fatal(err)
	}
	c.DialWith(w.dial)
	t.Cleanup(func() {
		c.CloseIdle()
		_ = server.Close()
		<-ended
	})
	return c
}

// answers is a handler that gives each request the next answer, and the last one to all that follow.
type answers struct {
	mu   sync.Mutex
	next []http.HandlerFunc
	n    int
}

func (a *answers) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	a.mu.Lock()
	h := a.next[min(a.n, len(a.next)-1)]
	a.n++
	a.mu.Unlock()
	h(w, r)
}

func (a *answers) count() int {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.n
}

func says(status int, header ...string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/hal+json")
		for i := 0; i+1 < len(header); i += 2 {
			w.Header().Set(header[i], header[i+1])
		}
		w.WriteHeader(status)
		fmt.Fprintf(w, `{"status":%d}`, status)
	}
}

// cut ends the connection without an answer.
func cut(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }
