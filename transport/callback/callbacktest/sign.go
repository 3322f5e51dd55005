package callbacktest

import (
	"bytes"
	"net/http"
	"testing"
	"time"

	"github.com/tillbell/tillbell/relay"
	"github.com/tillbell/tillbell/transport/callback"
)

// BitFlips checks that p accepts r at the time now and refuses it with any one bit of the body, or of one of the
// named headers, changed. Each header must be there once, with nothing in its value that the provider ignores.
func BitFlips(t *testing.T, p callback.Provider, r callback.Request, now time.Time, headers ...string) {
	t.Helper()
	if _, err := p.Parse(r, now); err != nil {
		t.Fatalf("unchanged: %v", err)
	}
	refused := func(what string, bit int, r callback.Request) {
		t.Helper()
		events, err := p.Parse(r, now)
		if err == nil {
			t.Errorf("%s: accepted with bit %d of byte %d changed: %+v", what, bit%8, bit/8, events)
		} else if _, ok := err.(*callback.Refusal); !ok {
			t.Errorf("%s: %T with bit %d of byte %d changed", what, err, bit%8, bit/8)
		}
	}
	body := bytes.Clone(r.Body)
	for bit := range len(body) * 8 {
		body[bit/8] ^= 1 << (bit % 8)
		refused("body", bit, callback.Request{Method: r.Method, URL: r.URL, Header: r.Header, Body: body})
		body[bit/8] ^= 1 << (bit % 8)
	}
	for _, name := range headers {
		value := []byte(r.Header.Get(name))
		if len(value) == 0 {
			t.Fatalf("no header %s", name)
		}
		for bit := range len(value) * 8 {
			value[bit/8] ^= 1 << (bit % 8)
			h := r.Header.Clone()
			h[http.CanonicalHeaderKey(name)] = []string{string(value)}
			refused(name, bit, callback.Request{Method: r.Method, URL: r.URL, Header: h, Body: body})
			value[bit/8] ^= 1 << (bit % 8)
		}
	}
}

// RoundTrips checks that p reads what s signs for each of the statuses: the same payment, status, amount, currency,
// ids and, if the provider tells it, time. Every other status must be an error. The notification is n but for its
// status; zero members may come back as anything.
func RoundTrips(t *testing.T, p callback.Provider, s callback.Signer, n callback.Notification, statuses ...relay.Status) {
	t.Helper()
	supported := make(map[relay.Status]bool)
	for _, status := range statuses {
		supported[status] = true
	}
	at := time.Date(2026, 11, 22, 8, 0, 0, 0, time.UTC)
	for _, status := range []relay.Status{relay.Pending, relay.Failed, relay.Closed, relay.Paid, relay.Refunded,
		relay.RefundFailed, relay.Registered, "nonsense"} {
		n.Status = status
		r, err := s.Sign(n, at)
		if !supported[status] {
			if err == nil {
				t.Errorf("%s: signed, want an error", status)
			}
			continue
		}
		if err != nil {
			t.Errorf("%s: Sign: %v", status, err)
			continue
		}
		if r.Method != http.MethodPost || r.URL == nil || r.URL.Host != "" {
			t.Errorf("%s: signed %s %v, want a POST without a host", status, r.Method, r.URL)
		}
		events, err := p.Parse(r, at)
		if err != nil || len(events) != 1 {
			t.Errorf("%s: Parse: %+v, %v; want one event", status, events, err)
			continue
		}
		if err := Wellformed(events[0]); err != nil {
			t.Errorf("%s: %v", status, err)
		}
		same(t, events[0], n)
	}
}

func same(t *testing.T, e callback.Event, n callback.Notification) {
	t.Helper()
	text := func(what, got, want string) {
		t.Helper()
		if want != "" && got != want {
			t.Errorf("%s: %s %q, want %q", n.Status, what, got, want)
		}
	}
	text("payment", e.Payment, n.Payment)
	text("status", string(e.Status), string(n.Status))
	text("currency", e.Currency, n.Currency)
	text("id", e.ID, n.ID)
	text("transaction", e.TransactionID, n.TransactionID)
	if n.Amount != "" && !e.Amount.Equal(n.Amount) {
		t.Errorf("%s: amount %q, want %q", n.Status, e.Amount, n.Amount)
	}
	if !n.Time.IsZero() && !e.Time.IsZero() && !e.Time.Equal(n.Time) {
		t.Errorf("%s: time %v, want %v", n.Status, e.Time, n.Time)
	}
}
