package wechatpayv2_test

import (
	"testing"

	"github.com/tillbell/tillbell/transport/callback"
	"github.com/tillbell/tillbell/transport/callback/callbacktest"
	"github.com/tillbell/tillbell/transport/callback/wechatpayv2"
)

// FuzzParse changes genuine notices. The fresh keys can have signed and sealed none of them, whatever becomes of them.
func FuzzParse(f *testing.F) {
	for _, v := range callbacktest.Each(f) {
		f.Add(v.Request.Body)
	}
	f.Add(sealed(f, throwaway(f), refund).Body)
	o := throwaway(f)
	o.SignType = callback.List{"MD5", "HMAC-SHA256"}
	p := provider(f, o)
	f.Fuzz(func(t *testing.T, body []byte) {
		events, err := p.Parse(post(string(body)), at)
		if err == nil {
			t.Fatalf("accepted: %+v", events)
		}
		callbacktest.ReasonOf(t, err)
	})
}

// FuzzSigned signs any flat XML, so that what reads it is reached.
func FuzzSigned(f *testing.F) {
	for _, v := range callbacktest.Each(f) {
		f.Add(v.Request.Body)
	}
	o := throwaway(f)
	o.MchID, o.AppID = nil, nil
	p := provider(f, o)
	f.Fuzz(func(t *testing.T, body []byte) {
		r, ok := wechatpayv2.SignBody(t, o, body)
		if !ok {
			return
		}
		check(t, p, r)
	})
}

// FuzzSealed seals any text as a refund's.
func FuzzSealed(f *testing.F) {
	f.Add([]byte(refund.xml("root")))
	f.Add([]byte(refund.with("refund_status", "CHANGE").xml("root")))
	o := throwaway(f)
	p := provider(f, o)
	f.Fuzz(func(t *testing.T, text []byte) {
		check(t, p, wechatpayv2.SealBody(t, o, text, true))
	})
}

func check(t *testing.T, p *wechatpayv2.Provider, r callback.Request) {
	t.Helper()
	events, err := p.Parse(r, at)
	for _, e := range events {
		if err := callbacktest.Wellformed(e); err != nil {
			t.Errorf("%v: %+v", err, e)
		}
	}
	if err != nil {
		callbacktest.ReasonOf(t, err)
	}
}
