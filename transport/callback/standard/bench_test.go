package standard_test

import (
	"testing"
	"time"

	"github.com/tillbell/tillbell/relay"
	"github.com/tillbell/tillbell/transport/callback"
)

// BenchmarkParse measures a genuine callback with all that an event may say.
func BenchmarkParse(b *testing.B) {
	o := throwaway(b)
	p := provider(b, o)
	n := callback.Notification{Payment: "order-1001", Status: relay.Paid, Amount: "129.00", Currency: "EUR", ID: "msg_1", TransactionID: "pay_1", Time: at}
	r, err := signer(b, o, "").Sign(n, at)
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		if events, err := p.Parse(r, at.Add(time.Second)); err != nil || len(events) != 1 {
			b.Fatal(events, err)
		}
	}
}
