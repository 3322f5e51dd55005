package schemes_test

import (
	"path/filepath"
	"testing"
	"time"

	"github.com/tillbell/tillbell/relay"
	"github.com/tillbell/tillbell/transport/callback"
	"github.com/tillbell/tillbell/transport/callback/callbacktest"
	"github.com/tillbell/tillbell/transport/callback/scheme"
	"github.com/tillbell/tillbell/transport/callback/schemes"
)

func suite[O scheme.Options](s *scheme.Scheme[O]) func(*testing.T) {
	return func(t *testing.T) {
		vectors := callbacktest.EachIn(t, filepath.Join("testdata", "vectors", s.About.Name))
		for _, v := range vectors {
			t.Run(v.Name, func(t *testing.T) {
				p, err := s.New(callbacktest.Decode[O](t, v.Config))
				if err != nil {
					t.Fatal(err)
				}
				v.Check(t, p)
			})
		}
		t.Run("round trips", func(t *testing.T) {
			o, _, _ := s.Throwaway()
			p, err := s.New(o)
			if err != nil {
				t.Fatal(err)
			}
			signer, err := s.NewSigner(o, "")
			if err != nil {
				t.Fatal(err)
			}
			callbacktest.RoundTrips(t, p, signer, callback.Notification{Payment: "order-7", Amount: "12.30", Currency: s.About.Currency, Time: time.Date(2026, 11, 22, 7, 0, 0, 0, time.UTC)}, s.About.Statuses...)
			for _, status := range s.About.Statuses[:min(1, len(s.About.Statuses))] {
				r, _ := signer.Sign(callback.Notification{Status: status}, time.Unix(1795312800, 0))
				t.Logf("%s %v", r.Body, r.Header)
			}
			_ = relay.Paid
		})
	}
}

func TestAll(t *testing.T) {
	t.Run("github", suite(&schemes.GitHub))
	t.Run("square", suite(&schemes.Square))
	t.Run("paddle", suite(&schemes.Paddle))
	t.Run("razorpay", suite(&schemes.Razorpay))
	t.Run("paystack", suite(&schemes.Paystack))
	t.Run("coinbase", suite(&schemes.CoinbaseCommerce))
	t.Run("lemon", suite(&schemes.LemonSqueezy))
	t.Run("checkout", suite(&schemes.CheckoutCom))
	t.Run("xendit", suite(&schemes.Xendit))
	t.Run("shopify", suite(&schemes.Shopify))
}
