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

func events() *rapid.Generator[relay.Event] {
	return rapid.Custom(func(t *rapid.T) relay.Event {
		text := rapid.String()
		return relay.Event{
			ID: text.Draw(t, "id"), Source: text.Draw(t, "source"), Payment: text.Draw(t, "payment"),
			Status: relay.Status(text.Draw(t, "status")), Final: rapid.Bool().Draw(t, "final"), Time: times().Draw(t, "time"),
			Amount: relay.Amount(text.Draw(t, "amount")), Currency: text.Draw(t, "currency"),
			Provider: text.Draw(t, "provider"), TransactionID: text.Draw(t, "tx"), ProviderStatus: text.Draw(t, "ps"),
		}
	})
}

func states() *rapid.Generator[relay.State] {
	return rapid.Custom(func(t *rapid.T) relay.State {
		text := rapid.String()
		s := relay.NewState(text.Draw(t, "payment"))
		s.Status, s.Final, s.Conflict = relay.Status(text.Draw(t, "status")), rapid.Bool().Draw(t, "final"), rapid.Bool().Draw(t, "conflict")
		s.Amount, s.Refunded = relay.Amount(text.Draw(t, "amount")), relay.Amount(text.Draw(t, "refunded"))
		s.Currency, s.UpdatedAt = text.Draw(t, "currency"), times().Draw(t, "updated")
		s.Position = positions().Draw(t, "position")
		return s
	})
}

func positions() *rapid.Generator[relay.Position] {
	return rapid.Custom(func(t *rapid.T) relay.Position {
		return relay.Position{Epoch: rapid.StringN(1, -1, -1).Draw(t, "epoch"), Seq: rapid.Uint64().Draw(t, "seq")}
	})
}

// same fails the test unless what was appended to x is what Marshal returns.
func same(t *rapid.T, got []byte, want any) {
	if want := "x" + string(Marshal(want)); string(got) != want {
		t.Fatalf("got  %s\nwant %s", got, want)
	}
}

func TestAppendIsMarshal(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		e, s := events().Draw(t, "event"), states().Draw(t, "state")
		same(t, AppendEvent([]byte("x"), &e), NewEvent(e))
		same(t, AppendSnapshot([]byte("x"), &s), NewSnapshot(s))

		snapshot := NewSnapshot(s)
		same(t, AppendStateMessage([]byte("x"), &s), Message{Type: "state", Snapshot: &snapshot, Position: snapshot.Position})
		event, at := NewEvent(e), positions().Draw(t, "at")
		same(t, AppendEventMessage([]byte("x"), &relay.Told{Event: e, Position: at}),
			Message{Type: "event", Position: at.String(), Event: &event})
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
		buf = AppendEvent(buf[:0], &e)
	}
}
