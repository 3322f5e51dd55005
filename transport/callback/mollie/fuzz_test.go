package mollie_test

import (
	"regexp"
	"testing"

	"github.com/tillbell/tillbell/transport/callback"
	"github.com/tillbell/tillbell/transport/callback/callbacktest"
	"github.com/tillbell/tillbell/transport/callback/mollie"
)

var known = regexp.MustCompile(`^(tr|pl)_[0-9A-Za-z]{1,61}$`)

// fetchable checks that what would be part of a URL has the known shape.
func fetchable(t *testing.T, events []callback.Event, err error) {
	t.Helper()
	if err != nil {
		callbacktest.ReasonOf(t, err)
	}
	for _, e := range events {
		if !e.Fetch || !known.MatchString(e.TransactionID) {
			t.Errorf("%+v", e)
		}
	}
}

// FuzzParse changes webhooks. The fresh secret cannot have signed any of them, whatever becomes of them.
func FuzzParse(f *testing.F) {
	for _, v := range callbacktest.Each(f) {
		f.Add(v.Request.Header.Get("X-Mollie-Signature"), v.Request.Body)
	}
	signed, unsigned := provider(f, throwaway(f)), provider(f, mollie.Options{})
	f.Fuzz(func(t *testing.T, signature string, body []byte) {
		r := callback.Request{Method: "POST", Header: map[string][]string{"X-Mollie-Signature": {signature}}, Body: body}
		if events, err := signed.Parse(r, at); err == nil {
			t.Fatalf("accepted: %+v", events)
		}
		events, err := unsigned.Parse(r, at)
		fetchable(t, events, err)
	})
}

// FuzzSigned signs any body, so that what reads it is reached.
func FuzzSigned(f *testing.F) {
	for _, v := range callbacktest.Each(f) {
		f.Add(v.Request.Body)
	}
	f.Add([]byte(snapshot("tr_7")))
	o := throwaway(f)
	p := provider(f, o)
	f.Fuzz(func(t *testing.T, body []byte) {
		events, err := p.Parse(mollie.SignBody(t, o, body), at)
		if err != nil && !err.(*callback.Refusal).Genuine {
			t.Fatalf("a signed webhook: %v", err)
		}
		fetchable(t, events, err)
	})
}
