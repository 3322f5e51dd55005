package client_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/tillbell/tillbell/relay"
	"github.com/tillbell/tillbell/relay/engine/memory"
	"github.com/tillbell/tillbell/relay/wheel"
	"github.com/tillbell/tillbell/transport"
	"github.com/tillbell/tillbell/transport/client"
	"github.com/tillbell/tillbell/transport/metrics"
	"github.com/tillbell/tillbell/transport/poll"
	"github.com/tillbell/tillbell/transport/sse"
	"github.com/tillbell/tillbell/transport/ticket"
	"github.com/tillbell/tillbell/transport/ws"
)

const payment = "order/1001 ü"

// servers counts them.
var servers atomic.Int64

// server is the real one over an in-memory network, so that it runs inside a synctest bubble.
type server struct {
	t       *testing.T
	relay   *relay.Relay
	tickets *ticket.Keys
	client  *http.Client
	network atomic.Pointer[network] // what client dials
	url     string                  // no other server has it: what worked is remembered by it

	mu   sync.Mutex
	seen []*http.Request
	old  int // how many of seen were returned by requests
}

// newServer starts a server. Between it and its clients stands between, which may be nil.
func newServer(t *testing.T, o relay.Options, between func(http.Handler) http.Handler) *server {
	t.Helper()
	log := slog.New(slog.DiscardHandler)
	o.Log = log
	engine, w := memory.New(memory.Options{}), wheel.New()
	r := relay.New(engine, w, o)
	if err := r.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	keys, err := ticket.New(ticket.Options{Secret: "0123456789abcdef0123456789abcdef"})
	if err != nil {
		t.Fatal(err)
	}
	sockets := ws.New(w, ws.Options{})
	s := &server{t: t, relay: r, tickets: keys, url: fmt.Sprintf("http://till-%d.example", servers.Add(1))}
	handler := transport.New(transport.Options{
		Relay: r, Access: transport.NewAccess(nil, keys, nil, ""),
		Transports: []transport.Transport{sse.New(w, sse.Options{}), sockets, poll.New(poll.Options{})},
		TicketTTL:  15 * time.Minute, MaxTTL: 24 * time.Hour,
		Callbacks: http.NotFoundHandler(), Metrics: metrics.New(), Log: log,
	}).Handler()
	if between != nil {
		handler = between(handler)
	}
	here := &network{conns: make(chan net.Conn), closed: make(chan struct{})}
	s.network.Store(here)
	web := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.mu.Lock()
		s.seen = append(s.seen, r)
		s.mu.Unlock()
		handler.ServeHTTP(w, r)
	})}
	done := make(chan struct{})
	go func() {
		defer close(done)
		_ = web.Serve(here)
	}()
	round := &http.Transport{
		DisableKeepAlives: true,
		DialContext:       func(ctx context.Context, _, _ string) (net.Conn, error) { return s.network.Load().dial(ctx) },
	}
	s.client = &http.Client{Transport: round, Timeout: time.Nanosecond} // which Await must not use
	t.Cleanup(func() {
		_ = web.Close()
		<-done
		ctx := context.Background()
		r.Drain()
		if err := errors.Join(sockets.Stop(ctx), r.Stop(ctx)); err != nil {
			t.Error(err)
		}
		w.Stop()
		_ = engine.Close()
	})
	return s
}

// options returns what suffices to await payment.
func (s *server) options() client.Options {
	s.t.Helper()
	token, err := s.tickets.Mint(payment, time.Now().Add(15*time.Minute), time.Now())
	if err != nil {
		s.t.Fatal(err)
	}
	return client.Options{URL: s.url, Payment: payment, Ticket: token, HTTP: s.client}
}

// publish stores an event of the status, which is its id too.
func (s *server) publish(status relay.Status) relay.Receipt {
	s.t.Helper()
	receipt, err := s.relay.Publish(context.Background(), relay.Event{
		ID: "shop:" + string(status), Source: "shop", Payment: payment, Status: status, Final: status == relay.Closed,
		Amount: "129.00", Currency: "CNY", Time: time.Now(),
	})
	if err != nil {
		s.t.Fatal(err)
	}
	return receipt
}

// requests returns the requests since it was called last.
func (s *server) requests() []*http.Request {
	s.mu.Lock()
	defer s.mu.Unlock()
	seen := s.seen[s.old:]
	s.old = len(s.seen)
	return seen
}

// all returns the requests so far.
func (s *server) all() []*http.Request {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.seen)
}

// network is a net.Listener and its dialer.
type network struct {
	conns  chan net.Conn
	once   sync.Once
	closed chan struct{}

	mu   sync.Mutex
	open []net.Conn
}

// cut breaks every connection.
func (n *network) cut() {
	n.mu.Lock()
	defer n.mu.Unlock()
	for _, c := range n.open {
		_ = c.Close()
	}
	n.open = nil
}

func (n *network) dial(ctx context.Context) (net.Conn, error) {
	near, far := net.Pipe()
	select {
	case n.conns <- far:
		n.mu.Lock()
		n.open = append(n.open, far)
		n.mu.Unlock()
		return near, nil
	case <-n.closed:
		return nil, io.ErrClosedPipe
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

func (n *network) Accept() (net.Conn, error) {
	select {
	case c := <-n.conns:
		return c, nil
	case <-n.closed:
		return nil, net.ErrClosed
	}
}

func (n *network) Close() error {
	n.once.Do(func() { close(n.closed) })
	return nil
}

func (n *network) Addr() net.Addr { return &net.UnixAddr{Name: "memory", Net: "unix"} }
