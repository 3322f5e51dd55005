package wechatpay

import (
	"encoding/json"
	"errors"
	"net/http"
	"testing"

	"github.com/tillbell/tillbell/transport/callback"
	"github.com/tillbell/tillbell/transport/callback/callbacktest"
)

// FuzzParse: whatever arrives, Parse returns, and only what a vector has signed is accepted.
func FuzzParse(f *testing.F) {
	type call struct{ serial, signature, timestamp, nonce, body string }
	signed := make(map[call]bool)
	var p *Provider
	for _, v := range callbacktest.Each(f) {
		if v.Name == "migration-signed-by-public-key" { // both kinds of key
			var err error
			if p, err = New(callbacktest.Decode[Options](f, v.Config)); err != nil {
				f.Fatal(err)
			}
		}
		h := v.Request.Header
		c := call{h.Get(headerSerial), h.Get(headerSignature), h.Get(headerTimestamp), h.Get(headerNonce), string(v.Request.Body)}
		f.Add(c.serial, c.signature, c.timestamp, c.nonce, h.Get(headerType), []byte(c.body))
		signed[c] = true
	}
	if p == nil {
		f.Fatal("no vector with both kinds of key")
	}
	at := callbacktest.Each(f)[0].Now
	f.Fuzz(func(t *testing.T, serial, signature, timestamp, nonce, kind string, body []byte) {
		h := make(http.Header)
		h.Set(headerSerial, serial)
		h.Set(headerSignature, signature)
		h.Set(headerTimestamp, timestamp)
		h.Set(headerNonce, nonce)
		h.Set(headerType, kind)
		events, err := p.Parse(callback.Request{Method: http.MethodPost, Header: h, Body: body}, at)
		var refusal *callback.Refusal
		if err != nil {
			if !errors.As(err, &refusal) || len(events) != 0 {
				t.Fatalf("%T with %d events", err, len(events))
			}
			return
		}
		if !signed[call{serial, signature, timestamp, nonce, string(body)}] {
			t.Errorf("accepted what nobody signed: %+v", events)
		}
	})
}

// FuzzRead reads genuine callbacks: an arbitrary body, and an arbitrary content in a good body. Nothing is signed, as
// RSA would leave the fuzzer no time.
func FuzzRead(f *testing.F) {
	p, _ := open(f, func(o *Options) { o.MchID, o.AppID = nil, nil })
	for _, v := range callbacktest.Each(f) {
		f.Add(v.Request.Body, "TRANSACTION.SUCCESS", []byte(paid))
	}
	f.Add([]byte(`{}`), "REFUND.SUCCESS",
		[]byte(`{"out_trade_no":"o","refund_status":"SUCCESS","amount":{"refund":1,"currency":"usd"}}`))
	f.Add([]byte(`{"id":1,"event_type":"TRANSACTION.SUCCESS","resource":{"nonce":""}}`), "TRANSACTION.SUCCESS",
		[]byte(`{"sub_orders":[{"out_trade_no":1,"trade_state":"SUCCESS","amount":{"total_amount":1}}]}`))
	f.Fuzz(func(t *testing.T, body []byte, eventType string, content []byte) {
		const nonce = "0123456789ab"
		whole, err := json.Marshal(map[string]any{
			"id": "EV-1", "event_type": eventType, "create_time": "2026-11-22T16:00:00+08:00",
			"resource": map[string]any{
				"algorithm":  resourceAlgorithm,
				"nonce":      nonce,
				"ciphertext": p.aead.Seal(nil, []byte(nonce), content, nil),
			},
		})
		if err != nil {
			t.Fatal(err)
		}
		for _, b := range [][]byte{body, whole} {
			events, refusal := p.read(b)
			if refusal != nil && len(events) != 0 {
				t.Fatalf("refused with %d events", len(events))
			}
			for _, e := range events {
				if err := callbacktest.Wellformed(e); err != nil {
					t.Errorf("%v: %+v", err, e)
				}
			}
		}
	})
}
