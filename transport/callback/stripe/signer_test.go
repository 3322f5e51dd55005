package stripe_test

import (
	"encoding/json"
	"reflect"
	"strings"
	"testing"
	"time"

	official "github.com/stripe/stripe-go/v85"
	"github.com/stripe/stripe-go/v85/webhook"

	"github.com/tillbell/tillbell/relay"
	"github.com/tillbell/tillbell/transport/callback"
	"github.com/tillbell/tillbell/transport/callback/callbacktest"
	"github.com/tillbell/tillbell/transport/callback/stripe"
)

var all = []relay.Status{relay.Pending, relay.Failed, relay.Closed, relay.Paid, relay.Refunded, relay.RefundFailed}

var full = callback.Notification{Payment: "order 1001/é", Amount: "129.50", Currency: "EUR", ID: "evt_full",
	TransactionID: "pi_full", Time: time.Date(2026, 11, 22, 1, 59, 58, 0, time.UTC)}

func TestSignerRoundTrips(t *testing.T) {
	o := throwaway(t)
	callbacktest.RoundTrips(t, provider(t, o), signer(t, o), full, all...)
	callbacktest.RoundTrips(t, provider(t, o), signer(t, o), callback.Notification{}, all...)
	for currency, amount := range map[string]relay.Amount{"JPY": "1500", "KWD": "1.234", "ISK": "12", "MGA": "1500"} {
		n := full
		n.Currency, n.Amount = currency, amount
		callbacktest.RoundTrips(t, provider(t, o), signer(t, o), n, all...)
	}
	o.Fields.Payment = "data.object.metadata.cart"
	callbacktest.RoundTrips(t, provider(t, o), signer(t, o), full, all...)
	o.Fields.Payment = "type.cart"
	if _, err := signer(t, o).Sign(callback.Notification{Status: relay.Paid}, at); err == nil {
		t.Error("signed for two fields in each other's way")
	}
}

func TestSignerNamesTheStatuses(t *testing.T) {
	_, err := signer(t, throwaway(t)).Sign(callback.Notification{Status: "authorised"}, at)
	if err == nil || !strings.Contains(err.Error(), "paid, pending, failed, closed, refunded and refund_failed") {
		t.Errorf("%v, want an error that names the statuses", err)
	}
}

func TestSignerIsDeterministic(t *testing.T) {
	s := signer(t, throwaway(t))
	n := full
	n.Status = relay.Paid
	a, err1 := s.Sign(n, at)
	b, err2 := s.Sign(n, at)
	if err1 != nil || err2 != nil || !reflect.DeepEqual(a, b) {
		t.Errorf("%+v, then %+v (%v, %v)", a, b, err1, err2)
	}
	n.ID = ""
	a, _ = s.Sign(n, at)
	b, _ = s.Sign(n, at)
	if string(a.Body) == string(b.Body) {
		t.Error("two notifications without an id are the same event")
	}
}

func TestSignedIntentIsThePayment(t *testing.T) {
	o := throwaway(t)
	r, err := signer(t, o).Sign(callback.Notification{Payment: "pi_1", Status: relay.Closed}, at)
	if err != nil {
		t.Fatal(err)
	}
	events, err := provider(t, o).Parse(r, at)
	if err != nil || len(events) != 1 || events[0].TransactionID != "pi_1" || !events[0].Final {
		t.Errorf("%+v, %v; want the final end of pi_1", events, err)
	}
}

func TestKeyReplacesTheSecrets(t *testing.T) {
	o, other := throwaway(t), throwaway(t)
	s, err := stripe.NewSigner(o, other.Secrets[0])
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
	if _, err := stripe.NewSigner(stripe.Options{}, ""); err == nil {
		t.Error("a signer without a secret")
	}
}

func TestOfficialLibraryAcceptsTheSigner(t *testing.T) {
	o := throwaway(t)
	for _, status := range all {
		n := full
		n.Status = status
		n.Time = time.Time{}
		r, err := signer(t, o).Sign(n, at)
		if err != nil {
			t.Fatal(err)
		}
		signature := r.Header.Get("Stripe-Signature")
		options := webhook.ConstructEventOptions{IgnoreAPIVersionMismatch: true, IgnoreTolerance: true}
		e, err := webhook.ConstructEventWithOptions(r.Body, signature, o.Secrets[0], options)
		if err != nil || e.ID != n.ID || e.Created != at.Unix() {
			t.Errorf("%s: %+v, %v", status, e, err)
			continue
		}
		// The official types take the objects, so that nothing in them has another type at Stripe.
		var object any = new(official.PaymentIntent)
		switch status {
		case relay.Refunded:
			object = new(official.Charge)
		case relay.RefundFailed:
			object = new(official.Refund)
		}
		if err := json.Unmarshal(e.Data.Raw, object); err != nil {
			t.Errorf("%s: %v", status, err)
		}
		r.Body[len(r.Body)-1] ^= 1
		if _, err := webhook.ConstructEventWithOptions(r.Body, signature, o.Secrets[0], options); err == nil {
			t.Errorf("%s: accepted with another body", status)
		}
	}
}

func TestProviderAcceptsTheOfficialLibrary(t *testing.T) {
	o := throwaway(t)
	signed := webhook.GenerateTestSignedPayload(&webhook.UnsignedPayload{
		Payload:   []byte(event("payment_intent.succeeded", `{"id":"pi_1","amount_received":100,"currency":"eur"}`)),
		Secret:    o.Secrets[0],
		Timestamp: at,
	})
	r := callback.Request{Method: "POST", Header: map[string][]string{"Stripe-Signature": {signed.Header}},
		Body: signed.Payload}
	events, err := provider(t, o).Parse(r, at)
	if err != nil || len(events) != 1 || events[0].Payment != "pi_1" || events[0].Amount != "1.00" {
		t.Errorf("%+v, %v", events, err)
	}
}
