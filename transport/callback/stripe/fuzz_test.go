package stripe_test

import (
	"testing"

	"github.com/tillbell/tillbell/transport/callback"
	"github.com/tillbell/tillbell/transport/callback/callbacktest"
	"github.com/tillbell/tillbell/transport/callback/stripe"
)

const maxSeed = 64 << 10 // a longer seed only slows the fuzzer down

// FuzzParse changes genuine callbacks. The fresh secret cannot have signed any of them, whatever becomes of them.
func FuzzParse(f *testing.F) {
	for _, v := range callbacktest.Each(f) {
		if len(v.Request.Body) <= maxSeed {
			f.Add(v.Request.Header.Get("Stripe-Signature"), v.Request.Body)
		}
	}
	p := provider(f, throwaway(f))
	f.Fuzz(func(t *testing.T, signature string, body []byte) {
		h := map[string][]string{"Stripe-Signature": {signature}}
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
		if len(v.Request.Body) <= maxSeed {
			f.Add(v.Request.Body)
		}
	}
	o := throwaway(f)
	p := provider(f, o)
	f.Fuzz(func(t *testing.T, body []byte) {
		events, err := p.Parse(stripe.SignBody(t, o, at, body), at)
		if err != nil {
			if r := err.(*callback.Refusal); !r.Genuine {
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
