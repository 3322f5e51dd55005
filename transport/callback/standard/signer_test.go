package standard_test

import (
	"bytes"
	"crypto/ed25519"
	"encoding/base64"
	"net/http"
	"reflect"
	"strconv"
	"strings"
	"testing"
	"time"

	official "github.com/standard-webhooks/standard-webhooks/libraries/go"

	"github.com/tillbell/tillbell/relay"
	"github.com/tillbell/tillbell/transport/callback"
	"github.com/tillbell/tillbell/transport/callback/callbacktest"
	"github.com/tillbell/tillbell/transport/callback/standard"
)

var all = []relay.Status{relay.Pending, relay.Failed, relay.Closed, relay.Paid, relay.Refunded, relay.RefundFailed}

var full = callback.Notification{Payment: "order 1001/é", Amount: "129.50", Currency: "EUR", ID: "msg_full",
	TransactionID: "pay_1", Time: time.Date(2026, 11, 22, 1, 59, 58, 0, time.UTC)}

func TestSignerRoundTrips(t *testing.T) {
	o := throwaway(t)
	callbacktest.RoundTrips(t, provider(t, o), signer(t, o, ""), full, all...)
	callbacktest.RoundTrips(t, provider(t, o), signer(t, o, ""), callback.Notification{}, all...)
	yen := full
	yen.Currency, yen.Amount = "JPY", "1500"
	callbacktest.RoundTrips(t, provider(t, o), signer(t, o, ""), yen, all...)
}

func TestSignerFollowsTheSettings(t *testing.T) {
	o := throwaway(t)
	o.Fields = callback.Fields{Payment: "order.ref", Status: "order.state", Amount: "order.sum", Currency: "iso"}
	o.AmountUnit = "major"
	o.Statuses = map[string]string{"DONE": "paid", "GONE": "closed"}
	callbacktest.RoundTrips(t, provider(t, o), signer(t, o, ""), full, relay.Paid, relay.Closed)
	if _, err := signer(t, o, "").Sign(callback.Notification{Status: relay.Failed}, at); err == nil ||
		!strings.Contains(err.Error(), "closed, paid") {
		t.Errorf("%v, want an error that names closed and paid", err)
	}
	o.Fields.Payment = "orders.#.id"
	if _, err := signer(t, o, "").Sign(callback.Notification{Status: relay.Paid}, at); err == nil {
		t.Error("signed for a path that cannot be written")
	}
	o.Fields.Payment = "iso.code"
	if _, err := signer(t, o, "").Sign(callback.Notification{Status: relay.Paid}, at); err == nil {
		t.Error("signed for two fields in each other's way")
	}
}

func TestSignerIsDeterministic(t *testing.T) {
	s := signer(t, throwaway(t), "")
	n := full
	n.Status = relay.Paid
	if a, b := sign(t, s, n), sign(t, s, n); !reflect.DeepEqual(a, b) {
		t.Errorf("%+v, then %+v", a, b)
	}
	n.ID = ""
	if a, b := sign(t, s, n), sign(t, s, n); a.Header.Get("Webhook-Id") == b.Header.Get("Webhook-Id") {
		t.Error("two notifications without an id are the same event")
	}
}

func TestSignerWithPrivateKey(t *testing.T) {
	public, private, err := ed25519.GenerateKey(nil)
	if err != nil {
		t.Fatal(err)
	}
	o := standard.Options{PublicKeys: []string{"whpk_" + base64.StdEncoding.EncodeToString(public)}}
	for _, key := range [][]byte{private, private.Seed()} {
		s := signer(t, o, "whsk_"+base64.StdEncoding.EncodeToString(key))
		callbacktest.RoundTrips(t, provider(t, o), s, full, all...)
	}
	if _, err := standard.NewSigner(o, ""); err == nil {
		t.Error("a signer without any key")
	}
	torn := append(bytes.Clone(private[:32]), make([]byte, 32)...)
	if _, err := standard.NewSigner(o, "whsk_"+base64.StdEncoding.EncodeToString(torn)); err == nil {
		t.Error("a private key with another key's public half")
	}
}

func TestOfficialLibraryAcceptsTheSigner(t *testing.T) {
	o := throwaway(t)
	verifier, err := official.NewWebhook(o.Secrets[0])
	if err != nil {
		t.Fatal(err)
	}
	for _, status := range all {
		n := full
		n.Status = status
		r := sign(t, signer(t, o, ""), n)
		if err := verifier.VerifyIgnoringTimestamp(r.Body, r.Header); err != nil {
			t.Errorf("%s: %v", status, err)
		}
		r.Body[len(r.Body)-1] ^= 1
		if err := verifier.VerifyIgnoringTimestamp(r.Body, r.Header); err == nil {
			t.Errorf("%s: accepted with another body", status)
		}
	}
}

func TestProviderAcceptsTheOfficialLibrary(t *testing.T) {
	o := throwaway(t)
	w, err := official.NewWebhook(o.Secrets[0])
	if err != nil {
		t.Fatal(err)
	}
	body := []byte(`{"type":"payment.succeeded","data":{"order_id":"order-1001","amount":100,"currency":"EUR"}}`)
	signature, err := w.Sign("msg_2", at, body)
	if err != nil {
		t.Fatal(err)
	}
	header := http.Header{}
	header.Set("Webhook-Id", "msg_2")
	header.Set("Webhook-Timestamp", strconv.FormatInt(at.Unix(), 10))
	header.Set("Webhook-Signature", signature)
	events, err := provider(t, o).Parse(callback.Request{Method: "POST", Header: header, Body: body}, at)
	if err != nil || len(events) != 1 || events[0].Payment != "order-1001" || events[0].Amount != "1.00" {
		t.Errorf("%+v, %v", events, err)
	}
}
