package adyen_test

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/tillbell/tillbell/relay"
	"github.com/tillbell/tillbell/transport/callback"
	"github.com/tillbell/tillbell/transport/callback/adyen"
	"github.com/tillbell/tillbell/transport/callback/callbacktest"
)

var all = []relay.Status{relay.Pending, relay.Failed, relay.Closed, relay.Paid, relay.Refunded, relay.RefundFailed}

var full = callback.Notification{Payment: "order 1001/é:<&>", Amount: "129.50", Currency: "EUR",
	TransactionID: "NC6HT9CRT65ZGN82", Time: time.Date(2026, 11, 22, 1, 59, 58, 0, time.UTC)}

func TestSignerRoundTrips(t *testing.T) {
	o := throwaway(t)
	for _, capture := range []string{"auto", "manual"} {
		o.Capture = capture
		callbacktest.RoundTrips(t, provider(t, o), signer(t, o), full, all...)
		callbacktest.RoundTrips(t, provider(t, o), signer(t, o), callback.Notification{}, all...)
	}
	for currency, amount := range map[string]relay.Amount{"JPY": "1500", "KWD": "1.234", "CLP": "12.34", "IDR": "1500"} {
		n := full
		n.Currency, n.Amount = currency, amount
		callbacktest.RoundTrips(t, provider(t, o), signer(t, o), n, all...)
	}
	o.Username, o.Password = "adyen", "correct horse"
	callbacktest.RoundTrips(t, provider(t, o), signer(t, o), full, all...)
	platform := adyen.Options{Style: "platform", HMACKeys: o.HMACKeys}
	callbacktest.RoundTrips(t, provider(t, platform), signer(t, platform), full) // none
}

// An id of an event signs the event of that id again.
func TestSignerTakesAnEventsID(t *testing.T) {
	o := throwaway(t)
	for _, status := range all {
		n := full
		n.Status, n.TransactionID, n.ID = status, "", "REF1"
		first := parsed(t, o, n)
		if !strings.Contains(first.ID, ":REF1:") {
			t.Errorf("%s: id %q of REF1", status, first.ID)
		}
		n.ID = first.ID
		if again := parsed(t, o, n); again.ID != first.ID {
			t.Errorf("%s: id %q, want %q", status, again.ID, first.ID)
		}
	}
}

func parsed(t *testing.T, o adyen.Options, n callback.Notification) callback.Event {
	t.Helper()
	r, err := signer(t, o).Sign(n, at)
	if err != nil {
		t.Fatal(err)
	}
	events, err := provider(t, o).Parse(r, at)
	if err != nil || len(events) != 1 {
		t.Fatalf("%+v, %v", events, err)
	}
	return events[0]
}

// A payment's events agree on its pspReference, and each refund has its own.
func TestSignerNamesOnePayment(t *testing.T) {
	o := throwaway(t)
	n := callback.Notification{Payment: "order-1", Status: relay.Paid}
	authorised := parsed(t, o, n)
	n.Status = relay.Refunded
	a, b := parsed(t, o, n), parsed(t, o, n)
	if a.TransactionID != authorised.TransactionID || a.RefundID == b.RefundID || a.ID == b.ID {
		t.Errorf("%+v, %+v of %+v", a, b, authorised)
	}
}

func TestSignerNamesTheStatuses(t *testing.T) {
	_, err := signer(t, throwaway(t)).Sign(callback.Notification{Status: "authorised"}, at)
	if err == nil || !strings.Contains(err.Error(), "paid, pending, failed, closed, refunded and refund_failed") {
		t.Errorf("%v, want an error that names the statuses", err)
	}
}

func TestSignerRefuses(t *testing.T) {
	for want, n := range map[string]callback.Notification{
		"colon":    {Status: relay.Paid, TransactionID: "A:B"},
		"negative": {Status: relay.Paid, Amount: "-1.00"},
		"decimals": {Status: relay.Paid, Amount: "1.001"},
		"ISO 4217": {Status: relay.Paid, Currency: "XXX"},
	} {
		if _, err := signer(t, throwaway(t)).Sign(n, at); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%+v: %v, want %q", n, err, want)
		}
	}
}

func TestKeyReplacesTheKeys(t *testing.T) {
	o, other := throwaway(t), throwaway(t)
	s, err := adyen.NewSigner(o, other.HMACKeys[1])
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
	refused(t, "by another key", o, r, callback.BadSignature)
	if _, err := adyen.NewSigner(o, "topsecret"); err == nil || strings.Contains(err.Error(), "topsecret") {
		t.Errorf("%v, want an error without the key", err)
	}
}

// What Adyen sends unsigned is there, in the kinds that its libraries expect.
func TestSignedBodyLooksLikeAdyens(t *testing.T) {
	n := full
	n.Status = relay.Paid
	r, err := signer(t, throwaway(t)).Sign(n, at)
	if err != nil {
		t.Fatal(err)
	}
	var body struct {
		Live              string `json:"live"`
		NotificationItems []struct {
			NotificationRequestItem struct {
				AdditionalData      map[string]string
				Amount              struct{ Value int64 }
				EventDate           time.Time
				MerchantAccountCode string
				Operations          []string
				PaymentMethod       string
				Reason              *string
				Success             string
			}
		} `json:"notificationItems"`
	}
	if err := json.Unmarshal(r.Body, &body); err != nil || body.Live != "false" || len(body.NotificationItems) != 1 {
		t.Fatalf("%s: %v", r.Body, err)
	}
	item := body.NotificationItems[0].NotificationRequestItem
	if !item.EventDate.Equal(full.Time) || item.Amount.Value != 12950 || len(item.Operations) == 0 ||
		item.MerchantAccountCode != "Shop" || item.Reason == nil || item.Success != "true" {
		t.Errorf("%+v", item)
	}
}
