package alipay

import (
	"bytes"
	"errors"
	"net/url"
	"testing"
	"unicode/utf8"

	"github.com/tillbell/tillbell/transport/callback"
	"github.com/tillbell/tillbell/transport/callback/callbacktest"
)

// FuzzParse: no body panics, and none is accepted that says anything but what some seed says, as only the seeds are
// signed.
func FuzzParse(f *testing.F) {
	var p *Provider
	genuine := map[callback.Event]bool{}
	for _, v := range callbacktest.Each(f) {
		if v.Name == "trade-success-rsa2" {
			p = mustNew(f, callbacktest.Decode[Options](f, v.Config))
		}
	}
	for _, v := range callbacktest.Each(f) {
		f.Add(v.Request.Body)
		events, _ := p.Parse(v.Request, v.Now)
		for _, e := range events {
			genuine[e] = true
		}
	}
	if len(genuine) < 5 {
		f.Fatalf("only %d seeds are genuine", len(genuine))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		before := bytes.Clone(body)
		events, err := p.Parse(post(string(body)), testNow)
		if !bytes.Equal(before, body) {
			t.Error("the body was changed")
		}
		if _, ok := errors.AsType[*callback.Refusal](err); err != nil && !ok {
			t.Errorf("%T", err)
		}
		for _, e := range events {
			if !genuine[e] {
				t.Errorf("nobody has signed %+v", e)
			}
		}
	})
}

// FuzzSigned signs whatever the form says, so that what reads the fields is reached.
func FuzzSigned(f *testing.F) {
	for _, v := range callbacktest.Each(f) {
		f.Add(v.Request.Body)
	}
	f.Add([]byte("charset=gbk&out_trade_no=%B6%A9%B5%A5&trade_status=TRADE_SUCCESS&gmt_refund=1&refund_fee=1.5&notify_time=9999-12-31 23:59:59"))
	o, key := throwaway()
	o.AppID, o.SellerID = nil, nil
	p, s := mustNew(f, o), mustSigner(f, o, key)
	f.Fuzz(func(t *testing.T, body []byte) {
		form, err := url.ParseQuery(string(body))
		if err != nil {
			return
		}
		values := map[string]string{}
		for name := range form {
			if name != "sign" && name != "sign_type" && name != certSerial {
				values[name] = form.Get(name)
			}
		}
		events, err := p.Parse(post(signed(t, s, values)), testNow)
		if r, ok := errors.AsType[*callback.Refusal](err); err != nil && (!ok || r.Reason != callback.Malformed) {
			t.Fatalf("signed, and yet: %v", err)
		}
		for _, e := range events {
			if err := callbacktest.Wellformed(e); err != nil {
				t.Errorf("%v: %+v", err, e)
			}
			if _, err := e.Time.MarshalJSON(); err != nil || !utf8.ValidString(e.ID+e.TransactionID+e.RefundID) {
				t.Errorf("cannot be written as JSON: %+v", e)
			}
		}
	})
}
