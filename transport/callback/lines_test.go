package callback_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/tillbell/tillbell/relay"
	"github.com/tillbell/tillbell/transport/callback"
	"github.com/tillbell/tillbell/transport/callback/schemes"
)

// TestReplaysDoNotFillTheLog: who has seen one genuine call causes no more lines with it than who has seen none, also with
// headers changed that are not signed.
func TestReplaysDoNotFillTheLog(t *testing.T) {
	o, _, err := schemes.LemonSqueezy.Throwaway()
	if err != nil {
		t.Fatal(err)
	}
	p, err := schemes.LemonSqueezy.New(o)
	if err != nil {
		t.Fatal(err)
	}
	s, err := schemes.LemonSqueezy.NewSigner(o, "")
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ name, payment, event string }{
		{"repeated", "order-1", "order_created"},
		{"without a usable payment id", strings.Repeat("a", 200), "order_created"},
		{"malformed", "order-1", "another"},
	} {
		t.Run(c.name, func(t *testing.T) {
			h := start(t, with(p, false))
			r, err := s.Sign(callback.Notification{Payment: c.payment, Status: relay.Paid}, time.Now())
			if err != nil {
				t.Fatal(err)
			}
			r.Header.Set("X-Event-Name", c.event)
			for range 1000 {
				if w := h.post("bank", r); w.Code != http.StatusOK && w.Code != http.StatusBadRequest {
					t.Fatalf("answered %d", w.Code)
				}
			}
			if n := strings.Count(h.log.String(), "\n"); n > 100 {
				t.Errorf("%d lines", n)
			}
		})
	}
}
