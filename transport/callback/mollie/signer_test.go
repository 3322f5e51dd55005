package mollie_test

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
	"github.com/tillbell/tillbell/transport/callback/mollie"
)

var all = []relay.Status{relay.Pending, relay.Failed, relay.Closed, relay.Paid, relay.Refunded, relay.RefundFailed}

var full = callback.Notification{Payment: "order 1001/é", Amount: "129.50", Currency: "EUR", ID: "event_full",
	TransactionID: "tr_full", Time: time.Date(2026, 11, 22, 1, 59, 58, 0, time.UTC)}

func signer(t testing.TB, o mollie.Options) *mollie.Signer {
	t.Helper()
	s, err := mollie.NewSigner(o, "")
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// simulate starts a simulated API for o.
func simulate(t testing.TB, o *mollie.Options) {
	t.Helper()
	server := httptest.NewUnstartedServer(nil)
	base := "http://" + server.Listener.Addr().String()
	server.Config.Handler = http.StripPrefix("/simulator/mollie", o.Simulate(base+"/simulator/mollie"))
	server.Start()
	t.Cleanup(server.Close)
}

// announce tells the simulated API what n says.
func announce(t testing.TB, s *mollie.Signer, n callback.Notification) {
	t.Helper()
	r, err := s.Announce(n, at)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	if resp.StatusCode != http.StatusNoContent {
		t.Fatalf("announced %+v: %s", n, resp.Status)
	}
}

// roundTrip announces, posts and fetches n.
func roundTrip(t testing.TB, o mollie.Options, n callback.Notification) []callback.Event {
	t.Helper()
	s, p := signer(t, o), provider(t, o)
	announce(t, s, n)
	r, err := s.Sign(n, at)
	if err != nil {
		t.Fatal(err)
	}
	called, err := p.Parse(r, at)
	if err != nil || len(called) != 1 || !called[0].Fetch {
		t.Fatalf("%s: Parse: %+v, %v", n.Status, called, err)
	}
	events, err := p.Fetch(t.Context(), called[0])
	if err != nil || len(events) == 0 {
		t.Fatalf("%s: Fetch: %+v, %v", n.Status, events, err)
	}
	for _, e := range events {
		if err := callbacktest.Wellformed(e); err != nil {
			t.Errorf("%s: %v", n.Status, err)
		}
	}
	return events
}

func TestSignerRoundTrips(t *testing.T) {
	inClassic, inNextGen := mollie.Options{APIKey: "test_1"}, throwaway(t)
	inNextGen.Fields.Payment = "metadata.cart.number"
	for _, o := range []mollie.Options{inClassic, inNextGen} {
		for _, status := range all {
			simulate(t, &o)
			n := full
			n.Status = status
			events := roundTrip(t, o, n)
			e := events[len(events)-1]
			if e.Payment != n.Payment || e.Status != status || e.Currency != n.Currency || e.TransactionID != n.TransactionID ||
				!e.Amount.Equal(n.Amount) || !e.Time.Equal(n.Time) {
				t.Errorf("%s: %+v", status, e)
			}
			refund := status == relay.Refunded || status == relay.RefundFailed
			if refund != (len(events) == 2) || refund && events[0].Status != relay.Paid {
				t.Errorf("%s: %+v, want a refund and what was paid before", status, events)
			}
			roundTrip(t, o, callback.Notification{Status: status})
		}
	}
}

func TestSimulatedPaymentsGoForward(t *testing.T) {
	o := throwaway(t)
	simulate(t, &o)
	say := func(status relay.Status, amount relay.Amount) (said []string) {
		for _, e := range roundTrip(t, o, callback.Notification{Payment: "o", Status: status, Amount: amount}) {
			said = append(said, string(e.Status)+" "+string(e.Amount))
		}
		return said
	}
	for _, c := range []struct {
		status relay.Status
		amount relay.Amount
		want   string
	}{
		{relay.Pending, "10.00", "pending 10.00"},
		{relay.Failed, "10.00", "failed 10.00"},
		{relay.Paid, "10.00", "paid 10.00"},
		{relay.Pending, "10.00", "paid 10.00"},
		{relay.Refunded, "1.50", "paid 10.00,refunded 1.50"},
		{relay.Refunded, "1.50", "paid 10.00,refunded 1.50"}, // the same one
		{relay.RefundFailed, "2.00", "paid 10.00,refunded 1.50,refund_failed 2.00"},
		{relay.Closed, "10.00", "paid 10.00,refunded 1.50,refund_failed 2.00"},
	} {
		if got := strings.Join(say(c.status, c.amount), ","); got != c.want {
			t.Errorf("after %s: %s, want %s", c.status, got, c.want)
		}
	}
}

func TestSignerNamesTheStatuses(t *testing.T) {
	s := signer(t, throwaway(t))
	for _, status := range []relay.Status{relay.Registered, "authorised", ""} {
		n := callback.Notification{Status: status}
		if _, err := s.Sign(n, at); err == nil || !strings.Contains(err.Error(), "paid, pending, failed, closed, refunded and refund_failed") {
			t.Errorf("%q: %v, want an error that names the statuses", status, err)
		}
	}
	if _, err := s.Sign(callback.Notification{Status: relay.Paid, TransactionID: "tr_a/b"}, at); err == nil {
		t.Error("signed for an id that is none")
	}
}

func TestSignerIsDeterministic(t *testing.T) {
	s := signer(t, throwaway(t))
	n := full
	n.Status = relay.Refunded
	a, err1 := s.Sign(n, at)
	b, err2 := s.Sign(n, at)
	if err1 != nil || err2 != nil || !reflect.DeepEqual(a, b) {
		t.Errorf("%+v, then %+v (%v, %v)", a, b, err1, err2)
	}
}

// What is no simulated API must not be told of payments that nobody made.
func TestOnlyASimulatorIsTold(t *testing.T) {
	for _, base := range []string{"", "https://api.mollie.com", "https://localhost"} {
		o := throwaway(t)
		o.APIBase = base
		r, err := signer(t, o).Announce(callback.Notification{Status: relay.Paid}, at)
		if err == nil || !strings.Contains(err.Error(), "tillbell dev") {
			t.Errorf("%s: %v, %v; want an error", base, r, err)
		}
	}
}

func TestKeyReplacesTheSecrets(t *testing.T) {
	o, other := throwaway(t), throwaway(t)
	s, err := mollie.NewSigner(o, other.Secrets[0])
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
	if _, err := mollie.NewSigner(mollie.Options{}, "key"); err == nil {
		t.Error("a key for classic webhooks is taken")
	}
}

// The simulated API says what the real one would say.
func TestSimulator(t *testing.T) {
	o := throwaway(t)
	api := mollie.NewSimulator(o)
	request := func(method, target, key, body string) (int, string) {
		r := httptest.NewRequest(method, target, strings.NewReader(body))
		r.Header.Set("Authorization", "Bearer "+key)
		w := httptest.NewRecorder()
		api.ServeHTTP(w, r)
		return w.Code, w.Body.String()
	}
	expect := func(method, target, key, body string, status int, parts ...string) {
		t.Helper()
		code, got := request(method, target, key, body)
		if code != status {
			t.Errorf("%s %s: %d %s, want %d", method, target, code, got, status)
		}
		for _, part := range parts {
			if !strings.Contains(got, part) {
				t.Errorf("%s %s: %s\nwant %s", method, target, got, part)
			}
		}
	}
	said := `{"payment":"o","account":"pfl_1","status":"refunded","amount":"10.00","currency":"EUR","time":"2026-11-22T01:59:58Z","refund":"re_1"}`
	expect("GET", "/v2/payments/tr_1", o.APIKey, "", 404, `"title":"Not Found"`, "No payment exists with token tr_1.")
	expect("PUT", "/announcements/tr_1", "other", said, 401)
	expect("PUT", "/announcements/tr_1", "", said, 401)
	expect("PUT", "/announcements/xx_1", o.APIKey, said, 400)
	expect("PUT", "/announcements/tr_1", o.APIKey, "{", 400)
	expect("PUT", "/announcements/tr_1", o.APIKey, strings.Replace(said, "10.00", "ten", 1), 400)
	expect("PUT", "/announcements/tr_1", o.APIKey, strings.Replace(said, "refunded", "lost", 1), 400)
	expect("PUT", "/announcements/tr_1", o.APIKey, said+strings.Repeat(" ", 5<<10), 204)
	expect("PUT", "/announcements/tr_1", o.APIKey, strings.Repeat(" ", 5<<10)+said, 400)
	expect("GET", "/v2/payments/tr_1", "test_other", "", 401, `"status":401`)
	expect("GET", "/v2/payments/tr_1?embed=refunds,chargebacks", o.APIKey, "", 200, `"paidAt":"2026-11-22T01:59:58+00:00"`, `"id":"re_1"`)
	if _, body := request("GET", "/v2/payments/tr_1", o.APIKey, ""); strings.Contains(body, "_embedded") {
		t.Errorf("refunds that nobody asked for: %s", body)
	}
	expect("PUT", "/announcements/tr_2", o.APIKey, strings.NewReplacer("10.00", "1500", "EUR", "JPY", "re_1", "").Replace(said), 204)
	expect("GET", "/v2/payments/tr_2", o.APIKey, "", 200, `"amount":{"currency":"JPY","value":"1500"}`, `"amountRemaining":{"currency":"JPY","value":"0"}`)
	expect("PUT", "/announcements/tr_3", o.APIKey, strings.Replace(said, "10.00", "7", 1), 204)
	expect("GET", "/v2/payments/tr_3", o.APIKey, "", 200, `"amount":{"currency":"EUR","value":"7.00"}`)
	expect("GET", "/v2/methods", o.APIKey, "", 404)
	expect("PUT", "/announcements/pl_1", o.APIKey, said, 204)
	expect("GET", "/v2/payment-links/pl_1/payments", o.APIKey, "", 200, `"_embedded":{"payments":[{`, `"id":"tr_1"`, `"metadata":null`)
	expect("GET", "/v2/payment-links/pl_2/payments", o.APIKey, "", 404)
	api.Fail(1, 429, 3*time.Second)
	expect("GET", "/v2/payments/tr_1", o.APIKey, "", 429, `"title":"Too Many Requests"`)
	expect("GET", "/v2/payments/tr_1", o.APIKey, "", 200)
}
