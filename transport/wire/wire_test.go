package wire_test

import (
	"testing"
	"time"

	"github.com/tillbell/tillbell/relay"
	"github.com/tillbell/tillbell/transport/wire"
)

// TestEvent is the example of the contract, member by member.
func TestEvent(t *testing.T) {
	e := relay.Event{
		ID: "wechat-main:EV-2018022511223320873", Source: "wechat-main", Payment: "order-1001",
		Status: relay.Paid, Final: true, Time: time.Date(2026, 11, 22, 16, 0, 0, 0, time.FixedZone("", 8*3600)),
		Amount: "129.00", Currency: "CNY", Provider: "wechatpay-v3", TransactionID: "4200001", ProviderStatus: "SUCCESS",
		RefundID: "not told", Cumulative: true, NeedsRegistration: true,
	}
	want := `{"specversion":"1.0","id":"wechat-main:EV-2018022511223320873","source":"/sources/wechat-main","type":"payment.paid",` +
		`"subject":"order-1001","time":"2026-11-22T08:00:00Z","data":{"payment":"order-1001","status":"paid","final":true,` +
		`"amount":"129.00","currency":"CNY","provider":"wechatpay-v3","transaction_id":"4200001","provider_status":"SUCCESS"}}`
	if got := string(wire.Marshal(wire.NewEvent(e))); got != want {
		t.Errorf("%s\nwant\n%s", got, want)
	}
}

// TestMessages holds that no position is told twice, and that nothing unknown is a member.
func TestMessages(t *testing.T) {
	s := wire.NewSnapshot(relay.State{Payment: "p", Status: relay.Pending, Position: relay.Position{Epoch: "e", Seq: 3}})
	for want, m := range map[string]wire.Message{
		`{"type":"state","payment":"p","status":"pending","final":false,"conflict":false,"position":"e.3"}`: {
			Type: "state", Snapshot: &s, Position: s.Position},
		`{"type":"ping"}`:              {Type: "ping"},
		`{"type":"end","code":"done"}`: {Type: "end", Code: "done"},
	} {
		if got := string(wire.Marshal(m)); got != want {
			t.Errorf("%s\nwant\n%s", got, want)
		}
	}
	if got := wire.Time(time.Time{}); got != "" {
		t.Errorf("the zero time is %q", got)
	}
}
