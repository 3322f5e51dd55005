package generator

import (
	"context"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/tillbell/tillbell/integration/chaos/history"
	"github.com/tillbell/tillbell/integration/chaos/script"
	"github.com/tillbell/tillbell/relay"
	"github.com/tillbell/tillbell/transport/callback"
	"github.com/tillbell/tillbell/transport/callback/standard"
	"github.com/tillbell/tillbell/transport/callback/stripe"
	"github.com/tillbell/tillbell/transport/ticket"
)

// options returns what a generator needs to meet the nodes.
func options(t *testing.T, addresses ...string) Options {
	t.Helper()
	book, err := script.NewBook("abc123", 7, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	tickets, err := ticket.New(ticket.Options{Secret: strings.Repeat("s", 32)})
	if err != nil {
		t.Fatal(err)
	}
	erp, _, _ := standard.Throwaway()
	card, _, _ := stripe.Throwaway()
	one, err := standard.NewSigner(erp, "")
	if err != nil {
		t.Fatal(err)
	}
	two, err := stripe.NewSigner(card, "")
	if err != nil {
		t.Fatal(err)
	}
	return Options{Addresses: addresses, Book: book, Tickets: tickets, APIKey: "key", Start: time.Now(),
		Signers: map[string]callback.Signer{script.ERP: one, script.Card: two},
		Faults:  func(from, _ time.Duration) time.Duration { return from }}
}

// address returns where the test's server listens.
func address(s *httptest.Server) string { return strings.TrimPrefix(s.URL, "http://") }

// TestInsist posts until the second node acknowledges: the first is gone, and the second refuses twice.
func TestInsist(t *testing.T) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	gone := ln.Addr().String()
	ln.Close()
	var asked atomic.Int32
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if asked.Add(1) <= 2 {
			w.WriteHeader(http.StatusServiceUnavailable)
		}
	}))
	defer s.Close()
	var found history.Findings
	g := New(options(t, gone, address(s)), &found)
	p := g.book.Payment(0)
	posts := g.insist(t.Context(), &p, 0)
	last := posts[len(posts)-1]
	if asked.Load() != 3 || !last.Acked || last.Node != 1 || slices.ContainsFunc(posts[:len(posts)-1], func(a history.Post) bool { return a.Acked }) {
		t.Errorf("%d requests, attempts %+v", asked.Load(), posts)
	}
	if f := g.Figures(); f.Acked != 1 || f.Attempts != len(posts) || found.Broken() {
		t.Errorf("%+v, %v", f, found.First())
	}
}

// TestRefused says that a genuine callback was refused, and gives up when the run is over.
func TestRefused(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.WriteHeader(http.StatusUnauthorized)
		cancel()
	}))
	defer s.Close()
	var found history.Findings
	g := New(options(t, address(s)), &found)
	p := g.book.Payment(0)
	if posts := g.insist(ctx, &p, 0); len(posts) == 0 || posts[0].Acked {
		t.Errorf("%+v", posts)
	}
	if found.Count(history.Refused) == 0 || g.Figures().Acked != 0 {
		t.Errorf("%v", found.First())
	}
}

// TestDoor keeps connections, and gets over one that the server closed.
func TestDoor(t *testing.T) {
	var connections atomic.Int32
	s := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Write([]byte("one "))
		w.(http.Flusher).Flush() // the body comes in chunks
		w.Write([]byte(strings.Repeat("two", 5000)))
	}))
	s.Config.ConnState = func(_ net.Conn, state http.ConnState) {
		if state == http.StateNew {
			connections.Add(1)
		}
	}
	s.Start()
	defer s.Close()
	d := &door{address: address(s)}
	defer d.close()
	ask := func() error {
		status, body, err := d.do(t.Context(), render(http.MethodGet, "/", d.address, nil, nil), answerTime)
		if err == nil && (status != http.StatusOK || string(body) != "one "+strings.Repeat("two", 5000)) {
			t.Errorf("status %d, %d bytes", status, len(body))
		}
		return err
	}
	for range 3 {
		if err := ask(); err != nil {
			t.Fatal(err)
		}
	}
	if n := connections.Load(); n != 1 {
		t.Errorf("%d connections for three requests", n)
	}
	s.CloseClientConnections()
	if err := ask(); err == nil || d.well() {
		t.Errorf("a closed connection: error %v, well %v", err, d.well())
	}
	if err := ask(); err != nil {
		t.Error(err)
	}
}

func TestOutage(t *testing.T) {
	const s = time.Second
	var o outage
	o.begin(10 * s)
	o.begin(11 * s)
	o.acknowledged(13 * s)
	if got := o.read(18 * s); got != 5*s {
		t.Errorf("%v with one callback open since the last acknowledgement, want 5s", got)
	}
	o.acknowledged(14 * s)
	if got := o.read(100 * s); got != 3*s {
		t.Errorf("%v, want 3s: nobody waited after that", got)
	}
	o.begin(200 * s)
	o.giveUp()
	if got := o.read(300 * s); got != 3*s {
		t.Errorf("%v after one that was given up, want 3s", got)
	}
}

func TestPace(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := pace{rate: 10}
		stop := make(chan struct{})
		began := time.Now()
		for range 10 {
			if !p.wait(t.Context(), 2, stop) {
				t.Fatal("stopped")
			}
		}
		if d := time.Since(began); d != 1800*time.Millisecond {
			t.Errorf("20 callbacks in %v, want 1.8s at 10 a second", d)
		}
		close(stop)
		p.wait(t.Context(), 1000, stop)
		if p.wait(t.Context(), 1, stop) {
			t.Error("goes on after the stop")
		}
	})
}

func TestRounds(t *testing.T) {
	p := script.Payment{Events: []script.Event{{Round: 0}, {Round: 0}, {Round: 2, Status: relay.Paid}}}
	got := rounds(&p)
	if len(got) != 2 || !slices.Equal(got[0], []int{0, 1}) || !slices.Equal(got[1], []int{2}) {
		t.Errorf("%v", got)
	}
}
