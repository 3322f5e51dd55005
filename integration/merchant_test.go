package integration_test

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/tillbell/tillbell/relay"
	"github.com/tillbell/tillbell/transport/callback"
	"github.com/tillbell/tillbell/transport/callback/standard"
	"github.com/tillbell/tillbell/transport/callback/stripe"
	"github.com/tillbell/tillbell/transport/ticket"
)

// web is the HTTP client of providers and of the merchant. It keeps no connection: a server that is replaced by another
// one on the same address must not be met through an old one.
var web = &http.Client{Timeout: patience, Transport: &http.Transport{DisableKeepAlives: true}}

// paymentURL returns the address of a payment, with what follows it.
func paymentURL(base, payment, rest string) string {
	return base + "/v1/payments/" + url.PathEscape(payment) + rest
}

// call makes a merchant's request and returns the status and the body.
func (s *server) call(t *testing.T, method, target, body string) (int, []byte) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, target, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+apiKey)
	return do(t, req)
}

func do(t *testing.T, req *http.Request) (int, []byte) {
	t.Helper()
	resp, err := web.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	answer, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatalf("%s %s: %v", req.Method, req.URL.Path, err)
	}
	return resp.StatusCode, answer
}

// register registers the payment as 129.00 CNY from erp, and returns the ticket that the answer holds.
func (s *server) register(t *testing.T, payment string) string {
	t.Helper()
	status, body := s.call(t, http.MethodPut, paymentURL(s.url, payment, ""),
		`{"source":"erp","amount":"129.00","currency":"CNY","expires_in":"15m"}`)
	if status != http.StatusCreated {
		t.Fatalf("PUT %s: %d %s, want 201", payment, status, body)
	}
	var answer struct{ Ticket string }
	if err := json.Unmarshal(body, &answer); err != nil || answer.Ticket == "" {
		t.Fatalf("PUT %s: no ticket in %s", payment, body)
	}
	s.secret(answer.Ticket)
	return answer.Ticket
}

// snapshot is what the merchant sees of a payment.
type snapshot struct {
	Status    string
	Final     bool
	Conflict  bool
	Amount    string
	Refunded  string
	Events    []json.RawMessage
	Conflicts []json.RawMessage
}

func (s *server) snapshot(t *testing.T, payment string) snapshot {
	t.Helper()
	status, body := s.call(t, http.MethodGet, paymentURL(s.url, payment, ""), "")
	var snap snapshot
	if err := json.Unmarshal(body, &snap); status != http.StatusOK || err != nil {
		t.Fatalf("GET %s: %d %s", payment, status, body)
	}
	return snap
}

// secret adds to what the log must not hold. A signature alone would do to forge a ticket, so it is looked for alone.
func (s *server) secret(ticket string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.tickets = append(s.tickets, ticket)
	if parts := strings.Split(ticket, "."); len(parts) == 3 {
		s.tickets = append(s.tickets, parts[2])
	}
}

// mint signs a ticket as a merchant's backend would, which ends after life.
func (s *server) mint(t *testing.T, payment string, life time.Duration) string {
	t.Helper()
	now := time.Now()
	return s.sign(t, ticketSecret, payment, now.Add(life), now)
}

// sign signs a ticket with any secret, for any time.
func (s *server) sign(t *testing.T, secret, payment string, expires, now time.Time) string {
	t.Helper()
	keys, err := ticket.New(ticket.Options{Secret: secret})
	if err != nil {
		t.Fatal(err)
	}
	text, err := keys.Mint(payment, expires, now)
	if err != nil {
		t.Fatal(err)
	}
	s.secret(text)
	return text
}

// erp and card sign as the providers of the two sources do.
func erp(t *testing.T, secret string) callback.Signer {
	t.Helper()
	signer, err := standard.NewSigner(standard.Options{}, secret)
	if err != nil {
		t.Fatal(err)
	}
	return signer
}

func card(t *testing.T) callback.Signer {
	t.Helper()
	signer, err := stripe.NewSigner(stripe.Options{}, cardSecret)
	if err != nil {
		t.Fatal(err)
	}
	return signer
}

// notice returns what a provider says of a payment, with an amount in CNY.
func notice(payment string, status relay.Status, amount relay.Amount) callback.Notification {
	return callback.Notification{Payment: payment, Status: status, Amount: amount, Currency: "CNY"}
}

// tells posts a callback from erp, which must be acknowledged.
func (s *server) tells(t *testing.T, payment string, status relay.Status, amount relay.Amount) {
	t.Helper()
	s.posts(t, "erp", erp(t, erpSecret), notice(payment, status, amount), http.StatusOK)
}

// posts signs and posts a callback, which must be answered with the status.
func (s *server) posts(t *testing.T, source string, signer callback.Signer, n callback.Notification, want int) {
	t.Helper()
	r, err := signer.Sign(n, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	s.delivers(t, source, r, want)
}

// delivers posts a callback as it is.
func (s *server) delivers(t *testing.T, source string, r callback.Request, want int) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), r.Method, s.url+"/v1/callbacks/"+source, bytes.NewReader(r.Body))
	if err != nil {
		t.Fatal(err)
	}
	req.Header = r.Header.Clone()
	if status, body := do(t, req); status != want {
		t.Fatalf("the callback to %s is answered %d %s, want %d", source, status, body, want)
	}
}
