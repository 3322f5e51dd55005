package park_test

import (
	"cmp"
	"context"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/tillbell/tillbell/relay"
	"github.com/tillbell/tillbell/relay/engine/memory"
	"github.com/tillbell/tillbell/relay/wheel"
	"github.com/tillbell/tillbell/transport/park"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// patience is how long a test waits for what must happen.
const patience = 20 * time.Second

// yard is a park behind an HTTP server. GET /p awaits the payment p.
type yard struct {
	*park.Park
	codec *lines
	relay *relay.Relay
	conns chan *park.Conn // that were attached
	told  chan string     // ids of events, once the connection was told
	ends  chan error      // why waits ended, once the connection was told
	dial  func() (net.Conn, error)
	// before is called between taking a connection from net/http and attaching it, if it is not nil.
	before func()
}

// options of a yard.
type options struct {
	park   park.Options // without the codec
	reads  bool         // clients may have something to say
	narrow bool         // the kernel holds little for each connection
}

// newYard returns a yard whose connections are of the kind. When the test ends its relay drains, and the park must stop
// within the test's patience.
func newYard(t *testing.T, k kind, o options) *yard {
	t.Helper()
	engine, w := memory.New(memory.Options{}), wheel.New()
	y := &yard{
		codec: &lines{reads: o.reads}, relay: relay.New(engine, w, relay.Options{}),
		conns: make(chan *park.Conn, 10_000), told: make(chan string, 10_000), ends: make(chan error, 10_000),
	}
	o.park.Codec = y.codec
	o.park.Heartbeat = cmp.Or(o.park.Heartbeat, 1000*time.Hour) // or the first might come at any moment of a test
	y.Park = park.New(w, o.park)
	if err := y.relay.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	server := &httptest.Server{Config: &http.Server{Handler: y}}
	y.dial = k.listen(t, server, o.narrow)
	t.Cleanup(func() {
		y.relay.Drain()
		ctx, cancel := context.WithTimeout(context.Background(), patience)
		defer cancel()
		if err := y.Stop(ctx); err != nil {
			t.Errorf("stop: %v", err)
		}
		server.Close()
		if err := y.relay.Stop(ctx); err != nil {
			t.Error(err)
		}
		w.Stop()
		_ = engine.Close() // never fails
	})
	return y
}

// ServeHTTP begins a wait and parks its connection.
func (y *yard) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	c := y.Expect()
	sub, err := y.relay.Subscribe(r.Context(), request(strings.TrimPrefix(r.URL.Path, "/")), witness{c, y})
	if err != nil {
		c.Discard()
		w.WriteHeader(http.StatusServiceUnavailable)
		return
	}
	conn, err := park.Take(w)
	if err != nil {
		sub.Close(relay.ErrGone)
		c.Discard()
		return
	}
	if y.before != nil {
		y.before()
	}
	c.Attach(conn, sub, park.Head(http.StatusOK, http.Header{"Connection": {"close"}}))
	y.conns <- c
}

// witness is a connection whose yard learns what it is told.
type witness struct {
	*park.Conn
	yard *yard
}

func (w witness) Deliver(t *relay.Told) {
	w.Conn.Deliver(t)
	w.yard.told <- t.Event.ID
}

func (w witness) End(reason error) {
	w.Conn.End(reason)
	w.yard.ends <- reason
}

// publish stores an event of the payment.
func (y *yard) publish(t testing.TB, payment, id string, status relay.Status) {
	t.Helper()
	if err := y.store(payment, id, status); err != nil {
		t.Fatal(err)
	}
}

func (y *yard) store(payment, id string, status relay.Status) error {
	_, err := y.relay.Publish(context.Background(), relay.Event{
		ID: id, Source: "shop", Payment: payment, Status: status, Final: status == relay.Paid,
	})
	return err
}

// next returns what comes from the channel next.
func next[T any](t testing.TB, from <-chan T, what string) (v T) {
	t.Helper()
	late := time.NewTimer(patience)
	defer late.Stop()
	select {
	case v = <-from:
	case <-late.C:
		t.Fatalf("%s: not within %s", what, patience)
	}
	return v
}

// ended expects that the next wait to end does so with the reason.
func (y *yard) ended(t testing.TB, want error) {
	t.Helper()
	if got := next(t, y.ends, "the wait's end"); got != want {
		t.Errorf("the wait ends with %v, want %v", got, want)
	}
}
