package front

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sys/unix"

	"github.com/tillbell/tillbell/relay/wheel"
	"github.com/tillbell/tillbell/transport/epoll"
)

// Options of a Front. All must be set.
type Options struct {
	// Handler answers. It must not keep the request's header and body, or the ResponseWriter, beyond its call: the next
	// request has the same room. The request's context is never done, so a client that leaves is noticed when it is
	// answered. What is set in the answer's header counts until the call returns.
	Handler http.Handler
	// Takes reports whether requests with the method and path, without query, are answered here. Their answers must be
	// short, or take the connection over.
	Takes func(method, path string) bool
	// RequestTime is how long a client may take to send its first request, IdleTime its next one.
	RequestTime, IdleTime time.Duration
	Log                   *slog.Logger
}

// Front accepts connections. Its methods may be called at the same time.
type Front struct {
	opts      Options
	listener  net.Listener
	acceptor  *acceptor
	poller    *epoll.Poller
	wheel     *wheel.Wheel
	start     time.Time
	rest      *rest
	workers   workers
	exchanges sync.Pool
	closing   atomic.Bool

	mu      sync.Mutex
	clients *client       // one of a ring
	left    chan struct{} // closed when there is no client, once Shutdown waits for that
}

// New returns a Front that accepts from ln, a *net.TCPListener, from now on. Shutdown and then Close release it.
func New(ln net.Listener, o Options) (*Front, error) {
	tcp, ok := ln.(*net.TCPListener)
	if !ok {
		return nil, fmt.Errorf("front: a %T cannot be watched", ln)
	}
	fd, err := epoll.Duplicate(tcp)
	if err != nil {
		return nil, fmt.Errorf("front: %w", err)
	}
	poller, err := epoll.New()
	if err != nil {
		_ = unix.Close(fd) // of no use
		return nil, fmt.Errorf("front: %w", err)
	}
	f := &Front{
		opts: o, listener: ln, poller: poller, wheel: wheel.New(), start: time.Now(),
		rest: newRest(ln.Addr()),
	}
	f.workers.front = f
	f.acceptor = &acceptor{front: f}
	if err := f.acceptor.start(fd); err != nil {
		_ = unix.Close(fd)
		f.Close()
		return nil, fmt.Errorf("front: %w", err)
	}
	return f, nil
}

// Rest returns the listener of what is left to net/http.
func (f *Front) Rest() net.Listener { return f.rest }

// Shutdown stops accepting, closes connections without a request, and waits for those with one. When ctx is done it cuts
// them and returns ctx's error; handlers that are under way then are not waited for, and their descriptors are closed when
// they return. Connections that were taken over are not its concern.
func (f *Front) Shutdown(ctx context.Context) error {
	f.closing.Store(true)
	f.acceptor.stop()
	_ = f.listener.Close() // its owner may have closed it
	for _, c := range f.all() {
		c.idle()
	}
	left := make(chan struct{})
	f.mu.Lock()
	if f.clients == nil {
		close(left)
	} else {
		f.left = left
	}
	f.mu.Unlock()
	select {
	case <-left:
		f.workers.stop()
		f.workers.running.Wait() // not for long: nobody is served
		return nil
	case <-ctx.Done():
	}
	f.workers.stop()
	all := f.all()
	for _, c := range all {
		c.cut()
	}
	return fmt.Errorf("front: stop: %d connections cut: %w", len(all), ctx.Err())
}

// Close releases what Shutdown leaves: descriptors that were taken over are watched until then.
func (f *Front) Close() {
	f.wheel.Stop()
	f.poller.Close()
	_ = f.rest.Close() // never fails
}

func (f *Front) now() time.Duration { return time.Since(f.start) }

func (f *Front) exchange() *exchange {
	if x, ok := f.exchanges.Get().(*exchange); ok {
		return x
	}
	return new(exchange)
}

func (f *Front) giveBack(x *exchange) {
	if x.end() {
		f.exchanges.Put(x)
	}
}

func (f *Front) add(c *client) {
	f.mu.Lock()
	defer f.mu.Unlock()
	c.next, c.prev = c, c
	if f.clients != nil {
		c.next, c.prev = f.clients, f.clients.prev
		c.prev.next, c.next.prev = c, c
	}
	f.clients = c
}

func (f *Front) remove(c *client) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.clients == c {
		f.clients = c.next
	}
	if f.clients == c {
		f.clients = nil
	}
	c.prev.next, c.next.prev = c.next, c.prev
	if f.clients == nil && f.left != nil {
		close(f.left)
		f.left = nil
	}
}

func (f *Front) all() []*client {
	f.mu.Lock()
	defer f.mu.Unlock()
	var all []*client
	for c := f.clients; c != nil; {
		all = append(all, c)
		if c = c.next; c == f.clients {
			break
		}
	}
	return all
}

// handle runs the handler, and reports whether there is an answer.
func (f *Front) handle(x *exchange) (ok bool) {
	defer func() {
		if v := recover(); v != nil {
			if err, is := v.(error); !is || !errors.Is(err, http.ErrAbortHandler) {
				f.opts.Log.Error("panic", "reason", fmt.Sprint(v))
			}
			ok = false
		}
	}()
	f.opts.Handler.ServeHTTP(x, x.r)
	return true
}
