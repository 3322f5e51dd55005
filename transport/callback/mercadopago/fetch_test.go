package mercadopago_test

import (
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/tillbell/tillbell/transport/callback"
	"github.com/tillbell/tillbell/transport/callback/callbacktest"
	"github.com/tillbell/tillbell/transport/callback/mercadopago"
)

// api has the payment API answer every request with the status and body, and returns settings that ask it.
func api(t *testing.T, status int, body string) mercadopago.Options {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.RequestURI() != "/v1/payments/123" {
			t.Errorf("asked for %s", r.URL)
		}
		w.Header().Set("Content-Type", "application/json; charset=utf-8")
		w.WriteHeader(status)
		_, _ = w.Write([]byte(body))
	}))
	t.Cleanup(server.Close)
	return mercadopago.Options{Secrets: []string{"a"}, APIBase: server.URL, APIKey: "APP_USR-topsecret"}
}

// ask fetches the payment 123.
func ask(t *testing.T, o mercadopago.Options) ([]callback.Event, error) {
	t.Helper()
	e := callback.Event{Type: "payment.updated", Fetch: true}
	e.TransactionID = "123"
	events, err := provider(t, o).Fetch(t.Context(), e)
	for _, e := range events {
		if bad := callbacktest.Wellformed(e); bad != nil || e.Fetch || e.Type != "payment.updated" || e.TransactionID != "123" {
			t.Errorf("%v: %+v", bad, e)
		}
	}
	if err != nil && strings.Contains(err.Error(), "topsecret") {
		t.Errorf("the key is in %v", err)
	}
	return events, err
}

// payment is one at Mercado Pago as its documentation shows it, with some members in place of others.
func payment(status string, replaced ...string) string {
	return strings.NewReplacer(replaced...).Replace(`{"id":123,"date_created":"2026-11-22T02:01:00.000-04:00",` +
		`"date_approved":"2026-11-22T02:02:00.000-04:00","date_last_updated":"2026-11-22T02:03:00.000-04:00","currency_id":"BRL",` +
		`"status":"` + status + `","external_reference":"order-7","transaction_amount":58.8,"transaction_amount_refunded":0,` +
		`"collector_id":44444,"metadata":{"cart":9007199254740993}}`)
}

// short is an event on one line.
func short(e callback.Event) string {
	minute := ""
	if !e.Time.IsZero() {
		minute = e.Time.Format("15:04")
	}
	return fmt.Sprintf("%s %s/%s %s%s final=%v cumulative=%v %s id=%s", e.Payment, e.Status, e.ProviderStatus, e.Amount, e.Currency, e.Final,
		e.Cumulative, minute, e.ID)
}

func wants(t *testing.T, what string, events []callback.Event, err error, want ...string) {
	t.Helper()
	var got []string
	for _, e := range events {
		got = append(got, short(e))
		if !e.Derived {
			t.Errorf("%s: the payment's id repeats over its states", what)
		}
	}
	if err != nil || fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("%s: %v\ngot  %q\nwant %q", what, err, got, want)
	}
}

func TestStatuses(t *testing.T) {
	for word, want := range map[string][]string{
		"pending":      {"order-7 pending/pending 58.8BRL final=false cumulative=false 06:01 id=123"},
		"in_process":   {"order-7 pending/in_process 58.8BRL final=false cumulative=false 06:01 id=123"},
		"authorized":   {"order-7 pending/authorized 58.8BRL final=false cumulative=false 06:03 id=123"},
		"rejected":     {"order-7 failed/rejected 58.8BRL final=false cumulative=false 06:03 id=123"},
		"cancelled":    {"order-7 closed/cancelled 58.8BRL final=false cumulative=false 06:03 id=123"},
		"approved":     {"order-7 paid/approved 58.8BRL final=true cumulative=false 06:02 id=123"},
		"in_mediation": nil,
		"charged_back": nil,
		"of tomorrow":  nil,
	} {
		events, err := ask(t, api(t, 200, payment(word)))
		wants(t, word, events, err, want...)
	}
}

func TestRefunds(t *testing.T) {
	const paid = "order-7 paid/%s 58.8BRL final=true cumulative=false 06:02 id=123"
	events, err := ask(t, api(t, 200, payment("approved", `refunded":0`, `refunded":10.25`)))
	wants(t, "in part", events, err, fmt.Sprintf(paid, "approved"),
		"order-7 refunded/approved 10.25BRL final=true cumulative=true 06:03 id=123")
	events, err = ask(t, api(t, 200, payment("refunded", `refunded":0`, `refunded":58.8`)))
	wants(t, "wholly", events, err, fmt.Sprintf(paid, "refunded"),
		"order-7 refunded/refunded 58.8BRL final=true cumulative=true 06:03 id=123")
	events, err = ask(t, api(t, 200, payment("refunded")))
	wants(t, "without a total", events, err, fmt.Sprintf(paid, "refunded"),
		"order-7 refunded/refunded 58.8BRL final=true cumulative=true 06:03 id=123")
	events, err = ask(t, api(t, 200, payment("refunded", `"2026-11-22T02:02:00.000-04:00"`, "null", `refunded":0`, `refunded":58.8`)))
	wants(t, "never approved", events, err, "order-7 refunded/refunded 58.8BRL final=true cumulative=true 06:03 id=123")
}

func TestPaymentPath(t *testing.T) {
	for path, want := range map[string]string{"": "order-7", "metadata.cart": "9007199254740993", "metadata.none": ""} {
		o := api(t, 200, payment("approved"))
		o.Fields.Payment = path
		if events, err := ask(t, o); err != nil || len(events) != 1 || events[0].Payment != want {
			t.Errorf("%s: %+v, %v; want %s", path, events, err, want)
		}
	}
	events, err := ask(t, api(t, 200, payment("cancelled", `"order-7"`, "null")))
	wants(t, "no reference", events, err, "123 closed/cancelled 58.8BRL final=false cumulative=false 06:03 id=123")
}

func TestOtherSeller(t *testing.T) {
	o := api(t, 200, payment("approved"))
	o.CollectorID = callback.List{"5"}
	if events, err := ask(t, o); err == nil || callbacktest.ReasonOf(t, err) != callback.WrongAccount {
		t.Errorf("%+v, %v; want wrong_account", events, err)
	}
	o.CollectorID = append(o.CollectorID, "44444")
	if events, err := ask(t, o); err != nil || len(events) != 1 {
		t.Errorf("%+v, %v; want an event", events, err)
	}
}

func TestUnknownIDsAreNothing(t *testing.T) {
	events, err := ask(t, api(t, 404, `{"message":"Payment not found","error":"not_found","status":404,"cause":[{"code":2000}]}`))
	wants(t, "unknown", events, err)
}

func TestAnswersWithoutSense(t *testing.T) {
	for name, body := range map[string]string{
		"another payment": payment("approved", `"id":123`, `"id":124`),
		"no id":           payment("approved", `"id":123,`, ``),
		"exponent":        payment("approved", "58.8", "5e3"),
		"negative":        payment("approved", "58.8", "-58.8"),
		"negative refund": payment("approved", `refunded":0`, `refunded":-1`),
		"currency":        payment("approved", "BRL", "R$"),
	} {
		events, err := ask(t, api(t, 200, body))
		if r, ok := errors.AsType[*callback.Refusal](err); !ok || !r.Genuine {
			t.Errorf("%s: %+v, %v; want a refusal", name, events, err)
		}
	}
	for _, id := range []string{"", "0123", "12a", "../1", "1/2", strings.Repeat("1", 21)} {
		e := callback.Event{Fetch: true}
		e.TransactionID = id
		if events, err := provider(t, api(t, 200, payment("approved"))).Fetch(t.Context(), e); err == nil {
			t.Errorf("%q: %+v, want an error", id, events)
		}
	}
}

func TestTheTokenIsNotTaken(t *testing.T) {
	for _, status := range []int{401, 403} {
		_, err := ask(t, api(t, status, `{"message":"invalid access token"}`))
		if _, refused := errors.AsType[*callback.Refusal](err); err == nil || refused || !strings.Contains(err.Error(), "mercadopago: fetch:") ||
			!strings.Contains(err.Error(), "api_key") {
			t.Errorf("%v, want an error that names api_key", err)
		}
	}
}
