package standard_test

import (
	"testing"

	"github.com/tillbell/tillbell/transport/callback"
	"github.com/tillbell/tillbell/transport/callback/callbacktest"
	"github.com/tillbell/tillbell/transport/callback/standard"
)

// FuzzParse changes genuine callbacks. The fresh key cannot have signed any of them, whatever becomes of them.
func FuzzParse(f *testing.F) {
	for _, v := range callbacktest.Each(f) {
		h := v.Request.Header
		f.Add(h.Get("Webhook-Id"), h.Get("Webhook-Timestamp"), h.Get("Webhook-Signature"), v.Request.Body)
	}
	p := provider(f, throwaway(f))
	f.Fuzz(func(t *testing.T, id, stamp, signature string, body []byte) {
		h := map[string][]string{"Webhook-Id": {id}, "Webhook-Timestamp": {stamp}, "Webhook-Signature": {signature}}
		events, err := p.Parse(callback.Request{Method: "POST", Header: h, Body: body}, at)
		if err == nil {
			t.Fatalf("accepted: %+v", events)
		}
		callbacktest.ReasonOf(t, err)
	})
}

// FuzzSigned signs any body, so that what reads it is reached.
func FuzzSigned(f *testing.F) {
	for _, v := range callbacktest.Each(f) {
		f.Add("msg_1", v.Request.Body, false)
		f.Add("msg_1", v.Request.Body, true)
	}
	o := throwaway(f)
	minor := provider(f, o)
	o.AmountUnit = "major"
	major := provider(f, o)
	f.Fuzz(func(t *testing.T, id string, body []byte, inMajor bool) {
		p := minor
		if inMajor {
			p = major
		}
		events, err := p.Parse(standard.SignBody(t, o, id, at, body), at)
		if err != nil {
			if r := err.(*callback.Refusal); !r.Genuine && r.Reason != callback.MissingHeader {
				t.Fatalf("a signed callback: %v", err)
			}
		}
		for _, e := range events {
			if err := callbacktest.Wellformed(e); err != nil {
				t.Errorf("%v: %+v", err, e)
			}
		}
	})
}
