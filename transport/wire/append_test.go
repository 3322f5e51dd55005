package wire

import (
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/tillbell/tillbell/relay"
)

// times that relay has: any zone, any fraction, or none at all.
func times() *rapid.Generator[time.Time] {
	return rapid.Custom(func(t *rapid.T) time.Time {
		if rapid.Bool().Draw(t, "zero") {
			return time.Time{}
		}
		at := time.Unix(rapid.Int64Range(0, 1<<34).Draw(t, "s"), rapid.Int64Range(0, 999_999_999).Draw(t, "ns"))
		return at.In(time.FixedZone("", rapid.IntRange(-12, 14).Draw(t, "zone")*3600))
	})
}

func TestAppendEventIsMarshal(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		text := rapid.String()
		e := relay.Event{
			ID: text.Draw(t, "id"), Source: text.Draw(t, "source"), Payment: text.Draw(t, "payment"),
			Status: relay.Status(text.Draw(t, "status")), Final: rapid.Bool().Draw(t, "final"), Time: times().Draw(t, "time"),
			Amount: relay.Amount(text.Draw(t, "amount")), Currency: text.Draw(t, "currency"),
			Provider: text.Draw(t, "provider"), TransactionID: text.Draw(t, "tx"), ProviderStatus: text.Draw(t, "ps"),
		}
		if got, want := string(AppendEvent([]byte("x"), e)), "x"+string(Marshal(NewEvent(e))); got != want {
			t.Fatalf("got  %s\nwant %s", got, want)
		}
	})
}

func TestAppendSnapshotIsMarshal(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		text := rapid.String()
		s := relay.NewState(text.Draw(t, "payment"))
		s.Status, s.Final, s.Conflict = relay.Status(text.Draw(t, "status")), rapid.Bool().Draw(t, "final"), rapid.Bool().Draw(t, "conflict")
		s.Amount, s.Refunded = relay.Amount(text.Draw(t, "amount")), relay.Amount(text.Draw(t, "refunded"))
		s.Currency, s.UpdatedAt = text.Draw(t, "currency"), times().Draw(t, "updated")
		s.Position = relay.Position{Epoch: text.Draw(t, "epoch"), Seq: rapid.Uint64().Draw(t, "seq")}
		if got, want := string(AppendSnapshot(nil, s)), string(Marshal(NewSnapshot(s))); got != want {
			t.Fatalf("got  %s\nwant %s", got, want)
		}
	})
}

func BenchmarkAppendEvent(b *testing.B) {
	e := relay.Event{
		ID: "erp:msg_3sPm9jWGw9sRJcWzBYnAXTwQtHf", Source: "erp", Payment: "order-1001", Status: relay.Paid, Final: true,
		Time: time.Unix(1795312800, 0), Amount: "129.00", Currency: "CNY", Provider: "standard-webhooks", ProviderStatus: "payment.paid",
	}
	var buf []byte
	b.ReportAllocs()
	for b.Loop() {
		buf = AppendEvent(buf[:0], e)
	}
}
