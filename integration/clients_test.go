package integration_test

import (
	"net/http"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/tillbell/tillbell/relay"
)

// clients are the ways to wait that nobody here wrote.
func clients(b *browser) []client {
	return []client{
		{name: "curl", kind: stream, need: func(t *testing.T) { need(t, "curl") }, open: curl},
		{name: "chromium EventSource", kind: eventSource, need: b.need, open: b.eventSource},
		{name: "chromium WebSocket", kind: webSocket, need: b.need, open: b.webSocket, blind: true},
		{name: "npm eventsource", kind: eventSource, need: needNode, open: npmEventSource},
		{name: "npm ws", kind: webSocket, need: needNode, open: npmWebSocket},
		{name: "gorilla websocket", kind: webSocket, need: needNothing, open: gorillaWebSocket},
		{name: "go-sse", kind: eventSource, need: needNothing, open: goSSE},
	}
}

// page is the client of tests that are not about clients.
var page = client{name: "go-sse", kind: eventSource, need: needNothing, open: goSSE}

func needNothing(*testing.T) {}

// scene is what a scenario plays in: a payment that was registered as 129.00 CNY from erp, and a client.
type scene struct {
	server  *server
	client  client
	payment string
	ticket  string
	base    settings // for scenarios that start a server of their own
}

func (s scene) wait(t *testing.T) *wait {
	t.Helper()
	return s.client.wait(t, request{server: s.server.url, payment: s.payment, ticket: s.ticket})
}

func (s scene) tells(t *testing.T, status relay.Status, amount relay.Amount) {
	t.Helper()
	s.server.tells(t, s.payment, status, amount)
}

var scenarios = []struct {
	name string
	play func(*testing.T, scene)
}{
	{"early", early},
	{"late", late},
	{"duplicate", duplicate},
	{"refund after paid", refundAfterPaid},
	{"conflict", conflict},
	{"wrong amount", wrongAmount},
	{"wrong source", wrongSource},
	{"expiry", expiry},
	{"bad ticket", badTicket},
	{"reconnect with Last-Event-ID", reconnect},
	{"drain", drain},
}

// TestClients plays every scenario with every client. The clients of a scenario play at the same time.
func TestClients(t *testing.T) {
	b := newBrowser(t)
	base := defaults().with("cors", settings{"origins": []string{b.page.URL}})
	srv := start(t, base)
	for _, scenario := range scenarios {
		t.Run(scenario.name, func(t *testing.T) {
			var all sync.WaitGroup
			defer all.Wait()
			for _, c := range clients(b) {
				all.Go(func() {
					t.Run(c.name, func(t *testing.T) {
						c.need(t)
						// An id that has to be escaped everywhere on its way.
						payment := "订单/" + scenario.name + "?" + c.name
						scenario.play(t, scene{srv, c, payment, srv.register(t, payment), base})
					})
				})
			}
		})
	}
}

// early: the page waits, then the callback comes. When the browser's own EventSource comes back after that, it is told
// to stop.
func early(t *testing.T, s scene) {
	w := s.wait(t)
	w.wants(t, "opened", "state pending")
	s.tells(t, relay.Paid, "129.00")
	w.wants(t, "event paid 129.00")
	w.ends(t, "done")
}

// late: the callback was there before the page.
func late(t *testing.T, s scene) {
	s.tells(t, relay.Paid, "129.00")
	w := s.wait(t)
	w.wants(t, "opened", "state paid", "event paid 129.00", "end done")
}

// duplicate: the provider repeats each callback. Each is acknowledged, and told once.
func duplicate(t *testing.T, s scene) {
	w := s.wait(t)
	w.wants(t, "opened", "state pending")
	for _, status := range []relay.Status{relay.Pending, relay.Paid} {
		n := notice(s.payment, status, "129.00")
		n.ID = "msg_" + string(status)
		r, err := erp(t, erpSecret).Sign(n, time.Now())
		if err != nil {
			t.Fatal(err)
		}
		s.server.delivers(t, "erp", r, http.StatusOK)
		s.server.delivers(t, "erp", r, http.StatusOK)
	}
	w.wants(t, "event pending 129.00", "event paid 129.00", "end done")
	if n := len(s.server.snapshot(t, s.payment).Events); n != 2 {
		t.Errorf("%d events are stored, want 2", n)
	}
}

// refundAfterPaid: who waited is told that it was paid; who asks after the refund is told both.
func refundAfterPaid(t *testing.T, s scene) {
	w := s.wait(t)
	w.wants(t, "opened", "state pending")
	s.tells(t, relay.Paid, "129.00")
	w.wants(t, "event paid 129.00", "end done")
	s.tells(t, relay.Refunded, "29.00")
	again := s.wait(t)
	again.wants(t, "opened", "state refunded", "event paid 129.00", "event refunded 29.00", "end done")
	if snap := s.server.snapshot(t, s.payment); snap.Amount != "129.00" || snap.Refunded != "29.00" {
		t.Errorf("the snapshot says %+v, want 129.00 of which 29.00 are refunded", snap)
	}
}

// conflict: a payment that was closed for good is paid all the same. The outcome stays, and is marked.
func conflict(t *testing.T, s scene) {
	w := s.wait(t)
	w.wants(t, "opened", "state pending")
	s.tells(t, relay.Closed, "129.00")
	w.wants(t, "event closed 129.00", "end done")
	s.tells(t, relay.Paid, "129.00")
	again := s.wait(t)
	again.wants(t, "opened", "state closed conflict", "event closed 129.00", "end done")
}

// wrongAmount: a genuine callback about another amount completes nothing. The wait goes on until the right one comes.
func wrongAmount(t *testing.T, s scene) {
	w := s.wait(t)
	w.wants(t, "opened", "state pending")
	s.tells(t, relay.Paid, "0.01")
	w.wants(t, "state pending conflict")
	s.tells(t, relay.Paid, "129.00")
	w.wants(t, "event paid 129.00", "end done")
}

// wrongSource: nor does one from another source than registered, although it verifies.
func wrongSource(t *testing.T, s scene) {
	w := s.wait(t)
	w.wants(t, "opened", "state pending")
	s.server.posts(t, "card", card(t), notice(s.payment, relay.Paid, "129.00"), http.StatusOK)
	w.wants(t, "state pending conflict")
	s.tells(t, relay.Paid, "129.00")
	w.wants(t, "event paid 129.00", "end done")
}

// expiry: the wait ends by itself, and a browser does not come back.
func expiry(t *testing.T, s scene) {
	w := s.client.wait(t, request{server: s.server.url, payment: s.payment, ticket: s.ticket, ttl: "700ms"})
	w.wants(t, "opened", "state pending")
	w.ends(t, "expired")
}

// badTicket: no ticket that is forged, expired or another payment's opens a wait, and none is tried again.
func badTicket(t *testing.T, s scene) {
	now := time.Now()
	for name, ticket := range map[string]string{
		"forged":          s.server.sign(t, strings.Repeat("another secret ", 3), s.payment, now.Add(time.Hour), now),
		"expired":         s.server.sign(t, ticketSecret, s.payment, now.Add(-time.Minute), now.Add(-time.Hour)),
		"for another one": s.server.mint(t, s.payment+"0", time.Hour),
		"garbage":         "x",
	} {
		w := s.client.wait(t, request{server: s.server.url, payment: s.payment, ticket: ticket})
		t.Log(name)
		w.refused(t, http.StatusUnauthorized)
	}
}

// reconnect: the network cuts the connection. The client is back with the id of the last event it had, and is not told
// that event again.
func reconnect(t *testing.T, s scene) {
	network := newCutter(t, s.server.url)
	w := s.client.wait(t, request{server: network.url, payment: s.payment, ticket: s.ticket})
	w.wants(t, "opened", "state pending")
	s.tells(t, relay.Pending, "129.00")
	w.wants(t, "event pending 129.00")
	network.cut()
	w = w.returns(t, "1006")
	w.wants(t, "state pending")
	s.tells(t, relay.Paid, "129.00")
	w.wants(t, "event paid 129.00")
	w.ends(t, "done")
}

// drain: a deploy. The server tells everyone to come back, with jitter, and the next process on the same address tells
// those who do. A browser needs nobody's help for that.
func drain(t *testing.T, s scene) {
	fixed := s.base.with("listen", freeAddress(t))
	s.server = start(t, fixed)
	w := s.wait(t)
	w.wants(t, "opened", "state pending")
	s.server.signal(t, syscall.SIGTERM)
	w.wants(t, "end closing")
	if away := w.last.retry; s.client.kind == stream && (away < 500 || away > 5000) {
		t.Errorf("the client is told to come back after %d ms, want 500 to 5000", away)
	}
	s.server.awaitExit(t)

	s.server = start(t, fixed)
	w = w.returns(t, "1001")
	w.wants(t, "state pending")
	s.tells(t, relay.Paid, "129.00")
	w.wants(t, "event paid 129.00")
	w.ends(t, "done")
}
