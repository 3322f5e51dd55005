package schemes_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/tillbell/tillbell/relay"
	"github.com/tillbell/tillbell/transport/callback"
	"github.com/tillbell/tillbell/transport/callback/schemes"
)

// TestSeenBodyUnderOtherIDs: who has seen a callback whose id is not signed can post it under others, and nothing more
// comes of it; a body that says something else keeps its own.
func TestSeenBodyUnderOtherIDs(t *testing.T) {
	o, _, err := schemes.Shopify.Throwaway()
	if err != nil {
		t.Fatal(err)
	}
	p, err := schemes.Shopify.New(o)
	if err != nil {
		t.Fatal(err)
	}
	s, err := schemes.Shopify.NewSigner(o, "")
	if err != nil {
		t.Fatal(err)
	}
	post := func(n callback.Notification, id string) string {
		t.Helper()
		r, err := s.Sign(n, time.Unix(1795312800, 0))
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("X-Shopify-Webhook-Id", id)
		events, err := p.Parse(r, time.Unix(1795312800, 0))
		if err != nil || len(events) != 1 {
			t.Fatalf("%+v, %v", events, err)
		}
		return events[0].ID
	}
	n := callback.Notification{Payment: "820982911946154508", Status: relay.Pending}
	for i := range 100 {
		if id := post(n, fmt.Sprint("forged-", i)); id != "forged-0" {
			t.Fatalf("the id is %q, want the first", id)
		}
	}
	if n.Status = relay.Paid; post(n, "genuine") != "genuine" {
		t.Error("another body does not have its own id")
	}
}
