package mercadopago_test

import (
	"net/url"
	"regexp"
	"strings"
	"testing"

	"github.com/tillbell/tillbell/transport/callback"
	"github.com/tillbell/tillbell/transport/callback/callbacktest"
	"github.com/tillbell/tillbell/transport/callback/mercadopago"
)

// FuzzParse changes webhooks. The fresh secret cannot have signed any of them, whatever becomes of them.
func FuzzParse(f *testing.F) {
	for _, v := range callbacktest.Each(f) {
		h := v.Request.Header
		f.Add(h.Get("X-Signature"), h.Get("X-Request-Id"), v.Request.URL.RawQuery, v.Request.Body)
	}
	p := provider(f, throwaway(f))
	f.Fuzz(func(t *testing.T, signature, request, query string, body []byte) {
		h := map[string][]string{"X-Signature": {signature}, "X-Request-Id": {request}}
		r := callback.Request{Method: "POST", URL: &url.URL{RawQuery: query}, Header: h, Body: body}
		events, err := p.Parse(r, at)
		if err == nil {
			t.Fatalf("accepted: %+v", events)
		}
		callbacktest.ReasonOf(t, err)
	})
}

var number = regexp.MustCompile(`^[1-9][0-9]{0,19}$`)

// FuzzSigned signs anything, so that what reads it is reached. Only a number may become part of a URL.
func FuzzSigned(f *testing.F) {
	for _, v := range callbacktest.Each(f) {
		f.Add(v.Request.URL.Query().Get("data.id"), v.Request.Header.Get("X-Request-Id"), v.Request.Body)
	}
	o := throwaway(f)
	p := provider(f, o)
	f.Fuzz(func(t *testing.T, id, request string, body []byte) {
		query := url.Values{"data.id": {id}}.Encode()
		events, err := p.Parse(mercadopago.Signed(t, o, id, request, "1795312798", query, body), at)
		if err != nil && !err.(*callback.Refusal).Genuine {
			t.Fatalf("a signed webhook: %v", err)
		}
		for _, e := range events {
			if !e.Fetch || !number.MatchString(e.TransactionID) || !strings.Contains(string(body), e.TransactionID) {
				t.Errorf("%+v", e)
			}
		}
	})
}
