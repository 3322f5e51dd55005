package paypal_test

import (
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/tillbell/tillbell/relay"
	"github.com/tillbell/tillbell/transport/callback"
	"github.com/tillbell/tillbell/transport/callback/callbacktest"
	"github.com/tillbell/tillbell/transport/callback/paypal"
)

var full = callback.Notification{Payment: "order 1001/é", Amount: "129.50", Currency: "EUR", ID: "WH-FULL",
	TransactionID: "2GG279541U471931P", Time: time.Date(2026, 11, 22, 1, 59, 58, 0, time.UTC)}

func TestSignerRoundTrips(t *testing.T) {
	o, key := throwaway()
	all := paypal.About.Statuses
	callbacktest.RoundTrips(t, provider(t, o), signer(t, o, key), full, all...)
	callbacktest.RoundTrips(t, provider(t, o), signer(t, o, key), callback.Notification{}, all...)
	n := full
	n.Currency, n.Amount = "JPY", "1500"
	callbacktest.RoundTrips(t, provider(t, o), signer(t, o, key), n, all...)
	o.Fields.Payment = "resource.note.cart"
	callbacktest.RoundTrips(t, provider(t, o), signer(t, o, key), full, all...)
	o.Fields.Payment = "event_type.cart"
	if _, err := signer(t, o, key).Sign(callback.Notification{Status: relay.Paid}, at); err == nil {
		t.Error("signed for two fields in each other's way")
	}
}

func TestSignerNamesTheStatuses(t *testing.T) {
	o, key := throwaway()
	_, err := signer(t, o, key).Sign(callback.Notification{Status: relay.RefundFailed}, at)
	if err == nil || !strings.Contains(err.Error(), "paid, pending, failed, closed and refunded") {
		t.Errorf("%v, want an error that names the statuses", err)
	}
	if _, err := signer(t, o, key).Sign(callback.Notification{Status: relay.Paid, Amount: "-1"}, at); err == nil {
		t.Error("signed a negative amount")
	}
}

func TestSignerIsDeterministic(t *testing.T) {
	o, key := throwaway()
	s := signer(t, o, key)
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

func TestEachSignedBodyIsATransmission(t *testing.T) {
	o, key := throwaway()
	p, s := provider(t, o), signer(t, o, key)
	for range 3 {
		accepted(t, p, sign(t, s), at)
	}
	if n := p.Remembered(); n != 3 {
		t.Errorf("%d transmissions, want 3", n)
	}
}

func TestTwoRefundsOfOnePayment(t *testing.T) {
	o, key := throwaway()
	p, s := provider(t, o), signer(t, o, key)
	seen := make(map[string]bool)
	for _, id := range []string{"WH-1", "WH-2"} {
		r, err := s.Sign(callback.Notification{Payment: "A-1", Status: relay.Refunded, ID: id}, at)
		if err != nil {
			t.Fatal(err)
		}
		events, err := p.Parse(r, at)
		if err != nil || len(events) != 1 || events[0].RefundID == "" || seen[events[0].RefundID] {
			t.Errorf("%+v, %v; want a refund of its own", events, err)
			continue
		}
		seen[events[0].RefundID] = true
	}
}

func TestSigningKey(t *testing.T) {
	o, key := throwaway()
	other, _, err := callback.ThrowawayRSA()
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		o    paypal.Options
		key  string
		want string
	}{
		"of another certificate": {o, other, "belongs to none"},
		"nothing pinned":         {paypal.Options{WebhookID: o.WebhookID}, key, "belongs to none"},
		"no PEM":                 {o, "topsecret", "is not PEM"},
		"not private":            {o, o.TrustedRoots, "is not a private key"},
		"no settings":            {paypal.Options{}, key, "webhook_id"},
	} {
		if _, err := paypal.NewSigner(c.o, c.key); err == nil || !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), "topsecret") {
			t.Errorf("%s: %v, want %q", name, err, c.want)
		}
	}
}

func TestThrowawayIsFresh(t *testing.T) {
	o, key := throwaway()
	other, otherKey, err := paypal.Throwaway()
	if err != nil || key == otherKey || o.TrustedRoots == other.TrustedRoots || first(o.Certificates) == first(other.Certificates) ||
		o.WebhookID[0] == other.WebhookID[0] {
		t.Errorf("two alike (%v)", err)
	}
	other.WebhookID = o.WebhookID
	refused(t, provider(t, o), sign(t, signer(t, other, otherKey)), at, callback.UnknownKey)
}
