package park_test

import (
	"bufio"
	"context"
	"errors"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/tillbell/tillbell/relay"
	"github.com/tillbell/tillbell/relay/engine/memory"
	"github.com/tillbell/tillbell/relay/wheel"
	"github.com/tillbell/tillbell/transport/park"
)

// tap is a park.Socket that ends in memory: it notes what is written and when, and takes everything.
type tap struct {
	net.Conn // nil: the park needs no more than what is below
	began    time.Time
	stuck    chan struct{} // Write waits until it is closed, if it is not nil

	mu     sync.Mutex
	lines  []line
	shut   bool
	closed bool
	w      park.Watcher
}

// line is one that was written.
type line struct {
	text string
	at   time.Duration // since the tap began
}

func newTap() *tap { return &tap{began: time.Now()} }

func (s *tap) Park(w park.Watcher) { s.w = w }

func (s *tap) Write(b []byte) (int, error) {
	if s.stuck != nil {
		<-s.stuck
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.shut || s.closed {
		return 0, errors.New("closed")
	}
	for text := range strings.Lines(string(b)) {
		s.lines = append(s.lines, line{strings.TrimSuffix(text, "\n"), time.Since(s.began)})
	}
	return len(b), nil
}

func (s *tap) CloseWrite() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.shut = true
	return nil
}

func (s *tap) Close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.closed = true
	return nil
}

// heard returns the lines so far.
func (s *tap) heard() []line {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.lines[:len(s.lines):len(s.lines)]
}

func (s *tap) text() string {
	var all []string
	for _, l := range s.heard() {
		all = append(all, l.text)
	}
	return strings.Join(all, ", ")
}

// silences calls f for each pause between two lines, and with when it ended.
func (s *tap) silences(f func(pause, at time.Duration)) {
	var last time.Duration
	for _, l := range s.heard() {
		f(l.at-last, l.at)
		last = l.at
	}
}

// hall is a park whose clients are taps.
type hall struct {
	*park.Park
	codec *lines
	relay *relay.Relay
	wheel *wheel.Wheel
}

func newHall(t *testing.T, o park.Options) *hall {
	t.Helper()
	engine, w := memory.New(memory.Options{}), wheel.New()
	h := &hall{codec: &lines{}, wheel: w, relay: relay.New(engine, w, relay.Options{})}
	o.Codec = h.codec
	h.Park = park.New(w, o)
	if err := h.relay.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := h.relay.Stop(context.Background()); err != nil {
			t.Error(err)
		}
		if err := h.Stop(context.Background()); err != nil {
			t.Error(err)
		}
		w.Stop()
		_ = engine.Close() // never fails
	})
	return h
}

// attach has s await the payment.
func (h *hall) attach(t *testing.T, payment string, s *tap) {
	t.Helper()
	c := h.Expect()
	sub, err := h.relay.Subscribe(t.Context(), request(payment), c)
	if err != nil {
		t.Fatal(err)
	}
	conn, err := park.Take(taker{s})
	if err != nil {
		t.Fatal(err)
	}
	c.Attach(conn, sub, nil)
}

// taker is an http.ResponseWriter whose connection is a tap.
type taker struct{ *tap }

func (t taker) Header() http.Header { return nil }
func (t taker) WriteHeader(int)     {}
func (t taker) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	return t.tap, bufio.NewReadWriter(bufio.NewReader(strings.NewReader("")), nil), nil
}

// crowd attaches so many to the payment.
func (h *hall) crowd(t *testing.T, payment string, n int) []*tap {
	t.Helper()
	taps := make([]*tap, n)
	for i := range taps {
		taps[i] = newTap()
		h.attach(t, payment, taps[i])
	}
	return taps
}

func (h *hall) publish(t *testing.T, payment, id string, status relay.Status) {
	t.Helper()
	e := relay.Event{ID: id, Source: "shop", Payment: payment, Status: status, Final: status == relay.Paid}
	if _, err := h.relay.Publish(t.Context(), e); err != nil {
		t.Fatal(err)
	}
}
