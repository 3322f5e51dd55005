package hmac_test

import (
	"testing"

	"github.com/tillbell/tillbell/transport/callback"
	"github.com/tillbell/tillbell/transport/callback/callbacktest"
	"github.com/tillbell/tillbell/transport/callback/hmac"
)

// FuzzSettings reads any settings: they are refused, or callbacks that are signed by them are taken.
func FuzzSettings(f *testing.F) {
	f.Add("{timestamp}.{body}", ",", "v1", "t", "", "", "id")
	f.Add("{url}{body}", "", "", "", "X-Time", "sha256=", "header:X-Id")
	f.Add("{header:X-Id}:{body}}{", "", "", "", "", "", "header:X-Id")
	f.Fuzz(func(t *testing.T, signed, separator, item, timeItem, timeHeader, prefix, id string) {
		o := hmac.Options{
			Secrets:   []string{"s3cret"},
			Signature: hmac.Signature{Header: "X-Sig", Prefix: prefix, Separator: separator, Item: item},
			Timestamp: hmac.Timestamp{Item: timeItem, Header: timeHeader},
			Signed:    signed, URL: "https://pay.shop.example/", EventID: id,
		}
		p, err := hmac.New(o)
		if err != nil {
			return
		}
		s, err := hmac.NewSigner(o, "")
		if err != nil {
			t.Fatalf("New takes the settings and NewSigner does not: %v", err)
		}
		r, err := s.Sign(paid, at)
		if err != nil {
			return
		}
		if _, err := p.Parse(r, at); err != nil {
			if reason := callbacktest.ReasonOf(t, err); reason == callback.BadSignature {
				t.Errorf("%+v: a signed callback: %v", o, err)
			}
		}
	})
}
