package paypal_test

import (
	"net/http"
	"testing"

	"github.com/tillbell/tillbell/transport/callback"
	"github.com/tillbell/tillbell/transport/callback/callbacktest"
	"github.com/tillbell/tillbell/transport/callback/paypal"
)

// FuzzParse changes genuine callbacks. The fresh certificate cannot have signed any of them, whatever becomes of them, and
// nothing is downloaded.
func FuzzParse(f *testing.F) {
	o, _ := throwaway()
	for _, v := range callbacktest.Each(f) {
		h := v.Request.Header
		f.Add(h.Get("Paypal-Transmission-Id"), h.Get("Paypal-Transmission-Time"), h.Get("Paypal-Transmission-Sig"),
			first(o.Certificates), h.Get("Paypal-Auth-Algo"), v.Request.Body)
		f.Add(h.Get("Paypal-Transmission-Id"), h.Get("Paypal-Transmission-Time"), h.Get("Paypal-Transmission-Sig"),
			h.Get("Paypal-Cert-Url"), h.Get("Paypal-Auth-Algo"), v.Request.Body)
	}
	p := provider(f, o)
	p.Reach(nobody(f), nil)
	f.Fuzz(func(t *testing.T, id, stamp, sig, url, algo string, body []byte) {
		h := http.Header{"Paypal-Transmission-Id": {id}, "Paypal-Transmission-Time": {stamp},
			"Paypal-Transmission-Sig": {sig}, "Paypal-Cert-Url": {url}, "Paypal-Auth-Algo": {algo}}
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
		f.Add(v.Request.Body)
	}
	o, key := throwaway()
	p := provider(f, o)
	f.Fuzz(func(t *testing.T, body []byte) {
		events, err := p.Parse(paypal.SignBody(t, o, key, at, body), at)
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

// FuzzCertificate reads anything as what a download brings.
func FuzzCertificate(f *testing.F) {
	o, _ := throwaway()
	f.Add(o.Certificates[first(o.Certificates)])
	f.Add(o.TrustedRoots + o.TrustedRoots)
	f.Add("-----BEGIN CERTIFICATE-----\n-----END CERTIFICATE-----\n")
	f.Fuzz(func(t *testing.T, text string) {
		_, err := paypal.New(paypal.Options{WebhookID: o.WebhookID, Certificates: map[string]string{"https://x": text}})
		if err == nil && text == "" {
			t.Error("no certificate at all")
		}
	})
}
