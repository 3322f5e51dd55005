package mercadopago_test

import (
	"net/http"
	"net/http/httptest"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/tillbell/tillbell/relay"
	"github.com/tillbell/tillbell/transport/callback"
	"github.com/tillbell/tillbell/transport/callback/callbacktest"
	"github.com/tillbell/tillbell/transport/callback/mercadopago"
)

var all = []relay.Status{relay.Pending, relay.Failed, relay.Closed, relay.Paid, relay.Refunded}

var full = callback.Notification{Payment: "order 1001/é", Amount: "129.50", Currency: "ARS", ID: "112233445566",
	TransactionID: "987654321", Time: time.Date(2026, 11, 22, 1, 59, 58, 0, time.UTC)}

func signer(t testing.TB, o mercadopago.Options) *mercadopago.Signer {
	t.Helper()
	s, err := mercadopago.NewSigner(o, "")
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// simulate starts a simulated API for o.
func simulate(t testing.TB, o *mercadopago.Options) {
	t.Helper()
	server := httptest.NewUnstartedServer(nil)
	base := "http://" + server.Listener.Addr().String()
	server.Config.Handler = http.StripPrefix("/simulator/mercadopago", o.Simulate(base+"/simulator/mercadopago"))
	server.Start()
	t.Cleanup(server.Close)
}

// roundTrip announces, posts and fetches n.
func roundTrip(t testing.TB, o mercadopago.Options, n callback.Notification) ([]callback.Event, error) {
	t.Helper()
	s, p := signer(t, o), provider(t, o)
	told, err := s.Announce(n, at)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := http.DefaultClient.Do(told)
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	if resp.StatusCode != http.StatusNoContent {
		t.Fatalf("announced %+v: %s", n, resp.Status)
	}
	r, err := s.Sign(n, at)
	if err != nil {
		t.Fatal(err)
	}
	called, err := p.Parse(r, at)
	if err != nil || len(called) != 1 || !called[0].Fetch || n.ID != "" && called[0].ID != n.ID {
		t.Fatalf("%s: Parse: %+v, %v", n.Status, called, err)
	}
	events, err := p.Fetch(t.Context(), called[0])
	for _, e := range events {
		if err := callbacktest.Wellformed(e); err != nil {
			t.Errorf("%s: %v", n.Status, err)
		}
	}
	return events, err
}

func TestSignerRoundTrips(t *testing.T) {
	for _, path := range []string{"", "metadata.cart"} {
		o := throwaway(t)
		o.Fields.Payment = path
		for _, status := range all {
			simulate(t, &o)
			n := full
			n.Status = status
			events, err := roundTrip(t, o, n)
			if err != nil || len(events) == 0 {
				t.Fatalf("%s: %+v, %v", status, events, err)
			}
			e := events[len(events)-1]
			if e.Payment != n.Payment || e.Status != status || e.Currency != n.Currency || e.TransactionID != n.TransactionID ||
				!e.Amount.Equal(n.Amount) || e.Time.IsZero() {
				t.Errorf("%s: %+v", status, e)
			}
			if refund := status == relay.Refunded; refund != (len(events) == 2) || refund && events[0].Status != relay.Paid {
				t.Errorf("%s: %+v, want a refund and what was paid before", status, events)
			}
			if _, err := roundTrip(t, o, callback.Notification{Status: status}); err != nil {
				t.Errorf("%s: %v", status, err)
			}
		}
	}
}

// Refunds of a part add up in what the API says.
func TestRefundsAddUp(t *testing.T) {
	o := throwaway(t)
	simulate(t, &o)
	n := callback.Notification{Payment: "o"}
	for _, c := range []struct {
		status relay.Status
		amount relay.Amount
		total  relay.Amount
		word   string
	}{{relay.Paid, "10", "", "approved"}, {relay.Refunded, "4", "4", "approved"}, {relay.Refunded, "6", "10", "refunded"}} {
		n.Status, n.Amount = c.status, c.amount
		events, err := roundTrip(t, o, n)
		if err != nil || !events[0].Amount.Equal("10") || events[0].ProviderStatus != c.word {
			t.Fatalf("%+v, %v", events, err)
		}
		if c.total != "" && (len(events) != 2 || !events[1].Amount.Equal(c.total)) {
			t.Errorf("%+v, want a total of %s", events, c.total)
		}
	}
}

func TestOtherSellersSigner(t *testing.T) {
	o := throwaway(t)
	simulate(t, &o)
	other := o
	other.CollectorID = callback.List{"77"}
	o.CollectorID = callback.List{"88"}
	s := signer(t, other)
	n := callback.Notification{Status: relay.Paid}
	told, err := s.Announce(n, at)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := http.DefaultClient.Do(told)
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	r, err := s.Sign(n, at)
	if err != nil {
		t.Fatal(err)
	}
	called, err := provider(t, o).Parse(r, at)
	if err != nil {
		t.Fatal(err)
	}
	if events, err := provider(t, o).Fetch(t.Context(), called[0]); err == nil || callbacktest.ReasonOf(t, err) != callback.WrongAccount {
		t.Errorf("%+v, %v; want wrong_account", events, err)
	}
}

func TestSignerNamesTheStatuses(t *testing.T) {
	s := signer(t, throwaway(t))
	for _, status := range []relay.Status{relay.RefundFailed, relay.Registered, "authorised", ""} {
		n := callback.Notification{Status: status}
		if _, err := s.Sign(n, at); err == nil || !strings.Contains(err.Error(), "paid, pending, failed, closed and refunded") {
			t.Errorf("%q: %v, want an error that names the statuses", status, err)
		}
	}
	if _, err := s.Sign(callback.Notification{Status: relay.Paid, TransactionID: "tr_1"}, at); err == nil {
		t.Error("signed for an id that is none")
	}
	if _, err := signer(t, mercadopago.Options{Secrets: []string{"a"}, CollectorID: callback.List{"me"}}).
		Sign(callback.Notification{Status: relay.Paid}, at); err == nil {
		t.Error("signed for a seller without a number")
	}
}

func TestSignerIsDeterministic(t *testing.T) {
	s := signer(t, throwaway(t))
	for _, id := range []string{"", full.ID} {
		n := full
		n.Status, n.ID = relay.Paid, id
		a, err1 := s.Sign(n, at)
		b, err2 := s.Sign(n, at)
		if err1 != nil || err2 != nil || !reflect.DeepEqual(a, b) {
			t.Errorf("%+v, then %+v (%v, %v)", a, b, err1, err2)
		}
	}
}

// What is no simulated API must not be told of payments that nobody made.
func TestOnlyASimulatorIsTold(t *testing.T) {
	for _, base := range []string{"", "https://api.mercadopago.com"} {
		o := throwaway(t)
		o.APIBase = base
		if r, err := signer(t, o).Announce(callback.Notification{Status: relay.Paid}, at); err == nil || !strings.Contains(err.Error(), "tillbell dev") {
			t.Errorf("%s: %v, %v; want an error", base, r, err)
		}
	}
}

func TestKeyReplacesTheSecrets(t *testing.T) {
	o, other := throwaway(t), throwaway(t)
	s, err := mercadopago.NewSigner(o, other.Secrets[0])
	if err != nil {
		t.Fatal(err)
	}
	r, err := s.Sign(callback.Notification{Status: relay.Paid}, at)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := provider(t, other).Parse(r, at); err != nil {
		t.Error(err)
	}
}

// The simulated API says what the real one would say.
func TestSimulator(t *testing.T) {
	o := throwaway(t)
	api := mercadopago.NewSimulator(o)
	expect := func(method, target, key, body string, status int, parts ...string) {
		t.Helper()
		r := httptest.NewRequest(method, target, strings.NewReader(body))
		r.Header.Set("Authorization", "Bearer "+key)
		w := httptest.NewRecorder()
		api.ServeHTTP(w, r)
		for _, part := range append(parts, "") {
			if w.Code != status || !strings.Contains(w.Body.String(), part) {
				t.Errorf("%s %s: %d %s\nwant %d %s", method, target, w.Code, w.Body, status, part)
			}
		}
	}
	said := `{"payment":"o","account":"5","status":"paid","amount":"10.00","currency":"BRL","time":"2026-11-22T01:59:58Z"}`
	expect("GET", "/v1/payments/7", o.APIKey, "", 404, `"error":"not_found"`, `"code":2000`)
	expect("GET", "/v1/payments/7", "other", "", 401, `"status":401`)
	expect("PUT", "/announcements/7", "other", said, 401)
	expect("PUT", "/announcements/07", o.APIKey, said, 400)
	expect("PUT", "/announcements/7", o.APIKey, said, 204)
	expect("GET", "/v1/payments/7", o.APIKey, "", 200, `"id":7,`, `"transaction_amount":10.00`, `"date_approved":"2026-11-21T21:59:58.000-04:00"`,
		`"external_reference":"o"`)
	api.Fail(1, 500, 0)
	expect("GET", "/v1/payments/7", o.APIKey, "", 500, `"error":"internal_error"`)
	expect("GET", "/v1/payments/7", o.APIKey, "", 200)
}
