package adyen_test

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	"github.com/tidwall/gjson"

	"github.com/tillbell/tillbell/transport/callback"
	"github.com/tillbell/tillbell/transport/callback/adyen"
	"github.com/tillbell/tillbell/transport/callback/callbacktest"
)

// FuzzParse changes genuine calls. The fresh keys cannot have signed any of them, whatever becomes of them.
func FuzzParse(f *testing.F) {
	for _, v := range callbacktest.Each(f) {
		f.Add(v.Request.Header.Get("HmacSignature"), v.Request.Body)
	}
	o := throwaway(f)
	payments := provider(f, o)
	platform := provider(f, adyen.Options{Style: "platform", HMACKeys: o.HMACKeys})
	f.Fuzz(func(t *testing.T, signature string, body []byte) {
		h := http.Header{"Hmacsignature": {signature}}
		for _, p := range []*adyen.Provider{payments, platform} {
			events, err := p.Parse(callback.Request{Method: "POST", Header: h, Body: body}, at)
			if err == nil {
				t.Fatalf("accepted: %+v", events)
			}
			callbacktest.ReasonOf(t, err)
		}
	})
}

// FuzzSigned signs any eight fields, so that what reads them is reached.
func FuzzSigned(f *testing.F) {
	for _, v := range callbacktest.Each(f) {
		gjson.GetBytes(v.Request.Body, "notificationItems.#.NotificationRequestItem").ForEach(func(_, i gjson.Result) bool {
			f.Add(i.Get("pspReference").Str, i.Get("originalReference").Str, i.Get("merchantAccountCode").Str,
				i.Get("merchantReference").Str, i.Get("amount.value").Raw, i.Get("amount.currency").Str,
				i.Get("eventCode").Str, i.Get("success").Str)
			return true
		})
	}
	f.Add("A:B", "", "Shop", "order:1:2", "1", "EUR", "AUTHORISATION", "true")
	o := throwaway(f)
	o.MerchantAccount = nil
	p := provider(f, o)
	f.Fuzz(func(t *testing.T, psp, original, account, reference, value, currency, code, success string) {
		fields := eight{psp, original, account, reference, value, currency, code, success}
		for i := range fields {
			text, err := json.Marshal(fields[i])
			if err != nil {
				t.Fatal(err)
			}
			fields[i] = gjson.ParseBytes(text).Str // as it arrives: JSON has no text that is not UTF-8
		}
		events, err := p.Parse(post(t, fields.signed(t, o)), at)
		for _, e := range events {
			if err := callbacktest.Wellformed(e); err != nil {
				t.Errorf("%v: %+v", err, e)
			}
			if strings.Contains(strings.Join(append(fields[:3:3], fields[4:]...), ""), ":") {
				t.Errorf("%q: %+v out of an item that may be another", fields, e)
			}
		}
		if r, ok := err.(*callback.Refusal); err != nil && (!ok || !r.Genuine && r.Reason != callback.BadSignature) {
			t.Errorf("%q: %v", fields, err)
		}
	})
}
